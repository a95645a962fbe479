//! When nodes must fire: from which tick, up to which, and on which grid.

use super::analysis::{Analysis, Edge, NodeFacts, taps};
use super::net::{Net, NetNode, PortRef};

impl Analysis {
    /// The first tick at which each node must fire so that the sinks can fire from tick `from` on; `u64::MAX` for never. What
    /// keeps state fires from the beginning, and so does all that it reads.
    #[must_use]
    pub fn since(&self, net: &Net, from: u64) -> Vec<u64> {
        if from == 0 {
            return vec![0; net.nodes.len()];
        }
        let first = |(n, facts): (&NetNode, &NodeFacts)| if n.sink { from.next_multiple_of(facts.period) } else { u64::MAX };
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

/// The periods at which nodes fire. One without state whose readers all look on a coarser grid fires on that grid.
pub(super) fn periods(net: &Net, until: &[u64]) -> Vec<u64> {
    let thins = |v: usize| !(net.nodes[v].sequential || net.nodes[v].sink || net.nodes[v].source_ends);
    // 0 stands for "nobody asked yet": the neutral element of `gcd`.
    let mut periods: Vec<u64> = net.nodes.iter().enumerate().map(|(v, n)| if thins(v) { 0 } else { n.period }).collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        let mut grid = vec![0; net.nodes.len()];
        for (reader, tap) in taps(net).filter(|(reader, _)| until[*reader] > 0) {
            let step = if tap.lo == tap.hi && tap.hi <= 0 { gcd(periods[reader], tap.hi.unsigned_abs()) } else { 1 };
            grid[tap.from.node] = gcd(grid[tap.from.node], step);
            if let Some(initial) = tap.initial.stream() {
                grid[initial.node] = gcd(grid[initial.node], periods[reader]);
            }
        }
        for v in (0..grid.len()).filter(|&v| thins(v)) {
            let declared = net.nodes[v].period;
            let period = if grid[v].is_multiple_of(declared) { grid[v] } else { declared };
            changed |= std::mem::replace(&mut periods[v], period) != period;
        }
    }
    net.nodes.iter().zip(periods).map(|(n, period)| if period == 0 { n.period } else { period }).collect()
}

pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::net::{Initial, Lane, Tap};
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
        let slow = |period, taps| NetNode { period, sequential: true, ..NetNode::reading(taps) };
        let nodes = vec![
            NetNode::reading(vec![]),
            NetNode::reading(vec![Tap::now(port(0))]),
            slow(6, vec![Tap::now(port(1))]),
            slow(4, vec![Tap::delayed(port(1), 2, Initial::First), Tap::now(port(4))]),
            NetNode { period: 3, ..NetNode::reading(vec![]) },
            sink(vec![Tap::now(port(2)), Tap::now(port(3))]),
        ];
        let analysis = Analysis::new(&net(nodes)).unwrap();
        // Node 4 has a clock of its own that 4 is no multiple of.
        assert_eq!(analysis.nodes.iter().map(|n| n.period).collect::<Vec<_>>(), [2, 2, 6, 4, 3, 1]);
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
