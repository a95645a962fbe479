//! Removing models.

use std::fs;
use std::path::{Path, PathBuf};

use super::list::{Entry, find, tree};
use super::name::stem;
use super::{Store, StoreError};
use crate::model::Record;

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub name: String,
    /// Where it lay.
    pub path: PathBuf,
    /// Bytes of the disk that are free again: none for a link.
    pub freed: u64,
}

impl Store {
    /// Removes the model `name`, its record, and what was left of attempts to add it. `known` are all models that graphs find, for saying
    /// where one of that name lies that is not the store's.
    ///
    /// # Errors
    /// When there is no such model in the store, or the disk refuses.
    pub fn remove(&self, name: &str, known: &[Entry]) -> Result<Removed, StoreError> {
        let part = self.part(name);
        let (path, folder) = match self.entries().into_iter().find(|entry| entry.name == stem(name)) {
            Some(entry) => (entry.path.clone(), entry.path.parent().map(Path::to_path_buf)),
            None if part.is_dir() => (part.clone(), None),
            None => {
                let other = find(known, name)?;
                return Err(self.not_ours(name, other));
            }
        };
        let freed = freed(&path) + if part == path { 0 } else { freed_in(&part) };
        discard(&path)?;
        discard(&part)?;
        if let Some(folder) = folder {
            let own = stem(name).rsplit('/').next().unwrap_or(name);
            discard(&Record::path(&folder, own))?;
        }
        Ok(Removed { name: stem(name).to_owned(), path, freed })
    }
}

impl Store {
    /// Why `other`, which `name` was understood as, is not removed.
    fn not_ours(&self, name: &str, other: &Entry) -> StoreError {
        if other.folder == self.folder {
            StoreError::Missing { name: name.to_owned(), near: Some(other.name.clone()) }
        } else {
            StoreError::Outside { name: name.to_owned(), path: other.path.clone() }
        }
    }
}

/// Bytes that go with `path`.
fn freed(path: &Path) -> u64 {
    if path.is_symlink() { 0 } else { freed_in(path) }
}

fn freed_in(path: &Path) -> u64 {
    let files = if path.is_dir() { tree(path) } else { vec![path.to_path_buf()] };
    files.iter().filter_map(|file| fs::symlink_metadata(file).ok()).map(|facts| facts.len()).sum()
}

/// Removes a file, link or folder, if it is there.
fn discard(path: &Path) -> Result<(), StoreError> {
    let Ok(facts) = path.symlink_metadata() else { return Ok(()) };
    let done = if facts.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    done.map_err(StoreError::disk("remove", path))
}
