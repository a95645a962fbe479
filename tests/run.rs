//! Runs of whole plans: opening, ending, stopping, failing, closing.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use std::path::Path;
use std::sync::Mutex;

use frameloom::diag::Sources;
use frameloom::document::{LoadOptions, load_str};
use frameloom::exec::{self, Event, Report, RunError, RunOptions, StopFlag};
use frameloom::node::{Engine, Registry};
use frameloom::plan::{PlanOptions, plan};

/// What the kinds below did, as `tag: words`. Each test has its own tag.
static LOG: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn log(tag: &str, words: impl Into<String>) {
    LOG.lock().unwrap().push((tag.to_owned(), words.into()));
}

fn logged(tag: &str) -> Vec<String> {
    LOG.lock().unwrap().iter().filter(|(of, _)| of == tag).map(|(_, words)| words.clone()).collect()
}

mod count {
    use frameloom::frame::Size;
    use frameloom::node::{Ending, Fault, Halt, Length, Node, Open, Outlook, Problem, Prospect, Tick, node};

    node! {
        /// Counts. Promises a number of frames and ends when it likes.
        "count" => Count
        outputs {
            /// The tick.
            number: f64,
        }
        params {
            promised: i64 = 10;
            there: i64 = 10;
            broken: bool = false;
            tag: String;
        }
    }

    pub struct Count {
        there: i64,
        tag: String,
    }

    impl Node for Count {
        type State = u64;

        fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
            let length =
                if params.promised == params.there { Length::Exactly(params.there as u64) } else { Length::About(params.promised as u64) };
            Ok(Outlook { length, ..cx.all_outputs(Size::new(8, 8)) })
        }

        fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, u64), Fault> {
            super::log(&params.tag, format!("open {}", cx.node));
            if params.broken {
                Err(Fault::new("no such file").help("look elsewhere"))
            } else {
                Ok((Self { there: params.there, tag: params.tag.clone() }, 0))
            }
        }

        fn fire(&self, state: &mut u64, cx: &Tick<'_>, _: Inputs, _: Now) -> Result<Outputs, Halt> {
            assert_eq!(*state, cx.tick(), "firings come in order");
            *state += 1;
            if cx.tick() as i64 >= self.there { Err(Halt::End) } else { Ok(Outputs { number: cx.tick() as f64 }) }
        }

        fn finish(&self, _: &mut u64, ending: Ending) -> Result<Vec<String>, Fault> {
            super::log(&self.tag, format!("count {ending:?}"));
            Ok(Vec::new())
        }
    }
}

mod sum {
    use frameloom::node::{Fault, Halt, Node, Open, Tick, Window, node};

    node! {
        /// Adds what the loop carries to the numbers around this one.
        "sum" => Sum
        inputs {
            near: Window<f64, 1, 1>,
            before: Option<f64>,
        }
        outputs { number: f64 }
        params { panics_at: i64 = -1; }
    }

    pub struct Sum;

    impl Node for Sum {
        type State = ();

        fn open(_: &Params, _: &Open<'_>) -> Result<(Self, ()), Fault> {
            Ok((Self, ()))
        }

        fn fire(&self, (): &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
            assert!(cx.tick() as i64 != now.panics_at, "out of luck");
            Ok(Outputs { number: inputs.near.0.iter().sum::<f64>() + inputs.before.unwrap_or(0.0) })
        }
    }
}

mod pass {
    use frameloom::node::{Fault, Halt, Node, Open, Tick, node};

    node! {
        /// Hands a number on.
        "pass" => Pass
        inputs { number: f64 }
        outputs { number: f64 }
        params { tag: String; }
    }

    pub struct Pass;

    impl Node for Pass {
        type State = String;

        fn open(params: &Params, _: &Open<'_>) -> Result<(Self, String), Fault> {
            Ok((Self, params.tag.clone()))
        }

