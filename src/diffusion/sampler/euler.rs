use super::course::{Course, picture};
use super::{Churn, Network, Sampler, glide};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;
use crate::diffusion::schedule::Prediction;

/// Euler's method on the probability flow.
pub struct Euler {
    pub course: Course,
    pub churn: Churn,
    /// Scale of the churned noise.
    pub noise: f64,
    /// Whether the network sees the churned noise, as in the paper and in k-diffusion. In diffusers it does not.
    pub seen: bool,
}

impl Sampler for Euler {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let raised = self.raised(from);
        let seen = if raised == from || !self.seen {
            let output = network.predict(from, sample)?;
            churn(sample, from, raised, self.noise, network);
            // diffusers reads an epsilon with the raised sigma, and a velocity with the one before.
            let read = if self.course.prediction == Prediction::VPrediction { from } else { raised };
            picture(self.course.prediction, read, &sample.data, output)
        } else {
            churn(sample, from, raised, self.noise, network);
            self.course.picture(network, raised, sample)?
        };
        glide(&mut sample.data, &seen, raised, to);
        Ok(())
    }
}

impl Euler {
    fn raised(&self, from: Level) -> Level {
        raised(&self.course, self.churn, from)
    }
}

/// The level that churning raises `from` to.
pub fn raised(course: &Course, churn: Churn, from: Level) -> Level {
    match churn.gamma(from.sigma, course.steps()) {
        gamma if gamma > 0.0 => course.table.exploding(from.sigma * (gamma + 1.0)),
        _ => from,
    }
}

/// Adds the noise that raises latents from one level to another, if it does.
pub fn churn(sample: &mut Latents, from: Level, raised: Level, scale: f64, network: &mut dyn Network) {
    if raised.sigma > from.sigma {
        let fresh = network.noise(from.sigma, raised.sigma, sample);
        let deviation = (raised.sigma * raised.sigma - from.sigma * from.sigma).sqrt();
        mix(&mut sample.data, 1.0, &[(scale * deviation, &fresh)]);
    }
}
