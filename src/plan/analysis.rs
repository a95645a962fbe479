//! What follows from the topology alone: whether its loops can run, in which order, how far ahead, and how many values live.
//!
//! Every tap is an edge from reader to stream with an *offset*, the latest tick that it may need. A loop is legal when its
//! offsets add up to less than 0. The *lead* of a node is the largest total offset from a sink to it: wave `w` holds each node
//! at tick `w + lead`, so that everything a firing needs lies in its own wave or an earlier one.

use std::collections::BTreeMap;

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use super::clock::{Clock, gcd};
use super::clocks::{clocks, untils};
use super::net::{Net, PortRef, Tap};

/// A topology that cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// Nodes wait for each other; each link's `from` is the next one's `reader`, and the last one's `from` the first reader.
    #[error("a loop of {} links in which each waits for the next; read one of them with a delay and an initial value", .0.len())]
    Loop(Vec<LoopLink>),
    /// A source says at run time where it ends, so it must not wait for others.
    #[error("node {0} says where the output ends, so it cannot read other nodes; set the length of the timeline instead")]
    EndingSourceReads(usize),
    /// Indices or numbers that make no sense.
    #[error("node {node}: {what}")]
    Malformed {
        /// The node.
        node: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// One link of an illegal loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopLink {
    /// The node that reads…
    pub reader: usize,
    /// …by this one of its taps…
    pub tap: usize,
    /// …of which the loop goes through the initial stream…
    pub initial: bool,
    /// …from this node.
    pub from: usize,
}

/// What is known of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// Ticks by which it runs ahead of the wave.
    pub lead: i64,
    /// Its place in the order within a wave; distinct for nodes that fire.
    pub rank: usize,
    /// When it fires: by the declared clock, or less often when nobody looks in between.
    pub clock: Clock,
    /// It fires only at ticks below this one: 0 when nothing that reaches a sink needs it, `u64::MAX` for no bound.
    pub until: u64,
}

impl NodeFacts {
    /// Whether it fires at all.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.until > 0
    }
}

/// What follows from a [`Net`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// One entry per node.
    pub nodes: Vec<NodeFacts>,
    /// The nodes that fire, by rank.
    pub order: Vec<usize>,
    /// For each stream that is read, how many ticks lie between its production and its last use, besides the depth.
    spans: BTreeMap<PortRef, u64>,
}

impl Analysis {
    /// Analyses `net`.
    ///
    /// # Errors
    /// When the net cannot run, and why.
    pub fn new(net: &Net) -> Result<Self, NetError> {
        check(net)?;
        let count = net.nodes.len();
        let edges = edges(net, |v| net.nodes[v].clock.grid());
        let legality: Vec<Weighted> = edges.iter().map(|e| e.weighted(e.offset * (count as i64 + 1) + 1)).collect();
        longest(vec![Some(0); count], &legality).map_err(|path| NetError::Loop(path.iter().map(|&e| edges[e].link()).collect()))?;

        let until = untils(net, &edges);
        let clocks = clocks(net, &until);
        let mut weighted: Vec<Weighted> = self::edges(net, |v| clocks[v].grid()).iter().map(|e| e.weighted(e.offset)).collect();
        weighted.extend(gates(net, &until));
        weighted.retain(|e| until[e.reader] > 0 && until[e.from] > 0);
        let start = net.nodes.iter().map(|n| n.sink.then_some(0)).collect();
        let leads = longest(start, &weighted).unwrap_or_default();
        let leads: Vec<i64> = leads.into_iter().map(Option::unwrap_or_default).collect();

        let order = order(&until, &leads, &weighted);
        let facts = |(v, clock)| NodeFacts { lead: leads[v], rank: usize::MAX, clock, until: until[v] };
        let mut nodes: Vec<NodeFacts> = clocks.into_iter().enumerate().map(facts).collect();
        for (rank, &node) in order.iter().enumerate() {
            nodes[node].rank = rank;
        }
        let spans = spans(net, &nodes);
        Ok(Self { nodes, order, spans })
    }

    /// The most ticks that any node runs ahead: the first wave is minus this.
    #[must_use]
    pub fn max_lead(&self) -> i64 {
        self.order.iter().map(|&v| self.nodes[v].lead).max().unwrap_or(0).max(0)
    }

