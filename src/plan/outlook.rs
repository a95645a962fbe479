//! Phase three: every node says what it will make; the timeline, the formats and the ranges are settled.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::resolve::{Resolved, list};
use super::topology::Wired;
use super::{Plan, PlanNode, PlanOptions, cost};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::document::Graph;
use crate::frame::Size;
use crate::node::{Format, Length, Outlook, Problem, Prospect, Timeline};

/// Ranges of curves are looked at on so many ticks before a run; later ticks are checked as they fire.
const TICKS_CHECKED: u64 = 20_000;

/// What the nodes said, in the order of the graph; `None` for those that could not be asked.
struct Survey<'a, 'g> {
    nodes: &'a [Option<Resolved<'g>>],
    wired: &'a mut Wired,
    options: &'a PlanOptions,
    timeline: Timeline,
    outlooks: Vec<Option<Outlook>>,
}

pub(super) fn survey(
    graph: &Graph,
    nodes: Vec<Option<Resolved<'_>>>,
    mut wired: Wired,
    options: &PlanOptions,
    faults: &mut Diagnostics,
) -> Option<Plan> {
    let written = &graph.timeline;
    let timeline = Timeline {
        size: written.size.map(|([width, height], _)| Size::new(width as usize, height as usize)),
        fps: written.fps.map(|(fps, _)| fps),
        length: None,
        seed: written.seed.map_or(0, |(seed, _)| seed),
        bpm: written.bpm.map_or(Timeline::default().bpm, |(bpm, _)| bpm),
        stretch: 1.0,
    };
    let mut survey = Survey { nodes: &nodes, wired: &mut wired, options, timeline, outlooks: vec![None; nodes.len()] };
    let limits = survey.settle_timeline(graph, faults)?;
    survey.wired.wind(survey.nodes, survey.timeline, faults);
    survey.check_ending_sources(faults);
    survey.ask_all(faults);
    survey.check_loops(faults);
    survey.check_ranges(faults);
    survey.check_writes(faults);
    let Survey { outlooks, timeline, .. } = survey;
    if faults.has_errors() {
        return None;
    }
    finish(nodes, wired, outlooks, timeline, limits, options)
}

/// Half of `size` in each direction, even: what a draft has.
fn half(size: Size) -> Size {
    let half = |side: usize| (side / 4 * 2).max(2);
    Size::new(half(size.width), half(size.height))
}

/// How long the output is.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// No frame at or after this.
    hard: Option<u64>,
    /// No source of uncertain length.
    certain: bool,
}

