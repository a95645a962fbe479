//! A plan from opening its nodes to closing them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::schedule::{Firing, Verdict};
use super::workers::{Driven, Inputs, Job, Times, drive, panicked};
use super::{Event, Observer, StopFlag};
use crate::diag::Span;
use crate::node::{Ending, Fault, Feed, Halt, Open, Running, Tick, Value};
use crate::param::Moment;
use crate::plan::{Plan, PlanNode};

/// How to run a plan. Nothing here changes what is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// How many firings may run at once; at least 1.
    pub threads: usize,
    /// How many waves may be under way at once; at least 1. [`Plan::depth`] finds the one that fits into memory.
    pub depth: usize,
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ended.
    pub ending: Ending,
    /// Frames that all sinks have finished.
    pub frames: u64,
    /// Frames of the whole output, where that became known.
    pub length: Option<u64>,
    /// What nodes said when they were closed: (node, sentence).
    pub notes: Vec<(String, String)>,
    /// How long the firings of each node took, in the order of the graph.
    pub nodes: Vec<(String, Times)>,
    /// The most bytes of values that lived at once.
    pub peak_bytes: u64,
    /// The most values that lived at once.
    pub peak_values: usize,
    /// Time to open all nodes.
    pub opening: Duration,
    /// Time from the first firing to the last.
    pub running: Duration,
}

/// At what a node failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before the first firing.
    Opening,
    /// Firing at this tick.
    Firing(u64),
    /// After the last firing.
    Closing,
}

/// A run that failed, and what was made before.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{node}` {}: {fault}", said(*.stage))]
pub struct RunError {
    /// The node that failed first, in the order of the output.
    pub node: String,
    /// Where its name is written.
    pub span: Option<Span>,
    /// At what.
    pub stage: Stage,
    /// Why.
    pub fault: Fault,
    /// What was done before it.
    pub report: Box<Report>,
}

fn said(stage: Stage) -> String {
    match stage {
        Stage::Opening => "cannot start".to_owned(),
        Stage::Firing(tick) => format!("failed at frame {tick}"),
        Stage::Closing => "could not be closed".to_owned(),
    }
}

/// The node, the stage and the reason of a failure.
type Failure<'p> = (Option<&'p PlanNode>, Stage, Fault);

/// Runs `plan`: opens every node, fires them as [`super::schedule`] says, and closes every node however the run ended. When
/// `stop` is raised the frames that have begun are finished.
///
/// # Errors
/// The first failure in the order of (wave, rank), which is the same on any number of threads.
pub fn run(plan: &Plan, options: RunOptions, observer: &dyn Observer, stop: &StopFlag) -> Result<Report, RunError> {
    let began = Instant::now();
    let (opened, failure) = open(plan, stop);
    let opening = began.elapsed();
    let mut report = Report {
        ending: Ending::Failed,
        frames: 0,
        length: plan.timeline.length,
        notes: Vec::new(),
        nodes: plan.nodes.iter().map(|node| (node.name.clone(), Times::default())).collect(),
        peak_bytes: 0,
        peak_values: 0,
        opening,
        running: Duration::ZERO,
    };
    let failure = failure.or_else(|| {
        observer.event(&Event::Started { length: plan.timeline.length });
        let job = Job {
            net: &plan.net,
            analysis: &plan.analysis,
            length: plan.limit,
            depth: options.depth,
            threads: options.threads,
            stop,
            observer,
        };
        let driven = drive(&job, &|firing, inputs| fire(plan, &opened, firing, inputs));
        report.running = began.elapsed().saturating_sub(opening);
        conclude(plan, driven, &mut report)
    });
    observer.event(&Event::Finishing { done: report.frames });
    let failure = failure.or(close(plan, &opened, &mut report));
    match failure {
        None => Ok(report),
        Some((node, stage, fault)) => {
            let name = node.map_or_else(|| "the executor".to_owned(), |node| node.name.clone());
            Err(RunError { node: name, span: node.map(|node| node.span), stage, fault, report: Box::new(report) })
        }
    }
}

