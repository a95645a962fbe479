//! The builder that turns the parser's events into a tree.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, ScalarStyle, Span as Place, Tag};

use crate::diag::{Diagnostic, Diagnostics, SourceId, Span};
use crate::param::{Data, Key, Value};

use super::{MAX_COPIED, MAX_DEPTH, scalar};

/// A finished value, with what it weighs and how deep it goes.
#[derive(Clone)]
struct Built {
    data: Data,
    /// As a key would be spelled; nothing for lists and mappings.
    spelling: Option<String>,
    weight: usize,
    depth: usize,
}

/// A list or mapping that is not closed yet.
struct Open {
    start: usize,
    flow: bool,
    anchor: usize,
    weight: usize,
    depth: usize,
    /// One past the last byte of the last child.
    end: usize,
    body: Body,
}

enum Body {
    List(Vec<Data>),
    Map { entries: Vec<(Key, Data)>, places: HashMap<String, Span>, merges: Vec<Data>, key: Slot },
}

/// What a mapping waits for.
enum Slot {
    /// A key.
    Empty,
    /// The value of this key.
    Key(Key),
    /// The value of `<<`.
    Merge,
    /// The value of a key that was refused: it is dropped.
    Refused,
}

/// The tree while it grows.
pub(super) struct Tree<'a> {
    source: SourceId,
    text: &'a str,
    offset: usize,
    diags: &'a mut Diagnostics,
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    names: Vec<String>,
    /// What anchors and aliases have copied so far.
    copied: usize,
    root: Option<Data>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(source: SourceId, text: &'a str, offset: usize, diags: &'a mut Diagnostics) -> Self {
        Self { source, text, offset, diags, open: Vec::new(), anchors: HashMap::new(), names: Vec::new(), copied: 0, root: None }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diags.push(diagnostic);
    }

    /// Where the innermost `[` or `{` stands that is still open, if nothing in block style has begun since.
    pub(super) fn open_bracket(&self) -> Option<usize> {
        self.open.last().filter(|open| open.flow).map(|open| open.start - self.offset)
    }

    pub(super) fn finish(self) -> Option<Data> {
        self.root
    }

    /// Takes one event; `None` when going on is of no use.
    pub(super) fn take(&mut self, event: Event<'_>, place: &Place) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), place),
            Event::SequenceStart(_, anchor, tag) => self.begin(Body::List(Vec::new()), anchor, tag.as_deref(), place),
            Event::MappingStart(_, anchor, tag) => {
                let body = Body::Map { entries: Vec::new(), places: HashMap::new(), merges: Vec::new(), key: Slot::Empty };
                self.begin(body, anchor, tag.as_deref(), place);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(place),
            Event::Anchor(_, name) => self.names.push(name.into_owned()),
            Event::Alias(id) => return self.alias(id, place),
            Event::UnresolvedAlias(name) => {
                let found = Diagnostic::error("unknown-anchor", format!("no anchor `&{name}` stands before this alias"))
                    .at(self.span(place), "")
                    .suggest(
                        &format!("*{name}"),
                        self.names.iter().map(|n| format!("*{n}")).collect::<Vec<_>>().iter().map(String::as_str),
                    );
                self.report(found);
                self.refuse();
            }
            _ => {}
        }
        Some(())
    }

    fn span(&self, place: &Place) -> Span {
        let range = place.byte_range().unwrap_or(0..0);
        Span::new(self.source, self.offset + range.start, self.offset + range.end)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, place: &Place) {
        let mut span = self.span(place);
        // The parser counts the line break that ends a block text; the underline should not reach into the next line.
        let local = span.start as usize - self.offset..span.end as usize - self.offset;
        let written = self.text.get(local).map_or("", str::trim_end);
        span = Span::new(self.source, span.start as usize, span.start as usize + written.len());
        let within = written.get(1..written.len().saturating_sub(1));
        let inner = if written == text { Some(0) } else { within.filter(|within| *within == text).map(|_| 1) };
        let as_text = tag.is_some_and(|t| t.core_suffix() == Some("str")) || (tag.is_none() && style != ScalarStyle::Plain);
        let value = if as_text { Ok(Value::Text(text.to_owned())) } else { scalar::plain(text) };
        let value = match value {
            Ok(value) => value,
            Err(fault) => {
                self.report(fault.diagnostic(span));
                self.refuse();
                return;
            }
        };
        let fits = tag.is_none_or(|tag| {
            matches!(
                (tag.core_suffix(), &value),
                (Some("str"), _)
                    | (Some("int"), Value::Integer(_))
                    | (Some("float"), Value::Integer(_) | Value::Number(_))
                    | (Some("bool"), Value::Bool(_))
                    | (Some("null"), Value::Null)
            )
        });
        if !fits {
            self.bad_tag(place);
            self.refuse();
            return;
        }
        let spelling = Some(text.to_owned());
        self.built(Built { data: Data { span, inner, value }, spelling, weight: 1 + text.len(), depth: 0 }, anchor);
    }

    fn bad_tag(&mut self, place: &Place) {
        let span = place.tag_span().map_or_else(|| self.span(place), |tag| self.span(&tag));
        self.report(
            Diagnostic::error("yaml", "tags of this sort mean nothing in a graph")
                .at(span, "")
                .help("remove the tag, or put the text in quotes if it is text"),
        );
    }

    fn begin(&mut self, body: Body, anchor: usize, tag: Option<&Tag>, place: &Place) {
        let wanted = if matches!(body, Body::List(_)) { "seq" } else { "map" };
        if tag.is_some_and(|tag| tag.core_suffix() != Some(wanted)) {
            self.bad_tag(place);
        }
        let span = self.span(place);
        let (start, end) = (span.start as usize, span.end as usize);
        let flow = self.text.get(start - self.offset..).is_some_and(|rest| rest.starts_with(['[', '{'])) && end > start;
        self.open.push(Open { start, flow, anchor, weight: 1, depth: 0, end: end.max(start), body });
    }

    fn end(&mut self, place: &Place) {
        let Some(open) = self.open.pop() else { return };
        let end = if open.flow { self.span(place).end as usize } else { open.end };
        let span = Span::new(self.source, open.start, end.max(open.start));
        let value = match open.body {
            Body::List(items) => Value::List(items),
            Body::Map { mut entries, mut places, merges, .. } => {
                for (key, value) in merges.into_iter().flat_map(merged) {
                    if places.insert(key.text.clone(), key.span).is_none() {
                        entries.push((key, value));
                    }
                }
                Value::Map(entries)
            }
        };
        self.built(Built { data: Data::new(span, value), spelling: None, weight: open.weight, depth: open.depth + 1 }, open.anchor);
    }

    fn alias(&mut self, id: usize, place: &Place) -> Option<()> {
        let span = self.span(place);
        let (weight, depth) = self.anchors.get(&id).map_or((0, 0), |built| (built.weight, built.depth));
        self.copied = self.copied.saturating_add(weight);
        if self.copied > MAX_COPIED || self.open.len() + depth > MAX_DEPTH {
            let what = if self.copied > MAX_COPIED { "large" } else { "deep" };
            self.report(
                Diagnostic::error("alias-budget", format!("aliases make the document too {what}"))
                    .at(span, "with this one")
                    .help("write the values out, or use a preset"),
            );
            return None;
        }
        let Some(mut built) = self.anchors.get(&id).cloned() else {
            self.report(
                Diagnostic::error("recursive-alias", "the alias stands inside the value that it repeats")
                    .at(span, "")
                    .help("a loop between frames is written as a delayed link, such as `painted@-1`"),
            );
            return None;
        };
        (built.data.span, built.data.inner) = (span, None);
        self.built(built, 0);
        Some(())
    }

    /// Hands a finished value to whatever waits for it.
    fn built(&mut self, built: Built, anchor: usize) {
        if anchor != 0 {
            self.copied = self.copied.saturating_add(built.weight);
            if self.copied <= MAX_COPIED {
                self.anchors.insert(anchor, built.clone());
            }
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(built.data);
            return;
        };
        open.weight = open.weight.saturating_add(built.weight);
        open.depth = open.depth.max(built.depth);
        open.end = open.end.max(built.data.span.end as usize);
        match &mut open.body {
            Body::List(items) => items.push(built.data),
            Body::Map { entries, places, merges, key } => match std::mem::replace(key, Slot::Empty) {
                Slot::Empty => match as_key(built) {
                    Ok(found) => *key = fresh(found, places, self.diags),
                    Err(fault) => {
                        self.diags.push(fault);
                        *key = Slot::Refused;
                    }
                },
                Slot::Key(found) => entries.push(entry(found, built.data)),
                Slot::Merge if merge_fits(&built.data) => merges.push(built.data),
                Slot::Merge => self.diags.push(
                    Diagnostic::error("yaml", "`<<` takes a mapping or a list of mappings")
                        .at(built.data.span, "")
                        .help("write `<<: *name`"),
                ),
                Slot::Refused => {}
            },
        }
    }

    /// Drops the value that was about to be built, or the entry whose key it was.
    fn refuse(&mut self) {
        if let Some(Open { body: Body::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = if matches!(key, Slot::Empty) { Slot::Refused } else { Slot::Empty };
        }
    }
}

