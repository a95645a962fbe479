//! The samplers of A1111: k-diffusion's, and A1111's own variants of those that count timesteps.

use std::collections::VecDeque;
use std::sync::Arc;

use super::course::Course;
use super::ddim::Ddim;
use super::diffusers::Class;
use super::dpm2::Dpm2;
use super::dpm2_ancestral::Dpm2Ancestral;
use super::dpmpp_2s_ancestral::Dpmpp2SAncestral;
use super::dpmpp_multistep::{EndsLow, Multistep, Second, Solver};
use super::dpmpp_sde::DpmppSde;
use super::euler::Euler;
use super::euler_ancestral::EulerAncestral;
use super::heun::Heun;
use super::kind::Wanted;
use super::limit::Limit;
use super::lms::Lms;
use super::pndm::{Call, Pndm};
use super::unipc::UniPc;
use super::{Freshness, Plan, Sampler, SamplerKind, SamplerOptions};
use crate::diffusion::DiffusionError;
use crate::diffusion::level::{Level, Table};
use crate::diffusion::schedule::{SchedulerConfig, numpy_linspace};
use crate::diffusion::sigmas::Schedule;
use crate::diffusion::strength::Span;

/// The algorithms behind A1111's names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Algorithm {
    /// `sample_euler`.
    Euler,
    /// `sample_euler_ancestral`.
    EulerAncestral,
    /// `sample_heun`.
    Heun,
    /// `sample_dpm_2`.
    Dpm2,
    /// `sample_dpm_2_ancestral`.
    Dpm2Ancestral,
    /// `sample_lms`.
    Lms {
        /// How many slopes count; 4.
        order: usize,
    },
    /// `sample_dpmpp_2s_ancestral`.
    Dpmpp2SAncestral,
    /// `sample_dpmpp_sde`.
    DpmppSde {
        /// Where in a step the network is asked again; 0.5.
        middle: f64,
    },
    /// `sample_dpmpp_2m`.
    Dpmpp2M,
    /// `sample_dpmpp_2m_sde`.
    Dpmpp2MSde {
        /// `solver_type="heun"`.
        heun: bool,
    },
    /// `sample_dpmpp_3m_sde`.
    Dpmpp3MSde,
    /// A1111's DDIM.
    Ddim,
    /// A1111's PLMS.
    Plms,
    /// A1111's `UniPC`.
    UniPc,
    /// Not A1111's: a class of diffusers under a short name.
    Class(Class),
}

/// A sampler as A1111's menu has it.
#[derive(Debug, PartialEq)]
pub struct Recipe {
    /// The name in the menu.
    pub label: &'static str,
    /// Short names; the first is the one that this program writes.
    pub short: &'static [&'static str],
    /// What it runs.
    pub algorithm: Algorithm,
    /// The schedule where none is chosen.
    pub schedule: Schedule,
    /// Whether one more step is planned and the last but one left out.
    pub discards: bool,
    /// Whether A1111 counts two calls of the network a step.
    pub twice: bool,
    /// Whether fresh noise is Brownian.
    pub brownian: bool,
}

const PLAIN: Recipe = Recipe {
    label: "",
    short: &[],
    algorithm: Algorithm::Euler,
    schedule: Schedule::Uniform,
    discards: false,
    twice: false,
    brownian: false,
};

