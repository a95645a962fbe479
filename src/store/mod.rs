//! The user's models: adding them from files, addresses and Hugging Face, listing, checking and removing them.
//!
//! A [`Store`] is a folder. A model in it is a file (`NAME.onnx`, `NAME.safetensors`) or a folder (`NAME/` in the layout of diffusers, or
//! with a `model.onnx`), and beside it lies a small [`Record`](crate::model::Record) of where it came from and what its bytes were. What
//! a user copies there by hand is listed and found as well. What is on its way lies in `NAME.part/` and never under its final name.

mod add;
mod bring;
mod choose;
mod content;
mod date;
mod error;
mod fetch;
mod gather;
mod guard;
mod hash;
mod hub;
mod inspect;
mod licence;
mod link;
mod list;
mod name;
mod network;
mod remove;
mod source;
mod stage;
mod verify;
mod watch;

use std::path::{Path, PathBuf};

pub use add::{Added, Wanted};
pub use error::StoreError;
pub use hash::bytes;
pub use inspect::{Facts, Part, inspect};
pub use list::{Entry, Unfinished, entries, find};
pub use network::{Network, Patience};
pub use remove::Removed;
pub use verify::{Damage, Verdict, verify};
pub use watch::{Event, Watch};

/// A folder of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in `folder`, which is made when the first model is added.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
