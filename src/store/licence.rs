//! What the files of a model say of its licence.

use std::fs;
use std::path::Path;

use super::choose::is_paper;

/// Words at the beginning of licences' texts, and the names that Hugging Face gives them.
const TEXTS: [(&str, &str); 12] = [
    ("creativeml open rail++-m", "openrail++"),
    ("creativeml open rail-m", "creativeml-openrail-m"),
    ("creativeml openrail-m", "creativeml-openrail-m"),
    ("bigscience", "bigscience-openrail-m"),
    ("apache license", "apache-2.0"),
    ("mit license", "mit"),
    ("gnu affero general public license", "agpl-3.0"),
    ("gnu lesser general public license", "lgpl-3.0"),
    ("gnu general public license", "gpl-3.0"),
    ("bsd 3-clause", "bsd-3-clause"),
    ("creative commons attribution-noncommercial", "cc-by-nc-4.0"),
    ("stability ai community license", "stabilityai-community"),
];

/// The licence of the model whose papers lie in `folder`: what the card says at its head, or the text of the licence itself.
pub(super) fn in_folder(folder: &Path) -> Option<String> {
    let mut papers: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    papers.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_paper));
    papers.sort();
    let texts: Vec<String> = papers.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    texts.iter().find_map(|text| of_card(text)).or_else(|| texts.iter().find_map(|text| of_text(text)))
}

/// The `license` in the front matter of a model's card.
fn of_card(text: &str) -> Option<String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    if lines.next()?.trim_end() != "---" {
        return None;
    }
    let head: Vec<&str> = lines.take_while(|line| line.trim_end() != "---").collect();
    let value = |key: &str| {
        let at = head.iter().position(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))?;
        let inline = head[at][key.len() + 1..].trim();
        // Of a list the first.
        let text = if inline.is_empty() { head.get(at + 1)?.trim().strip_prefix("- ")? } else { inline };
        let text = text.trim_start_matches('[').split([',', ']']).next()?.trim().trim_matches(['"', '\'']);
        (!text.is_empty()).then(|| text.to_owned())
    };
    let license = value("license")?;
    if license == "other" { value("license_name").or(Some(license)) } else { Some(license) }
}

/// The licence whose text this is.
fn of_text(text: &str) -> Option<String> {
    let head: String = text.chars().take(400).collect::<String>().to_lowercase();
    let head = head.split_whitespace().collect::<Vec<_>>().join(" ");
    TEXTS.iter().find(|(words, _)| head.contains(words)).map(|(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_name_licences() {
        assert_eq!(of_card("---\ntags:\n- x\nlicense: creativeml-openrail-m\n---\n# A").as_deref(), Some("creativeml-openrail-m"));
        assert_eq!(of_card("---\nlicense: other\nlicense_name: \"mine\"\n---").as_deref(), Some("mine"));
        assert_eq!(of_card("---\nlicense:\n- mit\n- x\n---").as_deref(), Some("mit"));
        assert_eq!(of_card("license: mit"), None);
        assert_eq!(of_card("---\ntags: x\n---\nlicense: mit"), None);
    }

    #[test]
    fn licences_are_known_by_their_text() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(in_folder(folder.path()), None);
        fs::write(folder.path().join("LICENSE.txt"), "   Apache License\n  Version 2.0").unwrap();
        assert_eq!(in_folder(folder.path()).as_deref(), Some("apache-2.0"));
        fs::write(folder.path().join("README.md"), "---\nlicense: mit\n---").unwrap();
        assert_eq!(in_folder(folder.path()).as_deref(), Some("mit"), "the card goes before");
        assert_eq!(of_text("Copyright (c) 2022\n\nCreativeML Open RAIL++-M License").as_deref(), Some("openrail++"));
    }
}
