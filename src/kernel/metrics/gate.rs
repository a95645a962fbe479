//! Bounds that a clip must keep: `warp_error<0.004,psnr>30`.

use std::fmt;
use std::ops::Range;

use super::{Metric, Summary, Worst};

/// What of a metric is held against the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stat {
    /// The mean over the clip.
    #[default]
    Mean,
    /// The least of any frame.
    Min,
    /// The most of any frame.
    Max,
    /// The change over 100 frames.
    Slope,
}

impl Stat {
    const ALL: [(Self, &'static str); 4] = [(Self::Mean, "mean"), (Self::Min, "min"), (Self::Max, "max"), (Self::Slope, "slope")];

    /// Its name in gates.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(stat, _)| *stat == self).map_or("mean", |(_, name)| name)
    }

    fn of(self, summary: &Summary) -> f64 {
        match self {
            Self::Mean => summary.mean,
            Self::Min => summary.min.value,
            Self::Max => summary.max.value,
            Self::Slope => summary.slope,
        }
    }
}

/// How a value is held against the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Op {
    /// The longer signs first, so that they are found first.
    const ALL: [(Self, &'static str); 4] = [(Self::AtMost, "<="), (Self::AtLeast, ">="), (Self::Less, "<"), (Self::More, ">")];

    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::More => value > bound,
            Self::AtLeast => value >= bound,
        }
    }

    fn wants_little(self) -> bool {
        matches!(self, Self::Less | Self::AtMost)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(op, _)| op == self).map_or("", |(_, sign)| sign))
    }
}

/// One bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Whose metric: empty for the clip under test.
    pub subject: String,
    /// The metric.
    pub metric: Metric,
    /// What of it.
    pub stat: Stat,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub bound: f64,
    /// Where it stands in the text, in bytes.
    pub place: Range<usize>,
}

/// Bounds that must all hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gate {
    /// One after the other.
    pub checks: Vec<Check>,
}

/// What is wrong with a gate's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GateError {
    /// The fact, and after a semicolon what to write.
    pub message: String,
    /// The bytes at fault.
    pub place: Range<usize>,
}

impl Gate {
    /// Reads `METRIC OP NUMBER` any number of times, with commas between; METRIC may be followed by `.min`, `.max`, `.mean` or `.slope`
    /// and preceded by one of `subjects` and a dot.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn read(text: &str, subjects: &[&str]) -> Result<Self, GateError> {
        let mut checks = Vec::new();
        let mut at = 0;
        for part in text.split(',') {
            checks.push(read_one(part, at, subjects)?);
            at += part.len() + 1;
        }
        Ok(Self { checks })
    }
}

fn read_one(part: &str, at: usize, subjects: &[&str]) -> Result<Check, GateError> {
    let trimmed = part.trim();
    let start = at + part.find(trimmed).unwrap_or(0);
    let place = start..start + trimmed.len().max(1);
    let fail = |message: String, place: Range<usize>| Err(GateError { message, place });
    if trimmed.is_empty() {
        return fail("a bound is missing; write one such as `psnr>30`, with commas between several".into(), place);
    }
    let Some(split) = trimmed.find(['<', '>', '=', '!']) else {
        return fail(format!("`{trimmed}` compares nothing; write a bound such as `{trimmed}<0.01`"), place);
    };
    let (name, rest) = trimmed.split_at(split);
    let Some((op, sign)) = Op::ALL.into_iter().find(|(_, sign)| rest.starts_with(sign)) else {
        let sign = &rest[..rest.find(|c: char| !"<>=!".contains(c)).unwrap_or(rest.len())];
        return fail(format!("`{sign}` is not known here; write `<`, `<=`, `>` or `>=`"), start + split..start + split + sign.len());
    };
    let after = split + sign.len();
    let number = trimmed[after..].trim();
    let number_at = start + trimmed.len() - trimmed[after..].trim_start().len();
    let Some(bound) = number.parse::<f64>().ok().filter(|bound| bound.is_finite()) else {
        let found = if number.is_empty() { "nothing".to_owned() } else { format!("`{number}`") };
        let length = number.len().max(1);
        let from = if number.is_empty() { start + split } else { number_at };
        return fail(format!("{found} stands where a number should; write one such as `0.01`"), from..from + length);
    };
    let (subject, metric, stat) = read_name(name.trim_end(), start, subjects)?;
    Ok(Check { subject, metric, stat, op, bound, place })
}

