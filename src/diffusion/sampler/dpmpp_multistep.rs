use std::collections::VecDeque;

use super::course::Course;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;

/// What is extrapolated, and whether by the ordinary or the stochastic equation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Solver {
    /// DPM-Solver++ (arXiv 2211.01095): the picture. `eta` 0 is the ordinary equation, 1 the stochastic one.
    Picture {
        /// How much of the noise is made anew.
        eta: f64,
    },
    /// DPM-Solver (arXiv 2206.00927): the noise.
    Noise {
        /// Whether noise is made anew.
        fresh: bool,
    },
}

impl Solver {
    /// Asks the network for what is extrapolated and puts it in front of what was `seen` before, of which no formula needs more than two.
    pub fn look(
        self,
        seen: &mut VecDeque<Vec<f32>>,
        course: &Course,
        from: Level,
        sample: &Latents,
        network: &mut dyn Network,
    ) -> Result<(), DiffusionError> {
        seen.push_front(match self {
            Self::Picture { .. } => course.picture(network, from, sample)?,
            Self::Noise { .. } => course.noise(network, from, sample)?,
        });
        seen.truncate(3);
        Ok(())
    }
}

/// The weight of the second derivative at second order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// Half the first weight.
    Midpoint,
    /// The exact integral.
    Heun,
}

/// How a step of the DPM-Solver family combines the sample with derivatives at its start.
///
/// Noise and picture change places between the two solvers: with `h` negated and `alpha` for `sigma` the formulas are the same.
pub struct Weights {
    /// Of the sample.
    pub kept: f64,
    scale: f64,
    h: f64,
    /// Of the value itself.
    pub value: f64,
    /// The deviation of the fresh noise.
    pub fresh: f64,
}

impl Weights {
    /// For a step between two levels.
    pub fn of(solver: Solver, from: Level, to: Level) -> Self {
        let h = to.lambda() - from.lambda();
        match solver {
            Solver::Picture { eta } => {
                // At the end of the way `h` is infinite.
                let lost = if eta > 0.0 { (-eta * h).exp() } else { 1.0 };
                let whole = h * (1.0 + eta);
                let fresh = if eta > 0.0 { to.sigma * (-(-2.0 * eta * h).exp_m1()).sqrt() } else { 0.0 };
                Self { kept: to.sigma / from.sigma * lost, scale: to.alpha, h: whole, value: -to.alpha * (-whole).exp_m1(), fresh }
            }
            Solver::Noise { fresh: false } => {
                Self { kept: to.alpha / from.alpha, scale: to.sigma, h: -h, value: -to.sigma * h.exp_m1(), fresh: 0.0 }
            }
            Solver::Noise { fresh: true } => Self {
                kept: to.alpha / from.alpha,
                scale: 2.0 * to.sigma,
                h: -h,
                value: -2.0 * to.sigma * h.exp_m1(),
                fresh: to.sigma * (2.0 * h).exp_m1().sqrt(),
            },
        }
    }

    /// Of the derivative, taken for a whole step, at second order.
    pub fn slope(&self, second: Second) -> f64 {
        match second {
            Second::Midpoint => 0.5 * self.value,
            Second::Heun => self.slope_integral(),
        }
    }

    /// Of the derivative at third order.
    pub fn slope_integral(&self) -> f64 {
        self.scale * ((-self.h).exp_m1() / self.h + 1.0)
    }

    /// Of the second derivative.
    pub fn bend(&self) -> f64 {
        -self.scale * (((-self.h).exp_m1() / self.h + 1.0) / self.h - 0.5)
    }

    /// What diffusers takes for [`Self::bend`] in its stochastic solver of third order, where a sign is lost.
    pub fn bend_of_diffusers(&self) -> f64 {
        self.bend() - self.scale
    }
}

/// Steps that extrapolate what the network saw at the steps before: DPM-Solver++ 2M and 3M, with and without fresh noise.
pub struct Multistep {
    pub course: Course,
    pub solver: Solver,
    /// 1 to 3.
    pub order: usize,
    pub second: Second,
    /// Scale of fresh noise.
    pub noise: f64,
    /// Whether the last step, or the last two, are of lower order though they could be of a higher one.
    pub ends_low: EndsLow,
    /// Whether the third order's formula is diffusers' own, see [`Weights::bend_of_diffusers`].
    pub diffusers_bend: bool,
    /// What the network saw, the newest first.
    pub seen: VecDeque<Vec<f32>>,
}

/// How the end of a run is made more stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndsLow {
    /// The last step is of first order.
    pub last: bool,
    /// The one before it is of second order at most.
    pub last_but_one: bool,
}

impl Multistep {
    fn order_of(&self, step: usize) -> usize {
        let (steps, to) = (self.steps(), self.course.levels[step + 1]);
        let most = match steps - step {
            1 if self.ends_low.last => 1,
            2 if self.ends_low.last_but_one => 2,
            _ if to.sigma <= 0.0 => 1,
            _ => 3,
        };
        most.min(self.order).min(self.seen.len())
    }
}

impl Sampler for Multistep {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        self.solver.look(&mut self.seen, &self.course, from, sample, network)?;
        let weights = Weights::of(self.solver, from, to);
        let lambda = |back: usize| self.course.levels[step - back].lambda();
        let h = to.lambda() - from.lambda();
        let factors = match self.order_of(step) {
            2 => second_order(&weights, weights.slope(self.second), (lambda(0) - lambda(1)) / h),
            3 => {
                let (r0, r1) = ((lambda(0) - lambda(1)) / h, (lambda(1) - lambda(2)) / h);
                let bend = if self.diffusers_bend { weights.bend_of_diffusers() } else { weights.bend() };
                third_order(&weights, bend, r0, r1)
            }
            _ => vec![weights.value],
        };
        let terms: Vec<(f64, &[f32])> = factors.into_iter().zip(self.seen.iter().map(Vec::as_slice)).collect();
        mix(&mut sample.data, weights.kept, &terms);
        if to.sigma > 0.0 && weights.fresh > 0.0 {
            let fresh = network.noise(from.ratio(), to.ratio(), sample);
            mix(&mut sample.data, 1.0, &[(self.noise * weights.fresh, &fresh)]);
        }
        Ok(())
    }
}

/// Factors of the last two values; `r` is the length of the last step in units of this one.
fn second_order(weights: &Weights, slope: f64, r: f64) -> Vec<f64> {
    vec![weights.value + slope / r, -slope / r]
}

/// Factors of the last three values.
fn third_order(weights: &Weights, bend: f64, r0: f64, r1: f64) -> Vec<f64> {
    // First differences: d0 = (v0 - v1) / r0, d1 = (v1 - v2) / r1. The slope is d0 + (d0 - d1) r0 / (r0 + r1), the bend (d0 - d1) / (r0 + r1).
    let slope = weights.slope_integral();
    let spread = (slope * r0 + bend) / (r0 + r1);
    let (d0, d1) = (slope + spread, -spread);
    vec![weights.value + d0 / r0, -d0 / r0 + d1 / r1, -d1 / r1]
}
