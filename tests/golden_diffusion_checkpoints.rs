//! Single-file checkpoints: the names of their weights, and the networks written for them against exported ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/models.rs"]
mod models;
#[path = "support/npz.rs"]
mod npz;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frameloom::diffusion::checkpoint::{Checkpoint, Form, Named, Part, Stored, TensorFile, name, vae_levels};
use frameloom::diffusion::networks::Networks;
use frameloom::model::onnx::{Bytes, Network};
use frameloom::model::{Element, Session, SessionOptions, Tensor, Weights};
use npz::{Array, Npz, diffusion, json};
use serde_json::Value;

/// The tables of names that the folder has: `keymap_real_sd15` and so on.
fn tables() -> Vec<(String, Value)> {
    let folder = diffusion().join("checkpoint");
    let names = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("keymap_") && name.strip_suffix(".json").is_some()).collect();
    names.sort();
    if names.is_empty() {
        println!("golden checkpoint names: skipped, no keymap_*.json in {}", folder.display());
    }
    names.into_iter().map(|name| (name.clone(), json("checkpoint names", &format!("checkpoint/{name}")).unwrap())).collect()
}

fn component(part: Part) -> &'static str {
    match part {
        Part::Unet => "unet",
        Part::Vae => "vae",
        Part::Text => "text_encoder",
        Part::Text2 => "text_encoder_2",
    }
}

fn transform(form: Form) -> &'static str {
    match form {
        Form::Same => "same",
        Form::Matrix => "reshape [C,C]->[C,C,1,1]",
        Form::Thirds => "concat rows q,k,v",
        Form::Transposed => "transpose",
    }
}

