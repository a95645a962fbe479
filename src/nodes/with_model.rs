//! What kinds that run a model have in common.

use std::path::PathBuf;
use std::sync::Arc;

use crate::frame::{Raster, Size};
use crate::kernel::resample::{Filter, align, resize};
use crate::model::{FindError, ModelError, PictureSlot, Range, Session, SessionOptions, find_model};
use crate::node::{Engine, Fault, Lane, Problem};
use crate::param::PathParam;

/// The file of the model that a parameter `model` names, for the outlook.
pub(super) fn locate(model: &PathParam) -> Result<PathBuf, Problem> {
    find_model(model.text(), model.base()).map_err(|error| not_found("model", &error))
}

/// What to say of the parameter `at` that names a model which is not there.
pub(super) fn not_found(at: &'static str, error: &FindError) -> Problem {
    let text = error.to_string();
    let mut lines = text.lines();
    let problem = Problem::error(at, lines.next().unwrap_or_default());
    problem.help(lines.collect::<Vec<_>>().join("\n"))
}

/// Loads the model that a parameter `model` names.
pub(super) fn open(model: &PathParam, engine: &Engine) -> Result<Arc<Session>, Fault> {
    let path = find_model(model.text(), model.base())?;
    Ok(Session::open(&path, &SessionOptions::new(&engine.devices, engine.threads)?)?)
}

/// The lane of firings that run a model: they use the whole device.
pub(super) fn lane(engine: &Engine) -> Lane {
    Lane::Device(engine.devices.first().cloned().unwrap_or_else(|| "cpu".to_owned()))
}

/// What the user should know at the end: that a device asked for is not there.
pub(super) fn notes(session: Option<&Arc<Session>>) -> Vec<String> {
    let note = session.and_then(|s| s.device_note().map(|note| format!("{}: {note}", s.path().display())));
    note.into_iter().collect()
}

/// The size at which a picture of `size` goes through a model: what the model fixes, or the shorter side `short_side` long and both
/// multiples of `step`, or `None` for as it is.
pub(super) fn working_size(slot: &PictureSlot, size: Size, short_side: Option<i64>, step: usize) -> Option<Size> {
    if slot.fixed.is_some() {
        return slot.fixed;
    }
    let wanted = short_side.filter(|n| *n > 0)? as f64;
    let scale = wanted / size.width.min(size.height).max(1) as f64;
    let side = |n: usize| (n as f64 * scale).round().max(1.0) as usize;
    Some(align(Size::new(side(size.width), side(size.height)), step))
}

/// The colour planes of `raster`, stretched to `size` where one is given.
pub(super) fn colors_at(raster: &Raster, size: Option<Size>) -> Raster {
    size.map_or_else(|| raster.clone(), |size| resize(raster, size, Filter::Bicubic))
}

/// Removes what padding from `padded_from` to multiples of `step` added, at whatever scale the model answered, and stretches the
/// rest to `size`.
pub(super) fn crop_and_fit(output: &Raster, padded_from: Size, step: usize, size: Size) -> Raster {
    let keep = |out: usize, n: usize| (out * n).div_ceil(n.next_multiple_of(step.max(1)).max(1)).max(1);
    let kept = Size::new(keep(output.size().width, padded_from.width), keep(output.size().height, padded_from.height));
    let cropped = if kept == output.size() { output.clone() } else { crop(output, kept) };
    resize(&cropped, size, Filter::Bicubic)
}

fn crop(raster: &Raster, size: Size) -> Raster {
    let from = raster.size();
    let mut out = Raster::uninit(size, raster.planes());
    for (index, plane) in out.planes_mut().enumerate() {
        let rows = raster.plane(index).chunks_exact(from.width);
        for (row, source) in plane.chunks_exact_mut(size.width).zip(rows) {
            row.copy_from_slice(&source[..size.width]);
        }
    }
    out
}

crate::choice! {
    /// What a model's numbers mean.
    pub enum Values {
        /// 0 black to 1 white.
        Unit = "0..1",
        /// 0 black to 255 white.
        Byte = "0..255",
        /// −1 black to 1 white.
        Signed = "-1..1",
        /// Normalised by `ImageNet`'s mean and deviation, as many networks for depth are.
        ImageNet = "imagenet",
    }
}

