//! What a run left behind.
#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "every test program uses its part of this, and may stop where it stands")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files of `folder` by name, with their bytes.
pub fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap())).collect()
}
