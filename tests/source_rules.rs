//! Rules that the source keeps and no compiler checks.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder`, with their text.
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

/// The lines of code, numbered, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
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
        for (number, line) in code(&text) {
            for door in doors {
                assert!(!line.contains(door), "{}:{number} names {door}", path.display());
            }
        }
    }
}

/// Each layer, and those that it may not know.
const LAYERS: [(&str, &[&str]); 4] = [
    ("src/engine", &["crate::api", "crate::scan"]),
    ("src/scan", &["crate::api", "crate::threads"]),
    ("src/threads", &["crate::api", "crate::engine", "crate::scan"]),
    ("src/sync", &["crate::api", "crate::engine", "crate::scan", "crate::threads"]),
];

#[test]
fn no_layer_imports_from_one_above() {
    for (layer, above) in LAYERS {
        for (path, text) in sources(&root().join(layer)) {
            for (number, line) in code(&text) {
                for layer in above {
                    assert!(!line.contains(layer), "{}:{number} names {layer}", path.display());
                }
                // What is re-exported at the root has a layer of its own.
                let root = line.split("crate::").skip(1);
                for name in
                    root.filter(|name| name.starts_with(|c: char| c == '{' || c.is_uppercase()))
                {
                    panic!("{}:{number} names crate::{name}, not the layer of it", path.display());
                }
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
