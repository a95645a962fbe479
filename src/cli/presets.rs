//! Presets explained: for the terminal, as JSON, and as a page of Markdown.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::reference::{bounds, json, literal, one_line, section};
use crate::document::{ParamDecl, PresetInfo, PresetInput};

/// One line a preset.
#[must_use]
pub fn list(presets: &[PresetInfo]) -> String {
    let wide = presets.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    presets.iter().fold("presets, which are graphs or settings under a name of their own:\n".to_owned(), |mut out, preset| {
        let _ = writeln!(out, "{:wide$}  {}", preset.name, preset.about);
        out
    })
}

/// One preset for the terminal.
#[must_use]
pub fn one(preset: &PresetInfo) -> String {
    let mut out = format!("{}, a preset: {}\n\n{}\n", preset.name, preset.about, preset.details);
    if let Some(kind) = &preset.kind {
        let _ = write!(out, "\nIt is `{kind}` with other defaults and takes its inputs and parameters.\n");
    }
    let optional = |yes| if yes { ", optional" } else { "" };
    section(
        &mut out,
        "inputs",
        preset.inputs.iter().map(|input| (format!("{}{}", input.name, optional(input.optional)), input.about.clone())),
    );
    section(&mut out, "parameters", preset.params.iter().map(|param| (format!("{}: {}", param.name, kind_of(param)), about(param))));
    if !preset.outputs.is_empty() {
        let _ = write!(out, "\noutputs\n  {}\n", preset.outputs.join(", "));
    }
    let place = preset.path.as_ref().map_or_else(|| format!("<built-in>/{}.yaml", preset.name), |path| path.display().to_string());
    let _ = write!(out, "\nfile: {place}\n");
    out
}

/// One preset for programs.
#[must_use]
pub fn object(preset: &PresetInfo) -> Value {
    let input = |input: &PresetInput| (input.name.clone(), serde_json::json!({ "about": input.about, "optional": input.optional }));
    let param = |param: &ParamDecl| {
        let default = param.setting.as_ref().map(|setting| json(&setting.value.value));
        let said = serde_json::json!({
            "about": param.about, "type": param.ty.word(), "default": default, "min": param.min, "max": param.max,
            "choices": param.choices, "optional": param.optional
        });
        (param.name.clone(), said)
    };
    serde_json::json!({
        "about": preset.about, "details": preset.details, "kind": preset.kind, "path": preset.path, "outputs": preset.outputs,
        "inputs": preset.inputs.iter().map(input).collect::<Map<_, _>>(), "params": preset.params.iter().map(param).collect::<Map<_, _>>()
    })
}

/// The page about all of them.
#[must_use]
pub fn markdown(presets: &[PresetInfo]) -> String {
    let mut out = String::from(
        "# Presets\n\nMade from the files in `nodes/` by a test; do not edit. What presets are, and how to write one: \
         [graphs.md](graphs.md#presets). `frameloom nodes NAME` tells the same.\n\n| preset | what it is for |\n|---|---|\n",
    );
    for preset in presets {
        let _ = writeln!(out, "| [`{0}`](#{0}) | {1} |", preset.name, one_line(&preset.about));
    }
    for preset in presets {
        let _ = write!(out, "\n## {}\n\n{}\n", preset.name, preset.details);
        if let Some(kind) = &preset.kind {
            let page = if presets.iter().any(|other| other.name == *kind) { "" } else { "kinds.md" };
            let _ = write!(out, "\nIt is [`{kind}`]({page}#{kind}) with other defaults, and takes its inputs and parameters.\n");
        }
        table(
            &mut out,
            "input",
            preset.inputs.iter().map(|input| (&input.name, if input.optional { "optional" } else { "" }.into(), input.about.clone())),
        );
        table(&mut out, "parameter", preset.params.iter().map(|param| (&param.name, kind_of(param), about(param))));
        if !preset.outputs.is_empty() {
            let _ = write!(out, "\nOutputs: `{}`.\n", preset.outputs.join("`, `"));
        }
    }
    out
}

fn table<'a>(out: &mut String, title: &str, rows: impl Iterator<Item = (&'a String, String, String)>) {
    let mut rows = rows.peekable();
    if rows.peek().is_some() {
        let _ = write!(out, "\n| {title} | | |\n|---|---|---|\n");
    }
    for (name, kind, about) in rows {
        let _ = writeln!(out, "| `{name}` | {} | {} |", one_line(&kind), one_line(&about));
    }
}

fn about(param: &ParamDecl) -> String {
    param.about.clone().unwrap_or_default()
}

/// What it takes, and what it is where it is not set.
fn kind_of(param: &ParamDecl) -> String {
    let mut text = if param.choices.is_empty() { param.ty.word().to_owned() } else { format!("`{}`", param.choices.join("`, `")) };
    text.push_str(&bounds(param.min, param.max));
    match &param.setting {
        Some(setting) => {
            let _ = write!(text, "; default {}", literal(&setting.value.value));
        }
        None if param.optional => text.push_str("; may be left out"),
        None => text.push_str("; must be set"),
    }
    text
}
