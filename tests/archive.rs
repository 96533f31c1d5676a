//! The example `archive`: what it writes and reports, and what it leaves behind when it
//! fails.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::str;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use program::{Ended, Example};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

static EXAMPLE: LazyLock<Example> = LazyLock::new(|| Example::new("archive"));

/// The block length of the example.
const BLOCK: usize = 256 << 10;

/// A folder with one file in it.
fn folder(text: &[u8]) -> (TempDir, [String; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let [file, to] = ["file", "file.gz"].map(|name| folder.path().join(name));
    fs::write(&file, text).unwrap();
    let names = [file, to].map(|path| path.to_str().unwrap().to_owned());
    (folder, names)
}

/// Returns the names of all files in the folder, in order.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[track_caller]
fn report(ended: Ended) -> Vec<String> {
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    ended.stdout.lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_fails(ended: &Ended, message: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert!(ended.stderr.starts_with(&format!("archive: {message}")), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

fn decompressed(path: &str) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    text
}

/// Returns what a program of the system prints about the file, if there is such a program.
fn system(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).env("LC_ALL", "C").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// Texts whose words, and whose characters, cross the ends of blocks.
fn texts() -> Vec<Vec<u8>> {
    let line = "to be, or not to be: ähm, 字 und 🦀\t\u{b}that\r\n".as_bytes();
    let long: Vec<u8> = line.iter().copied().cycle().take(3 * BLOCK + 7 * line.len()).collect();
    let mut texts: Vec<_> = (0..4).map(|cut| long[cut..].to_vec()).collect();
    texts.extend(["", "\n", "word", " two  words "].map(|text| text.as_bytes().to_vec()));
    texts.push(vec![b'x'; BLOCK]);
    texts.push([vec![b'x'; BLOCK], b" y".to_vec()].concat());
    texts
}

#[test]
fn the_block_length_is_that_of_the_example() {
    let source = include_str!("../examples/support/mod.rs");
    assert!(source.contains("const BLOCK: usize = 256 << 10;"));
}

#[test]
fn the_report_is_that_of_separate_passes() {
    for text in texts() {
        let (folder, [file, to]) = folder(&text);
        let lines = report(EXAMPLE.run(&[&file, "--to", &to], b""));
        let white = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
        let digest: String = Sha256::digest(&text).iter().map(|b| format!("{b:02x}")).collect();
        let utf8 = str::from_utf8(&text)
            .map_or_else(|e| format!("no, byte {} is wrong", e.valid_up_to()), |_| "yes".into());
        assert_eq!(
            lines,
            [
                format!("SHA256   {digest}"),
                format!("lines    {}", text.iter().filter(|byte| **byte == b'\n').count()),
                format!("words    {}", text.split(white).filter(|word| !word.is_empty()).count()),
                format!("bytes    {}", text.len()),
                format!("gzip     {}", fs::metadata(&to).unwrap().len()),
                format!("UTF-8    {utf8}"),
            ]
        );
        assert!(decompressed(&to) == text, "another text");
        assert_eq!(names(&folder), ["file", "file.gz"]);
        assert_eq!(report(EXAMPLE.run(&["--to", &to], &text)), lines, "from standard input");
    }
}

#[test]
fn the_programs_of_the_system_agree() {
    let text = "to be or not\tto be\n".repeat(50_000);
    let (_folder, [file, to]) = folder(text.as_bytes());
    let lines = report(EXAMPLE.run(&[&file, "--to", &to], b""));
    let value = |at: usize| lines[at].split_whitespace().nth(1).unwrap().to_owned();
    if let Some(sum) = system("sha256sum", &[&file]) {
        assert_eq!(sum.split(' ').next(), Some(&*value(0)));
    }
    if let Some(counts) = system("wc", &[&file]) {
        let counts: Vec<_> = counts.split_whitespace().take(3).collect();
        assert_eq!(counts, [value(1), value(2), value(3)]);
    }
    if system("gzip", &["--version"]).is_some() {
        assert_eq!(system("gzip", &["-dc", &to]), Some(text));
    }
}

#[test]
fn the_first_byte_that_is_not_utf8_is_found() {
    // At the end of a block; a character of two blocks that goes wrong; one that is cut off.
    for (at, tail) in [
        (0, &b"\xff and more"[..]),
        (BLOCK - 1, b"\xff and more"),
        (BLOCK - 1, b"\xe5\xad\x20"),
        (BLOCK - 2, b"\xf0\x9f\xa6"),
        (2 * BLOCK + 5, b"\xc3"),
    ] {
        let text = [&vec![b'a'; at], tail].concat();
        let (folder, [file, to]) = folder(&text);
        let lines = report(EXAMPLE.run(&[&file, "--to", &to], b""));
        assert_eq!(lines[5], format!("UTF-8    no, byte {at} is wrong"));
        assert!(decompressed(&to) == text, "another text");
        fs::remove_file(&to).unwrap();

        let ended = EXAMPLE.run(&[&file, "--strict", "--to", &to], b"");
        assert_fails(&ended, &format!("{file}: byte {at} is not UTF-8"));
        assert_eq!(names(&folder), ["file"]);
        if system("iconv", &["--version"]).is_some() {
            assert_eq!(system("iconv", &["-f", "UTF-8", "-t", "UTF-16", &file]), None);
        }
    }
}

#[test]
fn a_fault_ends_an_endless_input() {
    let (folder, [_, to]) = folder(b"");
    let ended = EXAMPLE.run_between(
        &["--strict", "--to", &to],
        |mut stdin| while std::io::Write::write_all(&mut stdin, &[0xff; 1 << 16]).is_ok() {},
        |stdout| std::io::read_to_string(stdout).unwrap(),
    );
    assert_fails(&ended, "-: byte 0 is not UTF-8");
    assert_eq!(names(&folder), ["file"]);
}

#[test]
fn an_archive_that_cannot_be_written_is_named() {
    let (folder, [file, _]) = folder(b"text");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (missing, into, taken) = (path("missing"), path("no/such.gz"), path("folder"));
    fs::create_dir(Path::new(&taken)).unwrap();
    assert_fails(&EXAMPLE.run(&[&missing, "--to", &path("x.gz")], b""), &format!("{missing}: "));
    assert_fails(&EXAMPLE.run(&[&taken, "--to", &path("x.gz")], b""), &format!("{taken}: "));
    assert_fails(&EXAMPLE.run(&[&file, "--to", &into], b""), &format!("{into}: "));
    let what = format!("{taken}: not a regular file");
    assert_fails(&EXAMPLE.run(&[&file, "--to", &taken], b""), &what);
    assert_eq!(names(&folder), ["file", "folder"]);
}

/// A limit on the length of files stands for a disk that is full.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_ends_the_run_and_leaves_the_older_archive() {
    let (folder, [_, to]) = folder(b"");
    fs::write(&to, "older").unwrap();
    let ended = EXAMPLE.under("ulimit -f 4; trap '' XFSZ").run_between(
        &["--to", &to],
        |mut stdin| {
            // Does not compress, and does not end.
            let mut noise = 1_u64;
            let mut block = || {
                let mut next = || {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    noise.to_le_bytes()
                };
                (0..1 << 13).flat_map(|_| next()).collect::<Vec<_>>()
            };
            while std::io::Write::write_all(&mut stdin, &block()).is_ok() {}
        },
        |stdout| std::io::read_to_string(stdout).unwrap(),
    );
    assert_fails(&ended, &format!("{to}: File too large"));
    assert_eq!(names(&folder), ["file", "file.gz"]);
    assert_eq!(fs::read(&to).unwrap(), b"older");
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_quiet_and_a_full_one_is_an_error() {
    let (folder, [file, to]) = folder(b"text");
    let ended = EXAMPLE.run_into_closed(&[&file, "--to", &to], b"");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(decompressed(&to), b"text");
    if cfg!(target_os = "linux") {
        let ended = EXAMPLE.under("exec >/dev/full").run(&[&file, "--to", &to], b"");
        assert_fails(&ended, "standard output: No space left");
    }
    assert_eq!(names(&folder), ["file", "file.gz"]);
}

#[test]
fn statistics_have_the_names_of_the_branches() {
    let (_folder, [file, to]) = folder(b"text");
    let ended = EXAMPLE.run(&[&file, "--stats", "--to", &to], b"");
    for name in ["gzip", "SHA256", "lines", "words", "bytes", "UTF-8"] {
        assert!(ended.stderr.contains(&format!(" {name} ")), "{ended:?}");
    }
}