fn read_name(name: &str, start: usize, subjects: &[&str]) -> Result<(String, Metric, Stat), GateError> {
    let place = start..start + name.len().max(1);
    let (subject, rest) = match name.split_once('.') {
        Some((first, rest)) if subjects.contains(&first) => (first, rest),
        _ => ("", name),
    };
    let (metric, stat) = rest.split_once('.').unwrap_or((rest, "mean"));
    let Some(metric) = Metric::named(metric) else {
        let known: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        let message = format!("there is no metric `{metric}`; write one of {}", known.join(", "));
        return Err(GateError { message, place });
    };
    let Some((stat, _)) = Stat::ALL.into_iter().find(|(_, name)| *name == stat) else {
        let message = format!("`{}` has no `{stat}`; write `mean`, `min`, `max` or `slope`", metric.name());
        return Err(GateError { message, place });
    };
    Ok((subject.to_owned(), metric, stat))
}

impl Check {
    /// The metric as a gate names it: `psnr`, `b.psnr`, `psnr.min`.
    #[must_use]
    pub fn name(&self) -> String {
        let subject = if self.subject.is_empty() { String::new() } else { format!("{}.", self.subject) };
        let stat = if self.stat == Stat::Mean { String::new() } else { format!(".{}", self.stat.name()) };
        format!("{subject}{}{stat}", self.metric.name())
    }

    /// Holds a clip's figures against the bound; what does not hold comes back as a sentence that names the worst frame.
    ///
    /// # Errors
    /// The sentence.
    pub fn hold(&self, summary: Option<&Summary>) -> Result<(), String> {
        let name = self.name();
        let Some(summary) = summary else {
            return Err(format!("`{name}` has no value: the clip is too short for it"));
        };
        let value = self.stat.of(summary);
        if self.op.holds(value, self.bound) {
            return Ok(());
        }
        let Worst { frame, value: worst } = if self.op.wants_little() { summary.max } else { summary.min };
        let value = number(value);
        Err(format!("`{name}` is {value}, not {} {}; the worst is frame {frame} with {}", self.op, self.bound, number(worst)))
    }
}

/// Four digits that count, for people.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    if magnitude < -5 {
        return format!("{value:.3e}");
    }
    let decimals = usize::try_from((3 - magnitude).max(0)).unwrap_or(0);
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> (String, &str) {
        let error = Gate::read(text, &["b"]).unwrap_err();
        (error.message, &text[error.place.start..error.place.end.min(text.len())])
    }

    #[test]
    fn bounds_are_read() {
        let gate = Gate::read(" warp_error<0.004, b.psnr.min >= 30 ,drift.slope<1e-2", &["b"]).unwrap();
        let names: Vec<_> = gate.checks.iter().map(Check::name).collect();
        assert_eq!(names, ["warp_error", "b.psnr.min", "drift.slope"]);
        assert_eq!((gate.checks[1].op, gate.checks[1].bound), (Op::AtLeast, 30.0));
        assert_eq!(gate.checks[0].place, 1..17);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        assert_eq!(wrong("psnr>30,warperror<1").1, "warperror");
        assert_eq!(wrong("psnr=30").1, "=");
        assert_eq!(wrong("psnr > many").1, "many");
        assert_eq!(wrong("psnr>").1, ">");
        assert_eq!(wrong("ssim").1, "ssim");
        assert_eq!(wrong("psnr.med>3").1, "psnr.med");
        assert_eq!(wrong("c.psnr>3").1, "c.psnr");
        assert!(wrong("psnr>30,").0.contains("missing"));
        assert!(wrong("psnr>nan").0.contains("number"));
    }

    #[test]
    fn bounds_hold_or_name_the_worst_frame() {
        let at = |frame, value| Worst { frame, value };
        let summary = Summary { mean: 31.5, min: at(7, 20.0), max: at(9, 40.0), slope: 0.0 };
        let hold = |text: &str, summary| Gate::read(text, &[]).unwrap().checks[0].hold(summary);
        assert_eq!(hold("psnr>30", Some(&summary)), Ok(()));
        assert_eq!(hold("psnr>35", Some(&summary)).unwrap_err(), "`psnr` is 31.50, not > 35; the worst is frame 7 with 20.00");
        assert!(hold("psnr.max<35", Some(&summary)).unwrap_err().contains("frame 9 with 40.00"));
        assert!(hold("psnr>30", None).unwrap_err().contains("no value"));
        let nothing = Summary { mean: f64::NAN, ..summary };
        assert!(hold("psnr>30", Some(&nothing)).is_err(), "what is no number passes no gate");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!([0.0, 31.4159, 0.004_321, 123_456.0, 1e-7].map(number), ["0.000", "31.42", "0.004321", "123456", "1.000e-7"]);
    }
}
