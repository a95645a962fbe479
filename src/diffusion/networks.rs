//! Where the networks of a model come from.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DiffusionError;
use super::tokenizer::Tokenizer;
use crate::model::{Session, SessionOptions};

/// The file that every part's folder holds.
const NETWORK: &str = "model.onnx";

/// The networks of a model by the names that diffusers gives its parts: `unet`, `vae_encoder`, `vae_decoder`, `text_encoder`,
/// `text_encoder_2`, `controlnet`. Implemented by folders of files and by whatever else can make sessions.
pub trait Networks: Debug + Send + Sync {
    /// Whether there is such a part.
    fn has(&self, part: &str) -> bool;

    /// Loads a part, or shares the session that is loaded already.
    ///
    /// # Errors
    /// When the part is missing or cannot be run.
    fn open(&self, part: &str, options: &SessionOptions) -> Result<Arc<Session>, DiffusionError>;

    /// A part with single in the place of half precision, for the case that its numbers grow too large; nothing where it has none.
    ///
    /// # Errors
    /// As [`Networks::open`].
    fn open_widened(&self, _part: &str, _options: &SessionOptions) -> Result<Option<Arc<Session>>, DiffusionError> {
        Ok(None)
    }

    /// The tokenizer of that name: `tokenizer`, `tokenizer_2`.
    ///
    /// # Errors
    /// When it is missing or malformed.
    fn tokenizer(&self, name: &str) -> Result<Tokenizer, DiffusionError>;
}

/// A folder with a folder for each part.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// The parts in `folder`.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    fn network(&self, part: &str) -> PathBuf {
        self.folder.join(part).join(NETWORK)
    }
}

impl Networks for Files {
    fn has(&self, part: &str) -> bool {
        self.network(part).is_file()
    }

    fn open(&self, part: &str, options: &SessionOptions) -> Result<Arc<Session>, DiffusionError> {
        Ok(Session::open(&self.network(part), options)?)
    }

    fn open_widened(&self, part: &str, options: &SessionOptions) -> Result<Option<Arc<Session>>, DiffusionError> {
        Ok(Session::open_widened(&self.network(part), options)?)
    }

    fn tokenizer(&self, name: &str) -> Result<Tokenizer, DiffusionError> {
        Tokenizer::open(&self.folder.join(name))
    }
}
