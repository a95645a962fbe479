//! A graph that changes nothing, written without loss, gives the decoder's own frames, generation after generation.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::path::Path;

use frameloom::Loom;
use frameloom::media::{DecodeOptions, Decoder, Point};

const GENERATIONS: usize = 10;

fn pictures(path: &Path, from: u64, to: u64) -> Vec<Vec<f32>> {
    let options = DecodeOptions { from: Point::Frame(from), to: Some(Point::Frame(to)), ..DecodeOptions::default() };
    let mut decoder = Decoder::open(path, options).unwrap();
    std::iter::from_fn(|| decoder.next().unwrap()).map(|picture| picture.frame.raster.data().to_vec()).collect()
}

#[test]
fn ten_generations_of_an_identity_graph_are_the_decoders_own_frames() {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/bigbuckbunny.mp4");
    let folder = tempfile::tempdir().unwrap();
    let graph = |input: &str, output: &str| {
        format!(
            "frameloom: 1\nnodes:\n  clip: {{ kind: video_input, {input} }}\n  file: {{ kind: encoder, image: clip, audio: clip.audio, path: {output}, codec: ffv1 }}\n"
        )
    };
    let loom = Loom::new();
    let mut input = format!("path: {}, from: 20, to: 24", clip.display());
    for generation in 0..GENERATIONS {
        let output = format!("{generation}.mkv");
        let plan = loom.plan_text(&graph(&input, &output), folder.path(), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        loom.run(&plan, &|_: &frameloom::exec::Event| {}).unwrap();
        input = format!("path: {output}");
    }
    let (first, last) = (pictures(&clip, 20, 24), pictures(&folder.path().join("9.mkv"), 0, 4));
    assert_eq!(first.len(), 4);
    assert!(first == last, "{GENERATIONS} generations changed the frames");
}
