//! Parameters that are one thing for a while and then another.

use super::keyed::Keyed;
use super::keys::{self, Split, When};
use super::{Data, Moment, Param, ReadCx, Shape, Value, wrong_type};
use crate::diag::Diagnostic;

/// A value, or keyframes of values, each held until the next: `euler`, `{ 0: euler, 4s: dpmpp_2m }`, or as a Deforum schedule
/// `0: ("Euler a"), 96: ("DPM++ 2M")`. For words and texts; what blends is a [`Curve`](super::Curve).
///
/// Brackets, commas and colons inside a value stay in it. As in Deforum, a schedule's key with a plain number as value changes
/// nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Held<P>(Keyed<P>);

/// A text that may change over time, such as the name of a model.
pub type TextCurve = Held<String>;

impl<P> Held<P> {
    /// One value throughout.
    #[must_use]
    pub fn constant(value: P) -> Self {
        Self(Keyed::constant(value))
    }

    /// Every value it may have.
    pub fn values(&self) -> impl Iterator<Item = &P> {
        self.0.values()
    }

    /// The values and the frames from which each counts, as `at` has it, in the order written.
    pub fn keys(&self, at: &Moment<'_>) -> impl Iterator<Item = (f64, &P)> {
        self.0.keys(at)
    }

    /// The value in effect at `at`.
    #[must_use]
    pub fn at(&self, at: &Moment<'_>) -> &P {
        self.0.at(at).value
    }
}

impl<P> From<P> for Held<P> {
    fn from(value: P) -> Self {
        Self::constant(value)
    }
}

impl<P: Param> Param for Held<P> {
    type Now = P::Now;

    fn shape() -> Shape {
        Shape::Held(Box::new(P::shape()))
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        let keyed = match &data.value {
            Value::Map(entries) => {
                let keys = entries.iter().map(|(key, value)| Ok((When::of_key(key)?, P::read(value, cx)?)));
                Keyed::new(keys.collect::<Result<_, Diagnostic>>()?)
                    .ok_or_else(|| wrong_type(data, "keys").help("write `{ 0: …, 4s: … }`"))?
            }
            Value::Text(text) => match schedule(data, text) {
                Some(keys) => {
                    let keys = keys.into_iter().map(|(when, value)| Ok((when, P::read(&value, cx)?)));
                    Keyed::new(keys.collect::<Result<_, Diagnostic>>()?).map_or_else(|| P::read(data, cx).map(Keyed::constant), Ok)?
                }
                None => Keyed::constant(P::read(data, cx)?),
            },
            _ => Keyed::constant(P::read(data, cx)?),
        };
        Ok(Self(keyed))
    }

    fn now(&self, at: &Moment<'_>) -> Self::Now {
        self.at(at).now(at)
    }

    fn streams(&self) -> Vec<String> {
        self.values().flat_map(P::streams).collect()
    }
}

/// The keys of `text` if it is a schedule; a text with a colon, such as a path, need not be one.
fn schedule(data: &Data, text: &str) -> Option<Vec<(When, Data)>> {
    if !keys::is_schedule(text) {
        return None;
    }
    let entries = keys::split(text, Split::Nested).ok()?;
    let key = |entry: keys::Entry| When::parse_cut(&text[entry.key]).ok().map(|when| (when, entry.value));
    let keys: Vec<_> = entries.into_iter().map(key).collect::<Option<_>>()?;
    let value = |(index, (when, range)): (usize, (When, std::ops::Range<usize>))| {
        let repeats = index > 0 && keys::plain_number(&text[range.clone()]).is_some();
        (!repeats).then(|| (when, keys::part(data, unwrapped(text, range))))
    };
    Some(keys.into_iter().enumerate().filter_map(value).collect())
}

/// `range` of `text` without the brackets, then the quotes, that stand around it.
fn unwrapped(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let strip = |range: std::ops::Range<usize>, open: char, close: char| {
        let part = &text[range.clone()];
        match part.strip_prefix(open).and_then(|part| part.strip_suffix(close)) {
            Some(inner) if !part[1..].is_empty() && closes_at_end(part, open, close) => {
                let start = range.start + 1 + inner.len() - inner.trim_start().len();
                start..start + inner.trim().len()
            }
            _ => range,
        }
    };
    let inner = strip(range, '(', ')');
    let unquoted = strip(inner.clone(), '"', '"');
    if unquoted == inner { strip(inner, '\'', '\'') } else { unquoted }
}

/// Whether the bracket that opens `part` is closed by its last character.
fn closes_at_end(part: &str, open: char, close: char) -> bool {
    if open == close {
        return part.matches(open).count() == 2;
    }
    let mut depth = 0usize;
    let mut closed = part.char_indices().filter_map(|(at, sign)| {
        depth = depth + usize::from(sign == open) - usize::from(sign == close && depth > 0);
        (depth == 0).then_some(at)
    });
    closed.next() == Some(part.len() - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{data, read, read_text};
    use super::*;
    use crate::param::Key;

    fn at(texts: &TextCurve, tick: u64) -> String {
        texts.now(&Moment { tick, length: Some(100), ..Moment::default() })
    }

    #[test]
    fn schedules_of_texts_keep_their_brackets_commas_and_colons() {
        let read = |text: &str| read_text::<TextCurve>(text).unwrap();
        let samplers = read("0: (\"Euler a\"), 5: (\"DPM++ 2M Karras\")");
        assert_eq!([at(&samplers, 4), at(&samplers, 5)], ["Euler a", "DPM++ 2M Karras"]);
        assert_eq!(at(&read("0: (\"C:/models/model (v2), final.ckpt\")"), 0), "C:/models/model (v2), final.ckpt");
        assert_eq!(at(&read("0: (\"{everywhere}^({video_mask}|<apple>)\")"), 0), "{everywhere}^({video_mask}|<apple>)");
        assert_eq!(at(&read("0:(UniPC), max_f/2:(a) (b)"), 60), "(a) (b)");
        assert_eq!(at(&read("0:(\"A\"), 3:(123), 5:(\"B\")"), 4), "A");
    }

    #[test]
    fn what_is_no_schedule_is_one_text() {
        for text in ["C:/models/a.ckpt", "Euler a", "it's: fine", "a, b: c"] {
            assert_eq!(at(&read_text(text).unwrap(), 9), text);
        }
    }

    #[test]
    fn mappings_hold_each_value_until_the_next() {
        let key = |text: &str| Key { span: data(Value::Null).span, inner: Some(0), text: text.to_owned() };
        let map = |a: &str, b: &str| Value::Map(vec![(key(a), data(Value::Text("x".into()))), (key(b), data(Value::Text("y".into())))]);
        let texts: TextCurve = read(map("2s", "10")).unwrap();
        assert_eq!([0, 10, 49, 50].map(|tick| at(&texts, tick)), ["y", "y", "y", "x"]);
        assert_eq!(read::<TextCurve>(map("0", "soon")).unwrap_err().code, "wrong-key");
    }

    proptest! {
        #[test]
        fn any_text_reads(text in ".{0,60}") {
            if let Ok(texts) = read_text::<TextCurve>(&text) {
                let _ = at(&texts, 3);
            }
        }
    }
}
