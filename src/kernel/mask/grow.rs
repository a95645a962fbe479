//! Growing and shrinking.

use super::super::band;
use super::not;
use crate::frame::Raster;

/// Discs larger than this are done as several smaller ones, one after the other.
const REACH: f32 = 32.0;

/// `mask` grown by a disc of `pixels`: each value becomes the greatest within that distance. Below 0 it shrinks: the least. Between two
/// whole numbers the mask lies between those of both, so that it grows smoothly along a curve.
#[must_use]
pub fn grow(mask: &Raster, pixels: f32) -> Raster {
    if !pixels.is_finite() || pixels == 0.0 {
        return mask.clone();
    }
    if pixels < 0.0 {
        return not(grow(&not(mask.clone()), -pixels));
    }
    let limit = (mask.size().width + mask.size().height) as f32;
    let mut rest = pixels.min(limit);
    let mut out = mask.clone();
    while rest > REACH {
        out = dilate(&out, REACH as usize);
        rest -= REACH;
    }
    let whole = rest.floor();
    let below = dilate(&out, whole as usize);
    if rest == whole { below } else { super::mix(below, &dilate(&out, whole as usize + 1), rest - whole) }
}

/// The greatest value within a disc of `radius`.
fn dilate(mask: &Raster, radius: usize) -> Raster {
    if radius == 0 {
        return mask.clone();
    }
    let size = mask.size();
    // How far the disc reaches to either side in each of its rows, counted from its middle.
    let half: Vec<usize> = (0..=radius).map(|dy| ((radius * radius - dy * dy) as f64).sqrt() as usize).collect();
    let mut out = Raster::uninit(size, 1);
    band::each(&mut out, |mut band| {
        let [rows] = &mut band.planes[..] else { return };
        rows.fill(f32::NEG_INFINITY);
        let count = rows.len() / size.width;
        let mut padded = vec![f32::NEG_INFINITY; size.width + 2 * radius];
        let mut widest = vec![0.0; size.width];
        for y in band.top.saturating_sub(radius)..(band.top + count + radius).min(size.height) {
            let source = &mask.data()[y * size.width..][..size.width];
            padded[radius..radius + size.width].copy_from_slice(source);
            widest.copy_from_slice(source);
            let mut reach = 0;
            // From the disc's tips, which are narrow, to its middle: each row of the disc widens what the one before has seen.
            for dy in (0..=radius).rev() {
                let targets = [y.checked_sub(dy), (dy > 0).then_some(y + dy)];
                let targets = targets.into_iter().flatten().filter(|target| (band.top..band.top + count).contains(target));
                while reach < half[dy] {
                    reach += 1;
                    widen(&mut widest, &padded[radius - reach..], &padded[radius + reach..]);
                }
                for target in targets {
                    let row = &mut rows[(target - band.top) * size.width..][..size.width];
                    row.iter_mut().zip(&widest).for_each(|(v, w)| *v = greater(*v, *w));
                }
            }
        }
    });
    out
}

fn widen(line: &mut [f32], left: &[f32], right: &[f32]) {
    for ((v, a), b) in line.iter_mut().zip(left).zip(right) {
        *v = greater(*v, greater(*a, *b));
    }
}

/// One instruction, where `f32::max` takes more for the sake of NaN.
#[inline]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
