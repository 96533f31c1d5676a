//! The trace of a run, as the trace-event format has it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;

use std::fs;

use program::Example;

#[cfg(not(feature = "tracing"))]
#[test]
fn an_example_without_the_feature_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let example = Example::with_features_of_the_test("digests");
    let ended = example.run(&["--trace", file.to_str().unwrap()], b"");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("digests: --trace: built without the feature"), "{ended:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[cfg(feature = "tracing")]
mod with_the_feature {
    use std::collections::BTreeMap;
    use std::iter;
    use std::thread;
    use std::time::Duration;

    use anabranch::{Control, prelude::*};
    use serde_json::Value;
    use tracing_chrome::ChromeLayerBuilder;
    use tracing_subscriber::prelude::*;

    use super::*;

    /// A slice of a row. Its times are in seconds.
    #[derive(Clone, Debug)]
    struct Slice {
        name: String,
        begin: f64,
        end: f64,
        arguments: Value,
    }

    /// What a trace shows of one thread.
    #[derive(Debug, Default)]
    struct Row {
        slices: Vec<Slice>,
        /// The names of the events, and when they were.
        events: Vec<(String, f64)>,
    }

    impl Row {
        fn named(&self, name: &str) -> impl Iterator<Item = &Slice> {
            self.slices.iter().filter(move |slice| slice.name == name)
        }

        /// Returns how long all slices of that name took.
        fn sum(&self, name: &str) -> f64 {
            self.named(name).map(|slice| slice.end - slice.begin).sum()
        }
    }

