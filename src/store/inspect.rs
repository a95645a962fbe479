//! What a model is, by looking into it: its family, its numbers, what goes in and comes out. Nothing is loaded.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::Value;

use super::content::Content;
use super::{StoreError, licence};
use crate::diffusion::checkpoint::{Checkpoint, Family, TensorFile, other_than_checkpoint};
use crate::diffusion::lora::Lora;
use crate::diffusion::{DiffusionError, ModelFolder};
use crate::model::onnx::Interface;
use crate::model::{Element, TensorInfo, not_onnx};

/// What is seen of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The line of models it belongs to (`sd1`, `sd2`, `sdxl`, `diffusion` for others with a denoising network), or what it is: `lora`,
    /// `controlnet`, `vae`, `onnx`, `unknown`…
    pub family: String,
    /// What sets it apart within the family: `inpainting`, `lcm`, `controlnet`.
    pub traits: Vec<&'static str>,
    /// The type of most of its numbers: `f16`, `f32`…
    pub precision: Option<String>,
    /// What a denoising network predicts: `epsilon`, `v_prediction`, `sample`.
    pub prediction: Option<&'static str>,
    /// The licence that its own files name.
    pub license: Option<String>,
    /// Its networks.
    pub parts: Vec<Part>,
    /// Files that its networks keep weights in and that are not there, inside the model's folder.
    pub missing: Vec<String>,
}

/// A network of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `unet`, `text_encoder`…; empty where the model is one network.
    pub name: String,
    /// What goes in.
    pub inputs: Vec<TensorInfo>,
    /// What comes out.
    pub outputs: Vec<TensorInfo>,
}

/// Looks into the model at `path`, a file or a folder.
///
/// # Errors
/// [`StoreError::Unfit`] when it is no model, or a broken one.
pub fn inspect(path: &Path) -> Result<Facts, StoreError> {
    let unfit = |why: String| StoreError::Unfit(format!("`{}` is no model that can be used: {why}", path.display()));
    look(path).map_err(unfit)
}

/// As [`inspect`], for those who name the file themselves.
pub(super) fn look(path: &Path) -> Result<Facts, String> {
    if path.is_dir() {
        return folder(path);
    }
    match Content::of(path)? {
        Content::Weights => weights(path),
        Content::Network => {
            let (part, missing) = network(path, "")?;
            Ok(Facts {
                family: family_of_network(&part).to_owned(),
                precision: precision_of(&part),
                parts: vec![part],
                missing,
                ..Facts::default()
            })
        }
    }
}

fn reason(error: DiffusionError) -> String {
    if let DiffusionError::Malformed { why, .. } = error { why } else { error.to_string() }
}

/// A file of weights: a checkpoint, or what else is in that form.
fn weights(path: &Path) -> Result<Facts, String> {
    let file = TensorFile::open(path).map_err(reason)?;
    let license = file.metadata.get("modelspec.license").filter(|text| !text.is_empty()).cloned();
    let facts = Facts { precision: commonest(&file), license, ..Facts::default() };
    let stranger = other_than_checkpoint(&file).map(|stranger| stranger.name);
    let Ok(checkpoint) = Checkpoint::of(file, path) else {
        let family = if Lora::check(path).is_ok() { "lora" } else { stranger.unwrap_or("unknown") };
        return Ok(Facts { family: family.to_owned(), ..facts });
    };
    let part = |name: &&'static str| {
        let face = Interface::read(Cursor::new(checkpoint.graph(name, &|_| false).ok()?)).ok()?;
        Some(Part { name: (*name).to_owned(), inputs: face.inputs, outputs: face.outputs })
    };
    let parts = checkpoint.part_names().iter().filter_map(part).collect();
    let family = word(checkpoint.family()).to_owned();
    let model = checkpoint.into_model(path);
    Ok(Facts {
        family,
        traits: traits(&model, path),
        prediction: Some(model.scheduler.prediction_type.unwrap_or_default().name()),
        parts,
        ..facts
    })
}

/// The word for a family.
fn word(family: Family) -> &'static str {
    match family {
        Family::Sd1 => "sd1",
        Family::Sd2 => "sd2",
        Family::Sdxl => "sdxl",
    }
}

