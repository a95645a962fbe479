//! The kind `cadence`, wired into a loop as in a graph, against the frames that Deforum's render loop wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use frameloom::diag::{Sources, Span};
use frameloom::frame::{ColorTags, Depth, Frame, Motion, Raster};
use frameloom::kernel::blur::gaussian;
use frameloom::kernel::sample::{self, Border, Sampling as Kernel};
use frameloom::kernel::warp2d::{self, Move};
use frameloom::kernel::warp3d::{self, Camera, DepthMapping};
use frameloom::node::{Declared, Engine, Given, Latest, Node, Open, Tick, Timeline};
use frameloom::nodes::cadence::{Cadence, Inputs, Now};
use frameloom::nodes::sampling::Sampling;
use golden::{Golden, psnr};
use serde_json::Value;

/// The value of a schedule that is one constant: `0:(1.5)`.
fn constant(settings: &Value, key: &str, default: f64) -> f64 {
    let Some(text) = settings[key].as_str() else { return default };
    text.strip_prefix("0:(").and_then(|t| t.strip_suffix(')')).and_then(|t| t.parse().ok()).expect("a constant schedule")
}

/// Whether the trace uses nothing but warps, cadence and a diffusion that is told here.
fn comparable(trace: &Value) -> bool {
    let settings = &trace["settings"];
    let known = matches!(trace["diffusion"].as_str(), Some("identity" | "invert"));
    known
        && settings["color_coherence"] == "None"
        && settings["optical_flow_cadence"].is_null()
        && constant(settings, "amount_schedule", 0.1) == 0.0
        && constant(settings, "noise_schedule", 0.065) == 0.0
}

fn step(golden: &Golden, settings: &Value, photo: &Raster) -> Option<(Motion, Kernel, Sampling)> {
    let of = |key: &str, default| constant(settings, key, default);
    if settings["animation_mode"] == "2D" {
        let translation = [of("translation_x", 0.0), of("translation_y", 0.0)];
        let step = Move { angle: of("angle", 0.0), zoom: of("zoom", 1.0), translation, ..Move::default() };
        return Some((warp2d::motion(&step.matrix(photo.size()), photo.size()), Kernel::Bilinear, Sampling::Bilinear));
    }
    let depth = Depth::new(golden.npy("depth.npy")?.raster());
    let camera = Camera {
        translation: ["translation_x", "translation_y", "translation_z"].map(|k| of(k, 0.0)),
        rotation: ["rotation_3d_x", "rotation_3d_y", "rotation_3d_z"].map(|k| of(k, 0.0)),
        ..Camera::default()
    };
    Some((warp3d::motion(&warp3d::distance(&depth, DepthMapping::Equalized), &camera), Kernel::Bicubic, Sampling::Bicubic))
}

/// Runs the loop: warp of the frame before, diffusion on every C-th tick, cadence.
fn run(trace: &Value, photo: &Raster, motion: &Motion, (kernel, sampling): (Kernel, Sampling)) -> Vec<Raster> {
    let period = trace["settings"]["diffusion_cadence"].as_u64().unwrap();
    let spec = Cadence::spec();
    let open = Open { node: "painted", timeline: Timeline::default(), inputs: &[], period: 1, engine: &Engine::default() };
    let mut sources = Sources::default();
    let place = Span::new(sources.add("test", ""), 0, 0);
    let given = Given { values: Vec::new(), kind: "cadence", place };
    let (node, mut state) = Cadence::open(&Cadence::read(&given).expect("defaults"), &open).expect("opens");
    let (mut frames, mut key): (Vec<Raster>, Raster) = (Vec::new(), photo.clone());
    for tick in 0..trace["settings"]["max_frames"].as_u64().unwrap() {
        if tick > 0 && tick % period == 0 {
            key = sample::warp(&frames[tick as usize - 1], motion, kernel, Border::Replicate);
            if trace["diffusion"] == "invert" {
                key.data_mut().iter_mut().for_each(|v| *v = 1.0 - *v);
            }
        }
        let latest = Latest { value: Frame::new(key.clone(), ColorTags::SRGB), age: tick % period, period };
        let cx = Tick { node: "painted", spec: &spec, moment: Timeline::default().moment(tick), wanted: &[true], period: 1 };
        let inputs = Inputs { key: latest, motion: (tick > 0).then(|| motion.clone()) };
        let out = node.fire(&mut state, &cx, inputs, Now { blend: true, sampling }).expect("fires");
        frames.push(out.image.raster);
    }
    frames
}

fn mean(raster: &Raster) -> f32 {
    raster.data().iter().sum::<f32>() / raster.data().len() as f32
}

#[test]
fn golden_cadence() {
    let Some(golden) = Golden::open("cadence", "deforum/trace/traces.json") else { return };
    let Some(photo) = golden.picture("photo.png") else { return };
    let mut count = 0;
    for trace in golden.params.as_array().unwrap().iter().filter(|t| comparable(t)) {
        let Some((motion, kernel, sampling)) = step(&golden, &trace["settings"], &photo) else { continue };
        let name = trace["name"].as_str().unwrap();
        let frames = run(trace, &photo, &motion, (kernel, sampling));
        for (tick, ours) in frames.iter().enumerate() {
            // Deforum loses the frames after the last diffused one; we have them all.
            let emitted = trace["emitted_frames"].as_array().unwrap().iter().any(|f| f.as_u64() == Some(tick as u64));
            if !emitted {
                continue;
            }
            let Some(expected) = golden.picture(&format!("trace/{name}/{tick:04}.png")) else { continue };
            // We resample each key once where Deforum does so every frame, and so stay sharper. What both show must agree:
            // seen from a little farther away the difference has to vanish.
            let darker = mean(ours) - mean(&expected);
            let mut level = expected.clone();
            level.data_mut().iter_mut().for_each(|v| *v += darker);
            let (near, far) = (psnr(ours, &level), psnr(&gaussian(ours, 2.0), &gaussian(&level, 2.0)));
            assert!(near > 33.0 && far > 40.0, "{name} {tick}: {near:.1} dB, {far:.1} dB from afar");
            // Its 3D warps truncate to 8 bits, half a level each.
            assert!(darker.abs() * 255.0 < 0.3 + 0.5 * tick as f32, "{name} {tick}: {darker}");
            count += 1;
        }
    }
    println!("golden cadence: {count} cases");
}