    /// Reads a trace: its rows, by name. Asserts that slices nest or are disjoint.
    fn rows(trace: &str) -> BTreeMap<String, Row> {
        let entries: Vec<Value> = serde_json::from_str(trace).unwrap();
        let threads = || entries.iter().filter(|entry| entry["ph"] == "M");
        let names: BTreeMap<u64, String> = threads()
            .map(|thread| (thread["tid"].as_u64().unwrap(), text(&thread["args"]["name"])))
            .collect();
        assert_eq!(names.len(), threads().count(), "{names:?}");
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let mut open: BTreeMap<u64, Vec<(String, f64)>> = BTreeMap::new();
        let mut now: BTreeMap<u64, f64> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry["ph"] != "M") {
            let (thread, name) = (entry["tid"].as_u64().unwrap(), text(&entry["name"]));
            let row = rows.entry(names[&thread].clone()).or_default();
            let at = entry["ts"].as_f64().unwrap() / 1e6;
            let before = now.insert(thread, at).unwrap_or(0.0);
            assert!(before <= at, "{entry} follows {before}");
            let open = open.entry(thread).or_default();
            match entry["ph"].as_str() {
                Some("B") => open.push((name, at)),
                Some("E") => {
                    let (begun, begin) = open.pop().unwrap();
                    assert_eq!(begun, name, "{entry} overlaps");
                    let arguments = entry["args"].clone();
                    row.slices.push(Slice { name, begin, end: at, arguments });
                }
                Some("i") => row.events.push((name, at)),
                _ => panic!("{entry}"),
            }
        }
        assert!(open.values().all(Vec::is_empty), "{open:?}");
        rows
    }

    fn text(value: &Value) -> String {
        value.as_str().unwrap().to_owned()
    }

    /// Asserts that a time of the trace is that of the statistics: within 5 %, besides what
    /// recording the trace itself takes.
    #[track_caller]
    fn assert_agree(what: &str, trace: f64, stats: Duration, whole: f64) {
        let stats = stats.as_secs_f64();
        assert!(
            (trace - stats).abs() <= 0.05 * stats + 0.01 * whole,
            "{what}: {trace} s in the trace, {stats} s in the statistics"
        );
    }

    fn slowly<T>(millis: u64, value: T) -> T {
        thread::sleep(Duration::from_millis(millis));
        value
    }

    #[test]
    fn its_sums_agree_with_the_statistics() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trace.json");
        let layer = ChromeLayerBuilder::new().writer(fs::File::create(&file).unwrap());
        let (layer, written) = layer.include_args(true).build();
        tracing_subscriber::registry().with(layer).init();

        let control = Control::new();
        let run = (0..30).map(|item: u64| slowly(8, item)).fan_out().read_ahead();
        let run = run.batch(1).input_capacity(1).output_capacity(1);
        let run = run.thread_name("input").control(&control);
        let scans = [
            scan::map(|item: &u64| *item).named("chatty").boxed(),
            scan::for_each(|_: &u64| slowly(16, ())).map(|()| 0).named("slow").boxed(),
        ];
        let consumer = thread::Builder::new().name("consumer".to_owned());
        let consumer = consumer.spawn(move || {
            let outputs = run.distribute(scans);
            outputs.fold(0, |taken, _| slowly(32, taken + 1))
        });
        assert_eq!(consumer.unwrap().join().unwrap(), 31);
        let stats = control.stats();
        drop(written);

        let rows = rows(&fs::read_to_string(&file).unwrap());
        let names: Vec<_> = rows.keys().map(String::as_str).collect();
        assert_eq!(names, ["chatty", "consumer", "input", "slow"]);

        let whole = (stats.consuming + stats.awaiting).as_secs_f64();
        for (scan, name) in iter::zip(&stats.scans, ["chatty", "slow"]) {
            let row = &rows[name];
            let (input, room) = (row.sum("wait_for_input"), row.sum("wait_for_consumer"));
            assert_agree("input", input, scan.waiting, whole);
            assert_agree("room", room, scan.blocked, whole);
            assert_agree("busy", row.sum("scan") - input - room, scan.busy, whole);
            assert_eq!(row.named("step").count(), 30);
            let arguments = &row.named("scan").next().unwrap().arguments;
            assert_eq!(arguments["name"], name);
            assert_eq!(arguments["items"], "30");
            assert_eq!(arguments["outputs"], scan.outputs.to_string());
        }
        assert_agree("steps", rows["slow"].sum("step"), stats.scans[1].busy, whole);

        let input = &rows["input"];
        assert_agree("pulling", input.sum("pull"), stats.pulling, whole);
        assert_agree("held back", input.sum("dispatch"), stats.held_back.unwrap(), whole);
        let (room, dispatch) = (input.sum("wait_for_room"), input.sum("dispatch"));
        assert!((0.5 * dispatch..=dispatch).contains(&room), "{room} of {dispatch}");

        let consumer = &rows["consumer"];
        assert_agree("awaiting", consumer.sum("collect"), stats.awaiting, whole);
        let at = |name| consumer.events.iter().find(|(event, _)| event == name).unwrap().1;
        let run = at("end") - at("start");
        assert_agree("consuming", run - consumer.sum("collect"), stats.consuming, whole);
    }

    #[test]
    fn the_examples_write_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name).to_str().unwrap().to_owned();
        let (trace, to) = (path("trace.json"), path("to.gz"));
        let text = b"to be or not to be\n".repeat(100_000);
        let digests: &[&str] = &["digests", "--only", "md5,blake3"];
        let archive = ["archive", "--to", &to];
        let branches = ["SHA256", "UTF-8", "bytes", "gzip", "lines", "words"];
        for (command, scans) in [(digests, &["BLAKE3", "MD5"][..]), (&archive, &branches)] {
            let example = Example::with_features_of_the_test(command[0]);
            let ended = example.run(&[&command[1..], &["--trace", &trace]].concat(), &text);
            assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");

            let rows = rows(&fs::read_to_string(&trace).unwrap());
            let mut names: Vec<_> = rows.keys().map(String::as_str).collect();
            names.retain(|name| !["consumer", "input"].contains(name));
            assert_eq!(names, scans);
            assert_eq!(rows["input"].named("pull").last().map(|_| ()), Some(()));
            for name in scans {
                assert_eq!(rows[*name].named("scan").count(), 1, "{rows:?}");
                assert!(rows[*name].named("wait_for_input").count() > 1, "{rows:?}");
            }
        }

        let missing = path("missing/trace.json");
        let ended = Example::with_features_of_the_test("digests").run(&["--trace", &missing], b"");
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.starts_with(&format!("digests: {missing}: ")), "{ended:?}");
    }
}
