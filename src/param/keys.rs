//! What all keyframed parameters share: when a key is, and how a schedule string divides into keys.

use std::ops::Range;

use super::expr::{Env, Expr, Fault};
use super::{Data, Key, Time, Value};
use crate::diag::{Diagnostic, Span};

/// When a key is.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// At a frame.
    Frame(f64),
    /// At a frame that depends on the run: its rate, length, beats or seed.
    Run(Expr),
    /// The same without its fraction, as Deforum computes the keys of its schedules.
    Cut(Expr),
}

impl When {
    /// The frame, which may lie between two.
    pub fn frame(&self, env: &Env<'_>) -> f64 {
        match self {
            Self::Frame(frame) => *frame,
            Self::Run(expr) => expr.eval(env),
            Self::Cut(expr) => expr.eval(env).trunc(),
        }
    }

    /// The frame, if it is the same in every run.
    pub fn fixed(&self) -> Option<f64> {
        match self {
            Self::Frame(frame) => Some(*frame),
            _ => None,
        }
    }

    /// Whether it asks for the length of the run.
    pub fn needs_length(&self) -> bool {
        match self {
            Self::Frame(_) => false,
            Self::Run(expr) | Self::Cut(expr) => expr.needs_length(),
        }
    }

    /// Reads `120`, `4s`, `8b`, `1:02.5`, `end`, `max_f/2`.
    ///
    /// # Errors
    /// What is wrong, and where in `text`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let expr = match Time::parse(text) {
            Some(Time::Frame(frame)) => return Ok(Self::Frame(frame as f64)),
            Some(Time::Seconds(seconds)) => Expr::parse(&format!("{seconds}s"))?,
            Some(Time::End) => Expr::parse("max_f")?,
            _ => Expr::parse(text)?,
        };
        if !expr.is_steady() {
            return Err(Fault::new(0..text.len(), "the time of a key cannot change during the run", "depends on the time")
                .help("write frames as `120`, seconds as `4s`, beats as `8b`, or a part of the length as `max_f/2`"));
        }
        match expr.as_constant() {
            Some(frame) if frame.is_finite() => Ok(Self::Frame(frame)),
            Some(_) => Err(Fault::new(0..text.len(), "the time of a key is not a number", "no such frame")),
            None => Ok(Self::Run(expr)),
        }
    }

    /// As [`parse`](Self::parse), cutting fractions off frames as Deforum does. Quotes around it are ignored.
    ///
    /// # Errors
    /// What is wrong, and where in `text`.
    pub fn parse_cut(text: &str) -> Result<Self, Fault> {
        Ok(match Self::parse(&unquoted(text))? {
            Self::Frame(frame) => Self::Frame(frame.trunc()),
            Self::Run(expr) if !expr.has_units() => Self::Cut(expr),
            other => other,
        })
    }

    /// Reads a mapping's key.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn of_key(key: &Key) -> Result<Self, Diagnostic> {
        Self::parse(&key.text).map_err(|fault| {
            let span = key.part(fault.at.clone());
            fault.diagnose_at("wrong-key", span)
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn of_data(data: &Data) -> Result<Self, Diagnostic> {
        match (&data.value, data.number()) {
            (_, Some(frame)) if frame.is_finite() => Ok(Self::Frame(frame)),
            (Value::Text(text), _) => Self::parse(text).map_err(|fault| fault.diagnose("wrong-key", data)),
            _ => Err(super::wrong_type(data, "a time").help("write frames as `120`, seconds as `4s`, beats as `8b`")),
        }
    }
}

/// `text` with quotes turned into spaces, so that every byte stays in its place.
pub fn unquoted(text: &str) -> String {
    text.replace(['"', '\''], " ")
}

/// One `key: value` of a schedule string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The bytes of the key, spaces around it left out.
    pub key: Range<usize>,
    /// Those of the value.
    pub value: Range<usize>,
}

/// How a schedule string is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// At the commas and the first colon outside brackets and quotes.
    Nested,
    /// At every comma and the first two colons, as Deforum does.
    Flat,
}

/// Whether `text` is a schedule: it has a colon outside brackets and quotes.
pub fn is_schedule(text: &str) -> bool {
    outside(text).any(|(_, sign)| sign == ':')
}

/// The commas and colons of `text` outside brackets and quotes.
fn outside(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut depth = 0usize;
    let mut quote = None;
    text.char_indices().filter(move |&(at, sign)| {
        match (sign, quote) {
            ('"', None) => quote = Some(sign),
            // An apostrophe inside a word (`it's`) opens nothing.
            ('\'', None) if !text[..at].ends_with(char::is_alphanumeric) => quote = Some(sign),
            (_, Some(open)) if sign == open => quote = None,
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth = depth.saturating_sub(1),
            (',' | ':', None) => return depth == 0,
            _ => {}
        }
        false
    })
}

