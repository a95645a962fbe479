//! How parameters are written: for people in a line, for editors as JSON Schema.

use serde_json::{Value, json};

use super::{Param, SeedBehavior};

/// How a parameter is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A number, schedule string or keyframes: varies over time.
    Curve,
    /// A number, the same throughout.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// Text.
    Text,
    /// A file or folder.
    Path,
    /// One of some words; each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// One of some words, each with what it means, or another text that the kind understands.
    Words(&'static [(&'static str, &'static str)]),
    /// Text that may change over time: a text, or keyframes of texts.
    Prompt,
    /// `[width, height]`.
    Size,
    /// A frame number, or seconds as `4s`, or `1:02.5`.
    Time,
    /// Anything of the inner shape, or left out.
    Optional(Box<Shape>),
    /// A whole number, or one that varies over time like a curve.
    IntegerCurve,
    /// A number that goes on from frame to frame, or a curve.
    Seed,
    /// The inner shape, or keyframes of it, each held until the next.
    Held(Box<Shape>),
    /// A list of the inner shape; one alone may stand without brackets.
    List(Box<Shape>),
    /// `{ name: text, … }`.
    Pairs,
    /// A mask expression: `luma(0.6) and not a`.
    Mask,
    /// A file, or `{ file: …, weight: … }`.
    Weighted,
}

/// What a time looks like as a mapping's key: `120`, `4s`, `8b`, `1:02.5`, `max_f/2`. Expressions make it generous.
const TIME_KEY: &str = r"^[-+.\w\s()*/:]+$";

impl Shape {
    /// The shape without "may be left out" and "may vary over time" around it.
    #[must_use]
    pub fn inner(&self) -> &Self {
        match self {
            Self::Optional(inner) | Self::Held(inner) => inner.inner(),
            other => other,
        }
    }

    /// How it is written, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Curve => {
                "number that may vary over time: `0.65`, `\"0: (0.65), 48: (0.4)\"` or `{ keys: { 0: 0.65, 2s: 0.4 }, ease: cubic }`".into()
            }
            Self::IntegerCurve => "whole number that may vary over time: `20` or `\"0: (20), 48: (30)\"`".into(),
            Self::Seed => "seed: `7`, `fixed`, `iter 3`, `{ start: 7, behavior: ladder }`, or a curve, which is the seed itself".into(),
            Self::Number => "number".into(),
            Self::Integer => "whole number".into(),
            Self::Flag => "`true` or `false`".into(),
            Self::Text => "text".into(),
            Self::Path => "path, relative to the file it is written in".into(),
            Self::Choice(words) => words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::Words(words) => {
                let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                format!("{} or another text that is known here", words.join(", "))
            }
            Self::Prompt => "text, or texts over time: `{ 0: a meadow, 4s: a forest }`".into(),
            Self::Size => "width and height in pixels: `[768, 432]` or `768x432`".into(),
            Self::Time => "time: `120` (frames), `4s`, `1:02.5`, `8b` (beats) or `end`".into(),
            Self::Optional(inner) => format!("{}; may be left out", inner.describe()),
            Self::Held(inner) => format!("{}; or keyframes of it, each held until the next: `{{ 0: …, 4s: … }}`", inner.describe()),
            Self::List(inner) => format!("list, each entry: {}", inner.describe()),
            Self::Mask => "mask expression: `luma(0.6)`, `person and not [edge.png]`".into(),
            Self::Weighted => "file, or `{ file: x.safetensors, weight: 0.8, text_weight: 0.5 }`, whose weights may vary over time".into(),
            Self::Pairs => "names and texts: `{ title: My film }`".into(),
        }
    }

    /// The JSON Schema of it, for editors. A parameter of the graph (`$name`) may stand in its place; whoever assembles the whole
    /// schema adds that.
    #[must_use]
    pub fn schema(&self) -> Value {
        match self {
            Self::Curve => curve("number"),
            Self::IntegerCurve => curve("integer"),
            Self::Seed => json!({ "anyOf": [curve("integer"), {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "start": curve("integer"),
                    "behavior": SeedBehavior::shape().schema(),
                    "every": { "type": "integer", "minimum": 1 },
                },
            }] }),
            Self::Number => json!({ "type": "number" }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Text | Self::Path | Self::Mask => json!({ "type": "string" }),
            Self::Choice(words) => {
                let word = |(word, about): &(&str, &str)| json!({ "const": word, "description": about });
                json!({ "oneOf": words.iter().map(word).collect::<Vec<_>>() })
            }
            Self::Words(words) => {
                let word = |(word, about): &(&str, &str)| json!({ "const": word, "description": about });
                json!({ "anyOf": words.iter().map(word).chain([json!({ "type": "string" })]).collect::<Vec<_>>() })
            }
            Self::Prompt => held(&json!({ "type": "string" })),
            Self::Size => json!({ "oneOf": [
                { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 2, "maxItems": 2 },
                { "type": "string", "pattern": r"^\s*\d+\s*[xX×]\s*\d+\s*$" },
            ] }),
            Self::Time => json!({ "oneOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": r"^\s*(end|\d+|[\d.]+\s*[sb]|(\d+:){1,2}[\d.]+)\s*$" },
            ] }),
            Self::Optional(inner) => json!({ "anyOf": [inner.schema(), { "type": "null" }] }),
            Self::Held(inner) => held(&inner.schema()),
            Self::List(inner) => json!({ "anyOf": [inner.schema(), { "type": "array", "items": inner.schema() }] }),
            Self::Weighted => json!({ "anyOf": [{ "type": "string" }, {
                "type": "object",
                "additionalProperties": false,
                "required": ["file"],
                "properties": { "file": { "type": "string" }, "weight": curve("number"), "text_weight": curve("number") },
            }] }),
            Self::Pairs => json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean", "null"] } }),
        }
    }
}

