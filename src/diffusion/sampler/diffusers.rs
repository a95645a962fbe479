//! The schedulers of diffusers: which levels each class visits under a `scheduler_config.json`, and which algorithm it runs.

mod levels;

use std::collections::VecDeque;
use std::sync::Arc;

use self::levels::{by_sigma, distilled, preserving};
use super::course::Course;
use super::ddim::Ddim;
use super::ddpm::{Ddpm, Variance};
use super::deis::Deis;
use super::dpm2::Dpm2;
use super::dpm2_ancestral::Dpm2Ancestral;
use super::dpmpp_multistep::{EndsLow, Multistep, Second, Solver};
use super::dpmpp_sde::DpmppSde;
use super::dpmpp_singlestep::Singlestep;
use super::euler::Euler;
use super::euler_ancestral::EulerAncestral;
use super::heun::Heun;
use super::kind::Wanted;
use super::lcm::Lcm;
use super::limit::Limit;
use super::lms::Lms;
use super::pndm::{Call, Pndm};
use super::tcd::Tcd;
use super::unipc::UniPc;
use super::{Churn, Freshness, Plan, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::level::{Level, Table};
use crate::diffusion::schedule::{BetaSchedule, FinalSigma, SchedulerConfig, Spacing};
use crate::diffusion::sigmas::Schedule;
use crate::diffusion::strength::Span;

/// Below so many steps the solvers end with lower orders.
const FEW: usize = 15;

macro_rules! classes {
    ($($(#[$doc:meta])* $class:ident = $name:literal,)*) => {
        /// A scheduler class.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Class {
            $($(#[$doc])* $class,)*
        }

        impl Class {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$class),*];

            /// Its name in Python.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$class => $name,)*
                }
            }
        }
    };
}

classes! {
    /// Euler's method.
    Euler = "EulerDiscreteScheduler",
    /// The same with fresh noise.
    EulerAncestral = "EulerAncestralDiscreteScheduler",
    /// Heun's method.
    Heun = "HeunDiscreteScheduler",
    /// DPM-Solver-2 in the form of k-diffusion.
    Dpm2 = "KDPM2DiscreteScheduler",
    /// The same with fresh noise.
    Dpm2Ancestral = "KDPM2AncestralDiscreteScheduler",
    /// Linear multistep.
    Lms = "LMSDiscreteScheduler",
    /// DPM-Solver++ for the stochastic equation.
    DpmSde = "DPMSolverSDEScheduler",
    /// DPM-Solver(++) multistep, with and without fresh noise.
    DpmMultistep = "DPMSolverMultistepScheduler",
    /// DPM-Solver(++) singlestep.
    DpmSinglestep = "DPMSolverSinglestepScheduler",
    /// `UniPC`.
    UniPc = "UniPCMultistepScheduler",
    /// DEIS.
    Deis = "DEISMultistepScheduler",
    /// DDIM.
    Ddim = "DDIMScheduler",
    /// DDPM.
    Ddpm = "DDPMScheduler",
    /// PNDM: PLMS, with or without a Runge–Kutta beginning.
    Pndm = "PNDMScheduler",
    /// Latent consistency.
    Lcm = "LCMScheduler",
    /// Trajectory consistency.
    Tcd = "TCDScheduler",
}

impl Class {
    /// The class that a configuration names; DDIM where it names none.
    ///
    /// # Errors
    /// When the class is not known.
    pub fn of(config: &SchedulerConfig) -> Result<Self, DiffusionError> {
        let Some(name) = config.class_name.as_deref() else { return Ok(Self::Ddim) };
        let found = Self::ALL.iter().find(|class| class.name() == name).copied();
        found.ok_or_else(|| DiffusionError::Setting(format!("the model's scheduler `{name}` is not known; name a `sampler`")))
    }

