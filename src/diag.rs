//! Diagnostics: what is wrong, where it is written, and what to type instead.
//!
//! Every phase gathers [`Diagnostic`]s; only the command line renders them. Wording: lower case, no full stop, user text in
//! backticks, the fact first, the help in the imperative.

use std::sync::Arc;

/// One text that diagnostics may point into: a graph, a preset, a `--set` argument.
#[derive(Debug, Clone)]
pub struct Source {
    /// What to call it: the path as the user gave it, or `<--set>`.
    pub name: String,
    /// Its whole text.
    pub text: Arc<str>,
}

/// All texts of a run, so that a [`Span`] is three small numbers.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// Names one text of [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

impl Sources {
    /// Adds a text and returns its name for spans.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> SourceId {
        self.files.push(Source { name: name.into(), text: text.into() });
        SourceId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// The text added first, if there is any.
    #[must_use]
    pub fn first(&self) -> Option<SourceId> {
        (!self.files.is_empty()).then_some(SourceId(0))
    }

    /// The text behind `id`, if it is one of ours.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// The text that `span` covers, or nothing when the span lies outside.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source).and_then(|s| s.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// 1-based line and column (in characters) of the span's start.
    #[must_use]
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let text = self.get(span.source).map_or("", |s| &*s.text);
        let before = text.get(..span.start as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A range of bytes in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Bytes `start..end` of `source`.
    #[must_use]
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let cut = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { source, start: cut(start), end: cut(end) }
    }

    /// The part `range` of this span, counted from its start.
    #[must_use]
    pub fn part(self, range: std::ops::Range<usize>) -> Self {
        let at = |offset: usize| (self.start as usize + offset).min(self.end as usize);
        Self::new(self.source, at(range.start), at(range.end))
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the run goes on.
    Warning,
    /// The graph is not run.
    Error,
}

/// A place and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there; may be empty.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable word for tools, such as `unknown-input`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The fact, in one line.
    pub message: String,
    /// Where; the first is the main place, the others give context.
    pub labels: Vec<Label>,
    /// What to type instead, in the imperative.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: Vec::new() }
    }

    /// A warning without a place yet.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place; the first added is the main one.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds "did you mean" help when a candidate is close to `word`.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, candidates) {
            Some(name) => self.help(format!("write `{name}`")),
            None => self,
        }
    }
}

/// Findings, in the order of discovery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether any of them keeps the graph from running.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Orders them by place, so that a document's errors read from top to bottom.
    pub fn sort(&mut self) {
        self.0.sort_by_key(|d| d.labels.first().map(|l| l.span));
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, iter: T) {
        self.0.extend(iter);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The candidate that `word` most likely meant, if any is close enough to be worth naming.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (word.chars().count().max(name.chars().count()) / 3).max(1))
        .min_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)))
        .map(|(_, name)| name)
}

/// Splits a sentence of the layers below, which say the fact and after a semicolon what to do, into the two.
#[must_use]
pub fn split_advice(sentence: &str) -> (&str, Option<&str>) {
    match sentence.split_once("; ") {
        Some((fact, advice)) => (fact, Some(advice)),
        None => (sentence, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("dept", ["image", "depth"]), Some("depth"));
        assert_eq!(nearest("Strenght", ["strength", "steps"]), Some("strength"));
        assert_eq!(nearest("colour", ["image", "depth"]), None);
        assert_eq!(nearest("x", ["y"]), Some("y"));
    }

    #[test]
    fn lines_and_columns_count_characters() {
        let mut sources = Sources::default();
        let id = sources.add("g.yaml", "a: 1\nü: zwei\n");
        assert_eq!(sources.line_column(Span::new(id, 9, 13)), (2, 4));
        assert_eq!(sources.slice(Span::new(id, 9, 13)), "zwei");
    }
}
