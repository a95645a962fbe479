//! Names across the border of a subgraph: its nodes get names of their own in the flat graph, its outputs stand for them.

use std::collections::HashMap;

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::param::{Data, Value};

use super::super::fields;
use super::super::graph::Role;
use super::super::link::{self, is_name};

/// An output of a node of the flat graph.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) node: String,
    /// The port, where it is not the main one.
    pub(super) port: Option<String>,
    /// The name of the main one, for expressions, which always name a port.
    pub(super) main: Option<String>,
}

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
    /// A node, under its name there, with the name of its main output.
    Node { flat: String, main: Option<String> },
    /// The outputs of a subgraph, by name, the main one first.
    Sub { preset: String, outputs: Vec<(String, Output)> },
}

impl Target {
    fn output(&self, port: Option<&str>) -> Option<Output> {
        match self {
            Self::Node { flat, main } => Some(Output { node: flat.clone(), port: port.map(str::to_owned), main: main.clone() }),
            Self::Sub { outputs, .. } => {
                outputs.iter().find(|(name, _)| port.is_none_or(|port| port == name)).map(|(_, output)| output.clone())
            }
        }
    }
}

impl Space {
    /// Puts names in `data` as the flat graph has them.
    pub(super) fn rename(&self, data: &mut Data, role: Role, diags: &mut Diagnostics) {
        let idle = self.top && self.targets.values().all(|target| matches!(target, Target::Node { .. }));
        match role {
            Role::Input if !idle => texts(data, &mut |text, span| self.link(text, span, diags)),
            Role::Curve if !idle => texts(data, &mut |text, _| self.streams(text)),
            Role::Prompt if !idle => texts(data, &mut |text, _| self.maths(text)),
            Role::Clock if !idle => texts(data, &mut |text, _| self.node(text)),
            _ => {}
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
            let (message, word) = (format!("the preset `{preset}` has no output"), port.unwrap_or_default());
            diags.push(fields::unknown("unknown-output", &message, (word, span), &names));
        }
        output
    }

    fn link(&self, text: &str, span: Span, diags: &mut Diagnostics) -> String {
        if text == link::NOTHING {
            return text.to_owned();
        }
        let delay = text.find('@').map_or("", |at| &text[at..]);
        match (text.starts_with('$'), self.resolve(text, span, diags)) {
            (false, Some(Output { node, port: Some(port), .. })) => format!("{node}.{port}{delay}"),
            (false, Some(Output { node, .. })) => format!("{node}{delay}"),
            _ => text.to_owned(),
        }
    }

    /// A prompt with each `node.port` between its back-ticks renamed.
    fn maths(&self, text: &str) -> String {
        let parts: Vec<&str> = text.split('`').collect();
        // What follows a back-tick without a partner is text.
        let inside = |index: usize| index % 2 == 1 && index + 1 < parts.len();
        let renamed = parts.iter().enumerate().map(|(index, part)| if inside(index) { self.streams(part) } else { (*part).to_owned() });
        renamed.collect::<Vec<_>>().join("`")
    }

    /// The name of a node in the flat graph; any other text as it is.
    fn node(&self, text: &str) -> String {
        let output = self.targets.get(text).and_then(|target| target.output(None));
        output.map_or_else(|| text.to_owned(), |output| output.node)
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
                Some(Output { node, port, main }) => {
                    out.push_str(&node);
                    port.or(main).iter().for_each(|port| out.extend([".", port]));
                }
                None => out.push_str(word),
            }
            rest = &rest[end..];
        }
        out + rest
    }
}

/// Puts every text in `data`, keys aside, through `change`.
fn texts(data: &mut Data, change: &mut dyn FnMut(&str, Span) -> String) {
    match &mut data.value {
        Value::Text(text) => {
            let changed = change(text, data.span);
            if changed != *text {
                (*text, data.inner) = (changed, None);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| texts(item, change)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, item)| texts(item, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_renamed_between_their_back_ticks_only() {
        let target = Target::Node { flat: "look_drums".into(), main: Some("level".into()) };
        let space = Space { top: false, targets: HashMap::from([("drums".to_owned(), target)]) };
        let prompt = "drums.level (snow:`0.5*drums.level`), a ` drums.level";
        assert_eq!(space.maths(prompt), "drums.level (snow:`0.5*look_drums.level`), a ` drums.level");
        assert_eq!(space.streams("1 + drums.beat"), "1 + look_drums.beat");
    }
}
