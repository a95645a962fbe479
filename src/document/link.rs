//! Links as written: `clip`, `clip.audio`, `painted@-1`, `{ from: painted@-1, initial: clip }`, or a list of such.

use std::ops::Range;

use crate::diag::{Diagnostic, Span};
use crate::param::{Data, Value};

use super::fields;

/// The longest delay or look-ahead, in ticks.
pub const MAX_DELAY: i64 = 1_000_000;

/// What a link with a delay reads before there is a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum First {
    /// `none`: the input has no value yet.
    Nothing,
    /// Another output.
    Link(Box<LinkRef>),
}

/// The word that stands for [`First::Nothing`], and so cannot name a node.
pub const NOTHING: &str = "none";

/// An input's reference to an output.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRef {
    /// The node that is read.
    pub node: String,
    /// Where it is named.
    pub node_span: Span,
    /// The output and where it is named; the node's first output when left out.
    pub port: Option<(String, Span)>,
    /// Ticks from now: −1 is the frame before, +2 two frames ahead. 0 when not written.
    pub delay: i64,
    /// Where the delay is written.
    pub delay_span: Option<Span>,
    /// What is read while the delay reaches before the first frame.
    pub initial: Option<First>,
    /// All of it.
    pub span: Span,
}

/// Reads one link, or a list of them.
///
/// # Errors
/// A diagnostic that underlines the part that is wrong.
pub fn parse_link(data: &Data) -> Result<Vec<LinkRef>, Diagnostic> {
    match &data.value {
        Value::List(items) => items.iter().map(single).collect(),
        _ => Ok(vec![single(data)?]),
    }
}

fn single(data: &Data) -> Result<LinkRef, Diagnostic> {
    match &data.value {
        Value::Text(text) => from_text(text, data),
        Value::Map(_) => long_form(data),
        _ => Err(Diagnostic::error("bad-link", format!("a link is the name of a node, not {}", data.what()))
            .at(data.span, "")
            .help("write `node`, `node.port`, `node@-1` or `{ from: node@-1, initial: other }`")),
    }
}

fn long_form(data: &Data) -> Result<LinkRef, Diagnostic> {
    let Value::Map(entries) = &data.value else { return single(data) };
    if let Some(found) = fields::unknown_keys(entries, "a link", &["from", "initial"]).into_iter().next() {
        return Err(found);
    }
    let Some(from) = data.get("from") else {
        return Err(Diagnostic::error("bad-link", "a link in braces needs `from`")
            .at(data.span, "")
            .help("write `{ from: node@-1, initial: other }`"));
    };
    let plain = |data: &Data| match &data.value {
        Value::Text(text) => from_text(text, data),
        _ => Err(Diagnostic::error("bad-link", format!("a node's name belongs here, not {}", data.what())).at(data.span, "")),
    };
    let mut link = plain(from)?;
    if let Some(initial) = data.get("initial") {
        if link.delay >= 0 {
            return Err(Diagnostic::error("bad-link", "`initial` is only read by a link with a delay")
                .at(initial.span, "never used")
                .at(from.span, "this reads the frame of now")
                .help(format!("write `{}@-1` for the frame before, or remove `initial`", link.node)));
        }
        link.initial = Some(match &initial.value {
            // An optional input of a subgraph that was left out.
            Value::Null => First::Nothing,
            Value::Text(text) if text == NOTHING => First::Nothing,
            _ => First::Link(Box::new(plain(initial)?)),
        });
    }
    link.span = data.span;
    Ok(link)
}

fn from_text(text: &str, data: &Data) -> Result<LinkRef, Diagnostic> {
    let parts = split(text).map_err(|(range, message)| {
        Diagnostic::error("bad-link", message).at(data.part(range), "").help("write `node`, `node.port`, `node@-1` or `node.port@-1`")
    })?;
    let span = |range: &Range<usize>| data.part(range.clone());
    Ok(LinkRef {
        node: text[parts.node.clone()].to_owned(),
        node_span: span(&parts.node),
        port: parts.port.as_ref().map(|port| (text[port.clone()].to_owned(), span(port))),
        delay: parts.delay,
        delay_span: parts.delay_at.as_ref().map(span),
        initial: None,
        span: data.span,
    })
}

