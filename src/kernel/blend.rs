//! Laying one picture over another.

use super::band;
use super::wide::wide;
use crate::frame::{Mask, Raster};

/// How the upper picture `b` acts on the lower picture `a`. Formulas as in the W3C's Compositing and Blending, for 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// `b` itself.
    #[default]
    Normal,
    /// a + b.
    Add,
    /// a · b: only darkens.
    Multiply,
    /// 1 − (1 − a)(1 − b): only brightens.
    Screen,
    /// Multiply where `a` is dark, screen where it is bright: more contrast.
    Overlay,
    /// The brighter of both.
    Lighten,
    /// The darker of both.
    Darken,
    /// |a − b|.
    Difference,
    /// A gentle overlay, driven by `b`.
    SoftLight,
}

/// `a` with `b` over it, to the share `amount` times `mask` (of the same size, or nothing). Planes that `b` lacks stay as in `a`.
/// With [`Mode::Normal`] alpha is blended like the colours; other modes leave it alone.
#[must_use]
pub fn blend(a: &Raster, b: &Raster, mask: Option<&Mask>, amount: f32, mode: Mode) -> Raster {
    debug_assert_eq!(a.size(), b.size());
    let width = a.size().width;
    let mask = mask.filter(|m| m.size() == a.size()).map(|m| m.0.plane(0));
    let planes = if mode == Mode::Normal { 4 } else { 3 };
    let mut out = a.clone();
    band::each(&mut out, |mut band| {
        let start = band.top * width;
        for (index, rows) in band.planes.iter_mut().enumerate().take(planes.min(b.planes())) {
            let upper = &b.plane(index)[start..];
            lay_by(mode, rows, upper, mask.map(|mask| &mask[start..]), amount);
        }
    });
    out
}

/// Lays some values of a plane of `b` over those of `a` in `row`, as [`blend`] does.
pub(super) fn lay_by(mode: Mode, row: &mut [f32], upper: &[f32], mask: Option<&[f32]>, amount: f32) {
    match mode {
        Mode::Normal => lay(row, upper, mask, amount, &|_, b| b),
        Mode::Add => lay(row, upper, mask, amount, &|a, b| a + b),
        Mode::Multiply => lay(row, upper, mask, amount, &|a, b| a * b),
        Mode::Screen => lay(row, upper, mask, amount, &|a, b| a + b - a * b),
        Mode::Overlay => lay(row, upper, mask, amount, &|a, b| if a <= 0.5 { 2.0 * a * b } else { 1.0 - 2.0 * (1.0 - a) * (1.0 - b) }),
        Mode::Lighten => lay(row, upper, mask, amount, &f32::max),
        Mode::Darken => lay(row, upper, mask, amount, &f32::min),
        Mode::Difference => lay(row, upper, mask, amount, &|a, b| (a - b).abs()),
        Mode::SoftLight => lay(row, upper, mask, amount, &soft_light),
    }
}

/// `(1 − amount)·a + amount·b` for every plane that both have; the storage of `a` is used again when nobody else holds it.
#[must_use]
pub fn mix(a: Raster, b: &Raster, amount: f32) -> Raster {
    let mut out = a;
    band::each(&mut out, |mut band| {
        for (index, rows) in band.planes.iter_mut().enumerate().take(b.planes()) {
            let upper = &b.plane(index)[band.top * b.size().width..];
            lay(rows, upper, None, amount, &|_, b| b);
        }
    });
    out
}

/// `changed` where `mask` (of the same size) is 1 and `original` where it is 0: what a mask leaves of a filter's work.
#[must_use]
pub fn protected(original: &Raster, changed: Raster, mask: Option<&Mask>) -> Raster {
    let Some(mask) = mask.filter(|m| m.size() == original.size()) else { return changed };
    let width = original.size().width;
    let mut out = changed;
    band::each(&mut out, |mut band| {
        let start = band.top * width;
        for (index, rows) in band.planes.iter_mut().enumerate().take(original.planes()) {
            restore(rows, &original.plane(index)[start..], &mask.0.plane(0)[start..]);
        }
    });
    out
}

fn soft_light(a: f32, b: f32) -> f32 {
    let bright = if a <= 0.25 { ((16.0 * a - 12.0) * a + 4.0) * a } else { a.sqrt() };
    if b <= 0.5 { a - (1.0 - 2.0 * b) * a * (1.0 - a) } else { a + (2.0 * b - 1.0) * (bright - a) }
}

wide! {
    /// Lays `upper` over a row by `mode`, to the share `amount` times `mask`.
    fn lay<F: Fn(f32, f32) -> f32>(row: &mut [f32], upper: &[f32], mask: Option<&[f32]>, amount: f32, mode: &F) {
        match mask {
            None => {
                for (v, b) in row.iter_mut().zip(upper) {
                    *v += amount * (mode(*v, *b) - *v);
                }
            }
            Some(mask) => {
                for ((v, b), m) in row.iter_mut().zip(upper).zip(mask) {
                    *v += amount * m * (mode(*v, *b) - *v);
                }
            }
        }
    }
}

wide! {
    /// Leaves only the share `mask` of what has changed in a row.
    fn restore(row: &mut [f32], original: &[f32], mask: &[f32]) {
        for (v, (original, m)) in row.iter_mut().zip(original.iter().zip(mask)) {
            *v = original + m * (*v - original);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn flat(values: [f32; 3]) -> Raster {
        Raster::from_vec(Size::new(2, 1), 3, values.iter().flat_map(|v| [*v, *v]).collect())
    }

    fn first(raster: &Raster) -> f32 {
        raster.data()[0]
    }

    #[test]
    fn modes_follow_their_formulas() {
        let cases = [
            (Mode::Normal, 0.8, 0.8),
            (Mode::Add, 0.8, 1.2),
            (Mode::Multiply, 0.8, 0.32),
            (Mode::Screen, 0.8, 0.88),
            (Mode::Overlay, 0.25, 0.2),
            (Mode::Lighten, 0.3, 0.4),
            (Mode::Darken, 0.3, 0.3),
            (Mode::Difference, 0.9, 0.5),
            (Mode::SoftLight, 0.5, 0.4),
        ];
        for (mode, b, expected) in cases {
            let out = blend(&flat([0.4; 3]), &flat([b; 3]), None, 1.0, mode);
            assert!((first(&out) - expected).abs() < 1e-6, "{mode:?}: {}", first(&out));
        }
    }

    #[test]
    fn amount_and_mask_multiply() {
        let mask = Mask::new(Raster::from_vec(Size::new(2, 1), 1, vec![0.5, 0.0]));
        let out = blend(&flat([0.0; 3]), &flat([1.0; 3]), Some(&mask), 0.5, Mode::Normal);
        assert_eq!((out.data()[0], out.data()[1]), (0.25, 0.0));
        assert_eq!(first(&mix(flat([0.0; 3]), &flat([1.0; 3]), 0.25)), 0.25);
    }
}
