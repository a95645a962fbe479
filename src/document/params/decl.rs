//! Declarations of parameters, and what they admit.

use std::path::PathBuf;

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::param::{Data, Key, Value};

use super::super::fields;
use super::super::graph::{Candidate, Layer};
use super::super::link::is_name;

/// One declared parameter.
#[derive(Debug, Clone)]
pub struct ParamDecl {
    /// Its name, without the `$`.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// What it takes.
    pub ty: ParamType,
    /// What it is for.
    pub about: Option<String>,
    /// The least number it takes.
    pub min: Option<f64>,
    /// The greatest number it takes.
    pub max: Option<f64>,
    /// The words that a `choice` takes.
    pub choices: Vec<String>,
    /// Whether it may be left unset: what names it is then left out.
    pub optional: bool,
    /// What it is set to: the strongest of its default, `--params` and `--set`.
    pub setting: Option<Setting>,
}

/// What a parameter is set to.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The value and where it is written.
    pub value: Data,
    /// Who says so; a default counts as the graph's own word.
    pub layer: Layer,
    /// The folder that a relative path in it starts from.
    pub base: PathBuf,
    /// What weaker layers say, the weakest first.
    pub overridden: Vec<Candidate>,
}

/// The sorts of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// A file or folder.
    Path,
    /// Text.
    Text,
    /// Text, or keyframes of texts.
    Prompt,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A number, a schedule or keyframes.
    Curve,
    /// One of some words.
    Choice,
    /// `[width, height]`.
    Size,
    /// Frames, or a time such as `4s`.
    Time,
}

const TYPES: [(&str, ParamType); 10] = [
    ("path", ParamType::Path),
    ("text", ParamType::Text),
    ("prompt", ParamType::Prompt),
    ("integer", ParamType::Integer),
    ("number", ParamType::Number),
    ("flag", ParamType::Flag),
    ("curve", ParamType::Curve),
    ("choice", ParamType::Choice),
    ("size", ParamType::Size),
    ("time", ParamType::Time),
];

impl ParamType {
    /// The word that `type:` takes for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        TYPES.iter().find(|(_, ty)| *ty == self).map_or("text", |(word, _)| word)
    }

    /// Whether `--set` gives it text as it stands, whatever YAML would make of it.
    pub(super) fn takes_text(self) -> bool {
        matches!(self, Self::Path | Self::Text | Self::Choice | Self::Prompt)
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Path => "a path",
            Self::Text => "text",
            Self::Prompt => "text or keyframes of texts",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Curve => "a number, a schedule or keyframes",
            Self::Choice => "one of its words",
            Self::Size => "a width and a height",
            Self::Time => "a number of frames or a time",
        }
    }

    fn admits(self, value: &Value) -> bool {
        match self {
            Self::Path | Self::Text | Self::Choice => matches!(value, Value::Text(_)),
            Self::Prompt => matches!(value, Value::Text(_) | Value::Map(_) | Value::List(_)),
            Self::Integer => matches!(value, Value::Integer(_)),
            Self::Number => matches!(value, Value::Integer(_) | Value::Number(_)),
            Self::Flag => matches!(value, Value::Bool(_)),
            Self::Curve => matches!(value, Value::Integer(_) | Value::Number(_) | Value::Text(_) | Value::Map(_)),
            Self::Size => matches!(value, Value::List(_) | Value::Text(_)),
            Self::Time => matches!(value, Value::Integer(_) | Value::Number(_) | Value::Text(_)),
        }
    }

    /// The sort that a bare default suggests.
    fn guess(value: &Value) -> Self {
        match value {
            Value::Integer(_) => Self::Integer,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Flag,
            Value::List(_) => Self::Size,
            Value::Map(_) => Self::Curve,
            _ => Self::Text,
        }
    }
}

/// Reads `params:` of a file whose folder is `base`. Defaults belong to `layer`.
pub(in super::super) fn declare(section: Option<&Data>, layer: &Layer, base: &std::path::Path, diags: &mut Diagnostics) -> Vec<ParamDecl> {
    let Some(entries) = section.and_then(|data| fields::mapping(data, "`params`", diags)) else { return Vec::new() };
    entries.iter().filter_map(|(key, data)| one(key, data, layer, base, diags)).collect()
}

const KEYS: [&str; 7] = ["type", "default", "optional", "about", "min", "max", "choices"];

