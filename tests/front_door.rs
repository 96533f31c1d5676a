//! What meets those who come to change the crate is true: hosted CI runs what `.ci/run` runs, links
//! lead somewhere, and the documents name commands, tests and versions that there are.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("\r\n", "\n")
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|is| is == extension));
    files.map(|path| path.strip_prefix(root()).unwrap().to_owned()).collect()
}

/// A command of a workflow, with the comment above its step.
struct Step {
    place: String,
    command: String,
    comment: String,
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for file in files(".github/workflows", "yml") {
        let text = read(&file);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(command) = line.trim_start_matches("- ").strip_prefix("run: ") else {
                continue;
            };
            let begin = lines[..=number].iter().rposition(|line| line.starts_with("- ")).unwrap();
            let above = lines[..begin].iter().rev().take_while(|line| line.starts_with('#'));
            let comment: Vec<_> = above.copied().collect();
            let comment = comment.into_iter().rev().collect::<Vec<_>>().join("\n");
            let place = format!("{}:{}", file.display(), number + 1);
            steps.push(Step { place, command: command.to_owned(), comment });
        }
    }
    assert!(steps.len() > 30, "only {} steps were found", steps.len());
    steps
}

#[test]
fn hosted_ci_runs_what_ci_runs_or_says_that_it_does_not() {
    let script = read(".ci/run");
    for Step { place, command, comment } in steps() {
        let is_set_up = command.starts_with("rustup ");
        let is_there = script.lines().any(|line| line.contains(&command) && !line.starts_with('#'));
        let is_named = comment.starts_with("# Not in .ci/run: ");
        assert!(is_set_up || is_there || is_named, "{place}: `{command}` is not in .ci/run");
        assert!(!is_named || !is_there, "{place}: `{command}` is in .ci/run by now");
    }
}

#[test]
fn workflows_have_the_shape_of_workflows() {
    for file in files(".github/workflows", "yml") {
        let (place, text) = (file.display(), read(&file));
        let keys = text.lines().filter(|line| !line.starts_with([' ', '#']) && !line.is_empty());
        let keys: Vec<_> = keys.map(|line| line.split(':').next().unwrap()).collect();
        for key in ["name", "on", "permissions", "jobs"] {
            assert!(keys.contains(&key), "{place} has no {key}");
        }
        for line in text.lines() {
            let indentation = line.len() - line.trim_start().len();
            assert!(indentation % 2 == 0 && !line.contains('\t'), "{place}: {line}");
            let action = line.trim().strip_prefix("- uses: ");
            assert!(action.is_none_or(|action| action.contains('@')), "{place}: {line}");
        }
        let jobs = text.split("\njobs:\n").nth(1).unwrap();
        for job in jobs.split("\n\n") {
            assert!(job.contains("    runs-on: "), "{place}: a job says not where it runs: {job}");
            assert!(
                job.contains("    timeout-minutes: "),
                "{place}: a job may run for ever: {job}"
            );
        }
    }
}

/// Returns the commands of a Markdown file: those in its shell blocks, and those in quotes.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter(|line| !line.is_empty());
    let quotes = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    lines.chain(quotes).collect()
}

/// What follows `option` in a command: names, not those in capitals that stand for one.
fn named<'c>(command: &'c str, option: &str) -> Vec<&'c str> {
    // What follows `--` is not for cargo.
    let words: Vec<_> = command.split_whitespace().take_while(|word| *word != "--").collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1]);
    pairs.filter(|name| !name.starts_with(|first: char| first.is_uppercase())).collect()
}