impl<'g> Survey<'_, 'g> {
    fn sound(&self, index: usize) -> Option<&Resolved<'g>> {
        self.nodes[index].as_ref().filter(|node| node.sound && self.wired.used[index])
    }

    fn is_source(&self, index: usize) -> bool {
        self.sound(index).is_some_and(|node| node.inputs.iter().all(Vec::is_empty) && !node.is_output())
    }

    /// Asks the sources, and takes size, rate and length from them where the graph leaves these open.
    fn settle_timeline(&mut self, graph: &Graph, faults: &mut Diagnostics) -> Option<Limits> {
        let sources: Vec<usize> = (0..self.nodes.len()).filter(|&index| self.is_source(index)).collect();
        let first: Vec<_> = sources.iter().filter_map(|&index| self.ask(index, &[]).ok()).collect();
        let lead = first.iter().find(|outlook| outlook.fps.is_some()).or(first.first());
        if let Some(lead) = lead {
            let size = lead.outputs.iter().find(|format| format.planes > 0).map(|format| format.size);
            self.timeline.size = self.timeline.size.or(size);
            self.timeline.fps = self.timeline.fps.or(lead.fps);
        }
        let usual = self.timeline.moment(0);
        let size = if self.options.engine.draft { half(usual.size) } else { usual.size };
        (self.timeline.size, self.timeline.fps) = (Some(size), Some(usual.fps));
        for &index in &sources {
            self.ask_one(index, &[], faults);
        }
        self.settle_length(graph, &sources, faults)
    }

    fn settle_length(&mut self, graph: &Graph, sources: &[usize], faults: &mut Diagnostics) -> Option<Limits> {
        let fps = self.timeline.moment(0).fps;
        let written = graph.timeline.length.map(|(length, span)| (length.frames(fps), span));
        // What only begins a loop does not end it.
        let lasting = || sources.iter().copied().filter(|&index| self.wired.lasting[index]);
        let lengths = || lasting().filter_map(|index| Some((index, self.outlooks[index].as_ref()?.length)));
        let exact = lengths().filter_map(|(_, length)| if let Length::Exactly(n) = length { Some(n) } else { None }).min();
        let about = lengths().filter_map(|(_, length)| if let Length::About(n) = length { Some(n) } else { None }).min();
        let written_or_exact = exact.into_iter().chain(written.map(|(n, _)| n)).min();
        let hard = written_or_exact.into_iter().chain(self.options.max_frames).min();
        let probable = written_or_exact.into_iter().chain(about).min();
        if let (Some((wanted, span)), Some(there)) = (written, exact.into_iter().chain(about).min())
            && there < wanted
        {
            let short = lengths().find(|(_, length)| matches!(length, Length::Exactly(n) | Length::About(n) if *n == there));
            let name = short.and_then(|(index, _)| self.sound(index)).map_or("a source", |node| node.def.name.as_str());
            faults.push(
                Diagnostic::warning("short-source", format!("the output ends after {there} frames: `{name}` has no more"))
                    .at(span, format!("asks for {wanted}"))
                    .help(format!("set `loop: true` on `{name}`, or a shorter `length`")),
            );
        }
        self.timeline.length = probable;
        if probable.or(hard).is_some() {
            return Some(Limits { hard, certain: about.is_none() });
        }
        if !faults.has_errors() {
            let sources: Vec<_> = sources.iter().filter_map(|&index| self.sound(index)).map(|node| node.def.name.as_str()).collect();
            let first = graph.nodes.first()?;
            faults.push(
                Diagnostic::error("endless", "the output would never end")
                    .at(
                        first.name_span,
                        if sources.is_empty() {
                            "no node is a source".to_owned()
                        } else {
                            format!("{} can go on for ever", list(&sources, "and"))
                        },
                    )
                    .help("give the timeline a length, such as `timeline: { length: 120 }` or `length: 5s`"),
            );
        }
        // The other phases still look at what they can.
        Some(Limits { hard: None, certain: false })
    }

    /// What says at run time where the output ends must go on firing until then.
    fn check_ending_sources(&self, faults: &mut Diagnostics) {
        for (index, outlook) in self.outlooks.iter().enumerate() {
            let ends = matches!(outlook, Some(Outlook { length: Length::About(_), .. })) && self.wired.lasting[index];
            let Some(node) = self.sound(index).filter(|_| ends && self.wired.net.nodes[index].clock.period().is_none()) else { continue };
            let about = if node.def.arg("when").is_some() { "when" } else { "every" };
            let fact = format!("`{}` tells as it is read where the output ends, so it cannot fire at uneven times", node.def.name);
            faults.push(placed(node, &Problem::error(about, fact).help(format!("put `{about}` on the node that reads it"))));
        }
    }

    /// Asks every node, each after those that it reads. Where a loop begins with nothing, one that can do without is asked as it
    /// will first fire, and again when it is known what comes round.
    fn ask_all(&mut self, faults: &mut Diagnostics) {
        let mut open: Vec<usize> = (0..self.nodes.len()).filter(|&index| !self.is_source(index)).collect();
        let mut guessed = Vec::new();
        loop {
            let known = |index: &usize| Some((*index, self.formats(self.sound(*index)?, &[])?));
            let mut ready: Vec<(usize, Vec<Option<Format>>)> = open.iter().filter_map(known).collect();
            if ready.is_empty() {
                let guess = |index: &usize| Some((*index, self.formats(self.sound(*index)?, &open)?));
                ready.extend(open.iter().find_map(guess));
                guessed.extend(ready.iter().map(|(index, _)| *index));
            }
            if ready.is_empty() {
                break;
            }
            for (index, inputs) in ready {
                open.retain(|other| *other != index);
                self.ask_one(index, &inputs, faults);
            }
        }
        for index in guessed {
            self.ask_again(index, faults);
        }
    }

    /// The format of each input's first link, or `None` while one is not known. What nodes that are still `open` would make is taken
    /// to be absent where the node can do without.
    fn formats(&self, node: &Resolved<'_>, open: &[usize]) -> Option<Vec<Option<Format>>> {
        let first = |(links, input): (&Vec<super::resolve::Link>, &crate::node::InputSpec)| {
            let Some(link) = links.first() else { return Some(None) };
            let (from, port) = link.initial.stream().unwrap_or((link.node, link.port));
            match self.outlooks[from].as_ref() {
                Some(outlook) => outlook.outputs.get(port).copied().map(Some),
                None => (input.shape.optional && open.contains(&from)).then_some(None),
            }
        };
        node.inputs.iter().zip(&node.kind.spec().inputs).map(first).collect()
    }

    /// Asks a node that was asked by a guess.
    fn ask_again(&mut self, index: usize, faults: &mut Diagnostics) {
        // Kept meanwhile: a node may read itself.
        let Some(before) = self.outlooks[index].clone() else { return };
        let Some(inputs) = self.sound(index).and_then(|node| self.formats(node, &[])) else { return };
        self.ask_one(index, &inputs, faults);
        let (Some(node), Some(now)) = (self.sound(index), &self.outlooks[index]) else { return };
        let changed = before.outputs.iter().zip(&now.outputs).find(|(before, now)| before != now);
        if let Some((before, now)) = changed {
            let message = format!("`{}` begins with {} and goes on with {}", node.def.name, before.size, now.size);
            faults.push(
                Diagnostic::error("size-changes", message)
                    .at(node.def.name_span, "what comes round the loop has another size than this makes at the start")
                    .help("put a `resize` node into the loop, or set the timeline's `size`"),
            );
        }
    }

    fn ask(&self, index: usize, inputs: &[Option<Format>]) -> Result<Outlook, Vec<Problem>> {
        let Some((node, settings)) = self.sound(index).and_then(|node| Some((node, node.settings.as_ref()?))) else {
            return Err(Vec::new());
        };
        let spec = node.kind.spec();
        let none = vec![None; spec.inputs.len()];
        let inputs = if inputs.is_empty() { &none[..] } else { inputs };
        let engine = &self.options.engine;
        let timeline = self.wired.rates[index].timeline(self.timeline);
        settings.outlook(&Prospect { timeline, spec, inputs, period: self.wired.period(index), engine })
    }

    fn ask_one(&mut self, index: usize, inputs: &[Option<Format>], faults: &mut Diagnostics) {
        let answer = self.ask(index, inputs);
        let Some(node) = self.sound(index) else { return };
        match answer {
            Ok(outlook) => {
                faults.extend(outlook.warnings.iter().map(|problem| placed(node, problem)));
                self.outlooks[index] = Some(outlook);
            }
            Err(problems) => faults.extend(problems.iter().map(|problem| placed(node, problem))),
        }
    }

    /// What comes round a loop must have the size of what it began with.
    fn check_loops(&self, faults: &mut Diagnostics) {
        for node in (0..self.nodes.len()).filter_map(|index| self.sound(index)) {
            for link in node.inputs.iter().flatten() {
                let Some((first, first_port)) = link.initial.stream() else { continue };
                let format = |node: usize, port: usize| self.outlooks[node].as_ref().and_then(|outlook| outlook.outputs.get(port)).copied();
                let (Some(began), Some(came)) = (format(first, first_port), format(link.node, link.port)) else { continue };
                if began != came {
                    let name = |index: usize| self.nodes[index].as_ref().map_or("", |node| node.def.name.as_str());
                    faults.push(
                        Diagnostic::error("size-changes", format!("the loop begins with {} and goes on with {}", began.size, came.size))
                            .at(link.span, format!("`{}` is {}, `{}` is {}", name(first), began.size, name(link.node), came.size))
                            .help("put a `resize` node into the loop, so that both have one size"),
                    );
                }
            }
        }
    }

    /// Looks for the first tick at which a curve leaves its range.
    fn check_ranges(&self, faults: &mut Diagnostics) {
        let ticks = self.timeline.length.unwrap_or(1).min(TICKS_CHECKED);
        for index in 0..self.nodes.len() {
            let Some((node, settings)) = self.sound(index).and_then(|node| Some((node, node.settings.as_ref()?))) else { continue };
            if !node.streams.is_empty() {
                // What an expression makes of a stream is only known when the stream flows.
                continue;
            }
            let mut reported: Vec<&str> = Vec::new();
            let (rate, clock) = (self.wired.rates[index], &self.wired.clocks[index]);
            let timeline = rate.timeline(self.timeline);
            let firings = std::iter::successors(Some(0), |&tick| Some(clock.after(tick))).map(|tick| tick / rate.stride);
            for tick in firings.take_while(|&tick| tick < ticks.saturating_mul(rate.frames)).take(TICKS_CHECKED as usize) {
                for (param, sentence) in settings.out_of_range(&timeline.moment(tick)) {
                    if !reported.contains(&param) {
                        reported.push(param);
                        faults.push(placed(node, &leaves_range(node, param, &sentence)));
                    }
                }
            }
        }
    }

    /// The node that reads the file at `path`, whatever it is called there.
    fn reader_of(&self, path: &Path) -> Option<&str> {
        let real = path.canonicalize().ok()?;
        let reads = |outlook: &Outlook| outlook.reads.iter().any(|read| read.canonicalize().is_ok_and(|read| read == real));
        let index = self.outlooks.iter().position(|outlook| outlook.as_ref().is_some_and(reads))?;
        self.nodes[index].as_ref().map(|node| node.def.name.as_str())
    }

    fn check_writes(&self, faults: &mut Diagnostics) {
        let mut writers: HashMap<&PathBuf, &str> = HashMap::new();
        for (index, outlook) in self.outlooks.iter().enumerate() {
            let (Some(node), Some(outlook)) = (self.sound(index), outlook) else { continue };
            for path in &outlook.writes {
                if let Some(reader) = self.reader_of(path) {
                    let problem = Problem::error("path", format!("`{}` would write over the file that `{reader}` reads", node.def.name));
                    faults.push(placed(node, &problem.help("give it another `path`")));
                }
                if let Some(other) = writers.insert(path, &node.def.name) {
                    let problem =
                        Problem::error("path", format!("`{other}` and `{}` write the same file {}", node.def.name, path.display()));
                    faults.push(placed(node, &problem.help("give one of them another `path`")));
                }
            }
        }
    }
}

