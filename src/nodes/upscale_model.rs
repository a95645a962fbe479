//! Networks that enlarge pictures, in tiles.

use std::ops::Range;
use std::sync::Arc;

use super::with_model::{self, unfit};
use crate::frame::{Raster, Size};
use crate::model::{PictureSlot, Range as Values, Session, Tensor};
use crate::node::{Engine, Fault};
use crate::param::PathParam;

/// The side of the picture that a model is tried with, where it does not fix one.
const TRIAL: usize = 64;
const WHAT: &str = "an upscaler";

/// A network that takes one RGB picture and gives a larger one.
pub(super) struct UpscaleModel {
    session: Arc<Session>,
    image: PictureSlot,
    /// The output's index and form.
    output: (usize, PictureSlot),
    values: Values,
    align: usize,
    factor: usize,
}

impl UpscaleModel {
    /// Loads `model` and tries it, to learn its factor.
    pub(super) fn open(model: &PathParam, values: Values, align: usize, engine: &Engine) -> Result<Self, Fault> {
        let session = with_model::open(model, engine)?;
        let bad = |why: &str| unfit(&session, WHAT, why.to_owned());
        let [input] = session.inputs() else { return Err(bad("one RGB picture is expected as its only input")) };
        let image = PictureSlot::of(input, 3).ok_or_else(|| bad("one RGB picture is expected as its only input"))?;
        let output = session.outputs().iter().enumerate().find_map(|(index, info)| Some((index, PictureSlot::of(info, 3)?)));
        let output = output.ok_or_else(|| bad("an RGB picture is expected as output"))?;
        let mut model = Self { session, image, output, values, align, factor: 1 };
        let side = TRIAL.next_multiple_of(align.max(1));
        let size = model.image.fixed.unwrap_or(Size::new(side, side));
        let large = model.run(&Raster::from_vec(size, 3, vec![0.5; 3 * size.area()]))?.size();
        let whole = large.width.is_multiple_of(size.width) && large.width / size.width * size.height == large.height;
        if !whole || large.width < size.width {
            return Err(unfit(&model.session, WHAT, format!("it makes {large} of {size}, which is no whole number of times larger")));
        }
        model.factor = large.width / size.width;
        Ok(model)
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// How many times larger its pictures are.
    pub(super) fn factor(&self) -> f64 {
        self.factor as f64
    }

    /// The colours of `picture`, enlarged in squares of `tile` pixels that see `overlap` pixels of their neighbours.
    pub(super) fn enlarge(&self, picture: &Raster, tile: usize, overlap: usize) -> Result<Raster, Fault> {
        let size = picture.size();
        let side = self.image.fixed.unwrap_or(Size::new(tile, tile));
        let (columns, rows) = (split(size.width, side.width, overlap), split(size.height, side.height, overlap));
        if columns.len() == 1 && rows.len() == 1 && self.image.fixed.is_none() {
            return self.run(picture);
        }
        let large = Size::new(size.width * self.factor, size.height * self.factor);
        let least = self.image.fixed.unwrap_or(Size::new(0, 0));
        let mut out = Raster::zeroed(large, 3);
        for row in &rows {
            for column in &columns {
                let part = cut(picture, column.range.clone(), row.range.clone(), least);
                let part = self.run(&part)?;
                add(&mut out, &part, (column, row), self.factor);
            }
        }
        Ok(out)
    }

    /// One picture through the model; what padding added is cut off.
    fn run(&self, picture: &Raster) -> Result<Raster, Fault> {
        let size = picture.size();
        let align = if self.image.fixed.is_some() { 1 } else { self.align };
        let packed = self.image.pack(picture, self.values, align);
        let outputs = self.session.run(&[(&self.image.name, packed.view().into())])?;
        let (index, slot) = &self.output;
        let output = outputs.into_iter().nth(*index).unwrap_or(Tensor::F32(ndarray::ArrayD::zeros(vec![0])));
        let large = slot.unpack(&self.session, output, self.values)?;
        if self.factor == 1 || large.size() == Size::new(size.width * self.factor, size.height * self.factor) {
            return Ok(large);
        }
        let kept = Size::new(size.width * self.factor, size.height * self.factor);
        if kept.width > large.size().width || kept.height > large.size().height {
            return Err(unfit(&self.session, WHAT, format!("it made {} of {size}, not {kept}", large.size())));
        }
        Ok(cut(&large, 0..kept.width, 0..kept.height, kept))
    }
}

/// A tile along one axis.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    /// Its pixels.
    range: Range<usize>,
    /// Over which positions it fades in at its beginning, and out at its end; nothing at the picture's own edge.
    fade: [Option<(f32, f32)>; 2],
}