/// Divides a schedule string into its entries. A comma at the end is allowed.
///
/// # Errors
/// The first entry that has no key.
pub fn split(text: &str, how: Split) -> Result<Vec<Entry>, Fault> {
    let signs: Vec<(usize, char)> = match how {
        Split::Nested => outside(text).collect(),
        Split::Flat => text.char_indices().filter(|(_, sign)| matches!(sign, ',' | ':')).collect(),
    };
    let ends = signs.iter().filter(|(_, sign)| *sign == ',').map(|(at, _)| *at).chain([text.len()]);
    let mut start = 0;
    let mut entries = Vec::new();
    for end in ends {
        let piece = start..end;
        start = end + 1;
        if text[piece.clone()].trim().is_empty() && (end == text.len() || how == Split::Nested) {
            continue;
        }
        let mut colons = signs.iter().filter(|(at, sign)| *sign == ':' && piece.contains(at)).map(|(at, _)| *at);
        let Some(colon) = colons.next() else {
            let at = trimmed(text, piece);
            return Err(Fault::new(at, "this has no frame", "a frame and a colon are missing before it").help("write `frame: (value)`"));
        };
        let value_end = if how == Split::Flat { colons.next().unwrap_or(end) } else { end };
        entries.push(Entry { key: trimmed(text, piece.start..colon), value: trimmed(text, colon + 1..value_end) });
    }
    Ok(entries)
}

/// `range` without the spaces at both its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..(start + part.trim().len())
}

/// The place of `range` of `data`'s text, as a value of its own.
pub fn part(data: &Data, range: Range<usize>) -> Data {
    let text = data.text().and_then(|text| text.get(range.clone())).unwrap_or("").to_owned();
    let span: Span = data.part(range);
    Data { span, inner: data.inner.map(|_| 0), value: Value::Text(text) }
}

/// The number that Deforum takes `value` for, which ramps to the next key; everything else is an expression. Brackets and quotes
/// do not count, but spaces between them do, and neither an exponent nor a point without digits makes a number.
pub fn plain_number(value: &str) -> Option<f64> {
    let bare = value.replace(['(', ')', '"', '\''], "");
    let digits = bare.strip_prefix(['+', '-']).unwrap_or(&bare);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let number = all_digits(whole) && all_digits(fraction) && !fraction.is_empty() && !digits.is_empty();
    number.then(|| bare.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::param::Moment;

    fn pieces(text: &str) -> Vec<(&str, &str)> {
        split(text, Split::Nested).unwrap().into_iter().map(|entry| (&text[entry.key], &text[entry.value])).collect()
    }

    #[test]
    fn schedules_divide_outside_brackets_and_quotes() {
        assert_eq!(pieces(" 0 : ( 1 ) , 10:(max(t, 2)),"), [("0", "( 1 )"), ("10", "(max(t, 2))")]);
        assert_eq!(pieces("0: (\"C:/a, b\"), 5: (it's, fine)"), [("0", "(\"C:/a, b\")"), ("5", "(it's, fine)")]);
        assert_eq!(split("0: (1), (2)", Split::Nested).unwrap_err().at, 8..11);
        assert!(is_schedule("0: 1") && !is_schedule("where(t > 1, 2, 3)"));
    }

    #[test]
    fn keys_may_be_frames_units_and_parts_of_the_run() {
        let moment = Moment { length: Some(101), ..Moment::default() };
        let at = |text: &str| When::parse(text).unwrap().frame(&Env::new(&moment));
        assert_eq!(["12", "2s", "2b", "0:03", "end", "max_f/3 + 1"].map(at).map(f64::floor), [12.0, 50.0, 25.0, 75.0, 100.0, 34.0]);
        assert_eq!(When::parse_cut("'max_f/3'").unwrap().frame(&Env::new(&moment)), 33.0);
        assert!(When::parse("t + 1").is_err());
        assert!(When::parse("1/0").is_err());
    }

    proptest! {
        #[test]
        fn any_text_divides_or_fails_within_itself(text in ".{0,60}") {
            for how in [Split::Nested, Split::Flat] {
                if let Ok(entries) = split(&text, how) {
                    for entry in entries {
                        prop_assert!(text.get(entry.key).is_some() && text.get(entry.value).is_some());
                    }
                }
            }
            let _ = When::parse_cut(&text);
        }
    }
}