/// A curve that leaves its range, and the range.
fn leaves_range(node: &Resolved<'_>, param: &'static str, sentence: &str) -> Problem {
    let problem = Problem::error(param, format!("`{param}`: {sentence}"));
    match node.kind.spec().param(param).and_then(|spec| spec.range.as_ref()) {
        Some(range) => problem.help(format!("keep it from {} to {}", range.start(), range.end())),
        None => problem,
    }
}

/// A problem of a node, with the place of the argument that it is about.
fn placed(node: &Resolved<'_>, problem: &Problem) -> Diagnostic {
    let code = match problem.severity {
        Severity::Error => "cannot-run",
        Severity::Warning => "take-care",
    };
    let (fact, advice) = crate::diag::split_advice(&problem.message);
    let mut fault = Diagnostic { severity: problem.severity, ..Diagnostic::error(code, fact) };
    fault.help.extend(advice.map(str::to_owned));
    fault.help.extend_from_slice(&problem.help);
    match node.def.args.iter().rev().find(|arg| arg.key.text == problem.about) {
        Some(arg) => {
            fault = fault.at(arg.value.span, "");
            node.def.placed(arg, fault)
        }
        None => node.def.placed_whole(fault.at(node.def.name_span, "")),
    }
}

fn finish(
    nodes: Vec<Option<Resolved<'_>>>,
    wired: Wired,
    outlooks: Vec<Option<Outlook>>,
    timeline: Timeline,
    limits: Limits,
    options: &PlanOptions,
) -> Option<Plan> {
    let formats: Vec<Vec<Format>> =
        outlooks.iter().map(|outlook| outlook.as_ref().map_or_else(Vec::new, |outlook| outlook.outputs.clone())).collect();
    let mut planned = Vec::new();
    for (index, (node, outlook)) in nodes.into_iter().zip(outlooks).enumerate().filter(|(index, _)| wired.used[*index]) {
        let (node, outlook) = (node?, outlook?);
        let first = |links: &Vec<super::resolve::Link>| links.first().and_then(|link| formats[link.node].get(link.port).copied());
        planned.push(PlanNode {
            name: node.def.name.clone(),
            span: node.def.name_span,
            inputs: node.inputs.iter().map(first).collect(),
            kind: node.kind,
            settings: node.settings?,
            feeds: wired.feeds[index].clone(),
            streams: wired.streams[index].clone(),
            outlook,
            wanted: wired.wanted[index].clone(),
            period: wired.period(index),
            stride: wired.rates[index].stride,
            timeline: wired.rates[index].timeline(timeline),
        });
    }
    cost::complete(planned, wired, timeline, (limits.hard, limits.certain), options)
}