    /// The configuration as this class reads it: with its defaults, and without what only other classes heed.
    fn reads(self, config: &SchedulerConfig) -> SchedulerConfig {
        let mut config = config.clone();
        let other = config.class_name.as_deref() != Some(self.name());
        if matches!(self, Self::Heun | Self::Dpm2 | Self::Dpm2Ancestral | Self::DpmSde | Self::Lcm | Self::Tcd) {
            config.beta_start.get_or_insert(0.00085);
            config.beta_end.get_or_insert(0.012);
        }
        if matches!(self, Self::Lcm | Self::Tcd) {
            config.beta_schedule.get_or_insert(BetaSchedule::ScaledLinear);
        }
        if other {
            // A configuration for another class leaves clipping out; what is right for pixels would cut latents off.
            config.clip_sample = config.clip_sample.or(Some(false));
        }
        let zero_snr = [Self::Euler, Self::EulerAncestral, Self::DpmMultistep, Self::UniPc, Self::Ddim, Self::Ddpm, Self::Lcm, Self::Tcd];
        if !zero_snr.contains(&self) {
            config.rescale_betas_zero_snr = None;
        }
        if self == Self::EulerAncestral {
            (config.use_karras_sigmas, config.use_exponential_sigmas, config.use_beta_sigmas) = (None, None, None);
        }
        if self != Self::Euler {
            (config.sigma_min, config.sigma_max, config.interpolation_type, config.timestep_type) = (None, None, None, None);
        }
        config
    }

    /// The configuration with another schedule put in.
    fn with_schedule(self, config: &mut SchedulerConfig, schedule: Schedule) -> Result<(), DiffusionError> {
        let counts = matches!(self, Self::Ddim | Self::Ddpm | Self::Pndm | Self::Lcm | Self::Tcd);
        let shaped = !counts && self != Self::EulerAncestral;
        (config.use_karras_sigmas, config.use_exponential_sigmas, config.use_beta_sigmas) = (None, None, None);
        config.use_lu_lambdas = None;
        match schedule {
            Schedule::Karras if shaped => config.use_karras_sigmas = Some(true),
            Schedule::Exponential if shaped => config.use_exponential_sigmas = Some(true),
            Schedule::Beta if shaped => config.use_beta_sigmas = Some(true),
            Schedule::Uniform | Schedule::Linspace => config.timestep_spacing = Some(Spacing::Linspace),
            Schedule::Leading => config.timestep_spacing = Some(Spacing::Leading),
            Schedule::Trailing => config.timestep_spacing = Some(Spacing::Trailing),
            _ => {
                let name = Schedule::ALL.iter().find(|(_, known)| *known == schedule).map_or("", |(name, _)| name);
                let all =
                    if shaped { "karras, exponential, beta, trailing, leading and linspace" } else { "trailing, leading and linspace" };
                let fact = format!("`{}` has no schedule `{name}`", self.name());
                return Err(DiffusionError::Setting(format!("{fact}; it has {all}, and A1111's samplers have them all")));
            }
        }
        Ok(())
    }
}

/// Plans a run of a class as diffusers' pipelines run it.
///
/// # Errors
/// When the configuration asks for what the class cannot do.
pub fn plan(class: Class, config: &SchedulerConfig, wanted: Wanted) -> Result<Plan, DiffusionError> {
    let mut config = class.reads(config);
    if let Some(schedule) = wanted.schedule {
        class.with_schedule(&mut config, schedule)?;
    }
    if config.use_flow_sigmas == Some(true) {
        return Err(setting("flow matching is not Stable Diffusion's noise; leave `use_flow_sigmas` out of the scheduler's configuration"));
    }
    let span = wanted.strength.map_or(Span { schedule: wanted.steps, first: 0 }, |(s, reading)| reading.span(wanted.steps, s));
    let asked = wanted.steps;
    let wanted = Wanted { steps: span.schedule.clamp(1, config.train_steps().max(wanted.steps)), ..wanted };
    let mut plan = match class {
        Class::Ddim | Class::Ddpm | Class::Pndm => by_timesteps(class, &config, wanted, span.first),
        Class::Lcm | Class::Tcd => by_distillation(class, &config, wanted, span.first),
        Class::DpmMultistep | Class::DpmSinglestep | Class::UniPc | Class::Deis => solver(class, &config, wanted, span.first),
        _ => exploding(class, &config, wanted, span.first),
    }?;
    let twice = matches!(class, Class::Heun | Class::Dpm2 | Class::Dpm2Ancestral | Class::DpmSde);
    plan.calls = asked * if twice { 2 } else { 1 };
    plan.seed_delta = wanted.options.seed_delta;
    Ok(plan)
}

fn setting(why: &str) -> DiffusionError {
    DiffusionError::Setting(why.to_owned())
}

/// Puts a plan together; at least the last step runs.
fn assemble(sampler: Box<dyn Sampler>, levels: Vec<Level>, first: usize) -> Plan {
    let first = first.min(sampler.steps().saturating_sub(1));
    Plan { entry: levels[first], first, sampler, levels, start: 1.0, calls: 0, seed_delta: 0, freshness: Freshness::Drawn }
}

