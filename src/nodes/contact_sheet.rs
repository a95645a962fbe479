//! The kind `contact_sheet`.

use std::path::PathBuf;

use crate::frame::{Frame, Raster, Size};
use crate::kernel::resample::{Filter, resize};
use crate::media::{ImageFormat, ImageWriter, MediaError};
use crate::node::{Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::PathParam;

node! {
    /// Writes one picture with small copies of frames from the whole clip, evenly spread from the first on: the clip at a glance.
    ///
    /// With `source` linked each small copy stands below that of the frame it was made from. The sheet is written when the clip ends, also
    /// when it is stopped early, and then shows what there is.
    "contact_sheet" => ContactSheet
    inputs {
        /// The pictures.
        image: Frame,
        /// The pictures that they were made from, shown above them.
        source: Option<Frame>,
    }
    params {
        /// The file: png, jpg, webp, tiff.
        path: PathParam;
        /// Copies side by side.
        columns: i64 = 4, in 1.0..=64.0;
        /// Rows of copies (pairs of them with `source`).
        rows: i64 = 3, in 1.0..=64.0;
        /// Pixels that a copy is wide; it keeps the picture's proportions.
        width: i64 = 320, in 8.0..=8192.0;
        /// Pixels between copies, and around them, in black.
        gap: i64 = 4, in 0.0..=256.0;
        /// The quality of JPEG.
        quality: i64 = 92, in 1.0..=100.0;
    }
}

/// The kind `contact_sheet`.
pub struct ContactSheet {
    writer: ImageWriter,
    path: PathBuf,
    grid: Grid,
    width: usize,
}

/// How the copies lie.
#[derive(Debug, Clone, Copy)]
struct Grid {
    columns: usize,
    rows: usize,
    gap: usize,
}

/// Small copies from the whole clip so far: of every `every`-th frame.
pub struct Kept {
    every: u64,
    copies: Vec<Frame>,
}

impl Kept {
    /// Takes the copy that `make` makes of the clip's frame `count` if it is one of those kept. When there are twice as many as `room`,
    /// every second one goes: so memory stays bounded, however long the clip is.
    fn offer(&mut self, count: u64, room: usize, make: impl FnOnce() -> Frame) {
        if !count.is_multiple_of(self.every) {
            return;
        }
        self.copies.push(make());
        if self.copies.len() > 2 * room {
            let mut index = 0;
            self.copies.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.every *= 2;
        }
    }

    /// `count` of the copies, evenly spread, the first always among them.
    fn spread(&self, count: usize) -> Vec<&Frame> {
        let count = count.min(self.copies.len());
        (0..count).map(|i| &self.copies[i * self.copies.len() / count]).collect()
    }
}

impl Grid {
    /// The sheet of some copies of one size, row by row; fewer rows when there are few.
    fn lay(self, copies: &[&Frame]) -> Option<Frame> {
        let first = copies.first()?;
        let (cell, columns) = (first.size(), self.columns.min(copies.len()));
        let rows = copies.len().div_ceil(columns);
        let side = |cells: usize, length: usize| cells * (length + self.gap) + self.gap;
        let size = Size::new(side(columns, cell.width), side(rows, cell.height));
        let mut sheet = Raster::zeroed(size, 3);
        for (index, copy) in copies.iter().enumerate() {
            let (left, top) = (side(index % columns, cell.width), side(index / columns, cell.height));
            for plane in 0..3 {
                let from = copy.raster.plane(plane);
                for (y, line) in from.chunks_exact(cell.width).enumerate() {
                    sheet.plane_mut(plane)[(top + y) * size.width + left..][..cell.width].copy_from_slice(line);
                }
            }
        }
        Some(Frame::new(sheet, first.tags))
    }
}

impl Params {
    fn writer(&self) -> Result<ImageWriter, MediaError> {
        let format = ImageFormat::of(self.path.path(), 8, u8::try_from(self.quality).unwrap_or(92))?;
        ImageWriter::new(self.path.path(), format)
    }

    fn grid(&self) -> Grid {
        let [columns, rows, gap] = [self.columns, self.rows, self.gap].map(|n| usize::try_from(n).unwrap_or(0));
        Grid { columns: columns.max(1), rows: rows.max(1), gap }
    }
}

impl ContactSheet {
    /// The small copy of a picture, below that of its source.
    fn copy(&self, image: &Frame, source: Option<&Frame>) -> Frame {
        let size = image.size();
        let height = (size.height * self.width).div_ceil(size.width.max(1)).max(1);
        let small = |frame: &Frame| resize(&frame.raster, Size::new(self.width, height), Filter::Area);
        let Some(source) = source else { return Frame::new(small(image), image.tags) };
        let (above, below) = (small(source), small(image));
        let data = (0..3).flat_map(|plane| [above.plane(plane), below.plane(plane)].concat()).collect();
        Frame::new(Raster::from_vec(Size::new(self.width, 2 * height), 3, data), image.tags)
    }
}

impl Node for ContactSheet {
    type State = Kept;

    fn outlook(params: &Params, _cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        params.writer().map_err(|error| vec![Problem::error("path", error.to_string())])?;
        Ok(Outlook { writes: vec![params.path.path().to_path_buf()], ..Outlook::default() })
    }

    fn open(params: &Params, _cx: &Open<'_>) -> Result<(Self, Kept), Fault> {
        let width = usize::try_from(params.width).unwrap_or(320);
        let node = Self { writer: params.writer()?, path: params.path.path().to_path_buf(), grid: params.grid(), width };
        Ok((node, Kept { every: 1, copies: Vec::new() }))
    }

    fn fire(&self, kept: &mut Kept, cx: &Tick<'_>, inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        let room = self.grid.columns * self.grid.rows;
        kept.offer(cx.count, room, || self.copy(&inputs.image, inputs.source.as_ref()));
        Ok(Outputs {})
    }

    fn finish(&self, kept: &mut Kept, _ending: Ending) -> Result<Vec<String>, Fault> {
        let copies = kept.spread(self.grid.columns * self.grid.rows);
        let Some(sheet) = self.grid.lay(&copies) else { return Ok(Vec::new()) };
        self.writer.write(&sheet, 0)?;
        Ok(vec![format!("wrote {}", super::encoder::shown(&self.path).display())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(frames: u64, room: usize) -> Vec<f32> {
        let mut kept = Kept { every: 1, copies: Vec::new() };
        for i in 0..frames {
            kept.offer(i, room, || Frame::filled(Size::new(2, 1), [i as f32; 3]));
        }
        kept.spread(room).iter().map(|frame| frame.raster.data()[0]).collect()
    }

    #[test]
    fn copies_are_spread_over_clips_of_any_length() {
        assert_eq!(kept(3, 4), [0.0, 1.0, 2.0]);
        assert_eq!(kept(8, 4), [0.0, 2.0, 4.0, 6.0]);
        let of_many = kept(1000, 4);
        assert_eq!((of_many[0], of_many.len()), (0.0, 4));
        assert!(of_many.windows(2).all(|pair| (190.0..=300.0).contains(&(pair[1] - pair[0]))), "{of_many:?}");
    }

    #[test]
    fn a_sheet_has_gaps_and_no_empty_rows() {
        let frames: Vec<Frame> = (1..=3).map(|i| Frame::filled(Size::new(2, 1), [i as f32; 3])).collect();
        let grid = Grid { columns: 2, rows: 5, gap: 1 };
        let sheet = grid.lay(&frames.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!((sheet.size().width, sheet.size().height), (7, 5));
        let row = |y: usize| &sheet.raster.plane(2)[y * 7..(y + 1) * 7];
        assert_eq!(row(0), [0.0; 7]);
        assert_eq!(row(1), [0.0, 1.0, 1.0, 0.0, 2.0, 2.0, 0.0]);
        assert_eq!(row(3), [0.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
