//! What the prompts of a request say to the network, and how strongly.

use std::sync::Arc;

use super::DiffusionError;
use super::guidance::guide;
use super::latent::Latents;
use super::request::{Request, Words};
use super::text::{Embedding, TextEncoder};
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
        let negatives = request.pictures.iter().filter(|_| guided).map(|p| p.negative);
        let prompts = request.pictures.iter().map(|p| p.prompt);
        let rows = negatives.chain(prompts).map(|words| read(encoder, words)).collect::<Result<_, _>>()?;
        Ok(Self { rows, guided })
    }
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
}

impl Denoiser<'_> {
    /// What the network predicts for `input`, which is in the scale that it expects, at `timestep`; guided. `step` counts from 0.
    pub(super) fn predict(&self, _step: usize, mut input: Latents, timestep: f32) -> Result<Vec<f32>, DiffusionError> {
        if !self.texts.guided {
            return self.unet.run(&input, timestep, &self.texts.rows, self.guidance);
        }
        let batch = input.batch();
        input.data.extend_from_within(..);
        input.shape[0] *= 2;
        let mut output = self.unet.run(&input, timestep, &self.texts.rows, self.guidance)?;
        let positive = output.split_off(output.len() / 2);
        guide(&mut output, &positive, self.guidance, self.rescale, batch);
        Ok(output)
    }
}