/// The entry of a mapping. A value left out stands where its key stands, so that there is something to underline.
fn entry(key: Key, mut data: Data) -> (Key, Data) {
    if data.span.start == data.span.end {
        data.span = key.span;
    }
    (key, data)
}

fn as_key(built: Built) -> Result<Key, Diagnostic> {
    let span = built.data.span;
    match built.spelling {
        Some(text) if !text.is_empty() => Ok(Key { span, inner: built.data.inner, text }),
        Some(_) => Err(Diagnostic::error("yaml", "a key is missing before `:`").at(span, "")),
        None => Err(Diagnostic::error("yaml", format!("a key has to be a word, not {}", built.data.what()))
            .at(span, "")
            .help("put text that begins with `{` or `[` in quotes; a parameter is written `$name`")),
    }
}

/// The slot for a key, unless the mapping has it already.
fn fresh(key: Key, places: &mut HashMap<String, Span>, diags: &mut Diagnostics) -> Slot {
    if key.text == "<<" {
        return Slot::Merge;
    }
    if let Some(first) = places.get(&key.text) {
        diags.push(
            Diagnostic::error("duplicate-key", format!("`{}` is written twice", key.text))
                .at(key.span, "again here")
                .at(*first, "first here")
                .help("remove or rename one of them"),
        );
        return Slot::Refused;
    }
    places.insert(key.text.clone(), key.span);
    Slot::Key(key)
}

fn merge_fits(data: &Data) -> bool {
    match &data.value {
        Value::Map(_) => true,
        Value::List(items) => items.iter().all(|item| matches!(item.value, Value::Map(_))),
        _ => false,
    }
}

/// The entries that `<<` brings in, the strongest first.
fn merged(data: Data) -> Vec<(Key, Data)> {
    match data.value {
        Value::Map(entries) => entries,
        Value::List(items) => items.into_iter().flat_map(merged).collect(),
        _ => Vec::new(),
    }
}
