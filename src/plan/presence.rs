//! Which streams begin with nothing, and which never begin: what follows from links with `initial: none`.
//!
//! A node that needs an input and gets nothing makes nothing; one whose input is optional fires without it. So what a link with
//! `initial: none` leaves open spreads until a node can do without.

use super::net::{Initial, Tap};
use super::resolve::{Link, Resolved};
use super::topology::Wired;
use crate::diag::{Diagnostic, Diagnostics};

/// Reports outputs that would miss frames at the start, and loops that wait for a first value for ever.
pub(super) fn check(nodes: &[Option<Resolved<'_>>], wired: &Wired, faults: &mut Diagnostics) {
    let needed: Vec<Vec<Tap>> = nodes.iter().enumerate().map(|(index, node)| needed(node.as_ref(), index, wired)).collect();
    if !wired.net.nodes.iter().flat_map(|node| &node.taps).any(|tap| tap.initial == Initial::Nothing) {
        return;
    }
    let begins = begins(&needed);
    let causes = causes(&needed);
    for (index, node) in nodes.iter().enumerate().filter(|(index, _)| wired.used[*index]) {
        let Some(node) = node else { continue };
        match (nothing(node), causes[index]) {
            (Some(link), _) if !begins[index] => faults.push(never(node, link, nodes)),
            (_, Some(cause)) if begins[index] && wired.net.nodes[index].sink => faults.push(late(node, nodes, cause)),
            _ => {}
        }
    }
}

/// The taps of `node` without which it makes nothing.
fn needed(node: Option<&Resolved<'_>>, index: usize, wired: &Wired) -> Vec<Tap> {
    let Some(node) = node else { return Vec::new() };
    let inputs = node.kind.spec().inputs.iter().zip(&wired.feeds[index]).filter(|(input, _)| !input.shape.optional);
    let taps = inputs.flat_map(|(_, taps)| taps).chain(wired.streams[index].iter().map(|(_, tap)| tap));
    taps.map(|&tap| wired.net.nodes[index].taps[tap]).collect()
}

/// Which nodes make something sooner or later: the least set closed under "all it needs begins".
fn begins(needed: &[Vec<Tap>]) -> Vec<bool> {
    let mut begins = vec![false; needed.len()];
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (node, taps) in needed.iter().enumerate() {
            let fed = |tap: &Tap| begins[tap.from.node] || tap.initial.stream().is_some_and(|port| begins[port.node]);
            if !begins[node] && taps.iter().all(fed) {
                begins[node] = true;
                changed = true;
            }
        }
    }
    begins
}

/// For each node that makes nothing at first, the node whose link says so.
fn causes(needed: &[Vec<Tap>]) -> Vec<Option<usize>> {
    let mut causes: Vec<Option<usize>> = vec![None; needed.len()];
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (node, taps) in needed.iter().enumerate() {
            let cause = taps.iter().find_map(|tap| match tap.initial {
                Initial::Nothing => Some(node),
                Initial::First => causes[tap.from.node],
                Initial::Stream(port) => causes[port.node].or(causes[tap.from.node]),
            });
            if causes[node].is_none() && cause.is_some() {
                causes[node] = cause;
                changed = true;
            }
        }
    }
    causes
}

fn nothing<'n>(node: &'n Resolved<'_>) -> Option<&'n Link> {
    node.inputs.iter().flatten().find(|link| link.initial == Initial::Nothing)
}

fn never(node: &Resolved<'_>, link: &Link, nodes: &[Option<Resolved<'_>>]) -> Diagnostic {
    let name = &node.def.name;
    let other = nodes.iter().flatten().map(|other| other.def.name.as_str()).find(|other| other != name).unwrap_or("NODE");
    Diagnostic::error("never-begins", format!("`{name}` waits for a first value for ever"))
        .at(link.span, "this begins with nothing, and nothing else starts it")
        .help(format!("give the link a node to begin with, such as `initial: {other}`"))
}

fn late(node: &Resolved<'_>, nodes: &[Option<Resolved<'_>>], cause: usize) -> Diagnostic {
    let fault = Diagnostic::error("starts-late", format!("`{}` would get nothing for the first frames", node.def.name))
        .at(node.def.name_span, "needs every frame");
    let link = nodes[cause].as_ref().and_then(nothing);
    let fault = match link {
        Some(link) => fault.at(link.span, "begins with nothing"),
        None => fault,
    };
    fault.help("begin that link with a node instead of `none`, or join it with a `fallback` node that has something for the start")
}
