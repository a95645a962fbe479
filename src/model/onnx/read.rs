//! Looking into a network that somebody else wrote.

use std::path::{Path, PathBuf};

use half::f16;
use prost::Message;

use crate::model::expect::Element;

use super::proto::{Model, TensorMessage};

/// What there is to see.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Its arrays.
    pub initializers: Vec<Initializer>,
    /// Its operations, in order.
    pub operations: Vec<Operation>,
}

/// An array of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Initializer {
    /// Its name.
    pub name: String,
    /// The type of its numbers, as ONNX counts them; see [`Kind`](super::Kind).
    pub kind: i32,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub bytes: Bytes,
}

/// Where the numbers of an array are, little-endian and in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Bytes {
    /// In the file of the network, here they are.
    Inline(prost::bytes::Bytes),
    /// In another file.
    File {
        /// The file, beside that of the network.
        file: PathBuf,
        /// The first byte.
        offset: u64,
        /// How many; `None` for all to the end.
        length: Option<u64>,
    },
}

/// An operation of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What exporters name after the module that it was.
    pub name: String,
    /// What it does.
    pub op: String,
    /// What it reads.
    pub inputs: Vec<String>,
    /// What it makes.
    pub outputs: Vec<String>,
}

impl Network {
    /// From the bytes of an ONNX file; `None` where they are none.
    #[must_use]
    pub fn read(bytes: Vec<u8>) -> Option<Self> {
        let graph = Model::decode(prost::bytes::Bytes::from(bytes)).ok()?.graph?;
        let operations = graph.node.into_iter().map(|node| Operation {
            name: node.name.unwrap_or_default(),
            op: node.op_type.unwrap_or_default(),
            inputs: node.input,
            outputs: node.output,
        });
        Some(Self { initializers: graph.initializer.into_iter().map(initializer).collect(), operations: operations.collect() })
    }
}

impl Initializer {
    /// The type of its numbers.
    #[must_use]
    pub fn element(&self) -> Element {
        element(self.kind)
    }

    /// `bytes` as the numbers that this array holds; `None` where they are no floats.
    #[must_use]
    pub fn floats(&self, bytes: &[u8]) -> Option<Vec<f32>> {
        match self.element() {
            Element::F32 => Some(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
            Element::F16 => Some(bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()),
            _ => None,
        }
    }
}

/// The type of numbers that ONNX counts as `kind`.
pub(super) fn element(kind: i32) -> Element {
    match kind {
        1 => Element::F32,
        2 => Element::U8,
        6 => Element::I32,
        7 => Element::I64,
        9 => Element::Bool,
        10 => Element::F16,
        11 => Element::F64,
        _ => Element::Other,
    }
}

fn initializer(tensor: TensorMessage) -> Initializer {
    let external = tensor.data_location == Some(1);
    let entry = |key: &str| tensor.external_data.iter().find(|e| e.key.as_deref() == Some(key)).and_then(|e| e.value.clone());
    let number = |key: &str| entry(key).and_then(|text| text.parse().ok());
    let kind = tensor.data_type.unwrap_or(0);
    let bytes = if external {
        let file = Path::new(&entry("location").unwrap_or_default()).to_path_buf();
        Bytes::File { file, offset: number("offset").unwrap_or(0), length: number("length") }
    } else if let Some(raw) = tensor.raw_data {
        Bytes::Inline(raw)
    } else if tensor.float_data.is_empty() {
        // 16-bit floats as their bits.
        Bytes::Inline(tensor.int32_data.iter().flat_map(|bits| (*bits as u16).to_le_bytes()).collect::<Vec<u8>>().into())
    } else {
        Bytes::Inline(tensor.float_data.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into())
    };
    let shape = tensor.dims.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect();
    Initializer { name: tensor.name.unwrap_or_default(), kind, shape, bytes }
}
