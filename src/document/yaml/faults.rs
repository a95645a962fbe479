//! The parser's complaints, in words that say what to type.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use crate::diag::{Diagnostic, SourceId, Span};

use super::MAX_DEPTH;

/// The diagnostic for a fault of syntax in `text`, which begins at byte `offset` of `source`.
///
/// `opened` is the bracket that is open there, if one is.
pub(super) fn reword(fault: &ScanError, source: SourceId, text: &str, offset: usize, opened: Option<usize>) -> Diagnostic {
    let at = fault.marker().byte_offset().unwrap_or(text.len());
    let range = match text.as_bytes().get(..at).and_then(|before| before.iter().rposition(|b| *b == b'\t')) {
        Some(tab) if is_tab(fault.kind()) && text[tab..at].trim().is_empty() => tab..tab + 1,
        _ => underlined(text, at),
    };
    let (message, help) = words(fault.kind());
    let found = Diagnostic::error("yaml", message).at(Span::new(source, offset + range.start, offset + range.end), "");
    let found = match opened {
        Some(open) if open < range.start => found.at(Span::new(source, offset + open, offset + open + 1), "opened here"),
        _ => found,
    };
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}

fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

/// What to underline for a fault at byte `at`: the word there, or the last thing written when the text ends there.
fn underlined(text: &str, at: usize) -> std::ops::Range<usize> {
    let at = (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    let rest = &text[at..];
    if rest.trim().is_empty() {
        let end = text.trim_end().len();
        let start = text[..end].char_indices().next_back().map_or(0, |(i, _)| i);
        return start..end;
    }
    let start = at + rest.len() - rest.trim_start_matches([' ', '\n', '\r']).len();
    let word = text[start..].find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(text.len() - start);
    let first = text[start..].chars().next().map_or(1, char::len_utf8);
    start..start + word.max(first)
}

/// The fact and what to do about it.
fn words(kind: &ErrorKind) -> (String, Option<String>) {
    let said = |message: &str, help: &str| (message.to_owned(), Some(help.to_owned()));
    match kind {
        kind if is_tab(kind) => said("a tab stands where YAML wants spaces", "indent with spaces"),
        ErrorKind::UnexpectedCharacter { character } => {
            (format!("`{character}` cannot begin a value"), Some("put the text in quotes".to_owned()))
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            let close = if *open == '{' { '}' } else { ']' };
            (format!("`{open}` is never closed"), Some(format!("add the `{close}`")))
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            (format!("`{open}` is closed by `{close}`"), Some(format!("close it with `{}`", if *open == '{' { '}' } else { ']' })))
        }
        ErrorKind::RecursionLimitExceeded => (format!("lists and mappings are nested more than {MAX_DEPTH} deep"), None),
        kind => rare(kind).unwrap_or_else(|| (kind.to_string().to_lowercase().replace("eof", "end of file"), None)),
    }
}

/// The complaints that need no part of the fault in their words.
fn rare(kind: &ErrorKind) -> Option<(String, Option<String>)> {
    let (message, help) = match kind {
        ErrorKind::MisplacedFlowCollectionEnd => ("a bracket is closed that was never opened", "remove it, or put the text in quotes"),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            ("a `:` where no key can stand", "put text that contains `: ` in quotes, or line the key up with those above")
        }
        ErrorKind::MappingKeyNotAllowed => ("a key where none can stand", "begin it on a line of its own"),
        ErrorKind::ExpectedBlockMappingKey => {
            ("this does not line up with the keys above", "give all keys of a mapping the same indentation, and write `key: value`")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => ("a key without its `:`", "write `key: value`"),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::UnexpectedEofFlowMapping => {
            ("a mapping in braces goes on without `,` or `}`", "write `, ` between entries and close it with `}`")
        }
        ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::UnexpectedEofFlowSequence => {
            ("a list in brackets goes on without `,` or `]`", "write `, ` between items and close it with `]`")
        }
        ErrorKind::ExpectedBlockSequenceEntry => ("this does not line up with the items above", "begin each item with `- `"),
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => {
            ("a `-` item where no list can stand", "put it on a line of its own below its key, or in quotes if it is text")
        }
        ErrorKind::InvalidQuotedScalarIndent => {
            ("a text in quotes runs on into this line", "close the quote, or indent the line if the text goes on")
        }
        ErrorKind::InvalidIndentation | ErrorKind::InvalidFlowScalarIndent => {
            ("this line is not indented as far as what it belongs to", "indent it by two more spaces")
        }
        ErrorKind::InvalidBlockScalarIndent => ("this line of the text block is indented less than the first", "indent it alike"),
        ErrorKind::UnclosedQuotedScalar => ("a quote is opened and never closed", "add the closing quote"),
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            ("something follows the closing quote", "put the whole value in one pair of quotes")
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("an unknown escape in double quotes", "write `\\\\` for a backslash, or use single quotes")
        }
        ErrorKind::ExpectedWhitespace | ErrorKind::InvalidMappingValueWhitespace | ErrorKind::FlowMappingValueAdjacentCollection => {
            ("a blank is missing here", "write one blank after `:`")
        }
        ErrorKind::CommentNotSeparated => ("a comment has to stand apart from what precedes it", "write a blank before `#`"),
        ErrorKind::CommentInterceptedScalar => {
            ("a comment interrupts a text of several lines", "put the text in quotes or move the comment")
        }
        ErrorKind::MissingAnchorOrAliasName => ("a `&` or `*` without a name", "put the text in quotes if no alias is meant"),
        ErrorKind::ExpectedDocumentStart => ("something follows the end of the document", "keep one document in a file"),
        ErrorKind::ExpectedNodeContent => ("a value is missing here", "put the text in quotes if this is text"),
        ErrorKind::UndeclaredTagHandle => ("an unknown tag", "put the text in quotes if no tag is meant"),
        _ => return None,
    };
    Some((message.to_owned(), Some(help.to_owned())))
}
