//! The networks of Stable Diffusion as ONNX graphs without weights, written from the architecture.
//!
//! How many levels, layers and channels there are is read off the shapes of the weights; every weight stays in the user's file and is
//! named in the graph by its place there. Each layer is written with the operations that PyTorch's exporter writes for it, so that
//! ONNX Runtime computes the same bits as for an exported model; but sizes are taken from the tensors when the network runs, so that
//! any size runs that the picture coder can make.

mod layers;
mod text;
mod unet;
mod vae;

use std::collections::BTreeMap;

use safetensors::Dtype;

pub(super) use text::{Activation, TextShape, text};
pub(super) use unet::unet;
pub(super) use vae::{decoder, encoder};

use super::file::Stored;
use crate::model::onnx::{Axis, Graph, Kind, Place, Value};

/// A weight: where its numbers lie.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weight {
    /// Type, shape and place in the file.
    pub stored: Stored,
    /// The name it has in the file.
    pub key: String,
    /// Whether a matrix has its inputs in the first axis, where others have the outputs.
    pub transposed: bool,
}

/// The weights of one network by their names in diffusers.
pub(super) type Weights = BTreeMap<String, Weight>;

/// Why a graph cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    /// A weight that the architecture needs is not in the file.
    #[error("the weight `{0}` is missing")]
    Missing(String),
    /// A weight has the wrong number of axes.
    #[error("the weight `{name}` has the shape {shape:?}")]
    Shape {
        /// Its name in diffusers.
        name: String,
        /// Its axes.
        shape: Vec<usize>,
    },
    /// A weight is of a type that no network can be run with.
    #[error("the weight `{name}` is of type {dtype}, which is not supported; use a file in fp16, bf16 or fp32")]
    Type {
        /// Its name in diffusers.
        name: String,
        /// Its type.
        dtype: Dtype,
    },
}

type Built<T = Value> = Result<T, BuildError>;

/// A graph being written, with the weights it is written from.
struct Net<'a> {
    graph: Graph,
    weights: &'a Weights,
    /// The name of the file that the weights lie in.
    file: &'a str,
    /// Weights that will be given when the graph is loaded, as 32-bit floats.
    given: &'a dyn Fn(&str) -> bool,
    /// The weights declared so far.
    declared: BTreeMap<String, Value>,
}

impl<'a> Net<'a> {
    fn new(name: &str, source: &Source<'a>) -> Self {
        let (weights, file, given) = (source.weights, source.file, source.given);
        Self { graph: Graph::new(name), weights, file, given, declared: BTreeMap::new() }
    }

    fn has(&self, name: &str) -> bool {
        self.weights.contains_key(name)
    }

    fn find(&self, name: &str) -> Built<&'a Weight> {
        self.weights.get(name).ok_or_else(|| BuildError::Missing(name.to_owned()))
    }

    /// The lengths of a weight's axes, of which there must be `N`.
    fn shape<const N: usize>(&self, name: &str) -> Built<[usize; N]> {
        let shape = &self.find(name)?.stored.shape;
        shape.as_slice().try_into().map_err(|_| BuildError::Shape { name: name.to_owned(), shape: shape.clone() })
    }

    /// A weight as it is stored.
    fn raw(&mut self, name: &str, shape: &[usize]) -> Built<(Value, Kind)> {
        let weight = self.find(name)?;
        let given = (self.given)(name);
        let kind = if given { Kind::F32 } else { kind(name, weight.stored.dtype)? };
        // What is given takes the place of bytes that are never read.
        let (offset, length) =
            if given { (0, 4 * shape.iter().product::<usize>() as u64) } else { (weight.stored.offset, weight.stored.length) };
        let place = Place { file: self.file, offset, length };
        Ok((self.graph.external(name, kind, shape, place), kind))
    }

    /// A weight as 32-bit floats, in another shape of as many numbers.
    fn shaped(&mut self, name: &str, shape: &[usize]) -> Built {
        if let Some(value) = self.declared.get(name) {
            return Ok(value.clone());
        }
        let (stored, kind) = self.raw(name, shape)?;
        let value = self.widened(stored, kind);
        self.declared.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    /// A weight as 32-bit floats.
    fn weight(&mut self, name: &str) -> Built {
        let shape = self.find(name)?.stored.shape.clone();
        self.shaped(name, &shape)
    }

    fn widened(&mut self, value: Value, kind: Kind) -> Value {
        use crate::model::onnx::Setting::Int;
        if kind == Kind::F32 { value } else { self.graph.add("Cast", &[&value], &[("to", Int(Kind::F32 as i64))]) }
    }
}

/// What a graph is written from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// The network's weights.
    pub weights: &'a Weights,
    /// The name of the file that they lie in, without its folder.
    pub file: &'a str,
    /// Which weights will be given as 32-bit floats when the graph is loaded.
    pub given: &'a dyn Fn(&str) -> bool,
}

fn kind(name: &str, dtype: Dtype) -> Built<Kind> {
    Ok(match dtype {
        Dtype::F32 => Kind::F32,
        Dtype::F16 => Kind::F16,
        Dtype::BF16 => Kind::Bf16,
        Dtype::F64 => Kind::F64,
        Dtype::F8_E4M3 => Kind::F8E4M3,
        Dtype::F8_E5M2 => Kind::F8E5M2,
        _ => return Err(BuildError::Type { name: name.to_owned(), dtype }),
    })
}

/// In how many groups channels are normalised: 32 in all real networks; those made small for tests have two channels a group at
/// the finest level.
fn groups(finest: usize) -> usize {
    (finest / 2).clamp(1, 32)
}

/// The axes of a batch of pictures or latents.
fn plane(channels: usize) -> [Axis<'static>; 4] {
    [Axis::Open("batch"), Axis::Fixed(channels), Axis::Open("height"), Axis::Open("width")]
}
