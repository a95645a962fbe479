//! From the command line's words to a graph and its plan, with all findings printed.

use std::path::{Path, PathBuf};

use crate::Loom;
use crate::diag::{Diagnostic, Diagnostics, Sources};
use crate::document::{self, Graph, LoadOptions};
use crate::node::{Engine, Registry};
use crate::param::{Data, Value};
use crate::plan::{self, EngineBlock, Plan, PlanOptions};

use super::args::{Color, EngineArgs, Format, GraphArgs};
use super::{Exit, render};

/// How findings are shown.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// For people or programs.
    pub format: Format,
    /// Whether to use colour.
    pub color: bool,
}

impl Style {
    /// The style asked for; `terminal` says whether the output is one.
    #[must_use]
    pub fn new(format: Format, color: Color, terminal: bool) -> Self {
        let color = match color {
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
            Color::Always => true,
            Color::Never => false,
        };
        Self { format, color }
    }

    /// Prints findings to standard error, or as JSON to standard output.
    pub fn show(self, findings: &Diagnostics, sources: &Sources) {
        match self.format {
            Format::Json => println!("{}", render::render_json(findings, sources)),
            Format::Text if findings.0.is_empty() => {}
            Format::Text => eprint!("{}", render::render_text(findings, sources, self.color)),
        }
    }
}

/// The built-in kinds.
#[must_use]
pub fn registry() -> Registry {
    Loom::new().registry
}

/// What a verb works on.
pub struct Loaded {
    /// All texts read.
    pub sources: Sources,
    /// The graph, as far as it could be read.
    pub graph: Option<Graph>,
    /// What was found.
    pub findings: Diagnostics,
}

/// Reads the graph with what the command line sets.
#[must_use]
pub fn graph(args: &GraphArgs, registry: &Registry) -> Loaded {
    let mut sources = Sources::default();
    let options = LoadOptions { set: &args.set, params_files: &args.params, kinds: registry };
    let (graph, findings) = document::load(&args.graph, &options, &mut sources);
    Loaded { sources, graph, findings }
}

impl Loaded {
    /// Replaces the path of the graph's only output.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub fn redirect(&mut self, out: &Path, registry: &Registry) -> Result<(), String> {
        let Some(graph) = &mut self.graph else { return Ok(()) };
        let is_sink = |kind: &str| registry.get(kind).is_some_and(|kind| kind.spec().is_sink() && kind.spec().param("path").is_some());
        let mut sinks: Vec<_> = graph.nodes.iter_mut().filter(|node| is_sink(&node.kind)).collect();
        let names: Vec<String> = sinks.iter().map(|node| node.name.clone()).collect();
        let [sink] = &mut sinks[..] else {
            return Err(match names.len() {
                0 => "--out needs a graph with an output that has a `path`".into(),
                _ => format!(
                    "--out is for a graph with one output; this one has {}; use `--set {}.path=…` for each",
                    names.join(", "),
                    names[0]
                ),
            });
        };
        let Some(arg) = sink.args.iter_mut().find(|arg| arg.key.text == "path") else {
            return Err(format!("`{}` has no `path` to replace", sink.name));
        };
        let text = out.to_string_lossy().into_owned();
        let source = self.sources.add("--out", text.as_str());
        arg.value = Data::new(crate::diag::Span::new(source, 0, text.len()), Value::Text(text));
        arg.base = PathBuf::new();
        Ok(())
    }

    /// Plans the graph; prints what was found. The plan is there unless something is wrong.
    ///
    /// # Errors
    /// [`Exit::Invalid`] when something is.
    pub fn plan(mut self, registry: &Registry, args: &EngineArgs, max_frames: Option<u64>, style: Style) -> Result<Ready, Exit> {
        let block = EngineBlock::read(self.graph.as_ref().and_then(|graph| graph.engine.as_ref()), &mut self.findings);
        let engine = engine(args, &block);
        let planned = self.graph.as_ref().and_then(|graph| {
            let (planned, found) = plan::plan(graph, registry, &PlanOptions { engine, max_frames });
            self.findings.extend(found);
            planned
        });
        self.findings.sort();
        style.show(&self.findings, &self.sources);
        let plan = planned.filter(|_| !self.findings.has_errors()).ok_or(Exit::Invalid)?;
        let wanted = args.depth.map(usize::from).or(block.depth);
        let limit = args.memory.or(block.memory);
        let Some(depth) = plan.depth(wanted, limit) else {
            let least = super::plan::bytes(plan.memory(1).total);
            let fault = Diagnostic::error("memory", format!("the frames of this graph need {least} even one at a time"))
                .help("raise `--memory`, or make `timeline: { size: … }` smaller");
            style.show(&fault.into(), &self.sources);
            return Err(Exit::Invalid);
        };
        Ok(Ready { plan, depth, sources: self.sources })
    }
}

/// A plan and how to run it.
pub struct Ready {
    /// The plan.
    pub plan: Plan,
    /// Frames under way at once.
    pub depth: usize,
    /// All texts read.
    pub sources: Sources,
}

fn engine(args: &EngineArgs, block: &EngineBlock) -> Engine {
    let usual = Engine::default();
    let devices = [&args.device, &block.devices].into_iter().find(|devices| !devices.is_empty());
    Engine {
        threads: args.threads.map(usize::from).or(block.threads).unwrap_or(usual.threads),
        devices: devices.cloned().unwrap_or(usual.devices),
        draft: args.draft,
    }
}
