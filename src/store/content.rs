//! What a file holds, whatever its name.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::model::not_onnx;
use crate::model::onnx::Interface;

/// The kinds of files that hold models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// An ONNX network.
    Network,
    /// Named arrays: safetensors.
    Weights,
}

impl Content {
    /// What the file at `path` holds, whatever its name; otherwise why it is no model.
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        let mut head = [0; 9];
        let read = File::open(path).and_then(|mut file| file.read(&mut head)).map_err(|error| error.to_string())?;
        let length = u64::from_le_bytes([head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7]]);
        if read == head.len() && head[8] == b'{' && length < 1 << 30 {
            return Ok(Self::Weights);
        }
        match File::open(path).and_then(Interface::read) {
            Ok(_) => Ok(Self::Network),
            Err(error) => Err(not_onnx(path).unwrap_or_else(|| match error.kind() {
                ErrorKind::UnexpectedEof => "it is cut short or no model; fetch it again".to_owned(),
                _ => "it is neither an ONNX network nor a safetensors file; give another source".to_owned(),
            })),
        }
    }

    /// How names of such files end.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Network => "onnx",
            Self::Weights => "safetensors",
        }
    }
}
