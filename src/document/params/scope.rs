//! Replacing `$name` by what it is set to.

use std::collections::HashSet;
use std::path::Path;

use crate::diag::{Diagnostic, Diagnostics, Span, nearest};
use crate::param::{Data, Key, Value};

use super::super::graph::{Arg, Layer, Role};
use super::super::link::{is_name, split};
use super::decl::{ParamDecl, ParamType, Setting};

/// How much presets and `$name` may copy into one graph, as nodes plus bytes of text.
#[derive(Debug)]
pub(in super::super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(1 << 20)
    }
}

impl Budget {
    /// Takes what `data` weighs; `false` when too little is left.
    pub(in super::super) fn spend(&mut self, data: &Data) -> bool {
        match self.0.checked_sub(weight(data)) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

fn weight(data: &Data) -> usize {
    1 + match &data.value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(entries) => entries.iter().map(|(key, data)| key.text.len() + weight(data)).sum(),
        _ => 0,
    }
}

/// The parameters that values in one file may name.
#[derive(Debug, Default)]
pub(in super::super) struct Scope {
    pub(in super::super) decls: Vec<ParamDecl>,
    /// Inputs of a subgraph that were given no link: what names them is left out.
    pub(in super::super) absent: HashSet<String>,
    /// Links that a subgraph's inputs were given.
    pub(in super::super) inputs: Vec<(String, Arg)>,
    used: HashSet<String>,
    missing: HashSet<String>,
}

/// What stands where `$name` stood.
enum Found<'a> {
    Setting(&'a Setting, ParamType),
    Link(&'a Arg),
    Absent,
    Fault,
}

impl Scope {
    pub(in super::super) fn new(decls: Vec<ParamDecl>) -> Self {
        Self { decls, ..Self::default() }
    }

    /// The argument as it stands after replacing, or nothing when it is in error or names an input or parameter that was left out.
    ///
    /// `Err` is the former: the node is not to be used.
    pub(in super::super) fn arg(&mut self, mut arg: Arg, budget: &mut Budget, diags: &mut Diagnostics) -> Result<Option<Arg>, Fault> {
        let Some((name, delay)) = self.named(&arg.value) else {
            let base = arg.base.clone();
            let value = self.data(&arg.value, &base, budget, diags)?;
            arg.value = value;
            return Ok(Some(arg));
        };
        let (name, place) = (name.to_owned(), arg.value.span);
        match self.find(&name, place, diags) {
            Found::Fault => Err(Fault),
            Found::Absent => Ok(None),
            Found::Link(link) => {
                let mut link = link.clone();
                delay_by(&mut link.value, delay);
                link.key = arg.key;
                link.role = arg.role;
                Ok(Some(link))
            }
            Found::Setting(setting, _) => {
                if !budget.spend(&setting.value) {
                    diags.push(spent(place));
                    return Err(Fault);
                }
                let via = Some((name, place));
                arg.value = setting.value.clone();
                // A preset's own default stays the preset's word, whoever names it.
                arg.layer = setting.layer.clone().max(arg.layer);
                arg.base.clone_from(&setting.base);
                arg.overridden.extend(setting.overridden.iter().cloned().map(|mut weaker| {
                    weaker.via.clone_from(&via);
                    weaker
                }));
                arg.via = via;
                Ok(Some(arg))
            }
        }
    }

    /// `data` with every `$name` in it replaced; `base` is the folder that the value's own paths start from.
    pub(in super::super) fn data(&mut self, data: &Data, base: &Path, budget: &mut Budget, diags: &mut Diagnostics) -> Result<Data, Fault> {
        if let Some((name, delay)) = self.named(data) {
            return match self.find(name, data.span, diags) {
                Found::Fault => Err(Fault),
                Found::Absent => Ok(Data::new(data.span, Value::Null)),
                Found::Link(arg) => {
                    let mut value = arg.value.clone();
                    delay_by(&mut value, delay);
                    Ok(value)
                }
                Found::Setting(setting, ty) if budget.spend(&setting.value) => Ok(moved(setting, ty, base)),
                Found::Setting(..) => {
                    diags.push(spent(data.span));
                    Err(Fault)
                }
            };
        }
        let value = match &data.value {
            Value::Text(text) if text.starts_with("$$") => {
                let inner = data.inner.map(|skip| skip + 1);
                return Ok(Data { span: data.span, inner, value: Value::Text(text[1..].to_owned()) });
            }
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.data(item, base, budget, diags)).collect();
                Value::List(items.into_iter().collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let entries: Vec<_> = entries.iter().map(|(key, data)| Ok((key.clone(), self.data(data, base, budget, diags)?))).collect();
                Value::Map(entries.into_iter().collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        };
        Ok(Data { value, ..*data })
    }

    /// The name and the delay, when the value is exactly `$name`, or `$name@-1` with the name of an input.
    fn named<'a>(&self, data: &'a Data) -> Option<(&'a str, i64)> {
        let text = data.text()?.strip_prefix('$')?;
        let Some((name, delay)) = text.split_once('@') else { return is_name(text).then_some((text, 0)) };
        let is_input = self.absent.contains(name) || self.inputs.iter().any(|(input, _)| input == name);
        let delay = delay.strip_prefix('+').unwrap_or(delay).parse().ok()?;
        is_input.then_some((name, delay))
    }

    fn find(&mut self, name: &str, place: Span, diags: &mut Diagnostics) -> Found<'_> {
        self.used.insert(name.to_owned());
        if self.absent.contains(name) {
            return Found::Absent;
        }
        if let Some(at) = self.inputs.iter().position(|(input, _)| input == name) {
            return Found::Link(&self.inputs[at].1);
        }
        let Some(at) = self.decls.iter().position(|decl| decl.name == name) else {
            // One that is declared wrongly has been told of already.
            if !self.missing.contains(name) {
                let near = nearest(name, self.names()).map(str::to_owned);
                diags.push(undeclared(name, place, near.as_deref()));
                self.used.extend(near);
            }
            return Found::Fault;
        };
        let decl = &self.decls[at];
        if let Some(setting) = &decl.setting {
            return Found::Setting(setting, decl.ty);
        }
        if decl.optional {
            return Found::Absent;
        }
        if self.missing.insert(name.to_owned()) {
            diags.push(unset(decl, place));
        }
        Found::Fault
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.decls.iter().map(|decl| decl.name.as_str()).chain(self.inputs.iter().map(|(name, _)| name.as_str()))
    }

    /// Marks names that could not be declared, so that their use is no second error.
    pub(in super::super) fn forgive(&mut self, names: impl IntoIterator<Item = String>) {
        self.missing.extend(names);
    }

    /// Marks what `data` names as used, without replacing it.
    pub(in super::super) fn note(&mut self, data: &Data) {
        if let Some((name, _)) = self.named(data) {
            self.used.insert(name.to_owned());
        }
        match &data.value {
            Value::List(items) => items.iter().for_each(|item| self.note(item)),
            Value::Map(entries) => entries.iter().for_each(|(_, data)| self.note(data)),
            _ => {}
        }
    }

    /// A warning for each parameter that nothing names.
    pub(in super::super) fn unused(&self) -> impl Iterator<Item = Diagnostic> {
        self.decls.iter().filter(|decl| !self.used.contains(&decl.name)).map(|decl| {
            Diagnostic::warning("unused-param", format!("the parameter `{}` is never used", decl.name))
                .at(decl.span, "")
                .help(format!("write `${}` where its value belongs, or remove it", decl.name))
        })
    }
}

/// Something is wrong and has been reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Fault;

/// Adds to the delay of a link, or of each of a list. What is no link is told of where it is read.
fn delay_by(link: &mut Data, more: i64) {
    match &mut link.value {
        _ if more == 0 => {}
        Value::Text(text) => {
            let Ok(parts) = split(text) else { return };
            let end = parts.port.map_or(parts.node.end, |port| port.end);
            let delay = parts.delay.saturating_add(more);
            *text = if delay == 0 { text[..end].to_owned() } else { format!("{}@{delay:+}", &text[..end]) };
            link.inner = None;
        }
        Value::List(links) => links.iter_mut().for_each(|link| delay_by(link, more)),
        Value::Map(parts) => parts.iter_mut().filter(|(key, _)| key.text == "from").for_each(|(_, from)| delay_by(from, more)),
        _ => {}
    }
}

/// A setting's value for the inside of a list or mapping: a path keeps its meaning in another file's folder.
fn moved(setting: &Setting, ty: ParamType, base: &Path) -> Data {
    let mut data = setting.value.clone();
    if let (ParamType::Path, Value::Text(text)) = (ty, &data.value)
        && setting.base != base
        && let Ok(path) = std::path::absolute(setting.base.join(text))
    {
        (data.inner, data.value) = (None, Value::Text(path.display().to_string()));
    }
    data
}

fn unset(decl: &ParamDecl, place: Span) -> Diagnostic {
    let example = match decl.ty {
        ParamType::Integer | ParamType::Number | ParamType::Curve => "1".to_owned(),
        ParamType::Flag => "true".to_owned(),
        ParamType::Size => "768x432".to_owned(),
        ParamType::Time => "4s".to_owned(),
        ParamType::Choice => decl.choices.first().cloned().unwrap_or_default(),
        ParamType::Path | ParamType::Text | ParamType::Prompt => "…".to_owned(),
    };
    Diagnostic::error("unset-param", format!("the parameter `{}` has no value", decl.name))
        .at(place, "needed here")
        .at(decl.span, "declared without a default")
        .help(format!("give one with `--set {}={example}`, or declare a `default`", decl.name))
}

fn undeclared(name: &str, place: Span, near: Option<&str>) -> Diagnostic {
    let found = Diagnostic::error("unknown-param", format!("no parameter is declared for `${name}`")).at(place, "");
    match near {
        Some(near) => found.help(format!("write `${near}`")),
        None => found.help(format!("declare `{name}` under `params`, or write `$${name}` for the text itself")),
    }
}

fn spent(place: Span) -> Diagnostic {
    Diagnostic::error("too-large", "presets and parameters make the graph too large").at(place, "with this one")
}

/// An argument as a file writes it.
pub(in super::super) fn written(key: &Key, value: &Data, layer: Layer, base: &Path) -> Arg {
    let (key, value, base) = (key.clone(), value.clone(), base.to_owned());
    Arg { key, value, layer, base, via: None, overridden: Vec::new(), role: Role::Other }
}
