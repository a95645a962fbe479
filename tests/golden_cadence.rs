//! The kind `cadence`, wired into a loop as in a graph, against the frames that Deforum's render loop wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use frameloom::diag::{Sources, Span};
use frameloom::exec::{self, RunOptions, StopFlag};
use frameloom::frame::{ColorTags, Depth, Frame, Motion, Raster};
use frameloom::kernel::blur::{gaussian, gaussian_taps};
use frameloom::kernel::color::Space;
use frameloom::kernel::palette::{Method, Palette};
use frameloom::kernel::sample::{self, Border, Sampling as Kernel};
use frameloom::kernel::warp2d::{self, Move};
use frameloom::kernel::warp3d::{self, Camera, DepthMapping};
use frameloom::node::{Declared, Engine, Given, Latest, Node, Open, Tick, Timeline};
use frameloom::nodes::cadence::{Cadence, Inputs, Now, Resample};
use frameloom::nodes::sampling::Sampling;
use golden::{Golden, psnr};
use serde_json::Value;

/// The value of a schedule that is one constant: `0:(1.5)`.
fn constant(settings: &Value, key: &str, default: f64) -> f64 {
    let Some(text) = settings[key].as_str() else { return default };
    text.strip_prefix("0:(").and_then(|t| t.strip_suffix(')')).and_then(|t| t.parse().ok()).expect("a constant schedule")
}

/// Whether the trace uses nothing but warps, cadence, colour match, contrast, sharpening and a diffusion that is told here. What
/// Deforum calls flow cadence moves by a pixel at most, whatever the flow: ours does what it was meant to.
fn comparable(trace: &Value) -> bool {
    let settings = &trace["settings"];
    let off = |key: &str| settings[key].is_null() || settings[key] == "None" || settings[key] == false;
    ["identity", "invert", "halfred", "shift5"].iter().any(|known| trace["diffusion"] == *known)
        && ["2D", "3D"].iter().any(|mode| settings["animation_mode"] == *mode)
        && (off("color_coherence") || settings["color_coherence"] == "LAB")
        && ["optical_flow_cadence", "hybrid_composite", "hybrid_motion", "optical_flow_redo_generation"].into_iter().all(off)
        && constant(settings, "noise_schedule", 0.065) == 0.0
}

/// The fake diffusions of the reference data's description.
fn diffuse(how: &Value, picture: &mut Raster) {
    match how.as_str() {
        Some("invert") => picture.data_mut().iter_mut().for_each(|v| *v = 1.0 - *v),
        Some("halfred") => {
            for (plane, add) in [(0, 20.0), (2, -20.0)] {
                let area = picture.size().area();
                picture.data_mut()[plane * area..][..area].iter_mut().for_each(|v| *v = (*v + add / 255.0_f32).clamp(0.0, 1.0));
            }
        }
        Some("shift5") => {
            let width = picture.size().width;
            picture.data_mut().chunks_exact_mut(width).for_each(|row| row.rotate_right(5));
        }
        _ => {}
    }
}

/// Red and blue exchanged: Deforum hands BGR to conversions that expect RGB.
fn exchanged(picture: &Raster) -> Raster {
    let planes = [2, 1, 0].map(|i| picture.plane(i));
    Raster::from_vec(picture.size(), 3, planes.concat())
}

/// What Deforum does to the picture between the warp and the diffusion, and after it.
struct Chain<'a> {
    trace: &'a Value,
    matching: Option<Palette>,
}

