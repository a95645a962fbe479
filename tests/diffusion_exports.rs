//! Model folders whose exports differ from the usual, painted with stand-in networks whose result is known.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use frameloom::diffusion::prompt::Reading;
use frameloom::diffusion::random::NoiseSource;
use frameloom::diffusion::{DiffusionError, Picture, Pipeline, Request, SamplerKind, SamplerOptions, Seeds, StrengthReading, Tokenizer};
use frameloom::frame::{Frame, Raster, Size};
use frameloom::model::SessionOptions;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tokenizer() -> PathBuf {
    root().join("models/mini/tokenizer")
}

/// The stand-in folder, with the tokenizer of `mini`.
fn folder(dir: &Path) {
    let from = root().join("tests/models/odd_sd");
    let parts = ["text_encoder", "vae_encoder", "vae_decoder", "unet", "scheduler"].map(|part| (from.join(part), part));
    for (part, name) in parts.into_iter().chain([(tokenizer(), "tokenizer")]) {
        std::fs::create_dir(dir.join(name)).unwrap();
        for file in std::fs::read_dir(part).unwrap().flatten() {
            std::fs::copy(file.path(), dir.join(name).join(file.file_name())).unwrap();
        }
    }
}

fn open() -> (tempfile::TempDir, Pipeline) {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    let pipeline = Pipeline::open(dir.path(), &SessionOptions { threads: 1, ..SessionOptions::default() }).unwrap();
    (dir, pipeline)
}

/// The mean token of a prompt as a share of the vocabulary: what the stand-in predicts.
fn share(prompt: &str) -> f32 {
    let tokenizer = Tokenizer::open(&tokenizer()).unwrap();
    let ids = tokenizer.frame(&tokenizer.tokens(prompt));
    ids.iter().map(|id| *id as f32 / 49408.0).sum::<f32>() / ids.len() as f32
}

fn paint(pipeline: &Pipeline, pictures: &[Picture<'_>], sampler: SamplerKind, guidance: f32) -> Result<Vec<Raster>, DiffusionError> {
    let request = Request {
        pictures,
        size: Size::new(6, 4),
        steps: 3,
        strength: 0.5,
        reading: StrengthReading::Exact,
        guidance,
        guidance_rescale: 0.0,
        sampler,
        sampler_options: SamplerOptions::default(),
        prompts: Reading::PLAIN,
        seeds: Seeds::One(1),
        noise_source: NoiseSource::Cpu,
        variation: None,
    };
    pipeline.paint(&request, &mut |_| {})
}

fn assert_flat(painted: &Raster, predicted: f32, what: &str) {
    let expected = (predicted / 2.0 + 0.5).clamp(0.0, 1.0);
    for value in painted.data() {
        assert!((value - expected).abs() < 2e-3, "{what}: {value}, not {expected}");
    }
}

#[test]
fn awkward_exports_paint_what_their_networks_predict() {
    let (_dir, pipeline) = open();
    let image = Frame::filled(Size::new(5, 3), [0.2, 0.9, 0.4]);
    let long = "cat ".repeat(60);
    for sampler in [SamplerKind::Ddim, SamplerKind::Lcm, SamplerKind::Euler] {
        for (image, what) in [(None, "from text"), (Some(&image), "from a picture")] {
            let pictures = [Picture { prompt: long.as_str().into(), negative: "".into(), image }];
            let painted = paint(&pipeline, &pictures, sampler, 1.0).unwrap();
            assert_eq!(painted[0].size(), if image.is_some() { Size::new(5, 3) } else { Size::new(6, 4) });
            assert_flat(&painted[0], share(&long), what);
            let guided = paint(&pipeline, &pictures, sampler, 1.5).unwrap();
            assert_flat(&guided[0], share("") + 1.5 * (share(&long) - share("")), &format!("{what}, guided"));
        }
    }
}

#[test]
fn several_pictures_go_through_a_network_that_takes_one() {
    let (_dir, pipeline) = open();
    let long = "dog ".repeat(70);
    let pictures = [long.as_str(), ""].map(|prompt| Picture { prompt: prompt.into(), negative: "".into(), image: None });
    let painted = paint(&pipeline, &pictures, SamplerKind::Ddim, 1.0).unwrap();
    assert_flat(&painted[0], share(&long), "the first");
    assert_flat(&painted[1], share(""), "the second");
}

#[test]
fn a_broken_calculation_is_an_error_and_not_a_black_picture() {
    let (_dir, pipeline) = open();
    let pictures = [Picture { prompt: "cat".into(), negative: "".into(), image: None }];
    let error = paint(&pipeline, &pictures, SamplerKind::Ddim, f32::INFINITY).unwrap_err();
    assert!(error.to_string().contains("not a number at step 1 of 3"), "{error}");
}

#[test]
fn what_is_missing_is_named() {
    let (dir, _) = open();
    std::fs::remove_file(dir.path().join("unet/model.onnx")).unwrap();
    let error = Pipeline::open(dir.path(), &SessionOptions::default()).err().unwrap().to_string();
    assert!(error.contains("unet"), "{error}");
    let (dir, _) = open();
    std::fs::remove_dir_all(dir.path().join("vae_encoder")).unwrap();
    let pipeline = Pipeline::open(dir.path(), &SessionOptions::default()).unwrap();
    let image = Frame::filled(Size::new(4, 4), [0.5; 3]);
    let pictures = [Picture { prompt: "".into(), negative: "".into(), image: Some(&image) }];
    let error = paint(&pipeline, &pictures, SamplerKind::Ddim, 1.0).unwrap_err().to_string();
    assert!(error.contains("vae_encoder"), "{error}");
}
