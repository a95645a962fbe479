//! Phase two: links become the taps of a [`Net`], and loops are proved to advance in time.

use super::analysis::{Analysis, LoopLink, NetError};
use super::clock::Clock;
use super::net::{Initial, Lane, LaneId, Net, NetNode, PortRef, Tap};
use super::pace::{self, Rate};
use super::resolve::{Beat, Link, Resolved};
use crate::diag::{Diagnostic, Diagnostics};
use crate::document::Graph;
use crate::node::{InputShape, PortType, Timeline};

/// The graph's topology, node by node in the order of the graph.
pub(super) struct Wired {
    /// Its nodes, with one lane and no ending sources yet: these are known only when the nodes have been asked.
    pub net: Net,
    /// Which nodes reach a sink.
    pub used: Vec<bool>,
    /// Which sources are read to the end, and not only to begin a loop.
    pub lasting: Vec<bool>,
    /// The rate of each node's own frames.
    pub rates: Vec<Rate>,
    /// When each node fires, as far as anybody looks.
    pub clocks: Vec<Clock>,
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
        rates: pace::rates(nodes, faults)?,
        clocks: Vec::new(),
        feeds: Vec::new(),
        streams: Vec::new(),
        wanted: nodes.iter().map(|node| node.as_ref().map_or_else(Vec::new, |node| vec![false; node.kind.spec().outputs.len()])).collect(),
    };
    let clocks = declared(nodes, &wired.rates, None, faults)?;
    for (index, node) in nodes.iter().enumerate() {
        add(index, node.as_ref(), &clocks, &mut wired, faults)?;
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
    wired.clocks = analysis.nodes.into_iter().map(|facts| facts.clock).collect();
    read_ports(&mut wired);
    // With a node at fault nobody knows what it would have read.
    if graph.failed.is_empty() && nodes.iter().all(|node| node.as_ref().is_some_and(|node| node.sound)) {
        report_unused(nodes, &wired, faults);
        super::presence::check(nodes, &wired, faults);
    }
    Some(wired)
}

impl Wired {
    /// The period of a node in its own frames; 1 for an uneven clock.
    pub(super) fn period(&self, index: usize) -> u64 {
        self.net.nodes[index].clock.period().map_or(1, |ticks| ticks / self.rates[index].stride)
    }

