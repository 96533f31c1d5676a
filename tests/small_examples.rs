//! The smaller examples: what they print, and their errors for bad input.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::path::Path;
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
    assert!(ended.stderr.contains("\n2 hosts "), "{ended:?}");
    assert!(ended.stderr.contains("\nthe bottleneck is "), "{ended:?}");

    fs::write(&log, "").unwrap();
    let empty =
        ["requests        0", "bytes           0", "hosts           0", "errors          0"];
    assert_prints(&example.run(&[path], b""), &empty);

    for (line, shown) in
        [("nonsense", "\"nonsense\""), ("a [b] \"c\" d e", "\"a [b] \\\"c\\\" d e\"")]
    {
        fs::write(&log, format!("{LOG}{line}\n{LOG}")).unwrap();
        let what = format!("line 4: not in the Common or Combined Log Format: {shown}");
        assert_fails(&example.run(&[path], b""), &format!("log_report: {path}: {what}"));
    }
    fs::write(&log, b"\xff\n").unwrap();
    let what = "line 1: stream did not contain valid UTF-8";
    assert_fails(&example.run(&[path], b""), &format!("log_report: {path}: {what}"));
}

#[test]
fn both_formats_may_be_mixed_and_blank_lines_are_left_out() {
    let log = r#"
::1 - frank [12/Mar/2026:07:00:00 +0000] "GET /a\"b HTTP/1.1" 200 18446744073709551615

1.2.3.4 - - [12/Mar/2026:07:01:00 +0000] "GET / HTTP/1.1" 404 - "-" "A \"quoted\" agent [1] \\"
::1 - - [12/Mar/2026:08:00:00 +0000] "" 500 18446744073709551615 "http://x/?a=\"" ""
  "#;
    let report = [
        "requests        3",
        "bytes           36893488147419103230",
        "hosts           2",
        "errors          2",
        "largest         18446744073709551615 bytes: ",
        "busiest hour    12/Mar/2026:07 (2 requests)",
    ];
    let example = Example::new("log_report");
    assert_prints(&example.run(&["-"], log.as_bytes()), &report);
    assert_prints(&example.run(&["-"], log.replace('\n', "\r\n").as_bytes()), &report);
}

#[test]
fn what_is_in_neither_format_is_named() {
    let example = Example::new("log_report");
    for line in [
        r#"a - - [d] "open"#,
        r#"a - - [d] "open\" 200 1"#,
        r#"a - - [d] "r" 200"#,
        r#"a - - [d] "r" 200 -1"#,
        r#"a - - [d] "r" 99999 1"#,
        r#"a - - [d] "r" 200 1 "referrer""#,
        r#"a - - [d] "r" 200 1 "referrer" agent"#,
        r#"a - - [d] "r" 200 1 "referrer" "agent" more"#,
    ] {
        let ended = example.run(&["-"], format!("\n{line}\n").as_bytes());
        let what = format!("not in the Common or Combined Log Format: {line:?}");
        assert_fails(&ended, &format!("log_report: -: line 2: {what}"));
    }
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_quiet_and_a_full_one_is_an_error() {
    let text = b"1 5\n2 6\n".repeat(100_000);
    for (name, arguments) in [
        ("log_report", &[][..]),
        ("tail", &[]),
        ("dashboard", &[]),
        ("crossings", &["1", "2"]),
        ("running_stats", &[]),
    ] {
        let text = if name == "crossings" { b"1\n9\n".repeat(100_000) } else { text.clone() };
        let example = Example::new(name);
        let ended = example.run_into_closed(arguments, &text);
        assert!(ended.status.success() && ended.stderr.is_empty(), "{name}: {ended:?}");
        if cfg!(target_os = "linux") {
            let ended = example.under("exec >/dev/full").run(arguments, &text);
            assert_eq!(ended.status.code(), Some(1), "{name}: {ended:?}");
            let what = "No space left on device";
            assert!(ended.stderr.starts_with(name) && ended.stderr.contains(what), "{ended:?}");
        }
    }
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
    assert!(ended.stderr.contains("\n0 four "), "{ended:?}");

    let ended = example.run(&[], b"one\n\xff\nthree\n");
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), ["       1  one"]);
    assert_fails(&ended, "tail: -: line 2: not UTF-8");
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

