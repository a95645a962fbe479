//! How a picture is repainted in part: words of the graph for what a request asks.

use crate::choice;
use crate::diffusion::{Fill, StrengthReading};

choice! {
    /// How many of the steps run when a picture is repainted in part.
    pub enum StepsMean {
        /// The share `strength` of them, rounded down but at least one, as in diffusers.
        Scaled = "scaled",
        /// One more than that, as in A1111 and Deforum.
        A1111 = "a1111",
        /// All of them, closer together.
        Exact = "exact",
    }
}

impl From<StepsMean> for StrengthReading {
    fn from(mean: StepsMean) -> Self {
        match mean {
            StepsMean::Scaled => Self::Diffusers,
            StepsMean::A1111 => Self::A1111,
            StepsMean::Exact => Self::Exact,
        }
    }
}

choice! {
    /// What the repainted part of a picture begins with.
    pub enum InpaintFill {
        /// What was there: to change it.
        Original = "original",
        /// Noise: to forget what was there. Wants a high `strength`.
        Noise = "noise",
        /// Latents of zero, an even tone: to forget what was there, for calmer results. Wants a high `strength`.
        Nothing = "nothing",
    }
}

impl From<InpaintFill> for Fill {
    fn from(fill: InpaintFill) -> Self {
        match fill {
            InpaintFill::Original => Self::Original,
            InpaintFill::Noise => Self::Noise,
            InpaintFill::Nothing => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_agree_with_those_of_model_folders() {
        for (name, reading) in StrengthReading::ALL {
            assert_eq!(StepsMean::from_word(name).map(StrengthReading::from), Some(reading));
        }
    }
}
