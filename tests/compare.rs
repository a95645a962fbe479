//! `frameloom compare` and the kind `metrics` as a user meets them.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn frameloom(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_frameloom")).args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder `still` of six equal pictures, `noisy` with noise that is worst at frame 3, and `small`, four of them at half the size.
fn clips() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let noise = |x: u32, y: u32, frame: u32| (x.wrapping_mul(7919) ^ y.wrapping_mul(104_729) ^ frame.wrapping_mul(1_299_709)) % 17;
    for name in ["still", "noisy", "small"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for frame in 0..if name == "small" { 4 } else { 6_u32 } {
            let side = if name == "small" { 1 } else { 2 };
            let picture = image::RgbImage::from_fn(40 * side, 30 * side, |x, y| {
                let base = ((x * 4 / side + y * 2 / side) % 200) as u8;
                let added = if name == "noisy" { noise(x, y, frame) as u8 * if frame == 3 { 3 } else { 1 } } else { 0 };
                image::Rgb([base + added, base / 2 + added, 200 - base / 2 + added / 2])
            });
            picture.save(folder.path().join(name).join(format!("{frame}.png"))).unwrap();
        }
    }
    folder
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

#[test]
fn a_clip_against_itself_is_perfect() {
    let folder = clips();
    let output = frameloom(folder.path(), &["compare", "still", "still", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = json(&output);
    let mean = |name: &str| all["summary"][name]["mean"].as_f64().unwrap();
    assert_eq!(
        [mean("psnr"), mean("ssim"), mean("ssim_rgb"), mean("ms_ssim"), mean("warp_ratio"), mean("steadiness")],
        [100.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    );
    assert_eq!([mean("edit"), mean("warp_error"), mean("flicker"), mean("drift"), mean("drift_structure")], [0.0; 5]);
    assert_eq!(all["frames"].as_array().unwrap().len(), 6);
    assert!(all["frames"][0].get("warp_error").is_none() && all["frames"][1].get("warp_error").is_some());
}

#[test]
fn a_gate_that_does_not_hold_names_the_worst_frame() {
    let folder = clips();
    let gated = |gate: &str| frameloom(folder.path(), &["compare", "noisy", "still", "--gate", gate, "--metrics", "psnr"]);
    let passed = gated("psnr>20, flicker<0.5");
    assert_eq!(passed.status.code(), Some(0), "{}", stderr(&passed));
    assert!(stdout(&passed).contains("psnr") && stdout(&passed).contains("flicker") && stdout(&passed).contains("6 frames"));
    let failed = gated("psnr>200,flicker<0.5");
    assert_eq!(failed.status.code(), Some(1));
    let told = stderr(&failed);
    assert!(told.contains("`psnr` is") && told.contains("not > 200") && told.contains("frame 3") && !told.contains("`flicker`"), "{told}");
    let whole = frameloom(folder.path(), &["compare", "noisy", "still", "--gate", "psnr>200", "--format", "json"]);
    assert_eq!((whole.status.code(), json(&whole)["gate"]["passed"].as_bool()), (Some(1), Some(false)));
}

#[test]
fn a_gate_that_cannot_be_read_is_a_mistake_of_usage() {
    let folder = clips();
    for (gate, place) in [("psnr>30,warperror<1", ":1:9"), ("psnr=30", ":1:5"), ("b.psnr>3", ":1:1"), ("source.flicker<1", ":1:1")] {
        let output = frameloom(folder.path(), &["compare", "noisy", "still", "--gate", gate]);
        assert_eq!(output.status.code(), Some(2), "{gate}");
        assert!(stderr(&output).contains(place) && stderr(&output).contains('^'), "{}", stderr(&output));
    }
    let alone = frameloom(folder.path(), &["compare", "noisy", "--gate", "psnr>30"]);
    assert!(alone.status.code() == Some(2) && stderr(&alone).contains("compare A B"), "{}", stderr(&alone));
    let unknown = frameloom(folder.path(), &["compare", "noisy", "still", "--metrics", "psnr,sim"]);
    assert!(unknown.status.code() == Some(2) && stderr(&unknown).contains("`ssim`"), "{}", stderr(&unknown));
}

#[test]
fn clips_that_differ_in_size_and_length_are_compared_with_a_word() {
    let folder = clips();
    let output = frameloom(folder.path(), &["compare", "still", "small/%d.png", "--metrics", "psnr"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("is 40x30: compared at the 80x60") && told.contains("ends after 4 frames"), "{told}");
    assert!(stdout(&output).contains("4 frames"));
    let missing = frameloom(folder.path(), &["compare", "still", "none.mp4"]);
    assert!(missing.status.code() == Some(1) && stderr(&missing).contains("none.mp4"), "{}", stderr(&missing));
}

#[test]
fn one_clip_alone_and_a_stretch_of_it() {
    let folder = clips();
    let output = frameloom(folder.path(), &["compare", "noisy", "--frames", "2..5", "--format", "json"]);
    let all = json(&output);
    let numbers: Vec<u64> = all["frames"].as_array().unwrap().iter().map(|frame| frame["frame"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 3, 4]);
    assert!(all["summary"].get("psnr").is_none() && all["summary"]["warp_error"]["mean"].as_f64().unwrap() > 0.0);
}

#[test]
fn plots_are_drawn() {
    let folder = clips();
    let output = frameloom(folder.path(), &["compare", "noisy", "still", "--plot", "a.svg", "--gate", "psnr>5"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(fs::read_to_string(folder.path().join("a.svg")).unwrap().contains("warp_error"));
    let output = frameloom(folder.path(), &["compare", "noisy", "still", "--plot", "a.png", "--metrics", "psnr"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(image::open(folder.path().join("a.png")).is_ok());
    let wrong = frameloom(folder.path(), &["compare", "noisy", "still", "--plot", "a.gif"]);
    assert!(wrong.status.code() == Some(2) && stderr(&wrong).contains(".svg"), "{}", stderr(&wrong));
}

const GRAPH: &str = "
frameloom: 1
timeline: { size: [96, 64], fps: 25, length: 6 }
nodes:
  clip:  { kind: pattern, pattern: moving_bars }
  rough: { kind: noise, image: clip, amount: 0.2 }
  judge: { kind: metrics, a: rough, b: clip, report: out/report.json, gate: \"psnr>GATE\" }
";

#[test]
fn a_graph_reports_and_fails_at_its_gate() {
    let folder = tempfile::tempdir().unwrap();
    let run = |gate: &str| {
        fs::write(folder.path().join("graph.yaml"), GRAPH.replace("GATE", gate)).unwrap();
        frameloom(folder.path(), &["run", "graph.yaml"])
    };
    let passed = run("5");
    assert_eq!(passed.status.code(), Some(0), "{}", stderr(&passed));
    assert!(stdout(&passed).contains("wrote out/report.json"), "{}", stdout(&passed));
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("out/report.json")).unwrap()).unwrap();
    assert!(report["summary"]["psnr"]["mean"].as_f64().unwrap() > 5.0 && report["gate"]["passed"] == true);
    assert_eq!(report["frames"].as_array().unwrap().len(), 6);
    let failed = run("90");
    assert_eq!(failed.status.code(), Some(1));
    assert!(stderr(&failed).contains("not > 90") && stderr(&failed).contains("the worst is frame"), "{}", stderr(&failed));
    let wrong = run("many");
    assert_eq!(wrong.status.code(), Some(65));
    assert!(stderr(&wrong).contains("`many` stands where a number should"), "{}", stderr(&wrong));
}
