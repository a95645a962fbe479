//! Model folders whose exports differ from the usual, painted with stand-in networks whose result is known.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use frameloom::diffusion::prompt::Reading;
use frameloom::diffusion::{Control, DiffusionError, Latents, Picture, Pipeline, Request, SamplerKind, Seeds, StrengthReading, Tokenizer};
use frameloom::frame::{Frame, Raster, Size};
use frameloom::model::SessionOptions;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tokenizer() -> PathBuf {
    root().join("models/mini/tokenizer")
}

/// Copies what lies in `from` over the folder `to`.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().flatten() {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// The stand-in folder, with the tokenizer of `mini`, and with the parts of `other` in the place of its own.
fn folder(dir: &Path, other: Option<&str>) {
    for name in ["odd_sd"].into_iter().chain(other) {
        for part in std::fs::read_dir(root().join("tests/models").join(name)).unwrap().flatten() {
            copy(&part.path(), &dir.join(part.file_name()));
        }
    }
    copy(&tokenizer(), &dir.join("tokenizer"));
    copy(&tokenizer(), &dir.join("tokenizer_2"));
}

fn open() -> (tempfile::TempDir, Pipeline) {
    open_with(None)
}

fn open_with(other: Option<&str>) -> (tempfile::TempDir, Pipeline) {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), other);
    let pipeline = Pipeline::open(dir.path(), &SessionOptions { threads: 1, ..SessionOptions::default() }).unwrap();
    (dir, pipeline)
}

/// The mean token of a prompt as a share of the vocabulary: what the stand-in predicts.
fn share(prompt: &str) -> f32 {
    let tokenizer = Tokenizer::open(&tokenizer()).unwrap();
    let ids = tokenizer.frame(&tokenizer.tokens(prompt));
    ids.iter().map(|id| *id as f32 / 49408.0).sum::<f32>() / ids.len() as f32
}

fn named(name: &str) -> SamplerKind {
    SamplerKind::from_name(name).unwrap()
}

