//! Sound that takes longer without becoming lower: for slow motion.
//!
//! Waveform similarity overlap-add (Verhelst and Roelands 1993): the output is put together from overlapping pieces of the input,
//! each taken near its place in time where it goes on most like the piece before.

/// Samples of each channel.
pub(super) type Planes = Vec<Vec<f32>>;

/// Makes sound last `factor` times as long.
pub(super) struct Stretcher {
    factor: f64,
    /// Half of a piece: what one piece adds to the output.
    hop: usize,
    /// How far from its place a piece may be taken.
    reach: usize,
    /// The rising half of the window; the falling half is 1 less it.
    rise: Vec<f32>,
    /// Samples that may still be needed.
    input: Planes,
    /// The place of the first of them in the whole.
    first: usize,
    /// Pieces made so far.
    pieces: u64,
    /// Where the last piece goes on.
    goes_on: Option<usize>,
}

impl Stretcher {
    /// For `channels` at `rate` samples a second.
    pub(super) fn new(channels: usize, rate: u32, factor: f64) -> Self {
        // Pieces of 40 ms hold two periods of the lowest voices; they find their match within 10 ms.
        let hop = (rate as usize / 50).max(16);
        let rise = (0..hop).map(|i| 0.5 - 0.5 * (std::f32::consts::PI * (i as f32 + 0.5) / hop as f32).cos()).collect();
        let input = vec![Vec::new(); channels.max(1)];
        Self { factor, hop, reach: hop / 2, rise, input, first: 0, pieces: 0, goes_on: None }
    }

    /// Takes more sound; gives what can be made of all so far.
    pub(super) fn push(&mut self, sound: &[Vec<f32>]) -> Planes {
        for (input, sound) in self.input.iter_mut().zip(sound) {
            input.extend_from_slice(sound);
        }
        let mut out = vec![Vec::new(); self.input.len()];
        while self.first + self.input[0].len() >= self.place() + self.reach + 2 * self.hop {
            self.piece(&mut out);
        }
        out
    }

    /// The sound is over: gives the rest.
    pub(super) fn finish(&mut self) -> Planes {
        let silence = vec![vec![0.0; 4 * self.hop + self.reach]; self.input.len()];
        self.push(&silence)
    }

    /// Where the next piece comes from, but for the search.
    fn place(&self) -> usize {
        ((self.pieces as f64) * self.hop as f64 / self.factor).round() as usize
    }

    fn piece(&mut self, out: &mut Planes) {
        let place = self.place();
        let from = self.goes_on.map_or(place, |goes_on| self.best(place, goes_on));
        let before = self.goes_on.unwrap_or(from);
        for (input, out) in self.input.iter().zip(out) {
            let (old, new) = (&input[before - self.first..], &input[from - self.first..]);
            out.extend(self.rise.iter().zip(old.iter().zip(new)).map(|(rise, (old, new))| old + rise * (new - old)));
        }
        self.goes_on = Some(from + self.hop);
        self.pieces += 1;
        let needed = self.place().saturating_sub(self.reach).min(from + self.hop);
        let done = needed.saturating_sub(self.first);
        if done > 16 * self.hop {
            self.input.iter_mut().for_each(|input| drop(input.drain(..done)));
            self.first += done;
        }
    }

    /// The start near `place` from which the sound is most like that from `goes_on` on. Every fourth sample decides.
    fn best(&self, place: usize, goes_on: usize) -> usize {
        let (low, high) = (place.saturating_sub(self.reach).max(self.first), place + self.reach);
        let alike = |start: usize| {
            let (mut product, mut energy) = (0.0_f32, 1e-9_f32);
            for input in &self.input {
                let (there, here) = (&input[goes_on - self.first..][..self.hop], &input[start - self.first..][..self.hop]);
                for (a, b) in there.iter().step_by(4).zip(here.iter().step_by(4)) {
                    product += a * b;
                    energy += b * b;
                }
            }
            product / energy.sqrt()
        };
        let better = |(best, value): (usize, f32), start: usize| {
            let new = alike(start);
            if new > value { (start, new) } else { (best, value) }
        };
        (low..=high).fold((place, alike(place)), better).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stretches `seconds` of a tone, in blocks of uneven length.
    fn tone(factor: f64, hertz: f32) -> Vec<f32> {
        let sound: Vec<f32> = (0..48_000).map(|i| (i as f32 * hertz * std::f32::consts::TAU / 48_000.0).sin()).collect();
        let mut stretcher = Stretcher::new(1, 48_000, factor);
        let mut out = Vec::new();
        for block in sound.chunks(1111) {
            out.extend(stretcher.push(&[block.to_vec()]).remove(0));
        }
        out.extend(stretcher.finish().remove(0));
        out
    }

    #[test]
    fn a_tone_lasts_longer_and_keeps_its_pitch() {
        for factor in [1.0, 1.5, 2.0, 4.0] {
            for hertz in [110.0, 440.0, 1234.0] {
                let out = tone(factor, hertz);
                let length = (48_000.0 * factor) as usize;
                assert!(out.len() >= length && out.len() < length + 12_000, "{factor}: {}", out.len());
                let inner = &out[4_800..length - 4_800];
                let rises = inner.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count() as f32;
                let heard = rises * 48_000.0 / inner.len() as f32;
                assert!((heard - hertz).abs() < hertz * 0.02, "{factor}: {heard} instead of {hertz}");
                let power = inner.iter().map(|v| v * v).sum::<f32>() / inner.len() as f32;
                assert!((power - 0.5).abs() < 0.03, "{factor} {hertz}: {power}");
            }
        }
    }
}
