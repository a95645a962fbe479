//! The way from noise to latents, step by step.

use super::DiffusionError;
use super::conditioning::Denoiser;
use super::inpaint::Keep;
use super::latent::{Latents, all_finite, mix};
use super::level::Level;
use super::request::Progress;
use super::sampler::{Network, Plan};
use super::source::Source;

/// Takes `latents` from before the first step of `plan` to after the last. After each `keep` puts back what is not repainted.
pub(super) fn run(
    plan: &mut Plan,
    denoiser: &Denoiser<'_>,
    (latents, keep): (&mut Latents, Option<&Keep>),
    source: &mut Source,
    told: &mut dyn FnMut(Progress<'_>),
) -> Result<(), DiffusionError> {
    let steps = plan.sampler.steps() - plan.first;
    source.freshen(plan.freshness, plan.seed_delta, latents.data.len());
    let mut world = World { denoiser, source, stage: Stage { step: 0, steps, call: 0 } };
    for (done, step) in (plan.first..plan.sampler.steps()).enumerate() {
        world.stage.step = done;
        plan.sampler.step(step, latents, &mut world)?;
        if let Some(keep) = keep {
            keep.restore(plan.levels.get(step + 1).copied().filter(|_| done + 1 < steps), latents);
        }
        world.finite(&latents.data)?;
        told(Progress { done: done + 1, steps, latents });
    }
    Ok(())
}

/// How far a run has come when the network is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    /// The step, from 0.
    pub(super) step: usize,
    /// How many steps run.
    pub(super) steps: usize,
    /// Calls of the network before this one; samplers of second order call it twice a step.
    pub(super) call: usize,
}

/// What samplers call: the network in its own scale, and the generators.
struct World<'a, 'b> {
    denoiser: &'a Denoiser<'b>,
    source: &'a mut Source,
    stage: Stage,
}

impl World<'_, '_> {
    fn finite(&self, values: &[f32]) -> Result<(), DiffusionError> {
        if all_finite(values) { Ok(()) } else { Err(DiffusionError::NotFinite { step: self.stage.step + 1, steps: self.stage.steps }) }
    }
}

impl Network for World<'_, '_> {
    fn predict(&mut self, level: Level, sample: &Latents) -> Result<Vec<f32>, DiffusionError> {
        let mut input = sample.clone();
        mix(&mut input.data, 1.0 / level.deviation(), &[]);
        let output = self.denoiser.predict(self.stage, input, level.timestep as f32)?;
        self.stage.call += 1;
        self.finite(&output)?;
        Ok(output)
    }

    fn noise(&mut self, from: f64, to: f64, sample: &Latents) -> Vec<f32> {
        self.source.fresh(from, to, sample.data.len())
    }
}