/// Checks `tail --follow` beside a writer, which gets the file and waits for so many lines to be
/// printed in all. The last line is `end`.
#[track_caller]
fn assert_follows(
    expected: &[String],
    write: impl FnOnce(&Path, &mut dyn FnMut(usize)) + Send + 'static,
) {
    let (example, folder) = (Example::new("tail"), tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    fs::write(&log, "").unwrap();
    let (printed, wait) = mpsc::channel();
    let path = log.clone();
    let ended = example.run_between(
        &["--follow", "--max", &expected.len().to_string(), path.to_str().unwrap()],
        move |_stdin| {
            let mut seen = 0;
            write(&log, &mut |count| {
                while seen < count {
                    wait.recv().unwrap();
                    seen += 1;
                }
            });
        },
        move |stdout| {
            let lines = BufReader::new(stdout).lines().inspect(|_| printed.send(()).unwrap_or(()));
            lines.collect::<io::Result<Vec<_>>>().unwrap().join("\n")
        },
    );
    let expected: Vec<_> =
        iter::zip(1.., expected).map(|(n, line)| format!("{n:>8}  {line}")).collect();
    assert_prints(&ended, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Writes a line in two parts.
fn write_line(file: &mut fs::File, line: &str) {
    let (left, right) = line.split_at(line.len() / 2);
    write!(file, "{left}").unwrap();
    writeln!(file, "{right}").unwrap();
}

/// The length of line and the moments of the rotations have no common divisor.
#[test]
#[cfg(unix)]
fn a_file_that_is_replaced_is_followed_without_a_loss() {
    let lines: Vec<_> = (0..300).map(|n| format!("line {n} {}", "x".repeat(n * 37))).collect();
    let written = lines.clone();
    assert_follows(&lines, move |log, wait_for| {
        let mut file = fs::File::options().append(true).open(log).unwrap();
        let mut first = 0;
        for (n, line) in written.iter().enumerate() {
            if n % 13 == 12 {
                // A file of which nothing was seen cannot be followed. The rest of it can.
                wait_for(first + 1);
                fs::rename(log, log.with_extension("1")).unwrap();
                if n % 2 == 0 {
                    // The writer is slow to leave the old file.
                    write_line(&mut file, line);
                    file = fs::File::create_new(log).unwrap();
                    first = n + 1;
                    continue;
                }
                file = fs::File::create_new(log).unwrap();
                first = n;
            }
            write_line(&mut file, line);
        }
    });
}

#[test]
fn a_file_that_is_cut_short_is_followed_from_its_beginning() {
    let lines: Vec<_> =
        (0..200).map(|n| format!("line {n} {}", "x".repeat(n * 31 % 977))).collect();
    let written = lines.clone();
    assert_follows(&lines, move |log, wait_for| {
        let mut file = fs::File::options().append(true).open(log).unwrap();
        let mut first = 0;
        for (n, line) in written.iter().enumerate() {
            // So much is written between two cuts that no file is longer than the one before
            // it was, when it is looked at for the first time.
            if n % 10 == 9 {
                wait_for(n);
                if n % 4 == 1 {
                    // A line that is not finished goes with the rest.
                    write!(file, "unfinished").unwrap();
                }
                file.set_len(0).unwrap();
                first = n;
            }
            write_line(&mut file, line);
            if n == first {
                wait_for(n + 1);
            }
        }
    });
}

#[test]
#[cfg(unix)]
fn the_last_line_of_a_replaced_file_may_lack_its_end() {
    let lines = ["one", "two", "three"].map(str::to_owned);
    assert_follows(&lines, |log, wait_for| {
        fs::write(log, "one\ntwo").unwrap();
        wait_for(1);
        let next = log.with_extension("next");
        fs::write(&next, "three\n").unwrap();
        fs::rename(next, log).unwrap();
    });
}

#[test]
fn figures_come_from_counts_windows_and_seconds() {
    let example = Example::new("dashboard");
    let readings = b"1 10\n1 20\n1 60\n2 40\n2 50\n";
    let ended = example.run(&["--every", "2"], readings);
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    for (kind, expected) in [
        ("count", &["2", "4"][..]),
        ("average", &["30.000", "40.000", "50.000"]),
        ("rate", &["3", "2"]),
    ] {
        let lines = ended.stdout.lines().filter_map(|line| line.strip_prefix(kind));
        assert_eq!(lines.map(str::trim).collect::<Vec<_>>(), expected);
    }
    assert_prints(&example.run(&[], b""), &[]);
    for line in ["", "1", "1 x", "-1 2", "1 2 3", "1 inf", "x 1"] {
        let ended = example.run(&[], format!("1 1\n{line}\n").as_bytes());
        let what = format!("line 2: {line:?} is not a second and a number");
        assert_fails(&ended, &format!("dashboard: {what}"));
    }
    let ended = example.run(&[], b"1 1\n\xff\n");
    assert_fails(&ended, "dashboard: line 2: stream did not contain valid UTF-8");
    assert_eq!(example.run(&["--every", "0"], b"").status.code(), Some(2));
}

#[test]
fn figures_come_while_the_next_reading_is_waited_for() {
    let (printed, wait) = mpsc::channel();
    let ended = Example::new("dashboard").run_between(
        &["--every", "4"],
        move |mut stdin| {
            for (line, figures) in [("1 1", 0), ("1 2", 0), ("1 3", 1), ("2 4", 3)] {
                writeln!(stdin, "{line}").unwrap();
                for _ in 0..figures {
                    wait.recv().unwrap();
                }
            }
        },
        move |stdout| {
            let lines = BufReader::new(stdout).lines().inspect(|_| printed.send(()).unwrap_or(()));
            lines.collect::<io::Result<Vec<_>>>().unwrap().join("\n")
        },
    );
    assert!(ended.status.success() && ended.stdout.lines().count() == 5, "{ended:?}");
}