        fn fire(&self, tag: &mut String, cx: &Tick<'_>, inputs: Inputs, _: Now) -> Result<Outputs, Halt> {
            super::log(tag, format!("pass {}={}", cx.tick(), inputs.number));
            Ok(Outputs { number: inputs.number })
        }
    }
}

mod collect {
    use frameloom::node::{Ending, Fault, Halt, Node, Open, Tick, node};

    node! {
        /// Takes numbers.
        "collect" => Collect
        inputs { number: f64 }
        params {
            tag: String;
            breaks: bool = false;
        }
    }

    pub struct Collect {
        breaks: bool,
    }

    impl Node for Collect {
        type State = String;

        fn open(params: &Params, _: &Open<'_>) -> Result<(Self, String), Fault> {
            Ok((Self { breaks: params.breaks }, params.tag.clone()))
        }

        fn fire(&self, tag: &mut String, cx: &Tick<'_>, inputs: Inputs, _: Now) -> Result<Outputs, Halt> {
            super::log(tag, format!("{}={}", cx.tick(), inputs.number));
            Ok(Outputs {})
        }

        fn finish(&self, tag: &mut String, ending: Ending) -> Result<Vec<String>, Fault> {
            super::log(tag, format!("collect {ending:?}"));
            if self.breaks { Err(Fault::new("disk full")) } else { Ok(vec![format!("wrote {tag}")]) }
        }
    }
}

fn run(text: &str, from: u64, stop: &StopFlag, observer: &dyn exec::Observer) -> Result<Report, RunError> {
    let mut registry = Registry::default();
    registry.add::<count::Count>().unwrap().add::<sum::Sum>().unwrap().add::<pass::Pass>().unwrap().add::<collect::Collect>().unwrap();
    let mut sources = Sources::default();
    let (graph, findings) = load_str("graph.yaml", text, Path::new(""), &LoadOptions::new(&registry), &mut sources);
    assert!(!findings.has_errors(), "{findings:?}");
    let options = PlanOptions { engine: Engine { threads: 3, ..Engine::default() }, ..PlanOptions::default() };
    let (plan, findings) = plan(&graph.unwrap(), &registry, &options);
    let plan = plan.unwrap_or_else(|| panic!("{findings:?}"));
    exec::run(&plan, &RunOptions { depth: 3, from }, observer, stop)
}

fn quiet(text: &str) -> Result<Report, RunError> {
    run(text, 0, &StopFlag::default(), &|_: &Event| {})
}

fn graph(tag: &str, count: &str, sum: &str, collect: &str) -> String {
    format!(
        "frameloom: 1\ntimeline: {{ fps: 25 }}\nnodes:\n  \
           n: {{ kind: count, tag: {tag}{count} }}\n  \
           s: {{ kind: sum, near: n, before: {{ from: s@-1, initial: n }}{sum} }}\n  \
           out: {{ kind: collect, number: s, tag: {tag}{collect} }}\n"
    )
}

/// The numbers that the graph makes of a source of `length` ticks.
fn expected(length: i64) -> Vec<String> {
    let mut before = 0;
    (0..length)
        .map(|tick| {
            before += (tick - 1).max(0) + tick + (tick + 1).min(length - 1);
            format!("{tick}={before}")
        })
        .collect()
}

#[test]
fn a_source_that_is_shorter_than_promised_ends_the_output() {
    let report = quiet(&graph("short", ", promised: 12, there: 7", "", "")).unwrap();
    assert_eq!((report.frames, report.interrupted, report.notes), (7, false, vec!["wrote short".to_owned()]));
    let mut all = vec!["open n".to_owned()];
    all.extend(expected(7));
    all.extend(["count Complete".to_owned(), "collect Complete".to_owned()]);
    assert_eq!(logged("short"), all);
    assert_eq!(report.times.iter().map(|times| times.count).collect::<Vec<_>>(), [8, 7, 7]);
}