/// `inner`, or a mapping of times to it.
fn held(inner: &Value) -> Value {
    json!({ "anyOf": [inner, { "type": "object", "minProperties": 1, "propertyNames": { "pattern": TIME_KEY }, "additionalProperties": inner }] })
}

/// A curve whose plain form is of the JSON type `number`.
fn curve(number: &str) -> Value {
    let level = json!({ "type": ["number", "string"] });
    let value = json!({ "anyOf": [level, {
        "type": "object",
        "properties": { "value": level, "ease": { "type": "string" } },
        "required": ["value"],
        "additionalProperties": false,
    }] });
    let keys = json!({ "type": "object", "minProperties": 1, "propertyNames": { "pattern": TIME_KEY }, "additionalProperties": value });
    let list = json!({ "type": "array", "items": { "type": "array", "minItems": 2, "maxItems": 3 }, "minItems": 1 });
    json!({ "anyOf": [
        { "type": number, "description": "the same throughout" },
        { "type": "string", "description": "an expression, or a schedule such as 0: (0.65), 48: (0.4)" },
        {
            "type": "object",
            "description": "keyframes with an ease",
            "properties": {
                "keys": { "anyOf": [keys, list, { "type": "string" }] },
                "ease": { "type": "string", "examples": super::ease_names() },
                "loop": { "type": ["number", "string"], "description": "after how long the keys start anew" },
            },
            "required": ["keys"],
            "additionalProperties": false,
        },
        // The short form of keyframes: it must not have `keys`, lest both forms fit.
        { "allOf": [keys, { "not": { "required": ["keys"] } }] },
    ] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> Vec<Shape> {
        let plain = vec![
            Shape::Curve,
            Shape::Number,
            Shape::Integer,
            Shape::Flag,
            Shape::Text,
            Shape::Path,
            Shape::Choice(&[("a", "one"), ("b", "another")]),
            Shape::Words(&[("a", "one")]),
            Shape::Prompt,
            Shape::Size,
            Shape::Time,
            Shape::IntegerCurve,
            Shape::Pairs,
            Shape::Mask,
            Shape::Weighted,
        ];
        let nested = [Shape::Optional, Shape::Held, Shape::List].map(|make| make(Box::new(Shape::Text)));
        plain.into_iter().chain(nested).collect()
    }

    #[test]
    fn each_shape_has_a_line_and_a_schema() {
        for shape in every() {
            assert!(!shape.describe().contains('\n') && !shape.describe().is_empty(), "{shape:?}");
            assert!(shape.schema().is_object(), "{shape:?}");
        }
    }

    #[test]
    fn words_carry_their_meaning() {
        let choice = Shape::Choice(&[("a", "one"), ("b", "another")]);
        assert_eq!(
            choice.schema(),
            json!({ "oneOf": [{ "const": "a", "description": "one" }, { "const": "b", "description": "another" }] })
        );
        assert_eq!(choice.describe(), "`a`, `b`");
    }
}
