use std::path::PathBuf;

use crate::model::ModelError;

/// What can go wrong between a model folder and a picture.
#[derive(Debug, thiserror::Error)]
pub enum DiffusionError {
    /// A file of the folder is missing or cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the folder is there but is not what it should be.
    #[error("`{}` is not usable: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The folder is a model that this program cannot run yet.
    #[error("`{}` is a {what}, which is not supported", path.display())]
    Unsupported {
        /// The folder.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// A setting that the sampler or its schedule cannot satisfy.
    #[error("{0}")]
    Setting(String),
    /// A network has inputs or outputs that no known export has.
    #[error("the {part} of this model {why}")]
    Signature {
        /// Which network: `unet`, `vae_decoder`…
        part: &'static str,
        /// What is odd about it.
        why: String,
    },
    /// The arithmetic broke down: the picture would be noise or black.
    #[error("the latents became infinite or not a number at step {step} of {steps}; lower `cfg`, or use a full-precision model")]
    NotFinite {
        /// The step, from 1.
        step: usize,
        /// How many there were to be.
        steps: usize,
    },
    /// The picture coder broke down, in single precision too.
    #[error("the {part} gave numbers that are infinite or not a number{}; use another VAE, or one in single precision",
        if *.retried { ", in single precision too" } else { "" })]
    Broken {
        /// Which half of it.
        part: &'static str,
        /// Whether it was run again in single precision.
        retried: bool,
    },
    /// A network failed to load or run.
    #[error(transparent)]
    Model(#[from] ModelError),
}
