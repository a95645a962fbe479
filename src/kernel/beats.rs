//! Where something begins in a sound, how fast its beat is, and where the beats fall.
//!
//! Onsets by spectral flux (how much the spectrum grows from one moment to the next); tempo by autocorrelation of it; beats by dynamic
//! programming over both, after D. Ellis, "Beat Tracking by Dynamic Programming", 2007.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Samples of one spectrum.
const WINDOW: usize = 1024;
/// Samples from one spectrum to the next.
const HOP: usize = 256;
/// How much quiet sounds count beside loud ones: magnitudes m become ln(1 + 100 m).
const COMPRESSION: f32 = 100.0;
/// Flux below this is hiss: a full-scale sine that sets in has some hundred.
const AUDIBLE: f32 = 0.5;
/// How much an uneven beat costs against a weak one.
const TIGHTNESS: f64 = 100.0;
/// Beats a minute that are thought of.
const TEMPI: [f64; 2] = [40.0, 240.0];
/// The tempo that is preferred where several fit, such as half and double.
const USUAL: f64 = 120.0;
/// A sharp sound makes the flux grow most when it passes the rising flank of the window, a quarter before its middle; growth from one
/// spectrum to the next lies between the two.
const EARLY: f64 = (WINDOW / 4 - HOP / 2) as f64;

/// Gathers the flux of a sound.
pub struct Onsets {
    fft: Arc<dyn RealToComplex<f32>>,
    shape: Vec<f32>,
    bins: std::ops::Range<usize>,
    rate: f64,
    /// What the next spectrum is made of; begins before the sound by half a window.
    buffer: Vec<f32>,
    before: Vec<f32>,
    flux: Vec<f32>,
}

impl Onsets {
    /// For a sound of `rate` samples a second, heard from `low` to `high` hertz.
    #[must_use]
    pub fn new(rate: f64, low: f64, high: f64) -> Self {
        let turn = |n: usize| std::f32::consts::TAU * n as f32 / WINDOW as f32;
        let last = WINDOW / 2;
        let bin = |hertz: f64| (hertz / rate * WINDOW as f64).round().clamp(1.0, last as f64) as usize;
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(WINDOW),
            shape: (0..WINDOW).map(|n| 0.5 - 0.5 * turn(n).cos()).collect(),
            // A narrow band still has a bin or two.
            bins: bin(low)..(bin(high) + 1).max(bin(low) + 2).min(last + 1),
            rate,
            buffer: vec![0.0; WINDOW / 2],
            before: Vec::new(),
            flux: Vec::new(),
        }
    }

    /// Takes the next samples.
    pub fn take(&mut self, samples: &[f32]) {
        self.buffer.extend_from_slice(samples);
        while self.buffer.len() >= WINDOW {
            self.spectrum();
            self.buffer.drain(..HOP);
        }
    }

    fn spectrum(&mut self) {
        let mut input: Vec<f32> = self.buffer[..WINDOW].iter().zip(&self.shape).map(|(sample, shape)| sample * shape).collect();
        let mut output: Vec<Complex<f32>> = self.fft.make_output_vec();
        // The lengths are right by construction; were they not, the spectrum would be silent.
        let _ = self.fft.process(&mut input, &mut output);
        // A sine at full scale has magnitude 1.
        let scale = 4.0 / WINDOW as f32;
        let now: Vec<f32> = output[self.bins.clone()].iter().map(|c| (COMPRESSION * scale * c.norm()).ln_1p()).collect();
        // The very first spectrum has none before it: what sounds from the start begins there.
        let grown = |(index, now): (usize, &f32)| (now - self.before.get(index).copied().unwrap_or(0.0)).max(0.0);
        self.flux.push(now.iter().enumerate().map(grown).sum());
        self.before = now;
    }

    /// The flux and its rate a second.
    #[must_use]
    pub fn finish(mut self) -> Flux {
        self.take(&[0.0; WINDOW / 2]);
        Flux { values: self.flux, rate: self.rate / HOP as f64 }
    }
}

/// How much the spectrum grows, over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Flux {
    values: Vec<f32>,
    /// Values a second.
    rate: f64,
}

impl Flux {
    /// The seconds at which value `index` of the flux tells of an onset.
    fn seconds(&self, index: usize) -> f64 {
        index as f64 / self.rate + EARLY / (self.rate * HOP as f64)
    }

