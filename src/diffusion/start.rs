//! The latents that a run begins with, and what it keeps of the pictures given.

use super::DiffusionError;
use super::folder::ModelFolder;
use super::inpaint::{Keep, hide, latent_mask};
use super::latent::{Latents, apply};
use super::request::{Fill, Picture, Request, Seeds};
use super::sampler::Plan;
use super::source::Source;
use super::strength::StrengthReading;
use super::unet::Unet;
use super::vae::{VaeEncoder, to_network};
use crate::frame::Size;

/// What a run begins with.
pub(super) struct Start {
    /// Noise, or the given pictures under noise.
    pub(super) latents: Latents,
    /// What is kept of the pictures, by models that know nothing of masks.
    pub(super) keep: Option<Keep>,
    /// What inpainting models are shown beside the latents: mask and latents of what is kept.
    pub(super) beside: Option<Latents>,
}

/// Makes the start of one request. The order in which it draws noise is that of diffusers' pipelines.
pub(super) struct Starter<'a> {
    pub(super) request: &'a Request<'a>,
    /// The size of the pictures as the networks see them.
    pub(super) padded: Size,
    pub(super) folder: &'a ModelFolder,
    pub(super) encoder: Option<&'a VaeEncoder>,
    pub(super) unet: &'a Unet,
    pub(super) plan: &'a Plan,
}

