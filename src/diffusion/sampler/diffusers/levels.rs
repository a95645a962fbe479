//! Which levels the classes of diffusers visit: their `set_timesteps`.

use super::{Class, final_sigma};
use crate::diffusion::DiffusionError;
use crate::diffusion::level::{Level, Table};
use crate::diffusion::schedule::{BetaSchedule, FinalSigma, Interpolation, Prediction, SchedulerConfig, Spacing, numpy_linspace};
use crate::diffusion::sigmas::{beta, exponential, karras};

/// Steps of the schedule that latent consistency models are distilled on.
const ORIGINAL_STEPS: usize = 50;

/// The levels of the classes in k-diffusion's scale.
pub fn by_sigma(class: Class, config: &SchedulerConfig, table: &Table, steps: usize) -> Result<Vec<Level>, DiffusionError> {
    let mut timesteps = config.timesteps(steps, config.timestep_spacing.unwrap_or(Spacing::Linspace))?;
    if class != Class::DpmSde {
        timesteps = single(timesteps);
    }
    let mut sigmas: Vec<f64> = match config.interpolation_type.unwrap_or_default() {
        Interpolation::Linear => timesteps.iter().map(|t| table.sigma(*t)).collect(),
        Interpolation::LogLinear => exponential(table.min(), table.max(), steps + 1),
    };
    let max = config.sigma_max.or(sigmas.first().copied()).unwrap_or(table.max());
    let min = config.sigma_min.or(sigmas.last().copied()).unwrap_or(table.min());
    if let Some(shaped) = shaped(config, min, max, steps) {
        timesteps = shaped.iter().map(|s| table.timestep(*s)).collect();
        if config.use_karras_sigmas == Some(true) && matches!(class, Class::Dpm2 | Class::Dpm2Ancestral) {
            timesteps = timesteps.into_iter().map(f64::round_ties_even).collect();
        }
        sigmas = shaped;
    }
    sigmas.push(if class == Class::Euler { final_sigma(config, table) } else { 0.0 });
    sigmas.truncate(timesteps.len() + 1);
    let sigmas = single(sigmas);
    if config.timestep_type.as_deref() == Some("continuous") && config.prediction() == Prediction::VPrediction {
        timesteps = sigmas[..timesteps.len()].iter().map(|s| 0.25 * s.ln()).collect();
    }
    timesteps.push(0.0);
    Ok(timesteps.into_iter().zip(sigmas).map(|(t, s)| Level::exploding(t, s)).collect())
}

/// The levels of the multistep and singlestep solvers, in the scale of the training.
pub fn preserving(class: Class, config: &SchedulerConfig, table: &Table, steps: usize) -> Result<Vec<Level>, DiffusionError> {
    let train = config.train_steps();
    if steps == 0 || steps >= train {
        return Err(DiffusionError::Setting(format!("{steps} steps cannot be taken; choose 1 to {}", train - 1)));
    }
    let mut timesteps = solver_timesteps(class, config, table, steps)?;
    let mut sigmas: Vec<f64> = timesteps.iter().map(|t| table.sigma(*t)).collect();
    let shaped = if config.use_lu_lambdas == Some(true) && config.use_karras_sigmas != Some(true) && class == Class::DpmMultistep {
        Some(exponential(table.min(), table.max(), steps))
    } else {
        shaped(config, table.min(), table.max(), steps)
    };
    let is_shaped = shaped.is_some();
    if let Some(shaped) = shaped {
        timesteps = shaped.iter().map(|s| table.timestep(*s)).collect();
        let cosine = class == Class::DpmMultistep && config.beta_schedule == Some(BetaSchedule::SquaredcosCapV2);
        let rounds = config.use_karras_sigmas == Some(true) || config.use_lu_lambdas == Some(true);
        if rounds && !cosine {
            timesteps = timesteps.into_iter().map(f64::round_ties_even).collect();
        }
        sigmas = shaped;
    }
    let quiet = sigmas.last().copied().unwrap_or(table.min());
    let last = match (class, config.final_sigmas_type.unwrap_or_default()) {
        (Class::Deis, _) => {
            if is_shaped {
                quiet
            } else {
                table.min()
            }
        }
        (Class::UniPc, FinalSigma::SigmaMin) if is_shaped => quiet,
        _ => final_sigma(config, table),
    };
    sigmas.push(last);
    // Whole timesteps, cut off.
    timesteps.push(0.0);
    Ok(timesteps.into_iter().map(f64::trunc).zip(single(sigmas)).map(|(t, s)| Level::preserving(t, s)).collect())
}

