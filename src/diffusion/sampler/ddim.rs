use super::{Limit, Noise, Sampler, at, noise_to, predicted_picture};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, combine};
use crate::diffusion::schedule::{Prediction, SchedulerConfig, Spacing};

/// Denoising diffusion implicit models (arXiv 2010.02502; the comments' formula numbers are that paper's).
pub struct Ddim {
    alphas: Vec<f32>,
    /// The cumulated alpha after the last step.
    final_alpha: f32,
    timesteps: Vec<f32>,
    stride: f32,
    prediction: Prediction,
    limit: Limit,
    eta: f32,
}

impl Ddim {
    /// A run of `steps` steps; `eta` 0 is deterministic, 1 adds as much noise as DDPM.
    pub fn new(config: &SchedulerConfig, steps: usize, eta: f32) -> Result<Self, DiffusionError> {
        let alphas = config.alphas_cumprod();
        let timesteps = config.timesteps(steps, config.timestep_spacing.unwrap_or(Spacing::Leading))?;
        let to_one = config.set_alpha_to_one.unwrap_or(true);
        Ok(Self {
            final_alpha: if to_one { 1.0 } else { alphas.first().copied().unwrap_or(1.0) },
            alphas,
            timesteps: timesteps.iter().map(|t| t.round_ties_even() as f32).collect(),
            stride: (config.train_steps() / steps) as f32,
            prediction: config.prediction(),
            limit: Limit::of(config, true),
            eta,
        })
    }
}

impl Sampler for Ddim {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn add_noise(&self, step: usize, picture: &mut [f32], noise: &[f32]) {
        noise_to(at(&self.alphas, self.timesteps[step]), picture, noise);
    }

    fn step(&mut self, step: usize, output: &[f32], sample: &mut Latents, noise: Noise<'_>) {
        let timestep = self.timesteps[step];
        let alpha = at(&self.alphas, timestep);
        let before = timestep - self.stride;
        let alpha_next = if before >= 0.0 { at(&self.alphas, before) } else { self.final_alpha };
        let (a, b) = (alpha.sqrt(), (1.0 - alpha).sqrt());

        let mut picture = predicted_picture(self.prediction, alpha, &sample.data, output);
        // The network's noise, put in the place of the sample: it is not needed any more.
        match self.prediction {
            Prediction::Epsilon => sample.data.copy_from_slice(output),
            Prediction::VPrediction => combine(&mut sample.data, output, |x, v| a * v + b * x),
            Prediction::Sample => combine(&mut sample.data, output, |x, p| (x - a * p) / b),
        }
        self.limit.apply(&mut picture, sample.batch());

        // (16): the noise that is added anew, and (12): what is left of the old direction.
        let variance = (1.0 - alpha_next) / (1.0 - alpha) * (1.0 - alpha / alpha_next);
        let deviation = self.eta * variance.sqrt();
        let direction = (1.0 - alpha_next - deviation * deviation).sqrt();
        let scale = alpha_next.sqrt();
        combine(&mut sample.data, &picture, |e, p| scale * p + direction * e);
        if self.eta > 0.0 {
            let fresh = noise(sample.data.len());
            combine(&mut sample.data, &fresh, |x, n| x + deviation * n);
        }
    }
}
