//! How a firing receives its inputs: types that a kind may declare for an input port.

use super::value::{PortType, PortValue, Value};

/// One value as a firing sees it. Ticks are the reader's own frames.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The value.
    pub value: Value,
    /// The tick at which it was made. Behind a slower clock this may lie before the reading tick.
    pub tick: u64,
    /// For how many ticks it is the latest value: 1 in a stream that has one every tick. The last value of a stream that ends is
    /// taken to last as long as the one before it.
    pub period: u64,
}

/// What one input port receives: for each link the samples of its window, oldest first. No link: empty.
pub type Feed = Vec<Vec<Sample>>;

/// What an input type asks of the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputShape {
    /// The type of port it reads.
    pub ty: PortType,
    /// Whether it may be left unlinked.
    pub optional: bool,
    /// Whether it takes a list of links.
    pub many: bool,
    /// How many ticks it reads before the current one.
    pub back: u64,
    /// How many ticks it reads after the current one.
    pub ahead: u64,
    /// Whether it also reads the value after the latest: see [`Between`].
    pub between: bool,
}

impl InputShape {
    const fn one(ty: PortType) -> Self {
        Self { ty, optional: false, many: false, back: 0, ahead: 0, between: false }
    }
}

/// A type that a kind can declare for an input: `Frame`, `Option<Frame>`, `Vec<Frame>`, [`Latest`], [`Window`]…
pub trait Input: Sized {
    /// What it asks of the planner.
    const SHAPE: InputShape;
    /// Takes what came; `None` when that does not fit, which the planner has ruled out.
    fn take(feed: Feed, tick: u64) -> Option<Self>;
}

fn single(mut feed: Feed) -> Option<Sample> {
    feed.pop()?.pop()
}

impl<T: PortValue> Input for T {
    const SHAPE: InputShape = InputShape::one(T::TYPE);
    fn take(feed: Feed, _tick: u64) -> Option<Self> {
        T::from_value(single(feed)?.value)
    }
}

impl<T: Input> Input for Option<T> {
    const SHAPE: InputShape = InputShape { optional: true, ..T::SHAPE };
    fn take(feed: Feed, tick: u64) -> Option<Self> {
        if feed.is_empty() { Some(None) } else { T::take(feed, tick).map(Some) }
    }
}

impl<T: PortValue> Input for Vec<T> {
    const SHAPE: InputShape = InputShape { many: true, ..InputShape::one(T::TYPE) };
    fn take(feed: Feed, _tick: u64) -> Option<Self> {
        feed.into_iter().map(|mut window| T::from_value(window.pop()?.value)).collect()
    }
}

/// The latest value of a stream that may be slower than the tick, and how old it is.
#[derive(Debug, Clone)]
pub struct Latest<T> {
    /// The value.
    pub value: T,
    /// Ticks since it was made: 0 on the tick at which it arrives.
    pub age: u64,
    /// For how many ticks it is the latest value, from its making to that of the next.
    pub period: u64,
}

impl<T: PortValue> Input for Latest<T> {
    const SHAPE: InputShape = InputShape::one(T::TYPE);
    fn take(feed: Feed, tick: u64) -> Option<Self> {
        let sample = single(feed)?;
        Some(Self { value: T::from_value(sample.value)?, age: tick.saturating_sub(sample.tick), period: sample.period })
    }
}

/// The values from `BACK` ticks ago to `AHEAD` ticks ahead, oldest first. At the ends of the clip the first or last value repeats.
#[derive(Debug, Clone)]
pub struct Window<T, const BACK: u64, const AHEAD: u64>(pub Vec<T>);

impl<T: PortValue, const BACK: u64, const AHEAD: u64> Input for Window<T, BACK, AHEAD> {
    const SHAPE: InputShape = InputShape { back: BACK, ahead: AHEAD, ..InputShape::one(T::TYPE) };
    fn take(mut feed: Feed, _tick: u64) -> Option<Self> {
        feed.pop()?.into_iter().map(|sample| T::from_value(sample.value)).collect::<Option<_>>().map(Self)
    }
}

/// The values of a slower stream on both sides of the current tick. Its clock has to be even. At the end of the clip, where there
/// is no later value, both are the same.
#[derive(Debug, Clone)]
pub struct Between<T> {
    /// The latest value.
    pub before: T,
    /// The one after it.
    pub after: T,
    /// Ticks since the first was made.
    pub age: u64,
    /// Ticks between the two.
    pub period: u64,
}

impl<T: PortValue> Input for Between<T> {
    const SHAPE: InputShape = InputShape { between: true, ..InputShape::one(T::TYPE) };
    fn take(feed: Feed, tick: u64) -> Option<Self> {
        let mut ends = feed.into_iter();
        let (before, after) = (ends.next()?.pop()?, ends.next()?.pop()?);
        let (age, period) = (tick.saturating_sub(before.tick), before.period);
        Some(Self { before: T::from_value(before.value)?, after: T::from_value(after.value)?, age, period })
    }
}

/// A type that a kind can declare for an output: a port's value, or an `Option` of one that is left out when nobody reads it.
pub trait Output: Sized {
    /// The type of port.
    const TYPE: PortType;
    /// The value, if there is one.
    fn give(self) -> Option<Value>;
}

impl<T: PortValue> Output for T {
    const TYPE: PortType = T::TYPE;
    fn give(self) -> Option<Value> {
        Some(self.into_value())
    }
}

impl<T: PortValue> Output for Option<T> {
    const TYPE: PortType = T::TYPE;
    fn give(self) -> Option<Value> {
        self.map(T::into_value)
    }
}