    /// Winds up the clocks that the timeline decides; before that they were only known to be uneven.
    pub(super) fn wind(&mut self, nodes: &[Option<Resolved<'_>>], timeline: Timeline, faults: &mut Diagnostics) {
        let Some(clocks) = declared(nodes, &self.rates, Some(timeline), faults) else { return };
        for (node, clock) in self.net.nodes.iter_mut().zip(clocks) {
            node.clock = clock;
        }
        if let Ok(analysis) = Analysis::new(&self.net) {
            self.clocks = analysis.nodes.into_iter().map(|facts| facts.clock).collect();
        }
    }
}

/// The clocks as the graph gives them. Without a timeline uneven ones are not known yet and stand for any.
fn declared(nodes: &[Option<Resolved<'_>>], rates: &[Rate], timeline: Option<Timeline>, faults: &mut Diagnostics) -> Option<Vec<Clock>> {
    let own = nodes.iter().zip(rates).map(|(node, rate)| {
        let (Some(node), scale) = (node, rate.stride) else { return Some(Clock::every(rate.stride)) };
        let Beat::Own(rhythm) = &node.beat else { return Some(Clock::every(scale)) };
        match (rhythm.period(), timeline) {
            (Some(period), _) => Some(Clock::every(period * scale)),
            (None, None) => Some(Clock::uneven(scale, |last| last.checked_add(1))),
            (None, Some(timeline)) => match rhythm.firings(&rate.timeline(timeline).moment(0)) {
                Ok(next) => Some(Clock::uneven(scale, next)),
                Err(sentence) => {
                    faults.push(bad_clock(node, &sentence));
                    None
                }
            },
        }
    });
    let own: Vec<Clock> = own.collect::<Option<_>>()?;
    let led = (0..nodes.len()).map(|v| match (pace::leader(nodes, v), &nodes[v]) {
        (Some(leader), Some(node)) if !rates[leader].stride.is_multiple_of(rates[v].stride) => {
            faults.push(bad_clock(node, "it has fewer frames than the node with which it should fire"));
            None
        }
        (None, Some(node)) if led_in_circles(nodes, v) => {
            faults.push(bad_clock(node, "it fires with a node that fires with it"));
            None
        }
        (leader, _) => Some(own[leader.unwrap_or(v)].clone()),
    });
    led.collect()
}

/// Whether the nodes that `when` names from `v` on never come to one with a clock of its own.
fn led_in_circles(nodes: &[Option<Resolved<'_>>], v: usize) -> bool {
    let mut at = v;
    (0..=nodes.len()).all(|_| match nodes[at].as_ref().map(|node| &node.beat) {
        Some(Beat::With(other)) => {
            at = *other;
            true
        }
        _ => false,
    })
}

/// Something is wrong with `every` or `when`.
fn bad_clock(node: &Resolved<'_>, sentence: &str) -> Diagnostic {
    let arg = node.def.arg("every").or(node.def.arg("when"));
    let key = arg.map_or("every", |arg| arg.key.text.as_str());
    let fault = Diagnostic::error("bad-clock", format!("`{key}` of `{}`: {sentence}", node.def.name));
    match arg {
        Some(arg) => node.def.placed(arg, fault.at(arg.value.span, "")),
        None => node.def.placed_whole(fault.at(node.def.name_span, "")),
    }
}

fn add(index: usize, node: Option<&Resolved<'_>>, clocks: &[Clock], wired: &mut Wired, faults: &mut Diagnostics) -> Option<()> {
    let mut taps = Vec::new();
    let (mut feeds, mut streams) = (Vec::new(), Vec::new());
    let step = wired.rates[index].stride;
    if let Some(node) = node {
        let spec = node.kind.spec();
        for (input, links) in spec.inputs.iter().zip(&node.inputs) {
            let mut feed = Vec::new();
            for link in links {
                feed.push(push(&mut taps, tap(link, input.shape, step)));
                if input.shape.between {
                    let period = clocks[link.node].period().or_else(|| {
                        faults.push(not_between(node, input.name, link));
                        None
                    })?;
                    let next =
                        Tap { hi: link.delay * step as i64 + period as i64, lo: link.delay * step as i64 + period as i64, ..taps[feed[0]] };
                    feed.push(push(&mut taps, next));
                }
            }
            feeds.push(feed);
        }
        let now = InputShape { ty: PortType::Scalar, optional: false, many: false, back: 0, ahead: 0, between: false };
        streams.extend(node.streams.iter().map(|(name, link)| (name.clone(), push(&mut taps, tap(link, now, step)))));
    }
    wired.feeds.push(feeds);
    wired.streams.push(streams);
    wired.net.nodes.push(NetNode {
        clock: clocks[index].clone(),
        sequential: node.is_some_and(|node| node.kind.spec().sequential),
        lane: LaneId(0),
        sink: node.is_some_and(Resolved::is_output),
        source_ends: false,
        taps,
    });
    Some(())
}

/// A link to an uneven stream where the distance to the next value has to be known.
fn not_between(node: &Resolved<'_>, input: &str, link: &Link) -> Diagnostic {
    let fault = Diagnostic::error("uneven", format!("`{input}` of `{}` reads a stream that comes at uneven times", node.def.name));
    fault.at(link.span, "its next value may be anywhere").help("put a `cadence` node between them, which fills the gaps")
}

fn push(taps: &mut Vec<Tap>, tap: Tap) -> usize {
    taps.push(tap);
    taps.len() - 1
}

/// The tap of a link, whose delay counts the reader's own frames of `step` ticks.
fn tap(link: &Link, shape: InputShape, step: u64) -> Tap {
    let ticks = |frames: i64| frames.saturating_mul(i64::try_from(step).unwrap_or(i64::MAX));
    Tap {
        from: PortRef::new(link.node, link.port),
        lo: ticks(link.delay.saturating_sub_unsigned(shape.back)),
        hi: ticks(link.delay.saturating_add_unsigned(shape.ahead)),
        step,
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
