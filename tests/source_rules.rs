//! Rules that the source keeps and no compiler checks.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns all Rust files below `folder`, with their text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    assert!(!found.is_empty(), "{} has no source", folder.display());
    found
}

/// Returns the code, line for line, without comments and without the text of string literals.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut chars = text.chars().peekable();
    let (mut quoted, mut commented) = (false, false);
    while let Some(char) = chars.next() {
        match char {
            '\n' => {
                commented = false;
                code.push(char);
            }
            _ if commented => {}
            '"' => quoted = !quoted,
            // The escaped character goes, but a line end stays.
            '\\' => drop(chars.next_if(|char| *char != '\n')),
            '/' if !quoted && chars.peek() == Some(&'/') => commented = true,
            _ if quoted => {}
            _ => code.push(char),
        }
    }
    code
}

#[test]
fn comments_and_quotes_are_no_code() {
    let text = "a; // b \"c\nd(\"e // \\\" \\\n f\"); // g\nh('\\\'', 1 / 2);\n";
    assert_eq!(code(text), "a; \nd(\n); \nh('', 1 / 2);\n");
}

#[test]
fn only_the_sync_facade_names_threads_locks_and_channels() {
    let doors = [
        "std::sync",
        "std::thread",
        "crossbeam",
        "parking_lot",
        "loom::",
        "shuttle::",
        "core::sync",
    ];
    for (path, text) in sources(&root().join("src")) {
        if path.starts_with(root().join("src/sync")) {
            continue;
        }
        for (number, line) in (1..).zip(code(&text).lines()) {
            for door in doors {
                assert!(!line.contains(door), "{}:{number} names {door}", path.display());
            }
        }
    }
}

/// Each layer, and those that it may not know.
const LAYERS: [(&str, &[&str]); 5] = [
    ("src/branch", &["crate::api", "crate::scan", "crate::threads"]),
    ("src/scan", &["crate::api", "crate::branch", "crate::threads"]),
    ("src/engine", &["crate::api", "crate::branch", "crate::scan"]),
    ("src/threads", &["crate::api", "crate::branch", "crate::engine", "crate::scan"]),
    (
        "src/sync",
        &["crate::api", "crate::branch", "crate::engine", "crate::scan", "crate::threads"],
    ),
];

#[test]
fn no_layer_imports_from_one_above() {
    for (layer, above) in LAYERS {
        for (path, text) in sources(&root().join(layer)) {
            for (number, line) in (1..).zip(code(&text).lines()) {
                for layer in above {
                    assert!(!line.contains(layer), "{}:{number} names {layer}", path.display());
                }
                // What is re-exported at the root has a layer of its own.
                let roots = line.split("crate::").skip(1);
                let named = roots.filter_map(|name| name.chars().next());
                let by_the_root = named.into_iter().any(|c| c == '{' || c.is_uppercase());
                assert!(!by_the_root, "{}:{number} imports from the root", path.display());
            }
        }
    }
}

#[test]
fn every_model_that_the_source_names_exists() {
    let mut named = 0;
    for (path, text) in sources(&root().join("src")) {
        for (number, line) in text.lines().enumerate() {
            let Some((_, model)) = line.split_once("MODEL: ") else { continue };
            let place = format!("{}:{}", path.display(), number + 1);
            let (file, function) = model.trim().split_once("::").expect("file::model");
            let models = fs::read_to_string(root().join(file))
                .unwrap_or_else(|error| panic!("{place}: {file}: {error}"));
            let declared = models.lines().any(|line| {
                line.trim_start().strip_prefix(function).is_some_and(|rest| rest.starts_with('('))
            });
            assert!(declared, "{place}: no model {function} in {file}");
            named += 1;
        }
    }
    assert!(named >= 15, "only {named} protocol steps name a model");
}

#[test]
fn no_file_of_the_library_is_longer_than_a_sitting() {
    for (path, text) in sources(&root().join("src")) {
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_libraries_are_of_no_operating_system() {
    for (path, text) in ["src", "timely/src"].iter().flat_map(|src| sources(&root().join(src))) {
        for (number, line) in (1..).zip(code(&text).lines()) {
            for word in ["std::os::", "cfg(unix)", "cfg(windows)", "target_os", "target_family"] {
                assert!(!line.contains(word), "{}:{number} has {word}", path.display());
            }
        }
    }
}
