//! `frameloom compare A B`: how alike two clips are, and how steady.

mod clip;
mod measure;
mod plot;
mod table;

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::diag::{Diagnostic, Diagnostics, Sources, Span, split_advice};
use crate::kernel::flow::Preset;
use crate::kernel::metrics::gate::Gate;
use crate::kernel::metrics::{LEAST_SIDE, Metric, MetricSet};
use crate::media::MediaError;
use crate::nodes::metrics::gate::fault;
use crate::nodes::metrics::report::Report;

use super::args::{CompareArgs, FlowMethod, Format};
use super::load::Style;
use super::{Exit, chart};
use clip::Clip;
use measure::{Clips, How};

/// Clips that a gate may name.
const SUBJECTS: [&str; 2] = ["b", "source"];
/// At most so many metrics are plotted in the terminal, and only where some were asked for.
const PLOTS: usize = 4;
/// Frames per second of pictures in a folder, for the axis of seconds.
const USUAL_RATE: f64 = 25.0;

/// Compares clips and prints what was measured.
pub fn compare(args: &CompareArgs, style: Style) -> Exit {
    let mut sources = Sources::default();
    let (how, gate) = match asked(args, &mut sources) {
        Ok(asked) => asked,
        Err(findings) => {
            style.show(&findings, &sources);
            return Exit::Usage;
        }
    };
    let mut fps = USUAL_RATE;
    let measured = open(args, how.from).and_then(|clips| {
        fps = clips.a.fps.unwrap_or(fps);
        let bar = progress(clips.a.frames, style);
        let measured = measure::measure(clips, &how, |done| bar.set_position(done));
        bar.finish_and_clear();
        measured
    });
    let (report, notes) = match measured {
        Ok((report, _)) if report.is_empty() => return failed(style, &Diagnostic::error("compare", "there is no frame to compare")),
        Ok(measured) => measured,
        Err(error) => {
            let text = error.to_string();
            let (fact, help) = split_advice(&text);
            return failed(style, &help.into_iter().fold(Diagnostic::error("compare", fact), Diagnostic::help));
        }
    };
    show(args, (&report, fps), &notes, gate.as_ref(), style);
    if let Some(path) = &args.plot
        && let Err(error) = plot::write(path, &title(args), &report, gate.as_ref())
    {
        return failed(style, &Diagnostic::error("plot", error.to_string()));
    }
    held(&report, gate.as_ref(), style, &sources)
}

/// The names of the clips, for the head of a plot.
fn title(args: &CompareArgs) -> String {
    let name =
        |path: &std::path::PathBuf| path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    args.b.iter().fold(name(&args.a), |title, b| format!("{title} - {}", name(b)))
}

fn failed(style: Style, fault: &Diagnostic) -> Exit {
    style.show(&fault.clone().into(), &Sources::default());
    Exit::Failed
}

/// What the command line asks for: what to measure, and the gate with its text for messages.
fn asked(args: &CompareArgs, sources: &mut Sources) -> Result<(How, Option<Gate>), Diagnostics> {
    let possible = measure::possible(args.b.is_some(), args.source.is_some());
    let mut findings = Diagnostics::default();
    let mut wanted: MetricSet = args.metrics.iter().filter_map(|name| metric(name, possible, &mut findings)).collect();
    if args.metrics.is_empty() {
        wanted = possible;
    }
    let gate = args.gate.as_deref().and_then(|text| {
        let source = sources.add("--gate", text);
        let at = |place: &std::ops::Range<usize>| Span::new(source, place.start, place.end);
        let gate = Gate::read(text, &SUBJECTS).map_err(|error| findings.push(fault(&error).at(at(&error.place), "here"))).ok()?;
        for check in &gate.checks {
            if !measure::possible_of(&check.subject, args.b.is_some(), args.source.is_some()).contains(check.metric) {
                let message = format!("`{}` cannot be measured of what is given", check.name());
                let fault = Diagnostic::error("gate", message).at(at(&check.place), "here");
                findings.push(if check.metric.compares() && !check.subject.is_empty() {
                    fault.help(format!("write `{}` for the first clip", check.metric.name()))
                } else {
                    fault.help(advice(&check.subject))
                });
            }
        }
        Some(gate)
    });
    if findings.has_errors() {
        return Err(findings);
    }
    let gated = gate.iter().flat_map(|gate| &gate.checks).map(|check| check.metric);
    let wanted = wanted.iter().chain(gated).collect();
    let flow = match args.flow {
        FlowMethod::DisMedium => Preset::Medium,
        FlowMethod::DisFine => Preset::Fine,
    };
    let from = args.frames.map_or(0, |frames| frames.from);
    let most = args.frames.and_then(|frames| frames.to).map(|to| to - from);
    Ok((How { wanted, flow, from, most }, gate))
}