/// The parts of a link's text.
#[derive(Debug, PartialEq)]
pub(super) struct Parts {
    pub(super) node: Range<usize>,
    pub(super) port: Option<Range<usize>>,
    pub(super) delay: i64,
    pub(super) delay_at: Option<Range<usize>>,
}

/// Takes a link's text apart.
///
/// # Errors
/// The range that is wrong and what is wrong with it.
pub(super) fn split(text: &str) -> Result<Parts, (Range<usize>, String)> {
    let all = 0..text.len();
    let (path, delay, delay_at) = match text.find('@') {
        None => (all.clone(), 0, None),
        Some(at) => {
            let range = at..text.len();
            let written = &text[at + 1..];
            let digits = written.strip_prefix(['+', '-']).unwrap_or(written);
            let number = Some(written).filter(|_| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
            let Some(number) = number else {
                return Err((range, format!("`{}` is no delay: `@` takes a number of frames, such as `@-1`", &text[at..])));
            };
            match number.parse::<i64>() {
                Ok(delay) if delay.abs() <= MAX_DELAY => (0..at, delay, Some(range)),
                _ => return Err((range, format!("a delay of more than {MAX_DELAY} frames"))),
            }
        }
    };
    let (node, port) = match text[path.clone()].find('.') {
        Some(dot) => (0..dot, Some(dot + 1..path.end)),
        None => (path, None),
    };
    for (range, what) in [(Some(&node), "node"), (port.as_ref(), "port")] {
        let Some(range) = range else { continue };
        let word = &text[range.clone()];
        if word.is_empty() {
            return Err((all, format!("the {what}'s name is missing in the link `{text}`")));
        }
        if !is_name(word) {
            return Err((range.clone(), format!("`{word}` cannot be the name of a {what}")));
        }
    }
    Ok(Parts { node, port, delay, delay_at })
}

/// Whether `word` can name a node, a port or a parameter: a letter or `_`, then letters, digits, `_` and `-`.
#[must_use]
pub fn is_name(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;
    use crate::diag::{Diagnostics, Sources};

    fn read(text: &str) -> Result<Vec<LinkRef>, (String, String)> {
        let mut sources = Sources::default();
        let source = sources.add("g.yaml", text);
        let data = yaml::parse(source, text, 0, &mut Diagnostics::default()).unwrap();
        parse_link(&data).map_err(|found| (found.message, sources.slice(found.labels[0].span).to_owned()))
    }

    #[test]
    fn every_form_is_read() {
        let one = |text| read(text).unwrap().remove(0);
        assert_eq!(one("clip").node, "clip");
        let audio = one("'clip.audio'");
        assert_eq!((audio.port.unwrap().0.as_str(), audio.node_span.start), ("audio", 1));
        assert_eq!(one("painted@-1").delay, -1);
        assert_eq!(one("a-b.c_d@+2").delay, 2);
        let long = one("{ from: painted.mask@-2, initial: clip }");
        let Some(First::Link(initial)) = long.initial else { panic!("it has an initial link") };
        assert_eq!((long.delay, initial.node.as_str()), (-2, "clip"));
        assert_eq!(one("{ from: painted@-1, initial: none }").initial, Some(First::Nothing));
        assert_eq!(read("[a, b@-1]").unwrap().len(), 2);
    }

    #[test]
    fn the_wrong_part_is_underlined() {
        let wrong = |text| read(text).unwrap_err();
        assert_eq!(wrong("clip.au dio").1, "au dio");
        assert_eq!(wrong("\"clip@now\"").1, "@now");
        assert_eq!(wrong("clip@99999999999999999999").1, "@99999999999999999999");
        assert_eq!(wrong("{ from: a@-1, inital: b }").1, "inital");
        assert_eq!(wrong("{ from: a, initial: b }").1, "b");
        assert_eq!(wrong(".port").1, ".port");
        assert_eq!(wrong("7").1, "7");
    }
}