const fn recipe(label: &'static str, short: &'static [&'static str], algorithm: Algorithm) -> Recipe {
    Recipe { label, short, algorithm, ..PLAIN }
}

/// All of them.
pub static RECIPES: [Recipe; 18] = [
    recipe("Euler", &["euler", "k_euler"], Algorithm::Euler),
    recipe("Euler a", &["euler_a", "euler_ancestral", "k_euler_a", "k_euler_ancestral"], Algorithm::EulerAncestral),
    recipe("LMS", &["lms", "k_lms"], Algorithm::Lms { order: 4 }),
    Recipe { twice: true, ..recipe("Heun", &["heun", "k_heun"], Algorithm::Heun) },
    Recipe { schedule: Schedule::Karras, discards: true, twice: true, ..recipe("DPM2", &["dpm2", "dpm_2", "k_dpm_2"], Algorithm::Dpm2) },
    Recipe {
        schedule: Schedule::Karras,
        discards: true,
        twice: true,
        ..recipe("DPM2 a", &["dpm2_a", "dpm_2_ancestral", "k_dpm_2_a", "dpm2_ancestral"], Algorithm::Dpm2Ancestral)
    },
    Recipe {
        schedule: Schedule::Karras,
        twice: true,
        ..recipe("DPM++ 2S a", &["dpmpp_2s_a", "dpmpp_2s_ancestral", "k_dpmpp_2s_a"], Algorithm::Dpmpp2SAncestral)
    },
    Recipe { schedule: Schedule::Karras, ..recipe("DPM++ 2M", &["dpmpp_2m", "k_dpmpp_2m"], Algorithm::Dpmpp2M) },
    Recipe {
        schedule: Schedule::Karras,
        twice: true,
        brownian: true,
        ..recipe("DPM++ SDE", &["dpmpp_sde", "k_dpmpp_sde"], Algorithm::DpmppSde { middle: 0.5 })
    },
    Recipe {
        schedule: Schedule::Exponential,
        brownian: true,
        ..recipe("DPM++ 2M SDE", &["dpmpp_2m_sde", "k_dpmpp_2m_sde"], Algorithm::Dpmpp2MSde { heun: false })
    },
    Recipe {
        schedule: Schedule::Exponential,
        brownian: true,
        ..recipe("DPM++ 2M SDE Heun", &["dpmpp_2m_sde_heun", "k_dpmpp_2m_sde_heun"], Algorithm::Dpmpp2MSde { heun: true })
    },
    Recipe {
        schedule: Schedule::Exponential,
        discards: true,
        brownian: true,
        ..recipe("DPM++ 3M SDE", &["dpmpp_3m_sde", "k_dpmpp_3m_sde"], Algorithm::Dpmpp3MSde)
    },
    recipe("DDIM", &["ddim"], Algorithm::Ddim),
    recipe("PLMS", &["plms"], Algorithm::Plms),
    recipe("UniPC", &["unipc", "uni_pc"], Algorithm::UniPc),
    recipe("LCM", &["lcm"], Algorithm::Class(Class::Lcm)),
    recipe("TCD", &["tcd"], Algorithm::Class(Class::Tcd)),
    recipe("DEIS", &["deis"], Algorithm::Class(Class::Deis)),
];

impl Recipe {
    /// Every name it goes by.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.label).chain(self.short.iter().copied())
    }

    /// The choice of this recipe.
    #[must_use]
    pub fn kind(&'static self) -> SamplerKind {
        match self.algorithm {
            Algorithm::Class(class) => SamplerKind::Class(class),
            _ => SamplerKind::Named(self),
        }
    }
}

/// Plans a run of a recipe, with the levels and defaults of A1111.
///
/// # Errors
/// When so many steps cannot be taken, or a schedule is wanted of a sampler that has only its own.
pub fn plan(recipe: &Recipe, config: &SchedulerConfig, wanted: Wanted) -> Result<Plan, DiffusionError> {
    let table = Arc::new(Table::new(&config.alphas_of_a1111()));
    let span = wanted.strength.map_or(Span { schedule: wanted.steps, first: 0 }, |(s, reading)| reading.span(wanted.steps, s));
    let course = |levels| Course { levels, table: table.clone(), prediction: config.prediction(), limit: Limit::None };
    if matches!(recipe.algorithm, Algorithm::Ddim | Algorithm::Plms | Algorithm::UniPc) {
        return by_timesteps(recipe, &course, span, wanted);
    }
    let schedule = wanted.schedule.unwrap_or(recipe.schedule);
    let mut sigmas = schedule.sigmas((span.schedule + usize::from(recipe.discards)).min(table.len()), &table, wanted.xl)?;
    if recipe.discards {
        sigmas.remove(sigmas.len() - 2);
    }
    let (max, min) = (sigmas[0], sigmas.iter().copied().filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min));
    let first = span.first.min(sigmas.len() - 2);
    let levels: Vec<Level> = sigmas[first..].iter().map(|s| table.exploding(*s)).collect();
    Ok(Plan {
        sampler: sampler(recipe.algorithm, course(levels.clone()), wanted.options),
        first: 0,
        entry: levels[0],
        start: levels[0].sigma,
        levels,
        calls: wanted.steps * (1 + usize::from(recipe.twice)),
        seed_delta: wanted.options.seed_delta,
        freshness: if recipe.brownian { Freshness::Brownian { min, max } } else { Freshness::Drawn },
    })
}

