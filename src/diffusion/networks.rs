//! Where the networks of a model come from.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DiffusionError;
use super::exported::Exported;
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

    /// The names in diffusers of those weights of a part that may be changed: matrices, kernels and biases.
    ///
    /// # Errors
    /// When the part cannot be read.
    fn weights(&self, part: &str) -> Result<Vec<String>, DiffusionError>;

    /// Loads a part whose weights are changed on the way. Not shared.
    ///
    /// # Errors
    /// As [`Networks::open`], and when the change does not fit.
    fn open_changed(&self, part: &str, options: &SessionOptions, change: &dyn Change) -> Result<Arc<Session>, DiffusionError>;

    /// The tokenizer of that name: `tokenizer`, `tokenizer_2`.
    ///
    /// # Errors
    /// When it is missing or malformed.
    fn tokenizer(&self, name: &str) -> Result<Tokenizer, DiffusionError>;
}

/// A change of a network's weights, which are named as in diffusers.
pub trait Change {
    /// Whether it changes that weight.
    fn touches(&self, weight: &str) -> bool;

    /// Changes the numbers of a weight in place. `shape` has outputs first, then inputs, then a kernel.
    ///
    /// # Errors
    /// When the change is of another shape.
    fn apply(&self, weight: &str, numbers: &mut [f32], shape: &[usize]) -> Result<(), DiffusionError>;
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

    fn weights(&self, part: &str) -> Result<Vec<String>, DiffusionError> {
        Ok(Exported::open(&self.network(part))?.names())
    }

    fn open_changed(&self, part: &str, options: &SessionOptions, change: &dyn Change) -> Result<Arc<Session>, DiffusionError> {
        Exported::open(&self.network(part))?.session(options, change)
    }

    fn tokenizer(&self, name: &str) -> Result<Tokenizer, DiffusionError> {
        Tokenizer::open(&self.folder.join(name))
    }
}
