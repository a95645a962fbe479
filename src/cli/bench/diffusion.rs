//! What the loop round the networks of a diffusion model costs: `diffusion loop` paints latents in four guided steps, `diffusion
//! networks` makes the same calls of the denoising network and nothing else. Listed where the tiny model `sd15` is found in a
//! `models` folder or in `FRAMELOOM_TEST_MODELS`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Bench, Work, bench, repeat};
use crate::diffusion::sampler::diffusers::Class;
use crate::diffusion::{Picture, Pipeline, Request, SamplerKind};
use crate::frame::Size;
use crate::model::{SessionOptions, TensorRef, find_model};

/// Steps of one repetition.
const STEPS: usize = 4;
/// Larger pictures take the tiny model's plain attention minutes and gigabytes.
const LARGEST: usize = 512;

pub(super) fn list() -> Vec<Bench> {
    let Some(folder) = model() else { return Vec::new() };
    let other = folder.clone();
    vec![
        bench("diffusion loop, at most 512x512", move |size| paint(&folder, size)),
        bench("diffusion networks, at most 512x512", move |size| networks(&other, size)),
    ]
}

fn model() -> Option<PathBuf> {
    let given = std::env::var_os("FRAMELOOM_TEST_MODELS").map(|folder| PathBuf::from(folder).join("tiny/sd15"));
    given.filter(|folder| folder.is_dir()).or_else(|| find_model("tiny/sd15", Path::new("")).ok())
}

fn within(size: Size) -> Size {
    Size::new(size.width.min(LARGEST), size.height.min(LARGEST))
}

fn request(size: Size) -> Request<'static> {
    Request { size: within(size), steps: STEPS, guidance: 7.5, sampler: SamplerKind::Class(Class::Euler), ..Request::default() }
}

/// Work for a model that does not open.
fn nothing() -> Work {
    Box::new(|| {})
}

fn paint(folder: &Path, size: Size) -> Work {
    let Ok(pipeline) = Pipeline::open(folder, &SessionOptions::default()) else { return nothing() };
    repeat(move || pipeline.denoise(&Request { pictures: &[Picture::of("a red circle")], ..request(size) }, &mut |_| {}))
}

/// The calls alone, on arrays that lie ready.
fn networks(folder: &Path, size: Size) -> Work {
    let Ok(pipeline) = Pipeline::open(folder, &SessionOptions::default()) else { return nothing() };
    let Ok(text) = pipeline.embed("a red circle") else { return nothing() };
    let (size, multiple, vae) = (within(size), pipeline.folder().multiple(), &pipeline.folder().vae);
    let side = |n: usize| n.next_multiple_of(multiple) / vae.factor();
    let shape = [2, vae.latent_channels, side(size.height), side(size.width)];
    let (sample, rows) = (vec![0.1; shape.iter().product()], text.data.repeat(2));
    let rows_shape = [2, text.tokens, text.width];
    let session = Arc::clone(pipeline.session());
    repeat(move || {
        let inputs = [("sample", &sample, &shape[..]), ("timestep", &vec![501.0], &[]), ("encoder_hidden_states", &rows, &rows_shape)];
        let inputs: Vec<_> = inputs.into_iter().filter_map(|(name, data, shape)| Some((name, TensorRef::of(data, shape)?))).collect();
        (0..STEPS).filter(|_| session.run(&inputs).is_ok()).count()
    })
}
