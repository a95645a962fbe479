//! Names across the border of a subgraph: its nodes get names of their own in the flat graph, its outputs stand for them.

use std::collections::HashMap;

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::param::{Data, Key, Value};

use super::super::fields;
use super::super::graph::Role;
use super::super::link::{self, is_name};

/// A node of the flat graph, and one of its outputs where that is not the main one.
pub(super) type Output = (String, Option<String>);

/// The nodes that links in one file may name.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// Whether this is the graph itself: the plan tells of names that it does not have.
    pub(super) top: bool,
    pub(super) targets: HashMap<String, Target>,
}

/// What a name stands for in the flat graph.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A node, under its name there.
    Node(String),
    /// The outputs of a subgraph, by name, the main one first.
    Sub { preset: String, outputs: Vec<(String, Output)> },
}

impl Target {
    fn output(&self, port: Option<&str>) -> Option<Output> {
        match self {
            Self::Node(flat) => Some((flat.clone(), port.map(str::to_owned))),
            Self::Sub { outputs, .. } => {
                outputs.iter().find(|(name, _)| port.is_none_or(|port| port == name)).map(|(_, output)| output.clone())
            }
        }
    }
}

impl Space {
    /// `data` with its names as the flat graph has them.
    pub(super) fn rename(&self, data: Data, role: Role, diags: &mut Diagnostics) -> Data {
        let idle = self.top && self.targets.values().all(|target| matches!(target, Target::Node(_)));
        match role {
            Role::Input if !idle => texts(data, &mut |text, span| self.link(text, span, diags)),
            Role::Curve if !idle => texts(data, &mut |text, _| self.streams(text)),
            _ => data,
        }
    }

    /// The output behind a link's text; a name that the file does not have is reported.
    pub(super) fn resolve(&self, text: &str, span: Span, diags: &mut Diagnostics) -> Option<Output> {
        let parts = link::split(text).ok()?;
        let (node, port) = (&text[parts.node], parts.port.map(|range| &text[range]));
        let Some(target) = self.targets.get(node) else {
            if !self.top {
                let names: Vec<&str> = self.targets.keys().map(String::as_str).collect();
                let found = Diagnostic::error("unknown-node", format!("the preset has no node `{node}`")).at(span, "");
                diags.push(found.suggest(node, names).help("an input is written `$name`"));
            }
            return None;
        };
        let output = target.output(port);
        if let (None, Target::Sub { preset, outputs }) = (&output, target) {
            let names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
            let written = Key { span, text: port.unwrap_or_default().to_owned() };
            diags.push(fields::unknown("unknown-output", &format!("the preset `{preset}` has no output"), &written, &names));
        }
        output
    }

    fn link(&self, text: &str, span: Span, diags: &mut Diagnostics) -> String {
        let delay = text.find('@').map_or("", |at| &text[at..]);
        match (text.starts_with('$'), self.resolve(text, span, diags)) {
            (false, Some((node, Some(port)))) => format!("{node}.{port}{delay}"),
            (false, Some((node, None))) => format!("{node}{delay}"),
            _ => text.to_owned(),
        }
    }

    /// An expression with each `node.port` in it renamed.
    fn streams(&self, text: &str) -> String {
        let word_char = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(word_char) {
            let end = rest[start..].find(|c| !word_char(c)).map_or(rest.len(), |length| start + length);
            let word = &rest[start..end];
            let stream = word.split_once('.').filter(|(node, port)| is_name(node) && is_name(port));
            let output = stream.and_then(|(node, port)| self.targets.get(node)?.output(Some(port)));
            out.push_str(&rest[..start]);
            match output {
                Some((node, Some(port))) => out.extend([node.as_str(), ".", port.as_str()]),
                Some((node, None)) => out.push_str(&node),
                None => out.push_str(word),
            }
            rest = &rest[end..];
        }
        out + rest
    }
}

/// `data` with every text in it, keys aside, put through `change`.
fn texts(data: Data, change: &mut dyn FnMut(&str, Span) -> String) -> Data {
    let span = data.span;
    let value = match data.value {
        Value::Text(text) => Value::Text(change(&text, span)),
        Value::List(items) => Value::List(items.into_iter().map(|item| texts(item, change)).collect()),
        Value::Map(entries) => Value::Map(entries.into_iter().map(|(key, data)| (key, texts(data, change))).collect()),
        other => other,
    };
    Data { span, value }
}
