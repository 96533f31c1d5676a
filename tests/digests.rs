//! The example `digests` beside coreutils, byte for byte.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

#[path = "support/program.rs"]
mod program;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Seek, Write};
use std::iter;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::thread;

use program::{DEADLINE, built, wait};
use tempfile::TempDir;

/// The programs of coreutils, and what the example calls the same.
const COREUTILS: [(&str, &str); 4] =
    [("md5sum", "md5"), ("sha1sum", "sha1"), ("sha256sum", "sha256"), ("sha512sum", "sha512")];

/// The block length of the example. Inputs end before, at and behind a multiple of it.
const BLOCK: usize = 256 << 10;

/// A process that has ended.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

impl Ended {
    /// Returns what it printed, if it succeeded and reported nothing.
    #[track_caller]
    fn well(self) -> Vec<u8> {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:?}");
        self.stdout
    }
}

/// Runs `command` to its end, with `input` for its standard input.
#[track_caller]
fn run(command: &mut Command, input: &[u8]) -> Ended {
    run_beside(command.stdin(Stdio::piped()), |stdin| {
        // A process that ends early does not read all of it.
        stdin.unwrap().write_all(input).unwrap_or_default();
    })
}

/// Runs `command` to its end, and `beside` on another thread meanwhile. If the standard
/// input is a pipe, `beside` gets its other end.
#[track_caller]
fn run_beside(command: &mut Command, beside: impl FnOnce(Option<ChildStdin>) + Send) -> Ended {
    // A file takes any amount without a reader.
    let mut stdout = tempfile::tempfile().unwrap();
    command.stdout(stdout.try_clone().unwrap());
    let mut ended = run_to(command, beside);
    stdout.rewind().unwrap();
    stdout.read_to_end(&mut ended.stdout).unwrap();
    ended
}

/// As `run_beside`, with the command's own standard output.
#[track_caller]
fn run_to(command: &mut Command, beside: impl FnOnce(Option<ChildStdin>) + Send) -> Ended {
    let mut stderr = tempfile::tempfile().unwrap();
    let mut child = command.stderr(stderr.try_clone().unwrap()).spawn().unwrap();
    let stdin = child.stdin.take();
    let status = thread::scope(|threads| {
        threads.spawn(|| beside(stdin));
        wait(&mut child, DEADLINE)
    });
    let Some(status) = status else { panic!("hung for {DEADLINE:?}: {command:?}") };
    let mut message = String::new();
    stderr.rewind().unwrap();
    stderr.read_to_string(&mut message).unwrap();
    Ended { status, stdout: Vec::new(), stderr: message }
}

/// The example, built by cargo along with all tests, or now.
static EXAMPLE: LazyLock<PathBuf> = LazyLock::new(|| built("digests"));

fn digests() -> Command {
    Command::new(&*EXAMPLE)
}

fn coreutil(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C");
    command
}

/// Returns whether coreutils are installed, and reports it if they are not.
fn coreutils_are_here() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let here = COREUTILS.iter().all(|(program, _)| {
        env::split_paths(&path).any(|directory| directory.join(program).is_file()) && {
            let version = run(coreutil(program).arg("--version"), b"").stdout;
            String::from_utf8_lossy(&version).contains("coreutils")
        }
    });
    if !here {
        eprintln!("skipped: there are no coreutils on this system to compare with");
    }
    here
}

/// Returns what the example prints for these arguments, in this directory. Asserts that
/// the coreutil of that algorithm prints the same.
#[track_caller]
fn as_coreutil(
    (program, algorithm): (&str, &str),
    directory: &TempDir,
    arguments: &[impl AsRef<OsStr>],
    input: &[u8],
) -> Vec<u8> {
    let mut ours = digests();
    ours.args(["--only", algorithm]);
    let [ours, theirs] = [ours, coreutil(program)]
        .map(|mut command| run(command.args(arguments).current_dir(directory), input).well());
    assert_eq!(ours.escape_ascii().to_string(), theirs.escape_ascii().to_string(), "{program}");
    ours
}

/// Runs a coreutil that checks `lines`, in this directory.
fn check(program: &str, flags: &[&str], directory: &TempDir, lines: &[u8]) -> Ended {
    run(coreutil(program).arg("--check").args(flags).current_dir(directory), lines)
}

/// Returns the arguments for plain lines, and those for tagged ones.
fn plain_and_tagged(names: &[OsString]) -> [Vec<OsString>; 2] {
    [names.to_vec(), iter::once("--tag".into()).chain(names.iter().cloned()).collect()]
}