/// The type of most bytes of a file.
fn commonest(file: &TensorFile) -> Option<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for stored in file.tensors.values() {
        *counts.entry(dtype(stored.dtype)).or_default() += stored.length;
    }
    counts.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(name, _)| name)
}

fn dtype(dtype: Dtype) -> String {
    format!("{dtype:?}").to_lowercase()
}

/// Parts that are networks, and the files they are in: `model.onnx` in the folder itself or in folders inside.
pub(super) fn networks(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut all: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().join("model.onnx")))
        .filter(|(_, path)| path.is_file())
        .collect();
    all.sort();
    let own = folder.join("model.onnx");
    if own.is_file() {
        all.insert(0, (String::new(), own));
    }
    all
}

fn folder(path: &Path) -> Result<Facts, String> {
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    for (name, file) in networks(path) {
        let (part, lost) = network(&file, &name).map_err(|why| format!("in `{name}`, {why}"))?;
        parts.push(part);
        missing.extend(lost);
    }
    let facts = Facts { license: licence::in_folder(path), missing, ..Facts::default() };
    let unet = parts.iter().find(|part| part.name == "unet");
    let main = unet.or_else(|| parts.iter().find(|part| part.name == "controlnet")).or(parts.first());
    let Some(main) = main else { return Err("there is no `model.onnx` in it, nor in folders inside; give another source".to_owned()) };
    let precision = precision_of(main);
    if unet.is_none() {
        let family = family_of_network(main).to_owned();
        return Ok(Facts { family, precision, parts, ..facts });
    }
    let model = ModelFolder::open(path).map_err(reason)?;
    let prediction = Some(model.scheduler.prediction_type.unwrap_or_default().name());
    Ok(Facts { family: family_of_folder(&model).to_owned(), traits: traits(&model, path), precision, prediction, parts, ..facts })
}

/// A network, and the files of weights that it lacks.
fn network(path: &Path, name: &str) -> Result<(Part, Vec<String>), String> {
    let face = File::open(path).and_then(Interface::read);
    let face = face.map_err(|_| not_onnx(path).unwrap_or_else(|| "the network is cut short or broken; fetch it again".to_owned()))?;
    let beside = path.canonicalize().ok().and_then(|real| real.parent().map(Path::to_path_buf)).unwrap_or_default();
    let inside = |file: &String| if name.is_empty() { file.clone() } else { format!("{name}/{file}") };
    let missing = face.outside.iter().filter(|file| !beside.join(file).is_file()).map(inside).collect();
    Ok((Part { name: name.to_owned(), inputs: face.inputs, outputs: face.outputs }, missing))
}

fn family_of_folder(model: &ModelFolder) -> &'static str {
    let config = fs::read_to_string(model.path.join("text_encoder/config.json")).unwrap_or_default();
    let config: Value = serde_json::from_str(&config).unwrap_or_default();
    if model.vae.latent_channels != 4 {
        "diffusion"
    } else if model.has("text_encoder_2") {
        "sdxl"
    } else if config["hidden_act"] == "gelu" {
        // OpenCLIP, which came with Stable Diffusion 2.
        "sd2"
    } else {
        "sd1"
    }
}

fn traits(model: &ModelFolder, path: &Path) -> Vec<&'static str> {
    let config = fs::read_to_string(path.join("unet/config.json")).unwrap_or_default();
    let config: Value = serde_json::from_str(&config).unwrap_or_default();
    let all = [
        (model.unet.in_channels > 2 * model.vae.latent_channels, "inpainting"),
        (config["time_cond_proj_dim"].is_u64(), "lcm"),
        (model.networks.has("controlnet"), "controlnet"),
    ];
    all.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect()
}

fn family_of_network(part: &Part) -> &'static str {
    let takes = |name: &str| part.inputs.iter().any(|input| input.name == name);
    if takes("controlnet_cond") {
        "controlnet"
    } else if takes("encoder_hidden_states") {
        "unet"
    } else if takes("latent_sample") || part.outputs.iter().any(|output| output.name == "latent_sample") {
        "vae"
    } else {
        "onnx"
    }
}

/// The type of the first floats that go in.
fn precision_of(part: &Part) -> Option<String> {
    let mut elements = part.inputs.iter().chain(&part.outputs).map(|info| info.element);
    elements.find(|element: &Element| element.is_float()).map(|element| element.to_string())
}
