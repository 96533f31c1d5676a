//! Which workers a run has: how many, in which processes, at which addresses.

use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::SetupError;

/// The port of the first process where no host file is given.
const FIRST_PORT: usize = 2101;

/// The workers of a run: threads of this process, and of others.
///
/// # Examples
///
/// ```
/// use anabranch_timely::Setup;
///
/// // Two workers in this process.
/// let setup = Setup::new().workers(2);
/// assert_eq!(setup.peers(), 2);
///
/// // What a program was started with; the rest is the program's own.
/// let args = ["-w", "2", "--stats", "a.txt"].map(String::from);
/// let (setup, rest) = Setup::from_args(args)?;
/// assert_eq!(setup.peers(), 2);
/// assert_eq!(rest, ["--stats", "a.txt"]);
/// # Ok::<(), anabranch_timely::SetupError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a set-up does nothing until `execute` or `spawn` takes it"]
pub struct Setup {
    pub(crate) workers: usize,
    pub(crate) process: usize,
    pub(crate) hosts: Vec<String>,
    pub(crate) serialised: bool,
    pub(crate) wait: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Makes a set-up of one worker in one process.
    pub fn new() -> Self {
        Self {
            workers: 1,
            process: 0,
            hosts: Vec::new(),
            serialised: false,
            wait: Duration::from_secs(30),
        }
    }

    /// Sets the number of workers in each process. The default is 1.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the addresses of all processes, as `host:port`, and which of them this process is.
    /// Without any, it is alone.
    ///
    /// A process listens on what its own host resolves to on its own machine. Some systems resolve
    /// a machine's own name to 127.0.1.1, where no other machine gets through: there, give the
    /// machine's address in place of its name.
    pub fn cluster<H>(mut self, process: usize, hosts: H) -> Self
    where
        H: IntoIterator,
        H::Item: Into<String>,
    {
        self.process = process;
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Serialises what is sent between the workers of a process too, as if each were a process.
    pub fn serialised(mut self) -> Self {
        self.serialised = true;
        self
    }

    /// Sets how long a start waits for the other processes. The default is 30 seconds.
    pub fn wait_for_peers(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Reads the arguments that timely's programs usually have, and returns all others in their
    /// order.
    ///
    /// | argument | meaning | default |
    /// |---|---|---|
    /// | `-w`, `--threads` | the number of workers in each process | 1 |
    /// | `-n`, `--processes` | the number of processes | as many as the host file has, or 1 |
    /// | `-p`, `--process` | which of them this is, from 0 | 0 |
    /// | `-h`, `--hostfile` | a file with the address of each process on a line of its own | `localhost`, ports from 2101 |
    /// | `-z`, `--zerocopy` | [serialises](Self::serialised) between the workers of a process too | |
    /// | `--wait` | how long to [wait](Self::wait_for_peers) for the others, in seconds | 30 |
    ///
    /// Values come as the next argument, as in `-w 2`, or in the same, as in `-w2` and
    /// `--threads=2`. `--`, and everything behind it, is left alone.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is missing or out of range, or if the host file cannot be read
    /// or has too few lines.
    pub fn from_args<A>(args: A) -> Result<(Self, Vec<String>), SetupError>
    where
        A: IntoIterator<Item = String>,
    {
        let mut setup = Self::new();
        let (mut processes, mut hostfile, mut rest) = (None, None, Vec::new());
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let (option, inline) = match kind_of(&arg) {
                Kind::Other => {
                    rest.push(arg);
                    continue;
                }
                Kind::Separator => {
                    rest.push(arg);
                    rest.extend(args);
                    break;
                }
                Kind::Serialised => {
                    setup.serialised = true;
                    continue;
                }
                Kind::Option(option, inline) => (option, inline),
            };
            let Some(value) = inline.map(String::from).or_else(|| args.next()) else {
                return Err(SetupError::Argument { argument: arg, value: None });
            };
            match option {
                Opt::Workers => setup.workers = number(&arg, &value, 1)?,
                Opt::Processes => processes = Some(number(&arg, &value, 1)?),
                Opt::Process => setup.process = number(&arg, &value, 0)?,
                Opt::Wait => setup.wait = Duration::from_secs(number(&arg, &value, 0)? as u64),
                Opt::HostFile => hostfile = Some(PathBuf::from(value)),
            }
        }
        let hosts = match hostfile {
            Some(path) => read_hosts(&path, processes)?,
            None => {
                let processes = processes.unwrap_or(1);
                (0..processes).map(|i| format!("localhost:{}", FIRST_PORT + i)).collect()
            }
        };
        if hosts.len() > 1 {
            setup.hosts = hosts;
        }
        setup.check_range()?;
        Ok((setup, rest))
    }

    /// Returns the number of processes.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.hosts.len().max(1)
    }

