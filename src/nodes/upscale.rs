//! The kind `upscale`.

use super::upscale_model::UpscaleModel;
use super::with_model::{self, Values};
use crate::choice;
use crate::frame::{Frame, Raster, Size};
use crate::kernel::resample::{self, Fit, Pad, resize};
use crate::model::all_dark;
use crate::node::{Ending, Fault, Format, Halt, Node, Open, Outlook, PortType, Problem, Prospect, Tick};
use crate::param::PathParam;

choice! {
    /// How a new pixel is made of old ones.
    pub enum Filter {
        /// The old pixel under the new one: hard steps, no new colours.
        Nearest = "nearest",
        /// Soft.
        Bilinear = "bilinear",
        /// Sharp (Catmull-Rom).
        Bicubic = "bicubic",
        /// The sharpest.
        Lanczos = "lanczos",
    }
}

impl From<Filter> for resample::Filter {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::Nearest => Self::Nearest,
            Filter::Bilinear => Self::Bilinear,
            Filter::Bicubic => Self::Bicubic,
            Filter::Lanczos => Self::Lanczos,
        }
    }
}

node! {
    /// Enlarges the picture, by a filter or by a trained network that adds detail.
    ///
    /// Any ONNX model that takes one RGB picture and gives a larger one will do; its factor is found out by trying. Large pictures go through
    /// it in tiles, so that memory is bounded: each tile sees `overlap` pixels of its neighbours, and seams are faded over the middle of
    /// what they share. Alpha is enlarged by the filter.
    "upscale" => Upscale
    inputs {
        /// The picture.
        image: Frame,
    }
    outputs {
        /// The enlarged picture.
        image: Frame,
    }
    params {
        /// How many times larger. Left out: 2, or the model's own; where it differs from the model's, the filter does the rest.
        factor: Option<f64>, in 1.0..=16.0;
        /// How a new pixel is made of old ones, without a model or after it.
        filter: Filter = "lanczos";
        /// The ONNX model: a file, or a name in a `models` folder.
        model: Option<PathParam>;
        /// The side in pixels of the squares that go through the model; 0 for the whole picture at once.
        tile: i64 = 512, in 0.0..=8192.0;
        /// How many pixels beyond its own a tile sees; as many as the model looks around, and seams cannot be told. A third of `tile` at most.
        overlap: i64 = 32, in 0.0..=512.0;
        /// Tiles are enlarged to multiples of this, by repeating their edge, and cut again afterwards.
        align: i64 = 1, in 1.0..=512.0;
        /// What the model's numbers mean.
        values: Values = "0..1";
    }
}

/// The kind `upscale`.
pub struct Upscale {
    model: Option<UpscaleModel>,
    factor: f64,
    filter: resample::Filter,
}

impl Params {
    fn load(&self, engine: &crate::node::Engine) -> Result<Option<UpscaleModel>, Fault> {
        let load = |model| UpscaleModel::open(model, self.values.into(), self.align.max(1) as usize, engine);
        self.model.as_ref().map(load).transpose()
    }

    /// The factor, where it is known without trying the model.
    fn known_factor(&self) -> Option<f64> {
        self.factor.or(self.model.is_none().then_some(2.0))
    }
}

/// `size`, `factor` times as large.
fn enlarged(size: Size, factor: f64) -> Size {
    let side = |n: usize| ((n as f64 * factor).round() as usize).max(1);
    Size::new(side(size.width), side(size.height))
}

impl Node for Upscale {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let mut models = Vec::new();
        let mut lane = crate::node::Lane::default();
        if let Some(model) = &params.model {
            models.push(with_model::locate(model).map_err(|problem| vec![problem])?);
            lane = with_model::lane(cx.engine);
        }
        if params.tile > 0 && params.overlap * 3 > params.tile {
            let problem = Problem::error(
                "overlap",
                format!("an `overlap` of {} is more than a third of a `tile` of {}", params.overlap, params.tile),
            );
            return Err(vec![problem.help(format!("write `overlap: {}`, or a larger `tile`", params.tile / 3))]);
        }
        let factor = match params.known_factor() {
            Some(factor) => factor,
            None => {
                let model = params.load(cx.engine).map_err(|fault| {
                    let problem = Problem::error("model", fault.message.clone());
                    vec![fault.help.into_iter().fold(problem, Problem::help)]
                })?;
                model.map_or(2.0, |model| model.factor())
            }
        };
        let size = enlarged(cx.size_of("image"), factor);
        let mut image = Format::new(PortType::Frame, size);
        image.planes = cx.input("image").map_or(3, |format| format.planes.max(3));
        Ok(Outlook { lane, models, ..Outlook::new(vec![image]) })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let model = params.load(cx.engine)?;
        let own = model.as_ref().map_or(2.0, UpscaleModel::factor);
        Ok((Self { model, factor: params.factor.unwrap_or(own), filter: params.filter.into() }, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let small = inputs.image;
        let size = enlarged(small.size(), self.factor);
        let Some(model) = &self.model else {
            return Ok(Outputs { image: resample::resize_frame(&small, size, self.filter, Fit::Stretch, Pad::BLACK) });
        };
        let tile = usize::try_from(now.tile).ok().filter(|tile| *tile > 0).unwrap_or(usize::MAX);
        let large = model.enlarge(&small.raster, tile, now.overlap.unsigned_abs() as usize)?;
        if all_dark(large.data()) && !all_dark(&small.raster.data()[..3 * small.size().area()]) {
            let fault = Fault::new(format!("`{}` gives a black picture for one that is not", model.session().path().display()));
            return Err(fault.help("check `values`: the model may want 0..255 or -1..1").into());
        }
        let shrinking = large.size().area() > size.area();
        let large = resize(&large, size, if shrinking { resample::Filter::Area } else { self.filter });
        Ok(Outputs { image: Frame::new(with_alpha(&large, &small, size, self.filter), small.tags) })
    }

    fn finish(&self, _state: &mut (), _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(with_model::notes(self.model.as_ref().map(UpscaleModel::session)))
    }
}

/// The colours `large`, and the alpha of `small` where there is one, enlarged by the filter.
fn with_alpha(large: &Raster, small: &Frame, size: Size, filter: resample::Filter) -> Raster {
    if !small.has_alpha() {
        return large.clone();
    }
    let alpha = Raster::from_vec(small.size(), 1, small.raster.plane(3).to_vec());
    let alpha = resize(&alpha, size, filter);
    let mut out = Raster::uninit(size, 4);
    out.data_mut()[..3 * size.area()].copy_from_slice(&large.data()[..3 * size.area()]);
    // Lanczos overshoots; nothing is more than opaque.
    out.plane_mut(3).iter_mut().zip(alpha.data()).for_each(|(out, alpha)| *out = alpha.clamp(0.0, 1.0));
    out
}

#[cfg(test)]
mod tests {
    use super::super::with_model::testing::{opening, scene, tick, tiny, trained};
    use super::*;
    use crate::node::Declared;

