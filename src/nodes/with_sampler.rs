//! The parameters of kinds that sample: the sampler, and how its noise levels are spread.

use crate::choice;
use crate::diffusion::{SamplerKind, Schedule};
use crate::param::Diagnostic;
use crate::param::{Data, Moment, Param, ReadCx, Shape};

/// What is offered, in the order of the documentation. Many more names are read, see [`SamplerKind::parse`].
const OFFERED: &[(&str, &str)] = &[
    ("from_model", "What the model was exported with, exactly as diffusers runs it."),
    ("euler", "Euler's method: plain and good from about 10 steps on."),
    ("euler_a", "Euler with fresh noise at each step: inventive, never settles."),
    ("heun", "Euler that looks ahead: two calls of the network a step."),
    ("lms", "Linear multistep."),
    ("dpm2", "A slope halfway: two calls a step."),
    ("dpm2_a", "The same with fresh noise."),
    ("dpmpp_2m", "DPM-Solver++ 2M: the usual choice for 15 to 30 steps."),
    ("dpmpp_2m_sde", "The same with fresh noise."),
    ("dpmpp_2m_sde_heun", "The same, more exact."),
    ("dpmpp_3m_sde", "Of third order; for 25 steps and more."),
    ("dpmpp_2s_a", "Two calls a step, and fresh noise."),
    ("dpmpp_sde", "Two calls a step, and fresh noise after each; good at few steps."),
    ("unipc", "A predictor and a corrector; for 5 to 20 steps."),
    ("deis", "Exponential integrator; for 10 to 20 steps."),
    ("ddim", "DDIM."),
    ("plms", "Pseudo linear multistep."),
    ("lcm", "Latent consistency: bold pictures in few steps, all of which run at any strength."),
    ("tcd", "Trajectory consistency: for models distilled for it, few steps."),
];

/// A sampler by name, and the schedule that the name may have in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerName {
    /// The sampler.
    pub kind: SamplerKind,
    /// The schedule.
    pub schedule: Option<Schedule>,
}

impl Param for SamplerName {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Words(OFFERED)
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        let text = data.text().unwrap_or_default();
        let Some((kind, schedule)) = SamplerKind::parse(text) else {
            let unknown = Diagnostic::error("unknown-word", format!("`{text}` is not a sampler")).at(data.span, "no such sampler");
            let unknown = unknown.suggest(text, OFFERED.iter().map(|(word, _)| *word));
            let words: Vec<_> = OFFERED.iter().map(|(word, _)| format!("`{word}`")).collect();
            let listed = format!("write one of {}, or a label such as `DPM++ 2M Karras`", words.join(", "));
            return Err(if unknown.help.is_empty() { unknown.help(listed) } else { unknown });
        };
        Ok(Self { kind, schedule })
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        *self
    }
}

choice! {
    /// How a sampler's noise levels are spread.
    pub enum ScheduleName {
        /// The sampler's usual one, as A1111 chooses it: Karras for DPM++ 2M, exponential for the SDEs, uniform for Euler.
        Automatic = "automatic",
        /// Even in the training's timesteps.
        Uniform = "uniform",
        /// More steps at the quiet end: finer detail.
        Karras = "karras",
        /// Even in the logarithm of the noise.
        Exponential = "exponential",
        /// A power of that logarithm.
        Polyexponential = "polyexponential",
        /// Even, the last step a long one: for Turbo and Lightning models.
        SgmUniform = "sgm_uniform",
        /// Even, both ends included.
        Normal = "normal",
        /// Every n-th of the training's levels.
        Simple = "simple",
        /// Every n-th of them from the quiet end.
        Ddim = "ddim",
        /// More steps at both ends.
        Beta = "beta",
        /// Optimal in the sense of Kullback and Leibler.
        KlOptimal = "kl_optimal",
        /// Align Your Steps: found by optimisation, for 10 steps or so.
        AlignYourSteps = "align_your_steps",
        /// diffusers' spacing downwards from the noisiest.
        Trailing = "trailing",
        /// diffusers' spacing from the quiet end.
        Leading = "leading",
        /// diffusers' even spacing.
        Linspace = "linspace",
    }
}

impl ScheduleName {
    /// The schedule; nothing for the sampler's usual one.
    pub fn schedule(self) -> Option<Schedule> {
        Schedule::from_name(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_known_and_every_schedule_offered() {
        for (word, _) in OFFERED {
            assert!(SamplerKind::parse(word).is_some(), "{word}");
        }
        for (word, schedule) in Schedule::ALL {
            assert_eq!(ScheduleName::from_word(word).and_then(ScheduleName::schedule), Some(schedule), "{word}");
        }
        assert_eq!(ScheduleName::Automatic.schedule(), None);
    }
}
