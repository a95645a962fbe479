//! Diagnostics as people and tools read them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::diag::{Diagnostic, Diagnostics, Label, Severity, SourceId, Sources, Span};

/// The findings as text, each with the lines it speaks of; `color` adds terminal colours.
#[must_use]
pub fn render_text(diags: &Diagnostics, sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let rendered: Vec<String> = diags.0.iter().map(|found| one(found, sources, &renderer)).collect();
    let joined = rendered.join("\n\n");
    if joined.is_empty() { joined } else { joined + "\n" }
}

fn one(found: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(found.message.as_str()).id(found.code));
    for id in in_order(&found.labels) {
        let Some(source) = sources.get(id) else { continue };
        let mut snippet = Snippet::source(&*source.text).path(source.name.as_str());
        for (index, label) in found.labels.iter().enumerate().filter(|(_, label)| label.span.source == id) {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(first_line(&source.text, label.span));
            snippet = snippet.annotation(if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) });
        }
        group = group.element(snippet);
    }
    let help = found.help.iter().map(|help| Level::HELP.message(help.as_str()));
    renderer.render(&[group.elements(help)])
}

/// The sources of the labels, the main one first.
fn in_order(labels: &[Label]) -> Vec<SourceId> {
    let mut ids: Vec<SourceId> = Vec::new();
    for label in labels {
        if !ids.contains(&label.span.source) {
            ids.push(label.span.source);
        }
    }
    ids
}

/// The bytes to underline: what lies on the first line of the span, on whole characters inside the text.
fn first_line(text: &str, span: Span) -> std::ops::Range<usize> {
    let whole = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (start, end) = (whole(span.start as usize), whole(span.end as usize));
    let covered = text.get(start..end).unwrap_or("");
    let line = covered.lines().next().unwrap_or("").trim_end();
    start..start + line.len()
}

/// The findings as one JSON array. Lines and columns count from 1, columns in characters; an end is one past the last character.
#[must_use]
pub fn render_json(diags: &Diagnostics, sources: &Sources) -> String {
    let all: Vec<Value> = diags.0.iter().map(|found| finding(found, sources)).collect();
    Value::Array(all).to_string()
}

fn finding(found: &Diagnostic, sources: &Sources) -> Value {
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let places: Vec<Value> = found.labels.iter().map(|label| place(label, sources)).collect();
    json!({ "code": found.code, "severity": severity, "message": found.message, "places": places, "help": found.help })
}

fn place(label: &Label, sources: &Sources) -> Value {
    let end = Span { start: label.span.end, ..label.span };
    let (line, column) = sources.line_column(label.span);
    let (end_line, end_column) = sources.line_column(end);
    json!({
        "file": sources.get(label.span.source).map(|source| source.name.as_str()),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "text": label.text,
    })
}
