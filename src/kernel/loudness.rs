//! How loud a sound is, tick by tick, in all of it or in a band of frequencies.

use std::f64::consts::TAU;

/// The qualities of the two sections of a Butterworth filter of the fourth order.
const BUTTERWORTH: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_377];

/// A filter of the second order, by R. Bristow-Johnson's formulas ("Cookbook formulae for audio equalizer biquad filter
/// coefficients"), in the transposed direct form II.
#[derive(Debug, Clone)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Section {
    /// Passes what lies above (`high`) or below `edge`, as a share of the sampling rate.
    fn new(edge: f64, quality: f64, high: bool) -> Self {
        let (sin, cos) = (TAU * edge).sin_cos();
        let alpha = sin / (2.0 * quality);
        let (outer, inner) = if high { (f64::midpoint(1.0, cos), -1.0 - cos) } else { (f64::midpoint(1.0, -cos), 1.0 - cos) };
        let a0 = 1.0 + alpha;
        Self { b: [outer / a0, inner / a0, outer / a0], a: [-2.0 * cos / a0, (1.0 - alpha) / a0], state: [0.0; 2] }
    }

    fn step(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state = [self.b[1] * x - self.a[0] * y + self.state[1], self.b[2] * x - self.a[1] * y];
        y
    }
}

/// Lets a band of frequencies pass; 24 dB an octave beyond its edges.
#[derive(Debug, Clone)]
pub struct Band(Vec<Section>);

impl Band {
    /// From `low` to `high` hertz, either of which may be left out, at `rate` samples a second.
    #[must_use]
    pub fn new(low: Option<f64>, high: Option<f64>, rate: f64) -> Self {
        // Above half the rate there is nothing to let pass or keep back.
        let edge = |hertz: f64| hertz / rate;
        let low = low.map(edge).filter(|edge| *edge > 0.0).map(|edge| (edge.min(0.499), true));
        let high = high.map(edge).filter(|edge| *edge < 0.499).map(|edge| (edge, false));
        let pair = |(edge, high): (f64, bool)| BUTTERWORTH.map(|quality| Section::new(edge, quality, high));
        Self(low.into_iter().chain(high).flat_map(pair).collect())
    }

    /// Filters the next samples in place.
    pub fn pass(&mut self, samples: &mut [f32]) {
        if self.0.is_empty() {
            return;
        }
        for sample in samples {
            *sample = self.0.iter_mut().fold(f64::from(*sample), |x, section| section.step(x)) as f32;
        }
    }
}

/// Gathers the root mean square of every tick.
#[derive(Debug, Clone)]
pub struct Meter {
    samples_a_tick: f64,
    square: f64,
    position: u64,
    begin: u64,
    levels: Vec<f32>,
}

impl Meter {
    /// For ticks of so many samples, which need not be a whole number.
    #[must_use]
    pub fn new(samples_a_tick: f64) -> Self {
        Self { samples_a_tick: samples_a_tick.max(1.0), square: 0.0, position: 0, begin: 0, levels: Vec::new() }
    }

