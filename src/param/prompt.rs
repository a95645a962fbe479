//! Prompts: texts that may change over time.

use std::borrow::Cow;
use std::fmt;

use super::expr::{Env, Expr};
use super::keyed::Keyed;
use super::keys::When;
use super::{Data, Moment, Param, ReadCx, Shape, Value, wrong_type};
use crate::diag::Diagnostic;

/// A text, or keyframes of texts (`{ 0: a meadow, 4s: a forest }`), each held until the next. The first also holds before its key.
///
/// Whatever stands between back-ticks is an expression, computed anew for each frame: ``(fog:`0.2 + t/max_f`)``.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt(Keyed<Template>);

/// The prompts on both sides of a moment, for those who blend from one to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptAt {
    /// The text in effect.
    pub from: String,
    /// The next key's text, if there is one.
    pub to: Option<String>,
    /// How much of the way to it is done: 0 at a key, and below 1.
    pub mix: f64,
}

/// The text in effect.
impl fmt::Display for PromptAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.from)
    }
}

impl Prompt {
    /// The frames at which its texts begin, as `at` has it, in the order written. The first to come also holds before.
    #[must_use]
    pub fn keys(&self, at: &Moment<'_>) -> Vec<u64> {
        self.0.keys(at).map(|(frame, _)| frame.max(0.0).ceil() as u64).collect()
    }
}

impl From<&str> for Prompt {
    /// The text as it stands, back-ticks included.
    fn from(text: &str) -> Self {
        Self(Keyed::constant(Template(vec![Part::Text(text.to_owned())])))
    }
}

impl Param for Prompt {
    type Now = PromptAt;

    fn shape() -> Shape {
        Shape::Prompt
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        let keyed = match &data.value {
            Value::Text(text) => match json(text) {
                Some(keys) => json_keys(data, &keys)?,
                None => Some(Keyed::constant(Template::read(data)?)),
            },
            Value::Map(entries) => {
                let keys = entries.iter().map(|(key, value)| Ok((When::of_key(key)?, Template::read(value)?)));
                Keyed::new(keys.collect::<Result<_, Diagnostic>>()?)
            }
            _ => None,
        };
        keyed.map(Self).ok_or_else(|| wrong_type(data, "a prompt").help("write text, or `{ 0: a meadow, 4s: a forest }`"))
    }

    fn now(&self, at: &Moment<'_>) -> PromptAt {
        let now = self.0.at(at);
        let from = now.value.at(at).into_owned();
        match now.next {
            Some((next, mix)) => PromptAt { from, to: Some(next.at(at).into_owned()), mix },
            None => PromptAt { from, to: None, mix: 0.0 },
        }
    }

