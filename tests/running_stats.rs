//! The example `running_stats`: its table, and its errors for bad input.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

#[path = "support/program.rs"]
mod program;

use std::io::{BufRead, BufReader, Write};
use std::sync::LazyLock;

use program::Example;

static EXAMPLE: LazyLock<Example> = LazyLock::new(|| Example::new("running_stats"));

#[track_caller]
fn assert_prints(arguments: &[&str], input: &str, table: &[&str]) {
    let ended = EXAMPLE.run(arguments, input.as_bytes());
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), table);
}

const HEAD: &str = "      number        mean         min         max        ewma";
const ROWS: [&str; 3] = [
    "       2.000       2.000       2.000       2.000       2.000",
    "       1.000       1.500       1.000       2.000       1.900",
    "       6.000       3.000       1.000       6.000       2.310",
];

#[test]
fn every_number_makes_a_row() {
    assert_prints(&[], "2\n1\n6\n", &[HEAD, ROWS[0], ROWS[1], ROWS[2]]);
}

#[test]
fn a_column_can_be_picked() {
    assert_prints(&["3"], "a b 2 c\n\t -  -\t1\nx y 6", &[HEAD, ROWS[0], ROWS[1], ROWS[2]]);
}

#[test]
fn no_input_makes_no_row() {
    assert_prints(&[], "", &[HEAD]);
}

#[test]
fn rows_stay_in_step_over_many_batches() {
    let count = 100_000;
    let input: String = (1..=count).map(|n| format!("{n}\n")).collect();
    let ended = EXAMPLE.run(&[], input.as_bytes());
    assert!(ended.status.success(), "{ended:?}");
    let mut rows = ended.stdout.lines().skip(1);
    for n in 1..=count {
        let row: Vec<_> = rows.next().unwrap().split_whitespace().take(4).collect();
        let [number, mean] = [f64::from(n), f64::from(n + 1) / 2.0].map(|x| format!("{x:.3}"));
        assert_eq!(row, [&number, &mean, "1.000", &number]);
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn bad_input_is_named_with_its_line_after_the_rows_before_it() {
    for (arguments, input, message) in [
        (&[][..], &b"2\n1\nsix\n4\n"[..], "line 3: \"six\" is not a number"),
        (&[], b"2\n1\n1e999\n", "line 3: \"1e999\" is not a number"),
        (&[], b"2\n1\n\n", "line 3: there is no column 1"),
        (&["2"], b"- 2\n- 1\n6\n", "line 3: there is no column 2"),
        (&[], b"2\n1\n\xff\n", "line 3: stream did not contain valid UTF-8"),
    ] {
        let ended = EXAMPLE.run(arguments, input);
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(ended.stderr.trim_end(), format!("running_stats: {message}"));
        assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), [HEAD, ROWS[0], ROWS[1]]);
    }
}

#[test]
fn a_column_that_is_none_is_refused() {
    for column in ["0", "-1", "two"] {
        let ended = EXAMPLE.run(&["--", column], b"1\n");
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stdout.is_empty() && ended.stderr.contains(column), "{ended:?}");
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly_though_the_input_is_endless() {
    let ended = EXAMPLE.run_between(
        &[],
        |mut stdin| while stdin.write_all(b"2\n").is_ok() {},
        |stdout| BufReader::new(stdout).lines().take(3).map(Result::unwrap).collect(),
    );
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(ended.stdout, [HEAD, ROWS[0], ROWS[0]].concat());
}
