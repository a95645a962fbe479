//! Where a model lies until it is whole: `NAME.part/` in the store, with the files in `files/`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::bring::part_of;
use super::list::tree;
use super::{Store, StoreError};

/// A model on its way. Only one program at a time has it.
#[derive(Debug)]
pub(super) struct Stage {
    folder: PathBuf,
    /// Says which source the files are from; locked as long as this lives.
    note: File,
}

impl Stage {
    /// That of the model `name` from the source `key`. What lies there from the same source is kept, what came from another is not.
    pub(super) fn open(store: &Store, name: &str, key: &str) -> Result<Self, StoreError> {
        let folder = part_of(&store.folder().join(name));
        fs::create_dir_all(&folder).map_err(StoreError::disk("make the folder", &folder))?;
        let path = folder.join("source");
        let note = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut stage = Self { note: note.map_err(StoreError::disk("write", &path))?, folder };
        if let Err(TryLockError::WouldBlock) = stage.note.try_lock() {
            return Err(StoreError::Busy);
        }
        stage.claim(key).map_err(StoreError::disk("write", &path))?;
        let files = stage.files();
        fs::create_dir_all(&files).map_err(StoreError::disk("make the folder", &files))?;
        Ok(stage)
    }

    /// Removes what came from another source than `key`.
    fn claim(&mut self, key: &str) -> std::io::Result<()> {
        let mut other = String::new();
        self.note.read_to_string(&mut other)?;
        if other == key {
            return Ok(());
        }
        let files = self.files();
        if files.exists() {
            fs::remove_dir_all(files)?;
        }
        self.note.set_len(0)?;
        self.note.rewind()?;
        self.note.write_all(key.as_bytes())
    }

    /// Where the files go.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Gives `what`, all files or one of them, its place in the store.
    pub(super) fn finish(self, what: &Path, place: &Path) -> Result<(), StoreError> {
        fs::rename(what, place).map_err(StoreError::disk("rename the model to", place))?;
        self.abandon();
        Ok(())
    }

    /// Removes it all.
    pub(super) fn abandon(self) {
        // Some systems do not remove what is open.
        drop(self.note);
        // What cannot be removed is shown as unfinished by `models list`.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Removes it where nothing of worth has come yet.
    pub(super) fn tidy(self) {
        if tree(&self.files()).iter().all(|path| fs::metadata(path).is_ok_and(|facts| facts.len() == 0)) {
            self.abandon();
        }
    }
}
