//! Values as written in a document, each with its place: what parameters are read from.

use crate::diag::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Where it is used (for an alias: the place of the alias).
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// A mapping's key and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where.
    pub span: Span,
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

impl Data {
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