fn one(key: &Key, data: &Data, layer: &Layer, base: &std::path::Path, diags: &mut Diagnostics) -> Option<ParamDecl> {
    if !is_name(&key.text) {
        diags.push(
            Diagnostic::error("bad-name", format!("`{}` cannot be the name of a parameter", key.text))
                .at(key.span, "")
                .help("begin with a letter and go on with letters, digits, `_` or `-`"),
        );
        return None;
    }
    let Value::Map(entries) = &data.value else {
        let what = format!("the parameter `{}`", key.text);
        let guess = ParamType::guess(&data.value).word();
        let example = if data.value == Value::Null { String::new() } else { ", default: …".to_owned() };
        diags.push(fields::wrong(&what, "a mapping", data).help(format!("write `{}: {{ type: {guess}{example} }}`", key.text)));
        return None;
    };
    diags.extend(fields::unknown_keys(entries, "a parameter", &KEYS));
    let ty = read_type(key, entries, diags)?;
    let number = |name: &str, diags: &mut Diagnostics| {
        let data = fields::get(entries, name)?;
        if data.number().is_none() {
            diags.push(fields::wrong(&format!("`{name}`"), "a number", data));
        }
        data.number()
    };
    let mut decl = ParamDecl {
        name: key.text.clone(),
        span: key.span,
        ty,
        about: fields::text(entries, "about", diags),
        min: number("min", diags),
        max: number("max", diags),
        choices: Vec::new(),
        optional: matches!(data.get("optional"), Some(Data { value: Value::Bool(true), .. })),
        setting: None,
    };
    read_choices(&mut decl, entries, diags);
    if let Some(default) = fields::get(entries, "default") {
        match check(&decl, default) {
            Ok(()) => {
                let (layer, base) = (layer.clone(), base.to_owned());
                decl.setting = Some(Setting { value: default.clone(), layer, base, overridden: Vec::new() });
            }
            Err(found) => {
                diags.push(found);
                return None;
            }
        }
    }
    Some(decl)
}

fn read_type(key: &Key, entries: &[(Key, Data)], diags: &mut Diagnostics) -> Option<ParamType> {
    let words: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
    let Some(data) = fields::get(entries, "type") else {
        let guess = fields::get(entries, "default").map_or("text", |default| ParamType::guess(&default.value).word());
        diags.push(
            Diagnostic::error("missing-type", format!("the parameter `{}` does not say what it takes", key.text))
                .at(key.span, "")
                .help(format!("add `type: {guess}`")),
        );
        return None;
    };
    let word = data.text().unwrap_or_default();
    let found = TYPES.iter().find(|(name, _)| *name == word).map(|(_, ty)| *ty);
    if found.is_none() {
        diags.push(fields::unknown("unknown-type", "parameters have no type", (word, data.span), &words));
    }
    found
}

fn read_choices(decl: &mut ParamDecl, entries: &[(Key, Data)], diags: &mut Diagnostics) {
    let help = "write `choices: [one, other]`";
    match fields::get(entries, "choices") {
        Some(Data { value: Value::List(items), .. }) => {
            for item in items {
                match item.text() {
                    Some(word) => decl.choices.push(word.to_owned()),
                    None => diags.push(fields::wrong("a choice", "text", item)),
                }
            }
        }
        Some(data) => diags.push(fields::wrong("`choices`", "a list", data).help(help)),
        None if decl.ty == ParamType::Choice => diags.push(
            Diagnostic::error("missing-choices", format!("the parameter `{}` does not say which words it takes", decl.name))
                .at(decl.span, "")
                .help(help),
        ),
        None => {}
    }
}

/// Checks a value against type, range and choices.
///
/// # Errors
/// A diagnostic at the value, with the declaration as context.
pub(in super::super) fn check(decl: &ParamDecl, data: &Data) -> Result<(), Diagnostic> {
    let declared = |found: Diagnostic| found.at(decl.span, "declared here");
    if !decl.ty.admits(&data.value) {
        let found = fields::wrong(&format!("the parameter `{}`", decl.name), decl.ty.wanted(), data);
        let quotes = decl.ty.takes_text() && matches!(data.value, Value::Bool(_) | Value::Integer(_) | Value::Number(_));
        return Err(declared(if quotes { found.help("put it in quotes") } else { found }));
    }
    if let Some(number) = data.number() {
        let (min, max) = (decl.min.unwrap_or(f64::NEG_INFINITY), decl.max.unwrap_or(f64::INFINITY));
        if number < min || number > max {
            let side = if number < min { format!("below {min}") } else { format!("above {max}") };
            return Err(declared(
                Diagnostic::error("out-of-range", format!("the parameter `{}` cannot be {number}", decl.name)).at(data.span, side),
            )
            .help(range(decl)));
        }
    }
    if decl.ty == ParamType::Choice && !decl.choices.is_empty() {
        let words: Vec<&str> = decl.choices.iter().map(String::as_str).collect();
        let word = data.text().unwrap_or_default();
        if !words.contains(&word) {
            let message = format!("the parameter `{}` does not take", decl.name);
            return Err(declared(fields::unknown("unknown-choice", &message, (word, data.span), &words)));
        }
    }
    Ok(())
}

fn range(decl: &ParamDecl) -> String {
    match (decl.min, decl.max) {
        (Some(min), Some(max)) => format!("choose a number from {min} to {max}"),
        (Some(min), None) => format!("choose a number of at least {min}"),
        (None, Some(max)) => format!("choose a number of at most {max}"),
        (None, None) => String::new(),
    }
}