    /// The streams that somebody reads.
    pub fn ports(&self) -> impl Iterator<Item = PortRef> + '_ {
        self.spans.keys().copied()
    }

    /// How many values of `port` may live at once when `depth` waves run; 0 for a stream that nobody reads.
    #[must_use]
    pub fn capacity(&self, port: PortRef, depth: usize) -> u64 {
        let Some(&span) = self.spans.get(&port) else { return 0 };
        (depth.max(1) as u64 - 1 + span).div_ceil(self.nodes[port.node].clock.grid()) + 1
    }

    /// The most bytes that live at once at `depth`, given the bytes of one value of each stream.
    #[must_use]
    pub fn bytes(&self, depth: usize, value: impl Fn(PortRef) -> u64) -> u64 {
        self.ports().map(|port| self.capacity(port, depth).saturating_mul(value(port))).fold(0, u64::saturating_add)
    }

    /// The largest depth up to `wanted` whose values fit into `limit` bytes, if any does.
    #[must_use]
    pub fn depth_for(&self, limit: u64, wanted: usize, value: impl Fn(PortRef) -> u64) -> Option<usize> {
        (1..=wanted.max(1)).rev().find(|&depth| self.bytes(depth, &value) <= limit)
    }

    /// The ticks that `tap` of a reader at `tick` reads, from the earliest offset to the latest; those that read nothing left out.
    pub fn reads(&self, tap: &Tap, tick: u64, length: Option<u64>) -> impl Iterator<Item = (PortRef, u64)> + use<'_> {
        let tap = *tap;
        tap.offsets().filter_map(move |offset| {
            let (port, at) = tap.at(tick, offset, length)?;
            Some((port, self.held(port.node, at)))
        })
    }

    /// The tick at which `node` made what readers see at `tick`.
    #[must_use]
    pub fn held(&self, node: usize, tick: u64) -> u64 {
        self.nodes[node].clock.held(tick)
    }

    /// The sources that say where the output ends.
    pub fn ending_sources<'a>(&'a self, net: &'a Net) -> impl Iterator<Item = usize> + 'a {
        net.nodes.iter().enumerate().filter(|(v, n)| n.source_ends && self.nodes[*v].fires()).map(|(v, _)| v)
    }
}

/// The sources whose tick must be known to exist before `node` fires: all that say where the output ends; among themselves in
/// the order written. So nothing ever fires beyond the end, whatever the timing.
pub(crate) fn waits_for_end(net: &Net, node: usize, source: usize) -> bool {
    net.nodes[source].source_ends && (source < node || !net.nodes[node].source_ends) && source != node
}

/// How far ahead of its tick `node` must know that the output goes on.
pub(crate) fn ahead(net: &Net, node: usize) -> u64 {
    net.nodes[node].taps.iter().map(|tap| tap.hi).max().unwrap_or(0).max(0) as u64
}

/// One reading of one node by another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub reader: usize,
    pub tap: usize,
    pub initial: bool,
    pub from: usize,
    /// The latest tick that it may need.
    pub offset: i64,
}

#[derive(Debug, Clone, Copy)]
struct Weighted {
    reader: usize,
    from: usize,
    weight: i64,
}

impl Edge {
    fn weighted(&self, weight: i64) -> Weighted {
        Weighted { reader: self.reader, from: self.from, weight }
    }

    fn link(&self) -> LoopLink {
        LoopLink { reader: self.reader, tap: self.tap, initial: self.initial, from: self.from }
    }
}

fn check(net: &Net) -> Result<(), NetError> {
    for (node, n) in net.nodes.iter().enumerate() {
        let unknown = |port: &PortRef| port.node >= net.nodes.len();
        let what = if n.clock.is_empty() {
            "its clock never fires"
        } else if n.source_ends && n.clock.period().is_none() {
            "it says where the output ends, so it cannot fire at uneven times"
        } else if n.lane.0 >= net.lanes.len() {
            "its lane does not exist"
        } else if n.taps.iter().any(|tap| unknown(&tap.from) || tap.initial.stream().as_ref().is_some_and(unknown)) {
            "it reads a node that does not exist"
        } else if n.taps.iter().any(|tap| tap.lo > tap.hi) {
            "a window ends before it begins"
        } else if n.source_ends && !n.taps.is_empty() {
            return Err(NetError::EndingSourceReads(node));
        } else {
            continue;
        };
        return Err(NetError::Malformed { node, what });
    }
    Ok(())
}

