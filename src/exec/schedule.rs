//! Which firing comes next: a state machine without threads, clocks or values.
//!
//! Firings are ordered by (wave, rank), and everything a firing needs comes before it in that order. So the least unfinished
//! firing can always run, whatever the others do: nothing deadlocks, and a run that stops has finished all that comes before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::lifetimes::Lifetimes;
use crate::plan::analysis::{Analysis, ahead, waits_for_end};
use crate::plan::net::{Net, PortRef};

/// One node at one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Firing {
    /// The node's index.
    pub node: usize,
    /// The tick.
    pub tick: u64,
    /// The wave it belongs to: the tick less the node's lead.
    pub wave: i64,
}

/// How a firing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its outputs are there.
    Done,
    /// A source has nothing at this tick: the output ends before it.
    Ended,
    /// Something went wrong.
    Failed,
}

/// How everything ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All ticks were made.
    Complete,
    /// It was stopped; all waves that had begun were finished.
    Stopped,
    /// This firing failed; everything before it, in the order of (wave, rank), was finished.
    Failed(Firing),
    /// Nothing can go on although something is left: a mistake in this file.
    Stalled,
}

/// (wave, rank): names a firing, and orders them.
type Key = (i64, usize);

#[derive(Debug, Clone)]
struct Open {
    state: State,
    /// Firings that wait for this one, once for each time they need it.
    waiters: Vec<Key>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// For so many others.
    Waiting(usize),
    Running,
    Failed,
}

/// What part of the output to make, and how much of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// How many waves may be under way at once; at least 1.
    pub depth: usize,
    /// The first tick at which sinks fire.
    pub from: u64,
    /// The ticks of the output, unless only the sources know.
    pub length: Option<u64>,
}

/// The order of a run.
#[derive(Debug, Clone)]
pub struct Scheduler<'a> {
    net: &'a Net,
    analysis: &'a Analysis,
    depth: usize,
    length: Option<u64>,
    sources: Vec<usize>,
    /// The oldest unfinished wave.
    oldest: i64,
    /// Unfinished firings of that wave and the ones admitted after it.
    waves: VecDeque<usize>,
    /// Firings of admitted waves that are not finished.
    open: BTreeMap<Key, Open>,
    /// By lane, what could start.
    ready: Vec<BTreeSet<Key>>,
    /// By lane, how many run.
    busy: Vec<usize>,
    lifetimes: Lifetimes<'a>,
    failures: BTreeSet<Key>,
    /// The latest wave of which something has started.
    begun: i64,
    stopped: bool,
}

impl<'a> Scheduler<'a> {
    /// A run from the beginning.
    #[must_use]
    pub fn new(net: &'a Net, analysis: &'a Analysis, course: Course) -> Self {
        Self::resume(net, analysis, course, -analysis.max_lead(), [])
    }

    /// A run from wave `wave` on, where a run that stopped there left `live` values: see [`Self::wave`] and [`Self::live`].
    /// The course's length is what that run knew: a source that has already told where it ends is not asked again.
    #[must_use]
    pub fn resume(net: &'a Net, analysis: &'a Analysis, course: Course, wave: i64, live: impl IntoIterator<Item = (PortRef, u64)>) -> Self {
        let mut lifetimes = Lifetimes::new(net, analysis, wave, (course.from, course.length));
        live.into_iter().for_each(|(port, tick)| lifetimes.adopt(port, tick));
        let mut scheduler = Self {
            net,
            analysis,
            depth: course.depth.max(1),
            length: course.length,
            sources: analysis.ending_sources(net).collect(),
            oldest: wave,
            waves: VecDeque::new(),
            open: BTreeMap::new(),
            ready: vec![BTreeSet::new(); net.lanes.len()],
            busy: vec![0; net.lanes.len()],
            lifetimes,
            failures: BTreeSet::new(),
            begun: wave - 1,
            stopped: false,
        };
        scheduler.admit();
        scheduler
    }

    /// The firing to start now, if one may.
    #[must_use]
    pub fn next(&self) -> Option<Firing> {
        let free = self.ready.iter().zip(&self.busy).zip(&self.net.lanes).filter(|((_, busy), lane)| **busy < lane.slots.max(1));
        let (wave, rank) = free.filter_map(|((ready, _), _)| ready.first().copied()).min()?;
        let after_failure = self.failures.first().is_some_and(|&failure| (wave, rank) > failure);
        let after_stop = self.stopped && wave > self.begun;
        (!after_failure && !after_stop).then(|| self.firing((wave, rank)))
    }

