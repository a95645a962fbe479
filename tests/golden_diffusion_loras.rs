//! LoRA files on checkpoints and on exported folders: merged weights, texts and the denoising network's output.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/models.rs"]
mod models;
#[path = "support/npz.rs"]
mod npz;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use frameloom::diffusion::ModelFolder;
use frameloom::diffusion::checkpoint::{TensorFile, name, vae_levels};
use frameloom::diffusion::lora::{Adapted, Applied, Lora};
use frameloom::diffusion::networks::Networks;
use frameloom::model::{Session, SessionOptions, Tensor};
use npz::{Array, Npz, diffusion, json};

/// The LoRA files that the folder has, each with the name of its model and what should come out.
fn cases() -> Vec<(PathBuf, String, Npz)> {
    let folder = diffusion().join("lora");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "safetensors"));
    files.sort();
    if files.is_empty() {
        println!("golden lora: skipped, no files in {}", folder.display());
    }
    let case = |file: PathBuf| {
        // tiny_sd15_kohya.safetensors and tiny_sd15_lora_golden.npz.
        let stem = file.file_stem()?.to_str()?.to_owned();
        let (model, _) = stem.rsplit_once('_')?;
        let own = Npz::open("lora", &format!("lora/{stem}_golden.npz"));
        let arrays = own.or_else(|| Npz::open("lora", &format!("lora/{model}_lora_golden.npz")))?;
        Some((file, model.trim_start_matches("tiny_").to_owned(), arrays))
    };
    files.into_iter().filter_map(case).collect()
}

fn applied(file: &Path) -> Applied {
    let strength = json("lora", "lora/meta.json").map_or(0.8, |meta| meta["multiplier"].as_f64().unwrap());
    Applied { lora: Arc::new(Lora::open(file).unwrap()), unet: strength, text: strength }
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The model as a checkpoint and as an exported folder, as far as they are there.
fn places(model: &str) -> Vec<PathBuf> {
    let checkpoint = models::find("checkpoints").map(|folder| folder.join(model).join("model.safetensors"));
    let folder = models::find("tiny").map(|folder| folder.join(model));
    [checkpoint, folder].into_iter().flatten().filter(|path| path.exists()).collect()
}

#[test]
fn golden_lora_merged_weights() {
    for (file, model, arrays) in cases() {
        let Some(path) = places(&model).into_iter().find(|path| path.is_file()) else { continue };
        let (source, base) = (TensorFile::open(&path).unwrap(), ModelFolder::open(&path).unwrap().networks);
        let adapted = Adapted::new(base, &[applied(&file)]).unwrap();
        let levels = vae_levels(source.tensors.keys().map(String::as_str));
        let mut count = 0;
        for (key, wanted) in arrays.iter() {
            let parts = [("merged_te2__", "text_encoder_2"), ("merged_te__", "text_encoder"), ("merged__", "unet")];
            let Some((weight, part)) = parts.iter().find_map(|(start, part)| Some((key.strip_prefix(start)?, *part))) else { continue };
            let original = |key: &&String| {
                name(key, levels).is_some_and(|named| named.names == [weight] && key.starts_with("model.") == (part == "unet"))
            };
            let stored = &source.tensors[source.tensors.keys().find(original).unwrap_or_else(|| panic!("no weight {weight}"))];
            let mut numbers = source.numbers(stored).unwrap();
            adapted.apply(part, weight, &mut numbers, &stored.shape).unwrap();
            let far = farthest(&numbers, &wanted.values);
            assert!(far <= 1e-5, "{weight}: {far}");
            count += 1;
        }
        println!("golden lora merged {}: {count} cases", file.display());
    }
}

fn run(session: &Session, arrays: &Npz, text: &Array) -> Vec<f32> {
    let array = |name: &str| match name {
        "encoder_hidden_states" => text.clone(),
        _ => arrays.get(name).unwrap_or_else(|| panic!("no input {name}")).clone(),
    };
    let batch = arrays.get("sample").map_or(1, |sample| sample.shape[0]);
    let given: Vec<(&str, Tensor)> = session
        .inputs()
        .iter()
        .map(|info| {
            let mut array = array(&info.name);
            if info.name == "encoder_hidden_states" && array.shape[0] == 1 {
                array.values = array.values.repeat(batch);
                array.shape[0] = batch;
            }
            let values = ndarray::ArrayD::from_shape_vec(array.shape, array.values).unwrap();
            (info.name.as_str(), if info.element.is_float() { Tensor::F32(values) } else { Tensor::I64(values.mapv(|v| v as i64)) })
        })
        .collect();
    let views: Vec<_> = given.iter().map(|(name, tensor)| (*name, tensor.view())).collect();
    session.run(&views).unwrap().swap_remove(0).into_f32().into_iter().collect()
}

#[test]
fn golden_lora_texts_and_pictures() {
    let options = SessionOptions { threads: 1, ..SessionOptions::default() };
    for (file, model, arrays) in cases() {
        for path in places(&model) {
            let base = ModelFolder::open(&path).unwrap().networks;
            let adapted: Arc<dyn Networks> = Arc::new(Adapted::new(Arc::clone(&base), &[applied(&file)]).unwrap());
            let mut count = 0;
            for (networks, which) in [(&base, "base"), (&adapted, "lora")] {
                let (Some(hidden), Some(unet)) = (arrays.get(&format!("hidden_{which}")), arrays.get(&format!("unet_{which}"))) else {
                    println!("golden lora {}: skipped, no hidden_{which} and unet_{which}", file.display());
                    continue;
                };
                let text = run(&networks.open("text_encoder", &options).unwrap(), &arrays, hidden);
                let far = farthest(&text, &hidden.values);
                assert!(far <= 1e-4, "{} text {which}: {far}", path.display());
                let output = run(&networks.open("unet", &options).unwrap(), &arrays, hidden);
                let far = farthest(&output, &unet.values).max(far);
                assert!(far <= 1e-4, "{} unet {which}: {far}", path.display());
                println!("golden lora {} {which}: {far} at most", path.display());
                count += 2;
            }
            println!("golden lora {} on {}: {count} cases", file.file_name().unwrap().display(), path.display());
        }
    }
}
