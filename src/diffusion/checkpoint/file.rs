//! A `.safetensors` file: a list of named arrays and their bytes. Only the list is read; the bytes stay where they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::diffusion::DiffusionError;
use crate::diffusion::folder::malformed;

/// No list of names is longer than this many bytes.
const LONGEST_HEADER: u64 = 100 << 20;

/// An array in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The type of its numbers.
    pub dtype: Dtype,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// Its first byte, from the beginning of the file.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// An opened file.
#[derive(Debug, Clone)]
pub struct TensorFile {
    /// The file, links followed: ONNX Runtime refuses links.
    pub path: PathBuf,
    /// The arrays by name.
    pub tensors: BTreeMap<String, Stored>,
    /// What the file says of itself.
    pub metadata: BTreeMap<String, String>,
}

impl TensorFile {
    /// Reads the list of arrays at the beginning of `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is no safetensors file, or is cut short.
    pub fn open(path: &Path) -> Result<Self, DiffusionError> {
        let unreadable = |source| DiffusionError::Read { path: path.to_path_buf(), source };
        let real = path.canonicalize().map_err(unreadable)?;
        let mut file = File::open(&real).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut head = [0; 8];
        let short = |error: std::io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => malformed(path, "it is cut short; fetch it again".to_owned()),
            _ => unreadable(error),
        };
        file.read_exact(&mut head).map_err(short)?;
        let length = u64::from_le_bytes(head);
        if let Some(why) = foreign(head, length) {
            return Err(malformed(path, why.to_owned()));
        }
        let mut text = Vec::new();
        file.take(length).read_to_end(&mut text).map_err(unreadable)?;
        if (text.len() as u64) < length {
            return Err(malformed(path, "it is cut short; fetch it again".to_owned()));
        }
        let list: Metadata = serde_json::from_slice(&text).map_err(|e| malformed(path, format!("its list of arrays is broken: {e}")))?;
        let start = 8 + length;
        let end = start + list.data_len() as u64;
        if size < end {
            let why = format!("it is cut short, {size} of {end} bytes are there; fetch it again");
            return Err(malformed(path, why));
        }
        let stored = |info: &safetensors::tensor::TensorInfo| Stored {
            dtype: info.dtype,
            shape: info.shape.clone(),
            offset: start + info.data_offsets.0 as u64,
            length: (info.data_offsets.1 - info.data_offsets.0) as u64,
        };
        let tensors = list.tensors().into_iter().map(|(name, info)| (name, stored(info))).collect();
        let metadata = list.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Self { path: real, tensors, metadata })
    }

    /// The numbers of an array in row-major order.
    ///
    /// # Errors
    /// When the file cannot be read or the array holds no floats.
    pub fn numbers(&self, stored: &Stored) -> Result<Vec<f32>, DiffusionError> {
        let unreadable = |source| DiffusionError::Read { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(stored.offset)).map_err(unreadable)?;
        let mut bytes = vec![0; stored.length as usize];
        file.read_exact(&mut bytes).map_err(unreadable)?;
        floats(stored.dtype, &bytes).ok_or_else(|| malformed(&self.path, format!("it holds {} where floats are expected", stored.dtype)))
    }
}

/// What a file seems to be that begins like this, if it is not a safetensors file.
fn foreign(head: [u8; 8], length: u64) -> Option<&'static str> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\x80\x02") {
        Some("it is a PyTorch file under another name; convert it to safetensors with a tool you trust")
    } else if head.starts_with(b"version ") {
        Some("it is a Git LFS pointer, not the model itself; run `git lfs pull` where it came from")
    } else if head.starts_with(b"<") && head[1].is_ascii_alphabetic() || head.starts_with(b"<!") {
        Some("it is a web page; the download went wrong, fetch it again")
    } else if length > LONGEST_HEADER {
        Some("it is no safetensors file; fetch it again")
    } else {
        None
    }
}

/// Little-endian numbers of `dtype` as 32-bit floats; `None` where they are no floats.
fn floats(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let pairs = || bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    Some(match dtype {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F64 => bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::F16 => pairs().map(|bits| f16::from_bits(bits).to_f32()).collect(),
        Dtype::BF16 => pairs().map(|bits| bf16::from_bits(bits).to_f32()).collect(),
        Dtype::F8_E5M2 => bytes.iter().map(|b| f16::from_bits(u16::from(*b) << 8).to_f32()).collect(),
        Dtype::F8_E4M3 => bytes.iter().map(|b| e4m3(*b)).collect(),
        _ => return None,
    })
}

/// The 8-bit float with 4 bits of exponent (bias 7) and 3 of fraction, without infinities (arXiv 2209.05433).
fn e4m3(bits: u8) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 3 & 15), f32::from(bits & 7));
    let size = match (exponent, bits & 7) {
        (15, 7) => f32::NAN,
        (0, _) => fraction / 8.0 * 2.0_f32.powi(-6),
        _ => (1.0 + fraction / 8.0) * 2.0_f32.powi(exponent - 7),
    };
    if bits & 0x80 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Result<TensorFile, DiffusionError>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let opened = TensorFile::open(&path);
        (folder, opened)
    }

    fn file(list: &str, data: &[u8]) -> Vec<u8> {
        [&(list.len() as u64).to_le_bytes(), list.as_bytes(), data].concat()
    }

    const LIST: &str = r#"{"__metadata__":{"by":"me"},"b":{"dtype":"F16","shape":[2],"data_offsets":[3,7]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#;

    #[test]
    fn arrays_are_found_at_odd_offsets() {
        let data = [&[1, 2, 3][..], &f16::from_f32(1.5).to_le_bytes(), &f16::from_f32(-2.0).to_le_bytes()].concat();
        let (_folder, opened) = write("x.safetensors", &file(LIST, &data));
        let file = opened.unwrap();
        assert_eq!(file.metadata["by"], "me");
        assert_eq!(file.tensors["b"].offset, 8 + LIST.len() as u64 + 3);
        assert_eq!(file.numbers(&file.tensors["b"]).unwrap(), [1.5, -2.0]);
        assert!(file.numbers(&file.tensors["a"]).unwrap_err().to_string().contains("U8"));
    }

    #[test]
    fn what_is_no_whole_file_says_so() {
        let tell = |bytes: &[u8]| write("x.safetensors", bytes).1.unwrap_err().to_string();
        assert!(tell(&file(LIST, &[1, 2, 3, 4])).contains("cut short, "));
        assert!(tell(&file(LIST, &[])[..30]).contains("cut short"));
        assert!(tell(b"abc").contains("cut short"));
        assert!(tell(b"PK\x03\x04 and so on").contains("PyTorch"));
        assert!(tell(b"version https://git-lfs").contains("git lfs pull"));
        assert!(tell(b"<!DOCTYPE html>").contains("web page"));
        assert!(tell(&[255; 20]).contains("no safetensors file"));
        assert!(tell(&file("{]", &[])).contains("broken"));
    }

    #[test]
    fn narrow_floats_are_widened() {
        assert_eq!(floats(Dtype::BF16, &[0x80, 0x3f, 0, 0xc0]), Some(vec![1.0, -2.0]));
        assert_eq!(floats(Dtype::F8_E5M2, &[0x3c, 0xc0]), Some(vec![1.0, -2.0]));
        assert_eq!(floats(Dtype::F8_E4M3, &[0x38, 0xc0, 0x01, 0x7e]), Some(vec![1.0, -2.0, 2.0_f32.powi(-9), 448.0]));
        assert_eq!(floats(Dtype::I64, &[0; 8]), None);
    }
}