fn edges(net: &Net, grid: impl Fn(usize) -> u64) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (reader, node) in net.nodes.iter().enumerate() {
        for (tap, read) in node.taps.iter().enumerate() {
            let offset = read.reach(gcd(grid(reader), grid(read.from.node)));
            edges.push(Edge { reader, tap, initial: false, from: read.from.node, offset });
            edges.extend(read.initial.stream().map(|port| Edge { reader, tap, initial: true, from: port.node, offset: 0 }));
        }
    }
    edges
}

/// The edges of [`waits_for_end`].
fn gates(net: &Net, until: &[u64]) -> Vec<Weighted> {
    let count = net.nodes.len();
    let sources: Vec<usize> = (0..count).filter(|&s| net.nodes[s].source_ends && until[s] > 0).collect();
    let pairs = sources.iter().flat_map(|&from| (0..count).map(move |reader| (reader, from)));
    let gated = pairs.filter(|&(reader, from)| waits_for_end(net, reader, from));
    gated.map(|(reader, from)| Weighted { reader, from, weight: ahead(net, reader) as i64 }).collect()
}

/// The heaviest path to each node from those that start with a value, or the edges of a cycle that keeps growing, in reading
/// order. Bellman and Ford's algorithm; petgraph's `find_negative_cycle` may return its start node alone when the cycle has not
/// yet reached the edge at which it looks.
fn longest(start: Vec<Option<i64>>, edges: &[Weighted]) -> Result<Vec<Option<i64>>, Vec<usize>> {
    let count = start.len();
    let (mut best, mut by) = (start, vec![usize::MAX; count]);
    for _ in 0..=count {
        let mut changed = None;
        for (index, edge) in edges.iter().enumerate() {
            let Some(value) = best[edge.reader].map(|value| value + edge.weight) else { continue };
            if best[edge.from].is_none_or(|old| old < value) {
                best[edge.from] = Some(value);
                by[edge.from] = index;
                changed = Some(edge.from);
            }
        }
        let Some(node) = changed else { return Ok(best) };
        if let Some(cycle) = cycle_behind(node, &by, edges) {
            return Err(cycle);
        }
    }
    Ok(best)
}

/// The cycle that one meets when following the chosen edges back from `node`, if there is one.
fn cycle_behind(node: usize, by: &[usize], edges: &[Weighted]) -> Option<Vec<usize>> {
    let back = |node: usize| by.get(node).copied().filter(|&edge| edge != usize::MAX);
    let mut at = node;
    for _ in 0..by.len() {
        at = edges[back(at)?].reader;
    }
    let (first, mut cycle) = (at, Vec::new());
    loop {
        let edge = back(at)?;
        cycle.push(edge);
        at = edges[edge].reader;
        if at == first {
            cycle.reverse();
            return Some(cycle);
        }
    }
}

pub(super) fn taps(net: &Net) -> impl Iterator<Item = (usize, Tap)> + '_ {
    net.nodes.iter().enumerate().flat_map(|(reader, node)| node.taps.iter().map(move |tap| (reader, *tap)))
}

/// The nodes that fire, so that within a wave everything comes before what reads it.
fn order(until: &[u64], leads: &[i64], edges: &[Weighted]) -> Vec<usize> {
    let mut graph = DiGraph::<usize, ()>::new();
    let mut index = vec![NodeIndex::end(); until.len()];
    // petgraph puts what it meets last first: added backwards, nodes come out in the order written where nothing else decides.
    for v in (0..until.len()).rev().filter(|&v| until[v] > 0) {
        index[v] = graph.add_node(v);
    }
    for edge in edges.iter().filter(|e| leads[e.reader] + e.weight == leads[e.from]) {
        graph.add_edge(index[edge.from], index[edge.reader], ());
    }
    // A cycle here would have a total offset of 0, which the check of loops has ruled out.
    toposort(&graph, None).unwrap_or_default().into_iter().map(|at| graph[at]).collect()
}

