//! What reading a mapping needs: its entries, a word about keys it cannot have, and values of one sort.

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::param::{Data, Key, Value};

/// The entries of a mapping; anything else is reported. Nothing at all counts as a mapping without entries.
pub(super) fn mapping<'a>(data: &'a Data, what: &str, diags: &mut Diagnostics) -> Option<&'a [(Key, Data)]> {
    match &data.value {
        Value::Map(entries) => Some(entries),
        Value::Null => Some(&[]),
        _ => {
            diags.push(wrong(what, "a mapping", data));
            None
        }
    }
}

/// "`what` has to be `wanted`".
pub(super) fn wrong(what: &str, wanted: &str, data: &Data) -> Diagnostic {
    Diagnostic::error("wrong-type", format!("{what} has to be {wanted}, not {}", data.what())).at(data.span, "")
}

/// One finding for each key that is none of `known`. Keys that begin with `x-` are the author's own.
pub(super) fn unknown_keys(entries: &[(Key, Data)], what: &str, known: &[&str]) -> Vec<Diagnostic> {
    let strange = entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str()) && !key.text.starts_with("x-"));
    strange.map(|(key, _)| unknown("unknown-key", &format!("{what} has no key"), (&key.text, key.span), known)).collect()
}

/// "{message} `word`", with the nearest of `known`, or all of them when none is near.
pub(super) fn unknown(code: &'static str, message: &str, (word, span): (&str, Span), known: &[&str]) -> Diagnostic {
    let found = Diagnostic::error(code, format!("{message} `{word}`")).at(span, "");
    let found = found.suggest(word, known.iter().copied());
    match known {
        [] => found,
        _ if !found.help.is_empty() => found,
        [only] => found.help(format!("choose `{only}`, the only one")),
        _ => found.help(format!("choose one of {}", listed(known))),
    }
}

/// `a`, `b` and `c`, each in backticks; the first twelve of them.
pub(super) fn listed(words: &[&str]) -> String {
    let mut quoted: Vec<String> = words.iter().take(12).map(|word| format!("`{word}`")).collect();
    if words.len() > 12 {
        quoted.push(format!("{} more", words.len() - 12));
    }
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// The value under `key`.
pub(super) fn get<'a>(entries: &'a [(Key, Data)], key: &str) -> Option<&'a Data> {
    entries.iter().find(|(found, _)| found.text == key).map(|(_, data)| data)
}

/// The text under `key`; another sort of value is reported.
pub(super) fn text(entries: &[(Key, Data)], key: &str, diags: &mut Diagnostics) -> Option<String> {
    let data = get(entries, key)?;
    let found = data.text().map(str::to_owned);
    if found.is_none() {
        diags.push(wrong(&format!("`{key}`"), "text", data));
    }
    found
}
