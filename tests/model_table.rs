//! `loom-tests/MODELS.md` lists the models that there are.
//!
//! It is made from their source. `ANABRANCH_WRITE=1 cargo test --test model_table` writes it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("loom-tests")
}

/// Returns the files in `folder` with this extension, by name, with their text.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let paths =
        fs::read_dir(self::folder().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|is| is == extension))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect();
    files.sort();
    files
}

/// A model, as `models!` declares it.
struct Model<'t> {
    name: &'t str,
    bound: &'t str,
    checkers: &'static str,
    about: String,
}

const BOTH: &str = "loom, shuttle";

/// Returns the models of a file.
fn models(text: &str) -> Vec<Model<'_>> {
    let (_, declared) = text.split_once("\nmodels! {\n").expect("a file of models declares them");
    let (declared, rest) = declared.split_once("\n}\n").unwrap_or((declared, ""));
    assert!(!rest.contains("models! {"), "a file of models declares them in one place");
    let alone = |line: &str| match line {
        "#![cfg(loom)]" | "#[cfg(loom)]" => Some("loom"),
        "#![cfg(shuttle)]" | "#[cfg(shuttle)]" => Some("shuttle"),
        _ => None,
    };
    let of_file = text.lines().find_map(|line| alone(line).filter(|_| line.starts_with("#!")));
    let mut models = Vec::new();
    let (mut about, mut checkers) = (String::new(), of_file.unwrap_or(BOTH));
    // What belongs to the declaration of a model has one step of indentation.
    let lines = declared.lines().filter_map(|line| line.strip_prefix("    "));
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with([' ', '}'])) {
        if let Some(doc) = line.strip_prefix("///") {
            about.push_str(doc);
        } else if let Some(checker) = alone(line) {
            checkers = checker;
        } else if let Some((declared, _)) = line.split_once(") {") {
            let (name, bound) = declared.split_once('(').expect("name(bound)");
            let about = std::mem::take(&mut about).trim().to_owned();
            models.push(Model { name, bound, checkers, about });
            checkers = of_file.unwrap_or(BOTH);
        } else {
            panic!("this is no declaration of a model: {line}");
        }
    }
    models
}

/// Says how far loom goes: `bound` is a `Bound`, or a constant of the file.
fn bound(text: &str, bound: &str) -> String {
    let named = format!("const {bound}: Bound = ");
    let value = text.lines().find_map(|line| line.strip_prefix(&named)).unwrap_or(bound);
    match value.trim_end_matches(';').strip_prefix("Preemptions(") {
        Some("1)") => "1 preemption".to_owned(),
        Some(most) => format!("{} preemptions", most.trim_end_matches(')')),
        None => {
            assert_eq!(value, "Unbounded", "this is no bound");
            "none".to_owned()
        }
    }
}

/// Returns how many mutants name each model, or a whole file of models.
fn mutants() -> HashMap<String, usize> {
    let mut named = HashMap::new();
    for (_, text) in files("mutants", "patch") {
        let models = text.lines().find_map(|line| line.strip_prefix("Models: ")).unwrap_or("");
        for model in models.split_whitespace() {
            *named.entry(model.to_owned()).or_default() += 1;
        }
    }
    named
}

fn table() -> String {
    let (mutants, mut rest) = (mutants(), String::new());
    let mut total = 0;
    for (file, text) in files("tests", "rs") {
        let about = text.lines().map_while(|line| line.strip_prefix("//!"));
        let about: String = about.collect();
        writeln!(rest, "\n## `tests/{file}.rs`\n\n{}\n", about.trim()).unwrap();
        rest += "| model | checked by | bound | mutants | what it does |\n|---|---|---|---|---|\n";
        for Model { name, bound: of, checkers, about } in models(&text) {
            let bound = if checkers == "shuttle" { String::new() } else { bound(&text, of) };
            let of_model = mutants.get(&format!("{file}::{name}")).copied();
            let kills = of_model.map_or(String::new(), |number: usize| number.to_string());
            writeln!(rest, "| `{name}` | {checkers} | {bound} | {kills} | {about} |").unwrap();
            total += 1;
        }
    }
    format!(
        "# The models\n\n\
         Made by `ANABRANCH_WRITE=1 cargo test --test model_table`; do not edit. What the columns\n\
         mean is in the [README](README.md): loom goes through every schedule within the bound, and\n\
         shuttle tries schedules at random. Mutants are counted at the models that they name as the\n\
         first to try.\n\n\
         {total} models, {} mutants.\n{rest}",
        files("mutants", "patch").len(),
    )
}

#[test]
fn the_table_of_models_is_that_of_their_source() {
    let (path, table) = (folder().join("MODELS.md"), table());
    if std::env::var_os("ANABRANCH_WRITE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        written == table,
        "loom-tests/MODELS.md is out of date: ANABRANCH_WRITE=1 cargo test --test model_table"
    );
}

#[test]
fn every_model_that_a_mutant_names_exists() {
    let declared: Vec<_> = files("tests", "rs")
        .iter()
        .flat_map(|(file, text)| {
            let models = models(text).into_iter().map(|model| format!("{file}::{}", model.name));
            models.chain([file.clone()]).collect::<Vec<_>>()
        })
        .collect();
    for named in mutants().keys() {
        assert!(declared.contains(named), "a mutant names {named}, which is no model");
    }
}
