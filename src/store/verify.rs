//! Whether the files of a model are those that were added.

use std::path::PathBuf;

use super::hash::hash_file;
use super::inspect::look;
use super::{Entry, Event, Watch};
use crate::model::RecordedFile;

/// What checking a model showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its name.
    pub name: String,
    /// Files that were compared.
    pub files: usize,
    /// Whether there was anything to compare with.
    pub recorded: bool,
    /// What is wrong.
    pub damages: Vec<Damage>,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is not there.
    #[error("`{}` is missing", .0.display())]
    Missing(PathBuf),
    /// It has another length.
    #[error("`{}` has {got} bytes in place of {wanted}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// The length that was recorded.
        wanted: u64,
        /// The length it has.
        got: u64,
    },
    /// Its bytes are others.
    #[error("`{}` is not the file that was added: its SHA-256 is {got}, not {wanted}", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// The hash that was recorded.
        wanted: String,
        /// The hash it has.
        got: String,
    },
    /// It cannot be read, or used.
    #[error("{0}")]
    Unusable(String),
}

/// Compares the files of `entry` with its record; without one looks whether it can be used at all.
pub fn verify(entry: &Entry, watch: &mut Watch<'_>) -> Verdict {
    let files: &[RecordedFile] = entry.record.as_ref().map_or(&[], |record| &record.files);
    if entry.is_lost() {
        let damages = vec![Damage::Missing(entry.path.clone())];
        return Verdict { name: entry.name.clone(), files: files.len(), recorded: true, damages };
    }
    let mut damages: Vec<Damage> = files.iter().filter_map(|file| compare(entry, file, watch)).collect();
    if damages.is_empty() {
        match look(&entry.path) {
            Ok(facts) => damages.extend(facts.missing.iter().map(|file| Damage::Missing(entry.path.join(file)))),
            Err(why) => damages.push(Damage::Unusable(why)),
        }
    }
    Verdict { name: entry.name.clone(), files: files.len(), recorded: entry.record.is_some(), damages }
}

fn compare(entry: &Entry, file: &RecordedFile, watch: &mut Watch<'_>) -> Option<Damage> {
    // A single file may have been renamed with its record.
    let path = if entry.path.is_dir() { entry.path.join(&file.path) } else { entry.path.clone() };
    let Ok(facts) = std::fs::metadata(&path) else { return Some(Damage::Missing(path)) };
    if facts.len() != file.size {
        return Some(Damage::Length { path, wanted: file.size, got: facts.len() });
    }
    watch(Event::File { name: format!("{} {}", entry.name, file.path), size: Some(file.size) });
    match hash_file(&path, &mut |done| watch(Event::At(done))) {
        Ok((_, got)) if got == file.sha256 => None,
        Ok((_, got)) => Some(Damage::Differs { path, wanted: file.sha256.clone(), got }),
        Err(error) => Some(Damage::Unusable(format!("`{}` cannot be read: {error}", path.display()))),
    }
}
