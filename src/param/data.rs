//! Values as written in a document, each with its place: what parameters are read from.

use std::ops::Range;

use crate::diag::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Where it is used (for an alias: the place of the alias).
    pub span: Span,
    /// For a scalar whose text stands in the source letter for letter: the bytes from the span's start to the text's first
    /// (0 when plain, 1 when in quotes). `None` when it does not: escapes, block scalars, folded lines, aliases.
    pub inner: Option<u32>,
    /// What it is.
    pub value: Value,
}

/// A mapping's key and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where.
    pub span: Span,
    /// As [`Data::inner`].
    pub inner: Option<u32>,
    /// The key as text; numbers keep their spelling.
    pub text: String,
}

/// The kinds of YAML value that graphs use.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text, quoted or not.
    Text(String),
    /// `[…]`.
    List(Vec<Data>),
    /// `{…}`, in the order written.
    Map(Vec<(Key, Data)>),
}

macro_rules! literal {
    ($($type:ty => $variant:ident),*) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}
literal!(bool => Bool, i32 => Integer, i64 => Integer, f64 => Number, &str => Text, String => Text);

/// The place of bytes `range` of a scalar's text, or its whole span where its text is not in the source as such.
fn part(span: Span, inner: Option<u32>, range: Range<usize>) -> Span {
    match inner {
        Some(skip) => span.part(range.start + skip as usize..range.end + skip as usize),
        None => span,
    }
}

impl Key {
    /// The place of bytes `range` of the key's text.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Span {
        part(self.span, self.inner, range)
    }
}

impl Data {
    /// A value at `span` whose text, if it is text, is not known to stand there letter for letter.
    #[must_use]
    pub fn new(span: Span, value: Value) -> Self {
        Self { span, inner: None, value }
    }

    /// The place of bytes `range` of the text, so that an error can underline one word of an expression.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Span {
        part(self.span, self.inner, range)
    }

    /// What it is, for messages: `a list`, `text`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Integer(_) => "a whole number",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one, whole or not.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self.value {
            Value::Integer(n) => Some(n as f64),
            Value::Number(n) => Some(n),
            _ => None,
        }
    }

    /// The value under `key`, if it is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Data> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;

    #[test]
    fn parts_skip_the_quote_and_fall_back_to_the_whole() {
        let id = Sources::default().add("g.yaml", "a: \"b + c\"");
        let mut data = Data { span: Span::new(id, 3, 10), inner: Some(1), value: Value::Text("b + c".into()) };
        assert_eq!(data.part(4..5), Span::new(id, 8, 9));
        data.inner = None;
        assert_eq!(data.part(4..5), data.span);
    }
}