    /// Returns the index of this process.
    #[must_use]
    pub fn process(&self) -> usize {
        self.process
    }

    /// Returns the number of workers of all processes.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.processes() * self.workers
    }

    fn check_range(&self) -> Result<(), SetupError> {
        let processes = self.processes();
        if self.workers == 0 {
            return Err(SetupError::Empty);
        }
        if self.process >= processes {
            return Err(SetupError::ProcessOutOfRange { process: self.process, processes });
        }
        Ok(())
    }

    /// Checks everything that can be checked without the other processes, and resolves the
    /// addresses.
    pub(crate) fn resolve(&self) -> Result<Vec<Vec<SocketAddr>>, SetupError> {
        self.check_range()?;
        for (i, address) in self.hosts.iter().enumerate() {
            if self.hosts[..i].contains(address) {
                return Err(SetupError::RepeatedAddress { address: address.clone() });
            }
        }
        self.hosts.iter().map(|address| resolve(address)).collect()
    }
}

/// What an argument is.
enum Kind<'a> {
    /// An option, with the value inside it.
    Option(Opt, Option<&'a str>),
    Serialised,
    Separator,
    /// The program's own.
    Other,
}

#[derive(Clone, Copy)]
enum Opt {
    Workers,
    Processes,
    Process,
    HostFile,
    Wait,
}

fn kind_of(arg: &str) -> Kind<'_> {
    match arg {
        "--" => Kind::Separator,
        "-z" | "--zerocopy" => Kind::Serialised,
        _ => option_of(arg).map_or(Kind::Other, |(option, value)| Kind::Option(option, value)),
    }
}

fn option_of(arg: &str) -> Option<(Opt, Option<&str>)> {
    const LONG: [(&str, Opt); 5] = [
        ("--threads", Opt::Workers),
        ("--processes", Opt::Processes),
        ("--process", Opt::Process),
        ("--hostfile", Opt::HostFile),
        ("--wait", Opt::Wait),
    ];
    const SHORT: [(&str, Opt); 4] =
        [("-w", Opt::Workers), ("-n", Opt::Processes), ("-p", Opt::Process), ("-h", Opt::HostFile)];
    if arg.starts_with("--") {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        let (_, option) = LONG.into_iter().find(|(long, _)| *long == name)?;
        return Some((option, value));
    }
    let (short, option) = SHORT.into_iter().find(|(short, _)| arg.starts_with(short))?;
    let value = &arg[short.len()..];
    Some((option, Some(value).filter(|value| !value.is_empty())))
}

fn number(argument: &str, value: &str, least: usize) -> Result<usize, SetupError> {
    match value.parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(SetupError::Argument {
            argument: argument.to_owned(),
            value: Some(value.to_owned()),
        }),
    }
}

fn read_hosts(path: &Path, processes: Option<usize>) -> Result<Vec<String>, SetupError> {
    let text = fs::read_to_string(path)
        .map_err(|source| SetupError::HostFile { path: path.to_owned(), source })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let hosts: Vec<_> = lines.take(processes.unwrap_or(usize::MAX)).map(String::from).collect();
    let (found, wanted) = (hosts.len(), processes.unwrap_or(1));
    if found < wanted { Err(SetupError::TooFewHosts { found, wanted }) } else { Ok(hosts) }
}