/// The algorithm over a list of levels in k-diffusion's scale.
pub fn sampler(algorithm: Algorithm, course: Course, options: SamplerOptions) -> Box<dyn Sampler> {
    let (churn, noise, eta) = (options.churn, options.noise, options.eta.unwrap_or(1.0));
    let multistep = |course, eta, order, second| Multistep {
        course,
        solver: Solver::Picture { eta },
        order,
        second,
        noise,
        ends_low: EndsLow::default(),
        diffusers_bend: false,
        seen: VecDeque::new(),
    };
    match algorithm {
        Algorithm::EulerAncestral => Box::new(EulerAncestral { course, eta, noise }),
        Algorithm::Heun => Box::new(Heun { course, churn, noise }),
        Algorithm::Dpm2 => Box::new(Dpm2 { course, churn, noise }),
        Algorithm::Dpm2Ancestral => Box::new(Dpm2Ancestral { course, eta, noise }),
        Algorithm::Lms { order } => Box::new(Lms { course, order, slopes: VecDeque::new() }),
        Algorithm::Dpmpp2SAncestral => Box::new(Dpmpp2SAncestral { course, eta, noise }),
        Algorithm::DpmppSde { middle } => Box::new(DpmppSde { course, eta, noise, middle }),
        Algorithm::Dpmpp2M => Box::new(multistep(course, 0.0, 2, Second::Midpoint)),
        Algorithm::Dpmpp2MSde { heun: false } => Box::new(multistep(course, eta, 2, Second::Midpoint)),
        Algorithm::Dpmpp2MSde { heun: true } => Box::new(multistep(course, eta, 2, Second::Heun)),
        Algorithm::Dpmpp3MSde => Box::new(multistep(course, eta, 3, Second::Heun)),
        Algorithm::Euler | Algorithm::Ddim | Algorithm::Plms | Algorithm::UniPc | Algorithm::Class(_) => {
            Box::new(Euler { course, churn, noise, seen: true })
        }
    }
}

/// The samplers that A1111 runs by timesteps, in the scale of the training.
///
/// They end at the first timestep, not without noise, and so call the network once less than the steps say.
fn by_timesteps(recipe: &Recipe, course: &dyn Fn(Vec<Level>) -> Course, span: Span, wanted: Wanted) -> Result<Plan, DiffusionError> {
    if let Some(schedule) = wanted.schedule {
        let name = Schedule::ALL.iter().find(|(_, known)| *known == schedule).map_or("", |(name, _)| name);
        let fact = format!("the sampler `{}` has only its own schedule, not `{name}`", recipe.short[0]);
        return Err(DiffusionError::Setting(format!("{fact}; leave `schedule` out, or choose another sampler")));
    }
    let empty = course(Vec::new());
    let table = empty.table.clone();
    let train = table.len();
    if span.schedule == 0 || span.schedule > train {
        return Err(DiffusionError::Setting(format!("{} steps cannot be taken; choose 1 to {train}", span.schedule)));
    }
    let mut timesteps: Vec<f64> = (0..train).step_by(train / span.schedule).map(|t| (t + 1).min(train - 1) as f64).collect();
    if timesteps.len() < 2 {
        timesteps.push((train - 1) as f64);
    }
    let level = |t: f64| Level::of_alpha(t, table.alpha(t));
    let from_picture = wanted.strength.is_some();
    // A picture is noised to one timestep more than is then taken away: A1111 does so.
    let end = if from_picture { span.calls().saturating_sub(1).max(2).min(timesteps.len()) } else { timesteps.len() };
    let entry = level(timesteps[end.min(timesteps.len() - 1)]);
    let levels: Vec<Level> = match recipe.algorithm {
        Algorithm::UniPc => {
            let top = if from_picture { timesteps[end - 1] + 1.0 } else { train as f64 };
            // Counted from 1 to the table's length, and straight between the logarithms of alpha.
            numpy_linspace(top, 1.0, end + 1).into_iter().map(|t| by_log_alpha(&table, t - 1.0)).collect()
        }
        _ => timesteps[..end].iter().rev().map(|t| level(*t)).collect(),
    };
    let course = course(levels.clone());
    let (eta, noise) = (wanted.options.eta.unwrap_or(0.0), wanted.options.noise);
    let sampler: Box<dyn Sampler> = match recipe.algorithm {
        Algorithm::Plms => Box::new(plms(course)),
        Algorithm::UniPc => Box::new(UniPc {
            order: 3.min(course.steps()),
            course,
            exponential: false,
            pictures: true,
            ends_low: true,
            uncorrected: Vec::new(),
            seen: VecDeque::new(),
            last: None,
        }),
        _ => Box::new(Ddim { targets: levels[1..].to_vec(), course, eta, noise }),
    };
    Ok(Plan {
        sampler,
        levels,
        first: 0,
        entry,
        start: 1.0,
        calls: wanted.steps,
        seed_delta: wanted.options.seed_delta,
        freshness: Freshness::Drawn,
    })
}

/// A level between timesteps, whose logarithm of alpha is straight between those of its neighbours.
fn by_log_alpha(table: &Table, timestep: f64) -> Level {
    let (low, share) = (timestep.floor(), timestep.fract());
    let (a, b) = (table.alpha(low).ln(), table.alpha(low + 1.0).ln());
    Level::of_alpha(timestep, (a + (b - a) * share).exp())
}

/// A1111's PLMS: the first step is looked at twice.
fn plms(course: Course) -> Pndm {
    let pairs = course.levels.windows(2).map(|pair| Call { at: pair[0], from: pair[0], to: pair[1], runge_kutta: false });
    let mut calls: Vec<Call> = pairs.collect();
    if let Some(first) = calls.first().copied() {
        calls.insert(1, Call { at: first.to, ..first });
    }
    Pndm::new(course, calls, true)
}