/// The classes in k-diffusion's scale.
fn exploding(class: Class, config: &SchedulerConfig, wanted: Wanted, first: usize) -> Result<Plan, DiffusionError> {
    let table = Arc::new(Table::new(&finite_alphas(config)));
    let levels = by_sigma(class, config, &table, wanted.steps)?;
    let max = levels.iter().map(|level| level.sigma).fold(0.0, f64::max);
    let min = levels.iter().map(|level| level.sigma).filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min);
    let limit = match config.clip_sample {
        Some(true) if class == Class::Heun => Limit::Clip(config.clip_sample_range.unwrap_or(1.0)),
        _ => Limit::None,
    };
    let course = Course { levels: levels.clone(), table, prediction: config.prediction(), limit };
    let noise = wanted.options.noise;
    let (eta, none) = (1.0, Churn::default());
    let sampler: Box<dyn Sampler> = match class {
        Class::EulerAncestral => Box::new(EulerAncestral { course, eta, noise }),
        Class::Heun => Box::new(Heun { course, churn: none, noise }),
        Class::Dpm2 => Box::new(Dpm2 { course, churn: none, noise }),
        Class::Dpm2Ancestral => Box::new(Dpm2Ancestral { course, eta, noise }),
        Class::Lms => Box::new(Lms { course, order: 4, slopes: VecDeque::new() }),
        Class::DpmSde => Box::new(DpmppSde { course, eta, noise, middle: 0.5 }),
        _ => Box::new(Euler { course, churn: wanted.options.churn, noise, seen: false }),
    };
    let mut plan = assemble(sampler, levels, first);
    let whole = config.timestep_spacing == Some(Spacing::Leading);
    plan.start = if whole { max.hypot(1.0) } else { max };
    if class == Class::DpmSde {
        plan.freshness = Freshness::Brownian { min, max };
    }
    Ok(plan)
}

/// Cumulated alphas; with zero terminal SNR the last is not quite 0, so that the first sigma is finite: the least half-precision
/// number.
fn finite_alphas(config: &SchedulerConfig) -> Vec<f32> {
    let mut alphas = config.alphas_cumprod();
    if config.rescale_betas_zero_snr == Some(true)
        && let Some(last) = alphas.last_mut()
    {
        *last = 2.0_f32.powi(-24);
    }
    alphas
}

/// The multistep and singlestep solvers, in the scale of the training.
fn solver(class: Class, config: &SchedulerConfig, wanted: Wanted, first: usize) -> Result<Plan, DiffusionError> {
    let table = Arc::new(Table::new(&finite_alphas(config)));
    let levels = preserving(class, config, &table, wanted.steps)?;
    let steps = levels.len() - 1;
    let order = config.solver_order.unwrap_or(2).max(1);
    let course = Course { levels: levels.clone(), table, prediction: config.prediction(), limit: Limit::threshold(config) };
    let last_is_clean = levels[steps].sigma <= 0.0;
    let few = config.lower_order_final.unwrap_or(true) && steps < FEW;
    let sampler: Box<dyn Sampler> = match class {
        Class::UniPc => unipc(config, course, order),
        Class::Deis => {
            let ends_low = EndsLow { last: few, last_but_one: few };
            Box::new(Deis { course, order: order.min(3), ends_low, seen: VecDeque::new() })
        }
        Class::DpmSinglestep => {
            let orders = orders(steps, order.min(3), config, last_is_clean);
            let (solver, second) = (dpm_solver(config, last_is_clean)?, second(config));
            Box::new(Singlestep { course, solver, second, orders, seen: VecDeque::new(), begin: None })
        }
        _ => {
            let last = config.euler_at_final == Some(true) || few || last_is_clean;
            let solver = dpm_solver(config, last_is_clean)?;
            Box::new(Multistep {
                course,
                solver,
                order: order.min(3),
                second: second(config),
                noise: 1.0,
                ends_low: EndsLow { last, last_but_one: few },
                diffusers_bend: matches!(solver, Solver::Picture { eta } if eta > 0.0),
                seen: VecDeque::new(),
            })
        }
    };
    Ok(assemble(sampler, levels, first))
}

