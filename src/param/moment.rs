use std::fmt;

use crate::frame::Size;

/// Frames per second, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fps {
    /// Frames…
    pub num: u32,
    /// …per so many seconds. Never 0.
    pub den: u32,
}

impl Fps {
    /// `num / den` in lowest terms; a zero `den` counts as 1.
    #[must_use]
    pub fn new(num: u32, den: u32) -> Self {
        let den = den.max(1);
        let (mut a, mut b) = (num.max(1), den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self { num: num.max(1) / a, den: den / a }
    }

    /// As a number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The simplest fraction within 0.001 % of `value`: 29.97 is 30000/1001, as television has it.
    #[must_use]
    pub fn nearest(value: f64) -> Self {
        let close = |f: Self| (f.as_f64() - value).abs() <= value.abs() * 2e-5;
        let of = |den: u32, scale: f64| Self::new((value * scale).round().max(1.0) as u32, den);
        let ntsc = of(1001, 1001.0);
        (1..=100)
            .map(|den| of(den, f64::from(den)))
            .find(|f| close(*f))
            .filter(|f| f.den == 1)
            .or_else(|| Some(ntsc).filter(|f| f.num.is_multiple_of(1000) && close(*f)))
            .or_else(|| (1..=1000).map(|den| of(den, f64::from(den))).find(|f| close(*f)))
            .unwrap_or_else(|| of(1000, 1000.0))
    }
}

impl fmt::Display for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{:.3}", self.as_f64()) }
    }
}

/// The tick at which parameters are evaluated, and what expressions may know of the run.
#[derive(Debug, Clone)]
pub struct Moment<'a> {
    /// The output frame, from 0.
    pub tick: u64,
    /// Frames in the whole output, where that is known.
    pub length: Option<u64>,
    /// Frames per second.
    pub fps: Fps,
    /// The frame size of the timeline.
    pub size: Size,
    /// The timeline's seed: `s` in expressions.
    pub seed: i64,
    /// Beats per minute, for times in beats.
    pub bpm: f64,
    /// Values of the scalar streams that expressions read, by `node.port`.
    pub streams: &'a [(String, f64)],
}

impl Default for Moment<'_> {
    fn default() -> Self {
        Self { tick: 0, length: None, fps: Fps { num: 25, den: 1 }, size: Size::new(512, 512), seed: 0, bpm: 120.0, streams: &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_find_their_usual_fraction() {
        assert_eq!(Fps::nearest(29.97), Fps { num: 30000, den: 1001 });
        assert_eq!(Fps::nearest(23.976), Fps { num: 24000, den: 1001 });
        assert_eq!(Fps::nearest(25.0), Fps { num: 25, den: 1 });
        assert_eq!(Fps::nearest(12.5), Fps { num: 25, den: 2 });
    }
}