/// Returns pseudo-random bytes, the same ones for the same length.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ length as u64;
    let words = iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

/// Makes files of all the lengths that matter. Returns their directory and their names.
fn samples() -> (TempDir, Vec<OsString>) {
    let lengths = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, (3 << 20) + 77];
    let directory = tempfile::tempdir().unwrap();
    let names = lengths.map(|length| {
        let name = OsString::from(format!("{length} bytes"));
        fs::write(directory.path().join(&name), noise(length)).unwrap();
        name
    });
    (directory, names.into())
}

#[test]
fn the_block_length_is_that_of_the_example() {
    let source = include_str!("../examples/support/mod.rs");
    assert!(source.contains("const BLOCK: usize = 256 << 10;"));
}

#[test]
fn one_algorithm_prints_what_its_coreutil_prints_and_checks() {
    if !coreutils_are_here() {
        return;
    }
    let (directory, names) = samples();
    for (program, algorithm) in COREUTILS {
        for arguments in plain_and_tagged(&names) {
            let lines = as_coreutil((program, algorithm), &directory, &arguments, b"");
            check(program, &["--strict"], &directory, &lines).well();
        }
    }
}

#[test]
fn all_algorithms_print_tagged_lines_file_by_file_in_a_fixed_order() {
    if !coreutils_are_here() {
        return;
    }
    let (directory, names) = samples();
    let mut expected = String::new();
    for name in &names {
        for (program, _) in COREUTILS {
            let mut tagged = coreutil(program);
            let line = run(tagged.arg("--tag").arg(name).current_dir(&directory), b"").well();
            expected += &String::from_utf8(line).unwrap();
        }
        let data = fs::read(directory.path().join(name)).unwrap();
        let name = name.to_str().unwrap();
        expected += &format!("BLAKE3 ({name}) = {}\n", blake3::hash(&data));
        expected += &format!("CRC32 ({name}) = {:08x}\n", crc32fast::hash(&data));
    }
    let printed = run(digests().args(&names).current_dir(&directory), b"").well();
    assert_eq!(String::from_utf8(printed).unwrap(), expected);
}

#[test]
fn blake3_and_crc32_alone_print_what_their_crates_compute() {
    for length in [0, 1, BLOCK, 2 * BLOCK + 1] {
        let data = noise(length);
        let of = |algorithm| {
            let printed = run(digests().args(["--only", algorithm]), &data).well();
            String::from_utf8(printed).unwrap()
        };
        assert_eq!(of("blake3"), format!("{}  -\n", blake3::hash(&data)));
        assert_eq!(of("crc32"), format!("{:08x}  -\n", crc32fast::hash(&data)));
    }
}

#[test]
fn each_coreutil_checks_its_own_lines_among_all() {
    if !coreutils_are_here() {
        return;
    }
    let (directory, names) = samples();
    let all = run(digests().args(&names).current_dir(&directory), b"").well();
    let verdicts: String =
        names.iter().map(|name| format!("{}: OK\n", name.to_str().unwrap())).collect();
    for (program, _) in COREUTILS {
        let checked = check(program, &[], &directory, &all);
        assert!(checked.status.success(), "{checked:?}");
        assert_eq!(String::from_utf8(checked.stdout).unwrap(), verdicts, "{program}");
    }
    fs::write(directory.path().join(&names[1]), "another").unwrap();
    for (program, _) in COREUTILS {
        let checked = check(program, &[], &directory, &all);
        assert_eq!(checked.status.code(), Some(1), "{program} must see the change");
    }
}

#[test]
fn algorithms_come_once_and_in_order_however_they_are_asked_for() {
    let ask = |only: &[&str]| run(digests().args(only), b"abc").well();
    let repeated = ask(&["--only", "crc32,md5", "--only", "sha1", "--only", "md5,crc32"]);
    assert_eq!(repeated, ask(&["--only", "md5,sha1,crc32"]));
    assert_eq!(
        String::from_utf8(repeated).unwrap(),
        "MD5 (-) = 900150983cd24fb0d6963f7d28e17f72\n\
         SHA1 (-) = a9993e364706816aba3e25717850c26c9cd0d89d\n\
         CRC32 (-) = 352441c2\n"
    );
}

#[test]
fn an_unknown_algorithm_is_refused() {
    let ended = run(digests().args(["--only", "md5,md6"]), b"");
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stdout.is_empty() && ended.stderr.contains("'md6'"), "{ended:?}");
}

