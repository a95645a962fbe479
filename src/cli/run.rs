//! `frameloom run`.

use std::fmt::Write;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::diag::{Diagnostic, Sources, split_advice};
use crate::exec::{self, Report, RunError, RunOptions, StopFlag};
use crate::plan::Plan;

use super::Exit;
use super::args::{Format, ProgressStyle, RunArgs};
use super::load::{self, Ready, Style};
use super::progress::Progress;

/// Runs a graph.
pub fn run(args: &RunArgs, style: Style) -> Exit {
    let registry = load::registry();
    let mut loaded = load::graph(&args.graph, &registry);
    if let Some(Err(message)) = args.out.as_ref().map(|out| loaded.redirect(out, &registry)) {
        eprintln!("error: {message}");
        return Exit::Usage;
    }
    // On standard output there is one document: the report.
    let findings = Style { format: Format::Text, ..style };
    match loaded.plan(&registry, &args.engine, args.frames.and_then(|frames| frames.to), findings) {
        Ok(ready) => execute(args, &ready, style),
        Err(exit) => exit,
    }
}

fn execute(args: &RunArgs, ready: &Ready, style: Style) -> Exit {
    let Ready { plan, depth, sources } = ready;
    // Kernels share one pool of the same number of threads; a pool that is already there is as good.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(plan.engine.threads).build_global();
    let stop = StopFlag::default();
    catch_interrupts(&stop);
    let quiet = style.format == Format::Json && args.progress == ProgressStyle::Auto;
    let progress = Progress::new(plan, if quiet { ProgressStyle::None } else { args.progress });
    let from = args.frames.map_or(0, |frames| frames.from);
    let result = exec::run(plan, &RunOptions { depth: *depth, from }, &progress, &stop);
    progress.clear();
    match result {
        Ok(report) => conclude(args, plan, &report, style),
        Err(error) => {
            fail(plan, &error, sources, style);
            Exit::Failed
        }
    }
}

/// The first interrupt asks the run to stop after the frames under way; the second ends the program at once.
fn catch_interrupts(stop: &StopFlag) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let stop = stop.clone();
    let handler = move || {
        if ASKED.swap(true, Ordering::Relaxed) {
            process::exit(i32::from(Exit::Interrupted.code()));
        }
        stop.request();
        eprintln!("\nstopping after the frames under way; press Ctrl-C again to stop at once");
    };
    // Without a handler an interrupt simply ends the program.
    let _ = ctrlc::set_handler(handler);
}

fn conclude(args: &RunArgs, plan: &Plan, report: &Report, style: Style) -> Exit {
    match style.format {
        Format::Json => println!("{:#}", as_json(plan, report)),
        Format::Text => {
            if args.profile {
                print!("{}", profile(plan, report));
            }
            for note in &report.notes {
                println!("{note}");
            }
            let rate = report.frames as f64 / report.took.as_secs_f64().max(1e-9);
            let done = if report.interrupted { "stopped after" } else { "done:" };
            let held = super::plan::bytes(usize::try_from(report.peak_bytes).unwrap_or(usize::MAX));
            println!("{done} {} frames in {} ({rate:.1} fps), {held} of frames at most", report.frames, seconds(report.took));
        }
    }
    if report.interrupted { Exit::Interrupted } else { Exit::Done }
}

fn seconds(duration: Duration) -> String {
    let total = duration.as_secs_f64();
    if total < 60.0 { format!("{total:.1} s") } else { format!("{}:{:04.1} min", (total / 60.0) as u64, total % 60.0) }
}

/// The times of every node, the slowest first.
fn profile(plan: &Plan, report: &Report) -> String {
    let mut rows: Vec<_> = plan.nodes.iter().zip(&report.times).collect();
    rows.sort_by_key(|(_, times)| std::cmp::Reverse(times.total));
    let all: Duration = rows.iter().map(|(_, times)| times.total).sum();
    let mut out =
        format!("{:17} {:13} {:>7} {:>10} {:>10} {:>9} {:>6}\n", "node", "kind", "fired", "mean ms", "max ms", "total s", "share");
    for (node, times) in rows {
        let mean = times.total.as_secs_f64() * 1000.0 / times.count.max(1) as f64;
        let share = times.total.as_secs_f64() / all.as_secs_f64().max(1e-9) * 100.0;
        let _ = writeln!(
            out,
            "{:17} {:13} {:>7} {mean:>10.2} {:>10.2} {:>9.2} {share:>5.1}%",
            node.name,
            node.kind.spec().name,
            times.count,
            times.max.as_secs_f64() * 1000.0,
            times.total.as_secs_f64()
        );
    }
    out
}

fn as_json(plan: &Plan, report: &Report) -> serde_json::Value {
    let nodes = plan.nodes.iter().zip(&report.times).map(|(node, times)| {
        json!({
            "name": node.name, "kind": node.kind.spec().name, "fired": times.count,
            "seconds": times.total.as_secs_f64(), "longest_seconds": times.max.as_secs_f64(),
        })
    });
    json!({
        "frames": report.frames, "interrupted": report.interrupted, "seconds": report.took.as_secs_f64(),
        "opening_seconds": report.opening.as_secs_f64(), "peak_bytes": report.peak_bytes,
        "notes": report.notes, "nodes": nodes.collect::<Vec<_>>(),
    })
}

/// Shows a failed run as a diagnostic at the node's place in the graph.
fn fail(plan: &Plan, error: &RunError, sources: &Sources, style: Style) {
    let when = error.tick.map_or_else(String::new, |tick| format!(" at frame {tick}"));
    let (fact, advice) = split_advice(&error.fault.message);
    let mut fault = Diagnostic::error("run-failed", format!("`{}`{when}: {fact}", error.node));
    fault.help.extend(advice.map(str::to_owned));
    if let Some(node) = plan.node(&error.node) {
        fault = fault.at(node.span, "this node");
    }
    if let Some(help) = &error.fault.help {
        fault = fault.help(help.clone());
    }
    style.show(&fault.into(), sources);
    for note in &error.notes {
        eprintln!("{note}");
    }
    if error.frames > 0 {
        eprintln!("the {} frames before it are kept", error.frames);
    }
}
