//! A graph's outline for drawing: names, ports, types, links, clocks. Needs no files and survives errors.

use crate::diag::Diagnostics;
use crate::document::Graph;
use crate::node::{PortType, Registry};

use super::resolve::{self, Beat, Link, Resolved};

/// What there is to draw.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    /// The nodes, in the order of the graph.
    pub nodes: Vec<SketchNode>,
    /// The links between them.
    pub links: Vec<SketchLink>,
}

/// A node.
#[derive(Debug, Clone)]
pub struct SketchNode {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Linked inputs and what flows into them.
    pub inputs: Vec<(String, PortType)>,
    /// Outputs that are read, or the main one.
    pub outputs: Vec<(String, PortType)>,
    /// Its clock, when it is not every frame: `every 3`, `when …`.
    pub clock: Option<String>,
    /// Whether it keeps state.
    pub sequential: bool,
}

/// A link.
#[derive(Debug, Clone)]
pub struct SketchLink {
    /// The node read, and which of its drawn outputs.
    pub from: (usize, usize),
    /// The reader, and which of its drawn inputs.
    pub to: (usize, usize),
    /// What flows.
    pub ty: PortType,
    /// Ticks ahead or (negative) ago.
    pub delay: i64,
    /// It only gives a loop its first value.
    pub initial: bool,
}

/// Outlines `graph`. Nodes of unknown kinds are left out; `faults` says why.
#[must_use]
pub fn sketch(graph: &Graph, registry: &Registry, faults: &mut Diagnostics) -> Sketch {
    let nodes: Vec<_> = resolve::resolve(graph, registry, faults).into_iter().map(|node| node.filter(|node| node.sound)).collect();
    let place = places(&nodes);
    let ends = raw_links(&nodes);
    let mut sketch = Sketch::default();
    for (index, node) in nodes.iter().enumerate() {
        let Some(node) = node else { continue };
        let read = |port: usize| ends.iter().any(|end| end.from == (index, port));
        let spec = node.kind.spec();
        let inputs = spec.inputs.iter().map(|input| (input.name.to_owned(), input.shape.ty));
        let mut inputs: Vec<_> = inputs.zip(&node.inputs).filter(|(_, links)| !links.is_empty()).map(|(input, _)| input).collect();
        inputs.extend(node.streams.iter().map(|(name, _)| (name.clone(), PortType::Scalar)));
        let outputs = spec.outputs.iter().enumerate().filter(|(port, _)| *port == 0 || read(*port));
        sketch.nodes.push(SketchNode {
            name: node.def.name.clone(),
            kind: node.def.origin.as_ref().map_or_else(|| node.def.kind.clone(), |origin| origin.preset.clone()),
            inputs,
            outputs: outputs.map(|(_, output)| (output.name.to_owned(), output.ty)).collect(),
            clock: clock(node),
            sequential: spec.sequential,
        });
    }
    sketch.links = ends.iter().filter_map(|end| drawn(end, &nodes, &place, &ends)).collect();
    sketch
}

fn clock(node: &Resolved<'_>) -> Option<String> {
    match &node.beat {
        Beat::With(_) => node.def.arg("when").and_then(|arg| arg.value.text()).map(|other| format!("with {other}")),
        Beat::Own(rhythm) => match rhythm.period() {
            Some(1) => None,
            Some(period) => Some(format!("every {period}")),
            None => Some(if node.def.arg("when").is_some() { "when …" } else { "every …" }.to_owned()),
        },
    }
}

/// A link between nodes of the graph and declared ports.
struct RawLink {
    from: (usize, usize),
    to: (usize, usize),
    delay: i64,
    initial: bool,
}

/// Where each node stands among those that are drawn.
fn places(nodes: &[Option<Resolved<'_>>]) -> Vec<Option<usize>> {
    (0..nodes.len()).map(|index| nodes[index].as_ref().map(|_| nodes[..index].iter().flatten().count())).collect()
}

fn raw_links(nodes: &[Option<Resolved<'_>>]) -> Vec<RawLink> {
    let mut ends = Vec::new();
    for (reader, node) in nodes.iter().enumerate().filter_map(|(index, node)| Some((index, node.as_ref()?))) {
        let linked = node.inputs.iter().filter(|links| !links.is_empty());
        let streams: Vec<Vec<Link>> = node.streams.iter().map(|(_, link)| vec![link.clone()]).collect();
        for (input, links) in linked.chain(&streams).enumerate() {
            for link in links {
                ends.push(RawLink { from: (link.node, link.port), to: (reader, input), delay: link.delay, initial: false });
                ends.extend(link.initial.stream().map(|from| RawLink { from, to: (reader, input), delay: 0, initial: true }));
            }
        }
    }
    ends
}

fn drawn(end: &RawLink, nodes: &[Option<Resolved<'_>>], place: &[Option<usize>], ends: &[RawLink]) -> Option<SketchLink> {
    let from = nodes[end.from.0].as_ref()?;
    let read = |port: usize| port == 0 || ends.iter().any(|other| other.from == (end.from.0, port));
    let shown = (0..end.from.1).filter(|port| read(*port)).count();
    Some(SketchLink {
        from: (place[end.from.0]?, shown),
        to: (place[end.to.0]?, end.to.1),
        ty: from.kind.spec().outputs.get(end.from.1)?.ty,
        delay: end.delay,
        initial: end.initial,
    })
}
