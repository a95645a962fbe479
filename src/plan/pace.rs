//! How fast each node's frames follow one another. A kind that makes more frames than it takes sets the finest rate of the graph:
//! ticks count that rate, and what lies upstream fires on every so many ticks. Whatever an author says of time at a node counts
//! the node's own frames, so that an `interpolate` at the end changes nothing of what is written before it.

use super::clock::gcd;
use super::resolve::{Beat, Link, Resolved};
use crate::diag::{Diagnostic, Diagnostics};
use crate::node::Timeline;
use crate::param::Fps;

/// More ticks for each frame of the sources than this are refused.
const FINEST: u64 = 10_000;

/// The rate of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Ticks from one of its frames to the next.
    pub stride: u64,
    /// How many frames it has for each of the timeline's.
    pub frames: u64,
    /// How many times longer than in the sources everything lasts.
    pub stretch: u64,
}

impl Rate {
    /// The timeline as this node sees it.
    pub(super) fn timeline(self, of: Timeline) -> Timeline {
        let fold = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let fps = |fps: Fps| Fps::new(fps.num.saturating_mul(fold(self.frames)), fps.den.saturating_mul(fold(self.stretch)));
        Timeline {
            size: of.size,
            fps: of.fps.map(fps),
            length: of.length.map(|length| length.saturating_mul(self.frames)),
            // Beats stay with the sound, which is stretched as the pictures are.
            bpm: of.bpm / self.stretch as f64,
            stretch: self.stretch as f64,
            seed: of.seed,
        }
    }
}

/// The rates of all nodes.
pub(super) fn rates(nodes: &[Option<Resolved<'_>>], faults: &mut Diagnostics) -> Option<Vec<Rate>> {
    let mut frames = vec![1_u64; nodes.len()];
    let mut stretch = vec![1_u64; nodes.len()];
    for round in 0..=nodes.len() + 1 {
        let mut changed = None;
        for (v, node) in nodes.iter().enumerate().filter_map(|(v, node)| Some((v, node.as_ref()?))) {
            let pace = node.pace();
            let read = || sources(node);
            let finest = read().fold(1, |finest, from| finest / gcd(finest, frames[from]) * frames[from]) * pace.factor;
            let longest = read().map(|from| stretch[from]).fold(1, u64::max) * if pace.slow_motion { pace.factor } else { 1 };
            if (finest, longest) != (frames[v], stretch[v]) {
                (frames[v], stretch[v]) = (finest, longest);
                changed = Some((v, node));
            }
            if finest > FINEST && !in_loop(nodes, v) {
                faults.push(too_fine(node, finest));
                return None;
            }
        }
        let Some((_, node)) = changed else { break };
        let looped = (0..nodes.len()).find(|&v| nodes[v].as_ref().is_some_and(|node| node.pace().factor > 1) && in_loop(nodes, v));
        if let Some(looped) = looped.and_then(|v| nodes[v].as_ref()) {
            faults.push(multiplies_itself(looped));
            return None;
        }
        if round > nodes.len() {
            faults.push(multiplies_itself(node));
            return None;
        }
    }
    let finest = frames.iter().fold(1, |finest, &frames| finest / gcd(finest, frames) * frames);
    Some(frames.iter().zip(stretch).map(|(&frames, stretch)| Rate { stride: finest / frames, frames, stretch }).collect())
}

/// The nodes that `node` reads.
fn sources<'a>(node: &'a Resolved<'_>) -> impl Iterator<Item = usize> + 'a {
    let links = node.inputs.iter().flatten().chain(node.streams.iter().map(|(_, link)| link));
    links.flat_map(|link: &Link| std::iter::once(link.node).chain(link.initial.stream().map(|(node, _)| node)))
}

/// Whether `start` reads, in the end, itself.
fn in_loop(nodes: &[Option<Resolved<'_>>], start: usize) -> bool {
    let mut seen = vec![false; nodes.len()];
    let mut open = vec![start];
    while let Some(node) = open.pop().and_then(|at| nodes[at].as_ref()) {
        for from in sources(node) {
            if from == start {
                return true;
            }
            if !std::mem::replace(&mut seen[from], true) {
                open.push(from);
            }
        }
    }
    false
}

fn multiplies_itself(node: &Resolved<'_>) -> Diagnostic {
    let (name, factor) = (&node.def.name, node.pace().factor);
    let fault = Diagnostic::error("loop", format!("`{name}` makes {factor} frames of each one, so it cannot be part of a loop"));
    node.def.placed_whole(fault.at(node.def.name_span, "reads, in the end, what it makes").help("let it read the loop from outside"))
}

fn too_fine(node: &Resolved<'_>, frames: u64) -> Diagnostic {
    let fault = Diagnostic::error("too-fine", format!("`{}` would have {frames} frames for each one of the sources", node.def.name));
    node.def.placed_whole(fault.at(node.def.name_span, "").help("give the nodes before it factors with common divisors, or fewer of them"))
}

/// The node whose clock decides for `node`: itself, or the one that its `when` names, in the end.
pub(super) fn leader(nodes: &[Option<Resolved<'_>>], node: usize) -> Option<usize> {
    let mut at = node;
    for _ in 0..=nodes.len() {
        match &nodes[at].as_ref()?.beat {
            Beat::With(other) => at = *other,
            Beat::Own(_) => return Some(at),
        }
    }
    None
}
