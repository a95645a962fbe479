//! Rows as units of parallel work.

use rayon::prelude::*;

use crate::frame::Raster;

/// Rows of one piece of work. Few enough that a tile of a band stays in the nearest cache.
pub(super) const ROWS: usize = 16;

/// Some consecutive rows of every plane of a raster, for writing.
pub(super) struct Band<'a> {
    /// The first row.
    pub top: usize,
    /// The rows of each plane, one after the other.
    pub planes: Vec<&'a mut [f32]>,
}

/// Runs `work` on the bands of `raster` in parallel.
pub(super) fn each(raster: &mut Raster, work: impl Fn(Band<'_>) + Sync + Send) {
    let size = raster.size();
    let count = size.height.div_ceil(ROWS);
    let mut bands: Vec<Band<'_>> = (0..count).map(|i| Band { top: i * ROWS, planes: Vec::new() }).collect();
    if size.area() == 0 {
        return;
    }
    for plane in raster.planes_mut() {
        for (band, rows) in bands.iter_mut().zip(plane.chunks_mut(ROWS * size.width)) {
            band.planes.push(rows);
        }
    }
    bands.into_par_iter().for_each(work);
}
