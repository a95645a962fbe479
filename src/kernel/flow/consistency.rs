//! Where a flow can be trusted.

use rayon::prelude::*;

use crate::frame::{Flow, Mask, Motion, Raster};
use crate::kernel::band;
use crate::kernel::sample::{self, Border, Sampling};

/// How the round trip is judged. With `f` the flow, `b` the flow back where it leads, α = 0.01 and β = 0.5:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Unreliable where |f + b|² > α·(|f|² + |b|²) + β (Sundaram, Brox, Keutzer 2010; Ruder 2016; Deforum).
    #[default]
    Squared,
    /// Unreliable where |f + b| > α·(|f| + |b|) + β (`GMFlow`'s code).
    Norm,
}

/// 1 where following `flow` and then `backward` (the flow from the other picture to this one) leads back to where one came from,
/// 0 where it does not: there something is hidden, or the estimate wrong. Beyond its edge `backward` goes on as at the edge.
#[must_use]
pub fn consistent(flow: &Flow, backward: &Flow, form: Form) -> Mask {
    let size = flow.size();
    let there = Motion::new(flow.0.clone());
    let back = sample::warp(&backward.0, &there, Sampling::Bilinear, Border::Replicate);
    let mut out = Raster::uninit(size, 1);
    band::each(&mut out, |mut band| {
        let from = band.top * size.width;
        let (fu, fv) = (&flow.0.plane(0)[from..], &flow.0.plane(1)[from..]);
        let (bu, bv) = (&back.plane(0)[from..], &back.plane(1)[from..]);
        for (i, out) in band.planes.iter_mut().flat_map(|p| p.iter_mut()).enumerate() {
            let trip = square(fu[i] + bu[i], fv[i] + bv[i]);
            let (there, back) = (square(fu[i], fv[i]), square(bu[i], bv[i]));
            let reliable = match form {
                Form::Squared => trip < 0.01 * (there + back) + 0.5,
                Form::Norm => trip.sqrt() < 0.01 * (there.sqrt() + back.sqrt()) + 0.5,
            };
            *out = f32::from(u8::from(reliable));
        }
    });
    Mask::new(out)
}

/// 1 where the flow changes little from pixel to pixel, 0 at the edge of a motion: |∇u|² + |∇v|² > 0.01·(u² + v²) + 0.002
/// (Sundaram, Brox, Keutzer 2010), by differences to the pixel on the right and below.
#[must_use]
pub fn within_a_motion(flow: &Flow) -> Mask {
    let size = flow.size();
    let mut out = Raster::uninit(size, 1);
    let (u, v) = (flow.0.plane(0), flow.0.plane(1));
    out.data_mut().par_chunks_exact_mut(size.width.max(1)).enumerate().for_each(|(y, row)| {
        for (x, out) in row.iter_mut().enumerate() {
            let at = y * size.width + x;
            let right = if x + 1 < size.width { at + 1 } else { at };
            let below = if y + 1 < size.height { at + size.width } else { at };
            let change = square(u[right] - u[at], v[right] - v[at]) + square(u[below] - u[at], v[below] - v[at]);
            *out = f32::from(u8::from(change <= 0.01 * square(u[at], v[at]) + 0.002));
        }
    });
    Mask::new(out)
}

/// 1 where the flow stays inside the picture, 0 where it leads out of it.
#[must_use]
pub fn inside(flow: &Flow) -> Mask {
    let size = flow.size();
    let (right, bottom) = (size.width.saturating_sub(1) as f32, size.height.saturating_sub(1) as f32);
    let mut out = Raster::uninit(size, 1);
    let (u, v) = (flow.0.plane(0), flow.0.plane(1));
    out.data_mut().par_chunks_exact_mut(size.width.max(1)).enumerate().for_each(|(y, row)| {
        for (x, out) in row.iter_mut().enumerate() {
            let at = y * size.width + x;
            let (px, py) = (x as f32 + u[at], y as f32 + v[at]);
            *out = f32::from(u8::from((0.0..=right).contains(&px) && (0.0..=bottom).contains(&py)));
        }
    });
    Mask::new(out)
}

