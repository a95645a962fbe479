//! What the prompts of a request say to the network, and how strongly.

use std::sync::Arc;

use super::DiffusionError;
use super::control::Steering;
use super::guidance::guide;
use super::latent::Latents;
use super::request::{Request, Words};
use super::text::{Embedding, TextEncoder};
use super::told::{Framing, Told};
use super::unet::Unet;

/// The embeddings of a request, and how they are used.
pub(super) struct Texts {
    /// Of the negative prompts, if there is guidance, then of the prompts.
    rows: Vec<Arc<Embedding>>,
    guided: bool,
}

impl Texts {
    /// Reads the prompts of `request`; the negative ones where there is guidance that `unet` does not do by itself.
    pub(super) fn of(request: &Request<'_>, encoder: &TextEncoder, unet: &Unet) -> Result<Self, DiffusionError> {
        let guided = request.guidance > 1.0 && !unet.knows_guidance();
        let negatives = request.pictures.iter().filter(|_| guided).map(|p| read_negative(encoder, p.negative));
        let prompts = request.pictures.iter().map(|p| read(encoder, p.prompt));
        let rows = negatives.chain(prompts).collect::<Result<_, _>>()?;
        Ok(Self { rows, guided })
    }
}

fn read_negative(encoder: &TextEncoder, words: Option<Words<'_>>) -> Result<Arc<Embedding>, DiffusionError> {
    words.map_or_else(|| encoder.encode_negative(None), |words| read(encoder, words))
}

fn read(encoder: &TextEncoder, words: Words<'_>) -> Result<Arc<Embedding>, DiffusionError> {
    let here = encoder.encode(words.text)?;
    match words.toward {
        Some((there, mix)) if mix > 0.0 => Ok(Arc::new(here.mixed(encoder.encode(there)?.as_ref(), mix))),
        _ => Ok(here),
    }
}

/// The network with all that it is told besides latents and time: what samplers call.
pub(super) struct Denoiser<'a> {
    pub(super) unet: &'a Unet,
    pub(super) texts: Texts,
    /// See [`Request::guidance`].
    pub(super) guidance: f32,
    /// See [`guide`].
    pub(super) rescale: f32,
    /// See [`Told::framing`].
    pub(super) framing: Framing,
    /// See [`Told::beside`].
    pub(super) beside: Option<Latents>,
    /// See [`Told::steering`].
    pub(super) steering: Vec<Steering<'a>>,
    /// The first step that runs and the end of the schedule: control may hold for a part of them.
    pub(super) steps: (usize, usize),
}

impl Denoiser<'_> {
    /// What the network predicts for `input`, which is in the scale that it expects, at `timestep`; guided. `step` counts from 0.
    pub(super) fn predict(&self, step: usize, mut input: Latents, timestep: f32) -> Result<Vec<f32>, DiffusionError> {
        let rows = &self.texts.rows;
        if !self.texts.guided {
            return self.run(step, &input, timestep, (rows, 0));
        }
        let batch = input.batch();
        input.data.extend_from_within(..);
        input.shape[0] *= 2;
        let mut output = self.run(step, &input, timestep, (rows, batch))?;
        let positive = output.split_off(output.len() / 2);
        guide(&mut output, &positive, self.guidance, self.rescale, batch);
        Ok(output)
    }

    /// One call of the network with one text for each picture in `input`, the first so many of them negative prompts.
    fn run(
        &self,
        step: usize,
        input: &Latents,
        timestep: f32,
        (texts, negatives): (&[Arc<Embedding>], usize),
    ) -> Result<Vec<f32>, DiffusionError> {
        let (first, end) = self.steps;
        let steering: Vec<_> = self.steering.iter().map(|one| one.at(step.saturating_sub(first), end - first)).collect();
        let (guidance, framing, beside) = (self.guidance, self.framing, self.beside.as_ref());
        self.unet.run(input, timestep, &Told { texts, negatives, guidance, framing, beside, steering: &steering })
    }
}
