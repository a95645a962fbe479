//! What a strength and a number of steps mean together: how far up the noise a picture is lifted, and how many times the
//! network then runs. The same two numbers mean different things in different programs.

/// Whose meaning of strength and steps holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StrengthReading {
    /// diffusers: of `steps` steps the last `floor(steps * strength)` run.
    #[default]
    Diffusers,
    /// A1111 and Deforum: of `steps` steps the last `floor(steps * strength) + 1` run.
    A1111,
    /// Exactly `steps` steps run, out of a schedule that is longer by so much (A1111's "do exactly the amount of steps").
    Exact,
}

/// A part of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Steps of the whole schedule.
    pub schedule: usize,
    /// The first step that runs, from 0.
    pub first: usize,
}

impl Span {
    /// How many steps run.
    #[must_use]
    pub fn calls(self) -> usize {
        self.schedule - self.first
    }
}

impl StrengthReading {
    /// All of them, with the names that graphs use.
    pub const ALL: [(&'static str, Self); 3] = [("scaled", Self::Diffusers), ("a1111", Self::A1111), ("exact", Self::Exact)];

    /// The reading that graphs call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, reading)| *reading)
    }

    /// The steps that run at `strength` (0 to 1). In diffusers' reading there may be none; callers that must paint run the last.
    #[must_use]
    pub fn span(self, steps: usize, strength: f64) -> Span {
        let strength = strength.clamp(0.0, 1.0);
        let below_one = strength.min(0.999);
        match self {
            Self::Diffusers => {
                let run = ((steps as f64 * strength) as usize).min(steps);
                Span { schedule: steps, first: steps - run }
            }
            Self::A1111 => {
                let run = ((steps as f64 * below_one) as usize + 1).min(steps);
                Span { schedule: steps, first: steps - run }
            }
            Self::Exact => {
                let schedule = if strength > 0.0 { ((steps as f64 / below_one) as usize).max(steps) } else { steps };
                Span { schedule, first: schedule - steps }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_steps_at_065_run_6_7_or_10() {
        let calls = |reading: StrengthReading| reading.span(10, 0.65).calls();
        assert_eq!(calls(StrengthReading::Diffusers), 6);
        assert_eq!(calls(StrengthReading::A1111), 7);
        assert_eq!(calls(StrengthReading::Exact), 10);
        assert_eq!(StrengthReading::Exact.span(10, 0.65), Span { schedule: 15, first: 5 });
        assert_eq!(StrengthReading::Exact.span(4, 1e-9).schedule - 4, StrengthReading::Exact.span(4, 1e-9).first);
    }
}
