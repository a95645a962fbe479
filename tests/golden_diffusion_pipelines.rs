//! Whole pictures of tiny models against diffusers with ONNX Runtime: embeddings, latents after every step, pixels.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/models.rs"]
mod models;
#[path = "support/npz.rs"]
mod npz;

use std::collections::HashMap;

use frameloom::diffusion::prompt::Reading;
use frameloom::diffusion::random::{Generator, NoiseSource, Precision};
use frameloom::diffusion::schedule::SchedulerConfig;
use frameloom::diffusion::{
    Control, Framing, Picture, Pipeline, Request, SamplerKind, SamplerOptions, Seeds, StrengthReading, guidance_embedding,
};
use frameloom::frame::{ColorTags, Frame, Mask, Raster, Size};
use frameloom::model::SessionOptions;
use npz::{Npz, difference, diffusion, json};
use serde_json::Value;

/// The settings of a call that are heeded; a case with another must fail rather than be painted as if it were not there.
const SETTINGS: [&str; 15] = [
    "prompt",
    "negative_prompt",
    "num_inference_steps",
    "num_images_per_prompt",
    "guidance_scale",
    "guidance_rescale",
    "height",
    "width",
    "image",
    "mask_image",
    "strength",
    "eta",
    "original_size",
    "crops_coords_top_left",
    "target_size",
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

fn rgb(file: &str) -> image::RgbImage {
    image::open(diffusion().join("pipelines").join(file)).expect("golden pictures decode").to_rgb8()
}

fn raster(file: &str, planes: usize) -> Raster {
    let rgb = rgb(file);
    let size = Size::new(rgb.width() as usize, rgb.height() as usize);
    let plane = |c: usize| rgb.as_raw().iter().skip(c).step_by(3).map(|v| f32::from(*v) / 255.0);
    Raster::from_vec(size, planes, (0..planes).flat_map(plane).collect())
}

fn files<'a>(case: &'a Value, key: &str) -> Vec<&'a str> {
    match &case["files"][key] {
        Value::String(file) => vec![file],
        Value::Array(list) => list.iter().map(|f| f.as_str().unwrap()).collect(),
        _ => Vec::new(),
    }
}

/// The pictures painted have colours outermost, the reference has them innermost.
fn pixels(painted: &[Raster]) -> Vec<f32> {
    let of = |r: &Raster| (0..r.size().area()).flat_map(|i| (0..3).map(move |c| (c, i))).map(|(c, i)| r.plane(c)[i]).collect::<Vec<_>>();
    painted.iter().flat_map(of).collect()
}

fn pair(value: &Value) -> Option<(usize, usize)> {
    let list = value.as_array()?;
    Some((list[0].as_u64()? as usize, list[1].as_u64()? as usize))
}

/// What SDXL was told of sizes, given as (height, width).
fn framing(call: &Value, size: Size) -> Framing {
    let whole = Framing::whole(size);
    let given = |key: &str| pair(&call[key]).map(|(height, width)| Size::new(width, height));
    Framing {
        original: given("original_size").unwrap_or(whole.original),
        crop: pair(&call["crops_coords_top_left"]).unwrap_or(whole.crop),
        target: given("target_size").unwrap_or(whole.target),
        ..whole
    }
}

fn check_texts(case: &Value, arrays: &Npz, pipeline: &Pipeline, prompts: &[String], tolerance: f32) {
    let id = case["id"].as_str().unwrap();
    let xl = arrays.get("embeds_2").is_some();
    for (i, prompt) in prompts.iter().enumerate() {
        let row = |name: &str| arrays.values(name).chunks(arrays.values(name).len() / prompts.len()).nth(i).unwrap();
        let embedding = pipeline.embed(prompt).unwrap();
        let (worst, _) = difference(&embedding.data, row("embeds_0"));
        assert!(worst <= tolerance, "{id}: embedding differs by {worst}");
        if xl {
            let (worst, _) = difference(&embedding.pooled, row("embeds_2"));
            assert!(worst <= tolerance, "{id}: pooled embedding differs by {worst}");
        }
    }
}

