//! The short way for programs that embed Frameloom: a graph in, frames out.

use std::fmt;
use std::path::Path;

use crate::diag::{Diagnostics, Severity, Sources};
use crate::document::{self, LoadOptions};
use crate::exec::{self, Observer, Report, RunError, RunOptions, StopFlag};
use crate::node::{Node, Registry, RegistryError};
use crate::plan::{self, Plan, PlanOptions};

/// Kinds, and what graphs made of them are run with.
///
/// ```
/// use frameloom::Loom;
///
/// let loom = Loom::new();
/// let graph = "
/// frameloom: 1
/// timeline: { size: [64, 36], fps: 25, length: 3 }
/// nodes:
///   bars: { kind: pattern, pattern: bars }
///   file: { kind: image_output, image: bars, path: bars-%03d.png }
/// ";
/// let folder = tempfile::tempdir()?;
/// let plan = loom.plan_text(graph, folder.path(), &[])?;
/// let report = loom.run(&plan, &|event: &frameloom::exec::Event| println!("{event:?}"))?;
/// assert_eq!(report.frames, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Loom {
    /// The kinds that graphs may use.
    pub registry: Registry,
    /// Threads, devices, and how many frames at most.
    pub options: PlanOptions,
    /// Asked to stop, a run finishes the frames under way and closes its files.
    pub stop: StopFlag,
}

impl Default for Loom {
    fn default() -> Self {
        Self::new()
    }
}

impl Loom {
    /// With the built-in kinds.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        // The names of the built-in kinds are distinct: a test adds them all.
        let _ = crate::nodes::add_all(&mut registry);
        Self { registry, options: PlanOptions::default(), stop: StopFlag::default() }
    }

    /// Adds a kind of one's own.
    ///
    /// # Errors
    /// When its name is taken, or two of its keys are the same.
    pub fn add<N: Node>(&mut self) -> Result<&mut Self, RegistryError> {
        self.registry.add::<N>()?;
        Ok(self)
    }

    /// Reads, checks and plans the graph in a file. `set` has `NAME=VALUE` for the graph's parameters.
    ///
    /// # Errors
    /// Everything wrong with the graph.
    pub fn plan(&self, path: &Path, set: &[String]) -> Result<Plan, Rejected> {
        let mut sources = Sources::default();
        let (graph, findings) = document::load(path, &self.load_options(set), &mut sources);
        self.planned(graph, findings, sources)
    }

    /// Reads, checks and plans a graph given as text; relative paths in it start from `base`.
    ///
    /// # Errors
    /// Everything wrong with the graph.
    pub fn plan_text(&self, text: &str, base: &Path, set: &[String]) -> Result<Plan, Rejected> {
        let mut sources = Sources::default();
        let (graph, findings) = document::load_str("<graph>", text, base, &self.load_options(set), &mut sources);
        self.planned(graph, findings, sources)
    }

    /// Runs a plan, telling `observer` what happens.
    ///
    /// # Errors
    /// The first firing, in the order of the output, that went wrong; what was finished before it is kept.
    pub fn run(&self, plan: &Plan, observer: &dyn Observer) -> Result<Report, RunError> {
        let depth = plan.depth(None, None).unwrap_or(1);
        exec::run(plan, &RunOptions { depth, from: 0 }, observer, &self.stop)
    }

    fn load_options<'a>(&'a self, set: &'a [String]) -> LoadOptions<'a> {
        LoadOptions { set, params_files: &[], kinds: &self.registry }
    }

    fn planned(&self, graph: Option<document::Graph>, mut findings: Diagnostics, sources: Sources) -> Result<Plan, Rejected> {
        let planned = graph.and_then(|graph| {
            let (planned, found) = plan::plan(&graph, &self.registry, &self.options);
            findings.extend(found);
            planned
        });
        match planned {
            Some(plan) if !findings.has_errors() => Ok(plan),
            _ => Err(Rejected { findings, sources }),
        }
    }
}

/// A graph that cannot run, and all that is wrong with it.
#[derive(Debug)]
pub struct Rejected {
    /// What was found.
    pub findings: Diagnostics,
    /// The texts that the findings point into.
    pub sources: Sources,
}

/// One line a finding: `graphs/a.yaml:3:7: error: there is no node `clop` (write `clip`)`.
impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let Some(label) = finding.labels.first() {
                let (line, column) = self.sources.line_column(label.span);
                let name = self.sources.get(label.span.source).map_or("?", |source| source.name.as_str());
                write!(f, "{name}:{line}:{column}: ")?;
            }
            let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
            write!(f, "{severity}: {}", finding.message)?;
            if !finding.help.is_empty() {
                write!(f, " ({})", finding.help.join("; "))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Rejected {}
