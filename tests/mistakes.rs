//! What the compiler says of mistakes that are easily made: the words that help.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The library that this test is linked with: the newest beside it.
fn library(deps: &Path) -> PathBuf {
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libanabranch-") && name.ends_with(".rlib")
    };
    let files = fs::read_dir(deps).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(is_library)
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .unwrap()
}

/// Compiles the body of a function, and returns what the compiler says.
fn compile(name: &str, body: &str) -> (bool, String) {
    let deps = env::current_exe().unwrap().parent().unwrap().to_owned();
    let folder = deps.join(format!("mistakes-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let source = folder.join("lib.rs");
    let text = format!(
        "#![allow(unused)]\nuse anabranch::{{Control, Pool, prelude::*}};\npub fn body() {{\n{body}\n}}\n"
    );
    fs::write(&source, text).unwrap();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--emit",
            "metadata",
            "--color",
            "never",
        ])
        .arg("--extern")
        .arg(format!("anabranch={}", library(&deps).display()))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--out-dir")
        .arg(&folder)
        .arg(&source)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Asserts that a mistake does not compile, and that the compiler's words include these.
#[track_caller]
fn is_explained(name: &str, body: &str, words: &[&str]) {
    let (compiles, said) = compile(name, body);
    assert!(!compiles, "{body}\ncompiles");
    for words in words {
        assert!(said.contains(words), "{words:?} is missing in\n{said}");
    }
}

#[test]
fn what_is_no_mistake_compiles() {
    let body = "let (n,) = (0..3).fan_out().fold((scan::count(),));\nassert_eq!(n, 3);";
    let (compiles, said) = compile("none", body);
    assert!(compiles, "{said}");
}

#[test]
fn items_that_cannot_be_shared() {
    is_explained(
        "items",
        "let items = vec![std::rc::Rc::new(1)];
        items.into_iter().fan_out().distribute([scan::count()]).for_each(drop);",
        &["cannot be shared between threads", "they must be `Send` and `Sync`"],
    );
}

#[test]
fn a_filler_that_returns_how_much_it_has_read() {
    is_explained(
        "filler",
        "let mut input = &b\"to be\"[..];
        let fill = move |line: &mut String| std::io::BufRead::read_line(&mut input, line);
        refill::from_fn(String::new, fill);",
        &["does not say whether an item was filled", "returns a `bool`"],
    );
}

#[test]
fn until_error_on_what_is_no_result() {
    is_explained(
        "until_error",
        "(0..3).fan_out().until_error().fold((scan::count::<i32>(),));",
        &["`until_error` needs items that are `Result`s"],
    );
}

#[test]
fn a_running_scan_in_a_fold() {
    is_explained(
        "running",
        "(0..3).fan_out().fold((scan::map(|x: &i32| x + 1),));",
        &["is not a total", "`.last()`"],
    );
}

#[test]
fn a_closure_where_a_scan_belongs() {
    is_explained(
        "closure",
        "(0..3).fan_out().distribute([|x: &i32| x + 1]).for_each(drop);",
        &["is not a scan of `", "`scan::map`"],
    );
}

#[test]
fn a_scan_that_is_no_list() {
    is_explained(
        "list",
        "(0..3).fan_out().distribute(scan::count::<i32>()).for_each(drop);",
        &["is not a list of scans", "`[scan]` is a list of one scan"],
    );
}

#[test]
fn a_total_that_is_no_list() {
    is_explained(
        "total",
        "let n = (0..3).fan_out().fold(scan::count::<i32>());",
        &["is not a list of totals", "`[total]` is a list of one"],
    );
}

#[test]
fn a_number_for_threads() {
    is_explained(
        "number",
        "(0..3).fan_out().on(4).distribute([scan::count()]).for_each(drop);",
        &["has no threads for a run", "`pool.lease(n)?`"],
    );
}

#[test]
fn an_input_that_is_read_ahead_and_cannot_be_sent() {
    is_explained(
        "read_ahead",
        "let shared = std::rc::Rc::new(2);
        let input = (0..3).map(move |x| x * *shared);
        input.fan_out().read_ahead().distribute([scan::count()]).for_each(drop);",
        &["cannot be sent between threads safely"],
    );
}

#[test]
fn a_forgotten_until_error() {
    is_explained(
        "forgotten",
        "let lines = [Ok::<_, std::io::Error>(String::new())].into_iter();
        lines.fan_out().fold((scan::sum_by(|line: &String| line.len()),));",
        &["this scan does not take items of `Result<", "`until_error()` comes first"],
    );
}

#[test]
fn a_forgotten_until_error_before_any_scan_with_a_closure() {
    let scans = [
        "scan::fold_mut(0, |bytes, line: &String| *bytes += line.len())",
        "scan::try_fold(0, |bytes, line: &String| if line.is_empty() { Err(()) } else { Ok(bytes) })",
        "scan::try_for_each(|line: &String| line.parse::<i32>().map(drop))",
        "scan::sum_by(|line: &String| line.len()).running()",
    ];
    for scan in scans {
        let body = format!(
            "let lines = [Ok::<_, std::io::Error>(String::new())].into_iter();
            lines.fan_out().distribute(({scan},)).for_each(drop);"
        );
        let words = ["this scan does not take items of `Result<", "`until_error()` comes first"];
        is_explained("any_scan", &body, &words);
    }
}

#[test]
fn a_running_form_in_a_fold() {
    is_explained(
        "running_form",
        "(0..3).fan_out().fold((scan::count().running(),));",
        &["is not a total", "`.last()`"],
    );
}

#[test]
fn items_of_another_type() {
    is_explained(
        "type",
        "let words = [String::new()].into_iter();
        words.fan_out().distribute([scan::map(|word: &str| word.len())]).for_each(drop);",
        &["this scan does not take items of `String`"],
    );
}

#[test]
fn a_handle_that_leaves_its_branch() {
    is_explained(
        "handle",
        "(0..3).fan_out().branch(|items| items.last()).join();",
        &["cannot leave the thread of its branch", "`items.cloned()`", "`handle.shared()`"],
    );
    is_explained(
        "handle_of_many",
        "(0..3).fan_out().branches([|items: anabranch::branch::Items<'_, i32>| items.max()]).join();",
        &["cannot leave the thread of its branch", "`items.cloned()`", "`handle.shared()`"],
    );
    is_explained(
        "handles",
        "(0..3).fan_out().branch(|items| items).merge().for_each(drop);",
        &["cannot leave the thread of its branch", "`items.cloned()`", "`handle.shared()`"],
    );
}

#[test]
fn handles_where_references_belong() {
    is_explained(
        "references",
        "(0..3).fan_out().branch(|items| items.skip(1).cloned().max()).join();",
        &["expected `&_`, found `Handle<"],
    );
}

#[test]
fn a_branch_too_many() {
    let branches = ".branch(|items| items.count())".repeat(13);
    is_explained(
        "thirteen",
        &format!("(0..3).fan_out(){branches}.join();"),
        &["this run takes no further branch", "`branches(list)`"],
    );
}

#[test]
fn a_number_where_an_iterator_belongs() {
    is_explained(
        "number_to_merge",
        "(0..3).fan_out().branch(|items| items.count()).merge().for_each(drop);",
        &["`usize` is not an iterator", "to implement `Merge<"],
    );
}

#[test]
fn branches_with_outputs_of_two_types() {
    is_explained(
        "two_types",
        "(0..3_i32)
            .fan_out()
            .branch(|items| items.cloned())
            .branch(|items| items.map(|x| x.to_string()))
            .merge()
            .for_each(drop);",
        &["expected `i32`, found `String`", "to implement `Merge<"],
    );
}

#[test]
fn a_running_scan_beside_branches_in_a_join() {
    is_explained(
        "running_in_a_join",
        "(0..3).fan_out().branch(|items| items.count()).scan(scan::map(|x: &i32| x + 1)).join();",
        &["is not a total", "`.last()`"],
    );
}