fn resolve(address: &str) -> Result<Vec<SocketAddr>, SetupError> {
    let failed = |source| SetupError::Address { address: address.to_owned(), source };
    let found: Vec<_> = address.to_socket_addrs().map_err(failed)?.collect();
    match found.first() {
        Some(first) if first.port() != 0 => Ok(found),
        _ => Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "no address, or port 0"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_args(args: &str) -> Result<(Setup, Vec<String>), SetupError> {
        Setup::from_args(args.split_whitespace().map(String::from))
    }

    #[test]
    fn arguments_in_every_form() {
        for args in ["-w 3 -n 2 -p 1", "-w3 -n2 -p1", "--threads=3 --processes 2 --process=1"] {
            let (setup, rest) = from_args(args).unwrap();
            assert_eq!((setup.workers, setup.processes(), setup.process()), (3, 2, 1), "{args}");
            assert_eq!(setup.hosts, ["localhost:2101", "localhost:2102"]);
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn other_arguments_are_left_in_their_order() {
        let (setup, rest) = from_args("--top 3 -z -zap a.txt --wait 5 -- -w 9").unwrap();
        assert!(setup.serialised);
        assert_eq!(setup.wait, Duration::from_secs(5));
        assert_eq!(setup.workers, 1);
        assert_eq!(rest, ["--top", "3", "-zap", "a.txt", "--", "-w", "9"]);
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (args, argument) in [("-w", "-w"), ("-w 0", "-w"), ("-n x", "-n"), ("-p -1", "-p")] {
            match from_args(args) {
                Err(SetupError::Argument { argument: named, .. }) => assert_eq!(named, argument),
                other => panic!("{args}: {other:?}"),
            }
        }
        assert!(matches!(
            from_args("-n 2 -p 2"),
            Err(SetupError::ProcessOutOfRange { process: 2, processes: 2 })
        ));
    }

    #[test]
    fn a_host_file_has_to_be_complete() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "one:1\n\ntwo:2\n").unwrap();
        let args = |n: usize| format!("-n {n} -h {}", file.path().display());
        assert_eq!(from_args(&args(2)).unwrap().0.hosts, ["one:1", "two:2"]);
        assert!(matches!(
            from_args(&args(3)),
            Err(SetupError::TooFewHosts { found: 2, wanted: 3 })
        ));
        assert!(matches!(from_args("-n 2 -h /no/file"), Err(SetupError::HostFile { .. })));
        assert!(matches!(from_args("-h /no/file"), Err(SetupError::HostFile { .. })));
    }

    #[test]
    fn a_host_file_says_how_many_processes_there_are() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let args = |more: &str| format!("-h {} {more}", file.path().display());
        assert!(matches!(
            from_args(&args("")),
            Err(SetupError::TooFewHosts { found: 0, wanted: 1 })
        ));
        fs::write(file.path(), "one:1\ntwo:2\n").unwrap();
        assert_eq!(from_args(&args("-p 1")).unwrap().0.hosts, ["one:1", "two:2"]);
        assert_eq!(from_args(&args("-n 1")).unwrap().0.processes(), 1);
    }

    #[test]
    fn addresses_are_checked_before_anything_starts() {
        let resolve = |hosts: [&str; 2]| Setup::new().cluster(0, hosts).resolve();
        assert!(resolve(["127.0.0.1:2101", "127.0.0.1:2102"]).is_ok());
        for bad in ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", ""] {
            let address = match resolve(["127.0.0.1:2101", bad]) {
                Err(SetupError::Address { address, .. }) => address,
                other => panic!("{bad}: {other:?}"),
            };
            assert_eq!(address, bad);
        }
        assert!(matches!(
            resolve(["127.0.0.1:2101", "127.0.0.1:2101"]),
            Err(SetupError::RepeatedAddress { .. })
        ));
        assert!(matches!(Setup::new().workers(0).resolve(), Err(SetupError::Empty)));
        assert!(matches!(
            Setup::new().cluster(2, ["127.0.0.1:1", "127.0.0.1:2"]).resolve(),
            Err(SetupError::ProcessOutOfRange { .. })
        ));
    }
}
