//! Reading one node as written.

use crate::diag::{Diagnostic, Span};
use crate::param::{Data, Key, Value};

use super::super::fields;
use super::super::graph::{Arg, Candidate, Use};
use super::super::link::{NOTHING, is_name};
use super::super::params::{Fault, written};
use super::flatten::{Flat, Within};
use super::library::Lookup;
use super::rename::Space;

/// Words that YAML reads as something else than text, so that no link could name such a node.
const RESERVED: [&str; 4] = ["true", "false", "null", NOTHING];

/// A node whose kind may still be a preset.
pub(super) struct Raw {
    pub(super) name: String,
    pub(super) name_span: Span,
    pub(super) kind: String,
    pub(super) kind_span: Span,
    pub(super) args: Vec<Arg>,
    pub(super) origin: Option<Use>,
}

impl Flat<'_> {
    /// Reads a node as written.
    pub(super) fn raw(&mut self, key: &Key, data: &Data, space: &Space, within: &mut Within<'_>) -> Result<Raw, Fault> {
        let origin = within.origin.clone();
        let name = format!("{}{}", within.prefix, key.text);
        if let Some(found) = self.bad_name(key, &name) {
            self.report(found, origin.as_ref());
            return Err(Fault);
        }
        self.places.insert(name.clone(), key.span);
        let Head { kind, kind_span, entries } = head(key, data).map_err(|found| self.report(found, origin.as_ref())).map_err(|()| Fault)?;
        let mut given: Vec<Arg> = entries
            .iter()
            .filter(|(key, _)| !["kind", "about"].contains(&key.text.as_str()) && !key.text.starts_with("x-"))
            .map(|(key, data)| written(key, data, within.layer.clone(), within.base))
            .collect();
        for set in within.overrides.iter().filter(|set| set.node.text == key.text) {
            // A parameter that is named here counts as used, although another value takes its place.
            given.iter().filter(|arg| arg.key.text == set.key.text).for_each(|arg| within.scope.note(&arg.value));
            override_with(&mut given, written(&set.key, &set.value, set.layer.clone(), &set.base));
        }
        let mut args = Vec::new();
        let mut fault = false;
        for mut arg in given {
            arg.role = self.role(kind, &arg.key.text);
            let done = self.inside(origin.as_ref(), |flat| {
                space.rename(&mut arg.value, arg.role, flat.diags);
                within.scope.arg(arg, flat.budget, flat.diags)
            });
            match done {
                Ok(arg) => args.extend(arg),
                Err(Fault) => fault = true,
            }
        }
        if fault {
            // Its other arguments have been looked at; the kind is, too, so that all is told at once.
            self.known(kind, kind_span, origin.as_ref());
            return Err(Fault);
        }
        Ok(Raw { name, name_span: key.span, kind: kind.to_owned(), kind_span, args, origin })
    }

    fn bad_name(&self, key: &Key, flat: &str) -> Option<Diagnostic> {
        let found = |message: String| Diagnostic::error("bad-name", message).at(key.span, "");
        if !is_name(&key.text) {
            return Some(
                found(format!("`{}` cannot be the name of a node", key.text))
                    .help("begin with a letter and go on with letters, digits, `_` or `-`"),
            );
        }
        if RESERVED.contains(&key.text.to_lowercase().as_str()) {
            return Some(found(format!("a node called `{}` could not be linked to", key.text)).help("choose another name"));
        }
        let first = self.places.get(flat)?;
        Some(
            Diagnostic::error("duplicate-node", format!("two nodes would be called `{flat}`"))
                .at(key.span, "this one")
                .at(*first, "and this one")
                .help("rename one of them"),
        )
    }

    /// Whether `kind` is a kind or preset; if not, that is reported.
    pub(super) fn known(&mut self, kind: &str, span: Span, origin: Option<&Use>) -> bool {
        if self.kinds.is_kind(kind) || !matches!(self.library.peek(kind, self.sources), Lookup::None) {
            return true;
        }
        let (kinds, presets) = (self.kinds.names(), self.library.names());
        let names = kinds.iter().copied().chain(presets.iter().map(String::as_str));
        let found = Diagnostic::error("unknown-kind", format!("there is no kind or preset `{kind}`")).at(span, "").suggest(kind, names);
        let found = if found.help.is_empty() { found.help("run `frameloom nodes` to see all kinds and presets") } else { found };
        self.report(found, origin);
        false
    }
}

/// Kind and entries of a node as written.
struct Head<'d> {
    kind: &'d str,
    kind_span: Span,
    entries: &'d [(Key, Data)],
}

fn head<'d>(key: &Key, data: &'d Data) -> Result<Head<'d>, Diagnostic> {
    let name = &key.text;
    let Value::Map(entries) = &data.value else {
        let kind = data.text().unwrap_or("…");
        return Err(fields::wrong(&format!("the node `{name}`"), "a mapping", data).help(format!("write `{name}: {{ kind: {kind} }}`")));
    };
    match fields::get(entries, "kind") {
        None => Err(Diagnostic::error("missing-kind", format!("the node `{name}` does not say what it does"))
            .at(key.span, "")
            .help("add `kind: …`")),
        Some(kind) => match kind.text() {
            Some(word) => Ok(Head { kind: word, kind_span: kind.span, entries }),
            None => Err(fields::wrong("`kind`", "the name of a kind or preset", kind)),
        },
    }
}

/// Puts a stronger argument over one of the same name, or adds it.
pub(super) fn override_with(args: &mut Vec<Arg>, mut strong: Arg) {
    match args.iter_mut().find(|arg| arg.key.text == strong.key.text) {
        None => args.push(strong),
        Some(weak) => {
            let mut below = std::mem::take(&mut weak.overridden);
            below.push(Candidate { layer: weak.layer.clone(), value: weak.value.clone(), via: weak.via.clone() });
            below.append(&mut strong.overridden);
            strong.overridden = below;
            *weak = strong;
        }
    }
}
