//! Camera motion and guided images against Deforum's: SIFT with RANSAC, and the amounts that its render loop used.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use frameloom::frame::Size;
use frameloom::kernel::camera::{self, Model};
use frameloom::kernel::sample::{self, Border, Sampling};
use frameloom::kernel::warp2d::{self, Matrix};
use golden::{Golden, Npy, psnr};
use serde_json::Value;

/// Pixels at the border that do not count.
const MARGIN: usize = 12;

fn matrix(case: &Value) -> Matrix {
    let row = |row: &Value| std::array::from_fn(|i| row[i].as_f64().unwrap());
    let rows = case["matrix"].as_array().unwrap();
    std::array::from_fn(|i| rows.get(i).map_or([0.0, 0.0, 1.0], row))
}

/// The mean distance between where `matrix` takes the inner pixels and where they really went.
fn off(matrix: &Matrix, truth: &Npy, size: Size) -> f64 {
    let inner = (MARGIN..size.height - MARGIN).flat_map(|y| (MARGIN..size.width - MARGIN).map(move |x| (x, y)));
    let distances: Vec<f64> = inner
        .map(|(x, y)| {
            let [u, v] = camera::apply(matrix, [x as f64, y as f64]);
            let flow = &truth.values[2 * (y * size.width + x)..][..2];
            (u - x as f64 - f64::from(flow[0])).hypot(v - y as f64 - f64::from(flow[1]))
        })
        .collect();
    distances.iter().sum::<f64>() / distances.len() as f64
}

#[test]
fn golden_camera_motion() {
    let Some(golden) = Golden::open("camera_motion", "deforum/flow/params.json") else { return };
    let Some(photo) = golden.picture("photo.png") else { return };
    let (size, mut count) = (photo.size(), 0);
    for case in golden.params["ransac"].as_array().unwrap() {
        let (pair, motion) = (case["pair"].as_str().unwrap(), case["motion"].as_str().unwrap());
        let (Some(second), Some(truth)) = (golden.picture(&format!("flow/{pair}_frame2.png")), golden.npy(&format!("flow/{pair}_gt.npy")))
        else {
            continue;
        };
        let model = if motion == "Perspective" { Model::Perspective } else { Model::Similarity };
        let found = camera::estimate(&photo, &second, model, 3.0);
        // A pair without a matrix is one that Deforum gave up on.
        let theirs = if case["matrix"].is_array() { matrix(case) } else { warp2d::IDENTITY };
        let (ours_off, theirs_off) = (off(&found.matrix, &truth, size), off(&theirs, &truth, size));
        println!("{pair} {motion}: off by {ours_off:.4} px, Deforum by {theirs_off:.4}; {} of {} agree", found.agreeing, found.tracked);
        // Where the truth is a matrix ours is nearer; no matrix fits a wave, and then both lie about the same.
        let truth_is_flat = theirs_off < 0.5;
        assert!(ours_off <= if truth_is_flat { theirs_off } else { 1.1 * theirs_off }, "{pair} {motion}");
        let moved = |matrix| sample::warp(&photo, &warp2d::motion(matrix, size), Sampling::Bilinear, Border::Reflect);
        if let Some(picture) = case["out"].as_str().and_then(|file| golden.picture(file)) {
            let same = psnr(&moved(&theirs), &picture);
            assert!(same > 38.0, "{pair} {motion}: their matrix gives their picture, {same:.1} dB");
            if truth_is_flat {
                let (ours, theirs) = (psnr(&moved(&found.matrix), &second), psnr(&picture, &second));
                assert!(ours > theirs - 0.1, "{pair} {motion}: {ours:.2} dB, Deforum {theirs:.2}");
            }
        }
        count += 1;
    }
    println!("golden camera_motion: {count} cases");
}

/// The amount that Deforum documents, at `tick` between keys `gap` apart.
fn amount(tick: usize, gap: usize, tween: usize) -> f64 {
    if tick % gap <= tween { 0.35 - 0.25 * ((tick % tween) as f64 / (tween as f64 / 2.0)).cos() } else { 0.07 }
}

#[test]
fn golden_guided_amounts() {
    use frameloom::Loom;
    let Some(golden) = Golden::open("guided_amounts", "deforum/trace/traces_ops_only.json") else { return };
    let mut count = 0;
    for trace in
        golden.params.as_array().unwrap().iter().filter(|trace| trace["name"].as_str().is_some_and(|name| name.starts_with("guided")))
    {
        // By frame: the picture shown, and the amount by which it was blended in.
        let (mut frame, mut shown, mut amounts) = (0, Vec::new(), Vec::new());
        for op in trace["ops"].as_array().unwrap() {
            match op["op"].as_str().unwrap() {
                "generate" => frame = op["frame"].as_u64().unwrap() as usize,
                "load_img" => shown.push((frame, op["path"].as_str().unwrap().to_owned())),
                "Image.blend(generate)" if amounts.last().is_none_or(|(last, _)| *last != frame) => {
                    amounts.push((frame, op["alpha"].as_f64().unwrap()));
                }
                _ => {}
            }
        }
        let mut keys: Vec<(usize, String)> = Vec::new();
        for (frame, path) in shown {
            if keys.last().is_none_or(|(_, last)| *last != path) {
                keys.push((frame, path));
            }
        }
        // The trace does not tell the length of tweening: there is one that explains every frame.
        let gap = |tick: usize| {
            let index = keys.iter().rposition(|(key, _)| *key <= tick).unwrap_or(0);
            keys.get(index + 1).map_or(25, |next| next.0 - keys[index].0)
        };
        let explains = |tween: &usize| amounts.iter().all(|(tick, b)| (amount(*tick, gap(*tick), *tween) - b).abs() < 1e-5);
        let tween = (1..60).find(explains).expect("a length of tweening that explains the trace");
        let folder = tempfile::tempdir().unwrap();
        for (_, path) in &keys {
            image::RgbImage::from_pixel(8, 8, image::Rgb([9, 9, 9])).save(folder.path().join(path)).unwrap();
        }
        let images: Vec<String> = keys.iter().map(|(frame, path)| format!("{frame}: {path}")).collect();
        let last = amounts.last().unwrap().0;
        // The amount as the brightness of a picture.
        let graph = format!(
            "frameloom: 1\ntimeline: {{ size: [8, 8], fps: 25, length: {} }}\nnodes:\n  guide: {{ kind: guide, images: {{ {} }}, tweening_frames: {tween} }}\n  \
             full: {{ kind: mask, from: \"levels(rectangle(0.5, 0.5, 2, 2), 0, 1 / guide.amount)\" }}\n  \
             file: {{ kind: image_output, image: full.image, path: a-%03d.png, bits: 16 }}\n",
            last + 1,
            images.join(", ")
        );
        let loom = Loom::new();
        let plan = loom.plan_text(&graph, folder.path(), &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{graph}"));
        loom.run(&plan, &|_: &frameloom::exec::Event| {}).unwrap();
        for (tick, expected) in &amounts {
            let picture = image::open(folder.path().join(format!("a-{tick:03}.png"))).unwrap().to_rgb16();
            let ours = f64::from(picture.get_pixel(4, 4)[0]) / 65535.0;
            assert!((ours - expected).abs() < 2e-5, "frame {tick}: {ours} instead of {expected}");
            count += 1;
        }
    }
    println!("golden guided_amounts: {count} cases");
}
