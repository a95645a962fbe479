use std::path::Path;

use super::super::with_model::testing::{scene, trained};
use super::*;
use crate::Loom;
use crate::exec::Event;

const GRAPH: &str =
    "frameloom: 1\ntimeline: { size: [64, 36], fps: 25, length: 3 }\nnodes:\n  clip: { kind: pattern, pattern: gradient }\n";

/// What is wrong with a graph in which `node` is a mask of the clip.
fn refused(node: &str) -> String {
    let graph = format!("{GRAPH}  where: {{ kind: mask, {node} }}\n  file: {{ kind: image_output, image: where.image, path: x-%d.png }}\n");
    match Loom::new().plan_text(&graph, Path::new("tests"), &[]) {
        Ok(_) => panic!("{node} is accepted"),
        Err(rejected) => rejected.to_string(),
    }
}

/// The pictures of the mask that `node` describes, written to `folder`.
fn run(folder: &Path, node: &str) -> Vec<Raster> {
    let graph =
        format!("{GRAPH}  where: {{ kind: mask, {node} }}\n  file: {{ kind: image_output, image: where.image, path: out-%d.png }}\n");
    let loom = Loom::new();
    let plan = loom.plan_text(&graph, folder, &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
    loom.run(&plan, &|_: &Event| {}).unwrap();
    (0..3).map(|tick| crate::media::read_image(&folder.join(format!("out-{tick}.png"))).unwrap().raster).collect()
}

fn mean(raster: &Raster) -> f32 {
    let mean = raster.plane(0).iter().map(|v| f64::from(*v)).sum::<f64>() / raster.size().area() as f64;
    (mean * 1e4).round() as f32 / 1e4
}

#[test]
fn what_an_expression_reads_must_be_linked_and_there() {
    assert!(refused("from: luma").contains("the expression reads `image`, but nothing is linked to it (add `image: NODE`"));
    assert!(refused("image: clip, from: \"difference and a\"").contains("reads `reference`"));
    assert!(refused("image: clip, from: \"[none.png]\"").contains("none.png"));
    assert!(refused("image: clip, from: luma and persn").contains("there is no mask `persn` (write `person`)"));
    assert!(refused("image: clip, from: \"model('none.onnx')\"").contains("none.onnx"));
}

#[test]
fn files_may_be_stills_sequences_and_videos_and_hold_their_last_picture() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, level: u8| image::GrayImage::from_pixel(64, 36, image::Luma([level])).save(folder.path().join(name)).unwrap();
    save("still.png", 51);
    save("m_1.png", 0);
    save("m_2.png", 255);
    let means = |node: &str| run(folder.path(), node).iter().map(mean).collect::<Vec<_>>();
    assert_eq!(means("from: \"[still.png]\""), [0.2; 3]);
    assert_eq!(means("from: \"file('m_%d.png')\""), [0.0, 1.0, 1.0]);
    assert_eq!(means("from: \"not [still.png] and [m_%d.png]\""), [0.0, 0.8, 0.8]);
    let video = format!("{}/tests/media/count.mp4", env!("CARGO_MANIFEST_DIR"));
    let found = means(&format!("from: \"[{video}]\""));
    assert!(found[0] < found[1] && found[1] < found[2], "{found:?}");
}

#[test]
fn expressions_change_over_time_by_key_and_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let means = |node: &str| run(folder.path(), node).iter().map(mean).collect::<Vec<_>>();
    assert_eq!(means("from: { 0: everywhere, 1: nowhere }"), [1.0, 0.0, 0.0]);
    assert_eq!(means("from: \"0: ({everywhere}), 2: (!{everywhere})\""), [1.0, 1.0, 0.0]);
    let growing = means("from: \"ellipse(0.5, 0.5, 0.2 + 0.3*t, 0.9)\"");
    assert!(growing[0] < growing[1] && growing[1] < growing[2], "{growing:?}");
    assert_eq!(means("from: everywhere, invert: true, grow: 5, feather: 3"), [0.0; 3]);
}

#[test]
fn a_trained_model_finds_no_person_in_a_pattern() {
    let Some(model) = trained("selfie_segmentation_landscape") else { return };
    let folder = tempfile::tempdir().unwrap();
    let found = run(folder.path(), &format!("image: clip, from: person, model: \"{model}\""));
    assert!(found.iter().all(|mask| mean(mask) < 0.2), "{:?}", found.iter().map(mean).collect::<Vec<_>>());
    let segmenter = Segmenter::open(&model, crate::model::Range::Unit, 256, &crate::node::Engine::default()).unwrap();
    assert_eq!(segmenter.mask(&scene(80, 45).raster, 1).unwrap().size(), Size::new(80, 45));
}
