//! From prompts, pictures and a seed to pictures: txt2img, img2img, inpainting, with or without `ControlNet`.

use std::path::Path;
use std::sync::Arc;

use super::DiffusionError;
use super::carried::Carried;
use super::conditioning::{Denoiser, Texts};
use super::control::{Control, ControlNet, PART, Steering};
use super::embedding::{Embedding, Staged};
use super::folder::ModelFolder;
use super::latent::Latents;
use super::prompt::Reading;
use super::request::{Picture, Progress, Request, check};
use super::run::run;
use super::sampler::Wanted;
use super::schedule::SchedulerConfig;
use super::source::Source;
use super::start::{Start, Starter};
use super::text::TextEncoder;
use super::told::Framing;
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
    /// That of the folder, if there is one.
    control: Option<ControlNet>,
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
            control: if folder.has(PART) { Some(ControlNet::of(folder.networks.as_ref(), options)?) } else { None },
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

    /// The embedding of a text as it stands; computed once.
    pub fn embed(&self, text: &str) -> Result<Arc<Embedding>, DiffusionError> {
        Ok(Arc::clone(self.text.encode(text, 1, Reading::PLAIN)?.at(0)))
    }

    /// The embeddings of `text`, one part of a prompt, over `steps` evaluations of the network; computed once.
    pub fn read(&self, text: &str, steps: usize, reading: Reading) -> Result<Staged, DiffusionError> {
        self.text.encode(text, steps, reading)
    }

    /// Paints the pictures of `request`. Sizes that the networks cannot take are filled up at the right and below, and cut again.
    ///
    /// # Errors
    /// When the request makes no sense for this model, a network fails, or numbers break down.
    pub fn paint(&self, request: &Request<'_>, told: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<Raster>, DiffusionError> {
        let latents = self.denoise(request, told)?;
        self.decode(&latents, check(request)?, request.tile)
    }

    /// The pictures of latents, cut to `size`.
    ///
    /// # Errors
    /// When the decoder fails or its numbers break down.
    pub fn decode(&self, latents: &Latents, size: Size, tile: Option<usize>) -> Result<Vec<Raster>, DiffusionError> {
        self.decoder.decode(latents, size, tile)
    }

    /// The latents of the pictures of `request`, for [`Pipeline::decode`] or to go on from.
    ///
    /// # Errors
    /// As [`Pipeline::paint`].
    pub fn denoise(&self, request: &Request<'_>, told: &mut dyn FnMut(Progress<'_>)) -> Result<Latents, DiffusionError> {
        let size = check(request)?;
        let from_image = request.pictures.iter().any(Picture::is_given);
        let strength = from_image.then_some((request.strength, request.reading));
        let (schedule, steps, options) = (request.schedule, request.steps, request.sampler_options);
        let wanted = Wanted { schedule, steps, strength, options, xl: self.folder.has("text_encoder_2") };
        let mut plan = request.sampler.plan(&self.folder.scheduler, wanted)?;
        let texts = Texts::of(request, plan.calls, &self.text, &self.unet)?;
        let padded = self.padded(size);
        let (folder, encoder, unet) = (&self.folder, self.encoder.as_ref(), &self.unet);
        let starter = Starter { request, padded, folder, encoder, unet, plan: &plan };
        let mut source = Source::new(request, unet.precision(), Carried::of(request, size, padded, starter.shape())?);
        let Start { mut latents, keep, beside } = starter.start(&mut source)?;
        let denoiser = Denoiser {
            unet,
            texts,
            guidance: request.guidance,
            rescale: request.guidance_rescale,
            framing: request.framing.unwrap_or_else(|| Framing::whole(padded)),
            beside,
            steering: self.steering(request, size, padded)?,
        };
        run(&mut plan, &denoiser, (&mut latents, keep.as_ref()), &mut source, told)?;
        Ok(latents)
    }

    /// What the network follows. A model that has its own `ControlNet` in its folder uses that where none is named.
    fn steering<'a>(&'a self, request: &Request<'a>, size: Size, padded: Size) -> Result<Vec<Steering<'a>>, DiffusionError> {
        let own = self.control.as_ref();
        let ready = |control: &Control<'a>| {
            let network = control.network.or(own);
            let fits =
                if self.unet.has_control_inside() { control.network.is_none() } else { network.is_some() && self.unet.takes_control() };
            fits.then(|| Steering::of(&Control { network, ..*control }, size, padded)).ok_or_else(|| self.cannot_follow(network.is_some()))
        };
        request.controls.iter().map(ready).collect()
    }

    fn cannot_follow(&self, network: bool) -> DiffusionError {
        let why = if self.unet.has_control_inside() {
            "holds its `ControlNet` itself; leave the other away"
        } else if self.unet.takes_control() && !network {
            "takes what a `ControlNet` gives, but there is none in its folder; name one"
        } else {
            "is not exported for `ControlNet`; export it with inputs for the residuals, or with the `ControlNet` inside"
        };
        DiffusionError::Signature { part: "unet", why: why.to_owned() }
    }

    fn padded(&self, size: Size) -> Size {
        let multiple = self.folder.multiple();
        Size::new(size.width.next_multiple_of(multiple), size.height.next_multiple_of(multiple))
    }
}
