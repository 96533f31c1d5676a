//! The smaller examples: what they print, and what they say of bad input.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

#[path = "support/program.rs"]
mod program;

use std::fs;

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
    assert!(ended.stderr.trim_end().ends_with(" holds everybody back"), "{ended:?}");

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
