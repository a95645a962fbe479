//! Flows as motions, and what is done to either before a picture is moved by it.

use rayon::prelude::*;

use crate::frame::{Flow, Mask, Motion, Raster};

/// The motion with which Deforum carries a picture along `flow`: `out(p) = in(p − factor·flow(p))`. It takes the flow of where a
/// pixel is for that of where it comes from, which is exact for even motion and wrong at its edges; the backward flow, as a
/// [`Motion`], has no such fault.
#[must_use]
pub fn follow(flow: &Flow, factor: f32) -> Motion {
    Motion::new(scaled(&flow.0, -factor))
}

/// `motion`, `factor` times as far.
#[must_use]
pub fn part(motion: &Motion, factor: f32) -> Motion {
    if factor == 1.0 { motion.clone() } else { Motion::new(scaled(&motion.0, factor)) }
}

/// `motion` where `mask` is 1, none where it is 0, part of the way between.
#[must_use]
pub fn masked(mut motion: Motion, mask: &Mask) -> Motion {
    debug_assert_eq!(motion.size(), mask.size());
    for plane in motion.0.planes_mut() {
        plane.par_iter_mut().zip(mask.0.data()).with_min_len(1 << 14).for_each(|(v, mask)| *v *= mask);
    }
    motion
}

fn scaled(field: &Raster, factor: f32) -> Raster {
    let mut out = field.clone();
    out.data_mut().par_iter_mut().with_min_len(1 << 14).for_each(|v| *v *= factor);
    out
}
