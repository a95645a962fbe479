//! Uneven clocks and nodes that make more frames than they take, in whole graphs.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use std::path::Path;
use std::sync::Mutex;

use frameloom::diag::Sources;
use frameloom::document::{LoadOptions, load_str};
use frameloom::exec::{self, Event, RunOptions, StopFlag};
use frameloom::node::{Engine, Registry};
use frameloom::plan::{Plan, PlanOptions, plan};

/// What the sinks saw, as `tag` and words.
static LOG: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

mod count {
    use frameloom::frame::Size;
    use frameloom::node::{Fault, Halt, Length, Node, Open, Outlook, Problem, Prospect, Tick, node};
    use frameloom::param::Fps;

    node! {
        /// Counts up to an end that it may know before.
        "count" => Count
        outputs { number: f64 }
        params {
            there: i64 = 10;
            known: bool = true;
        }
    }

    pub struct Count(i64);

    impl Node for Count {
        type State = ();
        fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
            let frames = params.there as u64;
            let length = if params.known { Length::Exactly(frames) } else { Length::About(frames + 3) };
            Ok(Outlook { length, fps: Some(Fps::new(24, 1)), ..cx.all_outputs(Size::new(8, 8)) })
        }
        fn open(params: &Params, _: &Open<'_>) -> Result<(Self, ()), Fault> {
            Ok((Self(params.there), ()))
        }
        fn fire(&self, (): &mut (), cx: &Tick<'_>, _: Inputs, _: Now) -> Result<Outputs, Halt> {
            if cx.tick() as i64 >= self.0 { Err(Halt::End) } else { Ok(Outputs { number: cx.tick() as f64 }) }
        }
    }
}

mod add {
    use frameloom::node::{Fault, Halt, Node, Open, Tick, node};
    use frameloom::param::Curve;

    node! {
        /// Adds a curve to a number.
        "add" => Add
        inputs { number: f64, other: Option<f64> }
        outputs { number: f64 }
        params { by: Curve = 0.0; }
    }

    pub struct Add;

    impl Node for Add {
        type State = ();
        fn open(_: &Params, _: &Open<'_>) -> Result<(Self, ()), Fault> {
            Ok((Self, ()))
        }
        fn fire(&self, (): &mut (), _: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
            Ok(Outputs { number: inputs.number + inputs.other.unwrap_or(0.0) + now.by })
        }
    }
}

mod fill {
    use frameloom::node::{Between, Fault, Halt, Node, Open, Pace, Tick, node};

    node! {
        /// Numbers between numbers.
        "fill" => Fill
        inputs { number: Between<f64> }
        outputs { number: f64 }
        params {
            factor: i64 = 2;
            slow: bool = false;
        }
    }

    pub struct Fill;

    impl Node for Fill {
        type State = ();
        fn pace(params: &Params) -> Pace {
            Pace { factor: params.factor as u64, slow_motion: params.slow }
        }
        fn open(_: &Params, _: &Open<'_>) -> Result<(Self, ()), Fault> {
            Ok((Self, ()))
        }
        fn fire(&self, (): &mut (), _: &Tick<'_>, inputs: Inputs, _: Now) -> Result<Outputs, Halt> {
            let ends = inputs.number;
            Ok(Outputs { number: ends.before + (ends.after - ends.before) * ends.age as f64 / ends.period as f64 })
        }
    }
}

mod note {
    use frameloom::node::{Fault, Halt, Latest, Node, Open, Tick, node};

    node! {
        /// Notes what it sees: its tick, the number, its age and how long it lasts; once, its rate and what that of the sound is.
        "note" => Note
        inputs { number: Latest<f64> }
        params { tag: String; }
    }

    pub struct Note(String);

    impl Node for Note {
        type State = bool;
        fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, bool), Fault> {
            let of = cx.timeline.moment(0);
            super::log(&params.tag, format!("fps {} length {:?} stretch {}", of.fps, of.length, cx.timeline.stretch));
            Ok((Self(params.tag.clone()), true))
        }
        fn fire(&self, _: &mut bool, cx: &Tick<'_>, inputs: Inputs, _: Now) -> Result<Outputs, Halt> {
            let held = inputs.number;
            super::log(&self.0, format!("{}: {} ({} of {})", cx.tick(), (held.value * 1000.0).round() / 1000.0, held.age, held.period));
            Ok(Outputs {})
        }
    }
}

