//! From prompts, pictures and a seed to pictures: txt2img and img2img.

use std::path::Path;
use std::sync::Arc;

use super::DiffusionError;
use super::conditioning::{Denoiser, Texts};
use super::folder::ModelFolder;
use super::request::{Progress, Request, check};
use super::run::run;
use super::schedule::SchedulerConfig;
use super::source::Source;
use super::start;
use super::text::{Embedding, TextEncoder};
use super::unet::Unet;
use super::vae::{VaeDecoder, VaeEncoder};
use crate::frame::{Raster, Size};
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

impl Pipeline {
    /// Loads the model in `folder`.
    pub fn open(folder: &Path, options: &SessionOptions) -> Result<Self, DiffusionError> {
        Self::of(ModelFolder::open(folder)?, options)
    }

    /// Loads the networks of a model.
    pub fn of(folder: ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
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
        let from_image = request.pictures.iter().any(|p| p.image.is_some());
        let strength = from_image.then_some((request.strength, request.reading));
        let (mut sampler, first) = request.sampler.build(&self.folder.scheduler, request.steps, strength, request.sampler_options)?;
        let texts = Texts::of(request, &self.text, &self.unet)?;
        let denoiser = Denoiser { unet: &self.unet, texts, guidance: request.guidance, rescale: request.guidance_rescale };
        let mut source = Source::new(request, self.unet.precision());
        let model = (&self.folder, self.encoder.as_ref());
        let mut latents = start::latents(request, self.padded(size), model, (sampler.as_ref(), first), &mut source)?;
        run(sampler.as_mut(), first, &denoiser, &mut latents, &mut source, told)?;
        self.decoder.decode(&latents, size)
    }

    fn padded(&self, size: Size) -> Size {
        let multiple = self.folder.multiple();
        Size::new(size.width.next_multiple_of(multiple), size.height.next_multiple_of(multiple))
    }
}
