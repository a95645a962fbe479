//! Networks that make the frame between two others.

use std::sync::Arc;

use ndarray::ArrayD;

use super::with_model::{self, unfit};
use crate::frame::Raster;
use crate::model::{PictureSlot, Range, Session, Tensor, TensorInfo};
use crate::node::{Engine, Fault};
use crate::param::PathParam;

const WHAT: &str = "a model for frames between two";

/// A network that takes two RGB pictures and a time from 0 to 1, and gives the picture at that time: RIFE and its kin.
pub(super) struct BetweenModel {
    session: Arc<Session>,
    /// The earlier picture and the later one.
    pictures: [PictureSlot; 2],
    time: TensorInfo,
    /// The output's index and form.
    output: (usize, PictureSlot),
    values: Range,
    align: usize,
}

impl BetweenModel {
    /// Loads `model` and finds its two pictures and the time, in the order of its inputs, and the first RGB picture that comes out.
    pub(super) fn open(model: &PathParam, values: Range, align: usize, engine: &Engine) -> Result<Self, Fault> {
        let session = with_model::open(model, engine)?;
        let bad = |why: &str| unfit(&session, WHAT, why.to_owned());
        let (mut pictures, mut times) = (Vec::new(), Vec::new());
        for info in session.inputs() {
            match PictureSlot::of(info, 3) {
                // An axis of channels that is left open may be a time for every pixel.
                Some(slot) if !info.name.to_lowercase().contains("time") => pictures.push(slot),
                _ => times.push(info.clone()),
            }
        }
        let pictures = <[PictureSlot; 2]>::try_from(pictures).map_err(|_| bad("two RGB pictures are expected as inputs"))?;
        let time = match &times[..] {
            [time] if time.element.is_float() && matches!(time.rank(), 0 | 1 | 4) => time.clone(),
            [] => return Err(bad("it has no input for the time between the pictures")),
            _ => return Err(bad("one number, the time, is expected besides the pictures")),
        };
        let output = session.outputs().iter().enumerate().find_map(|(index, info)| Some((index, PictureSlot::of(info, 3)?)));
        let output = output.ok_or_else(|| bad("an RGB picture is expected as output"))?;
        Ok(Self { session, pictures, time, output, values, align })
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The colours at `time`, 0 at `a` and 1 at `b`, which have one size.
    pub(super) fn between(&self, a: &Raster, b: &Raster, time: f32) -> Result<Raster, Fault> {
        let size = a.size();
        let [first, second] = &self.pictures;
        let step = if first.fixed.is_some() { 1 } else { self.align };
        let [a, b] = [a, b].map(|picture| with_model::colors_at(picture, first.fixed));
        let inner = a.size();
        let (a, b) = (first.pack(&a, self.values, step), second.pack(&b, self.values, step));
        let up = |n: usize| n.next_multiple_of(step.max(1));
        // Some exports want the time once, others for every pixel.
        let shape: Vec<usize> = match self.time.rank() {
            4 => (0..4).map(|axis| self.time.fixed(axis).unwrap_or([1, 1, up(inner.height), up(inner.width)][axis])).collect(),
            rank => vec![1; rank],
        };
        let time = ArrayD::from_elem(shape, time);
        let inputs = [(&*first.name, a.view().into()), (&*second.name, b.view().into()), (&*self.time.name, time.view().into())];
        let (index, slot) = &self.output;
        let output = self.session.run(&inputs)?.into_iter().nth(*index).unwrap_or(Tensor::F32(ArrayD::zeros(vec![0])));
        let made = slot.unpack(&self.session, output, self.values)?;
        Ok(with_model::crop_and_fit(&made, inner, step, size))
    }
}

#[cfg(test)]
mod tests {
    use super::super::with_model::testing::{scene, tiny, trained};
    use super::*;
    use crate::frame::{Frame, Size};

    fn open(model: &PathParam, align: usize) -> Result<BetweenModel, Fault> {
        BetweenModel::open(model, Range::Unit, align, &Engine { threads: 1, ..Engine::default() })
    }

    /// The scene, moved to the right.
    fn moved(frame: &Frame, by: usize) -> Raster {
        let mut out = frame.raster.clone();
        let width = out.size().width;
        for (index, plane) in out.planes_mut().enumerate() {
            for (row, source) in plane.chunks_exact_mut(width).zip(frame.raster.plane(index).chunks_exact(width)) {
                row[by..].copy_from_slice(&source[..width - by]);
            }
        }
        out
    }

    fn apart(a: &Raster, b: &Raster) -> f32 {
        a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.data().len() as f32
    }

    #[test]
    fn any_time_at_any_size() {
        let model = open(&tiny("between"), 8).unwrap();
        let size = Size::new(21, 10);
        let (black, white) = (Raster::zeroed(size, 3), Raster::from_vec(size, 3, vec![1.0; 630]));
        for time in [0.0, 0.25, 0.5, 1.0] {
            let made = model.between(&black, &white, time).unwrap();
            assert_eq!(made.size(), size);
            assert!(made.data().iter().all(|v| (v - time).abs() < 1e-6), "{time}");
        }
    }

    #[test]
    fn other_models_are_refused() {
        let message = |name| open(&tiny(name), 8).err().map(|fault| fault.message).unwrap_or_default();
        assert!(message("invert").contains("two RGB pictures are expected"), "{}", message("invert"));
        assert!(message("no_such").contains("there is no model"));
    }

    #[test]
    fn a_trained_model_moves_what_a_fade_would_double() {
        let Some(model) = trained("rife_v4") else { return };
        let model = open(&model, 32).unwrap();
        let a = scene(150, 100);
        let (b, middle) = (moved(&a, 12), moved(&a, 6));
        let made = model.between(&a.raster, &b, 0.5).unwrap();
        let mut faded = a.raster.clone();
        faded.data_mut().iter_mut().zip(b.data()).for_each(|(a, b)| *a = (*a + b) / 2.0);
        assert!(apart(&made, &middle) < 0.5 * apart(&faded, &middle), "{} {}", apart(&made, &middle), apart(&faded, &middle));
    }
}
