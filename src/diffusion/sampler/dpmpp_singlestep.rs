use std::collections::VecDeque;

use super::course::Course;
use super::dpmpp_multistep::{Second, Solver, Weights};
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};

/// DPM-Solver++ 2S and 3S as diffusers has it: steps in groups of two or three, each of which goes back to the sample that the
/// group began with.
pub struct Singlestep {
    pub course: Course,
    pub solver: Solver,
    pub second: Second,
    /// The order of each step: its place in its group.
    pub orders: Vec<usize>,
    /// What the network saw, the newest first.
    pub seen: VecDeque<Vec<f32>>,
    /// What the group began with.
    pub begin: Option<Latents>,
}

impl Sampler for Singlestep {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        self.solver.look(&mut self.seen, &self.course, from, sample, network)?;
        let order = self.orders[step].min(self.seen.len());
        if order == 1 {
            self.begin = Some(sample.clone());
        } else if let Some(begin) = &self.begin {
            sample.clone_from(begin);
        }
        let start = self.course.levels[step + 1 - order];
        let weights = Weights::of(self.solver, start, to);
        let h = to.lambda() - start.lambda();
        // Where in the group's step the network was asked, as a share of it; the newest first.
        let share = |back: usize| (self.course.levels[step - back].lambda() - start.lambda()) / h;
        let factors = match order {
            2 => {
                let slope = weights.slope(self.second) / share(0);
                vec![slope, weights.value - slope]
            }
            3 => third_order(&weights, self.solver, self.second, share(0), share(1)),
            _ => vec![weights.value],
        };
        let terms: Vec<(f64, &[f32])> = factors.into_iter().zip(self.seen.iter().map(Vec::as_slice)).collect();
        mix(&mut sample.data, weights.kept, &terms);
        if weights.fresh > 0.0 {
            let fresh = network.noise(start.ratio(), to.ratio(), sample);
            mix(&mut sample.data, 1.0, &[(weights.fresh, &fresh)]);
        }
        Ok(())
    }
}

/// Factors of the values at the shares `r0`, `r1` and 0 of the step.
fn third_order(weights: &Weights, solver: Solver, second: Second, r0: f64, r1: f64) -> Vec<f64> {
    let slope = weights.slope_integral();
    // Differences from the beginning: far = (v0 - v2) / r0, near = (v1 - v2) / r1.
    let (far, near) = match second {
        Second::Midpoint => (slope, 0.0),
        Second::Heun => {
            let stochastic = matches!(solver, Solver::Picture { eta } if eta > 0.0);
            let bend = 2.0 * if stochastic { weights.bend_of_diffusers() } else { weights.bend() };
            ((bend - slope * r1) / (r0 - r1), (slope * r0 - bend) / (r0 - r1))
        }
    };
    vec![far / r0, near / r1, weights.value - far / r0 - near / r1]
}