    /// The flux above its surroundings (0.8 s), 1 being its usual size there; `None` for silence.
    fn relative(&self) -> Option<Vec<f64>> {
        let reach = (0.4 * self.rate) as usize;
        let sums: Vec<f64> = std::iter::once(0.0)
            .chain(self.values.iter().scan(0.0, |sum, value| {
                *sum += f64::from(*value);
                Some(*sum)
            }))
            .collect();
        let above = |index: usize| {
            let (from, to) = (index.saturating_sub(reach), (index + reach + 1).min(self.values.len()));
            (f64::from(self.values[index]) - (sums[to] - sums[from]) / (to - from) as f64).max(0.0)
        };
        let heights: Vec<f64> = (0..self.values.len()).map(above).collect();
        let size = (heights.iter().map(|h| h * h).sum::<f64>() / heights.len().max(1) as f64).sqrt();
        let audible = self.values.iter().any(|value| *value > AUDIBLE);
        (audible && size > 0.0).then(|| heights.into_iter().map(|height| height / size).collect())
    }

    /// The seconds at which something begins.
    #[must_use]
    pub fn onsets(&self) -> Vec<f64> {
        let Some(heights) = self.relative() else { return Vec::new() };
        let reach = (0.05 * self.rate).round().max(1.0) as usize;
        let peak = |index: &usize| {
            let near = index.saturating_sub(reach)..(index + reach + 1).min(heights.len());
            // Of two equal ones the first.
            let higher = |at: usize| heights[at] > heights[*index] || (at < *index && heights[at] == heights[*index]);
            heights[*index] > 1.0 && self.values[*index] > AUDIBLE && !near.into_iter().any(higher)
        };
        (0..heights.len()).filter(peak).map(|index| self.seconds(index)).collect()
    }

