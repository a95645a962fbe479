//! The latents that a run begins with.

use super::DiffusionError;
use super::folder::ModelFolder;
use super::latent::{Latents, apply};
use super::request::Request;
use super::sampler::Sampler;
use super::source::Source;
use super::vae::VaeEncoder;
use crate::frame::Size;

/// The latents of `request` before the step `first`, for pictures of the size `padded`: noise, or the given pictures under noise.
pub(super) fn latents(
    request: &Request<'_>,
    padded: Size,
    model: (&ModelFolder, Option<&VaeEncoder>),
    (sampler, first): (&dyn Sampler, usize),
    source: &mut Source,
) -> Result<Latents, DiffusionError> {
    let (folder, encoder) = model;
    if request.pictures.iter().all(|p| p.image.is_none()) {
        return noise(request, padded, folder, sampler, source);
    }
    let encoder = encoder.ok_or_else(|| DiffusionError::Unsupported {
        path: folder.path.clone(),
        what: "model without `vae_encoder`: it paints from text alone, and to start from a picture".to_owned(),
    })?;
    let mut latents = code(request, padded, encoder, source)?;
    let noise = source.noise(latents.shape);
    sampler.add_noise(first, &mut latents.data, &noise);
    Ok(latents)
}

/// What txt2img starts from.
fn noise(
    request: &Request<'_>,
    padded: Size,
    folder: &ModelFolder,
    sampler: &dyn Sampler,
    source: &mut Source,
) -> Result<Latents, DiffusionError> {
    let (vae, batch) = (&folder.vae, request.pictures.len());
    let shape = [batch, vae.latent_channels, padded.height / vae.factor(), padded.width / vae.factor()];
    let sigma = sampler.init_noise_sigma();
    let mut data = source.noise(shape);
    apply(&mut data, |x| x * sigma);
    Latents::new(shape, data).ok_or_else(|| DiffusionError::Setting("as many seeds as pictures are needed".to_owned()))
}

/// The latents of the given pictures.
fn code(request: &Request<'_>, padded: Size, encoder: &VaeEncoder, source: &mut Source) -> Result<Latents, DiffusionError> {
    let mut all = Latents { shape: [0; 4], data: Vec::new() };
    for (index, image) in request.pictures.iter().filter_map(|p| p.image).enumerate() {
        let one = encoder.encode(image, padded, &mut |n| source.draw_for(index, n))?;
        all.shape = [index + 1, one.shape[1], one.shape[2], one.shape[3]];
        all.data.extend(one.data);
    }
    Ok(all)
}