    /// `firing`, which [`Self::next`] gave, has started.
    pub fn start(&mut self, firing: &Firing) {
        let key = self.key(firing.node, firing.tick);
        let lane = self.net.nodes[firing.node].lane.0;
        if let Some(open) = self.open.get_mut(&key).filter(|_| self.ready[lane].remove(&key)) {
            open.state = State::Running;
            self.busy[lane] += 1;
            self.begun = self.begun.max(key.0);
        }
    }

    /// `firing`, which had started, is over.
    pub fn finish(&mut self, firing: &Firing, outcome: Outcome) {
        let key = self.key(firing.node, firing.tick);
        let Some(mut open) = self.open.remove(&key) else { return };
        self.busy[self.net.nodes[firing.node].lane.0] -= 1;
        // A source may have run past the end that another one found: then nothing it did there counts.
        let counts = self.lifetimes.awaits(firing.node, firing.tick);
        match outcome {
            Outcome::Failed if counts => {
                open.state = State::Failed;
                self.open.insert(key, open);
                self.failures.insert(key);
                return;
            }
            Outcome::Done if counts => {
                self.lifetimes.finished(firing.node, firing.tick);
                open.waiters.into_iter().for_each(|waiter| self.wake(waiter));
            }
            Outcome::Ended if counts => self.shorten(firing.tick),
            _ => {}
        }
        self.leave(key.0);
        self.admit();
    }

    /// No further wave begins; those that have begun are finished.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// What each tap of `firing` reads, from the earliest offset to the latest.
    #[must_use]
    pub fn reads(&self, firing: &Firing) -> Vec<Vec<(PortRef, u64)>> {
        let taps = self.net.nodes[firing.node].taps.iter();
        taps.map(|tap| self.analysis.reads(tap, firing.tick, self.length).collect()).collect()
    }

    /// For how many ticks `node`'s value that readers see at `tick` lasts, by the clock that the node was given.
    #[must_use]
    pub fn interval(&self, node: usize, tick: u64) -> u64 {
        self.net.nodes[node].clock.interval(tick)
    }

    /// Whether somebody still needs this value, which a finished firing made.
    #[must_use]
    pub fn keeps(&self, port: PortRef, tick: u64) -> bool {
        self.lifetimes.lives(port, tick)
    }

    /// Whether `firing` is the last to need this value, so that it may have it for itself.
    #[must_use]
    pub fn last_use(&self, firing: &Firing, port: PortRef, tick: u64) -> bool {
        self.lifetimes.dies_with(firing.node, firing.tick, port, tick)
    }

    /// The values that have died since the last call, each of which was kept before.
    pub fn released(&mut self) -> Vec<(PortRef, u64)> {
        self.lifetimes.take_released()
    }

