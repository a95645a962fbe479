//! Writing a network, one operation after the other.

use std::collections::HashMap;

use prost::Message;

use super::proto::{
    Attribute, Dimension, Entry, GraphMessage, Model, Node, OperatorSet, Shape, TensorMessage, TensorType, Type, ValueInfo,
};

/// The version of the operators: the first whose `Cast` reads 8-bit floats.
const OPSET: i64 = 19;
/// The version of the file format that goes with it.
const IR: i64 = 9;

/// The type of a tensor's numbers, as ONNX counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit floats.
    F32 = 1,
    /// 64-bit integers.
    I64 = 7,
    /// 16-bit floats.
    F16 = 10,
    /// 64-bit floats.
    F64 = 11,
    /// Floats of 16 bits with the range of 32.
    Bf16 = 16,
    /// 8-bit floats with 3 bits of fraction, without infinities.
    F8E4M3 = 17,
    /// 8-bit floats with 2 bits of fraction.
    F8E5M2 = 19,
}

/// A setting of an operation.
#[derive(Debug, Clone, Copy)]
pub enum Setting<'a> {
    /// A number.
    Int(i64),
    /// A number with a fraction.
    Float(f32),
    /// Several numbers.
    Ints(&'a [i64]),
    /// A word.
    Word(&'a str),
}

/// What flows between operations: a name.
pub type Value = String;

/// A length that is only known when the network runs, or a fixed one.
#[derive(Debug, Clone, Copy)]
pub enum Axis<'a> {
    /// Always this.
    Fixed(usize),
    /// Any; the name tells which axes are equal.
    Open(&'a str),
}

/// Where an initializer's bytes lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file's name inside the folder that [`Weights::folder`](crate::model::Weights) names.
    pub file: &'a str,
    /// The first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

/// A network in the making.
#[derive(Debug, Default)]
pub struct Graph {
    message: GraphMessage,
    /// The names of small constants, by their type and bytes, so that equal ones are written once.
    constants: HashMap<(i32, Vec<usize>, Vec<u8>), Value>,
}

impl Graph {
    /// A network with nothing in it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let message = GraphMessage { name: Some(name.to_owned()), ..GraphMessage::default() };
        Self { message, constants: HashMap::new() }
    }

    /// Declares an input.
    pub fn input(&mut self, name: &str, kind: Kind, axes: &[Axis<'_>]) -> Value {
        self.message.input.push(value_info(name, kind, axes));
        name.to_owned()
    }

    /// Declares the value `from` as an output called `name`.
    pub fn output(&mut self, name: &str, from: &str, kind: Kind, axes: &[Axis<'_>]) {
        self.push("Identity", &[from], &[], name.to_owned());
        self.message.output.push(value_info(name, kind, axes));
    }

    /// Adds an operation and gives its first output.
    pub fn add(&mut self, op: &str, inputs: &[&str], settings: &[(&str, Setting<'_>)]) -> Value {
        let name = format!("{op}_{}", self.message.node.len());
        self.push(op, inputs, settings, name.clone());
        name
    }

    fn push(&mut self, op: &str, inputs: &[&str], settings: &[(&str, Setting<'_>)], output: String) {
        self.message.node.push(Node {
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.clone()],
            name: Some(output),
            op_type: Some(op.to_owned()),
            attribute: settings.iter().map(|(name, setting)| attribute(name, *setting)).collect(),
        });
    }

    /// A constant list of integers.
    pub fn ints(&mut self, values: &[i64]) -> Value {
        self.constant(Kind::I64, &[values.len()], values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// A constant integer without axes.
    pub fn int(&mut self, value: i64) -> Value {
        self.constant(Kind::I64, &[], value.to_le_bytes().to_vec())
    }

    /// A constant number without axes.
    pub fn float(&mut self, value: f32) -> Value {
        self.constant(Kind::F32, &[], value.to_le_bytes().to_vec())
    }

    /// A number that ONNX Runtime takes for one that may still be changed: unlike a constant it is never multiplied into a neighbouring
    /// operation, which would round differently.
    pub fn lasting(&mut self, value: f32) -> Value {
        let name = format!("number_{value}");
        if !self.message.input.iter().any(|input| input.name.as_deref() == Some(&name)) {
            self.input(&name, Kind::F32, &[]);
            self.message.initializer.push(inline(&name, Kind::F32, &[], value.to_le_bytes().to_vec()));
        }
        name
    }

    /// A constant array of numbers in row-major order.
    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> Value {
        self.constant(Kind::F32, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    fn constant(&mut self, kind: Kind, shape: &[usize], bytes: Vec<u8>) -> Value {
        let initializers = &mut self.message.initializer;
        let entry = self.constants.entry((kind as i32, shape.to_vec(), bytes.clone()));
        let add = || {
            let name = format!("constant_{}", initializers.len());
            initializers.push(inline(&name, kind, shape, bytes));
            name
        };
        entry.or_insert_with(add).clone()
    }

    /// An initializer whose numbers lie in a file.
    pub fn external(&mut self, name: &str, kind: Kind, shape: &[usize], place: Place<'_>) -> Value {
        let entry = |key: &str, value: String| Entry { key: Some(key.to_owned()), value: Some(value) };
        self.message.initializer.push(TensorMessage {
            dims: shape.iter().map(|n| *n as i64).collect(),
            data_type: Some(kind as i32),
            name: Some(name.to_owned()),
            external_data: vec![
                entry("location", place.file.to_owned()),
                entry("offset", place.offset.to_string()),
                entry("length", place.length.to_string()),
            ],
            data_location: Some(1),
            ..Default::default()
        });
        name.to_owned()
    }

    /// The network as an ONNX file.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        let model = Model {
            ir_version: Some(IR),
            producer_name: Some("frameloom".to_owned()),
            graph: Some(self.message),
            opset_import: vec![OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
        };
        model.encode_to_vec()
    }
}

fn inline(name: &str, kind: Kind, shape: &[usize], bytes: Vec<u8>) -> TensorMessage {
    let dims = shape.iter().map(|n| *n as i64).collect();
    TensorMessage {
        dims,
        data_type: Some(kind as i32),
        name: Some(name.to_owned()),
        raw_data: Some(bytes.into()),
        ..TensorMessage::default()
    }
}

fn attribute(name: &str, setting: Setting<'_>) -> Attribute {
    let mut attribute = Attribute { name: Some(name.to_owned()), ..Attribute::default() };
    let kind = match setting {
        Setting::Float(value) => {
            attribute.f = Some(value);
            1
        }
        Setting::Int(value) => {
            attribute.i = Some(value);
            2
        }
        Setting::Word(word) => {
            attribute.s = Some(word.as_bytes().to_vec());
            3
        }
        Setting::Ints(values) => {
            attribute.ints = values.to_vec();
            7
        }
    };
    attribute.kind = Some(kind);
    attribute
}

fn value_info(name: &str, kind: Kind, axes: &[Axis<'_>]) -> ValueInfo {
    let dim = axes
        .iter()
        .map(|axis| match axis {
            Axis::Fixed(n) => Dimension { value: Some(*n as i64), param: None },
            Axis::Open(name) => Dimension { value: None, param: Some((*name).to_owned()) },
        })
        .collect();
    let tensor = TensorType { element: Some(kind as i32), shape: Some(Shape { dim }) };
    ValueInfo { name: Some(name.to_owned()), kind: Some(Type { tensor: Some(tensor) }) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{Session, SessionOptions, TensorRef, Weights};

    #[test]
    fn a_written_network_runs_on_numbers_of_a_file_at_any_offset() {
        let folder = tempfile::tempdir().unwrap();
        let numbers: Vec<u8> = [2.0_f32, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(folder.path().join("w.bin"), [vec![9; 5], numbers].concat()).unwrap();
        let mut graph = Graph::new("test");
        let axes = [Axis::Open("n"), Axis::Fixed(2)];
        let x = graph.input("x", Kind::F32, &axes);
        let w = graph.external("w", Kind::F32, &[2], Place { file: "w.bin", offset: 5, length: 8 });
        let one = graph.float(1.0);
        assert_eq!(one, graph.float(1.0), "equal constants are one");
        let product = graph.add("Mul", &[&x, &w], &[]);
        let sum = graph.add("Add", &[&product, &one], &[]);
        graph.output("y", &sum, Kind::F32, &axes);
        let weights = Weights { folder: Some(folder.path().to_owned()), ..Weights::default() };
        let session = Session::from_bytes(Path::new("built"), &graph.into_bytes(), &weights, &SessionOptions::default()).unwrap();
        let x = TensorRef::of(&[1.0, 1.0, 10.0, 10.0], &[2, 2]).unwrap();
        assert_eq!(session.run(&[("x", x)]).unwrap()[0].as_f32(), Some([3.0, 4.0, 21.0, 31.0].as_slice()));
    }
}
