//! Seeds: where random numbers begin, and how they go on from frame to frame.

use super::{Curve, Data, IntCurve, Moment, Param, ReadCx, Shape, Value, wrong_type};
use crate::diag::Diagnostic;

choice! {
    /// How a seed goes on from one made frame to the next.
    pub enum SeedBehavior {
        /// One more after every `every` frames.
        Iter = "iter",
        /// The same for every frame.
        Fixed = "fixed",
        /// Any number, another for every frame but the first.
        Random = "random",
        /// Two up, one down, and again.
        Ladder = "ladder",
        /// One up, one down, and again.
        Alternate = "alternate",
        /// What `start` gives at the frame: a seed that is a curve.
        Schedule = "schedule",
    }
}

/// A seed that goes on as Deforum's do: `7`, `fixed`, `iter 3`, `{ start: 7, behavior: ladder }`, or a curve, which is the seed itself
/// at each frame.
///
/// It counts the frames that its node makes, not those of the film. What says `-1` is drawn at random, though the same in
/// every run: once for a start, anew for each frame of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// `None`: the timeline's seed.
    start: Option<IntCurve>,
    behavior: SeedBehavior,
    every: i64,
}

/// A seed at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedNow {
    start: i64,
    behavior: SeedBehavior,
    every: i64,
    run: i64,
    tick: i64,
}

/// What draws a number at random.
const DRAWN: i64 = -1;

const FIELDS: [&str; 3] = ["start", "behavior", "every"];

impl SeedNow {
    /// The seed of the made frame `count`, counted from 0. The first frame of `iter` stands alone: with `every` 3 the seeds are
    /// s, then three times s+1, three times s+2. All as in Deforum, but for what is drawn, which depends on the seed alone.
    #[must_use]
    pub fn nth(&self, count: u64) -> i64 {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let start = match (self.start, self.behavior) {
            (DRAWN, SeedBehavior::Schedule) => drawn(self.run, self.tick),
            (DRAWN, _) => drawn(self.run, DRAWN),
            (start, _) => start,
        };
        let on = match self.behavior {
            SeedBehavior::Fixed | SeedBehavior::Schedule => 0,
            SeedBehavior::Iter => count.saturating_add(self.every - 1) / self.every,
            SeedBehavior::Ladder => count / 2 + 2 * (count % 2),
            SeedBehavior::Alternate => count % 2,
            SeedBehavior::Random if count == 0 => 0,
            SeedBehavior::Random => return drawn(start, count),
        };
        start.wrapping_add(on)
    }
}

/// 0 to 2³²−1, of two numbers (the finaliser of `SplitMix64`).
fn drawn(seed: i64, index: i64) -> i64 {
    let mut x = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index as u64);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i64::from(((x ^ (x >> 31)) >> 32) as u32)
}

impl From<i64> for Seed {
    fn from(start: i64) -> Self {
        Self { start: Some(IntCurve::from(start)), ..Self::going(SeedBehavior::Iter) }
    }
}

impl Seed {
    /// From the timeline's seed on, as `behavior` says.
    #[must_use]
    pub fn going(behavior: SeedBehavior) -> Self {
        Self { start: None, behavior, every: 1 }
    }

    /// The same from `start` on.
    #[must_use]
    pub fn from_start(self, start: i64) -> Self {
        Self { start: Some(IntCurve::from(start)), ..self }
    }

    /// `fixed`, `iter`, `iter 3`.
    fn word(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let behavior = SeedBehavior::from_word(&words.next()?.to_lowercase())?;
        match (words.next(), words.next()) {
            (None, _) => Some(Self::going(behavior)),
            (Some(every), None) if behavior == SeedBehavior::Iter => {
                every.parse().ok().filter(|n| *n >= 1).map(|every| Self { every, ..Self::going(behavior) })
            }
            _ => None,
        }
    }

    /// `{ start: 7, behavior: iter, every: 3 }`.
    fn fields(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        let Value::Map(entries) = &data.value else { return Err(wrong_type(data, "a seed")) };
        if let Some((key, _)) = entries.iter().find(|(key, _)| !FIELDS.contains(&key.text.as_str())) {
            let unknown = Diagnostic::error("unknown-key", format!("`{}` is not a part of a seed", key.text));
            return Err(unknown
                .at(key.span, "not known here")
                .suggest(&key.text, FIELDS)
                .help("a seed has `start`, `behavior` and `every`"));
        }
        let start = data.get("start").map(|start| IntCurve::read(start, cx)).transpose()?;
        let behavior = data.get("behavior").map(|word| SeedBehavior::read(word, cx)).transpose()?;
        let every = data.get("every").map_or(Ok(1), |every| {
            let number = i64::read(every, cx)?;
            if number >= 1 {
                return Ok(number);
            }
            Err(Diagnostic::error("out-of-range", format!("{number} is below 1")).at(every.span, "frames until the seed goes on"))
        })?;
        let behavior = behavior.unwrap_or(SeedBehavior::Iter);
        match data.get("every").filter(|_| behavior != SeedBehavior::Iter) {
            Some(idle) => Err(Diagnostic::error("wrong-seed", format!("`every` says nothing to `{behavior}`"))
                .at(idle.span, "only for `iter`")
                .help("remove `every`, or write `behavior: iter`")),
            None => Ok(Self { start, behavior, every }),
        }
    }
}