fn paint(pipeline: &Pipeline, pictures: &[Picture<'_>], sampler: SamplerKind, guidance: f32) -> Result<Vec<Raster>, DiffusionError> {
    let request = Request {
        pictures,
        size: Size::new(6, 4),
        steps: 3,
        strength: 0.5,
        reading: StrengthReading::Exact,
        guidance,
        sampler,
        prompts: Reading::PLAIN,
        seeds: Seeds::One(1),
        ..Request::default()
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
    for sampler in ["DDIMScheduler", "lcm", "EulerDiscreteScheduler"].map(named) {
        for (image, what) in [(None, "from text"), (Some(&image), "from a picture")] {
            let pictures = [Picture { image, ..Picture::of(&long) }];
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
    let pictures = [long.as_str(), ""].map(Picture::of);
    let painted = paint(&pipeline, &pictures, named("DDIMScheduler"), 1.0).unwrap();
    assert_flat(&painted[0], share(&long), "the first");
    assert_flat(&painted[1], share(""), "the second");
}

#[test]
fn a_broken_calculation_is_an_error_and_not_a_black_picture() {
    let (_dir, pipeline) = open();
    let pictures = [Picture::of("cat")];
    let error = paint(&pipeline, &pictures, named("DDIMScheduler"), f32::INFINITY).unwrap_err();
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
    let pictures = [Picture { image: Some(&image), ..Picture::of("") }];
    let error = paint(&pipeline, &pictures, named("DDIMScheduler"), 1.0).unwrap_err().to_string();
    assert!(error.contains("vae_encoder"), "{error}");
}

#[test]
fn image_models_of_sdxl_are_told_a_score_and_read_the_last_layer_but_one() {
    let (_dir, pipeline) = open_with(Some("odd_xl"));
    // The encoders say 2 in their last layer but one, in rows and as a whole; the scores are 6 and 2.5.
    let positive = 0.6 + 0.01 * 4.0;
    let pictures = [Picture::of("cat")];
    assert_flat(&paint(&pipeline, &pictures, named("DDIMScheduler"), 1.0).unwrap()[0], positive, "unguided");
    // A negative prompt that is not there is zeros.
    let negative = 0.25;
    let guided = paint(&pipeline, &pictures, named("DDIMScheduler"), 1.5).unwrap();
    assert_flat(&guided[0], negative + 1.5 * (positive - negative), "guided");
    let pictures = [Picture { negative: Some("".into()), ..Picture::of("cat") }];
    let guided = paint(&pipeline, &pictures, named("DDIMScheduler"), 1.5).unwrap();
    assert_flat(&guided[0], negative + 0.04 + 1.5 * (positive - negative - 0.04), "guided away from an empty text");
}

#[test]
fn networks_with_control_inside_follow_several_pictures() {
    let (_dir, pipeline) = open_with(Some("odd_control"));
    let (grey, white) = (Frame::filled(Size::new(6, 4), [0.5; 3]), Frame::filled(Size::new(3, 3), [1.0; 3]));
    let follow = |image, scale, span| Control { network: None, image, scale, span };
    let paint = |controls: &[Control<'_>]| {
        let pictures = [Picture::of("cat")];
        let (size, seeds) = (Size::new(6, 4), Seeds::One(1));
        let request = Request {
            pictures: &pictures,
            size,
            steps: 4,
            guidance: 1.5,
            sampler: named("DDIMScheduler"),
            seeds,
            controls,
            ..Request::default()
        };
        pipeline.paint(&request, &mut |_| {}).map(|mut painted| painted.remove(0))
    };
    let whole = (0.0, 1.0);
    assert_flat(&paint(&[follow(&grey, 1.0, whole), follow(&white, 0.25, whole)]).unwrap(), 0.75, "two");
    assert_flat(&paint(&[follow(&grey, 0.5, whole)]).unwrap(), 0.25, "one");
    assert_flat(&paint(&[]).unwrap(), 0.0, "none");
    assert_flat(&paint(&[follow(&white, 0.5, (0.0, 0.75))]).unwrap(), 0.0, "not at the last step");
    let three = [follow(&grey, 1.0, whole); 3];
    assert!(paint(&three).unwrap_err().to_string().contains("holds 2 `ControlNets`"));
    let (_dir, plain) = open();
    let request = Request { pictures: &[Picture::of("cat")], controls: &three, ..Request::default() };
    assert!(plain.paint(&request, &mut |_| {}).unwrap_err().to_string().contains("not exported for `ControlNet`"));
}

#[test]
fn a_decoder_that_overflows_half_precision_is_run_in_single() {
    let (_dir, pipeline) = open_with(Some("odd_half"));
    let latents = |value: f32| Latents { shape: [1, 3, 2, 2], data: vec![value; 12] };
    let decode = |value| pipeline.decode(&latents(value), Size::new(4, 4), None).map(|painted| painted[0].data()[0]);
    assert!((decode(0.0).unwrap() - 0.5).abs() < 1e-6, "in range");
    assert!((decode(40.0).unwrap() - 1.0).abs() < 1e-6, "white where half precision is infinite");
    let error = decode(f32::NAN).unwrap_err().to_string();
    assert!(error.contains("in single precision too"), "{error}");
}

#[test]
fn latents_go_on_where_they_were_left() {
    let (_dir, pipeline) = open();
    let pictures = [Picture::of("cat")];
    let request = Request {
        pictures: &pictures,
        size: Size::new(6, 4),
        steps: 3,
        sampler: named("DDIMScheduler"),
        guidance: 1.0,
        ..Request::default()
    };
    let latents = pipeline.denoise(&request, &mut |_| {}).unwrap();
    let again = [Picture { latents: Some(&latents), ..Picture::of("dog") }];
    let painted = pipeline.paint(&Request { pictures: &again, strength: 0.5, ..request }, &mut |_| {}).unwrap();
    assert_flat(&painted[0], share("dog"), "from latents");
    let error = pipeline.paint(&Request { pictures: &again, size: Size::new(60, 4), ..request }, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("same model and size"), "{error}");
}
