//! The weights of an exported network by their names in diffusers.
//!
//! Exporters keep the name of a weight that is used as it is, and write matrices, turned, under names of their own; but every
//! operation is named by the path of the module that it was, so the operation that reads an array tells whose weight it is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::f16;
use ndarray::ArrayD;

use super::DiffusionError;
use super::folder::malformed;
use super::networks::Change;
use crate::model::onnx::{Bytes, Initializer, Network, outside};
use crate::model::{Element, Replacement, Session, SessionOptions, Tensor, Weights};

/// A weight in an exported network.
struct Place {
    /// Which initializer it is.
    at: usize,
    /// Whether its axes are exchanged there.
    turned: bool,
}

/// An exported network that was looked into.
pub(super) struct Exported {
    path: PathBuf,
    initializers: Vec<Initializer>,
    places: BTreeMap<String, Place>,
}

impl Exported {
    pub(super) fn open(path: &Path) -> Result<Self, DiffusionError> {
        let bytes = std::fs::read(path).map_err(|source| DiffusionError::Read { path: path.to_path_buf(), source })?;
        let network = Network::read(bytes).ok_or_else(|| malformed(path, "it is not an ONNX model; export it again".to_owned()))?;
        let places = places(&network);
        Ok(Self { path: path.to_path_buf(), initializers: network.initializers, places })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }

    /// The network with its weights changed.
    pub(super) fn session(&self, options: &SessionOptions, change: &dyn Change) -> Result<Arc<Session>, DiffusionError> {
        let mut given = Weights::default();
        for (name, place) in self.places.iter().filter(|(name, _)| change.touches(name)) {
            let initializer = &self.initializers[place.at];
            let mut shape = initializer.shape.clone();
            let mut numbers = self.numbers(initializer)?;
            if place.turned {
                numbers = turned(&numbers, shape[0]);
                shape.reverse();
            }
            change.apply(name, &mut numbers, &shape)?;
            if place.turned {
                numbers = turned(&numbers, shape[0]);
            }
            let tensor = ArrayD::from_shape_vec(initializer.shape.clone(), numbers).map_err(|e| malformed(&self.path, e.to_string()))?;
            let tensor = if initializer.element() == Element::F16 { Tensor::from(tensor.mapv(f16::from_f32)) } else { tensor.into() };
            given.replaced.push(Replacement::new(&initializer.name, tensor, true)?);
        }
        // What is only replaced when the session is ready comes too late for weights that ONNX Runtime has rearranged by then.
        let bytes = std::fs::read(&self.path).map_err(|source| DiffusionError::Read { path: self.path.clone(), source })?;
        let replaced: HashSet<&str> = given.replaced.iter().map(|one| one.name.as_str()).collect();
        let file = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let network = outside(&bytes, &file, &|name| replaced.contains(name));
        let network = network.ok_or_else(|| malformed(&self.path, "it is not an ONNX model; export it again".to_owned()))?;
        given.folder = self.path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_path_buf));
        Ok(Session::from_bytes(&self.path, &network, &given, options)?)
    }

    fn numbers(&self, initializer: &Initializer) -> Result<Vec<f32>, DiffusionError> {
        let bytes = match &initializer.bytes {
            Bytes::Inline(bytes) => bytes.to_vec(),
            Bytes::File { file, offset, length } => {
                let path = self.path.parent().unwrap_or(Path::new(".")).join(file);
                let unreadable = |source| DiffusionError::Read { path: path.clone(), source };
                let mut file = std::fs::File::open(&path).map_err(unreadable)?;
                file.seek(SeekFrom::Start(*offset)).map_err(unreadable)?;
                let mut bytes = Vec::new();
                file.take(length.unwrap_or(u64::MAX)).read_to_end(&mut bytes).map_err(unreadable)?;
                bytes
            }
        };
        let numbers = initializer.floats(&bytes).filter(|numbers| numbers.len() == initializer.shape.iter().product::<usize>());
        numbers.ok_or_else(|| malformed(&self.path, format!("its `{}` holds no floats, so no LoRA can be applied", initializer.name)))
    }
}

/// The weights of a network by their names in diffusers.
fn places(network: &Network) -> BTreeMap<String, Place> {
    let at: HashMap<&str, usize> = network.initializers.iter().enumerate().map(|(at, i)| (i.name.as_str(), at)).collect();
    let mut places = BTreeMap::new();
    for operation in &network.operations {
        let (module, last) = operation.name.rsplit_once('/').unwrap_or_default();
        let module = module.trim_start_matches('/').replace('/', ".");
        for (slot, input) in operation.inputs.iter().enumerate() {
            let Some(&at) = at.get(input.as_str()) else { continue };
            let named = matches!(input.rsplit_once('.'), Some((_, "weight" | "bias")));
            let matrix = operation.op == "MatMul" && last.starts_with("MatMul") && slot == 1 && network.initializers[at].shape.len() == 2;
            if named {
                places.insert(input.clone(), Place { at, turned: matrix });
            } else if matrix && !module.is_empty() {
                places.insert(format!("{module}.weight"), Place { at, turned: true });
            }
        }
    }
    places
}

/// The rows of a matrix become its columns.
fn turned(numbers: &[f32], rows: usize) -> Vec<f32> {
    let columns = numbers.len() / rows.max(1);
    (0..columns).flat_map(|column| (0..rows).map(move |row| numbers[row * columns + column])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::Operation;

    #[test]
    fn operations_tell_whose_weight_an_array_is() {
        let initializer =
            |name: &str| Initializer { name: name.to_owned(), kind: 1, shape: vec![2, 2], bytes: Bytes::Inline(Vec::new().into()) };
        let operation = |name: &str, op: &str, input: &str| Operation {
            name: name.to_owned(),
            op: op.to_owned(),
            inputs: vec!["x".to_owned(), input.to_owned()],
            outputs: Vec::new(),
        };
        let network = Network {
            initializers: vec![initializer("onnx::MatMul_5"), initializer("conv_in.weight"), initializer("onnx::Mul_6")],
            operations: vec![
                operation("/mid_block/attentions.0/attn1/to_q/MatMul", "MatMul", "onnx::MatMul_5"),
                operation("/conv_in/Conv", "Conv", "conv_in.weight"),
                operation("/norm/Mul", "Mul", "onnx::Mul_6"),
            ],
        };
        let places = places(&network);
        let names: Vec<(&str, bool)> = places.iter().map(|(name, place)| (name.as_str(), place.turned)).collect();
        assert_eq!(names, [("conv_in.weight", false), ("mid_block.attentions.0.attn1.to_q.weight", true)]);
    }

    #[test]
    fn rows_become_columns() {
        assert_eq!(turned(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
