//! Axes with round numbers.

/// An axis that begins and ends at round numbers, a whole number of steps apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// From mark to mark.
    pub step: f64,
}

impl Axis {
    /// An axis that holds all finite `values`, with at most about `marks` steps.
    pub fn of(values: impl Iterator<Item = f64>, marks: usize) -> Self {
        let (mut low, mut high) =
            values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // A line of one height lies in the middle; what differs only by rounding counts as such.
        if high - low <= high.abs().max(low.abs()) * 1e-9 {
            let room = if high == 0.0 { 1.0 } else { high.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / marks.max(1) as f64);
        // A hair of slack, so that 0.3 counts as the third step of 0.1.
        Self { low: (low / step + 1e-9).floor() * step, high: (high / step - 1e-9).ceil() * step, step }
    }

    /// The frames 0 to `last`, marked at whole numbers.
    pub fn frames(last: u64, marks: usize) -> Self {
        let step = round_step(last as f64 / marks.max(1) as f64).max(1.0).round();
        Self { low: 0.0, high: last as f64, step }
    }

    /// Where its marks are.
    pub fn marks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step + 1e-6).floor().clamp(0.0, 1000.0) as u32;
        (0..=count).map(|n| self.low + f64::from(n) * self.step).collect()
    }

    /// How far up `value` lies: 0 at the lower end, 1 at the upper.
    pub fn place(&self, value: f64) -> f64 {
        if self.high > self.low { (value - self.low) / (self.high - self.low) } else { 0.0 }
    }

    /// A mark as text, with the digits that its step needs.
    pub fn label(&self, value: f64) -> String {
        let largest = self.low.abs().max(self.high.abs());
        if largest >= 1e7 || self.step < 1e-6 {
            return format!("{value:.2e}");
        }
        // A step of 2.5 or 25 needs one digit more than its size tells.
        let digits = (0..9).find(|n| (self.step * 10f64.powi(*n)).fract().min(1.0 - (self.step * 10f64.powi(*n)).fract()) < 1e-6);
        // No "-0".
        let value = if value.abs() < self.step * 1e-6 { 0.0 } else { value };
        format!("{value:.*}", digits.unwrap_or(9) as usize)
    }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 1e-300) {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|of| of * power).find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// A number in few characters: six digits that count.
pub fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{}", value + 0.0);
    }
    let size = value.abs().log10().floor();
    if !(-5.0..9.0).contains(&size) {
        return format!("{value:.5e}");
    }
    let text = format!("{value:.*}", (5.0 - size).max(0.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let axis = Axis::of([0.45, 0.65].into_iter(), 4);
        assert_eq!((axis.label(axis.low), axis.label(axis.high), axis.label(axis.step)), ("0.45".into(), "0.65".into(), "0.05".into()));
        assert_eq!(axis.marks().len(), 5);
        let flat = Axis::of([3.0; 5].into_iter(), 4);
        assert!((flat.place(3.0) - 0.5).abs() < 0.26);
        assert_eq!(Axis::of([f64::NAN, f64::INFINITY].into_iter(), 3).place(0.0), 0.0);
        let huge = Axis::of([-1e300, 1e300].into_iter(), 3);
        assert!(huge.marks().len() > 2 && huge.label(huge.high).contains('e'));
    }

    #[test]
    fn frames_are_marked_at_whole_numbers() {
        assert_eq!(Axis::frames(3, 8).marks(), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(Axis::frames(119, 6).marks(), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(Axis::frames(0, 6).marks(), [0.0]);
        assert_eq!(Axis::frames(0, 6).place(0.0), 0.0);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.1 + 0.2, 1.0, -1234.5678, 1e12, 2e-7, 0.0, -0.0].map(short),
            ["0.3", "1", "-1234.57", "1.00000e12", "2.00000e-7", "0", "0"]
        );
        assert_eq!(short(f64::NEG_INFINITY), "-inf");
    }
}
