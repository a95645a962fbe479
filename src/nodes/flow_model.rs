//! Networks that estimate optical flow.

use std::sync::Arc;

use super::with_model::{self, unfit};
use crate::frame::{Flow, Raster, Size};
use crate::kernel::resample::{Filter, resize, resize_vectors};
use crate::model::{PictureSlot, Range, Session, Tensor};
use crate::node::{Engine, Fault};
use crate::param::PathParam;

/// Sides below this many pixels are enlarged by repeating the edge: networks with several halvings fail on less.
const LEAST: usize = 128;

/// A network that takes two pictures and gives the flow from the first to the second, in pixels.
pub(super) struct FlowModel {
    session: Arc<Session>,
    /// The picture in which motion starts, and that in which it ends.
    pictures: [PictureSlot; 2],
    /// The output's index and form.
    output: (usize, PictureSlot),
    values: Range,
    align: usize,
}

impl FlowModel {
    /// Loads `model` and finds its two pictures, in the order of its inputs, and the first output of two channels.
    pub(super) fn open(model: &PathParam, values: Range, align: usize, engine: &Engine) -> Result<Self, Fault> {
        let session = with_model::open(model, engine)?;
        let bad = |why: &str| unfit(&session, "a model for optical flow", why.to_owned());
        let slots: Option<Vec<PictureSlot>> = session.inputs().iter().map(|input| PictureSlot::of(input, 3)).collect();
        let pictures = slots.and_then(|slots| <[PictureSlot; 2]>::try_from(slots).ok());
        let pictures = pictures.ok_or_else(|| bad("two RGB pictures are expected as inputs"))?;
        let output = session.outputs().iter().enumerate().find_map(|(index, info)| Some((index, PictureSlot::of(info, 2)?)));
        let output = output.ok_or_else(|| bad("a field of two channels, dx and dy, is expected as output"))?;
        Ok(Self { session, pictures, output, values, align })
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The flow from `from` to `to`, which have one size.
    pub(super) fn estimate(&self, from: &Raster, to: &Raster) -> Result<Flow, Fault> {
        let size = from.size();
        let [first, second] = &self.pictures;
        let step = if first.fixed.is_some() { 1 } else { self.align };
        let up = |n: usize| n.max(LEAST).next_multiple_of(step);
        let given = first.fixed.unwrap_or(Size::new(up(size.width), up(size.height)));
        let fit = |picture: &Raster| if first.fixed.is_some() { resize(picture, given, Filter::Area) } else { extended(picture, given) };
        let (from, to) = (fit(from), fit(to));
        let (from, to) = (first.pack(&from, self.values, 1), second.pack(&to, self.values, 1));
        let outputs = self.session.run(&[(&first.name, from.view().into()), (&second.name, to.view().into())])?;
        let (index, slot) = &self.output;
        let output = outputs.into_iter().nth(*index).unwrap_or(Tensor::F32(ndarray::ArrayD::zeros(vec![0])));
        let field = slot.unpack(&self.session, output, Range::Unit)?;
        if field.planes() != 2 {
            let why = format!("`{}` has {} channels instead of dx and dy", slot.name, field.planes());
            return Err(unfit(&self.session, "a model for optical flow", why));
        }
        // Some networks answer in a part of the size, in pixels of that.
        let field = resize_vectors(&field, given, Filter::Bilinear);
        Ok(Flow::new(if first.fixed.is_some() { resize_vectors(&field, size, Filter::Bilinear) } else { cropped(&field, size) }))
    }
}

/// `picture` with its last row and column repeated up to `size`.
fn extended(picture: &Raster, size: Size) -> Raster {
    let from = picture.size();
    if from == size {
        return picture.clone();
    }
    let planes = picture.planes().min(3);
    let mut out = Raster::uninit(size, planes);
    for (index, plane) in out.planes_mut().enumerate() {
        for (y, row) in plane.chunks_exact_mut(size.width).enumerate() {
            let line = &picture.plane(index)[y.min(from.height - 1) * from.width..][..from.width];
            row[..from.width].copy_from_slice(line);
            row[from.width..].fill(line[from.width - 1]);
        }
    }
    out
}

fn cropped(field: &Raster, size: Size) -> Raster {
    let from = field.size();
    if from == size {
        return field.clone();
    }
    let mut out = Raster::uninit(size, field.planes());
    for (index, plane) in out.planes_mut().enumerate() {
        for (row, line) in plane.chunks_exact_mut(size.width).zip(field.plane(index).chunks_exact(from.width)) {
            row.copy_from_slice(&line[..size.width]);
        }
    }
    out
}