#[test]
fn standard_input_is_read_without_a_file_and_for_a_dash() {
    if !coreutils_are_here() {
        return;
    }
    let (directory, names) = samples();
    let file = names[1].to_str().unwrap();
    let data = noise(3 * BLOCK + 5);
    for tool in COREUTILS {
        for arguments in [&[][..], &["-"], &[file, "-", file], &["-", "-"]] {
            as_coreutil(tool, &directory, arguments, &data);
        }
    }
}

#[test]
fn odd_names_are_escaped_as_coreutils_do() {
    if !coreutils_are_here() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut names: Vec<OsString> =
        [" ", "a  b", "back\\slash", "new\nline", "\\n", "(x) = y", "é"].map(OsString::from).into();
    if cfg!(not(target_vendor = "apple")) {
        // Names there are any bytes, not only Unicode.
        names.push(OsStr::from_bytes(b"\xe9t\xe9\\").to_owned());
    }
    for name in &names {
        fs::write(directory.path().join(name), name.as_bytes()).unwrap();
    }
    for (program, algorithm) in COREUTILS {
        for arguments in plain_and_tagged(&names) {
            let lines = as_coreutil((program, algorithm), &directory, &arguments, b"");
            check(program, &["--strict"], &directory, &lines).well();
        }
    }
}

/// Coreutils before 9.0 leave a carriage return as it is.
#[test]
fn a_carriage_return_in_a_name_is_escaped() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a\rb"), "abc").unwrap();
    let mut command = digests();
    let printed = run(command.args(["--only", "crc32", "a\rb"]).current_dir(&directory), b"");
    assert_eq!(printed.well().escape_ascii().to_string(), "\\\\352441c2  a\\\\rb\\n");
}

#[test]
fn a_file_that_cannot_be_read_fails_and_the_others_are_done() {
    let (directory, names) = samples();
    fs::create_dir(directory.path().join("a directory")).unwrap();
    let [first, last] = [&names[2], &names[4]];
    let good = run(digests().args([first, last]).current_dir(&directory), b"").well();
    for (bad, reason) in
        [("missing", "No such file"), ("a directory", "Is a directory"), ("", "No such file")]
    {
        let ended = run(digests().arg(first).arg(bad).arg(last).current_dir(&directory), b"");
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(ended.stdout, good, "after {bad:?}");
        assert!(ended.stderr.starts_with(&format!("digests: {bad}: {reason}")), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn an_input_that_fails_midway_has_no_digest() {
    let listener = TcpListener::bind("localhost:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    far.set_write_timeout(Some(DEADLINE)).unwrap();
    // A connection that is closed with something unread is reset: its reader
    // gets an error and not the end.
    near.write_all(b"unread").unwrap();
    far.peek(&mut [0]).unwrap();
    let (directory, names) = samples();
    let mut command = digests();
    command.arg("-").arg(&names[1]).current_dir(&directory).stdin(OwnedFd::from(near));
    let ended = run_beside(&mut command, |_| {
        // More than the buffers on the way take: some of it has been read.
        far.write_all(&vec![7; 16 << 20]).unwrap_or_default();
        drop(far);
    });
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.starts_with("digests: -: Connection reset"), "{ended:?}");
    let good = run(digests().arg(&names[1]).current_dir(&directory), b"").well();
    assert_eq!(ended.stdout.escape_ascii().to_string(), good.escape_ascii().to_string());
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = reader.stdin.take().unwrap();
    wait(&mut reader, DEADLINE).unwrap();
    // A process that another test is starting has the other end, too, until it runs.
    while pipe.write(b"\n").is_ok() {
        thread::yield_now();
    }
    let mut command = digests();
    command.args(["-", "missing and not looked at"]).stdin(Stdio::null()).stdout(pipe);
    run_to(&mut command, drop).well();
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_takes_nothing_is_an_error() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ended = run_to(digests().stdin(Stdio::null()).stdout(full), drop);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.starts_with("digests: standard output: No space left"), "{ended:?}");
}

#[test]
fn statistics_fit_in_a_terminal_and_in_a_pipe() {
    let ended = run(digests().args(["--stats", "--only", "md5,crc32"]), &noise(3 * BLOCK));
    assert!(ended.status.success() && !ended.stdout.is_empty(), "{ended:?}");
    let names = ["scan ", "0 MD5 ", "1 CRC32 ", "input ", "consumer ", "the bottleneck is "];
    for (line, name) in iter::zip(ended.stderr.lines(), names) {
        assert!(line.starts_with(name) && line.chars().count() <= 80, "{ended:?}");
        assert!(!line.contains(char::is_control), "{ended:?}");
    }
    assert!(ended.stderr.lines().count() >= names.len(), "{ended:?}");
}
