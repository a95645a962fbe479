use ffmpeg_next::Rational;

use super::reader::{seconds, ticks};

/// Gives each frame its time in the output.
pub(super) struct Clock {
    /// The unit of the stamps.
    pub unit: Rational,
    fps: (u32, u32),
    /// Steps between frames that the format can show.
    least_step: i64,
    variable: bool,
    first: Option<f64>,
    last: Option<i64>,
    index: u64,
}

impl Clock {
    /// For constant `fps`, or for `variable` times that count from the first frame's.
    pub(super) fn new(fps: (u32, u32), variable: bool, muxer: &str) -> Self {
        let constant = Rational(fps.1 as i32, fps.0 as i32);
        let (unit, least_step) = match muxer {
            // GIFs count hundredths, and browsers slow down what is shown for less than two.
            "gif" => (Rational(1, 100), 2),
            // AVI knows nothing but its frame rate.
            "avi" => (constant, 1),
            // Television's clock: 24, 25, 30 and 60 fps are whole numbers of it, others right to 6 µs.
            _ if variable => (Rational(1, 90_000), 1),
            _ => (constant, 1),
        };
        Self { unit, fps, least_step, variable, first: None, last: None, index: 0 }
    }

    /// The stamp of the next frame; `None` when it comes too soon after the last one to be shown.
    pub(super) fn stamp(&mut self, time: Option<f64>) -> Option<i64> {
        let by_count = self.index as f64 * self.frame();
        let at = match time.filter(|_| self.variable) {
            Some(time) => time - *self.first.get_or_insert(time),
            None => by_count,
        };
        self.index += 1;
        let stamp = ticks(at, self.unit);
        let stamp = match self.last {
            Some(last) if stamp < last + self.least_step => {
                if self.least_step > 1 {
                    return None;
                }
                last + 1
            }
            _ => stamp,
        };
        self.last = Some(stamp);
        Some(stamp)
    }

    /// One frame's length in seconds at the nominal rate.
    pub(super) fn frame(&self) -> f64 {
        f64::from(self.fps.1) / f64::from(self.fps.0)
    }

    /// One frame's length in units.
    pub(super) fn step(&self) -> i64 {
        ticks(self.frame(), self.unit).max(1)
    }

    /// Where the last frame ends, in seconds.
    pub(super) fn end(&self) -> f64 {
        self.last.map_or(0.0, |last| seconds(last, self.unit) + self.frame())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_do_not_drift() {
        let mut ntsc = Clock::new((30_000, 1001), false, "mp4");
        assert_eq!((0..5).map(|_| ntsc.stamp(None).unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        let mut gif = Clock::new((30, 1), false, "gif");
        assert_eq!((0..7).map(|_| gif.stamp(None).unwrap()).collect::<Vec<_>>(), [0, 3, 7, 10, 13, 17, 20]);
        let mut fast = Clock::new((60, 1), false, "gif");
        let stamps: Vec<_> = (0..60).filter_map(|_| fast.stamp(None)).collect();
        assert!(stamps.windows(2).all(|w| w[1] - w[0] >= 2) && stamps.len() == 40, "{stamps:?}");
        assert!((fast.end() - 1.0).abs() < 0.02);
    }

    #[test]
    fn given_times_count_from_the_first_and_always_grow() {
        let mut clock = Clock::new((25, 1), true, "mp4");
        let stamps: Vec<_> = [7.0, 7.04, 7.2, 7.2, 7.5].iter().map(|t| clock.stamp(Some(*t)).unwrap()).collect();
        assert_eq!(stamps, [0, 3600, 18_000, 18_001, 45_000]);
        assert!((clock.end() - 0.54).abs() < 1e-9);
    }
}