#[test]
fn golden_names_of_checkpoints() {
    for (file, table) in tables() {
        let table = table.as_object().unwrap();
        let levels = vae_levels(table.keys().map(String::as_str));
        for (key, entry) in table {
            let Named { part, names, form } = name(key, levels).unwrap_or_else(|| panic!("{file}: `{key}` has no name"));
            let wanted: Vec<&str> = entry["diffusers"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
            assert_eq!(names, wanted, "{file}: {key}");
            assert_eq!(component(part), entry["component"], "{file}: {key}");
            assert_eq!(transform(form), entry["transform"], "{file}: {key}");
        }
        println!("golden checkpoint names {file}: {} cases", table.len());
    }
}

/// A checkpoint with the arrays of a table, one after the other, but no file.
fn listed(table: &Value) -> TensorFile {
    let mut offset = 1000;
    let entries = table.as_object().unwrap().iter().map(|(key, entry)| {
        let shape: Vec<usize> = entry["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let length = 2 * shape.iter().product::<usize>() as u64;
        offset += length;
        (key.clone(), Stored { dtype: safetensors::Dtype::F16, shape, offset: offset - length, length })
    });
    TensorFile { path: PathBuf::from("/models/model.safetensors"), tensors: entries.collect(), metadata: BTreeMap::new() }
}

/// The networks of the real architectures name every weight of the file, each where it lies, and nothing else.
#[test]
fn golden_networks_name_every_weight() {
    for (file, table) in tables() {
        let list = listed(&table);
        let checkpoint = Checkpoint::of(list.clone(), &list.path).unwrap();
        let mut named = BTreeSet::new();
        for part in checkpoint.part_names() {
            let network = Network::read(checkpoint.graph(part, &|_| false).unwrap()).unwrap();
            for initializer in network.initializers {
                let Bytes::File { file, offset, length } = initializer.bytes else { continue };
                assert_eq!(file, Path::new("model.safetensors"));
                let inside = |stored: &&Stored| stored.offset <= offset && offset + length.unwrap() <= stored.offset + stored.length;
                let (key, _) = list.tensors.iter().find(|(_, stored)| inside(stored)).expect("a place in an array of the file");
                assert_eq!(length, Some(2 * initializer.shape.iter().product::<usize>() as u64), "{key}");
                named.insert(key.as_str());
            }
        }
        let unnamed: Vec<&String> = list.tensors.keys().filter(|key| !named.contains(key.as_str())).collect();
        assert!(unnamed.is_empty(), "{file}: {unnamed:?}");
        println!("golden checkpoint networks {file}: {} cases ({})", named.len(), checkpoint.family().name());
    }
}

/// The checkpoint files that are there: `checkpoints/NAME/model.safetensors`.
fn files() -> Vec<PathBuf> {
    let Some(folder) = models::find("checkpoints") else { return Vec::new() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("model.safetensors")).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

fn tensor(array: &Array, element: Element) -> Tensor {
    let values = ndarray::ArrayD::from_shape_vec(array.shape.clone(), array.values.clone()).unwrap();
    if element.is_float() { Tensor::F32(values) } else { Tensor::I64(values.mapv(|v| v as i64)) }
}

fn outputs(session: &Session, arrays: &Npz) -> BTreeMap<String, Vec<f32>> {
    let inputs: Vec<(&str, Tensor)> = session
        .inputs()
        .iter()
        .map(|info| (info.name.as_str(), tensor(arrays.get(&format!("in__{}", info.name)).unwrap(), info.element)))
        .collect();
    let views: Vec<_> = inputs.iter().map(|(name, tensor)| (*name, tensor.view())).collect();
    let outputs = session.run(&views).unwrap().into_iter().map(|output| output.into_f32().into_iter().collect());
    session.outputs().iter().map(|info| info.name.clone()).zip(outputs).collect()
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Every network of every checkpoint gives what the exported network gives, bit for bit, and what the reference gave elsewhere.
#[test]
fn golden_networks_give_what_exported_ones_give() {
    for file in files() {
        let checkpoint = Arc::new(Checkpoint::open(&file).unwrap());
        let (folder, options) = (file.parent().unwrap(), SessionOptions { threads: 1, ..SessionOptions::default() });
        let model = folder.file_name().unwrap().to_string_lossy().into_owned();
        for part in checkpoint.part_names() {
            let Some(arrays) = Npz::open("checkpoint components", &format!("components/{model}__{part}.npz")) else { continue };
            let ours = outputs(&Networks::open(checkpoint.as_ref(), part, &options).unwrap(), &arrays);
            let mut told = 0.0_f32;
            for (name, array) in arrays.iter().filter_map(|(name, array)| Some((name.strip_prefix("out__")?, array))) {
                told = told.max(farthest(&ours[name], &array.values));
            }
            assert!(told <= 1e-4, "{model} {part}: {told}");
            let exported = folder.join(format!("{part}.onnx"));
            if exported.is_file() {
                let weights = Weights { folder: Some(folder.canonicalize().unwrap()), ..Weights::default() };
                let session = Session::from_bytes(&exported, &std::fs::read(&exported).unwrap(), &weights, &options).unwrap();
                for (name, values) in outputs(&session, &arrays) {
                    println!("golden checkpoint {model} {part} {name}: {} from the exported network", farthest(&ours[&name], &values));
                }
            }
            println!("golden checkpoint components {model} {part}: 1 cases, {told} from the reference");
        }
    }
}

/// Random numbers that every float type in use holds exactly: quarters of small integers, most of them small.
fn number(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    ((*state >> 24) as f32 - 127.5).signum() * f32::from(((*state >> 16) & 7) as u8) / 32.0
}

/// A checkpoint of random numbers with the arrays of `table`, in numbers of `dtype`, behind a header of odd length.
fn written(path: &Path, table: &Value, dtype: &str) {
    let (mut header, mut data, mut state) = (serde_json::Map::new(), Vec::new(), 7);
    for (key, entry) in table.as_object().unwrap() {
        let count: u64 = entry["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product();
        let start = data.len();
        for _ in 0..count {
            let value = number(&mut state);
            match dtype {
                "F32" => data.extend(value.to_le_bytes()),
                "F16" => data.extend(half::f16::from_f32(value).to_le_bytes()),
                _ => data.extend(half::bf16::from_f32(value).to_le_bytes()),
            }
        }
        header.insert(key.clone(), serde_json::json!({ "dtype": dtype, "shape": entry["shape"], "data_offsets": [start, data.len()] }));
    }
    let mut text = Value::Object(header).to_string();
    while text.len().is_multiple_of(2) {
        text.push(' ');
    }
    std::fs::write(path, [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &data].concat()).unwrap();
}

/// The output of the denoising network for latents of 5x7, which no export with as many levels runs.
fn odd_picture(checkpoint: &Checkpoint) -> Vec<f32> {
    let options = SessionOptions { threads: 1, ..SessionOptions::default() };
    let session = Networks::open(checkpoint, "unet", &options).unwrap();
    let filled = |shape: &[usize], seed: u32| {
        let mut state = seed;
        ndarray::ArrayD::from_shape_simple_fn(shape, || number(&mut state))
    };
    let (sample, text) = (Tensor::F32(filled(&[1, 4, 5, 7], 1)), Tensor::F32(filled(&[1, 77, 16], 2)));
    let timestep = Tensor::from(ndarray::arr0(500.0_f32));
    let output = session.run(&[("sample", sample.view()), ("timestep", timestep.view()), ("encoder_hidden_states", text.view())]);
    output.unwrap().swap_remove(0).into_f32().into_iter().collect()
}

/// The type of the numbers makes no difference where all hold the same ones; nor do odd offsets, odd sizes, links and odd names.
#[test]
fn golden_every_float_type_gives_the_same() {
    let Some(table) = json("checkpoint types", "checkpoint/keymap_tiny_sd2v.json") else { return };
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("my modèles");
    std::fs::create_dir(&inside).unwrap();
    let pictures: Vec<Vec<f32>> = ["F32", "F16", "BF16"]
        .into_iter()
        .map(|dtype| {
            let path = inside.join(format!("a model in {dtype}.safetensors"));
            written(&path, &table, dtype);
            odd_picture(&Checkpoint::open(&path).unwrap())
        })
        .collect();
    assert!(
        pictures[0].len() == 4 * 5 * 7 && pictures[0].iter().all(|v| v.is_finite()) && pictures[0].iter().any(|v| *v != pictures[0][0])
    );
    assert_eq!(pictures[0], pictures[1]);
    assert_eq!(pictures[0], pictures[2]);
    #[cfg(unix)]
    {
        let link = folder.path().join("link.safetensors");
        std::os::unix::fs::symlink(inside.join("a model in F16.safetensors"), &link).unwrap();
        assert_eq!(odd_picture(&Checkpoint::open(&link).unwrap()), pictures[0]);
    }
    println!("golden checkpoint types: 3 cases");
}

/// What is not a whole checkpoint is refused with the reason.
#[test]
fn golden_what_is_no_checkpoint_is_told() {
    let Some(table) = json("checkpoint errors", "checkpoint/keymap_tiny_sd2v.json") else { return };
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut table = table.clone();
        change(table.as_object_mut().unwrap());
        let path = folder.path().join(name);
        written(&path, &table, "F16");
        Checkpoint::open(&path).unwrap_err().to_string()
    };
    let without = |start: &'static str| move |table: &mut serde_json::Map<String, Value>| table.retain(|key, _| !key.starts_with(start));
    let told = refused("a.safetensors", &without("first_stage_model."));
    assert!(told.contains("VAE"), "{told}");
    let told = refused("b.safetensors", &without("cond_stage_model."));
    assert!(told.contains("text encoder is left out"), "{told}");
    let told = refused("c.safetensors", &|table| table.retain(|key, _| key.starts_with("cond_stage_model.")));
    assert!(told.contains("holds no Stable Diffusion"), "{told}");
    let told = refused("d.safetensors", &without("model.diffusion_model.middle_block.1.norm.bias"));
    assert!(told.contains("`mid_block.attentions.0.norm.bias` is missing"), "{told}");
    let one = |key: &'static str| {
        move |table: &mut serde_json::Map<String, Value>| {
            table.clear();
            table.insert(key.to_owned(), serde_json::json!({ "shape": [2, 2] }));
        }
    };
    let told = refused("e.safetensors", &one("lora_unet_x.lora_down.weight"));
    assert!(told.contains("it is a LoRA") && told.contains("`loras`"), "{told}");
    assert!(refused("f.safetensors", &one("decoder.up.0.block.0.conv1.weight")).contains("VAE"));
    assert!(refused("g.safetensors", &one("model.diffusion_model.joint_blocks.0.x")).contains("Stable Diffusion 3"));
    assert!(refused("h.safetensors", &one("double_blocks.0.img_attn.qkv.weight")).contains("Flux"));
    assert!(refused("i.ckpt", &|_| {}).contains("can run any program"));
    let path = folder.path().join("j.safetensors");
    written(&path, &table, "F16");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(Checkpoint::open(&path).unwrap_err().to_string().contains("cut short"));
    println!("golden checkpoint errors: 10 cases");
}
