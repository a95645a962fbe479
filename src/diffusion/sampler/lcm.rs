use super::course::Course;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};

/// Half the standard deviation of the data, squared (arXiv 2303.01469).
const SIGMA_DATA_SQUARED: f64 = 0.25;

/// Latent consistency sampling (arXiv 2310.04378): each step predicts the picture, then noises it to the next level with
/// fresh noise. It also serves models that were not distilled for it.
pub struct Lcm {
    pub course: Course,
    /// Multiplies the timestep in the boundary condition; 10.
    pub timestep_scaling: f64,
}

impl Sampler for Lcm {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let picture = self.course.picture(network, from, sample)?;
        // The boundary condition: at timestep 0 the sample itself, everywhere else nearly all of the prediction.
        let scaled = from.timestep * self.timestep_scaling;
        let whole = scaled * scaled + SIGMA_DATA_SQUARED;
        mix(&mut sample.data, SIGMA_DATA_SQUARED / whole, &[(scaled / whole.sqrt(), &picture)]);
        if step + 1 < self.steps() {
            let fresh = network.noise(from.ratio(), to.ratio(), sample);
            to.add_noise(&mut sample.data, &fresh);
        }
        Ok(())
    }
}
