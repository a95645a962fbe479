//! A plan from opening its nodes to closing them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::schedule::{Course, Firing, Verdict};
use super::workers::{Driven, Inputs, Job, Times, drive, panicked};
use super::{Event, Observer, StopFlag};
use crate::node::{Ending, Fault, Feed, Halt, Open, Running, Sample, Tick, Value};
use crate::param::Moment;
use crate::plan::Plan;

/// How to run a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// How many waves may be under way at once, at least 1; [`Plan::depth`] finds what fits into memory. Changes no pixel.
    pub depth: usize,
    /// The first tick that is written. What keeps state still begins at 0, so that frames are the same as in a whole run.
    pub from: u64,
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Frames that all sinks have finished.
    pub frames: u64,
    /// It was stopped before the end; all files were closed.
    pub interrupted: bool,
    /// What nodes said when they were closed: the files written.
    pub notes: Vec<String>,
    /// How long the firings of each node took, in the order of the plan.
    pub times: Vec<Times>,
    /// The most bytes of values that lived at once.
    pub peak_bytes: u64,
    /// The most values that lived at once.
    pub peak_values: usize,
    /// Time to open all nodes.
    pub opening: Duration,
    /// Time for everything.
    pub took: Duration,
}

/// A run that failed, and what was made before.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{node}`{}: {fault}", .tick.map_or_else(String::new, |tick| format!(" at frame {tick}")))]
pub struct RunError {
    /// The node that failed first, in the order of the output.
    pub node: String,
    /// The tick, unless it failed while opening or closing.
    pub tick: Option<u64>,
    /// Why.
    pub fault: Fault,
    /// Frames that all sinks have finished before.
    pub frames: u64,
    /// What nodes said when they were closed all the same.
    pub notes: Vec<String>,
}

/// Where and why a run failed.
struct Failure {
    node: String,
    tick: Option<u64>,
    fault: Fault,
}

/// Runs `plan`: opens every node, fires them as [`super::schedule`] says, and closes every node however the run ended. When
/// `stop` is raised the frames that have begun are finished.
///
/// # Errors
/// The first failure in the order of (wave, rank), which is the same on any number of threads.
pub fn run(plan: &Plan, options: &RunOptions, observer: &dyn Observer, stop: &StopFlag) -> Result<Report, RunError> {
    let began = Instant::now();
    let (opened, failure) = open(plan, stop);
    let mut report = Report { opening: began.elapsed(), times: vec![Times::default(); plan.nodes.len()], ..Report::default() };
    let failure = failure.or_else(|| {
        let ticks = |frames: u64| frames.saturating_mul(plan.rate);
        observer.event(&Event::Started { length: plan.frames().map(|length| ticks(length.saturating_sub(options.from))) });
        let course = Course { depth: options.depth, from: ticks(options.from), length: plan.limit.map(ticks) };
        let job = Job { net: &plan.net, analysis: &plan.analysis, course, threads: plan.engine.threads, stop, observer };
        let driven = drive(&job, &|firing, inputs| fire(plan, &opened, firing, inputs));
        conclude(plan, driven, &mut report)
    });
    observer.event(&Event::Finishing { done: report.frames });
    let failure = close(plan, &opened, failure, &mut report);
    report.took = began.elapsed();
    match failure {
        None => Ok(report),
        Some(Failure { node, tick, fault }) => Err(RunError { node, tick, fault, frames: report.frames, notes: report.notes }),
    }
}

fn guard<T, E: From<Fault>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic).into()))
}

/// Opens the nodes in the order of the graph, up to the first that cannot.
fn open(plan: &Plan, stop: &StopFlag) -> (Vec<Box<dyn Running>>, Option<Failure>) {
    let mut opened = Vec::new();
    for node in &plan.nodes {
        // A run that is stopped before it begins fires nothing, so the rest need not open.
        if stop.requested() {
            break;
        }
        let cx = Open { node: &node.name, timeline: node.timeline, inputs: &node.inputs, period: node.period, engine: &plan.engine };
        match guard(|| Arc::clone(&node.settings).open(&cx)) {
            Ok(running) => opened.push(running),
            Err(fault) => return (opened, Some(Failure { node: node.name.clone(), tick: None, fault })),
        }
    }
    (opened, None)
}

