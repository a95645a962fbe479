use std::sync::Arc;

use super::Network;
use super::limit::Limit;
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::{Level, Table};
use crate::diffusion::schedule::Prediction;

/// What every algorithm needs to know of its run.
#[derive(Debug, Clone)]
pub struct Course {
    /// The level before each step, and that after the last.
    pub levels: Vec<Level>,
    /// For levels between those of the list.
    pub table: Arc<Table>,
    /// What the network's output means.
    pub prediction: Prediction,
    /// How the pictures it sees are kept in bounds.
    pub limit: Limit,
}

/// What the network sees in latents.
pub struct Estimate {
    /// The picture, in bounds.
    pub picture: Vec<f32>,
    /// The noise.
    pub noise: Vec<f32>,
}

impl Course {
    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// The levels before and after a step.
    pub fn at(&self, step: usize) -> (Level, Level) {
        (self.levels[step], self.levels[step + 1])
    }

    /// The picture that the network sees in `sample`.
    pub fn picture(&self, network: &mut dyn Network, level: Level, sample: &Latents) -> Result<Vec<f32>, DiffusionError> {
        let output = network.predict(level, sample)?;
        Ok(self.limit.applied(picture(self.prediction, level, &sample.data, output), sample.batch()))
    }

    /// The noise that the network sees in `sample`. Where pictures are kept in bounds, what is left over counts as noise.
    pub fn noise(&self, network: &mut dyn Network, level: Level, sample: &Latents) -> Result<Vec<f32>, DiffusionError> {
        let output = network.predict(level, sample)?;
        if self.limit == Limit::None {
            return Ok(noise(self.prediction, level, &sample.data, output));
        }
        let mut rest = self.limit.applied(picture(self.prediction, level, &sample.data, output), sample.batch());
        mix(&mut rest, -level.alpha / level.sigma, &[(1.0 / level.sigma, &sample.data)]);
        Ok(rest)
    }

    /// Both.
    pub fn estimate(&self, network: &mut dyn Network, level: Level, sample: &Latents) -> Result<Estimate, DiffusionError> {
        let output = network.predict(level, sample)?;
        let noise = noise(self.prediction, level, &sample.data, output.clone());
        let picture = self.limit.applied(picture(self.prediction, level, &sample.data, output), sample.batch());
        Ok(Estimate { picture, noise })
    }
}

/// The picture that an output implies.
pub fn picture(prediction: Prediction, at: Level, sample: &[f32], mut output: Vec<f32>) -> Vec<f32> {
    let size = at.deviation();
    match prediction {
        Prediction::Epsilon => mix(&mut output, -at.sigma / at.alpha, &[(1.0 / at.alpha, sample)]),
        Prediction::VPrediction => mix(&mut output, -at.sigma / size, &[(at.alpha / (size * size), sample)]),
        Prediction::Sample => {}
    }
    output
}

/// The noise that an output implies.
pub fn noise(prediction: Prediction, at: Level, sample: &[f32], mut output: Vec<f32>) -> Vec<f32> {
    let size = at.deviation();
    match prediction {
        Prediction::Epsilon => {}
        Prediction::VPrediction => mix(&mut output, at.alpha / size, &[(at.sigma / (size * size), sample)]),
        Prediction::Sample => mix(&mut output, -at.alpha / at.sigma, &[(1.0 / at.sigma, sample)]),
    }
    output
}
