//! [`Frame`] → FFmpeg picture.

use ffmpeg_next::frame::Video;
use rayon::prelude::*;

use super::chroma::{self, Siting, add_scaled, down_row, down_taps};
use super::coding::Coding;
use super::layout::{self, Layout};
use super::{MediaError, ROWS_A_TASK, samples};
use crate::frame::{ColorTags, Frame, Size};

/// Writes `frame` into the picture `into`, whose format, size and chroma location say how; `tags` (gaps filled as by
/// [`super::resolve`]) say which matrix and range. Values are rounded to the nearest code and clipped to the depth.
///
/// A frame without alpha is opaque in a format with alpha; a format without alpha drops the frame's. The picture's memory must be
/// writable (`av_frame_make_writable`, if an encoder may still hold it).
///
/// # Errors
/// For formats that are not supported or have a palette, and when the sizes differ.
pub fn pack(frame: &Frame, into: &mut Video, tags: ColorTags) -> Result<(), MediaError> {
    let layout = Layout::of(into.format())?;
    let picture = Size::new(into.width() as usize, into.height() as usize);
    if picture != frame.size() || picture.area() == 0 {
        return Err(MediaError::Mismatch { frame: frame.size(), picture });
    }
    if layout.palette || layout::upside_down(into) {
        return Err(MediaError::Pixels { format: layout::name(layout.format) });
    }
    let coding = Coding::new(&layout, tags, picture)?;
    let writer = Writer { siting: chroma::siting(into.chroma_location(), &layout), layout, coding, frame };
    (0..writer.layout.planes()).try_for_each(|plane| writer.write_plane(plane, into))
}

/// All that writing one row needs.
struct Writer<'a> {
    layout: Layout,
    coding: Coding,
    siting: [Siting; 2],
    frame: &'a Frame,
}

/// Buffers of one task.
#[derive(Default)]
struct Scratch {
    row: Vec<f32>,
    halved: Vec<f32>,
}

impl Writer<'_> {
    fn write_plane(&self, plane: usize, into: &mut Video) -> Result<(), MediaError> {
        let components: Vec<_> = (0..self.layout.components.len()).filter(|&i| self.layout.components[i].plane == plane).collect();
        let (data, stride, bytes) = layout::plane_mut(into, &self.layout, plane)?;
        data.par_chunks_mut(stride).enumerate().with_min_len(ROWS_A_TASK).for_each_init(Scratch::default, |scratch, (y, row)| {
            let row = &mut row[..bytes];
            row.fill(0);
            for &index in &components {
                self.component_row(index, y, scratch);
                samples::write(&self.layout, &self.layout.components[index], &scratch.row, row);
            }
        });
        Ok(())
    }

    /// The code values of component `index` along row `y` of its plane, into `scratch.row`.
    fn component_row(&self, index: usize, y: usize, scratch: &mut Scratch) {
        let Size { width, height } = self.frame.size();
        let [across, down] = self.layout.halvings_of(index);
        let scale = self.coding.scales[index];
        scratch.row.clear();
        scratch.row.resize(width, 0.0);
        let weights = self.weights(index);
        let opaque = weights.iter().all(|w| *w == 0.0);
        for (row, weight) in down_taps(y, height, down, self.siting[1]) {
            for (plane, w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                let start = row * width;
                add_scaled(&mut scratch.row, &self.frame.raster.plane(plane)[start..start + width], weight * w);
            }
        }
        if opaque {
            scratch.row.fill(1.0);
        }
        for halving in 1..=across {
            scratch.halved.resize(width.div_ceil(1 << halving), 0.0);
            down_row(&scratch.row, &mut scratch.halved, self.siting[0]);
            std::mem::swap(&mut scratch.row, &mut scratch.halved);
        }
        scratch.row.iter_mut().for_each(|v| *v = *v * scale.range + scale.offset);
    }

    /// How much of R, G, B and alpha makes component `index`; all 0 for an alpha that the frame does not have.
    fn weights(&self, index: usize) -> [f32; 4] {
        let mut weights = [0.0; 4];
        if self.layout.alpha && index + 1 == self.layout.components.len() {
            weights[3] = f32::from(u8::from(self.frame.has_alpha()));
        } else if let Some(from_rgb) = &self.coding.from_rgb {
            weights[..3].copy_from_slice(&from_rgb[index]);
        } else {
            weights[index] = 1.0;
        }
        weights
    }
}