fn log(tag: &str, words: String) {
    LOG.lock().unwrap().push((tag.to_owned(), words));
}

fn logged(tag: &str) -> Vec<String> {
    LOG.lock().unwrap().iter().filter(|(of, _)| of == tag).map(|(_, words)| words.clone()).collect()
}

fn planned(nodes: &str, timeline: &str) -> Plan {
    let mut registry = Registry::default();
    registry.add::<count::Count>().unwrap().add::<add::Add>().unwrap();
    registry.add::<fill::Fill>().unwrap().add::<note::Note>().unwrap();
    let text = format!("frameloom: 1\n{timeline}\nnodes:\n{nodes}");
    let mut sources = Sources::default();
    let (graph, found) = load_str("g.yaml", &text, Path::new(""), &LoadOptions::new(&registry), &mut sources);
    let (plan, faults) = plan(&graph.unwrap_or_else(|| panic!("{found:?}")), &registry, &PlanOptions::default());
    plan.unwrap_or_else(|| panic!("{faults:?}"))
}

fn run(nodes: &str, from: u64) -> Plan {
    run_with(nodes, "", from)
}

fn run_with(nodes: &str, timeline: &str, from: u64) -> Plan {
    let mut plan = planned(nodes, timeline);
    plan.engine = Engine { threads: 2, ..Engine::default() };
    exec::run(&plan, &RunOptions { depth: 3, from }, &|_: &Event| {}, &StopFlag::default()).unwrap_or_else(|error| panic!("{error}"));
    plan
}

/// The numbers that the sink `tag` saw.
fn numbers(tag: &str) -> Vec<f64> {
    logged(tag).iter().filter_map(|line| line.split_once(": ")?.1.split(' ').next()?.parse().ok()).collect()
}

#[test]
fn a_list_of_times_decides_when_a_node_fires() {
    for (tag, known) in [("list", true), ("list_open", false)] {
        run(
            &format!(
                "  n: {{ kind: count, there: 11, known: {known} }}\n  k: {{ kind: add, number: n, by: \"100*t\", when: [7, 3, 0.33s] }}\n  s: {{ kind: note, number: k, tag: {tag} }}\n"
            ),
            0,
        );
        // 0.33 s at 24 a second is frame 8; the last one is taken to last as long as the one before it.
        let expected = [
            "0: 0 (0 of 3)",
            "1: 0 (1 of 3)",
            "2: 0 (2 of 3)",
            "3: 303 (0 of 4)",
            "4: 303 (1 of 4)",
            "5: 303 (2 of 4)",
            "6: 303 (3 of 4)",
            "7: 707 (0 of 1)",
            "8: 808 (0 of 1)",
            "9: 808 (1 of 1)",
            "10: 808 (2 of 1)",
        ];
        assert_eq!(logged(tag)[1..], expected, "{tag}");
    }
}

#[test]
fn a_curve_decides_how_far_the_next_firing_is() {
    run(
        "  n: { kind: count, there: 12 }\n  k: { kind: add, number: n, every: \"0: (1), 8: (5)\" }\n  s: { kind: note, number: k, tag: curve }\n",
        0,
    );
    assert_eq!(numbers("curve"), [0.0, 1.0, 2.0, 2.0, 4.0, 4.0, 4.0, 7.0, 7.0, 7.0, 7.0, 11.0]);
}