/// The timesteps of the solvers, which leave room for one more step at the quiet end.
fn solver_timesteps(class: Class, config: &SchedulerConfig, table: &Table, steps: usize) -> Result<Vec<f64>, DiffusionError> {
    let train = config.train_steps();
    // The noisiest timesteps, whose λ is below the limit, are left out.
    let clipped = match (class, config.lambda_min_clipped) {
        (Class::DpmMultistep | Class::DpmSinglestep, Some(least)) => {
            (0..train).rev().take_while(|t| Level::of_alpha(0.0, table.alpha(*t as f64)).lambda() < least).count()
        }
        _ => 0,
    };
    let last = train - clipped;
    let usual = if class == Class::DpmSinglestep { Spacing::Linspace } else { config.timestep_spacing.unwrap_or(Spacing::Linspace) };
    Ok(match usual {
        Spacing::Linspace => {
            let all = numpy_linspace(0.0, last as f64 - 1.0, steps + 1);
            all[1..].iter().rev().map(|t| t.round_ties_even()).collect()
        }
        Spacing::Leading => {
            let (stride, offset) = (last / (steps + 1), config.steps_offset.unwrap_or(0) as f64);
            (1..=steps).rev().map(|i| (i * stride) as f64 + offset).collect()
        }
        Spacing::Trailing => {
            let whole = config.timesteps(steps, Spacing::Trailing)?;
            if clipped == 0 { whole } else { from_top(last, train as f64 / steps as f64) }
        }
    })
}

/// `numpy`'s `arange(top, 0, -stride)`, rounded, less one.
fn from_top(top: usize, stride: f64) -> Vec<f64> {
    let count = (top as f64 / stride).ceil() as usize;
    (0..count).map(|i| (top as f64 - i as f64 * stride).round_ties_even() - 1.0).collect()
}

/// The re-spaced sigmas, if the configuration asks for any.
fn shaped(config: &SchedulerConfig, min: f64, max: f64, steps: usize) -> Option<Vec<f64>> {
    if config.use_karras_sigmas == Some(true) {
        Some(karras(min, max, steps))
    } else if config.use_exponential_sigmas == Some(true) {
        Some(exponential(min, max, steps))
    } else if config.use_beta_sigmas == Some(true) {
        Some(beta(min, max, steps))
    } else {
        None
    }
}

/// The timesteps of latent and trajectory consistency: exactly `steps`, spread over the lowest `strength` (0 to 1) of the levels.
///
/// The levels are taken from a schedule of 50 (`original_inference_steps`); where so many steps do not fit into its part
/// below `strength`, from a finer one.
pub fn distilled(config: &SchedulerConfig, steps: usize, strength: f64) -> Result<Vec<f64>, DiffusionError> {
    let train = config.train_steps();
    if steps == 0 || steps > train {
        return Err(DiffusionError::Setting(format!("{steps} steps cannot be taken; choose 1 to {train}")));
    }
    let mut original = config.original_inference_steps.unwrap_or(ORIGINAL_STEPS).clamp(1, train);
    let below = |original: usize| (original as f64 * strength.clamp(0.0, 1.0)) as usize;
    while below(original) < steps && original < train {
        original = (original * 2).min(train);
    }
    let stride = train / original;
    let levels = below(original).max(steps).min(train);
    let chosen = numpy_linspace(0.0, levels as f64, steps + 1);
    Ok(chosen[..steps].iter().map(|i| ((levels - *i as usize) * stride) as f64 - 1.0).collect())
}

fn single(values: Vec<f64>) -> Vec<f64> {
    values.into_iter().map(|x| f64::from(x as f32)).collect()
}
