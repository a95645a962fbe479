use super::diffusers::{self, Class};
use super::kdiffusion::{self, RECIPES, Recipe};
use super::{Plan, SamplerOptions};
use crate::diffusion::DiffusionError;
use crate::diffusion::schedule::SchedulerConfig;
use crate::diffusion::sigmas::{Schedule, plain};
use crate::diffusion::strength::StrengthReading;

/// A choice of sampler, of one of the two worlds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SamplerKind {
    /// What the model's `scheduler_config.json` says: class and settings, as diffusers runs it.
    FromModel,
    /// A scheduler class of diffusers with the settings that the model's configuration has for it.
    Class(Class),
    /// A sampler of A1111 and k-diffusion.
    Named(&'static Recipe),
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How the levels are spread; nothing for the sampler's own.
    pub schedule: Option<Schedule>,
    /// Steps asked for.
    pub steps: usize,
    /// The strength and what it means, when there is a picture to start from.
    pub strength: Option<(f64, StrengthReading)>,
    /// What some samplers heed.
    pub options: SamplerOptions,
    /// Whether the model is an SDXL.
    pub xl: bool,
}

impl SamplerKind {
    /// The sampler of a name, and the schedule where the name has one: A1111's labels (`DPM++ 2M Karras`), their short forms
    /// (`dpmpp_2m`), scheduler classes of diffusers (`EulerDiscreteScheduler`) and `from_model`, in capitals or not.
    #[must_use]
    pub fn parse(name: &str) -> Option<(Self, Option<Schedule>)> {
        let name = plain(name);
        if name == "frommodel" {
            return Some((Self::FromModel, None));
        }
        if let Some(class) = Class::ALL.iter().find(|class| plain(class.name()) == name) {
            return Some((Self::Class(*class), None));
        }
        let recipes = RECIPES.iter().flat_map(|recipe| recipe.names().map(move |known| (plain(known), recipe)));
        let found: Vec<_> = recipes.filter_map(|(known, recipe)| Some((name.strip_prefix(&known)?.to_owned(), recipe))).collect();
        // The longest name that fits leaves the shortest rest.
        let (rest, recipe) = found
            .into_iter()
            .filter(|(rest, _)| rest.is_empty() || rest == "automatic" || Schedule::from_name(rest).is_some())
            .min_by_key(|(rest, _)| rest.len())?;
        Some((recipe.kind(), Schedule::from_name(&rest)))
    }

    /// The sampler of a name without a schedule in it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::parse(name).map(|(kind, _)| kind)
    }

    /// What strength and steps mean for this sampler where nothing is said.
    #[must_use]
    pub fn reading(self) -> StrengthReading {
        match self {
            Self::Named(_) => StrengthReading::A1111,
            Self::FromModel | Self::Class(_) => StrengthReading::Diffusers,
        }
    }

    /// Makes the sampler for a model's configuration.
    ///
    /// At least one step runs.
    ///
    /// # Errors
    /// When the model names a class that is not known, or the class cannot do what is wanted.
    pub fn plan(self, config: &SchedulerConfig, wanted: Wanted) -> Result<Plan, DiffusionError> {
        match self {
            Self::FromModel => diffusers::plan(Class::of(config)?, config, wanted),
            Self::Class(class) => diffusers::plan(class, config, wanted),
            Self::Named(recipe) => kdiffusion::plan(recipe, config, wanted),
        }
    }
}