#[test]
fn commands_name_tests_examples_and_scripts_that_there_are() {
    let documents = ["CONTRIBUTING.md", "README.md", "benches/README.md", "loom-tests/README.md"];
    let texts = documents.map(read);
    let of_documents = texts.iter().flat_map(|text| commands(text)).map(str::to_owned);
    let of_workflows = steps().into_iter().map(|step| step.command);
    let mut checked = 0;
    for command in of_documents.chain(of_workflows) {
        let models = command.contains("anabranch-models");
        for test in named(&command, "--test") {
            let folder = root().join(if models { "loom-tests/tests" } else { "tests" });
            let there = folder.join(format!("{test}.rs")).exists()
                || folder.join(test).join("main.rs").exists();
            assert!(there, "there is no test {test}: {command}");
            checked += 1;
        }
        for example in named(&command, "--example") {
            let [ours, timely] = ["examples", "timely/examples"].map(|folder| root().join(folder));
            let file = format!("{example}.rs");
            assert!(ours.join(&file).exists() || timely.join(&file).exists(), "{command}");
            checked += 1;
        }
        let script = command.split_whitespace().next().unwrap_or("");
        if ["loom-tests/", "tests/", ".ci/"].iter().any(|folder| script.starts_with(folder)) {
            assert!(root().join(script).exists(), "there is no {script}: {command}");
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} names were found");
}

/// Returns the anchors that a Markdown file's headings make.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let titles = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    titles.map(|title| title.chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let folders = ["", "benches", "loom-tests", "loom-tests/mutants", "timely"];
    let mut followed = 0;
    for file in folders.into_iter().flat_map(|folder| files(folder, "md")) {
        let text = read(&file);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => file.parent().unwrap().join(path),
            };
            assert!(root().join(&target).exists(), "{}: {link}", file.display());
            let is_there =
                anchor.is_empty() || anchors(&read(&target)).iter().any(|is| is == anchor);
            assert!(is_there, "{}: {link}", file.display());
            followed += 1;
        }
    }
    assert!(followed > 30, "only {followed} links were found");
}

#[test]
fn badges_are_those_of_this_repository_and_crate() {
    let (repository, name) = (value("Cargo.toml", "repository"), value("Cargo.toml", "name"));
    let text = read("README.md");
    let badges: Vec<_> = text.lines().filter(|line| line.starts_with("[![")).collect();
    assert!(!badges.is_empty());
    for badge in badges {
        let target = badge.rsplit('(').next().unwrap().trim_end_matches(')');
        match target.strip_prefix(&format!("{repository}/actions/workflows/")) {
            Some(workflow) => assert!(root().join(".github/workflows").join(workflow).exists()),
            None => assert!(target.ends_with(&format!("/{name}")), "{badge}"),
        }
    }
}

/// Returns the value of a key in a manifest.
fn value(manifest: &str, key: &str) -> String {
    let text = read(manifest);
    let line = text.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

#[test]
fn documents_and_workflows_name_the_minimum_rust_version() {
    let (ours, timely) =
        (value("Cargo.toml", "rust-version"), value("timely/Cargo.toml", "rust-version"));
    for document in ["README.md", "CONTRIBUTING.md"] {
        assert!(read(document).contains(&format!("{ours} or later")), "{document}");
    }
    let commands: Vec<_> = steps().into_iter().map(|step| step.command).collect();
    for version in [ours, timely] {
        let checks =
            commands.iter().any(|run| run.starts_with(&format!("cargo +{version}.0 check ")));
        assert!(checks, "hosted CI does not check with {version}");
    }
}

#[test]
fn changelogs_tell_of_the_version_with_its_date() {
    for (manifest, changelog) in
        [("Cargo.toml", "CHANGELOG.md"), ("timely/Cargo.toml", "timely/CHANGELOG.md")]
    {
        let title = format!("\n## [{}] - ", value(manifest, "version"));
        let text = read(changelog);
        let (_, rest) = text.split_once(&title).unwrap_or_else(|| panic!("{changelog}: {title}"));
        let date = rest.lines().next().unwrap();
        let is_date = date.len() == 10 && date.split('-').map(str::len).eq([4, 2, 2]);
        assert!(is_date, "{changelog}: {date}");
    }
}
