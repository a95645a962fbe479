//! Names of models.

use std::path::Path;

use super::StoreError;
use crate::model::RECORD_ENDING;

/// Endings of the files that are models.
pub(super) const ENDINGS: [&str; 2] = ["onnx", "safetensors"];

/// Names that Windows keeps for itself.
const DEVICES: [&str; 7] = ["con", "prn", "aux", "nul", "com1", "lpt1", "clock$"];

/// The ending of a model's file, in small letters; nothing for other files.
pub(super) fn ending(name: &str) -> Option<&'static str> {
    let found = Path::new(name).extension()?.to_str()?;
    ENDINGS.into_iter().find(|ending| ending.eq_ignore_ascii_case(found))
}

/// `name` without the ending of a model's file.
pub(super) fn stem(name: &str) -> &str {
    ending(name).and_then(|ending| name.get(..name.len() - ending.len() - 1)).unwrap_or(name)
}

/// `name` if it can be that of a model.
pub(super) fn checked(name: &str) -> Result<&str, StoreError> {
    let lower = name.to_lowercase();
    let ends = |own: &&str| lower.strip_suffix(own).is_some();
    let why = if name.is_empty() {
        "it is empty"
    } else if name.contains(['/', '\\']) {
        "it has a slash"
    } else if name.starts_with(['.', '-', ' ']) || name.ends_with(['.', ' ']) {
        "it begins or ends with a sign that gets lost"
    } else if name.chars().any(|c| c.is_control() || ":*?\"<>|".contains(c)) {
        "it has a sign that some systems do not allow"
    } else if ending(name).is_some() || [".part", RECORD_ENDING].iter().any(ends) {
        "it ends like a file of the store"
    } else if DEVICES.contains(&lower.as_str()) {
        "Windows keeps it for itself"
    } else if name.len() > 200 {
        "it is too long"
    } else {
        return Ok(name);
    };
    Err(StoreError::Name { name: name.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_for_files() {
        for good in ["dreamshaper", "SD 1.5", "v1.5-pruned", "été"] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "..", "-x", "a:b", "x.onnx", "x.part", "NUL", "a\n"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
        assert_eq!((stem("a.b.ONNX"), stem("v1.5"), ending("x.ckpt")), ("a.b", "v1.5", None));
    }
}
