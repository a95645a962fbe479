//! Clean edges: a mask drawn to the picture's edges, and a picture freed of what lay behind it.

use super::super::{band, blur, tone};
use super::{change, pair};
use crate::frame::Raster;

/// Contrast below this (squared) is not taken for an edge.
const FLAT: f32 = 4e-4;

/// `mask` drawn to the edges that `picture` has within `pixels`: a guided filter (He, Sun, Tang 2010) with the picture's greys as guide.
/// Within each window the mask becomes the linear function of the guide that fits it best; windows are squares of
/// `2·pixels + 1`. A window's mean would leave a soft mask soft, so the mask is made firmer before and after, around one half.
#[must_use]
pub fn refine(mask: &Raster, picture: &Raster, pixels: f32) -> Raster {
    let radius = pixels.round().max(0.0).min(512.0) as usize;
    if radius == 0 || mask.size() != picture.size() {
        return mask.clone();
    }
    let guide = tone::grey(picture, tone::Grey::Bt601);
    let mask = &firmer(mask.clone(), 2.0);
    let mean = |raster: &Raster| box_mean(raster, radius);
    let times = |a: &Raster, b: &Raster| pair(a.clone(), b, |a, b| a * b);
    let (mean_g, mean_m) = (mean(&guide), mean(mask));
    let variance = pair(mean(&times(&guide, &guide)), &times(&mean_g, &mean_g), |square, mean| (square - mean).max(0.0));
    let covariance = pair(mean(&times(&guide, mask)), &times(&mean_g, &mean_m), |both, mean| both - mean);
    let slope = pair(covariance, &variance, |covariance, variance| covariance / (variance + FLAT));
    let offset = pair(mean_m, &times(&slope, &mean_g), |mean, part| mean - part);
    let fitted = pair(times(&mean(&slope), &guide), &mean(&offset), |part, offset| part + offset);
    firmer(fitted, 1.5)
}

/// `mask` spread around one half, held to 0..1.
fn firmer(mask: Raster, by: f32) -> Raster {
    change(mask, move |v| ((v - 0.5) * by + 0.5).max(0.0).min(1.0))
}

/// `picture` with its colours under the edge of `mask` replaced by those that spread from where the mask is full, over about
/// `pixels`: what is cut out brings nothing along of what lay behind it.
#[must_use]
pub fn decontaminate(picture: &Raster, mask: &Raster, pixels: f32) -> Raster {
    if pixels <= 0.0 || mask.size() != picture.size() {
        return picture.clone();
    }
    // Only what is surely inside gives its colour.
    let sure = change(mask.clone(), |m| ((m - 0.9) * 10.0).max(0.0).min(1.0));
    let size = picture.size();
    let mut inside = Raster::uninit(size, 4);
    band::each(&mut inside, |mut band| {
        let start = band.top * size.width;
        let sure = &sure.data()[start..];
        for (index, rows) in band.planes.iter_mut().enumerate() {
            match index {
                3 => rows.copy_from_slice(&sure[..rows.len()]),
                _ => rows.iter_mut().zip(&picture.plane(index)[start..]).zip(sure).for_each(|((v, p), s)| *v = p * s),
            }
        }
    });
    let spread = blur::gaussian(&inside, pixels / 2.0);
    let mut out = picture.clone();
    band::each(&mut out, |mut band| {
        let start = band.top * size.width;
        let (sure, weight) = (&sure.data()[start..], &spread.plane(3)[start..]);
        for (index, rows) in band.planes.iter_mut().enumerate().take(3) {
            let colors = &spread.plane(index)[start..];
            for (((v, color), weight), sure) in rows.iter_mut().zip(colors).zip(weight).zip(sure) {
                // Where nothing sure is near, the colour stays.
                let known = (weight * 1000.0).min(1.0) * (1.0 - sure);
                *v += known * (color / weight.max(1e-6) - *v);
            }
        }
    });
    out
}

/// The mean over squares of `2·radius + 1`, of what of them lies in the picture.
pub fn box_mean(raster: &Raster, radius: usize) -> Raster {
    let size = raster.size();
    let mut across = Raster::uninit(size, 1);
    band::each(&mut across, |mut band| {
        let [rows] = &mut band.planes[..] else { return };
        let source = &raster.data()[band.top * size.width..];
        for (row, out) in source.chunks_exact(size.width).zip(rows.chunks_exact_mut(size.width)) {
            let mut sum: f64 = row[..radius.min(size.width)].iter().map(|v| f64::from(*v)).sum();
            for (x, out) in out.iter_mut().enumerate() {
                sum += row.get(x + radius).map_or(0.0, |v| f64::from(*v));
                *out = (sum / (x.min(radius) + 1 + radius.min(size.width - 1 - x)) as f64) as f32;
                sum -= x.checked_sub(radius).map_or(0.0, |x| f64::from(row[x]));
            }
        }
    });
    let mut out = Raster::uninit(size, 1);
    let line = |y: usize| &across.data()[y * size.width..][..size.width];
    band::each(&mut out, |mut band| {
        let [rows] = &mut band.planes[..] else { return };
        let mut sums = vec![0.0_f64; size.width];
        for y in band.top.saturating_sub(radius)..(band.top + radius).min(size.height) {
            sums.iter_mut().zip(line(y)).for_each(|(sum, v)| *sum += f64::from(*v));
        }
        for (row, out) in rows.chunks_exact_mut(size.width).enumerate() {
            let y = band.top + row;
            if y + radius < size.height {
                sums.iter_mut().zip(line(y + radius)).for_each(|(sum, v)| *sum += f64::from(*v));
            }
            let count = (y.min(radius) + 1 + radius.min(size.height - 1 - y)) as f64;
            out.iter_mut().zip(&sums).for_each(|(v, sum)| *v = (sum / count) as f32);
            if y >= radius {
                sums.iter_mut().zip(line(y - radius)).for_each(|(sum, v)| *sum -= f64::from(*v));
            }
        }
    });
    out
}