#[test]
fn a_later_start_writes_the_same_frames() {
    let seen = Mutex::new(Vec::new());
    let observer = |event: &Event| {
        if let Event::Frames { done, length } = event {
            seen.lock().unwrap().push((*done, *length));
        }
    };
    let report = run(&graph("late", "", "", ""), 6, &StopFlag::default(), &observer).unwrap();
    assert_eq!(report.frames, 4);
    assert_eq!(logged("late")[1..5], expected(10)[6..]);
    assert_eq!(seen.into_inner().unwrap(), [(1, Some(4)), (2, Some(4)), (3, Some(4)), (4, Some(4))]);
}

#[test]
fn a_panic_names_node_and_frame_and_closes_everything() {
    let error = quiet(&graph("panic", "", ", panics_at: 5", "")).unwrap_err();
    assert_eq!(error.to_string(), "`s` at frame 5: it panicked: out of luck");
    assert_eq!((error.node.as_str(), error.tick, error.frames), ("s", Some(5), 5));
    assert_eq!(error.notes, ["wrote panic"]);
    let mut all = vec!["open n".to_owned()];
    all.extend(expected(10).into_iter().take(5));
    all.extend(["count Failed".to_owned(), "collect Failed".to_owned()]);
    assert_eq!(logged("panic"), all);
}

#[test]
fn nothing_fires_when_a_node_cannot_open() {
    let error = quiet(&graph("broken", ", broken: true", "", "")).unwrap_err();
    assert_eq!(error.to_string(), "`n`: no such file");
    assert_eq!(error.fault.help.as_deref(), Some("look elsewhere"));
    assert_eq!(logged("broken"), ["open n"]);
}

#[test]
fn a_failure_while_closing_is_the_runs_failure() {
    let error = quiet(&graph("full", "", "", ", breaks: true")).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.frames), ("`out`: disk full", 10));
}

#[test]
fn a_stop_finishes_the_frames_begun_and_closes_files() {
    let stop = StopFlag::default();
    let observer = |event: &Event| {
        if matches!(event, Event::Frames { done: 3, .. }) {
            stop.request();
        }
    };
    let report = run(&graph("stopped", ", promised: 1000, there: 1000", "", ""), 0, &stop, &observer).unwrap();
    assert!(report.interrupted && (3..10).contains(&report.frames), "{}", report.frames);
    let lines = logged("stopped");
    assert_eq!(lines[1..=report.frames as usize], expected(1000)[..report.frames as usize]);
    assert_eq!(lines[lines.len() - 2..], ["count Interrupted", "collect Interrupted"]);
}

#[test]
fn what_begins_with_nothing_skips_what_needs_it_and_not_what_can_do_without() {
    let nodes = "frameloom: 1\ntimeline: { fps: 25 }\nnodes:\n  \
        n:    { kind: count, tag: nothing, promised: 5, there: 5 }\n  \
        loop: { kind: pass, number: { from: s@-2, initial: none }, tag: nothing }\n  \
        s:    { kind: sum, near: n, before: loop }\n  \
        out:  { kind: collect, number: s, tag: nothing }\n";
    quiet(nodes).unwrap();
    let alone = [1, 3, 6, 9, 11];
    let sums: Vec<i64> = alone.iter().enumerate().fold(Vec::new(), |mut sums, (tick, near)| {
        sums.push(near + if tick < 2 { 0 } else { sums[tick - 2] });
        sums
    });
    let seen = logged("nothing");
    let collected: Vec<_> = seen.iter().filter(|line| line.contains('=') && !line.starts_with("pass")).cloned().collect();
    assert_eq!(collected, sums.iter().enumerate().map(|(tick, sum)| format!("{tick}={sum}")).collect::<Vec<_>>());
    let passed: Vec<_> = seen.iter().filter(|line| line.starts_with("pass")).cloned().collect();
    assert_eq!(passed, (2..5).map(|tick| format!("pass {tick}={}", sums[tick - 2])).collect::<Vec<_>>());
}
