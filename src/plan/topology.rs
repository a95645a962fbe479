//! Phase two: links become the taps of a [`Net`], and loops are proved to advance in time.

use super::analysis::{Analysis, LoopLink, NetError};
use super::net::{Initial, Lane, LaneId, Net, NetNode, PortRef, Tap};
use super::resolve::{Link, Resolved};
use crate::diag::{Diagnostic, Diagnostics};
use crate::document::Graph;
use crate::node::{InputShape, PortType};

/// The graph's topology, node by node in the order of the graph.
pub(super) struct Wired {
    /// Its nodes, with one lane and no ending sources yet: these are known only when the nodes have been asked.
    pub net: Net,
    /// Which nodes reach a sink.
    pub used: Vec<bool>,
    /// Which sources are read to the end, and not only to begin a loop.
    pub lasting: Vec<bool>,
    /// Each node fires on every so many ticks.
    pub periods: Vec<u64>,
    /// For each input its taps.
    pub feeds: Vec<Vec<Vec<usize>>>,
    /// The scalar streams that expressions read, with their taps.
    pub streams: Vec<Vec<(String, usize)>>,
    /// Which outputs are read.
    pub wanted: Vec<Vec<bool>>,
}

/// Wires the nodes; `None` when they could not run in any order.
pub(super) fn connect(graph: &Graph, nodes: &[Option<Resolved<'_>>], faults: &mut Diagnostics) -> Option<Wired> {
    let mut wired = Wired {
        net: Net { nodes: Vec::new(), lanes: vec![Lane { slots: 1 }] },
        used: Vec::new(),
        lasting: Vec::new(),
        periods: Vec::new(),
        feeds: Vec::new(),
        streams: Vec::new(),
        wanted: nodes.iter().map(|node| node.as_ref().map_or_else(Vec::new, |node| vec![false; node.kind.spec().outputs.len()])).collect(),
    };
    for node in nodes {
        add(node.as_ref(), &mut wired);
    }
    let analysis = match Analysis::new(&wired.net) {
        Ok(analysis) => analysis,
        Err(error) => {
            faults.push(explain(&error, nodes));
            return None;
        }
    };
    wired.used = analysis.nodes.iter().map(super::analysis::NodeFacts::fires).collect();
    wired.lasting = analysis.nodes.iter().map(|facts| facts.until == u64::MAX).collect();
    wired.periods = analysis.nodes.iter().map(|facts| facts.period).collect();
    read_ports(&mut wired);
    // With a node at fault nobody knows what it would have read.
    if graph.failed.is_empty() && nodes.iter().all(|node| node.as_ref().is_some_and(|node| node.sound)) {
        report_unused(nodes, &wired, faults);
        super::presence::check(nodes, &wired, faults);
    }
    Some(wired)
}

fn add(node: Option<&Resolved<'_>>, wired: &mut Wired) {
    let mut taps = Vec::new();
    let (mut feeds, mut streams) = (Vec::new(), Vec::new());
    if let Some(node) = node {
        let spec = node.kind.spec();
        for (input, links) in spec.inputs.iter().zip(&node.inputs) {
            feeds.push(links.iter().map(|link| push(&mut taps, tap(link, input.shape))).collect());
        }
        let now = InputShape { ty: PortType::Scalar, optional: false, many: false, back: 0, ahead: 0 };
        streams.extend(node.streams.iter().map(|(name, link)| (name.clone(), push(&mut taps, tap(link, now)))));
    }
    wired.feeds.push(feeds);
    wired.streams.push(streams);
    wired.net.nodes.push(NetNode {
        period: node.map_or(1, |node| node.every),
        sequential: node.is_some_and(|node| node.kind.spec().sequential),
        lane: LaneId(0),
        sink: node.is_some_and(Resolved::is_output),
        source_ends: false,
        taps,
    });
}

fn push(taps: &mut Vec<Tap>, tap: Tap) -> usize {
    taps.push(tap);
    taps.len() - 1
}

fn tap(link: &Link, shape: InputShape) -> Tap {
    Tap {
        from: PortRef::new(link.node, link.port),
        lo: link.delay.saturating_sub_unsigned(shape.back),
        hi: link.delay.saturating_add_unsigned(shape.ahead),
        initial: link.initial.map(|(node, port)| PortRef::new(node, port)),
    }
}

fn read_ports(wired: &mut Wired) {
    for (node, _) in wired.net.nodes.iter().zip(&wired.used).filter(|(_, used)| **used) {
        for port in node.taps.iter().flat_map(|tap| std::iter::once(tap.from).chain(tap.initial.stream())) {
            if let Some(wanted) = wired.wanted[port.node].get_mut(port.port) {
                *wanted = true;
            }
        }
    }
}

fn report_unused(nodes: &[Option<Resolved<'_>>], wired: &Wired, faults: &mut Diagnostics) {
    let sinks = wired.net.nodes.iter().any(|node| node.sink);
    if let (false, Some(last)) = (sinks, nodes.iter().flatten().next_back()) {
        faults.push(
            Diagnostic::error("no-sink", "nothing is written: no node is an output")
                .at(last.def.name_span, "the last node")
                .help(format!("add `file: {{ kind: encoder, image: {}, path: out/clip.mp4 }}`", last.def.name)),
        );
        return;
    }
    for (node, _) in nodes.iter().zip(&wired.used).filter(|(_, used)| !**used) {
        let Some(node) = node else { continue };
        faults.push(
            Diagnostic::warning("unused-node", format!("`{}` is never used", node.def.name))
                .at(node.def.name_span, "no output depends on it")
                .help("link it, or take it out"),
        );
    }
}

fn explain(error: &NetError, nodes: &[Option<Resolved<'_>>]) -> Diagnostic {
    let node = |index: usize| nodes.get(index).and_then(Option::as_ref);
    let name = |index: usize| node(index).map_or("?", |node| node.def.name.as_str());
    match error {
        NetError::Loop(links) => explain_loop(links, nodes, &name),
        NetError::EndingSourceReads(index) | NetError::Malformed { node: index, .. } => {
            let fault = Diagnostic::error("cannot-plan", format!("`{}` cannot be planned: {error}", name(*index)));
            match node(*index) {
                Some(node) => fault.at(node.def.name_span, ""),
                None => fault,
            }
        }
    }
}

fn explain_loop<'n>(links: &[LoopLink], nodes: &[Option<Resolved<'_>>], name: &dyn Fn(usize) -> &'n str) -> Diagnostic {
    let mut chain: Vec<String> = links.iter().map(|link| format!("`{}`", name(link.reader))).collect();
    chain.extend(chain.first().cloned());
    let message = match links {
        [only] => format!("`{}` waits for itself", name(only.reader)),
        _ => format!("these nodes wait for each other: {}", chain.join(" ← ")),
    };
    let mut fault = Diagnostic::error("loop", message);
    let mut mend = None;
    for link in links {
        let Some(written) = nodes[link.reader].as_ref().and_then(|node| node.link_of_tap(link.tap)) else { continue };
        let from = name(link.from);
        let text = match (link.initial, written.delay) {
            (true, _) => format!("`{}` begins with `{from}`", name(link.reader)),
            (false, 0) => format!("`{}` reads `{from}`", name(link.reader)),
            (false, delay) if delay < 0 && written.initial == Initial::First => {
                mend = Some(format!("give that link a first value: `{{ from: {from}@{delay}, initial: NODE }}`"));
                format!("`{}` reads `{from}` {} ago, but has no `initial`", name(link.reader), ticks(-delay))
            }
            (false, delay) if delay > 0 => format!("`{}` reads `{from}` {} ahead", name(link.reader), ticks(delay)),
            (false, delay) => format!("`{}` reads `{from}` {} ago", name(link.reader), ticks(-delay)),
        };
        fault = fault.at(written.span, text);
    }
    let from_preset = links.iter().filter_map(|link| nodes[link.reader].as_ref()).find(|node| node.def.origin.is_some());
    if let Some(node) = from_preset {
        fault = node.def.placed_whole(fault);
    }
    let last = links.last().map_or("NODE", |link| name(link.from));
    fault.help(mend.unwrap_or_else(|| format!("let one of them read the frame before: `{{ from: {last}@-1, initial: NODE }}`")))
}

fn ticks(count: i64) -> String {
    if count == 1 { "1 frame".into() } else { format!("{count} frames") }
}
