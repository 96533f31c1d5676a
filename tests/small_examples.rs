//! The smaller examples: what they print, and their errors for bad input.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::mpsc;

use program::{Ended, Example};

#[track_caller]
fn assert_prints(ended: &Ended, expected: &[&str]) {
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), expected);
}

#[track_caller]
fn assert_fails(ended: &Ended, message: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.stderr.trim_end(), message);
}

const LOG: &str = "\
1.2.3.4 - - [12/Mar/2026:07:00:00 +0000] \"GET /index.html HTTP/1.1\" 200 4096
1.2.3.5 - - [12/Mar/2026:07:01:00 +0000] \"GET / HTTP/1.1\" 404 615
1.2.3.4 - - [12/Mar/2026:08:00:00 +0000] \"HEAD / HTTP/1.1\" 200 -
";

#[test]
fn a_log_is_reported_in_one_pass() {
    let (example, folder) = (Example::new("log_report"), tempfile::tempdir().unwrap());
    let log = folder.path().join("access.log");
    let path = log.to_str().unwrap();
    fs::write(&log, LOG).unwrap();
    assert_prints(
        &example.run(&[path], b""),
        &[
            "requests        3",
            "bytes           4711",
            "hosts           2",
            "errors          1",
            "largest         4096 bytes: GET /index.html HTTP/1.1",
            "busiest hour    12/Mar/2026:07 (2 requests)",
        ],
    );
    let ended = example.run(&["--stats", path], b"");
    assert!(ended.stderr.contains("scan 2 (hosts) "), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("the bottleneck is "), "{ended:?}");

    fs::write(&log, "").unwrap();
    let empty =
        ["requests        0", "bytes           0", "hosts           0", "errors          0"];
    assert_prints(&example.run(&[path], b""), &empty);

    for (line, shown) in
        [("nonsense", "\"nonsense\""), ("a [b] \"c\" d e", "\"a [b] \\\"c\\\" d e\"")]
    {
        fs::write(&log, format!("{LOG}{line}\n{LOG}")).unwrap();
        let what = format!("line 4: not in the Common Log Format: {shown}");
        assert_fails(&example.run(&[path], b""), &format!("log_report: {path}: {what}"));
    }
    fs::write(&log, b"\xff\n").unwrap();
    let what = "line 1: stream did not contain valid UTF-8";
    assert_fails(&example.run(&[path], b""), &format!("log_report: {path}: {what}"));
}

#[test]
fn a_made_up_log_is_the_same_every_time() {
    let example = Example::new("log_report");
    let ended = example.run(&[], b"");
    assert!(ended.status.success() && ended.stdout.starts_with("requests        200000\n"));
    assert_eq!(example.run(&[], b"").stdout, ended.stdout);
}

#[test]
fn crossings_come_with_the_line_at_which_they_are() {
    let example = Example::new("crossings");
    let prices = b"9\n8\n7\n8\n9\n10\n3\n";
    assert_prints(
        &example.run(&["1", "4"], prices),
        &[
            "       4  up            8.000        7.976",
            "       7  down          3.000        6.619",
        ],
    );
    assert_prints(&example.run(&[], b""), &[]);
    assert_fails(
        &example.run(&[], b"1\n2\nthree\n"),
        "crossings: line 3: \"three\" is not a number",
    );
    assert_fails(&example.run(&[], b"1\nNaN\n"), "crossings: line 2: \"NaN\" is not a number");
}

#[test]
fn words_are_counted_and_short_ones_left_out() {
    let example = Example::new("word_totals");
    let text = "The cat and the dog, and the Bird.\n".as_bytes();
    assert_prints(&example.run(&["--top", "2"], text), &["       3  the", "       2  and"]);
    assert_prints(&example.run(&["--min-letters", "4"], text), &["       1  bird"]);
    assert_prints(&example.run(&[], b""), &[]);
    let message = "word_totals: line 2: stream did not contain valid UTF-8";
    assert_fails(&example.run(&[], b"a\n\xff\n"), message);
}

#[test]
fn what_is_looked_for_is_found_in_each_line() {
    let (example, folder) = (Example::new("tail"), tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    fs::write(&log, "one\r\ntwo\nthree").unwrap();
    let path = log.to_str().unwrap();
    assert_prints(
        &example.run(&[path], b""),
        &["       1  one", "       2  two", "       3  three"],
    );
    assert_prints(
        &example.run(&["--find", "e", "--max", "1"], b"a\ne\ne"),
        &["       2  e         e"],
    );
    let ended = example.run(&["--find", "t", "--find", "ee", path], b"");
    let mut found: Vec<_> = ended.stdout.lines().collect();
    found.sort_unstable();
    assert_eq!(
        found,
        ["       2  t         two", "       3  ee        three", "       3  t         three"]
    );
    assert_prints(&example.run(&["--find", "four", path], b""), &[]);
    let ended = example.run(&["--stats", "--find", "four", path], b"");
    assert!(ended.stderr.contains("scan 0 (four) "), "{ended:?}");

    let ended = example.run(&[], b"one\n\xff\nthree\n");
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), ["       1  one"]);
    assert_fails(&ended, "tail: line 2: not UTF-8");
    let missing = folder.path().join("missing");
    let ended = example.run(&[missing.to_str().unwrap()], b"");
    assert!(ended.stderr.starts_with(&format!("tail: {}: ", missing.display())), "{ended:?}");
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn a_growing_file_is_followed_line_by_line() {
    let (example, folder) = (Example::new("tail"), tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let mut file = fs::File::create(&log).unwrap();
    let (printed, wait) = mpsc::channel();
    let ended = example.run_between(
        &["--follow", "--max", "5", log.to_str().unwrap()],
        move |_stdin| {
            // Each line is written when the one before it has been printed.
            for number in 1..=5 {
                write!(file, "line ").unwrap();
                writeln!(file, "{number}").unwrap();
                wait.recv().unwrap();
            }
        },
        move |stdout| {
            let lines = BufReader::new(stdout).lines().inspect(|_| printed.send(()).unwrap());
            lines.collect::<io::Result<Vec<_>>>().unwrap().join("\n")
        },
    );
    let expected: Vec<_> = (1..=5).map(|n| format!("{n:>8}  line {n}")).collect();
    assert_prints(&ended, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn rows_and_crossings_come_while_the_next_number_is_waited_for() {
    for (name, arguments, head) in [("running_stats", &[][..], 1), ("crossings", &["1", "4"], 0)] {
        let (printed, wait) = mpsc::channel();
        let ended = Example::new(name).run_between(
            arguments,
            move |mut stdin| {
                for _ in 0..head {
                    wait.recv().unwrap();
                }
                // From the third on, each crosses.
                for (count, number) in [9, 8, 9, 1, 9, 1].into_iter().enumerate() {
                    writeln!(stdin, "{number}").unwrap();
                    if head > 0 || count > 1 {
                        wait.recv().unwrap();
                    }
                }
            },
            move |stdout| {
                let lines = BufReader::new(stdout).lines().inspect(|_| printed.send(()).unwrap());
                lines.collect::<io::Result<Vec<_>>>().unwrap().join("\n")
            },
        );
        assert!(ended.status.success(), "{ended:?}");
    }
}