impl Chain<'_> {
    fn matched(&self, picture: &Raster) -> Raster {
        self.matching.as_ref().map_or_else(|| picture.clone(), |palette| exchanged(&palette.apply(&exchanged(picture), 1.0)))
    }

    fn key(&mut self, warped: &Raster) -> Raster {
        let settings = &self.trace["settings"];
        let (coherent, legacy) = (settings["color_coherence"] == "LAB", settings["legacy_colormatch"] == true);
        let mut picture = self.matched(warped);
        if coherent && self.matching.is_none() {
            self.matching = Some(Palette::of(&exchanged(warped), Space::Lab, Method::Histogram));
        }
        let gain = constant(settings, "contrast_schedule", 1.0) as f32;
        picture.data_mut().iter_mut().for_each(|v| *v *= gain);
        let amount = constant(settings, "amount_schedule", 0.1) as f32;
        if amount > 0.0 {
            let soft = gaussian_taps(
                &picture,
                constant(settings, "kernel_schedule", 5.0) as usize,
                constant(settings, "sigma_schedule", 1.0) as f32,
            );
            picture.data_mut().iter_mut().zip(soft.data()).for_each(|(v, s)| *v = (*v + amount * (*v - s)).clamp(0.0, 1.0));
        }
        diffuse(&self.trace["diffusion"], &mut picture);
        if legacy { picture } else { self.matched(&picture) }
    }
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
fn run(trace: &Value, photo: &Raster, motion: &Motion, (kernel, sampling): (Kernel, Sampling), resample: Resample) -> Vec<Raster> {
    let settings = &trace["settings"];
    let period = settings["diffusion_cadence"].as_u64().unwrap();
    let spec = Cadence::spec();
    let open = Open { node: "painted", timeline: Timeline::default(), inputs: &[], period: 1, engine: &Engine::default() };
    let mut sources = Sources::default();
    let place = Span::new(sources.add("test", ""), 0, 0);
    let given = Given { values: Vec::new(), kind: "cadence", place };
    let (node, mut state) = Cadence::open(&Cadence::read(&given).expect("defaults"), &open).expect("opens");
    let (mut frames, mut key): (Vec<Raster>, Raster) = (Vec::new(), photo.clone());
    // The first picture made is what later ones are matched to, but for the old way, which takes the first one warped.
    let first = settings["color_coherence"] == "LAB" && settings["legacy_colormatch"] != true;
    let matching = first.then(|| Palette::of(&exchanged(photo), Space::Lab, Method::Histogram));
    let mut chain = Chain { trace, matching };
    for tick in 0..settings["max_frames"].as_u64().unwrap() {
        if tick > 0 && tick % period == 0 {
            key = chain.key(&sample::warp(&frames[tick as usize - 1], motion, kernel, Border::Replicate));
        }
        let latest = Latest { value: Frame::new(key.clone(), ColorTags::SRGB), age: tick % period, period };
        let cx = Tick { node: "painted", spec: &spec, moment: Timeline::default().moment(tick), wanted: &[true], count: tick, period: 1 };
        let inputs = Inputs { key: latest, motion: (tick > 0).then(|| motion.clone()), flow: None, backward: None, mask: None };
        let out = node.fire(&mut state, &cx, inputs, Now { blend: true, flow_factor: 1.0, sampling, resample }).expect("fires");
        frames.push(out.image.raster);
    }
    frames
}

fn mean(raster: &Raster) -> f32 {
    raster.data().iter().sum::<f32>() / raster.data().len() as f32
}

