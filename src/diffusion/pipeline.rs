//! From prompts, pictures and a seed to pictures: txt2img and img2img.

use std::path::Path;
use std::sync::Arc;

use super::DiffusionError;
use super::folder::ModelFolder;
use super::guidance::guide;
use super::latent::{Latents, apply};
use super::random::{Generator, Precision};
use super::sampler::{Sampler, SamplerKind, SamplerOptions};
use super::schedule::SchedulerConfig;
use super::strength::StrengthReading;
use super::text::{Embedding, TextEncoder};
use super::unet::Unet;
use super::vae::{VaeDecoder, VaeEncoder};
use super::variation::turn;
use crate::frame::{Frame, Raster, Size};
use crate::model::{Session, SessionOptions};

/// A loaded model, ready to paint. May be used from several threads; its networks run one call at a time.
pub struct Pipeline {
    folder: ModelFolder,
    text: TextEncoder,
    unet: Unet,
    decoder: VaeDecoder,
    /// Absent from models that only make pictures from text.
    encoder: Option<VaeEncoder>,
}

/// One picture to paint.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// What it should show.
    pub prompt: Words<'a>,
    /// What it should not show; heeded where the guidance is above 1.
    pub negative: Words<'a>,
    /// The picture to start from.
    pub image: Option<&'a Frame>,
}

/// A text, or one on the way to another.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The text.
    pub text: &'a str,
    /// The other text, and how much of the way to it is done, 0 to 1: the embeddings of both are mixed.
    pub toward: Option<(&'a str, f32)>,
}

impl<'a> From<&'a str> for Words<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, toward: None }
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
    /// How strongly the prompt pulls: 1 is unguided, and at most 1 costs half.
    pub guidance: f32,
    /// See [`guide`].
    pub guidance_rescale: f32,
    /// The sampler.
    pub sampler: SamplerKind,
    /// Its settings.
    pub sampler_options: SamplerOptions,
    /// Where noise comes from.
    pub seeds: Seeds<'a>,
    /// What is mixed into it.
    pub variation: Option<Variation>,
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

/// The generators of a request.
struct Source {
    generators: Vec<Generator>,
    /// As many more for the variation, and its strength. They draw what the others draw before the noise, so that at strength 1 the
    /// noise is that of the other seed.
    others: Option<(Vec<Generator>, f64)>,
    precision: Precision,
}

impl Source {
    fn new(request: &Request<'_>, precision: Precision) -> Self {
        let generators: Vec<Generator> = match request.seeds {
            Seeds::One(seed) => vec![Generator::new(seed)],
            Seeds::Each(seeds) => seeds.iter().map(|seed| Generator::new(*seed)).collect(),
        };
        let others = request.variation.filter(|variation| variation.strength > 0.0);
        let others = others.map(|Variation { seed, strength }| {
            ((0..generators.len() as u64).map(|index| Generator::new(seed.wrapping_add(index))).collect(), strength)
        });
        Self { generators, others, precision }
    }

    /// `n` numbers for all pictures together, an equal share from each generator.
    fn draw(&mut self, n: usize) -> Vec<f32> {
        draw(&mut self.generators, n, self.precision)
    }

    /// The noise that pictures of `shape` start from.
    fn noise(&mut self, shape: [usize; 4]) -> Vec<f32> {
        let n = shape.iter().product();
        let mut noise = self.draw(n);
        if let Some((others, strength)) = &mut self.others {
            let other = draw(others, n, self.precision);
            turn(&mut noise, &other, *strength, shape);
        }
        noise
    }

    /// `n` numbers for the picture `index`.
    fn draw_for(&mut self, index: usize, n: usize) -> Vec<f32> {
        let last = self.generators.len().saturating_sub(1);
        if let Some(other) = self.others.as_mut().and_then(|(others, _)| others.get_mut(index.min(last))) {
            other.randn(n, self.precision);
        }
        self.generators.get_mut(index.min(last)).map_or_else(Vec::new, |generator| generator.randn(n, self.precision))
    }
}

fn draw(generators: &mut [Generator], n: usize, precision: Precision) -> Vec<f32> {
    let share = n / generators.len().max(1);
    generators.iter_mut().flat_map(|generator| generator.randn(share, precision)).collect()
}

/// The embeddings of a request, and how they are used.
struct Texts {
    /// Of the negative prompts, if there is guidance, then of the prompts.
    rows: Vec<Arc<Embedding>>,
    guided: bool,
}

impl Pipeline {
    /// Loads the model in `folder`.
    pub fn open(folder: &Path, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let folder = ModelFolder::open(folder)?;
        Ok(Self {
            text: TextEncoder::open(&folder, options)?,
            unet: Unet::open(&folder, options)?,
            decoder: VaeDecoder::open(&folder, options)?,
            encoder: if folder.has("vae_encoder") { Some(VaeEncoder::open(&folder, options)?) } else { None },
            folder,
        })
    }

    /// What the folder says of the model.
    #[must_use]
    pub fn folder(&self) -> &ModelFolder {
        &self.folder
    }

