//! Whole pictures of tiny models against diffusers with ONNX Runtime: embeddings, latents after every step, pixels.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/models.rs"]
mod models;
#[path = "support/npz.rs"]
mod npz;

use std::collections::HashMap;

use frameloom::diffusion::random::{Generator, Precision};
use frameloom::diffusion::schedule::SchedulerConfig;
use frameloom::diffusion::{Picture, Pipeline, Request, SamplerKind, SamplerOptions, Seeds, StrengthReading};
use frameloom::frame::{ColorTags, Frame, Raster, Size};
use frameloom::model::SessionOptions;
use npz::{Npz, difference, diffusion, json};
use serde_json::Value;

/// The families that can be painted so far.
const PIPELINES: [&str; 4] = [
    "ORTStableDiffusionPipeline",
    "ORTStableDiffusionImg2ImgPipeline",
    "ORTLatentConsistencyModelPipeline",
    "ORTLatentConsistencyModelImg2ImgPipeline",
];

/// One text for each picture: given as a text or a list, and for each as often as asked.
fn texts(call: &Value, key: &str, pictures: usize) -> Vec<String> {
    let given: Vec<String> = match &call[key] {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().map(|t| t.as_str().unwrap().to_owned()).collect(),
        _ => vec![String::new()],
    };
    (0..pictures).map(|i| given[i * given.len() / pictures].clone()).collect()
}

fn pictures_of(case: &Value) -> Vec<Frame> {
    let files: Vec<&str> = match &case["files"]["image"] {
        Value::String(file) => vec![file],
        Value::Array(list) => list.iter().map(|f| f.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    let load = |file: &&str| {
        let rgb = image::open(diffusion().join("pipelines").join(file)).expect("golden pictures decode").to_rgb8();
        let size = Size::new(rgb.width() as usize, rgb.height() as usize);
        let plane = |c: usize| rgb.as_raw().iter().skip(c).step_by(3).map(|v| f32::from(*v) / 255.0);
        Frame::new(Raster::from_vec(size, 3, (0..3).flat_map(plane).collect()), ColorTags::SRGB)
    };
    files.iter().map(load).collect()
}

fn check(case: &Value, arrays: &Npz, pipeline: &Pipeline, kind: SamplerKind) {
    let id = case["id"].as_str().unwrap();
    let call = &case["call"];
    let number = |key: &str, usual: f64| call[key].as_f64().unwrap_or(usual);
    let latents = arrays.get("latents").unwrap();
    let batch = latents.shape[1];
    let (prompts, negatives, images) = (texts(call, "prompt", batch), texts(call, "negative_prompt", batch), pictures_of(case));
    let pictures: Vec<Picture<'_>> = (0..batch)
        .map(|i| Picture {
            prompt: prompts[i].as_str().into(),
            negative: negatives[i].as_str().into(),
            image: images.get(i * images.len() / batch),
        })
        .collect();
    let seeds: Vec<u64> = case["seeds"].as_array().unwrap().iter().map(|s| s.as_u64().unwrap()).collect();
    let half = case["model"].as_str().unwrap().ends_with("fp16");
    let (loose_latents, loose_pixels) = if half { (0.15, 0.01) } else { (1e-3, 1e-4) };

    for (i, prompt) in prompts.iter().enumerate() {
        let rows = arrays.values("embeds_0").chunks(arrays.values("embeds_0").len() / batch).nth(i).unwrap();
        let (worst, _) = difference(&pipeline.embed(prompt).unwrap().data, rows);
        assert!(worst <= loose_latents / 10.0, "{id}: embedding differs by {worst}");
    }
    if seeds.len() == 1 {
        let first = arrays.values("noise_0");
        let precision = if half { Precision::Half } else { Precision::Single };
        assert_eq!(Generator::new(seeds[0]).randn(first.len(), precision), first, "{id}: noise");
    }
    let request = Request {
        pictures: &pictures,
        size: Size::new(number("width", 64.0) as usize, number("height", 64.0) as usize),
        steps: call["num_inference_steps"].as_u64().unwrap() as usize,
        strength: number("strength", 1.0),
        reading: StrengthReading::Diffusers,
        guidance: number("guidance_scale", 7.5) as f32,
        guidance_rescale: number("guidance_rescale", 0.0) as f32,
        sampler: kind,
        sampler_options: SamplerOptions { eta: number("eta", 0.0) as f32, ..SamplerOptions::default() },
        seeds: if seeds.len() == 1 { Seeds::One(seeds[0]) } else { Seeds::Each(&seeds) },
        variation: None,
    };
    let mut steps = Vec::new();
    let painted = pipeline.paint(&request, &mut |progress| steps.push(progress.latents.data.clone())).unwrap();
    assert_eq!(steps.len(), latents.shape[0], "{id}: steps");
    for (step, (ours, expected)) in steps.iter().zip(latents.values.chunks(steps[0].len())).enumerate() {
        let (worst, _) = difference(ours, expected);
        assert!(worst <= loose_latents, "{id}: latents differ by {worst} after step {}", step + 1);
    }
    // The reference has colours innermost.
    let pixels =
        |r: &Raster| (0..r.size().area()).flat_map(|i| (0..3).map(move |c| (c, i))).map(|(c, i)| r.plane(c)[i]).collect::<Vec<_>>();
    let ours: Vec<f32> = painted.iter().flat_map(pixels).collect();
    let (worst, _) = difference(&ours, arrays.values("image"));
    assert!(worst <= loose_pixels, "{id}: pixels differ by {worst}");
}

#[test]
fn golden_pipelines() {
    let Some(golden) = json("pipelines", "pipelines/index.json") else { return };
    let options = SessionOptions { threads: 1, ..SessionOptions::default() };
    let (mut opened, mut count): (HashMap<String, Pipeline>, _) = (HashMap::new(), 0);
    for case in golden["cases"].as_array().unwrap() {
        let kind = match case["scheduler_class"].as_str().unwrap() {
            "EulerDiscreteScheduler" => SamplerKind::Euler,
            "DDIMScheduler" => SamplerKind::Ddim,
            "LCMScheduler" => SamplerKind::Lcm,
            _ => continue,
        };
        if !PIPELINES.contains(&case["pipeline"].as_str().unwrap()) {
            continue;
        }
        let id = case["id"].as_str().unwrap();
        let Some(arrays) = Npz::open("pipelines", &format!("pipelines/{id}.npz")) else { continue };
        let model = case["model"].as_str().unwrap();
        if !opened.contains_key(model) {
            let Some(path) = models::find(&format!("tiny/{model}")) else { continue };
            opened.insert(model.to_owned(), Pipeline::open(&path, &options).unwrap());
        }
        let pipeline = opened.get_mut(model).unwrap();
        let mut scheduler: SchedulerConfig = serde_json::from_value(case["scheduler_config"].clone()).unwrap();
        scheduler.class_name = case["scheduler_class"].as_str().map(str::to_owned);
        pipeline.set_scheduler(scheduler);
        check(case, &arrays, pipeline, kind);
        count += 1;
    }
    println!("golden pipelines: {count} cases");
}