/// In Deforum's way, `each`, only its rounding to 8 bits at every step lies between us: half a level each. (Its 3D warps cut
/// off instead, half a level down each time, and its way through 8-bit Lab costs single pixels several levels.) Resampling each key
/// `once` stays sharper; what both show must agree: seen from a little farther away the difference has to vanish.
fn check(name: &str, ours: &Raster, expected: &Raster, tick: usize, (settings, resample): (&Value, Resample)) {
    let steps = tick as f32;
    let darker = mean(ours) - mean(expected);
    let mut level = expected.clone();
    level.data_mut().iter_mut().for_each(|v| *v += darker);
    let off = ours.data().iter().zip(level.data()).map(|(a, b)| (a - b).abs()).sum::<f32>() / ours.data().len() as f32 * 255.0;
    let (near, far) = (psnr(ours, &level), psnr(&gaussian(ours, 2.0), &gaussian(&level, 2.0)));
    println!("{name} {resample:?}: {near:.1} dB, {far:.1} dB from afar, {off:.2} levels off, {:.2} darker", darker * 255.0);
    let (cut, lab) = (settings["animation_mode"] == "3D", settings["color_coherence"] == "LAB");
    let slack = if cut {
        0.5 * steps
    } else if lab {
        1.5
    } else {
        0.1
    };
    assert!(darker.abs() * 255.0 < 0.3 + slack, "{name}: {darker}");
    match resample {
        Resample::Each if lab => assert!(near > 36.0 && off < 2.5, "{name}: {near:.1} dB, {off:.2} levels"),
        Resample::Each if cut => assert!(near > 42.0 && off < 2.0, "{name}: {near:.1} dB, {off:.2} levels"),
        Resample::Each => assert!(near > 50.0 && off < 0.6, "{name}: {near:.1} dB, {off:.2} levels"),
        Resample::Once => assert!(near > 33.0 && far > 40.0, "{name}: {near:.1} dB, {far:.1} dB from afar"),
    }
}

/// Every frame is there, whatever Deforum loses of them, and the same ones are diffused.
#[test]
fn golden_cadence_frame_counts() {
    let Some(golden) = Golden::open("cadence_frame_counts", "deforum/trace/cadence_frame_counts.json") else { return };
    let mut loom = frameloom::Loom::new();
    loom.options.engine.threads = 2;
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for case in golden.params.as_array().unwrap() {
        let of = |key: &str| case[key].as_u64().unwrap();
        let text = format!(
            "frameloom: 1\ntimeline: {{ size: [8, 8], fps: 25, length: {} }}\nnodes:\n  bars: {{ kind: pattern, pattern: bars }}\n  \
             key: {{ kind: warp, image: bars, every: {} }}\n  painted: {{ kind: cadence, key: key }}\n  \
             all: {{ kind: image_output, image: painted, path: all/%d.png }}\n",
            of("max_frames"),
            of("cadence")
        );
        let plan = loom.plan_text(&text, folder.path(), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        let report = exec::run(&plan, &RunOptions { depth: 2, from: 0 }, &|_: &exec::Event| {}, &StopFlag::default());
        let times = report.unwrap_or_else(|error| panic!("{error}")).times;
        let fired = |name: &str| times[plan.nodes.iter().position(|node| node.name == name).unwrap()].count;
        assert_eq!(fired("all"), of("max_frames"), "{case}");
        assert_eq!(fired("key"), case["diffused"].as_array().unwrap().len() as u64, "{case}");
        count += 1;
    }
    println!("golden cadence_frame_counts: {count} cases");
}

#[test]
fn golden_cadence() {
    let Some(golden) = Golden::open("cadence", "deforum/trace/traces.json") else { return };
    let Some(photo) = golden.picture("photo.png") else { return };
    let mut count = 0;
    for trace in golden.params.as_array().unwrap().iter().filter(|t| comparable(t)) {
        let Some((motion, kernel, sampling)) = step(&golden, &trace["settings"], &photo) else { continue };
        let name = trace["name"].as_str().unwrap();
        for resample in [Resample::Each, Resample::Once] {
            let frames = run(trace, &photo, &motion, (kernel, sampling), resample);
            for (tick, ours) in frames.iter().enumerate() {
                // Deforum loses the frames after the last diffused one; we have them all.
                let emitted = trace["emitted_frames"].as_array().unwrap().iter().any(|f| f.as_u64() == Some(tick as u64));
                if !emitted {
                    continue;
                }
                let Some(expected) = golden.picture(&format!("trace/{name}/{tick:04}.png")) else { continue };
                check(&format!("{name} {tick}"), ours, &expected, tick, (&trace["settings"], resample));
                count += 1;
            }
        }
    }
    println!("golden cadence: {count} cases");
}
