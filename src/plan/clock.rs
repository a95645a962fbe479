//! Clocks: the ticks at which a node fires. Even ones are a period; uneven ones are found one firing after another, as far as a
//! run has come, since nobody may know how long it will be.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// No tick: it never fires again.
pub const NEVER: u64 = u64::MAX;

/// From one firing to the next; `None` after the last.
type Next = dyn Fn(u64) -> Option<u64> + Send + Sync;

/// The ticks at which a node fires. Tick 0 is always one of them, so that readers have something to hold.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Clock {
    /// It fires at multiples of this; 0 for a clock without such firings.
    every: u64,
    /// And where any of these does.
    uneven: Vec<Uneven>,
}

impl Clock {
    /// Fires at 0, `ticks`, 2·`ticks`…
    #[must_use]
    pub const fn every(ticks: u64) -> Self {
        Self { every: ticks, uneven: Vec::new() }
    }

    /// Fires at 0 and then wherever `next` says, given the firing before. All firings are multiplied by `scale`.
    pub fn uneven(scale: u64, next: impl Fn(u64) -> Option<u64> + Send + Sync + 'static) -> Self {
        let known = Known { next: Box::new(next), firings: Mutex::new(Firings { ticks: vec![0], ended: false }) };
        Self { every: 0, uneven: vec![Uneven { known: Arc::new(known), scale: scale.max(1) }] }
    }

    /// Whether it fires at no tick at all: what [`Clock::default`] gives, as the start of a union.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.every == 0 && self.uneven.is_empty()
    }

    /// The period of a clock that has one.
    #[must_use]
    pub fn period(&self) -> Option<u64> {
        (self.uneven.is_empty() && self.every > 0).then_some(self.every)
    }

    /// All firings are multiples of this.
    #[must_use]
    pub fn grid(&self) -> u64 {
        self.uneven.iter().fold(self.every, |grid, uneven| gcd(grid, uneven.scale)).max(1)
    }

    /// The firings of both clocks. Two periods become their common divisor, so that a period remains one.
    pub fn join(&mut self, other: &Self) {
        self.every = gcd(self.every, other.every);
        for uneven in &other.uneven {
            if !self.uneven.contains(uneven) {
                self.uneven.push(uneven.clone());
            }
        }
        let every = self.every;
        self.uneven.retain(|uneven| every == 0 || !uneven.scale.is_multiple_of(every));
    }

    /// Whether it fires at `tick`.
    #[must_use]
    pub fn fires(&self, tick: u64) -> bool {
        (self.every > 0 && tick.is_multiple_of(self.every)) || self.uneven.iter().any(|uneven| uneven.held(tick) == tick)
    }

    /// The last firing at or before `tick`.
    #[must_use]
    pub fn held(&self, tick: u64) -> u64 {
        let even = if self.every > 0 { tick - tick % self.every } else { 0 };
        self.uneven.iter().map(|uneven| uneven.held(tick)).fold(even, u64::max)
    }

    /// The last firing before `tick`.
    #[must_use]
    pub fn before(&self, tick: u64) -> Option<u64> {
        tick.checked_sub(1).map(|tick| self.held(tick))
    }

    /// The first firing at or after `tick`, or [`NEVER`].
    #[must_use]
    pub fn from(&self, tick: u64) -> u64 {
        if tick == NEVER {
            return NEVER;
        }
        let even = if self.every > 0 { tick.checked_next_multiple_of(self.every).unwrap_or(NEVER) } else { NEVER };
        self.uneven.iter().map(|uneven| uneven.from(tick)).fold(even, u64::min)
    }

    /// The first firing after `tick`, or [`NEVER`].
    #[must_use]
    pub fn after(&self, tick: u64) -> u64 {
        tick.checked_add(1).map_or(NEVER, |tick| self.from(tick))
    }

    /// The ticks from the firing that readers see at `tick` to the next one. After the last firing: as many as before it; a
    /// value that is the only one has an interval of 1 step.
    #[must_use]
    pub fn interval(&self, tick: u64) -> u64 {
        if let Some(period) = self.period() {
            return period;
        }
        let held = self.held(tick);
        match (self.after(held), self.before(held)) {
            (NEVER, Some(before)) => held - before,
            (NEVER, None) => self.grid(),
            (next, _) => next - held,
        }
    }

    /// How many firings come before `tick`.
    #[must_use]
    pub fn count(&self, tick: u64) -> u64 {
        match &self.uneven[..] {
            [] => tick.div_ceil(self.every.max(1)),
            [only] if self.every == 0 => only.count(tick),
            _ => std::iter::successors(Some(0), |&at| Some(self.after(at))).take_while(|&at| at < tick).count() as u64,
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.period(), self.every) {
            (Some(period), _) => write!(f, "every {period}"),
            (None, 0) => write!(f, "{:?}", self.uneven),
            (None, every) => write!(f, "every {every} and {:?}", self.uneven),
        }
    }
}

