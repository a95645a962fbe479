//! Kinds explained: for the terminal, and as the Markdown reference.

use std::fmt::Write;

use crate::node::{InputSpec, NODE_KEYS, ParamSpec, Registry, Spec};
use crate::param::Value;

/// One line a kind.
#[must_use]
pub fn list(registry: &Registry) -> String {
    let wide = registry.names().map(str::len).max().unwrap_or(0);
    registry.iter().fold(String::new(), |mut out, kind| {
        let _ = writeln!(out, "{:wide$}  {}", kind.spec().name, kind.spec().about);
        out
    })
}

/// One kind for the terminal.
#[must_use]
pub fn kind(spec: &Spec) -> String {
    let mut out = format!("{}: {}\n", spec.name, spec.about);
    if !spec.details.is_empty() {
        let _ = write!(out, "\n{}\n", spec.details);
    }
    section(&mut out, "inputs", spec.inputs.iter().map(|input| (format!("{}: {}", input.name, input_type(input)), input.about.clone())));
    section(&mut out, "outputs", spec.outputs.iter().map(|output| (format!("{}: {}", output.name, output.ty), output.about.clone())));
    section(
        &mut out,
        "parameters",
        spec.params.iter().map(|param| (format!("{}: {}", param.name, param_type(param)), param.about.clone())),
    );
    out
}

pub(super) fn section(out: &mut String, title: &str, entries: impl Iterator<Item = (String, String)>) {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return;
    }
    let _ = write!(out, "\n{title}\n");
    for (head, about) in entries {
        let _ = writeln!(out, "  {head}\n      {}", about.replace('\n', "\n      "));
    }
}

/// The whole reference.
#[must_use]
pub fn markdown(registry: &Registry) -> String {
    let mut out = String::from(
        "# The kinds of nodes\n\nMade by `frameloom nodes --markdown`; do not edit.\n\nEvery node may also have these keys:\n\n",
    );
    for (key, about) in NODE_KEYS {
        let _ = writeln!(out, "- `{key}`: {about}");
    }
    out.push_str("\n| kind | what it does |\n|---|---|\n");
    for kind in registry.iter() {
        let _ = writeln!(out, "| [`{0}`](#{0}) | {1} |", kind.spec().name, kind.spec().about);
    }
    for kind in registry.iter() {
        markdown_kind(&mut out, kind.spec());
    }
    out
}

fn markdown_kind(out: &mut String, spec: &Spec) {
    let _ = write!(out, "\n## {}\n\n{}\n", spec.name, spec.about);
    if !spec.details.is_empty() {
        let _ = write!(out, "\n{}\n", spec.details);
    }
    if !spec.inputs.is_empty() {
        out.push_str("\n| input | type | |\n|---|---|---|\n");
        for input in &spec.inputs {
            let _ = writeln!(out, "| `{}` | {} | {} |", input.name, input_type(input), one_line(&input.about));
        }
    }
    if !spec.outputs.is_empty() {
        out.push_str("\n| output | type | |\n|---|---|---|\n");
        for output in &spec.outputs {
            let _ = writeln!(out, "| `{}` | {} | {} |", output.name, output.ty, one_line(&output.about));
        }
    }
    if !spec.params.is_empty() {
        out.push_str("\n| parameter | how it is written | |\n|---|---|---|\n");
        for param in &spec.params {
            let _ = writeln!(out, "| `{}` | {} | {} |", param.name, one_line(&param_type(param)), one_line(&param.about));
        }
    }
}

/// `text` as a cell of a table.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn input_type(input: &InputSpec) -> String {
    let shape = input.shape;
    let mut text = shape.ty.to_string();
    if shape.many {
        text = format!("list of {text}");
    }
    if shape.back + shape.ahead > 0 {
        let _ = write!(text, ", from {} before to {} after", shape.back, shape.ahead);
    }
    if shape.optional { format!("{text}, optional") } else { text }
}

fn param_type(param: &ParamSpec) -> String {
    let mut text = param.shape.describe();
    if let Some(range) = &param.range {
        let bound = |end: f64| Some(end).filter(|end| end.is_finite());
        text.push_str(&bounds(bound(*range.start()), bound(*range.end())));
    }
    match &param.default {
        Some(value) => {
            let _ = write!(text, "; default {}", literal(value));
        }
        None if param.required() => text.push_str("; must be set"),
        None => {}
    }
    text
}

/// What numbers are taken, to be put behind what else is said.
pub(super) fn bounds(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!(", {low} to {high}"),
        (Some(low), None) => format!(", {low} or more"),
        (None, Some(high)) => format!(", at most {high}"),
        (None, None) => String::new(),
    }
}

pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Text(value) if value.is_empty() => "\"\"".into(),
        Value::Text(value) => format!("`{value}`"),
        Value::Null => "nothing".into(),
        Value::List(_) | Value::Map(_) => format!("`{}`", json(value)),
    }
}

/// A value of a graph as JSON.
pub(super) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::Text(value) => value.as_str().into(),
        Value::List(items) => items.iter().map(|item| json(&item.value)).collect(),
        Value::Map(entries) => entries.iter().map(|(key, item)| (key.text.clone(), json(&item.value))).collect(),
    }
}
