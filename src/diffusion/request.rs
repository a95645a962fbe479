//! What is asked of a [`Pipeline`](super::Pipeline): the pictures to paint, and how.

use super::DiffusionError;
use super::carried::Following;
use super::control::Control;
use super::latent::Latents;
use super::prompt::Reading;
use super::random::NoiseSource;
use super::sampler::{SamplerKind, SamplerOptions};
use super::sigmas::Schedule;
use super::strength::StrengthReading;
use super::told::Framing;
use crate::frame::{Frame, Mask, Size};

/// One picture to paint.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// What it should show.
    pub prompt: Words<'a>,
    /// What it should not show; heeded where the guidance is above 1. SDXL tells none at all from an empty text.
    pub negative: Option<Words<'a>>,
    /// The picture to start from.
    pub image: Option<&'a Frame>,
    /// Latents to start from in the place of those of `image`: what [`Pipeline::denoise`](super::Pipeline::denoise) of the same model
    /// gave for the same size.
    pub latents: Option<&'a Latents>,
    /// Where the picture is repainted, of its size: half and above is, the rest is kept.
    pub mask: Option<&'a Mask>,
}

impl<'a> Picture<'a> {
    /// A picture of `prompt` and nothing else.
    #[must_use]
    pub fn of(prompt: &'a str) -> Self {
        Self { prompt: prompt.into(), negative: None, image: None, latents: None, mask: None }
    }

    /// Whether it does not start from noise alone.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.image.is_some() || self.latents.is_some()
    }
}

/// What the repainted part of a picture begins with, under the noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// What was there.
    #[default]
    Original,
    /// Noise: forgets what was there.
    Noise,
    /// Latents of zero, an even brownish grey.
    Nothing,
}

/// A text, or one on the way to another.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The text.
    pub text: &'a str,
    /// The other text, and how much of the way to it is done, 0 to 1.
    pub toward: Option<(&'a str, f32)>,
    /// How the way is gone.
    pub blend: Blend,
}

/// The way from one prompt to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blend {
    /// The embeddings of both are mixed.
    #[default]
    Embeddings,
    /// Both pull at the same time, one less and less, the other more and more; costs one more evaluation of the network. Negative
    /// prompts are mixed by their embeddings.
    And,
}

impl<'a> From<&'a str> for Words<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, toward: None, blend: Blend::default() }
    }
}

/// Where the noise of several pictures comes from.
#[derive(Debug, Clone, Copy)]
pub enum Seeds<'a> {
    /// One generator for all of them.
    One(u64),
    /// One generator for each: pictures come out as if they were painted alone.
    Each(&'a [u64]),
}

/// Other noise that is mixed into that which a picture starts from: A1111's "variation seed".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    /// Its seed; for several pictures with seeds of their own it goes on by one from each to the next.
    pub seed: u64,
    /// How far the noise is turned towards it, 0 to 1.
    pub strength: f64,
}

/// How to paint. All pictures of one request go through the networks together.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What to paint: all from pictures of one size, or all from text alone.
    pub pictures: &'a [Picture<'a>],
    /// Size of pictures from text alone.
    pub size: Size,
    /// Steps; how many run for a given strength is up to `reading`.
    pub steps: usize,
    /// How much of the given pictures is repainted: near 0 next to nothing, 1 all.
    pub strength: f64,
    /// What strength and steps mean together. Latent consistency runs all steps in any case.
    pub reading: StrengthReading,
    /// How all prompts are read.
    pub prompts: Reading,
    /// How strongly the prompt pulls: 1 is unguided, and at most 1 costs half.
    pub guidance: f32,
    /// See [`guide`].
    pub guidance_rescale: f32,
    /// The sampler.
    pub sampler: SamplerKind,
    /// How its noise levels are spread; nothing for its own way.
    pub schedule: Option<Schedule>,
    /// Its settings.
    pub sampler_options: SamplerOptions,
    /// Where noise comes from.
    pub seeds: Seeds<'a>,
    /// Whose random numbers it is made of.
    pub noise_source: NoiseSource,
    /// Where the noise comes from instead, so that it follows a motion: all but what the VAE draws, that which is added on the way
    /// included.
    pub following: Option<Following<'a>>,
    /// What is mixed into it.
    pub variation: Option<Variation>,
    /// What the repainted part begins with where there are masks.
    pub fill: Fill,
    /// What all pictures follow.
    pub controls: &'a [Control<'a>],
    /// What SDXL is told of the size; nothing for the size painted.
    pub framing: Option<Framing>,
    /// The side in pixels of the tiles in which the VAE codes larger pictures: 0 for none, nothing for none but in pictures of more than
    /// 1.6 megapixels.
    pub tile: Option<usize>,
}

impl Default for Request<'_> {
    /// Nothing to paint yet, in the usual way: 512x512 from noise in 20 steps.
    fn default() -> Self {
        Self {
            pictures: &[],
            size: Size::new(512, 512),
            steps: 20,
            strength: 1.0,
            reading: StrengthReading::default(),
            guidance: 7.5,
            guidance_rescale: 0.0,
            sampler: SamplerKind::FromModel,
            schedule: None,
            sampler_options: SamplerOptions::default(),
            prompts: Reading::default(),
            noise_source: NoiseSource::Cpu,
            seeds: Seeds::One(0),
            following: None,
            variation: None,
            fill: Fill::default(),
            controls: &[],
            framing: None,
            tile: None,
        }
    }
}

/// Told after every step.
pub struct Progress<'a> {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub steps: usize,
    /// The latents after the step.
    pub latents: &'a Latents,
}

/// The size of all pictures, if the request makes sense.
pub(super) fn check(request: &Request<'_>) -> Result<Size, DiffusionError> {
    let wrong = |why: &str| Err(DiffusionError::Setting(why.to_owned()));
    let mut sizes = request.pictures.iter().map(|p| p.image.map(Frame::size));
    let Some(first) = sizes.next() else { return wrong("there is nothing to paint") };
    if sizes.any(|size| size != first) {
        return wrong("pictures that are painted together must all have one size, or all come from text");
    }
    if let Seeds::Each(seeds) = request.seeds
        && seeds.len() != request.pictures.len()
    {
        return wrong("as many seeds as pictures are needed");
    }
    if request.pictures.iter().any(|p| p.is_given() != request.pictures[0].is_given()) {
        return wrong("pictures that are painted together must all be given or all come from text");
    }
    let size = first.unwrap_or(request.size);
    if request.pictures.iter().any(|p| p.mask.is_some_and(|mask| mask.size() != size)) {
        return wrong("a mask must have the size of the picture that it is for");
    }
    if size.area() == 0 { wrong("the picture has no pixels") } else { Ok(size) }
}