    /// Takes the next samples.
    pub fn take(&mut self, samples: &[f32]) {
        for sample in samples {
            self.square += f64::from(*sample).powi(2);
            self.position += 1;
            if self.position as f64 >= ((self.levels.len() + 1) as f64 * self.samples_a_tick).round() {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let count = self.position - self.begin;
        self.levels.push((self.square / count.max(1) as f64).sqrt() as f32);
        (self.square, self.begin) = (0.0, self.position);
    }

    /// The level of each tick; 0.707 for a sine wave as loud as can be. A last tick that is cut off counts.
    #[must_use]
    pub fn levels(mut self) -> Vec<f32> {
        if self.position > self.begin {
            self.close();
        }
        self.levels
    }
}

/// Smooths `levels`, which are `tick` seconds apart, over `length` seconds around each, without delay: a mean under a raised cosine.
#[must_use]
pub fn smooth(levels: &[f32], tick: f64, length: f64) -> Vec<f32> {
    let reach = (length / 2.0 / tick).floor().min(levels.len() as f64) as usize;
    if reach == 0 {
        return levels.to_vec();
    }
    let weight = |offset: usize| 1.0 + (TAU / 2.0 * offset as f64 / (reach + 1) as f64).cos();
    let mean = |index: usize| {
        let near = index.saturating_sub(reach)..(index + reach + 1).min(levels.len());
        let (sum, total) = near.fold((0.0, 0.0), |(sum, total), at| {
            let weight = weight(at.abs_diff(index));
            (sum + weight * f64::from(levels[at]), total + weight)
        });
        (sum / total) as f32
    };
    (0..levels.len()).map(mean).collect()
}

/// Lets `levels` rise and fall gradually: `attack` and `release` are the seconds after which 63 % of a jump up or down are done.
pub fn follow(levels: &mut [f32], tick: f64, attack: f64, release: f64) {
    let share = |seconds: f64| if seconds > 0.0 { 1.0 - (-tick / seconds).exp() } else { 1.0 };
    let (up, down) = (share(attack), share(release));
    let mut now = 0.0;
    for level in levels {
        let wanted = f64::from(*level);
        now += (wanted - now) * if wanted > now { up } else { down };
        *level = now as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 22050.0;

    fn sine(hertz: f64, seconds: f64) -> Vec<f32> {
        (0..(RATE * seconds) as usize).map(|n| (TAU * hertz * n as f64 / RATE).sin() as f32).collect()
    }

    /// The level of a steady sine wave through a band, after the filter has settled.
    fn through(low: Option<f64>, high: Option<f64>, hertz: f64) -> f32 {
        let mut samples = sine(hertz, 1.0);
        Band::new(low, high, RATE).pass(&mut samples);
        let mut meter = Meter::new(RATE / 10.0);
        meter.take(&samples);
        meter.levels()[8]
    }

    #[test]
    fn bands_pass_what_lies_in_them() {
        for hertz in [50.0, 440.0, 5000.0] {
            assert!((through(None, None, hertz) - 0.7071).abs() < 1e-3);
        }
        assert!((through(Some(200.0), Some(2000.0), 632.0) - 0.7071).abs() < 0.005);
        assert!((through(None, Some(200.0), 200.0) - 0.5).abs() < 1e-3, "half the power at the edge");
        assert!(through(None, Some(200.0), 800.0) < 0.7071 / 200.0, "48 dB in two octaves");
        assert!(through(Some(4000.0), None, 1000.0) < 0.7071 / 200.0);
        assert!((through(Some(100.0), Some(50_000.0), 5000.0) - 0.7071).abs() < 1e-3, "beyond half the rate is no edge");
    }

    #[test]
    fn ticks_that_are_no_whole_samples_do_not_drift() {
        let mut meter = Meter::new(10.5);
        for _ in 0..10 {
            meter.take(&[0.5; 21]);
        }
        let levels = meter.levels();
        assert_eq!(levels.len(), 20);
        assert!(levels.iter().all(|level| *level == 0.5));
        let mut short = Meter::new(10.0);
        short.take(&[1.0; 13]);
        assert_eq!(short.levels(), [1.0, 1.0]);
    }

    #[test]
    fn levels_follow_with_their_constants() {
        let mut levels = [0.0, 1.0, 1.0, 0.0, 0.0];
        follow(&mut levels, 0.1, 0.0, 0.1);
        let e = std::f32::consts::E;
        assert!(levels.iter().zip([0.0, 1.0, 1.0, 1.0 / e, 1.0 / (e * e)]).all(|(a, b)| (a - b).abs() < 1e-6), "{levels:?}");
        let smoothed = smooth(&[0.0, 0.0, 1.0, 0.0, 0.0], 0.1, 0.2);
        assert!(smoothed[2] == 0.5 && smoothed[1] == 0.25 && smoothed[3] == 0.25 && smoothed[0] == 0.0, "{smoothed:?}");
        assert_eq!(smooth(&[0.3], 0.1, 5.0), [0.3]);
    }
}