fn check(case: &Value, arrays: &Npz, pipeline: &Pipeline) {
    let id = case["id"].as_str().unwrap();
    let call = &case["call"];
    let unknown = call.as_object().unwrap().keys().find(|key| !SETTINGS.contains(&key.as_str()));
    assert!(unknown.is_none(), "{id}: the setting {unknown:?} is not heeded");
    let number = |key: &str, usual: f64| call[key].as_f64().unwrap_or(usual);
    let latents = arrays.get("latents").unwrap();
    let batch = latents.shape[1];
    let (prompts, negatives) = (texts(call, "prompt", batch), texts(call, "negative_prompt", batch));
    let images: Vec<Frame> = files(case, "image").iter().map(|file| Frame::new(raster(file, 3), ColorTags::SRGB)).collect();
    let masks: Vec<Mask> = files(case, "mask").iter().map(|file| Mask::new(raster(file, 1))).collect();
    let pictures: Vec<Picture<'_>> = (0..batch)
        .map(|i| Picture {
            prompt: prompts[i].as_str().into(),
            negative: call.get("negative_prompt").filter(|n| !n.is_null()).map(|_| negatives[i].as_str().into()),
            image: images.get(i % images.len().max(1)),
            latents: None,
            mask: masks.get(i % masks.len().max(1)),
        })
        .collect();
    let seeds: Vec<u64> = case["seeds"].as_array().unwrap().iter().map(|s| s.as_u64().unwrap()).collect();
    let half = case["model"].as_str().unwrap().ends_with("fp16");
    let (loose_latents, loose_pixels) = if half { (0.15, 0.01) } else { (1e-3, 1e-4) };
    check_texts(case, arrays, pipeline, &prompts, loose_latents / 10.0);
    if seeds.len() == 1 {
        let first = arrays.values("noise_0");
        let precision = if half { Precision::Half } else { Precision::Single };
        assert_eq!(Generator::new(seeds[0]).randn(first.len(), precision), first, "{id}: noise");
    }
    let size = Size::new(number("width", 64.0) as usize, number("height", 64.0) as usize);
    let request = Request {
        pictures: &pictures,
        size,
        steps: call["num_inference_steps"].as_u64().unwrap() as usize,
        strength: number("strength", 1.0),
        reading: StrengthReading::Diffusers,
        guidance: number("guidance_scale", 7.5) as f32,
        guidance_rescale: number("guidance_rescale", 0.0) as f32,
        sampler: SamplerKind::FromModel,
        schedule: None,
        sampler_options: SamplerOptions { eta: Some(number("eta", 0.0)).filter(|eta| *eta > 0.0), ..SamplerOptions::default() },
        prompts: Reading::PLAIN,
        noise_source: NoiseSource::Cpu,
        seeds: if seeds.len() == 1 { Seeds::One(seeds[0]) } else { Seeds::Each(&seeds) },
        framing: Some(framing(call, images.first().map_or(size, Frame::size))),
        ..Request::default()
    };
    let painted = check_steps(id, pipeline, &request, latents, loose_latents);
    let (worst, _) = difference(&pixels(&painted), arrays.values("image"));
    assert!(worst <= loose_pixels, "{id}: pixels differ by {worst}");
}

/// Paints and compares the latents after every step.
fn check_steps(id: &str, pipeline: &Pipeline, request: &Request<'_>, latents: &npz::Array, tolerance: f32) -> Vec<Raster> {
    let mut steps = Vec::new();
    let painted = pipeline.paint(request, &mut |progress| steps.push(progress.latents.data.clone())).unwrap();
    let theirs: Vec<&[f32]> = latents.values.chunks(steps[0].len()).collect();
    // Schedulers of second order tell the latents after each call of the network: two for each step but the last.
    let twice = theirs.len() == 2 * steps.len() - 1 && steps.len() > 1;
    let theirs: Vec<_> =
        theirs.iter().enumerate().filter(|(i, _)| !twice || i % 2 == 1 || i + 1 == theirs.len()).map(|(_, t)| *t).collect();
    assert_eq!(steps.len(), theirs.len(), "{id}: steps");
    for (step, (ours, expected)) in steps.iter().zip(theirs).enumerate() {
        let (worst, _) = difference(ours, expected);
        assert!(worst <= tolerance, "{id}: latents differ by {worst} after step {}", step + 1);
    }
    painted
}