    /// The denoising network's session, which tells where the model runs.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        self.unet.session()
    }

    /// Puts another noise schedule in the place of the folder's: for models whose folder is wrong about it, or for a choice of
    /// sigmas.
    pub fn set_scheduler(&mut self, scheduler: SchedulerConfig) {
        self.folder.scheduler = scheduler;
    }

    /// The embedding of a prompt; computed once.
    pub fn embed(&self, prompt: &str) -> Result<Arc<Embedding>, DiffusionError> {
        self.text.encode(prompt)
    }

    /// Paints the pictures of `request`. Sizes that the networks cannot take are filled up at the right and below, and cut again.
    pub fn paint(&self, request: &Request<'_>, told: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<Raster>, DiffusionError> {
        let size = check(request)?;
        let padded = self.padded(size);
        let from_image = request.pictures.iter().any(|p| p.image.is_some());
        let strength = from_image.then_some((request.strength, request.reading));
        let (mut sampler, first) = request.sampler.build(&self.folder.scheduler, request.steps, strength, request.sampler_options)?;
        let texts = self.texts(request)?;
        let mut source = Source::new(request, self.unet.precision());
        let mut latents =
            if from_image { self.code(request, padded, &mut source)? } else { self.noise(request, padded, sampler.as_ref(), &mut source)? };
        if from_image {
            let noise = source.noise(latents.shape);
            sampler.add_noise(first, &mut latents.data, &noise);
        }
        let steps = sampler.timesteps().len();
        for step in first..steps {
            let output = self.predict(request, sampler.as_ref(), step, &latents, &texts)?;
            sampler.step(step, &output, &mut latents, &mut |n| source.draw(n));
            let (done, steps) = (step - first + 1, steps - first);
            if !latents.is_finite() {
                return Err(DiffusionError::NotFinite { step: done, steps });
            }
            told(Progress { done, steps, latents: &latents });
        }
        self.decoder.decode(&latents, size)
    }

    fn padded(&self, size: Size) -> Size {
        let multiple = self.folder.multiple();
        Size::new(size.width.next_multiple_of(multiple), size.height.next_multiple_of(multiple))
    }

    fn texts(&self, request: &Request<'_>) -> Result<Texts, DiffusionError> {
        let guided = request.guidance > 1.0 && !self.unet.knows_guidance();
        let negatives = request.pictures.iter().filter(|_| guided).map(|p| p.negative);
        let prompts = request.pictures.iter().map(|p| p.prompt);
        let rows = negatives.chain(prompts).map(|words| self.read(words)).collect::<Result<_, _>>()?;
        Ok(Texts { rows, guided })
    }

    fn read(&self, words: Words<'_>) -> Result<Arc<Embedding>, DiffusionError> {
        let here = self.text.encode(words.text)?;
        match words.toward {
            Some((there, mix)) if mix > 0.0 => Ok(Arc::new(here.mixed(self.text.encode(there)?.as_ref(), mix))),
            _ => Ok(here),
        }
    }

    /// What txt2img starts from.
    fn noise(&self, request: &Request<'_>, padded: Size, sampler: &dyn Sampler, source: &mut Source) -> Result<Latents, DiffusionError> {
        let (vae, batch) = (&self.folder.vae, request.pictures.len());
        let shape = [batch, vae.latent_channels, padded.height / vae.factor(), padded.width / vae.factor()];
        let sigma = sampler.init_noise_sigma();
        let mut data = source.noise(shape);
        apply(&mut data, |x| x * sigma);
        Latents::new(shape, data).ok_or_else(|| DiffusionError::Setting("as many seeds as pictures are needed".to_owned()))
    }

    /// The latents of the given pictures.
    fn code(&self, request: &Request<'_>, padded: Size, source: &mut Source) -> Result<Latents, DiffusionError> {
        let encoder = self.encoder.as_ref().ok_or_else(|| DiffusionError::Unsupported {
            path: self.folder.path.clone(),
            what: "model without `vae_encoder`: it paints from text alone, and to start from a picture".to_owned(),
        })?;
        let mut all = Latents { shape: [0; 4], data: Vec::new() };
        for (index, image) in request.pictures.iter().filter_map(|p| p.image).enumerate() {
            let one = encoder.encode(image, padded, &mut |n| source.draw_for(index, n))?;
            all.shape = [index + 1, one.shape[1], one.shape[2], one.shape[3]];
            all.data.extend(one.data);
        }
        Ok(all)
    }

    /// What the network predicts at `step`, guided.
    fn predict(
        &self,
        request: &Request<'_>,
        sampler: &dyn Sampler,
        step: usize,
        latents: &Latents,
        texts: &Texts,
    ) -> Result<Vec<f32>, DiffusionError> {
        let timestep = sampler.timesteps()[step];
        let mut input = latents.clone();
        sampler.scale_input(step, &mut input.data);
        if !texts.guided {
            return self.unet.run(&input, timestep, &texts.rows, request.guidance);
        }
        input.data.extend_from_within(..);
        input.shape[0] *= 2;
        let mut output = self.unet.run(&input, timestep, &texts.rows, request.guidance)?;
        let positive = output.split_off(output.len() / 2);
        guide(&mut output, &positive, request.guidance, request.guidance_rescale, latents.batch());
        Ok(output)
    }
}

/// The size of all pictures, if the request makes sense.
fn check(request: &Request<'_>) -> Result<Size, DiffusionError> {
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
    let size = first.unwrap_or(request.size);
    if size.area() == 0 { wrong("the picture has no pixels") } else { Ok(size) }
}