fn metric(name: &str, possible: MetricSet, findings: &mut Diagnostics) -> Option<Metric> {
    let Some(metric) = Metric::named(name) else {
        let names = || Metric::ALL.iter().map(|metric| metric.name());
        let fault = Diagnostic::error("metrics", format!("there is no metric `{name}`")).suggest(name, names());
        findings.push(fault.help(format!("known are {}", names().collect::<Vec<_>>().join(", "))));
        return None;
    };
    if !possible.contains(metric) {
        findings.push(Diagnostic::error("metrics", format!("`{name}` compares two clips, and one is given")).help(advice("b")));
        return None;
    }
    Some(metric)
}

fn advice(subject: &str) -> &'static str {
    if subject == "source" { "add `--source CLIP`" } else { "name a second clip to compare with: `frameloom compare A B`" }
}

fn open(args: &CompareArgs, from: u64) -> Result<Clips, MediaError> {
    let clip = |path: &std::path::PathBuf| Clip::open(path, from);
    let clips = Clips { a: clip(&args.a)?, b: args.b.as_ref().map(clip).transpose()?, source: args.source.as_ref().map(clip).transpose()? };
    let size = clips.a.size;
    if size.width.min(size.height) < LEAST_SIDE {
        let text = format!("`{}` is {size}, too small to measure; it needs {LEAST_SIDE}x{LEAST_SIDE} pixels", clips.a.name);
        return Err(MediaError::Other(text));
    }
    Ok(clips)
}

fn progress(frames: Option<u64>, style: Style) -> ProgressBar {
    if style.format == Format::Json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = frames.map_or_else(ProgressBar::no_length, ProgressBar::new);
    match ProgressStyle::with_template("comparing {pos}/{len} {wide_bar} {per_sec}, {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn show(args: &CompareArgs, (report, fps): (&Report, f64), notes: &[String], gate: Option<&Gate>, style: Style) {
    if style.format == Format::Json {
        let name = |path: &std::path::PathBuf| path.display().to_string();
        let mut all =
            json!({ "a": name(&args.a), "b": args.b.as_ref().map(name), "source": args.source.as_ref().map(name), "notes": notes });
        if let (serde_json::Value::Object(all), serde_json::Value::Object(rest)) = (&mut all, report.json(gate)) {
            all.extend(rest);
        }
        println!("{all:#}");
        return;
    }
    for note in notes {
        eprintln!("note: {note}");
    }
    let frames = report.frames().len();
    println!("{frames} {}", if frames == 1 { "frame" } else { "frames" });
    print!("{}", table::table(report));
    // Few were asked for: there is room to show how they went.
    if !args.metrics.is_empty() {
        for column in report.columns().iter().take(PLOTS) {
            let values: Vec<f64> = column.series.values().iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            print!("\n{}\n{}", column.name(), chart::terminal::plot(&values, fps, chart::terminal::width()));
        }
    }
}

/// Whether the gate holds; says which bound does not, and at which frame it is worst.
fn held(report: &Report, gate: Option<&Gate>, style: Style, sources: &Sources) -> Exit {
    let Some(gate) = gate else { return Exit::Done };
    let mut findings = Diagnostics::default();
    for (check, sentence) in report.failures(gate) {
        let (fact, worst) = split_advice(&sentence);
        let fault = Diagnostic::error("gate", fact);
        let fault = match sources.first() {
            Some(source) => fault.at(Span::new(source, check.place.start, check.place.end), worst.unwrap_or_default()),
            None => fault,
        };
        findings.push(fault);
    }
    // In JSON the report has it all.
    if style.format == Format::Text {
        style.show(&findings, sources);
    }
    if findings.has_errors() { Exit::Failed } else { Exit::Done }
}