fn spans(net: &Net, nodes: &[NodeFacts]) -> BTreeMap<PortRef, u64> {
    let mut spans = BTreeMap::new();
    for (reader, tap) in taps(net).filter(|(reader, _)| nodes[*reader].fires()) {
        let mut read = |port: PortRef, lo: i64| {
            if nodes[port.node].fires() {
                let span = (nodes[port.node].lead - nodes[reader].lead - lo.min(0)).max(0) as u64;
                let entry = spans.entry(port).or_insert(span);
                *entry = span.max(*entry);
            }
        };
        read(tap.from, tap.lo);
        if let Some(initial) = tap.initial.stream() {
            read(initial, 0);
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::super::net::{Initial, Lane, NetNode};
    use super::*;

    fn net(nodes: Vec<NetNode>) -> Net {
        Net { nodes, lanes: vec![Lane { slots: 1 }] }
    }

    fn port(node: usize) -> PortRef {
        PortRef::new(node, 0)
    }

    fn sink(taps: Vec<Tap>) -> NetNode {
        NetNode { sink: true, sequential: true, ..NetNode::reading(taps) }
    }

    fn source() -> NetNode {
        NetNode { source_ends: true, sequential: true, ..NetNode::reading(vec![]) }
    }

    #[test]
    fn looking_ahead_gives_the_source_a_lead() {
        let net = net(vec![source(), NetNode::reading(vec![Tap::window(port(0), 1, 2)]), sink(vec![Tap::now(port(1))])]);
        let analysis = Analysis::new(&net).unwrap();
        assert_eq!(analysis.nodes.iter().map(|n| n.lead).collect::<Vec<_>>(), [2, 0, 0]);
        assert_eq!(analysis.order, [0, 1, 2]);
        // From one tick behind to two ahead: four values, and one more for each further wave.
        assert_eq!((analysis.capacity(port(0), 1), analysis.capacity(port(0), 3)), (4, 6));
        assert_eq!((analysis.capacity(port(1), 1), analysis.capacity(port(2), 1)), (1, 0));
        assert_eq!(analysis.depth_for(6 * 10, 8, |p| if p == port(0) { 10 } else { 0 }), Some(3));
        assert_eq!(analysis.depth_for(39, 8, |p| if p == port(0) { 10 } else { 0 }), None);
    }

    #[test]
    fn a_loop_without_delay_is_returned_link_by_link() {
        let nodes = vec![
            source(),
            NetNode::reading(vec![Tap::now(port(0)), Tap::window(port(3), 0, 1)]),
            NetNode::reading(vec![Tap::now(port(1))]),
            NetNode::reading(vec![Tap::delayed(port(2), 1, Initial::Stream(port(0)))]),
            sink(vec![Tap::now(port(3))]),
        ];
        let Err(NetError::Loop(links)) = Analysis::new(&net(nodes)) else { panic!("the loop adds up to 0") };
        let mut found: Vec<_> = links.iter().map(|l| (l.reader, l.tap, l.from)).collect();
        assert!(links.iter().zip(links.iter().cycle().skip(1)).all(|(a, b)| a.from == b.reader));
        found.sort_unstable();
        assert_eq!(found, [(1, 1, 3), (2, 0, 1), (3, 0, 2)]);
    }

    #[test]
    fn a_delay_without_an_initial_value_reads_itself_at_the_start() {
        let looped = |initial| net(vec![source(), sink(vec![Tap::delayed(port(1), 1, initial)])]);
        assert!(matches!(Analysis::new(&looped(Initial::First)), Err(NetError::Loop(_))));
        assert!(Analysis::new(&looped(Initial::Stream(port(0)))).is_ok());
    }

    #[test]
    fn ending_sources_lead_everything() {
        let nodes =
            vec![source(), source(), NetNode::reading(vec![Tap::window(port(0), 0, 3)]), sink(vec![Tap::now(port(2)), Tap::now(port(1))])];
        let analysis = Analysis::new(&net(nodes)).unwrap();
        assert_eq!(analysis.nodes.iter().map(|n| n.lead).collect::<Vec<_>>(), [3, 3, 0, 0]);
        assert_eq!(analysis.order, [0, 1, 2, 3]);
        let reading = net(vec![NetNode { source_ends: true, ..sink(vec![Tap::now(port(0))]) }]);
        assert!(matches!(Analysis::new(&reading), Err(NetError::Loop(_) | NetError::EndingSourceReads(0))));
    }
}
