//! When nodes must fire: from which tick, up to which, and by which clock.

use super::analysis::{Analysis, Edge, NodeFacts, taps};
use super::clock::{Clock, gcd};
use super::net::{Net, NetNode, PortRef, Tap};

impl Analysis {
    /// The first tick at which each node must fire so that the sinks can fire from tick `from` on; `u64::MAX` for never. What
    /// keeps state fires from the beginning, and so does all that it reads.
    #[must_use]
    pub fn since(&self, net: &Net, from: u64) -> Vec<u64> {
        if from == 0 {
            return vec![0; net.nodes.len()];
        }
        let first = |(n, facts): (&NetNode, &NodeFacts)| match n {
            // Where the output ends has to be found even when nobody reads the source any more.
            NetNode { source_ends: true, sequential: true, .. } if facts.until == u64::MAX => 0,
            NetNode { source_ends: true, .. } if facts.until == u64::MAX => facts.clock.from(from),
            NetNode { sink: true, .. } => facts.clock.from(from),
            _ => u64::MAX,
        };
        let mut since: Vec<u64> = net.nodes.iter().zip(&self.nodes).map(first).collect();
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for (reader, tap) in taps(net).filter(|(reader, _)| self.nodes[*reader].fires()) {
                let start = since[reader];
                if start == u64::MAX {
                    continue;
                }
                let mut need = |port: PortRef, tick: u64| {
                    let keeps_state = net.nodes[port.node].sequential;
                    let tick = if keeps_state { 0 } else { self.held(port.node, tick) };
                    changed |= tick < since[port.node];
                    since[port.node] = since[port.node].min(tick);
                };
                need(tap.from, tap.oldest(start));
                if let Some(initial) = tap.initial.stream().filter(|_| tap.needs_initial(start)) {
                    need(initial, start);
                }
            }
        }
        since
    }
}

/// Below which tick each node is needed. What only feeds an initial value is needed at the start alone.
pub(super) fn untils(net: &Net, edges: &[Edge]) -> Vec<u64> {
    let mut until: Vec<u64> = net.nodes.iter().map(|n| if n.sink { u64::MAX } else { 0 }).collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for edge in edges {
            let need = match until[edge.reader] {
                0 => 0,
                // What is linked fires at least once, so that every link of a node that fires leads to another one.
                end if edge.initial => end.min(net.nodes[edge.reader].taps[edge.tap].lo.min(0).unsigned_abs()).max(1),
                u64::MAX => u64::MAX,
                end => end.saturating_add_signed(edge.offset).max(1),
            };
            changed |= need > until[edge.from];
            until[edge.from] = until[edge.from].max(need);
        }
    }
    until
}

/// The clocks by which nodes fire. One without state fires only where somebody looks: with its readers.
pub(super) fn clocks(net: &Net, until: &[u64]) -> Vec<Clock> {
    let thins = |v: usize| !(net.nodes[v].sequential || net.nodes[v].sink || net.nodes[v].source_ends);
    // An empty clock stands for "nobody asked yet".
    let start = |(v, n): (usize, &NetNode)| if thins(v) { Clock::default() } else { n.clock.clone() };
    let mut clocks: Vec<Clock> = net.nodes.iter().enumerate().map(start).collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        let mut wanted = vec![Clock::default(); net.nodes.len()];
        for (reader, tap) in taps(net).filter(|(reader, _)| until[*reader] > 0) {
            wanted[tap.from.node].join(&looks(&clocks[reader], &tap));
            if let Some(initial) = tap.initial.stream() {
                wanted[initial.node].join(&clocks[reader]);
            }
        }
        for (v, wanted) in wanted.into_iter().enumerate().filter(|(v, _)| thins(*v)) {
            let declared = &net.nodes[v].clock;
            let fits = declared.period().is_some_and(|period| wanted.is_empty() || wanted.grid().is_multiple_of(period));
            let clock = if fits { wanted } else { declared.clone() };
            changed |= clocks[v] != clock;
            clocks[v] = clock;
        }
    }
    net.nodes.iter().zip(clocks).map(|(n, clock)| if clock.is_empty() { n.clock.clone() } else { clock }).collect()
}

/// Where a reader with this clock looks through `tap`, or a period that includes all that.
fn looks(reader: &Clock, tap: &Tap) -> Clock {
    match (reader.period(), tap.lo == tap.hi) {
        _ if reader.is_empty() => Clock::default(),
        (_, true) if tap.hi == 0 => reader.clone(),
        (Some(period), true) if tap.hi < 0 => Clock::every(gcd(period, tap.hi.unsigned_abs())),
        // A tap that looks ahead falls back to the last tick of the output, which may be any.
        _ => Clock::every(1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::net::{Initial, Lane};
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

    #[test]
    fn what_only_starts_a_loop_fires_only_at_the_start() {
        let nodes = vec![
            NetNode::reading(vec![]),
            NetNode::reading(vec![Tap::now(port(0))]),
            sink(vec![Tap::delayed(port(2), 2, Initial::Stream(port(1)))]),
            NetNode::reading(vec![]),
        ];
        let analysis = Analysis::new(&net(nodes)).unwrap();
        assert_eq!(analysis.nodes.iter().map(|n| n.until).collect::<Vec<_>>(), [2, 2, u64::MAX, 0]);
        assert_eq!(analysis.order, [0, 1, 2]);
    }

    #[test]
    fn nodes_fire_only_where_somebody_looks() {
        let slow = |period, taps| NetNode { clock: Clock::every(period), sequential: true, ..NetNode::reading(taps) };
        let nodes = vec![
            NetNode::reading(vec![]),
            NetNode::reading(vec![Tap::now(port(0))]),
            slow(6, vec![Tap::now(port(1))]),
            slow(4, vec![Tap::delayed(port(1), 2, Initial::First), Tap::now(port(4))]),
            NetNode { clock: Clock::every(3), ..NetNode::reading(vec![]) },
            sink(vec![Tap::now(port(2)), Tap::now(port(3))]),
        ];
        let analysis = Analysis::new(&net(nodes)).unwrap();
        // Node 4 has a clock of its own that 4 is no multiple of.
        assert_eq!(analysis.nodes.iter().filter_map(|n| n.clock.period()).collect::<Vec<_>>(), [2, 2, 6, 4, 3, 1]);
    }

    #[test]
    fn a_later_start_skips_what_nobody_needs() {
        let still = || NetNode::reading(vec![]);
        let nodes = vec![
            NetNode { sequential: true, ..still() },
            still(),
            NetNode::reading(vec![Tap::now(port(0)), Tap::delayed(port(1), 2, Initial::Stream(port(3)))]),
            still(),
            sink(vec![Tap::now(port(2))]),
        ];
        let net = net(nodes);
        let analysis = Analysis::new(&net).unwrap();
        assert_eq!(analysis.since(&net, 10), [0, 8, 10, u64::MAX, 10]);
        assert_eq!(analysis.since(&net, 1), [0, 0, 1, 1, 1]);
    }
}