    /// All values that are kept.
    pub fn live(&self) -> impl Iterator<Item = (PortRef, u64)> + '_ {
        self.lifetimes.all()
    }

    /// The oldest unfinished wave: where [`Self::resume`] goes on when this run has stopped.
    #[must_use]
    pub fn wave(&self) -> i64 {
        self.oldest
    }

    /// The ticks of the output, once they are known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// How many ticks of the output are finished, counted without a gap from the first.
    #[must_use]
    pub fn frames(&self) -> u64 {
        u64::try_from(self.oldest).unwrap_or(0).min(self.length.unwrap_or(u64::MAX))
    }

    /// How it ended; nothing while something runs or could start.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        if self.busy.iter().any(|&busy| busy > 0) || self.next().is_some() {
            return None;
        }
        Some(match self.failures.first() {
            Some(&key) => Verdict::Failed(self.firing(key)),
            None if self.open.is_empty() && !self.goes_on() => Verdict::Complete,
            None if self.stopped => Verdict::Stopped,
            None => Verdict::Stalled,
        })
    }

    fn firing(&self, (wave, rank): Key) -> Firing {
        let node = self.analysis.order[rank];
        Firing { node, tick: (wave + self.analysis.nodes[node].lead).unsigned_abs(), wave }
    }

    fn key(&self, node: usize, tick: u64) -> Key {
        let facts = &self.analysis.nodes[node];
        (tick as i64 - facts.lead, facts.rank)
    }

    /// Whether there is a wave after those admitted.
    fn goes_on(&self) -> bool {
        let next = self.oldest + self.waves.len() as i64;
        !self.analysis.order.is_empty() && self.length.is_none_or(|length| next < length as i64)
    }

    fn admit(&mut self) {
        loop {
            while self.waves.front() == Some(&0) {
                self.waves.pop_front();
                self.oldest += 1;
            }
            if self.waves.len() >= self.depth || !self.goes_on() || self.stopped || !self.failures.is_empty() {
                break;
            }
            self.open_wave(self.oldest + self.waves.len() as i64);
        }
    }

    fn open_wave(&mut self, wave: i64) {
        let mut count = 0;
        for (rank, &node) in self.analysis.order.iter().enumerate() {
            let facts = &self.analysis.nodes[node];
            let Ok(tick) = u64::try_from(wave + facts.lead) else { continue };
            if facts.clock.fires(tick) && self.lifetimes.awaits(node, tick) {
                self.open.insert((wave, rank), Open { state: State::Waiting(0), waiters: Vec::new() });
                self.link((wave, rank));
                count += 1;
            }
        }
        self.waves.push_back(count);
    }

    /// Makes the firing wait for what it needs, or ready.
    fn link(&mut self, key: Key) {
        let firing = self.firing(key);
        let mut missing = 0;
        for needed in self.needs(&firing) {
            debug_assert!(needed < key, "{needed:?} must come before {key:?}");
            if let Some(open) = self.open.get_mut(&needed) {
                open.waiters.push(key);
                missing += 1;
            }
        }
        if missing == 0 {
            self.ready[self.net.nodes[firing.node].lane.0].insert(key);
        }
        if let Some(open) = self.open.get_mut(&key) {
            open.state = State::Waiting(missing);
        }
    }

    /// The firings that must be finished before `firing`: what it reads, its own last one, and the sources that say whether
    /// its tick exists.
    fn needs(&self, firing: &Firing) -> Vec<Key> {
        let (net, node, tick) = (self.net, firing.node, firing.tick);
        let taps = net.nodes[node].taps.iter();
        let reads = taps.flat_map(|tap| self.analysis.reads(tap, tick, self.length)).map(|(port, at)| (port.node, at));
        let before = self.analysis.nodes[node].clock.before(tick).filter(|_| net.nodes[node].sequential);
        let last = (tick + ahead(net, node)).min(self.length.map_or(u64::MAX, |length| length.saturating_sub(1)));
        let gates = self.sources.iter().filter(|&&source| waits_for_end(net, node, source)).map(|&source| {
            let last = last.min(self.analysis.nodes[source].until - 1);
            (source, self.analysis.held(source, last))
        });
        reads.chain(before.map(|tick| (node, tick))).chain(gates).map(|(node, tick)| self.key(node, tick)).collect()
    }

    fn wake(&mut self, key: Key) {
        let lane = self.net.nodes[self.analysis.order[key.1]].lane.0;
        if let Some(Open { state: State::Waiting(missing), .. }) = self.open.get_mut(&key) {
            *missing -= 1;
            if *missing == 0 {
                self.ready[lane].insert(key);
            }
        }
    }

    /// One firing less in `wave`.
    fn leave(&mut self, wave: i64) {
        if let Some(count) = usize::try_from(wave - self.oldest).ok().and_then(|at| self.waves.get_mut(at)) {
            *count -= 1;
        }
    }

    /// The output ends before `length`: what lies beyond is given up, and what looked there reads the last tick instead.
    fn shorten(&mut self, length: u64) {
        self.length = Some(length);
        self.lifetimes.shorten(length);
        self.ready.iter_mut().for_each(BTreeSet::clear);
        for (key, mut open) in std::mem::take(&mut self.open) {
            let firing = self.firing(key);
            let beyond = !self.lifetimes.awaits(firing.node, firing.tick);
            if beyond {
                self.failures.remove(&key);
            }
            if beyond && open.state != State::Running {
                self.leave(key.0);
                continue;
            }
            open.waiters.clear();
            let waits = matches!(open.state, State::Waiting(_));
            self.open.insert(key, open);
            if waits {
                self.link(key);
            }
        }
    }
}