fn unipc(config: &SchedulerConfig, course: Course, order: usize) -> Box<dyn Sampler> {
    let pictures = config.predict_x0.unwrap_or(true);
    let limit = if pictures { course.limit } else { Limit::None };
    Box::new(UniPc {
        course: Course { limit, ..course },
        order,
        exponential: config.solver_type.as_deref() != Some("bh1"),
        pictures,
        ends_low: config.lower_order_final.unwrap_or(true),
        uncorrected: config.disable_corrector.clone().unwrap_or_default(),
        seen: VecDeque::new(),
        last: None,
    })
}

fn dpm_solver(config: &SchedulerConfig, last_is_clean: bool) -> Result<Solver, DiffusionError> {
    let solver = match config.algorithm_type.as_deref() {
        Some("sde-dpmsolver++") => Solver::Picture { eta: 1.0 },
        Some("dpmsolver") => Solver::Noise { fresh: false },
        Some("sde-dpmsolver") => Solver::Noise { fresh: true },
        None | Some("dpmsolver++" | "deis") => Solver::Picture { eta: 0.0 },
        Some(other) => return Err(setting(&format!("the scheduler's `algorithm_type: {other}` is not known; name a `sampler`"))),
    };
    if last_is_clean && matches!(solver, Solver::Noise { .. }) {
        let why =
            "the first DPM-Solver cannot end without noise; set `final_sigmas_type` to `sigma_min`, or `algorithm_type` to `dpmsolver++`";
        return Err(setting(why));
    }
    Ok(solver)
}

fn second(config: &SchedulerConfig) -> Second {
    if config.solver_type.as_deref() == Some("heun") { Second::Heun } else { Second::Midpoint }
}

/// The place of each step in its group.
fn orders(steps: usize, order: usize, config: &SchedulerConfig, last_is_clean: bool) -> Vec<usize> {
    // diffusers turns the lower orders on where groups do not come out even, or where the end is clean.
    let ends_low = config.lower_order_final == Some(true) || !steps.is_multiple_of(order) || last_is_clean;
    let mut orders: Vec<usize> = (0..steps).map(|step| step % order + 1).collect();
    if ends_low && order > 1 && steps.is_multiple_of(order) {
        orders[steps - 1] = 1;
    }
    if last_is_clean {
        orders[steps - 1] = 1;
    }
    orders
}

/// The classes that count timesteps, in the scale of the training.
fn by_timesteps(class: Class, config: &SchedulerConfig, wanted: Wanted, first: usize) -> Result<Plan, DiffusionError> {
    let table = Arc::new(Table::new(&config.alphas_cumprod()));
    let train = config.train_steps();
    let level = |t: f64| Level::of_alpha(t, table.alpha(t));
    let spacing = config.timestep_spacing.unwrap_or(Spacing::Leading);
    let timesteps: Vec<f64> = config.timesteps(wanted.steps, spacing)?.iter().map(|t| t.round_ties_even()).collect();
    let stride = (train / wanted.steps) as f64;
    // Below the first timestep there is no noise, or still that of the first timestep.
    let to_one = config.set_alpha_to_one.unwrap_or(class == Class::Ddim);
    let end = if to_one || class == Class::Ddpm { Level::of_alpha(0.0, 1.0) } else { level(0.0) };
    let below = |t: f64| if t >= 0.0 { level(t) } else { end };
    let mut levels: Vec<Level> = timesteps.iter().map(|t| level(*t)).chain([end]).collect();
    let course = Course { levels: levels.clone(), table: table.clone(), prediction: config.prediction(), limit: Limit::of(config, true) };
    let sampler: Box<dyn Sampler> = match class {
        Class::Ddim => {
            let targets: Vec<Level> = timesteps.iter().map(|t| below(t - stride)).collect();
            Box::new(Ddim { course, targets, eta: wanted.options.eta.unwrap_or(0.0), noise: wanted.options.noise })
        }
        Class::Pndm if config.skip_prk_steps != Some(true) && timesteps.len() < 4 => {
            return Err(setting("PNDM needs at least 4 steps; take more, or set `skip_prk_steps` in the scheduler's configuration"));
        }
        Class::Pndm => {
            let calls = calls(config, &timesteps, (train / wanted.steps) as i64, first, &below);
            levels = calls.iter().map(|call| call.at).chain([end]).collect();
            Box::new(Pndm::new(course, calls, false))
        }
        _ => Box::new(Ddpm { course, variance: variance(config)? }),
    };
    Ok(assemble(sampler, levels, first))
}