#[test]
fn golden_pipelines() {
    let Some(golden) = json("pipelines", "pipelines/index.json") else { return };
    let options = SessionOptions { threads: 1, ..SessionOptions::default() };
    let (mut opened, mut count): (HashMap<String, Pipeline>, _) = (HashMap::new(), 0);
    for case in golden["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let Some(arrays) = Npz::open("pipelines", &format!("pipelines/{id}.npz")) else { continue };
        let model = case["model"].as_str().unwrap();
        if !opened.contains_key(model) {
            let Some(path) = models::find(&format!("tiny/{model}")) else { continue };
            opened.insert(model.to_owned(), Pipeline::open(&path, &options).unwrap());
        }
        let pipeline = opened.get_mut(model).unwrap();
        let mut scheduler = SchedulerConfig::parse(&case["scheduler_config"].to_string()).unwrap();
        scheduler.class_name = case["scheduler_class"].as_str().map(str::to_owned);
        pipeline.set_scheduler(scheduler);
        check(case, &arrays, pipeline);
        count += 1;
    }
    println!("golden pipelines: {count} cases");
}

#[test]
fn golden_controlnet() {
    let Some(arrays) = Npz::open("controlnet", "pipelines/controlnet_t2i.npz") else { return };
    let Some(path) = models::find("tiny/controlnet") else { return };
    let mut pipeline = Pipeline::open(&path, &SessionOptions { threads: 1, ..SessionOptions::default() }).unwrap();
    let both = arrays.values("embeds_neg_pos");
    // The texts are not in the data: of those that are, the ones that give these embeddings.
    let known = ["a red circle on a blue background", "a white stripes on a green background", "a black square", ""];
    let find = |row: &[f32]| known.into_iter().find(|text| difference(&pipeline.embed(text).unwrap().data, row).0 < 1e-4);
    let (negative, prompt) = both.split_at(both.len() / 2);
    let (negative, prompt) = (find(negative).expect("a known negative prompt"), find(prompt).expect("a known prompt"));
    let mut scheduler = pipeline.folder().scheduler.clone();
    scheduler.class_name = Some("EulerDiscreteScheduler".to_owned());
    pipeline.set_scheduler(scheduler);
    let shape = &arrays.get("cond").unwrap().shape;
    let size = Size::new(shape[3], shape[2]);
    let image = Frame::new(Raster::from_vec(size, 3, arrays.values("cond").to_vec()), ColorTags::SRGB);
    let noise = arrays.values("noise_0");
    let seed = (0..100_000).find(|seed| Generator::new(*seed).randn(noise.len(), Precision::Single) == noise).expect("a small seed");
    let latents = arrays.get("latents").unwrap();
    let request = Request {
        pictures: &[Picture { prompt: prompt.into(), negative: Some(negative.into()), image: None, latents: None, mask: None }],
        size,
        steps: latents.shape[0],
        strength: 1.0,
        reading: StrengthReading::Diffusers,
        sampler: SamplerKind::FromModel,
        prompts: Reading::PLAIN,
        seeds: Seeds::One(seed),
        controls: &[Control { network: None, image: &image, scale: 0.8, span: (0.0, 1.0) }],
        ..Request::default()
    };
    let painted = check_steps("controlnet_t2i", &pipeline, &request, latents, 1e-3);
    let (worst, _) = difference(&pixels(&painted), arrays.values("image"));
    assert!(worst <= 1e-4, "pixels differ by {worst}");
    println!("golden controlnet: 1 cases");
}

#[test]
fn golden_w_embedding() {
    let Some(arrays) = Npz::open("w embedding", "pipelines/lcm_w_embedding.npz") else { return };
    let scales = arrays.values("w");
    let rows = arrays.get("emb").unwrap();
    let width = rows.shape[1];
    for (w, row) in scales.iter().zip(rows.values.chunks(width)) {
        // The data counts from the scale of no guidance.
        let (worst, _) = difference(&guidance_embedding(w + 1.0, width), row);
        // An angle of some thousands is exact to that much in single precision.
        assert!(worst < 1e-3, "at {w}: {worst}");
    }
    println!("golden w embedding: {} cases", scales.len());
}