/// An uneven clock. Two are the same when one is a clone of the other.
#[derive(Clone)]
struct Uneven {
    known: Arc<Known>,
    scale: u64,
}

/// The firings found so far, and how to find more.
struct Known {
    next: Box<Next>,
    firings: Mutex<Firings>,
}

struct Firings {
    /// From 0 on, rising.
    ticks: Vec<u64>,
    /// There are no more.
    ended: bool,
}

impl Uneven {
    /// The firings, known at least up to the first one after `tick`.
    fn past(&self, tick: u64) -> MutexGuard<'_, Firings> {
        let mut firings = self.known.firings.lock().unwrap_or_else(PoisonError::into_inner);
        while !firings.ended && firings.last() <= tick {
            let last = firings.last();
            match (self.known.next)(last) {
                Some(next) => firings.ticks.push(next.max(last + 1)),
                None => firings.ended = true,
            }
        }
        firings
    }

    fn held(&self, tick: u64) -> u64 {
        let tick = tick / self.scale;
        let firings = self.past(tick);
        firings.ticks[firings.ticks.partition_point(|&firing| firing <= tick) - 1] * self.scale
    }

    fn from(&self, tick: u64) -> u64 {
        let tick = tick.div_ceil(self.scale);
        let firings = self.past(tick);
        let first = firings.ticks.get(firings.ticks.partition_point(|&firing| firing < tick));
        first.map_or(NEVER, |first| first.saturating_mul(self.scale))
    }

    fn count(&self, tick: u64) -> u64 {
        let tick = tick.div_ceil(self.scale);
        self.past(tick).ticks.partition_point(|&firing| firing < tick) as u64
    }
}

impl Firings {
    fn last(&self) -> u64 {
        self.ticks.last().copied().unwrap_or(0)
    }
}

impl PartialEq for Uneven {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.known, &other.known) && self.scale == other.scale
    }
}

impl Eq for Uneven {}

impl fmt::Debug for Uneven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let firings = self.known.firings.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "{:?}{} times {}", firings.ticks, if firings.ended { "" } else { "…" }, self.scale)
    }
}

/// The greatest common divisor; 0 is neutral.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fires at 0, 1, 3, 6, 10… up to 15, where it ends.
    fn triangles(scale: u64) -> Clock {
        Clock::uneven(scale, |last| (last < 15).then(|| last + 1 + (((8 * last + 1) as f64).sqrt() as u64 - 1) / 2))
    }

    fn firings(clock: &Clock, until: u64) -> Vec<u64> {
        (0..until).filter(|&tick| clock.fires(tick)).collect()
    }

    #[test]
    fn uneven_clocks_are_found_as_far_as_one_asks() {
        let clock = triangles(1);
        assert_eq!(firings(&clock, 40), [0, 1, 3, 6, 10, 15]);
        assert_eq!([0, 2, 14, 400].map(|tick| clock.held(tick)), [0, 1, 10, 15]);
        assert_eq!([0, 4, 15, 16].map(|tick| clock.from(tick)), [0, 6, 15, NEVER]);
        assert_eq!([0, 1, 6, 7].map(|tick| clock.before(tick)), [None, Some(0), Some(3), Some(6)]);
        assert_eq!([0, 1, 6, 100].map(|tick| clock.count(tick)), [0, 1, 3, 6]);
        // The last interval lasts as long as the one before it.
        assert_eq!([0, 2, 12, 15, 90].map(|tick| clock.interval(tick)), [1, 2, 5, 5, 5]);
        assert_eq!(Clock::uneven(1, |_| None).interval(7), 1);
    }

    #[test]
    fn scaled_and_joined() {
        let slow = triangles(3);
        assert_eq!(firings(&slow, 40), [0, 3, 9, 18, 30]);
        assert_eq!((slow.held(17), slow.from(10), slow.interval(4), slow.grid()), (9, 18, 6, 3));
        let mut both = slow.clone();
        both.join(&Clock::every(8));
        assert_eq!(firings(&both, 20), [0, 3, 8, 9, 16, 18]);
        assert_eq!((both.held(17), both.after(9), both.count(17), both.period(), both.grid()), (16, 16, 5, None, 1));
        // Where the even part already fires the uneven one adds nothing.
        both.join(&Clock::every(3));
        assert_eq!(both.period(), Some(1));
        let mut periods = Clock::default();
        assert!(periods.is_empty());
        periods.join(&Clock::every(6));
        periods.join(&Clock::every(4));
        assert_eq!(periods, Clock::every(2));
        let mut same = triangles(1);
        let copy = same.clone();
        same.join(&copy);
        assert_eq!(same, copy);
    }
}