    fn streams(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.values().flat_map(Template::streams).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Deforum's prompts as they stand in its settings: a JSON object in a text.
fn json(text: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let text = text.trim();
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// The keys of such an object, in which places are not known.
fn json_keys(data: &Data, keys: &serde_json::Map<String, serde_json::Value>) -> Result<Option<Keyed<Template>>, Diagnostic> {
    let key = |(key, value): (&String, &serde_json::Value)| {
        let when = When::parse_cut(key).map_err(|fault| fault.diagnose_at("wrong-key", data.span))?;
        let text = value.as_str().ok_or_else(|| wrong_type(data, "a text for each key"))?;
        let template = Template::read(&Data::new(data.span, Value::Text(text.to_owned())))?;
        Ok((when, template))
    };
    keys.iter().map(key).collect::<Result<_, Diagnostic>>().map(Keyed::new)
}

/// A text with expressions in it.
#[derive(Debug, Clone, PartialEq)]
struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Expr(Expr),
}

impl Template {
    fn read(data: &Data) -> Result<Self, Diagnostic> {
        let text = match &data.value {
            Value::Text(text) => text.as_str(),
            Value::Null => "",
            Value::Integer(_) | Value::Number(_) | Value::Bool(_) => return Err(wrong_type(data, "text").help("put it in quotes")),
            _ => return Err(wrong_type(data, "text")),
        };
        let mut parts = Vec::new();
        let mut start = 0;
        while let Some(open) = text[start..].find('`').map(|at| start + at) {
            // A back-tick without a partner is a character like any other.
            let Some(close) = text[open + 1..].find('`').map(|at| open + 1 + at) else { break };
            parts.push(Part::Text(text[start..open].to_owned()));
            parts.push(maths(data, &text[open + 1..close], open + 1)?);
            start = close + 1;
        }
        parts.push(Part::Text(text[start..].to_owned()));
        Ok(Self(parts))
    }

    fn at(&self, at: &Moment<'_>) -> Cow<'_, str> {
        if let [Part::Text(text)] = self.0.as_slice() {
            return Cow::Borrowed(text);
        }
        let env = Env::new(at);
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Expr(expr) => expr.print(&env),
        };
        Cow::Owned(self.0.iter().map(part).collect())
    }

    fn streams(&self) -> Vec<String> {
        let streams = |part: &Part| if let Part::Expr(expr) = part { expr.streams().to_vec() } else { Vec::new() };
        self.0.iter().flat_map(streams).collect()
    }
}

/// The expression between two back-ticks, `start` bytes into the text. Nothing between them is weight 1, as in Deforum.
fn maths(data: &Data, text: &str, start: usize) -> Result<Part, Diagnostic> {
    if text.trim().is_empty() {
        return Ok(Part::Text("1".to_owned()));
    }
    Expr::parse(text).map(Part::Expr).map_err(|fault| fault.shifted(start).diagnose("wrong-expression", data))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, read, read_text};
    use super::*;
    use crate::param::Key;

    fn moment(tick: u64) -> Moment<'static> {
        Moment { tick, length: Some(101), ..Moment::default() }
    }

    fn keyed(entries: &[(&str, &str)]) -> Prompt {
        let key = |text: &str| Key { span: data(Value::Null).span, inner: Some(0), text: text.to_owned() };
        read(Value::Map(entries.iter().map(|(at, text)| (key(at), data(Value::Text((*text).to_owned())))).collect())).unwrap()
    }

    #[test]
    fn a_text_is_one_prompt_whatever_signs_it_has() {
        for text in ["(fog:1.3), a: b, {c}", "0: (a), 5: (b)", "", "one ` tick", "{not json}"] {
            assert_eq!(read_text::<Prompt>(text).unwrap().now(&moment(9)).from, text);
        }
    }

    #[test]
    fn keyed_prompts_hold_and_tell_the_next() {
        let prompt = keyed(&[("4s", "c"), ("max_f", "d"), ("20", "a"), ("60", "b")]);
        assert_eq!(
            [0, 20, 59, 60, 99, 100].map(|tick| prompt.now(&moment(tick)).from),
            ["a", "a", "a", "b", "b", "c"].map(str::to_owned).map(|text| text.replace('c', "d"))
        );
        assert_eq!(prompt.now(&moment(30)), PromptAt { from: "a".into(), to: Some("b".into()), mix: 0.25 });
        assert_eq!(prompt.now(&moment(0)).to, None);
    }

    #[test]
    fn deforums_json_reads_from_a_text() {
        let prompt = read_text::<Prompt>("{\"0\": \"a cat\", \"max_f/2\": \"a dog, (red:1.2)\"}").unwrap();
        assert_eq!([49, 50].map(|tick| prompt.now(&moment(tick)).from), ["a cat", "a dog, (red:1.2)"]);
    }

    #[test]
    fn maths_between_back_ticks_is_computed_each_frame() {
        let prompt = read_text::<Prompt>("(tan:`sqrt(t)`) `t*2` `max_f-t` ``").unwrap();
        assert_eq!(prompt.now(&moment(9)).from, "(tan:3.0) 18 91 1");
        let wrong = read_text::<Prompt>("(a:`0.5 + tt`)").unwrap_err();
        assert_eq!((wrong.labels[0].span.start, wrong.labels[0].span.end), (10, 12));
        assert_eq!(read_text::<Prompt>("`drums.level`").unwrap().streams(), ["drums.level"]);
    }
}
