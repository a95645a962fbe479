//! Samplers: from the network's output at one noise level to the latents at the next. One file each.
//!
//! A sampler is built for one run: it knows the whole schedule and is asked for its steps in order, from 0 (txt2img) or
//! from a later one (img2img). Formulas, defaults and the order of operations are those of diffusers, so that the same
//! seed gives the same picture.

mod ddim;
mod euler;
mod lcm;

pub use ddim::Ddim;
pub use euler::{Churn, Euler};
pub use lcm::Lcm;

use super::DiffusionError;
use super::latent::Latents;
use super::schedule::{Prediction, SchedulerConfig};
use super::strength::StrengthReading;

/// Where a sampler takes fresh noise from: so many standard normal numbers.
pub type Noise<'a> = &'a mut dyn FnMut(usize) -> Vec<f32>;

/// One way through the noise levels.
pub trait Sampler: Send {
    /// What the network is told at each step of the whole schedule.
    fn timesteps(&self) -> &[f32];

    /// The standard deviation of the noise that txt2img starts from.
    fn init_noise_sigma(&self) -> f32 {
        1.0
    }

    /// Brings latents to the scale that the network expects at `step`.
    fn scale_input(&self, _step: usize, _sample: &mut [f32]) {}

    /// Noises a clean picture so that `step` may follow.
    fn add_noise(&self, step: usize, picture: &mut [f32], noise: &[f32]);

    /// Replaces `sample` by the latents after `step`, given the network's `output` for it.
    fn step(&mut self, step: usize, output: &[f32], sample: &mut Latents, noise: Noise<'_>);
}

/// The samplers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplerKind {
    /// Euler's method in the scale of sigmas.
    Euler,
    /// Denoising diffusion implicit models.
    Ddim,
    /// Latent consistency: predicts the picture and noises it again; few steps, and all of them run at any strength.
    Lcm,
}

/// What only some samplers heed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SamplerOptions {
    /// DDIM: 0 is deterministic, 1 as noisy as DDPM.
    pub eta: f32,
    /// Euler: noise added on the way.
    pub churn: Churn,
}