#[test]
fn a_node_fires_with_another_and_what_only_they_read_fires_with_them() {
    let nodes = "
  n: { kind: count, there: 8 }
  r: { kind: add, number: n }
  k: { kind: add, number: r, when: \"t % 3 == 0 or t == 7\" }
  w: { kind: add, number: { from: k@-1, initial: n }, other: k, when: k }
  s: { kind: note, number: w, tag: with }
";
    let plan = run(nodes, 0);
    // The key before is that of the tick before, however long ago it was made.
    assert_eq!(numbers("with"), [0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 9.0, 13.0]);
    let clock = |name: &str| &plan.analysis.nodes[plan.nodes.iter().position(|node| node.name == name).unwrap()].clock;
    assert_eq!(clock("r"), clock("k"), "nobody looks at `r` in between");
    assert_eq!(clock("w"), clock("k"));
    run(&nodes.replace("with", "late"), 5);
    assert_eq!(logged("late")[1..], ["5: 3 (2 of 3)", "6: 9 (0 of 1)", "7: 13 (0 of 2)"]);
}

#[test]
fn more_frames_change_nothing_of_what_is_written_before_them() {
    let plain = "  n: { kind: count, there: 4, known: KNOWN }\n  k: { kind: add, number: n, by: \"0: (0), 3: (30)\", every: 2 }\n  s: { kind: note, number: k, tag: TAG }\n";
    let more = "  f: { kind: fill, number: g, factor: 3 }\n  g: { kind: fill, number: k }\n  e: { kind: note, number: f, tag: TAG_end }\n  h: { kind: note, number: g, tag: TAG_mid }\n";
    let slow = "  z: { kind: fill, number: n, slow: true, factor: 3 }\n  y: { kind: note, number: z, tag: TAG_slow }\n";
    for known in ["true", "false"] {
        let text = |text: &str, tag: &str| text.replace("KNOWN", known).replace("TAG", tag);
        let (one, many) = (format!("one_{known}"), format!("many_{known}"));
        run(&text(plain, &one), 0);
        let plan = run(&text(&format!("{plain}{more}{slow}"), &many), 0);
        assert_eq!(logged(&one)[1..], logged(&many)[1..], "the branch at the rate of the source");
        assert_eq!(numbers(&one), [0.0, 0.0, 22.0, 22.0]);
        assert_eq!(plan.rate, 6);
        let expected: Vec<f64> = (0..8).map(|i| f64::from(i.min(4)) * 5.5).collect();
        assert_eq!(numbers(&format!("{many}_mid")), expected, "twice as many, with the gaps of the slower stream filled");
        let fine = numbers(&format!("{many}_end"));
        assert_eq!(fine.len(), 24);
        assert!(fine.iter().enumerate().all(|(i, v)| (v - (i as f64 * 5.5 / 3.0).min(22.0)).abs() < 1e-3), "{fine:?}");
        assert_eq!(numbers(&format!("{many}_slow")).len(), 12);
        let head = |tag: &str| logged(&format!("{many}{tag}"))[0].clone();
        let length = |frames: u64| if known == "true" { 4 * frames } else { 7 * frames };
        assert_eq!(head(""), format!("fps 24 length Some({}) stretch 1", length(1)));
        assert_eq!(head("_mid"), format!("fps 48 length Some({}) stretch 1", length(2)));
        assert_eq!(head("_end"), format!("fps 144 length Some({}) stretch 1", length(6)));
        assert_eq!(head("_slow"), format!("fps 24 length Some({}) stretch 3", length(3)));
    }
}

#[test]
fn a_part_of_the_run_counts_frames_of_the_timeline() {
    let nodes = "  n: { kind: count, there: 5 }\n  f: { kind: fill, number: n }\n  s: { kind: note, number: f, tag: part }\n";
    run(nodes, 3);
    assert_eq!(logged("part")[1..], ["6: 3 (0 of 1)", "7: 3.5 (0 of 1)", "8: 4 (0 of 1)", "9: 4 (0 of 1)"]);
}

#[test]
fn delays_count_the_frames_of_the_node_that_reads() {
    let nodes = "
  n: { kind: count, there: 4 }
  l: { kind: add, number: { from: l@-1, initial: n }, other: n }
  f: { kind: fill, number: l }
  d: { kind: add, number: { from: f@-1, initial: f }, other: n }
  s: { kind: note, number: d, tag: delays }
  t: { kind: note, number: l, tag: loops }
";
    run(nodes, 0);
    assert_eq!(numbers("loops"), [0.0, 1.0, 3.0, 6.0]);
    // l is 0 1 3 6, f is 0 .5 1 2 3 4.5 6 6, and n, held, is 0 0 1 1 2 2 3 3.
    assert_eq!(numbers("delays"), [0.0, 0.0, 1.5, 2.0, 4.0, 5.0, 7.5, 9.0]);
}