fn guard<T, E: From<Fault>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic).into()))
}

/// Opens the nodes in the order of the graph, up to the first that cannot.
fn open<'p>(plan: &'p Plan, stop: &StopFlag) -> (Vec<Box<dyn Running>>, Option<Failure<'p>>) {
    let mut opened = Vec::new();
    for node in &plan.nodes {
        // A run that is stopped before it begins fires nothing, so the rest need not open.
        if stop.requested() {
            break;
        }
        let cx = Open { node: &node.name, timeline: plan.timeline, inputs: &node.inputs, period: node.period, engine: &plan.engine };
        match guard(|| Arc::clone(&node.settings).open(&cx)) {
            Ok(running) => opened.push(running),
            Err(fault) => return (opened, Some((Some(node), Stage::Opening, fault))),
        }
    }
    (opened, None)
}

fn fire(plan: &Plan, opened: &[Box<dyn Running>], firing: &Firing, mut inputs: Inputs) -> Result<Vec<Option<Value>>, Halt> {
    let (node, running) = (&plan.nodes[firing.node], &opened[firing.node]);
    let mut tap = |index: &usize| inputs.get_mut(*index).map(std::mem::take).unwrap_or_default();
    let feeds: Vec<Feed> = node.feeds.iter().map(|links| links.iter().map(&mut tap).collect()).collect();
    let mut streams = Vec::with_capacity(node.streams.len());
    for (name, index) in &node.streams {
        match tap(index).pop().map(|sample| sample.value) {
            Some(Value::Scalar(number)) => streams.push((name.clone(), number)),
            _ => return Err(Fault::new(format!("an expression reads `{name}`, which is no number")).into()),
        }
    }
    let spec = node.kind.spec();
    let moment = Moment { streams: &streams, ..plan.timeline.moment(firing.tick) };
    let cx = Tick { node: &node.name, spec, moment, wanted: &node.wanted, period: node.period };
    let outputs = match running.fire(&cx, feeds) {
        Err(Halt::End) if !plan.net.nodes[firing.node].source_ends => {
            let fault = Fault::new(format!("there is no frame {}: it ends earlier than it said before the run", firing.tick));
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
fn conclude<'p>(plan: &'p Plan, driven: Driven, report: &mut Report) -> Option<Failure<'p>> {
    report.frames = driven.frames;
    report.length = driven.length.or(report.length);
    report.peak_bytes = driven.peak_bytes;
    report.peak_values = driven.peak_values;
    for ((_, times), found) in report.nodes.iter_mut().zip(driven.times) {
        *times = found;
    }
    report.ending = match driven.verdict {
        Verdict::Complete => Ending::Complete,
        Verdict::Stopped => Ending::Interrupted,
        Verdict::Failed(_) | Verdict::Stalled => Ending::Failed,
    };
    match driven.verdict {
        Verdict::Complete | Verdict::Stopped => None,
        Verdict::Failed(firing) => {
            let fault = driven.fault.unwrap_or_else(|| Fault::new("no reason was given"));
            Some((plan.nodes.get(firing.node), Stage::Firing(firing.tick), fault))
        }
        Verdict::Stalled => Some((None, Stage::Firing(driven.frames), Fault::new("no node can go on; please report this graph"))),
    }
}

/// Closes the nodes in the order of the graph; all of them, whatever happens.
fn close<'p>(plan: &'p Plan, opened: &[Box<dyn Running>], report: &mut Report) -> Option<Failure<'p>> {
    let mut failure = None;
    for (node, running) in plan.nodes.iter().zip(opened) {
        match guard(|| running.finish(report.ending)) {
            Ok(notes) => report.notes.extend(notes.into_iter().map(|note| (node.name.clone(), note))),
            Err(fault) if failure.is_none() && report.ending != Ending::Failed => failure = Some((Some(node), Stage::Closing, fault)),
            Err(fault) => report.notes.push((node.name.clone(), format!("{}: {fault}", said(Stage::Closing)))),
        }
    }
    if failure.is_some() {
        report.ending = Ending::Failed;
    }
    failure
}