impl SamplerKind {
    /// All of them, with the names that graphs use.
    pub const ALL: [(&'static str, Self); 3] = [("euler", Self::Euler), ("ddim", Self::Ddim), ("lcm", Self::Lcm)];

    /// The sampler that graphs call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The sampler behind a diffusers class; DDIM stands in for those that are not here.
    #[must_use]
    pub fn from_class(class: &str) -> Self {
        match class {
            "LCMScheduler" => Self::Lcm,
            "EulerDiscreteScheduler" => Self::Euler,
            _ => Self::Ddim,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Euler => "EulerDiscreteScheduler",
            Self::Ddim => "DDIMScheduler",
            Self::Lcm => "LCMScheduler",
        }
    }

    /// Builds the sampler for `steps` steps, and says which step comes first. `strength` is nothing for txt2img.
    ///
    /// At least the last step runs. A model's configuration for another sampler never clips: what is right for pixels
    /// would cut latents off, and only such configurations leave it out.
    pub fn build(
        self,
        config: &SchedulerConfig,
        steps: usize,
        strength: Option<(f64, StrengthReading)>,
        options: SamplerOptions,
    ) -> Result<(Box<dyn Sampler>, usize), DiffusionError> {
        let mut config = config.clone();
        if config.class_name.as_deref() != Some(self.class()) {
            config.clip_sample = config.clip_sample.or(Some(false));
        }
        if self == Self::Lcm {
            return Ok((Box::new(Lcm::new(&config, steps, strength.map_or(1.0, |(s, _)| s))?), 0));
        }
        let (mut schedule, mut calls) = (steps, steps);
        if let Some((strength, reading)) = strength {
            let span = reading.span(steps, strength);
            schedule = span.schedule.min(config.train_steps().max(steps));
            calls = span.calls().max(1);
        }
        let sampler: Box<dyn Sampler> = match self {
            Self::Ddim => Box::new(Ddim::new(&config, schedule, options.eta)?),
            Self::Euler | Self::Lcm => Box::new(Euler::new(&config, schedule, options.churn)?),
        };
        let first = sampler.timesteps().len().saturating_sub(calls);
        Ok((sampler, first))
    }
}

/// How predicted pictures are kept in bounds.
#[derive(Debug, Clone, Copy)]
enum Limit {
    None,
    Clip(f32),
    /// Squeezes by the percentile `.0` of the absolute values, between 1 and `.1` (arXiv 2205.11487).
    Threshold(f32, f32),
}

impl Limit {
    /// As configured; `clips` is the sampler's default.
    fn of(config: &SchedulerConfig, clips: bool) -> Self {
        if config.thresholding == Some(true) {
            Self::Threshold(config.dynamic_thresholding_ratio.unwrap_or(0.995), config.sample_max_value.unwrap_or(1.0))
        } else if config.clip_sample.unwrap_or(clips) {
            Self::Clip(config.clip_sample_range.unwrap_or(1.0))
        } else {
            Self::None
        }
    }

    fn apply(self, pictures: &mut [f32], batch: usize) {
        match self {
            Self::None => {}
            Self::Clip(range) => super::latent::apply(pictures, |x| x.clamp(-range, range)),
            Self::Threshold(ratio, max) => {
                let each = (pictures.len() / batch.max(1)).max(1);
                for picture in pictures.chunks_mut(each) {
                    let s = quantile_of_magnitude(picture, ratio).max(1.0).min(max);
                    super::latent::apply(picture, |x| x.clamp(-s, s) / s);
                }
            }
        }
    }
}

fn quantile_of_magnitude(values: &[f32], q: f32) -> f32 {
    let mut sorted: Vec<f32> = values.iter().map(|x| x.abs()).collect();
    sorted.sort_by(f32::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = q.clamp(0.0, 1.0) * last as f32;
    let low = at as usize;
    let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
    a + (b - a) * (at - low as f32)
}

/// The picture that the network's output implies, where the cumulated alpha is `alpha`.
fn predicted_picture(prediction: Prediction, alpha: f32, sample: &[f32], output: &[f32]) -> Vec<f32> {
    let (a, b) = (alpha.sqrt(), (1.0 - alpha).sqrt());
    let mut picture = sample.to_vec();
    match prediction {
        Prediction::Epsilon => super::latent::combine(&mut picture, output, |x, e| (x - b * e) / a),
        Prediction::VPrediction => super::latent::combine(&mut picture, output, |x, v| a * x - b * v),
        Prediction::Sample => picture.copy_from_slice(output),
    }
    picture
}

/// `sqrt(alpha) * picture + sqrt(1 - alpha) * noise`: the forward process in the scale of the training.
fn noise_to(alpha: f32, picture: &mut [f32], noise: &[f32]) {
    let (a, b) = (alpha.sqrt(), (1.0 - alpha).sqrt());
    super::latent::combine(picture, noise, |x, n| a * x + b * n);
}

/// The table's entry for a timestep; past the ends, the end.
fn at(alphas: &[f32], timestep: f32) -> f32 {
    alphas.get(timestep.max(0.0) as usize).or(alphas.last()).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_network_leads_every_sampler_to_the_picture() {
        let picture = [0.5_f32, -1.0, 2.0, 0.25];
        let alphas = SchedulerConfig::default().alphas_cumprod();
        for (name, kind) in SamplerKind::ALL {
            for strength in [None, Some((0.5, StrengthReading::Diffusers)), Some((0.4, StrengthReading::Exact))] {
                let (mut sampler, first) = kind.build(&SchedulerConfig::default(), 6, strength, SamplerOptions::default()).unwrap();
                let mut sample = Latents::new([1, 4, 1, 1], picture.to_vec()).unwrap();
                sampler.add_noise(first, &mut sample.data, &[1.0, -0.5, 0.3, 0.0]);
                for step in first..sampler.timesteps().len() {
                    let mut input = sample.data.clone();
                    sampler.scale_input(step, &mut input);
                    let alpha = at(&alphas, sampler.timesteps()[step]);
                    let noise = |x: f32, p: f32| (x - alpha.sqrt() * p) / (1.0 - alpha).sqrt();
                    let output: Vec<f32> = input.iter().zip(picture).map(|(x, p)| noise(*x, p)).collect();
                    sampler.step(step, &output, &mut sample, &mut |n| vec![0.1; n]);
                }
                let worst = sample.data.iter().zip(picture).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 0.03, "{name} {strength:?}: {worst}");
            }
        }
    }

    #[test]
    fn lcm_runs_all_its_steps_at_any_strength() {
        for strength in [0.01, 0.1, 0.4, 1.0] {
            let with = Some((strength, StrengthReading::Diffusers));
            let (sampler, first) = SamplerKind::Lcm.build(&SchedulerConfig::default(), 4, with, SamplerOptions::default()).unwrap();
            assert_eq!(sampler.timesteps().len() - first, 4, "at {strength}");
        }
    }

    #[test]
    fn some_step_runs_even_at_little_strength() {
        let with = Some((0.01, StrengthReading::Diffusers));
        let (sampler, first) = SamplerKind::Euler.build(&SchedulerConfig::default(), 4, with, SamplerOptions::default()).unwrap();
        assert_eq!(sampler.timesteps().len() - first, 1);
    }
}
