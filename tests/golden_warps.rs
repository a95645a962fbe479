//! The warps against what Deforum's own code computed: matrices, sampling positions, pictures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use frameloom::frame::{Depth, Motion, Raster};
use frameloom::kernel::sample::{self, Border, Sampling};
use frameloom::kernel::warp2d::{self, Flip, Matrix, Move};
use frameloom::kernel::warp3d::{self, Camera, DepthMapping};
use golden::{Golden, Npy, number, psnr};
use serde_json::Value;

fn movement(case: &Value, defaults: &Value) -> Move {
    let of = |key: &str| number(&case["params"][key]).or(number(&defaults[key])).unwrap();
    let flip = |name: &str| of(&format!("perspective_flip_{name}"));
    let tilt = Flip { theta: flip("theta"), phi: flip("phi"), gamma: flip("gamma"), fv: flip("fv") };
    Move {
        angle: of("angle"),
        zoom: of("zoom"),
        translation: [of("translation_x"), of("translation_y")],
        center: [of("transform_center_x"), of("transform_center_y")],
        flip: case["enable_perspective_flip"].as_bool().unwrap().then_some(tilt),
    }
}

fn assert_matrix(ours: &Matrix, expected: &Value, tolerance: f64, name: &str) {
    for (i, row) in ours.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let want = number(&expected[i][j]).unwrap();
            assert!((value - want).abs() <= tolerance * want.abs().max(1.0), "{name}: matrix [{i}][{j}] is {value}, not {want}");
        }
    }
}

#[test]
fn golden_warp2d() {
    let golden = Golden::open("warp2d", "deforum/warp2d/params.json");
    let Some((golden, photo)) = golden.and_then(|g| Some((g.picture("photo.png")?, g)).map(|(p, g)| (g, p))) else { return };
    let mut count = 0;
    for case in golden.params["cases"].as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let step = movement(case, &golden.params["defaults"]);
        let matrix = step.matrix(photo.size());
        if let Some(flip) = step.flip {
            assert_matrix(&flip.matrix(photo.size()), &case["perspective_flip_matrix"], 1e-3, name);
        }
        // Deforum drops the shift of tilted pictures; we do not.
        let comparable = step.flip.is_none() || step.translation == [0.0, 0.0];
        if comparable {
            assert_matrix(&matrix, &case["matrix_forward"], if step.flip.is_some() { 1e-3 } else { 1e-6 }, name);
        }
        count += 1;
        let Some(expected) = golden.picture(name).filter(|_| comparable) else { continue };
        let border = if case["border"] == "wrap" { Border::Wrap } else { Border::Replicate };
        let out = warp2d::warp(&photo, &matrix, Sampling::Bilinear, border);
        let quality = psnr(&out, &expected);
        assert!(quality > 40.0, "{name}: {quality:.1} dB");
    }
    println!("golden warp2d: {count} cases");
}

fn distances(golden: &Golden, case: &Value) -> Option<Raster> {
    let depth = Depth::new(golden.npy("depth.npy")?.raster());
    let algorithm = case["depth_algorithm"].as_str().unwrap().to_lowercase();
    let mapping = match algorithm.as_str() {
        old if old.contains("(old)") => DepthMapping::Raw,
        far if ["adabins", "leres", "zoe"].iter().any(|name| far.starts_with(name)) => DepthMapping::EqualizedFar,
        _ => DepthMapping::Equalized,
    };
    let mut z = warp3d::distance(&depth, mapping);
    if case["depth_on"] != true {
        z.data_mut().fill(1.0);
    }
    Some(z)
}

fn source(motion: &Motion, x: usize, y: usize) -> [f64; 2] {
    let i = y * motion.size().width + x;
    [x as f64 + f64::from(motion.0.plane(0)[i]), y as f64 + f64::from(motion.0.plane(1)[i])]
}