fn variance(config: &SchedulerConfig) -> Result<Variance, DiffusionError> {
    match config.variance_type.as_deref() {
        None | Some("fixed_small" | "fixed_small_log") => Ok(Variance::Small),
        Some("fixed_large") => Ok(Variance::Large),
        Some(other) => Err(setting(&format!("DDPM's `variance_type: {other}` is not supported; set it to `fixed_small`"))),
    }
}

/// The calls of PNDM, where a run that begins at `first` counts from there.
fn calls(config: &SchedulerConfig, timesteps: &[f64], stride: i64, first: usize, level: &dyn Fn(f64) -> Level) -> Vec<Call> {
    let prk = runge_kutta_timesteps(config, timesteps, stride);
    let multistep: Vec<f64> = if config.skip_prk_steps == Some(true) {
        // The second timestep twice: the second call looks at the first step again.
        let again = timesteps.get(1).copied();
        timesteps.iter().take(1).copied().chain(again).chain(timesteps.iter().skip(1).copied()).collect()
    } else {
        timesteps.iter().skip(3).copied().collect()
    };
    let all: Vec<f64> = prk.iter().copied().chain(multistep).collect();
    let stride_f = stride as f64;
    all.iter()
        .enumerate()
        .map(|(index, &t)| {
            let count = index.saturating_sub(first);
            let at = level(t);
            if count < prk.len() {
                let down = if count % 2 == 0 { (stride / 2) as f64 } else { 0.0 };
                Call { at, from: level(prk[count / 4 * 4]), to: level(t - down), runge_kutta: true }
            } else if count == 1 {
                Call { at, from: level(t + stride_f), to: at, runge_kutta: false }
            } else {
                Call { at, from: at, to: level(t - stride_f), runge_kutta: false }
            }
        })
        .collect()
}

/// Timesteps of the Runge–Kutta beginning: three steps of four calls.
fn runge_kutta_timesteps(config: &SchedulerConfig, timesteps: &[f64], stride: i64) -> Vec<f64> {
    if config.skip_prk_steps == Some(true) {
        return Vec::new();
    }
    let half = (stride / 2) as f64;
    // Each of the first four timesteps and one half a stride above the next, both twice, but for the ends.
    let noisiest: Vec<f64> = timesteps.iter().take(4).rev().flat_map(|t| [*t, *t + half]).collect();
    let kept = noisiest.len().saturating_sub(1);
    let doubled: Vec<f64> = noisiest[..kept].iter().flat_map(|t| [*t, *t]).collect();
    let inner = doubled.get(1..doubled.len().saturating_sub(1)).unwrap_or_default();
    inner.iter().rev().copied().collect()
}

/// The classes for distilled models.
fn by_distillation(class: Class, config: &SchedulerConfig, wanted: Wanted, first: usize) -> Result<Plan, DiffusionError> {
    let table = Arc::new(Table::new(&config.alphas_cumprod()));
    let level = |t: f64| Level::of_alpha(t, table.alpha(t));
    let asked = wanted.strength;
    let lcm = class == Class::Lcm;
    let timesteps = distilled(config, wanted.steps, if lcm { asked.map_or(1.0, |(strength, _)| strength) } else { 1.0 })?;
    // What follows the last step is not used: it makes no noise.
    let mut levels: Vec<Level> = timesteps.iter().map(|t| level(*t)).collect();
    levels.push(level(0.0));
    let limit = if lcm { Limit::of(config, false) } else { Limit::None };
    let course = Course { levels: levels.clone(), table: table.clone(), prediction: config.prediction(), limit };
    let sampler: Box<dyn Sampler> = if lcm {
        Box::new(Lcm { course, timestep_scaling: config.timestep_scaling.map_or(10.0, f64::from) })
    } else {
        let eta = wanted.options.eta.unwrap_or(0.3);
        let next = timesteps.iter().skip(1).copied().chain([0.0]);
        let below = next.map(|t| level(((1.0 - eta) * t).floor())).collect();
        Box::new(Tcd { course, below, fresh: eta > 0.0 })
    };
    Ok(assemble(sampler, levels, if lcm { 0 } else { first }))
}

/// The last sigma of a run, above 0 where the configuration says so.
fn final_sigma(config: &SchedulerConfig, table: &Table) -> f64 {
    match config.final_sigmas_type.unwrap_or_default() {
        FinalSigma::Zero => 0.0,
        FinalSigma::SigmaMin => table.min(),
    }
}
