//! What may go wrong with a model.

use std::path::{Path, PathBuf};

use super::find::FindError;

/// Why a model could not be loaded or run. Messages name the file and say what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// ONNX Runtime itself is not there or does not load.
    #[error("{0}")]
    Runtime(String),
    /// No such device.
    #[error("{0}")]
    Device(String),
    /// No such model.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The file is not an ONNX model.
    #[error("`{}` is not an ONNX model: {why}", path.display())]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// What it seems to be, and what to do.
        why: String,
    },
    /// ONNX Runtime refuses the model.
    #[error("`{}` cannot be loaded: {why}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What ONNX Runtime says.
        why: String,
    },
    /// The model's inputs and outputs are not those of its place in the graph.
    #[error("`{}` is not {what}: {why}\n{has}", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// What was looked for: `a depth model`.
        what: String,
        /// The first thing that does not fit.
        why: String,
        /// All inputs and outputs, one a line.
        has: String,
    },
    /// An input given to the model has the wrong name, type or shape.
    #[error("`{}` takes no such input: {why}\n{has}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
        /// All inputs and outputs, one a line.
        has: String,
    },
    /// The model failed while it ran.
    #[error("`{}` failed: {why}", path.display())]
    Run {
        /// The file.
        path: PathBuf,
        /// What ONNX Runtime says.
        why: String,
    },
    /// The model ran, but what it gave cannot be used.
    #[error("`{}` gave {why}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What is wrong: `NaN at …`.
        why: String,
    },
}

/// What a file that ONNX Runtime cannot parse seems to be instead, and what to do; nothing where that cannot be told.
#[must_use]
pub fn not_onnx(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(64).read_to_end(&mut head).ok()?;
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let why = if head.is_empty() {
        "the file is empty; fetch it again"
    } else if head.starts_with(b"version https://git-lfs") {
        "it is a Git LFS pointer, not the model itself; run `git lfs pull` where it came from"
    } else if head.starts_with(b"<!DOCTYPE") || head.starts_with(b"<html") {
        "it is a web page; the download went wrong, fetch it again"
    } else if matches!(extension.as_str(), "safetensors" | "ckpt" | "pt" | "pth" | "bin") {
        "it holds weights without a network; export the model to ONNX"
    } else if head.starts_with(b"PK\x03\x04") {
        "it is a zip archive or a PyTorch checkpoint; unpack it or export the model to ONNX"
    } else {
        return None;
    };
    Some(why.to_owned())
}
