//! YAML text → a tree of [`Data`] in which every key and value knows its place.
//!
//! The tree is built from the parser's events rather than through serde: so a repeated key shows both places, an alias shows
//! where it is used, and a fault in one entry does not hide the faults of the others. Only this room names the YAML crate.

mod faults;
mod scalar;
mod tree;

use serde_saphyr::granit_parser::{Event, Options, Parser};

use crate::diag::{Diagnostic, Diagnostics, SourceId, Span};
use crate::param::{Data, Value};

use tree::Tree;

/// The longest document that is read, in bytes. A graph is some kilobytes; beyond this something is wrong, or hostile.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// How deep lists and mappings may nest, aliases included: recursion over a tree stays far from the end of the stack.
pub(super) const MAX_DEPTH: usize = 64;

/// How much anchors and aliases may copy, as nodes plus bytes of text: what keeps "billion laughs" small.
pub(super) const MAX_COPIED: usize = 1 << 20;

/// Reads the one document in `text`, which begins at byte `offset` of `source`.
///
/// Faults go to `diags`; `None` when nothing of the document can be used.
pub(super) fn parse(source: SourceId, text: &str, offset: usize, diags: &mut Diagnostics) -> Option<Data> {
    if text.len() > MAX_BYTES {
        diags.push(too_long(text.len()));
        return None;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_anchor_events = true;
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let mut tree = Tree::new(source, text, offset, diags);
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, place) = match next {
            Ok(next) => next,
            Err(fault) => {
                let opened = tree.open_bracket();
                tree.report(faults::reword(&fault, source, text, offset, opened));
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let at = place.start.byte_offset().unwrap_or(0) + offset;
                tree.report(
                    Diagnostic::error("yaml", "the file holds more than one document")
                        .at(Span::new(source, at, at + 3), "the second begins here")
                        .help("keep one document in a file: remove the line `---`"),
                );
                return None;
            }
        }
        tree.take(event, &place)?;
    }
    let root = tree.finish()?;
    let blank = root.value == Value::Null && root.span.start == root.span.end;
    (!blank).then_some(root)
}

/// Reads a value as `--set` gives it: a plain scalar unless it opens a list, a mapping or a quote.
pub(super) fn parse_setting(source: SourceId, text: &str, offset: usize, diags: &mut Diagnostics) -> Option<Data> {
    if text.trim_start().starts_with(['[', '{', '"', '\'']) {
        return parse(source, text, offset, diags);
    }
    let start = offset + text.len() - text.trim_start().len();
    let span = Span::new(source, start, start + text.trim().len());
    match scalar::plain(text.trim()) {
        Ok(value) => Some(Data { span, inner: Some(0), value }),
        Err(fault) => {
            diags.push(fault.diagnostic(span));
            None
        }
    }
}

/// Whether `text` without quotes is read as text.
pub(super) fn is_text(text: &str) -> bool {
    matches!(scalar::plain(text), Ok(Value::Text(_)))
}

/// The refusal of a document of `bytes` bytes.
pub(super) fn too_long(bytes: usize) -> Diagnostic {
    Diagnostic::error("document-too-long", format!("the document has {bytes} bytes, more than the {MAX_BYTES} that are read"))
        .help("split it, or move long tables into files that nodes read by `path`")
}

#[cfg(test)]
mod tests;