fn fire(plan: &Plan, opened: &[Box<dyn Running>], firing: &Firing, mut inputs: Inputs) -> Result<Vec<Option<Value>>, Halt> {
    let (node, running) = (&plan.nodes[firing.node], &opened[firing.node]);
    let spec = node.kind.spec();
    // From here on time counts the node's own frames.
    let own = |sample: Sample| Sample { tick: sample.tick / node.stride, period: sample.period / node.stride, ..sample };
    let mut tap = |index: &usize| inputs.get_mut(*index).map(std::mem::take).unwrap_or_default().into_iter().map(own).collect::<Vec<_>>();
    let mut feeds: Vec<Feed> = node.feeds.iter().map(|links| links.iter().map(&mut tap).collect()).collect();
    for (feed, input) in feeds.iter_mut().zip(&spec.inputs) {
        let whole = (input.shape.back + input.shape.ahead + 1) as usize;
        if feed.iter().any(|window| window.len() < whole) {
            // Nothing yet behind an `initial: none`: as if it were not linked, or nothing comes out either.
            feed.clear();
            if !input.shape.optional {
                return Ok(Vec::new());
            }
        }
    }
    let mut streams = Vec::with_capacity(node.streams.len());
    for (name, index) in &node.streams {
        match tap(index).pop().map(|sample| sample.value) {
            Some(Value::Scalar(number)) => streams.push((name.clone(), number)),
            None => return Ok(Vec::new()),
            Some(_) => return Err(Fault::new(format!("an expression reads `{name}`, which is no number")).into()),
        }
    }
    let tick = firing.tick / node.stride;
    let moment = Moment { streams: &streams, ..node.timeline.moment(tick) };
    let clock = &plan.net.nodes[firing.node].clock;
    let count = clock.count(firing.tick);
    let period = clock.before(firing.tick).map_or_else(|| clock.interval(0), |before| firing.tick - before) / node.stride;
    let cx = Tick { node: &node.name, spec, moment, wanted: &node.wanted, count, period };
    let outputs = match running.fire(&cx, feeds) {
        Err(Halt::End) if !plan.net.nodes[firing.node].source_ends => {
            let fault = Fault::new(format!("there is no frame {tick}: it ends earlier than it said before the run"));
            return Err(fault.help("set a shorter `length` in the `timeline`").into());
        }
        made => made?,
    };
    let missing = spec
        .outputs
        .iter()
        .zip(&node.wanted)
        .enumerate()
        .find(|(port, (_, wanted))| **wanted && !matches!(outputs.get(*port), Some(Some(_))));
    match missing {
        Some((_, (output, _))) => Err(Fault::new(format!("it made no `{}`, which other nodes read", output.name)).into()),
        None => Ok(outputs),
    }
}

/// Writes into the report what came of the firings.
fn conclude(plan: &Plan, driven: Driven, report: &mut Report) -> Option<Failure> {
    report.frames = driven.frames;
    report.times = driven.times;
    report.peak_bytes = driven.peak_bytes;
    report.peak_values = driven.peak_values;
    report.interrupted = driven.verdict == Verdict::Stopped;
    match driven.verdict {
        Verdict::Complete | Verdict::Stopped => None,
        Verdict::Failed(firing) => {
            let fault = driven.fault.unwrap_or_else(|| Fault::new("no reason was given"));
            let node = &plan.nodes[firing.node];
            Some(Failure { node: node.name.clone(), tick: Some(firing.tick / node.stride), fault })
        }
        Verdict::Stalled => {
            let fault = Fault::new("no node can go on").help("this is a mistake in the executor; please report it with the graph");
            Some(Failure { node: "the executor".to_owned(), tick: None, fault })
        }
    }
}

/// Closes the nodes in the order of the graph; all of them, whatever happens.
fn close(plan: &Plan, opened: &[Box<dyn Running>], mut failure: Option<Failure>, report: &mut Report) -> Option<Failure> {
    let ending = match failure {
        Some(_) => Ending::Failed,
        None if report.interrupted => Ending::Interrupted,
        None => Ending::Complete,
    };
    for (node, running) in plan.nodes.iter().zip(opened) {
        match guard(|| running.finish(ending)) {
            Ok(notes) => report.notes.extend(notes),
            Err(fault) if failure.is_none() => failure = Some(Failure { node: node.name.clone(), tick: None, fault }),
            Err(fault) => report.notes.push(format!("`{}` could not be closed: {fault}", node.name)),
        }
    }
    failure
}
