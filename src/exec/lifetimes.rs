//! Which values are still needed: a value dies when the oldest unfinished tick of every reader has passed it.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::analysis::Analysis;
use crate::plan::net::{Net, PortRef, Tap};

/// Follows the ticks that nodes have finished and the values that wait for readers.
#[derive(Debug, Clone)]
pub(super) struct Lifetimes<'a> {
    analysis: &'a Analysis,
    nodes: Vec<Progress>,
    streams: BTreeMap<PortRef, Stream>,
    released: Vec<(PortRef, u64)>,
}

#[derive(Debug, Clone)]
struct Progress {
    /// The oldest unfinished tick.
    oldest: u64,
    /// Ticks finished after that one.
    ahead: BTreeSet<u64>,
    /// The node does not fire at this tick or later, as far as is known.
    end: u64,
    /// The streams it reads, each once.
    reads: Vec<PortRef>,
    /// The streams it makes that somebody reads.
    makes: Vec<PortRef>,
}

#[derive(Debug, Clone, Default)]
struct Stream {
    readers: Vec<Reader>,
    /// Values of earlier ticks are not needed any more.
    floor: u64,
    live: BTreeSet<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Reader {
    node: usize,
    tap: Tap,
    initial: bool,
}

impl<'a> Lifetimes<'a> {
    /// Everything from wave `first` on lies ahead, as far as sinks need it that fire from tick `from` to `length`.
    pub(super) fn new(net: &Net, analysis: &'a Analysis, first: i64, (from, length): (u64, Option<u64>)) -> Self {
        let mut nodes: Vec<Progress> = analysis
            .nodes
            .iter()
            .zip(analysis.since(net, from))
            .map(|(facts, since)| {
                let tick = u64::try_from(first + facts.lead).unwrap_or(0);
                let oldest = facts.clock.from(tick.max(since));
                Progress { oldest, ahead: BTreeSet::new(), end: facts.until, reads: Vec::new(), makes: Vec::new() }
            })
            .collect();
        let mut streams: BTreeMap<PortRef, Stream> = analysis.ports().map(|port| (port, Stream::default())).collect();
        for &node in &analysis.order {
            for &tap in &net.nodes[node].taps {
                for (port, initial) in [(Some(tap.from), false), (tap.initial.stream(), true)] {
                    let Some((port, stream)) = port.and_then(|port| Some((port, streams.get_mut(&port)?))) else { continue };
                    stream.readers.push(Reader { node, tap, initial });
                    nodes[node].reads.push(port);
                }
            }
        }
        for node in &mut nodes {
            node.reads.sort_unstable();
            node.reads.dedup();
        }
        for &port in streams.keys() {
            nodes[port.node].makes.push(port);
        }
        let mut all = Self { analysis, nodes, streams, released: Vec::new() };
        if let Some(length) = length {
            all.shorten(length);
        }
        all.raise_all();
        all
    }

    /// Takes over a value made before the first wave.
    pub(super) fn adopt(&mut self, port: PortRef, tick: u64) {
        match self.streams.get_mut(&port) {
            Some(stream) if tick >= stream.floor => _ = stream.live.insert(tick),
            _ => self.released.push((port, tick)),
        }
    }

    /// Whether `node` has still to fire at `tick`, as far as is known.
    pub(super) fn awaits(&self, node: usize, tick: u64) -> bool {
        let progress = &self.nodes[node];
        (progress.oldest..progress.end).contains(&tick)
    }

    /// Whether the value is there and somebody still needs it.
    pub(super) fn lives(&self, port: PortRef, tick: u64) -> bool {
        self.streams.get(&port).is_some_and(|stream| stream.live.contains(&tick))
    }

    /// All values that live.
    pub(super) fn all(&self) -> impl Iterator<Item = (PortRef, u64)> + '_ {
        self.streams.iter().flat_map(|(&port, stream)| stream.live.iter().map(move |&tick| (port, tick)))
    }

    /// What has died since the last call.
    pub(super) fn take_released(&mut self) -> Vec<(PortRef, u64)> {
        std::mem::take(&mut self.released)
    }

    /// `node` has finished `tick`: its outputs live from now on, and what it read may die.
    pub(super) fn finished(&mut self, node: usize, tick: u64) {
        let clock = &self.analysis.nodes[node].clock;
        let progress = &mut self.nodes[node];
        if progress.oldest == tick {
            progress.oldest = clock.after(tick);
            while progress.ahead.remove(&progress.oldest) {
                progress.oldest = clock.after(progress.oldest);
            }
            for port in self.nodes[node].reads.clone() {
                self.raise(port);
            }
        } else {
            progress.ahead.insert(tick);
        }
        for port in &self.nodes[node].makes {
            if let Some(stream) = self.streams.get_mut(port).filter(|stream| tick >= stream.floor) {
                stream.live.insert(tick);
            }
        }
    }

    /// The output turns out to have `length` ticks.
    pub(super) fn shorten(&mut self, length: u64) {
        for (progress, facts) in self.nodes.iter_mut().zip(&self.analysis.nodes) {
            // A node that lags behind the wave makes nothing in its last ticks that anybody reads.
            progress.end = progress.end.min(length.saturating_add_signed(facts.lead.min(0)));
        }
        for (&port, stream) in &mut self.streams {
            self.released.extend(stream.live.split_off(&length).into_iter().map(|tick| (port, tick)));
        }
        self.raise_all();
    }

    fn raise_all(&mut self) {
        for port in self.analysis.ports() {
            self.raise(port);
        }
    }

    /// Whether nobody but `node` at `at` still needs the value.
    pub(super) fn dies_with(&self, node: usize, at: u64, port: PortRef, tick: u64) -> bool {
        self.floor(port, |reader| {
            let progress = &self.nodes[reader];
            let mut oldest = progress.oldest;
            if reader == node && at == oldest {
                let clock = &self.analysis.nodes[node].clock;
                oldest = clock.after(oldest);
                while progress.ahead.contains(&oldest) {
                    oldest = clock.after(oldest);
                }
            }
            oldest
        }) > tick
    }

    /// The earliest tick of `port` that is still needed, given the oldest unfinished tick of each reader.
    fn floor(&self, port: PortRef, oldest: impl Fn(usize) -> u64) -> u64 {
        let readers = self.streams.get(&port).map(|stream| stream.readers.as_slice()).unwrap_or_default();
        let needed = readers.iter().filter_map(|reader| {
            let tick = oldest(reader.node);
            match reader.initial {
                _ if tick >= self.nodes[reader.node].end => None,
                true => reader.tap.needs_initial(tick).then_some(tick),
                false => Some(reader.tap.oldest(tick)),
            }
        });
        needed.min().map_or(u64::MAX, |tick| self.analysis.held(port.node, tick))
    }

    fn raise(&mut self, port: PortRef) {
        let floor = self.floor(port, |reader| self.nodes[reader].oldest);
        let Some(stream) = self.streams.get_mut(&port) else { return };
        if floor > stream.floor {
            stream.floor = floor;
            let kept = stream.live.split_off(&floor);
            let dead = std::mem::replace(&mut stream.live, kept);
            self.released.extend(dead.into_iter().map(|tick| (port, tick)));
        }
    }
}