    fn params(model: Option<PathParam>) -> Params {
        Params { factor: None, filter: Filter::Lanczos, model, tile: 0, overlap: 16, align: 1, values: Values::Unit }
    }

    fn run(params: &Params, image: &Frame) -> Result<Frame, Fault> {
        let (node, ()) = opening(1, |cx| Upscale::open(params, cx))?;
        let now = Upscale::now(params, &tick(&Upscale::spec()).moment);
        match node.fire(&mut (), &tick(&Upscale::spec()), Inputs { image: image.clone() }, now) {
            Ok(outputs) => Ok(outputs.image),
            Err(Halt::Fault(fault)) => Err(fault),
            Err(Halt::End) => panic!("no source"),
        }
    }

    fn apart(a: &Frame, b: &Frame) -> f32 {
        assert_eq!(a.size(), b.size());
        a.raster.data().iter().zip(b.raster.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn filters_enlarge_by_any_factor() {
        let scene = scene(31, 17);
        for filter in [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            let twice = run(&Params { filter, ..params(None) }, &scene).unwrap();
            assert_eq!(twice.size(), Size::new(62, 34));
            let other = run(&Params { filter, factor: Some(1.5), ..params(None) }, &scene).unwrap();
            assert_eq!(other.size(), Size::new(47, 26));
        }
    }

    #[test]
    fn tiles_make_the_same_picture_as_the_whole() {
        let scene = scene(150, 101);
        let whole = run(&params(Some(tiny("upscale"))), &scene).unwrap();
        assert_eq!(whole.size(), Size::new(300, 202));
        for (tile, overlap) in [(48, 16), (64, 4), (100, 33), (151, 8), (149, 8)] {
            let tiled = run(&Params { tile, overlap, ..params(Some(tiny("upscale"))) }, &scene).unwrap();
            assert!(apart(&tiled, &whole) < 1e-5, "tile {tile}, overlap {overlap}: {}", apart(&tiled, &whole));
        }
        // Without overlap the seams show, and only there.
        let hard = run(&Params { tile: 50, overlap: 0, ..params(Some(tiny("upscale"))) }, &scene).unwrap();
        assert!((1e-3..0.5).contains(&apart(&hard, &whole)), "{}", apart(&hard, &whole));
    }

    #[test]
    fn the_factor_is_found_and_another_is_reached() {
        let scene = scene(40, 30);
        let size = |factor| run(&Params { factor, ..params(Some(tiny("upscale"))) }, &scene).unwrap().size();
        assert_eq!([size(None), size(Some(3.0)), size(Some(1.5))], [Size::new(80, 60), Size::new(120, 90), Size::new(60, 45)]);
        let aligned = run(&Params { align: 16, ..params(Some(tiny("upscale"))) }, &scene).unwrap();
        assert_eq!(aligned.size(), Size::new(80, 60));
    }

    #[test]
    fn alpha_is_kept() {
        let colors = scene(20, 20);
        let mut raster = Raster::zeroed(colors.size(), 4);
        raster.data_mut()[..1200].copy_from_slice(colors.raster.data());
        raster.plane_mut(3)[..200].fill(1.0);
        let large = run(&params(Some(tiny("upscale"))), &Frame::new(raster, colors.tags)).unwrap();
        assert_eq!(large.raster.planes(), 4);
        assert_eq!((large.raster.plane(3)[0], large.raster.plane(3)[1599]), (1.0, 0.0));
    }

    #[test]
    fn what_is_no_upscaler_is_told() {
        let fault = run(&params(Some(tiny("label"))), &scene(20, 20)).unwrap_err();
        assert!(fault.message.contains("is not an upscaler"), "{fault}");
        let fault = run(&params(Some(tiny("add_style"))), &scene(20, 20)).unwrap_err();
        assert!(fault.message.contains("is not an upscaler"), "{fault}");
        assert!(run(&params(Some(tiny("black"))), &scene(20, 20)).unwrap_err().help.unwrap().contains("0..255"));
    }

    #[test]
    fn a_trained_model_enlarges_in_tiles_without_seams() {
        let Some(model) = trained("realesr_animevideov3_x2") else { return };
        let scene = scene(140, 90);
        let whole = run(&params(Some(model.clone())), &scene).unwrap();
        assert_eq!(whole.size(), Size::new(280, 180));
        let tiled = run(&Params { tile: 96, overlap: 32, ..params(Some(model)) }, &scene).unwrap();
        assert!(apart(&tiled, &whole) < 1e-3, "{}", apart(&tiled, &whole));
    }
}