impl Param for Seed {
    type Now = SeedNow;

    fn shape() -> Shape {
        Shape::Seed
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        match &data.value {
            Value::Map(entries) if entries.iter().any(|(key, _)| FIELDS.contains(&key.text.as_str())) => return Self::fields(data, cx),
            Value::Text(text) => {
                if let Some(seed) = Self::word(text) {
                    return Ok(seed);
                }
                let first = text.split_whitespace().next().unwrap_or_default();
                if text.parse::<Curve>().is_err()
                    && let Some(near) = crate::diag::nearest(first, SeedBehavior::WORDS.iter().map(|(word, _)| *word))
                {
                    return Err(Diagnostic::error("unknown-word", format!("`{text}` is no way for a seed to go on"))
                        .at(data.span, "not known here")
                        .help(if near == "iter" {
                            "write `iter`, or `iter 3` to go on after every third frame".to_owned()
                        } else {
                            format!("write `{near}`")
                        }));
                }
            }
            _ => {}
        }
        let curve = IntCurve::read(data, cx)?;
        let behavior = if curve.as_constant().is_some() { SeedBehavior::Iter } else { SeedBehavior::Schedule };
        Ok(Self { start: Some(curve), behavior, every: 1 })
    }

    fn now(&self, at: &Moment<'_>) -> SeedNow {
        let start = self.start.as_ref().map_or(at.seed, |start| start.at(at));
        SeedNow { start, behavior: self.behavior, every: self.every, run: at.seed, tick: at.tick as i64 }
    }

    fn streams(&self) -> Vec<String> {
        self.start.as_ref().map(IntCurve::streams).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, read, read_text};
    use super::*;
    use crate::param::Key;

    fn seeds(seed: &Seed) -> Vec<i64> {
        (0..7).map(|tick| seed.now(&Moment { tick, seed: 1000, length: Some(7), ..Moment::default() }).nth(tick) - 1000).collect()
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        let key = |text: &str| Key { span: data(Value::Null).span, inner: Some(0), text: text.to_owned() };
        Value::Map(entries.iter().map(|(text, value)| (key(text), data(value.clone()))).collect())
    }

    #[test]
    fn every_spelling_goes_on_in_its_way() {
        let text = |text: &str| seeds(&read_text(text).unwrap());
        assert_eq!(seeds(&read(Value::Integer(1000)).unwrap()), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(text("iter"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(text("iter 3"), [0, 1, 1, 1, 2, 2, 2]);
        assert_eq!(text("ladder"), [0, 2, 1, 3, 2, 4, 3]);
        assert_eq!(text("alternate"), [0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(text("fixed"), [0; 7]);
        assert_eq!(text("0: (1005), 3: (s)"), [5, 3, 1, 0, 0, 0, 0]);
        assert_eq!(text("s + t % 2"), text("alternate"));
        let behavior = ("behavior", Value::Text("iter".into()));
        let fields = map(&[behavior.clone(), ("start", Value::Integer(1002)), ("every", Value::Integer(2))]);
        assert_eq!(seeds(&read(fields).unwrap()), [2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(seeds(&read(map(&[("start", Value::Integer(1001))])).unwrap()), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(seeds(&read(map(&[("0", Value::Integer(1001)), ("2", Value::Integer(1005))])).unwrap()), [1, 3, 5, 5, 5, 5, 5]);
    }

    #[test]
    fn what_is_drawn_is_the_same_in_every_run() {
        let random = |start: i64| seeds(&Seed::going(SeedBehavior::Random).from_start(start));
        assert_eq!(random(1000)[0], 0);
        assert_eq!(random(1000), random(1000));
        assert_ne!(random(1000)[1], random(1001)[1] + 1);
        let (once, often) = (seeds(&read(Value::Integer(-1)).unwrap()), seeds(&read_text("0: (-1), 6: (-1)").unwrap()));
        assert!(once.windows(2).all(|pair| pair[1] == pair[0] + 1) && once[0] != -1001, "{once:?}");
        assert!(often.windows(2).all(|pair| (pair[1] - pair[0]).abs() > 1), "{often:?}");
        assert!(once.iter().chain(&often).all(|seed| (0..=1 << 33).contains(&(seed + 1000))));
    }

    #[test]
    fn mistakes_are_explained() {
        assert_eq!(read_text::<Seed>("fixd").unwrap_err().help, ["write `fixed`"]);
        assert!(read_text::<Seed>("iter 0").is_err() && read_text::<Seed>("fixed 3").is_err());
        assert_eq!(read::<Seed>(map(&[("star", Value::Integer(1)), ("every", Value::Integer(2))])).unwrap_err().help[0], "write `start`");
        assert!(read::<Seed>(map(&[("every", Value::Integer(0))])).is_err());
        let idle = map(&[("behavior", Value::Text("fixed".into())), ("every", Value::Integer(2))]);
        assert_eq!(read::<Seed>(idle).unwrap_err().code, "wrong-seed");
    }
}
