//! Hybrid composites, composable masks and guided images, wired as graphs, against what Deforum's own code made.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use std::path::{Path, PathBuf};

use frameloom::Loom;
use frameloom::frame::{Raster, Size};
use golden::Golden;
use serde_json::Value;

/// The folder of Deforum's data.
fn data() -> PathBuf {
    let root = std::env::var_os("FRAMELOOM_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from);
    std::path::absolute(root.join("deforum")).expect("a folder")
}

/// The one picture that `nodes` (lines of YAML, the last node called `out`) make, as 16-bit PNG holds it.
fn render(nodes: &str) -> Raster {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.png");
    let graph = format!(
        "frameloom: 1\ntimeline: {{ size: [192, 128], fps: 25, length: 1 }}\nnodes:\n{nodes}\n  sink: {{ kind: image_output, image: out, path: \"{}\", bits: 16 }}\n",
        file.display()
    );
    let loom = Loom::new();
    let plan = loom.plan_text(&graph, folder.path(), &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{graph}"));
    loom.run(&plan, &|_: &frameloom::exec::Event| {}).unwrap_or_else(|error| panic!("{}\n{graph}", error.fault));
    let rgb = image::open(&file).unwrap().to_rgb16();
    let size = Size::new(rgb.width() as usize, rgb.height() as usize);
    let plane = |c: usize| rgb.as_raw().iter().skip(c).step_by(3).map(|v| f32::from(*v) / 65535.0);
    Raster::from_vec(size, 3, (0..3).flat_map(plane).collect())
}

fn picture(file: &Path) -> String {
    format!("{{ kind: image_input, path: \"{}\" }}", file.display())
}

/// The mask that Deforum's settings describe, as an expression: white where the picture stays.
fn expression(case: &Value) -> String {
    let schedule = |key: &str| case["schedules"][key].as_f64().unwrap();
    let mut mask = match case["mask_type"].as_str().unwrap() {
        "Blend" => format!("mix(luma, reference, {})", schedule("mask_blend_alpha")),
        "Difference" => "apart(luma, reference)".to_owned(),
        _ => return "nowhere".to_owned(),
    };
    let equalize = case["equalize"].as_str().unwrap();
    if case["mask_inverse"] == true {
        mask = format!("not {mask}");
    }
    if matches!(equalize, "Before" | "Both") {
        mask = format!("equalize({mask})");
    }
    mask = format!("contrast({mask}, {})", schedule("mask_contrast"));
    if case["auto_contrast"] == true {
        let [low, high] = ["low", "high"].map(|end| schedule(&format!("mask_auto_contrast_cutoff_{end}")));
        mask = format!("autocontrast({mask}, {low}, {high})");
    }
    if matches!(equalize, "After" | "Both") {
        mask = format!("equalize({mask})");
    }
    mask
}

#[test]
fn golden_hybrid_composite() {
    let Some(golden) = Golden::open("hybrid_composite", "deforum/hybrid/params.json") else { return };
    let mut count = 0;
    for case in golden.params["composite"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let Some(expected) = case["file"].as_str().and_then(|file| golden.picture(file)) else { continue };
        let file = |key: &str| picture(&data().join(case[key].as_str().unwrap()));
        if matches!(case["mask_type"].as_str(), Some("Depth" | "Video Depth")) {
            println!("golden hybrid_composite: skipped {name}, the depth it used is not in the folder");
            continue;
        }
        let nodes = format!(
            "  prev: {}\n  video: {}\n  out: {{ kind: hybrid_composite, image: prev, video: video, amount: {}, mask: \"not {}\" }}",
            file("prev"),
            file("video"),
            case["schedules"]["alpha"],
            expression(case),
        );
        let ours = render(&nodes);
        let off: Vec<f32> = ours.data().iter().zip(expected.data()).map(|(a, b)| (a - b).abs() * 255.0).collect();
        let (worst, mean) = (off.iter().copied().fold(0.0, f32::max), off.iter().sum::<f32>() / off.len() as f32);
        // Deforum rounds the pictures' greys, the mask after every step, and both blends to 8 bits; contrast and equalising enlarge
        // what was rounded before.
        let contrast = case["schedules"]["mask_contrast"].as_f64().unwrap_or(1.0).max(1.0) as f32;
        assert!(mean < 0.6 && worst < 2.5 + 0.5 * contrast, "{name}: off by {mean:.3} levels, {worst:.3} at worst");
        count += 1;
    }
    println!("golden hybrid_composite: {count} cases");
}

/// What `text` means on black and white, in Deforum's order of operators; an evaluator that shares nothing with Frameloom's.
fn boolean(text: &str, a: &[bool], b: &[bool]) -> Vec<bool> {
    let text = text.trim();
    // The last operator outside brackets that binds least.
    for sign in ['\\', '^', '|', '&'] {
        let mut depth = 0;
        let outside = |(at, c): (usize, char)| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            (depth == 0 && c == sign).then_some(at)
        };
        if let Some(at) = text.char_indices().filter_map(outside).last() {
            let (left, right) = (boolean(&text[..at], a, b), boolean(&text[at + 1..], a, b));
            let join = |(l, r): (&bool, &bool)| match sign {
                '\\' => *l && !r,
                '^' => l != r,
                '|' => *l || *r,
                _ => *l && *r,
            };
            return left.iter().zip(&right).map(join).collect();
        }
    }
    if let Some(inner) = text.strip_prefix('!') {
        return boolean(inner, a, b).into_iter().map(|v| !v).collect();
    }
    match text {
        "{video_mask}" => a.to_vec(),
        "{everywhere}" => vec![true; a.len()],
        "[B]" => b.to_vec(),
        _ => boolean(text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or_else(|| panic!("{text}")), a, b),
    }
}

fn white(raster: &Raster) -> Vec<bool> {
    raster.plane(0).iter().map(|v| *v > 0.5).collect()
}

#[test]
fn golden_composable_masks() {
    let Some(golden) = Golden::open("composable_masks", "deforum/hybrid/params.json") else { return };
    let (Some(a), Some(b)) = (golden.picture("hybrid/mask_a.png"), golden.picture("hybrid/mask_b.png")) else { return };
    let (a, b) = (white(&a), white(&b));
    let (mut count, mut agree) = (0, 0);
    for case in golden.params["composable_masks"].as_array().unwrap() {
        let text = case["expr"].as_str().unwrap();
        let wanted = boolean(text, &a, &b);
        let from = text.replace("[B]", &format!("[{}]", data().join("hybrid/mask_b.png").display())).replace('\\', "\\\\");
        let seen = picture(&data().join("hybrid/mask_a.png"));
        // Through a picture of the mask, as an author would look at it.
        let nodes = format!(
            "  seen: {seen}\n  where: {{ kind: mask, video: seen, from: \"{from}\" }}\n  out: {{ kind: resize, image: where.image }}"
        );
        let ours = white(&render(&nodes));
        assert_eq!(ours, wanted, "{text}");
        if let Some(file) = case["file"].as_str().and_then(|file| golden.picture(file)) {
            agree += usize::from(white(&file) == ours);
        }
        count += 1;
    }
    println!("golden composable_masks: {count} cases, of which Deforum's own result is the same in {agree}");
}