    /// Beats a minute, as steady as the sound as a whole is; `None` where nothing begins or it is too short to tell.
    #[must_use]
    pub fn tempo(&self) -> Option<f64> {
        let heights = self.relative()?;
        let lag = |bpm: f64| 60.0 * self.rate / bpm;
        let lags = lag(TEMPI[1]).floor() as usize..=lag(TEMPI[0]).ceil() as usize;
        if heights.len() < lag(TEMPI[1]) as usize * 3 {
            return None;
        }
        let alike = |lag: usize| heights.iter().zip(heights.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>();
        let found: Vec<f64> = (0..=lags.end() + 1).map(alike).collect();
        // A beat between two hops shows in both.
        let spread = |lag: usize| found[lag] + 0.5 * (found[lag - 1] + found[lag + 1]);
        let liked = |at: usize| {
            let octaves = (lag(USUAL) / at as f64).log2();
            spread(at) * (-0.5 * octaves * octaves).exp()
        };
        let best = lags.filter(|at| *at < heights.len()).max_by(|a, b| liked(*a).total_cmp(&liked(*b)))?;
        (spread(best) > 0.0).then(|| 60.0 * self.rate / Self::sharpened(&heights, best))
    }

    /// The period near `lag`, to a part of a hop: many periods further the error shows so many times larger.
    fn sharpened(heights: &[f64], lag: usize) -> f64 {
        let alike = |lag: usize| heights.iter().zip(heights.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>();
        let mut period = lag as f64;
        for times in [1.0, 2.0, 4.0, 8.0] {
            let middle = (period * times).round() as usize;
            let (from, to) = (middle.saturating_sub(2).max(1), middle + 2);
            if to + lag >= heights.len() {
                break;
            }
            let around: Vec<(f64, f64)> = (from..=to).map(|at| (at as f64, alike(at))).collect();
            let total: f64 = around.iter().map(|(_, weight)| weight).sum();
            if total <= 0.0 {
                break;
            }
            period = around.iter().map(|(at, weight)| at * weight).sum::<f64>() / total / times;
        }
        period
    }

    /// The seconds of the beats at about `bpm` beats a minute.
    #[must_use]
    pub fn beats(&self, bpm: f64) -> Vec<f64> {
        let Some(heights) = self.relative() else { return Vec::new() };
        let period = 60.0 * self.rate / bpm;
        let reach = ((period / 2.0).round().max(1.0) as usize, (period * 2.0).round() as usize);
        let cost = |gap: usize| TIGHTNESS * (gap as f64 / period).ln().powi(2);
        let costs: Vec<f64> = (0..=reach.1).map(|gap| cost(gap.max(1))).collect();
        let mut score: Vec<f64> = Vec::with_capacity(heights.len());
        let mut link: Vec<Option<usize>> = Vec::with_capacity(heights.len());
        for (at, height) in heights.iter().enumerate() {
            let before = (reach.0..=reach.1.min(at)).map(|gap| (at - gap, score[at - gap] - costs[gap]));
            let best = before.max_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0))).filter(|(_, worth)| *worth > 0.0);
            score.push(height + best.map_or(0.0, |(_, worth)| worth));
            link.push(best.map(|(index, _)| index));
        }
        let end = score.len().saturating_sub(reach.1.max(1));
        let mut next = (end..score.len()).max_by(|a, b| score[*a].total_cmp(&score[*b]));
        let mut beats = Vec::new();
        while let Some(at) = next {
            beats.push(at);
            next = link[at];
        }
        beats.reverse();
        // Before the music begins and after it has ended there is nothing to beat.
        let strong = |at: &usize| heights[at.saturating_sub(2)..(at + 3).min(heights.len())].iter().any(|height| *height > 0.5);
        let (first, last) = (beats.iter().position(strong), beats.iter().rposition(strong));
        let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
        beats[first..=last].iter().map(|at| self.seconds(*at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 22050.0;

    /// Clicks (5 ms of noise) at the given seconds.
    fn clicks(at: &[f64], seconds: f64) -> Flux {
        let mut samples = vec![0.0_f32; (RATE * seconds) as usize];
        for at in at {
            let start = (at * RATE).round() as usize;
            for n in 0..110 {
                let noise = ((n as f32 * 12.9898).sin() * 43_758.547).fract();
                if let Some(sample) = samples.get_mut(start + n) {
                    *sample = noise * 0.5;
                }
            }
        }
        let mut onsets = Onsets::new(RATE, 30.0, 10_000.0);
        // In pieces of any length.
        samples.chunks(777).for_each(|piece| onsets.take(piece));
        onsets.finish()
    }

    fn every(period: f64, from: f64, count: usize) -> Vec<f64> {
        (0..count).map(|n| from + period * n as f64).collect()
    }

    fn close(found: &[f64], wanted: &[f64], within: f64) {
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() < within, "{a} instead of {b}: {found:?}");
        }
    }

    #[test]
    fn onsets_are_found_to_the_hundredth_of_a_second() {
        let at = [0.31, 0.9, 1.05, 2.4];
        close(&clicks(&at, 3.0).onsets(), &at, 0.012);
    }

    #[test]
    fn the_tempo_of_clicks_is_theirs() {
        for bpm in [80.0, 100.0, 120.0, 128.0, 150.0] {
            let flux = clicks(&every(60.0 / bpm, 0.2, 24), 24.0 * 60.0 / bpm + 0.5);
            let tempo = flux.tempo().unwrap();
            assert!((tempo - bpm).abs() < 0.5, "{tempo} instead of {bpm}");
        }
    }

    #[test]
    fn beats_fall_on_the_clicks() {
        for bpm in [97.0, 120.0] {
            let at = every(60.0 / bpm, 0.37, 20);
            let flux = clicks(&at, 20.0 * 60.0 / bpm + 0.3);
            close(&flux.beats(flux.tempo().unwrap()), &at, 0.015);
        }
    }

    #[test]
    fn a_missing_click_is_a_beat_all_the_same() {
        let mut at = every(0.5, 0.25, 20);
        at.remove(9);
        let flux = clicks(&at, 10.2);
        close(&flux.beats(120.0), &every(0.5, 0.25, 20), 0.02);
    }

    #[test]
    fn silence_has_neither_onset_nor_beat() {
        let flux = clicks(&[], 3.0);
        assert_eq!((flux.tempo(), flux.onsets().len(), flux.beats(120.0).len()), (None, 0, 0));
        let nothing = Onsets::new(RATE, 30.0, 10_000.0).finish();
        assert_eq!((nothing.tempo(), nothing.beats(120.0).len()), (None, 0));
    }
}
