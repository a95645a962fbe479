//! Graph → [`Plan`]: names resolved, types checked, loops proved legal, sizes and rates agreed, memory costed.
//!
//! The phases run in the order of the files: [`resolve`] (kinds, keys, links, parameters), [`topology`] (the net, loops, clocks; [`pace`]
//! has the rates), [`presence`] (what begins with nothing), [`outlook`] (timeline, formats, ranges), [`cost`] (bytes, depth). A node that
//! failed one phase is skipped by the next, so that
//! one mistake is reported once.

pub mod analysis;
pub mod clock;
mod clocks;
mod cost;
mod engine;
pub mod net;
mod outlook;
mod pace;
mod presence;
mod resolve;
mod sketch;
mod topology;

use std::sync::Arc;

use crate::diag::{Diagnostics, Span};
use crate::document::{Graph, Kinds, Role};
use crate::node::{Engine, Format, Kind, Lane, Outlook, Registry, Settings, Timeline};
use crate::param::Shape;
use analysis::Analysis;
use net::Net;

pub use cost::{Memory, StreamMemory, size_on_disk};
pub use engine::{EngineBlock, parse_bytes};
pub use sketch::{Sketch, SketchLink, SketchNode, sketch};

/// A graph that is ready to run. The executor accepts nothing else.
pub struct Plan {
    /// The nodes that reach a sink, in the order of the graph.
    pub nodes: Vec<PlanNode>,
    /// The same nodes as pure topology.
    pub net: Net,
    /// Leads, ranks and capacities.
    pub analysis: Analysis,
    /// Size, rate and length. The length is what the graph and its sources promise, and what expressions see; see
    /// [`Plan::frames`] for how many frames this run makes.
    pub timeline: Timeline,
    /// No frame of the timeline at or after this, whatever the sources hold.
    pub limit: Option<u64>,
    /// Ticks in each frame of the timeline: more than 1 where a node makes more frames than it takes.
    pub rate: u64,
    /// Whether every source knows its length; otherwise the run may end earlier or later than promised.
    pub certain: bool,
    /// What a firing may occupy; the index is the lane's number in the net.
    pub lanes: Vec<Lane>,
    /// The engine's settings.
    pub engine: Engine,
}

/// One node of a plan.
pub struct PlanNode {
    /// Its name.
    pub name: String,
    /// Where its name is written.
    pub span: Span,
    /// Its kind.
    pub kind: Arc<dyn Kind>,
    /// Its parameters.
    pub settings: Arc<dyn Settings>,
    /// For each declared input its links, as indexes into the net node's taps.
    pub feeds: Vec<Vec<usize>>,
    /// The scalar streams that its expressions read: `node.port` and the index of the tap.
    pub streams: Vec<(String, usize)>,
    /// The format of each input's first link.
    pub inputs: Vec<Option<Format>>,
    /// What it makes.
    pub outlook: Outlook,
    /// Which outputs somebody reads.
    pub wanted: Vec<bool>,
    /// It fires on every so many of its own frames; 1 for an uneven clock.
    pub period: u64,
    /// Ticks from one of its own frames to the next: more than 1 where another node makes more frames.
    pub stride: u64,
    /// The timeline in its own frames.
    pub timeline: Timeline,
}

impl Plan {
    /// How many frames of the timeline this run will make: those that it has, or as many as were asked for. Unless [`Plan::certain`] a source
    /// may have fewer or more.
    #[must_use]
    pub fn frames(&self) -> Option<u64> {
        self.timeline.length.into_iter().chain(self.limit).min()
    }

    /// The node `name`.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&PlanNode> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// What a run asks of a plan besides the graph.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The engine's settings.
    pub engine: Engine,
    /// Make no more than so many frames.
    pub max_frames: Option<u64>,
}

/// Checks `graph` and plans it. Without errors there is a plan; warnings may come with it.
#[must_use]
pub fn plan(graph: &Graph, registry: &Registry, options: &PlanOptions) -> (Option<Plan>, Diagnostics) {
    let mut faults = Diagnostics::default();
    let nodes = resolve::resolve(graph, registry, &mut faults);
    let plan = topology::connect(graph, &nodes, &mut faults).and_then(|wired| outlook::survey(graph, nodes, wired, options, &mut faults));
    faults.sort();
    (plan.filter(|_| !faults.has_errors()), faults)
}

impl Kinds for Registry {
    fn is_kind(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn names(&self) -> Vec<&str> {
        Self::names(self).collect()
    }

    fn main_output(&self, kind: &str) -> Option<&str> {
        self.get(kind)?.spec().outputs.first().map(|output| output.name)
    }

    fn role(&self, kind: &str, key: &str) -> Role {
        let Some(kind) = self.get(kind) else { return Role::Other };
        if key == "when" {
            return Role::Clock;
        }
        let spec = kind.spec();
        if spec.input(key).is_some() {
            return Role::Input;
        }
        match spec.param(key).map(|param| param.shape.inner()) {
            Some(Shape::Curve | Shape::IntegerCurve | Shape::Seed) => Role::Curve,
            Some(Shape::Prompt) => Role::Prompt,
            Some(Shape::Path) => Role::Path,
            _ => Role::Other,
        }
    }
}
