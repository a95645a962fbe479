//! One forward of every network of the tiny models, and what their sessions say of themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/models.rs"]
mod models;
#[path = "support/npz.rs"]
mod npz;

use std::collections::BTreeMap;
use std::path::PathBuf;

use frameloom::model::{Session, SessionOptions, Tensor, TensorInfo};
use ndarray::{ArrayD, IxDyn};
use npz::{Npz, difference, diffusion, json};
use serde_json::Value;

fn network(model: &str, part: &str) -> Option<PathBuf> {
    models::find(&format!("tiny/{model}")).map(|folder| folder.join(part).join("model.onnx"))
}

fn options() -> SessionOptions {
    SessionOptions { threads: 1, ..SessionOptions::default() }
}

#[test]
fn golden_components() {
    let Ok(entries) = std::fs::read_dir(diffusion().join("components")) else {
        println!("golden components: skipped, no folder components");
        return;
    };
    let mut names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.strip_suffix(".npz").is_some());
    names.sort();
    let mut count = 0;
    for name in names {
        let (model, part) = name.trim_end_matches(".npz").split_once("__").expect("MODEL__COMPONENT.npz");
        let Some(path) = network(model, part) else { continue };
        let arrays = Npz::open("components", &format!("components/{name}")).unwrap();
        let session = Session::open(&path, &options()).unwrap();
        let inputs: BTreeMap<&str, Tensor> = arrays
            .iter()
            .filter_map(|(key, array)| {
                let values = ArrayD::from_shape_vec(IxDyn(&array.shape), array.values.clone()).unwrap();
                Some((key.strip_prefix("in__")?, Tensor::F32(values)))
            })
            .collect();
        let given: Vec<_> = inputs.iter().map(|(name, tensor)| (*name, tensor.view())).collect();
        let outputs = session.run(&given).unwrap();
        for (info, output) in session.outputs().iter().zip(outputs) {
            let Some(expected) = arrays.get(&format!("out__{}", info.name)) else { continue };
            assert_eq!(output.shape(), expected.shape, "{name} {}", info.name);
            let (worst, size) = difference(output.into_f32().as_slice().unwrap(), &expected.values);
            // Half precision is rounded at other places by other builds.
            let tolerance = if model.ends_with("fp16") { 2e-2 } else { 1e-4 };
            assert!(worst <= tolerance * size.max(1.0), "{name} {}: {worst} of {size}", info.name);
        }
        count += 1;
    }
    println!("golden components: {count} cases");
}

/// Names, types and fixed lengths, as the reference writes them.
fn agrees(info: &TensorInfo, expected: &Value) -> bool {
    let element = match expected[1].as_str().unwrap() {
        "tensor(float)" => "f32",
        "tensor(float16)" => "f16",
        "tensor(int64)" => "i64",
        "tensor(int32)" => "i32",
        other => panic!("elements of {other} are not known"),
    };
    let shape = expected[2].as_array().unwrap();
    info.name == expected[0].as_str().unwrap()
        && info.element.to_string() == element
        && info.rank() == shape.len()
        && shape.iter().enumerate().all(|(at, n)| info.fixed(at).map(|n| n as u64) == n.as_u64())
}

#[test]
fn golden_model_io() {
    let Some(golden) = json("model io", "model_io.json") else { return };
    let mut count = 0;
    for (file, sides) in golden.as_object().unwrap() {
        let (model, part) = file.trim_end_matches("/model.onnx").split_once('/').expect("MODEL/COMPONENT/model.onnx");
        let Some(path) = network(model, part) else { continue };
        let session = Session::open(&path, &options()).unwrap();
        for (side, infos) in [("inputs", session.inputs()), ("outputs", session.outputs())] {
            let expected = sides[side].as_array().unwrap();
            assert_eq!(infos.len(), expected.len(), "{file} {side}");
            for (info, expected) in infos.iter().zip(expected) {
                assert!(agrees(info, expected), "{file}: {info} is to be {expected}");
            }
        }
        count += 1;
    }
    println!("golden model io: {count} cases");
}
