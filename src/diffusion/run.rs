//! The way from noise to latents, step by step.

use super::DiffusionError;
use super::conditioning::Denoiser;
use super::inpaint::Keep;
use super::latent::Latents;
use super::request::Progress;
use super::sampler::Sampler;
use super::source::Source;

/// Takes `latents` from before the step `first` to after the last. After each `keep` puts back what is not repainted.
pub(super) fn run(
    sampler: &mut dyn Sampler,
    first: usize,
    denoiser: &Denoiser<'_>,
    (latents, keep): (&mut Latents, Option<&Keep>),
    source: &mut Source,
    told: &mut dyn FnMut(Progress<'_>),
) -> Result<(), DiffusionError> {
    let end = sampler.timesteps().len();
    for step in first..end {
        let mut input = latents.clone();
        sampler.scale_input(step, &mut input.data);
        let output = denoiser.predict(step, input, sampler.timesteps()[step])?;
        sampler.step(step, &output, latents, &mut |n| source.draw(n));
        if let Some(keep) = keep {
            keep.restore(sampler, Some(step + 1).filter(|next| *next < end), latents);
        }
        let (done, steps) = (step - first + 1, end - first);
        if !latents.is_finite() {
            return Err(DiffusionError::NotFinite { step: done, steps });
        }
        told(Progress { done, steps, latents });
    }
    Ok(())
}
