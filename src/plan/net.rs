//! The topology of a plan: nodes, clocks, lanes and taps as numbers, without a word about what the nodes do.
//!
//! Time is counted in ticks of the output. A stream has a value wherever its node's clock fires; in between readers see the
//! latest one. What a tap reads before tick 0 it says itself ([`Initial`]); after the last tick it reads the last value again.

use super::clock::Clock;

/// One output of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRef {
    /// The node's index in [`Net::nodes`].
    pub node: usize,
    /// Which of its outputs.
    pub port: usize,
}

impl PortRef {
    /// Output `port` of node `node`.
    #[must_use]
    pub const fn new(node: usize, port: usize) -> Self {
        Self { node, port }
    }
}

/// What a tap reads before tick 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Initial<P = PortRef> {
    /// The first value of the stream itself.
    #[default]
    First,
    /// Nothing: a node that needs the value makes nothing either, one that can do without it fires without it.
    Nothing,
    /// This stream's value at the reader's own tick.
    Stream(P),
}

impl<P> Initial<P> {
    /// The stream that begins, if another one does.
    pub fn stream(self) -> Option<P> {
        match self {
            Self::Stream(port) => Some(port),
            Self::First | Self::Nothing => None,
        }
    }

    /// The same of another way to name a stream.
    pub fn map<Q>(self, name: impl FnOnce(P) -> Q) -> Initial<Q> {
        match self {
            Self::First => Initial::First,
            Self::Nothing => Initial::Nothing,
            Self::Stream(port) => Initial::Stream(name(port)),
        }
    }
}

/// Which ticks of a stream an input reads: every `step`-th of `lo..=hi`, counted from the reader's own tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    /// The stream.
    pub from: PortRef,
    /// The earliest tick, relative to the reader's.
    pub lo: i64,
    /// The latest tick, relative to the reader's.
    pub hi: i64,
    /// The ticks from one value of a window to the next; at least 1.
    pub step: u64,
    /// What stands for the ticks before 0.
    pub initial: Initial,
}

impl Tap {
    /// The value at the reader's own tick.
    #[must_use]
    pub const fn now(from: PortRef) -> Self {
        Self::window(from, 0, 0)
    }

    /// The value `delay` ticks ago, and `initial` before there is one.
    #[must_use]
    pub const fn delayed(from: PortRef, delay: u64, initial: Initial) -> Self {
        Self { from, lo: -(delay as i64), hi: -(delay as i64), step: 1, initial }
    }

    /// The values from `back` ticks ago to `ahead` ticks ahead.
    #[must_use]
    pub const fn window(from: PortRef, back: u64, ahead: u64) -> Self {
        Self { from, lo: -(back as i64), hi: ahead as i64, step: 1, initial: Initial::First }
    }

    /// The offsets that it reads, from the earliest to the latest.
    pub fn offsets(&self) -> impl Iterator<Item = i64> + use<> {
        (self.lo..=self.hi).step_by(usize::try_from(self.step.max(1)).unwrap_or(usize::MAX))
    }

    /// The largest distance to a tick of `from` that this tap may need, where the ticks of both clocks are multiples of `grid`.
    /// Where the first value stands for those before it tick 0 reads itself, so even a delay may need the reader's own tick.
    #[must_use]
    pub fn reach(&self, grid: u64) -> i64 {
        let reach = self.hi - self.hi.rem_euclid(grid.max(1) as i64);
        if self.initial == Initial::First { reach.max(0) } else { reach }
    }

    /// The earliest tick of `from` that a reader at `tick` or later still needs.
    #[must_use]
    pub fn oldest(&self, tick: u64) -> u64 {
        // A tap that only looks ahead falls back to the last tick at the end of the clip, which may be the reader's own.
        tick.saturating_add_signed(self.lo.min(0))
    }

    /// Whether a reader at `tick` needs the initial stream.
    #[must_use]
    pub fn needs_initial(&self, tick: u64) -> bool {
        self.initial.stream().is_some() && before_start(tick, self.lo)
    }

    /// The stream and tick that a reader at `tick` reads at `offset`, before slow clocks are looked at; `None` where it reads nothing.
    #[must_use]
    pub fn at(&self, tick: u64, offset: i64, length: Option<u64>) -> Option<(PortRef, u64)> {
        match self.initial {
            Initial::Nothing if before_start(tick, offset) => None,
            Initial::Stream(initial) if before_start(tick, offset) => Some((initial, tick)),
            _ => {
                let last = length.map_or(u64::MAX, |length| length.saturating_sub(1));
                Some((self.from, tick.saturating_add_signed(offset).min(last)))
            }
        }
    }
}

fn before_start(tick: u64, offset: i64) -> bool {
    offset < 0 && tick < offset.unsigned_abs()
}

/// Names one of [`Net::lanes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId(pub usize);

/// A resource that a firing occupies while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// How many firings it serves at once; at least 1.
    pub slots: usize,
}

/// One node as the executor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetNode {
    /// When it fires.
    pub clock: Clock,
    /// Its firings happen in order, one at a time.
    pub sequential: bool,
    /// What a firing occupies.
    pub lane: LaneId,
    /// Its firings are what the graph is run for.
    pub sink: bool,
    /// A source that says at run time where it ends, which ends the whole output. It reads nothing.
    pub source_ends: bool,
    /// What it reads.
    pub taps: Vec<Tap>,
}

impl NetNode {
    /// A node on lane 0 that fires every tick, in any order.
    #[must_use]
    pub fn reading(taps: Vec<Tap>) -> Self {
        Self { clock: Clock::every(1), sequential: false, lane: LaneId(0), sink: false, source_ends: false, taps }
    }
}

/// A graph's topology.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Net {
    /// The nodes, in the order in which the graph names them: ties are broken by it.
    pub nodes: Vec<NetNode>,
    /// The lanes.
    pub lanes: Vec<Lane>,
}
