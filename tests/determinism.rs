//! The same bytes out on any number of threads and with any number of frames under way.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "support/folder.rs"]
mod folder;

use std::collections::BTreeMap;
use std::path::Path;

use folder::files_of;
use frameloom::Loom;
use frameloom::exec::{self, RunOptions, StopFlag};

/// A loop with delay, noise, a window over time is left to the scheduler's own tests; cadence over a slower clock; two outputs.
const LOOP: &str = r#"
frameloom: 1
timeline: { size: [96, 54], fps: 25, length: 24, seed: 3 }
nodes:
  clip:    { kind: pattern, pattern: moving_bars }
  near:    { kind: depth, image: clip, model: luma }
  carried: { kind: depth_warp, image: { from: painted@-1, initial: clip }, depth: near, translation_z: "0: (2), 20: (6)", rotation_3d_z: 0.4 }
  fresh:   { kind: blend, a: carried, b: clip, amount: 0.4 }
  matched: { kind: color_match, image: fresh, reference: clip, space: lab, amount: 0.8 }
  rough:   { kind: noise, image: matched, type: perlin, amount: 0.2, grain: cells }
  cells:   { kind: grain, motion: carried.motion, fresh: 0.1 }
  key:     { kind: warp, image: rough, every: 3, angle: 3, zoom: 1.02 }
  painted: { kind: cadence, key: key, motion: carried.motion }
  frames:  { kind: image_output, image: painted, path: "painted-%03d.png" }
  rough_frames: { kind: image_output, image: rough, path: "rough-%03d.png" }
"#;

fn run(folder: &Path, text: &str, threads: usize, depth: usize) -> BTreeMap<String, Vec<u8>> {
    let mut loom = Loom::new();
    loom.options.engine.threads = threads;
    let plan = loom.plan_text(text, folder, &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
    let report = exec::run(&plan, &RunOptions { depth, from: 0 }, &|_: &exec::Event| {}, &StopFlag::default())
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(
        report.peak_bytes as usize <= plan.memory(depth).frames,
        "{} bytes lived, {} were promised",
        report.peak_bytes,
        plan.memory(depth).frames
    );
    files_of(folder)
}

#[test]
fn a_loop_with_cadence_gives_the_same_bytes_on_any_threads_and_depth() {
    let reference = {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), LOOP, 1, 1)
    };
    assert_eq!(reference.len(), 48);
    for threads in [1, 2, 4, 8] {
        for depth in 1..=6 {
            let folder = tempfile::tempdir().unwrap();
            let made = run(folder.path(), LOOP, threads, depth);
            assert!(made == reference, "{threads} threads, depth {depth}");
        }
    }
}

#[test]
fn the_bundled_diffusion_model_in_a_loop_is_deterministic() {
    let text = LOOP
        .replace(
            "kind: warp, image: rough, every: 3, angle: 3, zoom: 1.02",
            "kind: diffusion, image: rough, every: 3, model: mini, prompt: oil, strength: 0.4, steps: 4, grain: cells",
        )
        .replace("length: 24", "length: 7");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let text = text.replace("model: mini", &format!("model: {}", models.join("mini").display()));
    let one = tempfile::tempdir().unwrap();
    let four = tempfile::tempdir().unwrap();
    assert!(run(one.path(), &text, 1, 1) == run(four.path(), &text, 4, 4), "threads or depth change the picture");
}
