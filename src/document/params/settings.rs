//! What the user sets from outside: `--params FILE` and `--set NAME=VALUE`.

use std::path::PathBuf;

use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, Span};
use crate::param::{Data, Key, Value};

use super::super::graph::{Candidate, Layer};
use super::super::{LoadOptions, fields, load, yaml};
use super::decl::{ParamDecl, ParamType, Setting, check};

/// `NODE.PARAM = value` from outside.
#[derive(Debug, Clone)]
pub(in super::super) struct Override {
    /// The node, and where it is named.
    pub(in super::super) node: Key,
    /// The input or parameter.
    pub(in super::super) key: Key,
    /// Its value.
    pub(in super::super) value: Data,
    pub(in super::super) layer: Layer,
    pub(in super::super) base: PathBuf,
}

/// Applies `--params` and then `--set` to the declarations; returns what addresses nodes.
pub(in super::super) fn settings(
    options: &LoadOptions<'_>,
    decls: &mut [ParamDecl],
    sources: &mut Sources,
    diags: &mut Diagnostics,
) -> Vec<Override> {
    let mut overrides = Vec::new();
    for path in options.params_files {
        let Some((source, text)) = load::read_file(path, sources, diags) else { continue };
        let Some(data) = yaml::parse(source, &text, 0, diags) else { continue };
        let Some(entries) = fields::mapping(&data, "a file of parameters", diags) else { continue };
        let layer = Layer::Params(path.display().to_string());
        let base = path.parent().map(PathBuf::from).unwrap_or_default();
        for (key, value) in entries {
            let given = Given { key: key.clone(), value: value.clone(), layer: layer.clone(), base: base.clone() };
            given.apply(decls, &mut overrides, diags);
        }
    }
    for setting in options.set {
        let source = sources.add("--set", setting.as_str());
        if let Some(given) = from_set(setting, source, decls, diags) {
            given.apply(decls, &mut overrides, diags);
        }
    }
    overrides
}

/// A value for a name, from outside.
struct Given {
    key: Key,
    value: Data,
    layer: Layer,
    base: PathBuf,
}

/// Reads `NAME=VALUE`. For a parameter that takes text, the value is taken as it stands unless it is in quotes.
fn from_set(setting: &str, source: SourceId, decls: &[ParamDecl], diags: &mut Diagnostics) -> Option<Given> {
    let Some((name, written)) = setting.split_once('=') else {
        diags.push(
            Diagnostic::error("bad-setting", "`--set` takes a name and a value")
                .at(Span::new(source, 0, setting.len()), "no `=` here")
                .help("write `--set NAME=VALUE`"),
        );
        return None;
    };
    let trimmed = name.trim();
    let start = name.len() - name.trim_start().len();
    let key = Key { span: Span::new(source, start, start + trimmed.len()), inner: Some(0), text: trimmed.to_owned() };
    let offset = name.len() + 1;
    let ty = decls.iter().find(|decl| decl.name == key.text).map(|decl| decl.ty);
    let opens: &[char] = if ty == Some(ParamType::Prompt) { &['"', '\'', '{'] } else { &['"', '\''] };
    let literal = ty.is_some_and(ParamType::takes_text) && !(written.starts_with(opens) && written.len() > 1);
    let span = Span::new(source, offset, setting.len());
    let value = if literal {
        Data { span, inner: Some(0), value: Value::Text(written.to_owned()) }
    } else {
        yaml::parse_setting(source, written, offset, diags)?
    };
    Some(Given { key, value, layer: Layer::Set, base: PathBuf::new() })
}

impl Given {
    fn apply(self, decls: &mut [ParamDecl], overrides: &mut Vec<Override>, diags: &mut Diagnostics) {
        if let Some((node, rest)) = self.key.text.split_once('.') {
            let dot = node.len();
            let part = |range, text: &str| Key { span: self.key.span.part(range), inner: Some(0), text: text.to_owned() };
            let (node, key) = (part(0..dot, node), part(dot + 1..self.key.text.len(), rest));
            overrides.push(Override { node, key, value: self.value, layer: self.layer, base: self.base });
            return;
        }
        let Some(decl) = decls.iter_mut().find(|decl| decl.name == self.key.text) else {
            let names: Vec<&str> = decls.iter().map(|decl| decl.name.as_str()).collect();
            let found = fields::unknown("unknown-param", "the graph has no parameter", (&self.key.text, self.key.span), &names);
            diags.push(found.help("write `NODE.PARAM` to set a node's own value"));
            return;
        };
        if let Err(found) = check(decl, &self.value) {
            diags.push(found);
            return;
        }
        let mut overridden = Vec::new();
        if let Some(weaker) = decl.setting.take() {
            overridden = weaker.overridden;
            overridden.push(Candidate { layer: weaker.layer, value: weaker.value, via: None });
        }
        decl.setting = Some(Setting { value: self.value, layer: self.layer, base: self.base, overridden });
    }
}
