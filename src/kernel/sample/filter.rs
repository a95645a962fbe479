//! Filters: how much each pixel around a position counts.

/// A filter of `N` taps in each direction.
pub(super) trait Filter<const N: usize>: Sync {
    /// Shift before rounding down: half a pixel for the nearest pixel.
    const SHIFT: f32 = 0.0;
    /// Taps left of the pixel that the position rounds down to.
    const BEFORE: i32 = N as i32 / 2 - 1;
    /// Whether results are held to the range of the nearest 2×2 pixels.
    const HELD: bool = false;
    /// Weights for the fraction `f` in 0..1.
    fn weights(f: f32) -> [f32; N];
}

pub(super) struct Nearest;
pub(super) struct Bilinear;
pub(super) struct Bicubic;
pub(super) struct Lanczos;

impl Filter<1> for Nearest {
    const SHIFT: f32 = 0.5;
    const BEFORE: i32 = 0;
    #[inline(always)]
    fn weights(_: f32) -> [f32; 1] {
        [1.0]
    }
}

impl Filter<2> for Bilinear {
    #[inline(always)]
    fn weights(f: f32) -> [f32; 2] {
        [1.0 - f, f]
    }
}

impl Filter<4> for Bicubic {
    /// Keys' cubic convolution with a = −0.75.
    #[inline(always)]
    fn weights(f: f32) -> [f32; 4] {
        const A: f32 = -0.75;
        let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
        let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
        [far(f + 1.0), near(f), near(1.0 - f), far(2.0 - f)]
    }
}

impl Filter<6> for Lanczos {
    const HELD: bool = true;

    /// sinc(x)·sinc(x/3), made to sum to 1: polynomials around the middle, fitted to the largest error, which is 7·10⁻⁶. Factors
    /// `f` and `1 − f` make the weights at whole pixels exact.
    #[inline(always)]
    fn weights(f: f32) -> [f32; 6] {
        const OUTER: [f32; 6] = [0.097_828_917, -0.255_649_83, 0.038_446_36, 0.215_184_35, -0.066_207_69, -0.078_927_346];
        const MIDDLE: [f32; 6] = [-0.543_474_4, 0.724_529_45, 0.108_632_386, -0.462_843_48, -0.010_738_452, 0.184_603_05];
        const INNER: [f32; 8] =
            [1.222_825_6, 0.227_620_68, -1.420_458_6, -0.245_875_2, 0.832_258_9, 0.100_624_636, -0.405_191_5, 0.048_838_396];
        let (t, both) = (f - 0.5, f * (1.0 - f));
        let (a, f_) = (both * polynomial(&OUTER, t), both * polynomial(&OUTER, -t));
        let (b, e) = (both * polynomial(&MIDDLE, t), both * polynomial(&MIDDLE, -t));
        let d = f * polynomial(&INNER, t);
        [a, b, 1.0 - (((a + f_) + (b + e)) + d), d, e, f_]
    }
}

#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f32; N], t: f32) -> f32 {
    let mut sum = coefficients[N - 1];
    for c in coefficients[..N - 1].iter().rev() {
        sum = sum * t + c;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanczos_is_lanczos() {
        let sinc = |x: f64| if x.abs() < 1e-9 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        for step in 0..1000 {
            let f = f64::from(step) / 1000.0;
            let raw: [f64; 6] = std::array::from_fn(|k| sinc(f + 2.0 - k as f64) * sinc((f + 2.0 - k as f64) / 3.0));
            let sum: f64 = raw.iter().sum();
            for (got, want) in Lanczos::weights(f as f32).into_iter().zip(raw) {
                assert!((f64::from(got) - want / sum).abs() < 1e-5, "{f}");
            }
        }
        assert_eq!(Lanczos::weights(0.0), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    }
}