fn assert_positions(motion: &Motion, case: &Value, grid: Option<&Npy>) {
    for probe in case["sample_px_probe"].as_array().unwrap() {
        let at = |i: usize| number(&probe[i]).unwrap();
        let got = source(motion, at(0) as usize, at(1) as usize);
        assert!((got[0] - at(2)).abs() < 1e-3 && (got[1] - at(3)).abs() < 1e-3, "{}: {got:?} not {probe}", case["name"]);
    }
    let Some(grid) = grid else { return };
    let size = motion.size();
    for (i, g) in grid.values.chunks_exact(2).enumerate() {
        let got = source(motion, i % size.width, i / size.width);
        let want = [(f64::from(g[0]) + 1.0) * size.width as f64, (f64::from(g[1]) + 1.0) * size.height as f64].map(|v| (v - 1.0) / 2.0);
        assert!((got[0] - want[0]).abs() < 1e-3 && (got[1] - want[1]).abs() < 1e-3, "{}: pixel {i}: {got:?} not {want:?}", case["name"]);
    }
}

#[test]
fn golden_warp3d() {
    let golden = Golden::open("warp3d", "deforum/warp3d/params.json");
    let Some((golden, photo)) = golden.and_then(|g| Some((g.picture("photo.png")?, g)).map(|(p, g)| (g, p))) else { return };
    let mut count = 0;
    for case in golden.params["cases"].as_array().unwrap() {
        let Some(z) = distances(&golden, case) else { continue };
        let of = |key: &str| number(&case["params"][key]).or(number(&golden.params["defaults"][key])).unwrap();
        let old_aspect = case["aspect_ratio_use_old_formula"] == true;
        let camera = Camera {
            translation: ["translation_x", "translation_y", "translation_z"].map(of),
            rotation: ["rotation_3d_x", "rotation_3d_y", "rotation_3d_z"].map(of),
            fov: of("fov"),
            aspect_ratio: if old_aspect { photo.size().width as f64 / photo.size().height as f64 } else { of("aspect_ratio") },
            // Deforum's `near` and `far` have no effect.
            ..Camera::default()
        };
        let motion = warp3d::motion(&z, &camera);
        assert_positions(&motion, case, case["grid_file"].as_str().and_then(|f| golden.npy(f)).as_ref());
        count += 1;
        let Some(expected) = golden.picture(case["file"].as_str().unwrap()) else { continue };
        let tilted = movement(case, &golden.params["defaults"]);
        let tilted = Move { translation: [0.0; 2], angle: 0.0, zoom: 1.0, ..tilted };
        let start = if tilted.flip.is_some() {
            warp2d::warp(&photo, &tilted.matrix(photo.size()), Sampling::Bilinear, Border::Replicate)
        } else {
            photo.clone()
        };
        assert_picture(&sample::warp(&start, &motion, sampling(case), padding(case)), &expected, case);
    }
    println!("golden warp3d: {count} cases");
}

fn sampling(case: &Value) -> Sampling {
    match case["sampling_mode"].as_str().unwrap() {
        "nearest" => Sampling::Nearest,
        "bilinear" => Sampling::Bilinear,
        _ => Sampling::Bicubic,
    }
}

fn padding(case: &Value) -> Border {
    match case["padding_mode"].as_str().unwrap() {
        "reflection" => Border::Mirror,
        "zeros" => Border::Black,
        _ => Border::Replicate,
    }
}

/// Within 2 levels of the truncated reference; a few pixels of the nearest kind may round the other way.
fn assert_picture(ours: &Raster, expected: &Raster, case: &Value) {
    let level = |v: f32| (v * 255.0).clamp(0.0, 255.0).floor();
    let off = ours.data().iter().zip(expected.data()).filter(|(a, b)| (level(**a) - **b * 255.0).abs() > 2.01).count();
    let share = off as f64 / ours.data().len() as f64;
    let quality = psnr(ours, expected);
    assert!(share < 2e-3 && quality > 40.0, "{}: {:.3} % of values off, {quality:.1} dB", case["name"], share * 100.0);
}