impl Span {
    /// How much the tile counts at `position`, in pixels from the edge of the picture. The weights of all tiles add up to 1.
    fn weight(&self, position: f32) -> f32 {
        let ramp = |(from, to): (f32, f32)| {
            if to > from { ((position - from) / (to - from)).clamp(0.0, 1.0) } else { f32::from(u8::from(position >= from)) }
        };
        let [begin, end] = self.fade;
        begin.map_or(1.0, ramp) * end.map_or(1.0, |end| 1.0 - ramp(end))
    }
}

/// Tiles of `tile` pixels that cover `length`, spread evenly, each sharing at least twice `overlap` with the next. They fade into each
/// other over a half of `overlap` around the middle of what they share, where both have seen at least three quarters of it.
fn split(length: usize, tile: usize, overlap: usize) -> Vec<Span> {
    if tile >= length {
        return vec![Span { range: 0..length, fade: [None; 2] }];
    }
    let step = tile.saturating_sub(2 * overlap).max(1);
    let steps = (length - tile).div_ceil(step);
    let start = |index: usize| (length - tile) * index / steps;
    let seam = |index: usize| {
        let middle = (start(index + 1) + start(index) + tile) as f32 / 2.0;
        let reach = overlap as f32 / 4.0;
        (middle - reach, middle + reach)
    };
    let span = |index: usize| Span {
        range: start(index)..start(index) + tile,
        fade: [index.checked_sub(1).map(seam), (index < steps).then(|| seam(index))],
    };
    (0..=steps).map(span).collect()
}

/// The colours in `columns` and `rows` of `picture`, with the last ones repeated up to `least`.
fn cut(picture: &Raster, columns: Range<usize>, rows: Range<usize>, least: Size) -> Raster {
    let from = picture.size();
    let size = Size::new(columns.len().max(least.width), rows.len().max(least.height));
    let mut out = Raster::uninit(size, picture.planes().min(3));
    for (index, plane) in out.planes_mut().enumerate() {
        for (y, line) in plane.chunks_exact_mut(size.width).enumerate() {
            let y = rows.start + y.min(rows.len() - 1);
            let source = &picture.plane(index)[y * from.width..][columns.clone()];
            let (inner, beyond) = line.split_at_mut(source.len());
            inner.copy_from_slice(source);
            beyond.fill(source[source.len() - 1]);
        }
    }
    out
}

/// Adds an enlarged tile where it belongs, by its weight.
fn add(out: &mut Raster, part: &Raster, (column, row): (&Span, &Span), factor: usize) {
    let (width, from) = (out.size().width, part.size().width);
    let weights = |span: &Span| -> Vec<f32> {
        let positions = span.range.start * factor..span.range.end * factor;
        positions.map(|p| span.weight((p as f32 + 0.5) / factor as f32)).collect()
    };
    let (across, down) = (weights(column), weights(row));
    for (index, plane) in out.planes_mut().enumerate() {
        for (y, by_row) in down.iter().enumerate() {
            let line = &mut plane[(row.range.start * factor + y) * width + column.range.start * factor..][..across.len()];
            let source = &part.plane(index)[y * from..][..across.len()];
            for ((out, source), by_column) in line.iter_mut().zip(source).zip(&across) {
                *out += by_row * by_column * source;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_everything_once() {
        for (length, tile, overlap) in
            [(100, 40, 8), (100, 99, 30), (1280, 512, 32), (57, 48, 16), (50, 50, 4), (200, 30, 0), (101, 30, 10)]
        {
            let spans = split(length, tile, overlap);
            assert!(spans.iter().all(|span| span.range.len() == tile.min(length)));
            assert_eq!((spans[0].range.start, spans[spans.len() - 1].range.end), (0, length));
            for position in 0..length {
                let inside = |span: &&Span| span.range.contains(&position);
                let sum: f32 = spans.iter().filter(inside).map(|span| span.weight(position as f32 + 0.5)).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{length} {tile} {overlap} at {position}: {sum}");
                let outside: f32 = spans.iter().filter(|span| !inside(span)).map(|span| span.weight(position as f32 + 0.5)).sum();
                assert!(outside < 1e-6, "{length} {tile} {overlap} at {position}");
            }
        }
    }
}