/// The least value within `reach` pixels along each axis: what is 0 grows.
#[must_use]
pub fn shrink(mask: &Mask, reach: usize) -> Mask {
    if reach == 0 {
        return mask.clone();
    }
    let size = mask.size();
    let lowest = |values: &mut dyn Iterator<Item = f32>| values.fold(f32::INFINITY, f32::min);
    let mut across = Raster::uninit(size, 1);
    across.data_mut().par_chunks_exact_mut(size.width.max(1)).zip(mask.0.data().par_chunks_exact(size.width.max(1))).for_each(
        |(out, row)| {
            for (x, out) in out.iter_mut().enumerate() {
                *out = lowest(&mut row[x.saturating_sub(reach)..(x + reach + 1).min(size.width)].iter().copied());
            }
        },
    );
    let mut out = Raster::uninit(size, 1);
    out.data_mut().par_chunks_exact_mut(size.width.max(1)).enumerate().for_each(|(y, row)| {
        for (x, out) in row.iter_mut().enumerate() {
            let lines = y.saturating_sub(reach)..(y + reach + 1).min(size.height);
            *out = lowest(&mut lines.map(|y| across.data()[y * size.width + x]));
        }
    });
    Mask::new(out)
}

/// What Deforum multiplies a flow by: 1 where it is `reliable`, −0.75 where it is not, blurred by a Gaussian that reaches `sigma` pixels
/// and takes zeros from outside. (Where nothing blurs, unreliable pixels move backwards. It is here to compare with.)
#[must_use]
pub fn deforum_weights(reliable: &Mask, sigma: f32) -> Raster {
    let mut weights = reliable.0.clone();
    weights.data_mut().iter_mut().for_each(|v| *v = if *v > 0.5 { 1.0 } else { -0.75 });
    let reach = sigma.round().max(0.0) as isize;
    if reach == 0 {
        return weights;
    }
    let bell: Vec<f32> = (-reach..=reach).map(|i| (-((i * i) as f32) / (2.0 * sigma * sigma)).exp()).collect();
    let sum: f32 = bell.iter().sum();
    let size = weights.size();
    let blurred = |src: &Raster, step: (isize, isize)| {
        let mut out = Raster::uninit(size, 1);
        for (at, out) in out.data_mut().iter_mut().enumerate() {
            let (x, y) = ((at % size.width) as isize, (at / size.width) as isize);
            let value = |i: isize| {
                let (x, y) = (x + step.0 * i, y + step.1 * i);
                let there = (0..size.width as isize).contains(&x) && (0..size.height as isize).contains(&y);
                if there { src.data()[(y * size.width as isize + x) as usize] } else { 0.0 }
            };
            *out = (-reach..=reach).zip(&bell).map(|(i, weight)| weight / sum * value(i)).sum();
        }
        out
    };
    blurred(&blurred(&weights, (1, 0)), (0, 1))
}

#[inline]
fn square(x: f32, y: f32) -> f32 {
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn even(size: Size, (u, v): (f32, f32)) -> Flow {
        let mut raster = Raster::zeroed(size, 2);
        raster.plane_mut(0).fill(u);
        raster.plane_mut(1).fill(v);
        Flow::new(raster)
    }

    #[test]
    fn a_round_trip_that_ends_elsewhere_is_not_trusted() {
        let size = Size::new(12, 8);
        let (there, back) = (even(size, (3.0, 1.0)), even(size, (-3.0, -1.0)));
        assert!(consistent(&there, &back, Form::Squared).0.data().iter().all(|v| *v == 1.0));
        assert!(consistent(&there, &there, Form::Norm).0.data().iter().all(|v| *v == 0.0));
        // 0.6 px off: the square, 0.36, is allowed, the norm is not (0.01·6 + 0.5).
        let nearly = even(size, (-3.0, -0.4));
        assert_eq!(consistent(&there, &nearly, Form::Squared).0.data()[0], 1.0);
        assert_eq!(consistent(&there, &nearly, Form::Norm).0.data()[0], 0.0);
    }

    #[test]
    fn edges_of_motions_and_of_the_picture_are_found() {
        let size = Size::new(10, 4);
        let mut flow = even(size, (2.0, 0.0));
        flow.0.plane_mut(0).chunks_exact_mut(10).for_each(|row| row[5..].fill(-2.0));
        let edges = within_a_motion(&flow);
        assert_eq!(edges.0.data()[..10], [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let inside = inside(&even(size, (2.0, 0.0)));
        assert_eq!(inside.0.data()[5..10], [1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(shrink(&edges, 1).0.data()[2..7], [1.0, 0.0, 0.0, 0.0, 1.0]);
    }
}
