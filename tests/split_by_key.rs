//! The example `split_by_key`: its files, and what it leaves behind when it fails.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use program::{Ended, Example};
use tempfile::TempDir;

static EXAMPLE: LazyLock<Example> = LazyLock::new(|| Example::new("split_by_key"));

/// Returns the texts of all files in the folder, by their names.
fn texts(folder: &TempDir) -> BTreeMap<String, String> {
    let text = |path| {
        let mut text = String::new();
        GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        text
    };
    let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), text(entry.path()))).collect()
}

#[track_caller]
fn assert_fails(ended: &Ended, message: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert!(ended.stderr.starts_with(&format!("split_by_key: {message}")), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn each_file_has_the_lines_of_its_key_in_order() {
    let lines: Vec<_> = (0..50_000_u64).map(|n| format!(" key{} {n}", n * n % 37)).collect();
    let mut expected = BTreeMap::<_, (u64, String)>::new();
    for line in &lines {
        let key = line.split_whitespace().next().unwrap();
        let (count, text) = expected.entry(format!("{key}.gz")).or_default();
        *count += 1;
        *text += &format!("{line}\n");
    }
    for threads in [&[][..], &["--threads", "1"], &["--threads", "5"]] {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().to_str().unwrap();
        let ended = EXAMPLE.run(&[&["--to", to], threads].concat(), lines.join("\n\n").as_bytes());
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
        let printed: String = expected
            .iter()
            .map(|(name, (count, _))| {
                format!("{count:>8}  {}\n", folder.path().join(name).display())
            })
            .collect();
        assert_eq!(ended.stdout, printed);
        let written = expected.iter().map(|(name, (_, text))| (name.clone(), text.clone()));
        assert!(texts(&folder) == written.collect(), "other files");
    }
}

#[test]
fn no_line_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let ended = EXAMPLE.run(&["--to", folder.path().to_str().unwrap()], b"\n  \n");
    assert!(ended.status.success() && ended.stdout.is_empty(), "{ended:?}");
    assert!(texts(&folder).is_empty());
}

#[test]
fn bad_input_is_named_and_leaves_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    for (line, what) in [
        (&b"../up b"[..], "\"../up\" cannot be a file name"),
        (b".hidden", "\".hidden\" cannot be a file name"),
        (b"a/b", "\"a/b\" cannot be a file name"),
        (b"\xff", "stream did not contain valid UTF-8"),
    ] {
        let text = [&b"a 1\nb 2\n"[..], line, b"\na 3\n"].concat();
        assert_fails(&EXAMPLE.run(&["--to", to], &text), &format!("-: line 3: {what}"));
        assert!(texts(&folder).is_empty());
    }
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    assert_fails(&EXAMPLE.run(&[missing, "--to", to], b""), &format!("{missing}: "));
    assert_fails(&EXAMPLE.run(&["--to", missing], b"a 1\n"), &format!("{missing}/a.gz: "));
}

/// The error of one key ends the run, though the input is endless.
#[test]
#[cfg(target_os = "linux")]
fn a_file_that_cannot_be_written_ends_the_run() {
    for limit in ["ulimit -n 20", "ulimit -f 4; trap '' XFSZ"] {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().to_str().unwrap();
        let ended = EXAMPLE.under(limit).run_between(
            &["--to", to],
            |mut stdin| {
                let noise = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
                let mut lines = (0..).map(|n| format!("{} {:x}\n", n % 100, noise(n)));
                let mut block = || lines.by_ref().take(1000).collect::<String>();
                while std::io::Write::write_all(&mut stdin, block().as_bytes()).is_ok() {}
            },
            |stdout| std::io::read_to_string(stdout).unwrap(),
        );
        assert_fails(&ended, &format!("{to}/"));
        assert!(texts(&folder).is_empty());
    }
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_quiet_and_a_full_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let ended = EXAMPLE.run_into_closed(&["--to", to], b"a 1\n");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(texts(&folder), BTreeMap::from([("a.gz".to_owned(), "a 1\n".to_owned())]));
    if cfg!(target_os = "linux") {
        let ended = EXAMPLE.under("exec >/dev/full").run(&["--to", to], b"a 1\n");
        assert_fails(&ended, "standard output: No space left");
    }
}

#[test]
fn statistics_have_a_line_for_each_thread() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let ended = EXAMPLE.run(&["--stats", "--threads", "3", "--to", to], b"a 1\nb 2\n");
    assert!(ended.stderr.contains("\n2 ") && !ended.stderr.contains("\n3 "), "{ended:?}");
}
