//! FFmpeg picture → [`Frame`].

use std::borrow::Cow;

use ffmpeg_next::frame::Video;
use rayon::prelude::*;

use super::chroma::{self, Siting, add_scaled, up_row, up_taps};
use super::coding::Coding;
use super::layout::{self, Layout, Planes};
use super::{MediaError, ROWS_A_TASK, samples};
use crate::frame::{ColorTags, Frame, Raster, Size};

/// The picture `video` as a frame under `tags` (usually [`super::tags_of`]'s), whose gaps are filled as there; the frame carries the
/// filled tags. Alpha, if there is any, is the fourth plane, straight. Values are not clipped: a code above white is above 1.
///
/// # Errors
/// For formats and matrices that are not supported, and for pictures without data.
pub fn unpack(video: &Video, tags: ColorTags) -> Result<Frame, MediaError> {
    let layout = Layout::of(video.format())?;
    let size = Size::new(video.width() as usize, video.height() as usize);
    if size.area() == 0 {
        return Err(MediaError::Pixels { format: format!("{} without data", layout::name(layout.format)) });
    }
    let video = if layout::upside_down(video) { Cow::Owned(video.clone()) } else { Cow::Borrowed(video) };
    let coding = Coding::new(&layout, tags, size)?;
    let planes = Planes::of(&video, &layout)?;
    let colors = if layout.palette { layout::palette(&video) } else { None };
    let reader = Reader { siting: chroma::siting(video.chroma_location(), &layout), layout, coding, planes, colors, size };
    let mut raster = Raster::uninit(size, if reader.layout.alpha || reader.layout.palette { 4 } else { 3 });
    reader.read_all(&mut raster);
    Ok(Frame::new(raster, reader.coding.tags))
}

/// All that reading one row needs.
struct Reader<'a> {
    layout: Layout,
    coding: Coding,
    planes: Planes<'a>,
    colors: Option<[u32; 256]>,
    siting: [Siting; 2],
    size: Size,
}

/// Buffers of one task.
#[derive(Default)]
struct Scratch {
    codes: Vec<f32>,
    sum: Vec<f32>,
    doubled: Vec<f32>,
}

impl Reader<'_> {
    fn read_all(&self, raster: &mut Raster) {
        let width = self.size.width;
        let (rgb, alpha) = raster.data_mut().split_at_mut(3 * self.size.area());
        let (red, rest) = rgb.split_at_mut(self.size.area());
        let (green, blue) = rest.split_at_mut(self.size.area());
        let rows = red.par_chunks_exact_mut(width).zip(green.par_chunks_exact_mut(width)).zip(blue.par_chunks_exact_mut(width));
        rows.enumerate().with_min_len(ROWS_A_TASK).for_each_init(Scratch::default, |scratch, (y, ((r, g), b))| {
            self.colors_of_row(y, [r, g, b], scratch);
        });
        let rows = alpha.par_chunks_exact_mut(width).enumerate().with_min_len(ROWS_A_TASK);
        rows.for_each(|(y, row)| self.alpha_of_row(y, row));
    }

    fn colors_of_row(&self, y: usize, mut out: [&mut [f32]; 3], scratch: &mut Scratch) {
        if let Some(colors) = &self.colors {
            for (x, &index) in self.planes.row(0, y).iter().enumerate() {
                let [_, rgb @ ..] = colors[usize::from(index)].to_be_bytes();
                (0..3).for_each(|c| out[c][x] = f32::from(rgb[c]) / 255.0);
            }
            return;
        }
        for (index, row) in out.iter_mut().enumerate().take(self.layout.colors()) {
            self.component_row(index, y, row, scratch);
        }
        let [a, b, c] = out;
        if self.layout.colors() == 1 {
            b.copy_from_slice(a);
            c.copy_from_slice(a);
        } else if let Some(m) = &self.coding.to_rgb {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                let (x, y, z) = (*a, *b, *c);
                *a = m[0][0] * x + m[0][1] * y + m[0][2] * z;
                *b = m[1][0] * x + m[1][1] * y + m[1][2] * z;
                *c = m[2][0] * x + m[2][1] * y + m[2][2] * z;
            }
        }
    }

    /// The signal of component `index` along full-size row `y`.
    fn component_row(&self, index: usize, y: usize, out: &mut [f32], scratch: &mut Scratch) {
        let c = &self.layout.components[index];
        let [across, down] = self.layout.halvings_of(index);
        let scale = self.coding.scales[index];
        let signal = |codes: &mut [f32]| codes.iter_mut().for_each(|v| *v = (*v - scale.offset) / scale.range);
        if across == 0 && down == 0 {
            samples::read(&self.layout, c, self.planes.row(c.plane, y), out);
            signal(out);
            return;
        }
        let width = self.size.width.div_ceil(1 << across);
        scratch.codes.resize(width, 0.0);
        scratch.sum.clear();
        scratch.sum.resize(width, 0.0);
        for (row, weight) in up_taps(y, self.size.height, down, self.siting[1]) {
            samples::read(&self.layout, c, self.planes.row(c.plane, row), &mut scratch.codes);
            add_scaled(&mut scratch.sum, &scratch.codes, weight);
        }
        signal(&mut scratch.sum);
        for halving in (1..across).rev() {
            scratch.doubled.resize(self.size.width.div_ceil(1 << halving), 0.0);
            up_row(&scratch.sum, &mut scratch.doubled, self.siting[0]);
            std::mem::swap(&mut scratch.sum, &mut scratch.doubled);
        }
        if across == 0 {
            out.copy_from_slice(&scratch.sum);
        } else {
            up_row(&scratch.sum, out, self.siting[0]);
        }
    }

    fn alpha_of_row(&self, y: usize, out: &mut [f32]) {
        if let Some(colors) = &self.colors {
            let indices = self.planes.row(0, y);
            out.iter_mut().zip(indices).for_each(|(v, &i)| *v = (colors[usize::from(i)] >> 24) as f32 / 255.0);
            return;
        }
        let index = self.layout.components.len() - 1;
        self.component_row(index, y, out, &mut Scratch::default());
    }
}