impl Starter<'_> {
    /// The start; draws from `source`.
    pub(super) fn start(&self, source: &mut Source) -> Result<Start, DiffusionError> {
        let pictures = self.request.pictures;
        let from_image = pictures.iter().any(Picture::is_given);
        let masked = pictures.iter().any(|p| p.mask.is_some());
        let shown = self.unet.channels() > self.folder.vae.latent_channels;
        // As diffusers does: with a mask and all steps nothing of the picture is left under the noise.
        let anew = !from_image || (masked && self.request.reading == StrengthReading::Diffusers && self.request.strength >= 1.0);
        let coded = if from_image && (!anew || !shown) { Some(self.code(source)?) } else { None };
        let noise = source.noise(self.shape());
        if noise.len() != self.shape().iter().product::<usize>() {
            return Err(DiffusionError::Setting("as many seeds as pictures are needed".to_owned()));
        }
        let beside = if shown { self.beside(source)? } else { None };
        if masked && from_image && !shown {
            // diffusers codes what is kept for every model, and so draws for it.
            self.each(source, |_, noise| Ok(Latents { shape: [1, 0, 0, 0], data: noise(self.shape()[1..].iter().product()) }))?;
        }
        let mut keep = None;
        let mut latents = Latents { shape: self.shape(), data: noise };
        if let Some(coded) = coded.filter(|_| from_image) {
            let noise = latents.data;
            let mut picture = coded.clone();
            if masked {
                let held = Keep { mask: self.mask(), picture: coded, noise: noise.clone() };
                self.fill(&mut picture, &held);
                keep = Some(held).filter(|_| !shown);
            }
            latents = picture;
            if anew {
                latents.data = noise;
            } else {
                self.plan.entry.add_noise(&mut latents.data, &noise);
            }
        }
        if anew {
            let sigma = self.plan.start as f32;
            apply(&mut latents.data, |x| x * sigma);
        }
        Ok(Start { latents, keep, beside })
    }

    /// Batch, channels, height, width of the latents.
    pub(super) fn shape(&self) -> [usize; 4] {
        let vae = &self.folder.vae;
        [self.request.pictures.len(), vae.latent_channels, self.padded.height / vae.factor(), self.padded.width / vae.factor()]
    }

    fn encoder(&self) -> Result<&VaeEncoder, DiffusionError> {
        self.encoder.ok_or_else(|| DiffusionError::Unsupported {
            path: self.folder.path.clone(),
            what: "model without `vae_encoder`: it paints from text alone, and to start from a picture".to_owned(),
        })
    }

    /// The latents of the given pictures.
    fn code(&self, source: &mut Source) -> Result<Latents, DiffusionError> {
        let [_, c, h, w] = self.shape();
        self.each(source, |picture, noise| {
            if let Some(latents) = picture.latents {
                let [_, of, height, width] = latents.shape;
                let fits = (of, height, width) == (c, h, w);
                return fits.then(|| latents.clone()).ok_or_else(|| {
                    let fact = format!("latents of {of} planes of {width}x{height} were given where the model has {c} of {w}x{h}");
                    DiffusionError::Setting(format!("{fact}; take them from a node with the same model and size"))
                });
            }
            let planes = picture.image.map_or_else(Vec::new, |image| to_network(&image.raster, self.padded));
            self.encoder()?.encode(planes, self.padded, self.request.tile, noise)
        })
    }

    /// Mask and latents of what is kept, for models that take them.
    fn beside(&self, source: &mut Source) -> Result<Option<Latents>, DiffusionError> {
        let encoder = self.encoder()?;
        let grey = || vec![0.0; 3 * self.padded.area()];
        let shown = self.each(source, |picture, noise| {
            let mut planes = picture.image.map_or_else(grey, |image| to_network(&image.raster, self.padded));
            hide(&mut planes, self.padded, picture.mask);
            encoder.encode(planes, self.padded, self.request.tile, noise)
        })?;
        let [n, c, h, w] = shown.shape;
        let mut data = Vec::with_capacity(n * (c + 1) * h * w);
        for (picture, latents) in self.request.pictures.iter().zip(shown.data.chunks_exact(c * h * w)) {
            data.extend(latent_mask(picture.mask, self.padded, self.folder.vae.factor()));
            data.extend_from_slice(latents);
        }
        Ok(Latents::new([n, c + 1, h, w], data))
    }

    /// `code` for every picture. Under one generator pictures that are the same are coded, and drawn for, once.
    fn each(
        &self,
        source: &mut Source,
        code: impl Fn(&Picture<'_>, &mut dyn FnMut(usize) -> Vec<f32>) -> Result<Latents, DiffusionError>,
    ) -> Result<Latents, DiffusionError> {
        let pictures = self.request.pictures;
        let one = matches!(self.request.seeds, Seeds::One(_));
        let same = |a: &Picture<'_>, b: &Picture<'_>| {
            a.image.map(std::ptr::from_ref) == b.image.map(std::ptr::from_ref)
                && a.latents.map(std::ptr::from_ref) == b.latents.map(std::ptr::from_ref)
                && a.mask.map(std::ptr::from_ref) == b.mask.map(std::ptr::from_ref)
        };
        let mut all = Latents { shape: [0; 4], data: Vec::new() };
        for (index, picture) in pictures.iter().enumerate() {
            let earlier = pictures[..index].iter().position(|earlier| one && same(earlier, picture));
            if let Some(earlier) = earlier {
                let each = all.data.len() / index;
                all.data.extend_from_within(earlier * each..(earlier + 1) * each);
            } else {
                let coded = code(picture, &mut |n| source.draw_for(index, n))?;
                all.shape = coded.shape;
                all.data.extend(coded.data);
            }
        }
        all.shape[0] = pictures.len();
        Ok(all)
    }

    /// The masks for every value of the latents.
    fn mask(&self) -> Vec<f32> {
        let channels = self.folder.vae.latent_channels;
        let of = |p: &Picture<'_>| latent_mask(p.mask, self.padded, self.folder.vae.factor()).repeat(channels);
        self.request.pictures.iter().flat_map(of).collect()
    }

    /// Puts what the request asks for in the place of what is repainted.
    fn fill(&self, picture: &mut Latents, held: &Keep) {
        match self.request.fill {
            Fill::Original => {}
            Fill::Noise => held.over(&mut picture.data, &held.noise),
            Fill::Nothing => held.over(&mut picture.data, &vec![0.0; held.noise.len()]),
        }
    }
}