impl From<Values> for Range {
    fn from(values: Values) -> Self {
        match values {
            Values::Unit => Self::Unit,
            Values::Byte => Self::Byte,
            Values::Signed => Self::Signed,
            Values::ImageNet => Self::ImageNet,
        }
    }
}

/// The error for a model that does not fit a kind.
pub(super) fn unfit(session: &Session, what: &str, why: String) -> Fault {
    ModelError::Signature { path: session.path().to_path_buf(), what: what.to_owned(), why, has: session.describe() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Layout;

    #[test]
    fn padding_is_cut_off_at_any_scale() {
        // 6x4 was padded to 8x4 and doubled by the model.
        let data = (0..8 * 16).map(|i| if i % 16 < 12 { 1.0 } else { 9.0 }).collect();
        let output = Raster::from_vec(Size::new(16, 8), 1, data);
        let back = crop_and_fit(&output, Size::new(6, 4), 4, Size::new(6, 4));
        assert_eq!(back.data(), [1.0; 24]);
    }

    #[test]
    fn the_working_size_keeps_proportions_and_steps() {
        let slot = |fixed| PictureSlot { name: "x".into(), layout: Layout::Nchw, fixed };
        assert_eq!(working_size(&slot(None), Size::new(1280, 720), Some(256), 32), Some(Size::new(448, 256)));
        assert_eq!(working_size(&slot(None), Size::new(1280, 720), None, 32), None);
        assert_eq!(working_size(&slot(Some(Size::new(9, 8))), Size::new(1280, 720), Some(256), 32), Some(Size::new(9, 8)));
    }
}

/// What the tests of kinds with models share.
#[cfg(test)]
pub(super) mod testing {
    use std::path::{Path, PathBuf};

    use crate::frame::{Frame, Raster, Size};
    use crate::node::{Engine, Format, Open, PortType, Spec, Tick, Timeline};
    use crate::param::{Moment, PathParam};

    /// A tiny model of `tests/models`.
    pub fn tiny(name: &str) -> PathParam {
        PathParam::new(format!("{name}.onnx"), &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models"))
    }

    /// A trained model, where they are; says so where not.
    pub fn trained(name: &str) -> Option<PathParam> {
        let given = std::env::var_os("FRAMELOOM_TEST_MODELS").map(PathBuf::from);
        let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models"));
        let file = folder.join(format!("{name}.onnx"));
        if !file.is_file() {
            println!("skipped: there is no {} (set FRAMELOOM_TEST_MODELS to the folder of trained models)", file.display());
            return None;
        }
        Some(PathParam::new(file.to_string_lossy(), Path::new("")))
    }

    /// Hands `use_it` what a node may know, with `inputs` linked pictures.
    pub fn opening<T>(inputs: usize, use_it: impl FnOnce(&Open<'_>) -> T) -> T {
        let engine = Engine { threads: 1, ..Engine::default() };
        let formats = vec![Some(Format::new(PortType::Frame, Size::new(8, 8))); inputs];
        use_it(&Open { node: "n", timeline: Timeline::default(), inputs: &formats, period: 1, engine: &engine })
    }

    /// The first tick.
    pub fn tick(spec: &Spec) -> Tick<'_> {
        Tick { node: "n", spec, moment: Moment::default(), wanted: &[true], count: 0, period: 1 }
    }

    /// Smooth colours with an edge: bright at the bottom, a red disc in the middle.
    pub fn scene(width: usize, height: usize) -> Frame {
        let mut raster = Raster::uninit(Size::new(width, height), 3);
        for (c, plane) in raster.planes_mut().enumerate() {
            for (at, value) in plane.iter_mut().enumerate() {
                let (x, y) = ((at % width) as f32 / width as f32 - 0.5, (at / width) as f32 / height as f32 - 0.5);
                let disc = x * x + y * y < 0.06;
                *value = if disc { [0.9, 0.1, 0.1][c] } else { 0.5 + 0.4 * y + 0.1 * x * c as f32 };
            }
        }
        Frame::new(raster, crate::frame::ColorTags::default())
    }

    /// The mean of a plane.
    pub fn mean(values: &[f32]) -> f32 {
        values.iter().sum::<f32>() / values.len() as f32
    }
}
