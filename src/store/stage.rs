//! Where a model lies until it is whole: `NAME.part/` in the store, with the files in `files/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::bring::part_of;
use super::list::tree;
use super::{Store, StoreError};

/// A model on its way.
#[derive(Debug)]
pub(super) struct Stage {
    folder: PathBuf,
}

impl Stage {
    /// That of the model `name` from the source `key`. What lies there from the same source is kept, what came from another is not.
    pub(super) fn open(store: &Store, name: &str, key: &str) -> Result<Self, StoreError> {
        let folder = part_of(&store.folder().join(name));
        let stage = Self { folder };
        if fs::read_to_string(stage.note()).is_ok_and(|other| other != key) {
            stage.abandon();
        }
        let files = stage.files();
        fs::create_dir_all(&files).map_err(StoreError::disk("make the folder", &files))?;
        fs::write(stage.note(), key).map_err(StoreError::disk("write", &stage.note()))?;
        Ok(stage)
    }

    fn note(&self) -> PathBuf {
        self.folder.join("source")
    }

    /// Where the files go.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Gives `what`, all files or one of them, its place in the store.
    pub(super) fn finish(&self, what: &Path, place: &Path) -> Result<(), StoreError> {
        fs::rename(what, place).map_err(StoreError::disk("rename the model to", place))?;
        self.abandon();
        Ok(())
    }

    /// Removes it all.
    pub(super) fn abandon(&self) {
        // What cannot be removed is shown as unfinished by `models list`.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Removes it where nothing of worth has come yet.
    pub(super) fn tidy(&self) {
        if tree(&self.files()).iter().all(|path| fs::metadata(path).is_ok_and(|facts| facts.len() == 0)) {
            self.abandon();
        }
    }
}
