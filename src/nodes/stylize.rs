//! Repaints pictures with a trained network.

use std::sync::Arc;

use super::with_model::{self, Values, colors_at, crop_and_fit, unfit, working_size};
use crate::frame::{Frame, Raster};
use crate::model::{ModelError, PictureSlot, Range, Session, Tensor, TensorInfo, TensorRef, all_dark};
use crate::node::{Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{Curve, PathParam};

node! {
    /// Repaints the picture with an image-to-image network.
    ///
    /// Any ONNX model that takes one RGB picture and gives one will do: fast neural style, cartoon and anime networks, restorers. A model
    /// that takes a second picture (arbitrary style transfer) reads it from `style`. What is larger or smaller than the picture
    /// on its way out is brought back to its size.
    ///
    /// Each frame is painted on its own; to calm what flickers, blend with the frame before carried along by `flow_warp`.
    "stylize" => Stylize
    inputs {
        /// The picture to repaint.
        image: Frame,
        /// The picture whose style is taken, for models that take one. Of any size.
        style: Option<Frame>,
    }
    outputs {
        /// The repainted picture.
        image: Frame,
    }
    params {
        /// The ONNX model: a file, or a name in a `models` folder.
        model: PathParam;
        /// How much of the repainted picture shows: 0 the original, 1 the repainted one alone.
        amount: Curve = 1.0, in 0.0..=1.0;
        /// Strength given to the model itself, where it has an input for that (one number, often called `alpha`).
        alpha: Curve = 1.0, in 0.0..=1.0;
        /// What the model's numbers mean.
        values: Values = "0..1";
        /// What the numbers that come out mean, where that differs.
        output_values: Option<Values>;
        /// The picture is enlarged to multiples of this for the model, by repeating its edge, and cut again afterwards.
        align: i64 = 4, in 1.0..=512.0;
        /// The length in pixels of the shorter side for the model: less is faster and paints broader. Left out: the picture's own.
        short_side: Option<i64>, in 16.0..=8192.0;
    }
}

/// The kind `stylize`.
pub struct Stylize {
    session: Arc<Session>,
    image: PictureSlot,
    style: Option<PictureSlot>,
    alpha: Option<TensorInfo>,
    /// The output's index and form.
    output: (usize, PictureSlot),
    values: Range,
    output_values: Range,
    align: usize,
    short_side: Option<i64>,
}

impl Node for Stylize {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let model = with_model::locate(&params.model).map_err(|problem| vec![problem])?;
        Ok(Outlook { lane: with_model::lane(cx.engine), models: vec![model], ..cx.all_outputs(cx.size_of("image")) })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let session = with_model::open(&params.model, cx.engine)?;
        let linked = cx.inputs.get(1).copied().flatten().is_some();
        let node = Self::fit(session, params, linked)?;
        Ok((node, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let original = inputs.image;
        if now.amount <= 0.0 {
            return Ok(Outputs { image: original });
        }
        let painted = self.paint(&original.raster, inputs.style.as_ref(), now.alpha as f32)?;
        Ok(Outputs { image: mix(original, &painted, now.amount as f32) })
    }

    fn finish(&self, _state: &mut (), _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(with_model::notes(Some(&self.session)))
    }
}

impl Stylize {
    /// Finds out which of the model's inputs is which.
    fn fit(session: Arc<Session>, params: &Params, style_linked: bool) -> Result<Self, Fault> {
        let bad = |why: String| unfit(&session, "an image-to-image model", why);
        let (mut pictures, mut alpha) = (Vec::new(), None);
        for info in session.inputs() {
            let is_scalar =
                info.element.is_float() && (0..info.rank()).all(|axis| info.fixed(axis).is_none_or(|n| n == 1)) && info.rank() < 2;
            match PictureSlot::of(info, 3) {
                Some(slot) => pictures.push(slot),
                None if is_scalar && alpha.is_none() => alpha = Some(info.clone()),
                None => return Err(bad(format!("nothing here can be given for `{info}`"))),
            }
        }
        // Two pictures: the one called style is the style, else the second.
        let at = pictures.iter().position(|slot| slot.name.to_lowercase().contains("style")).unwrap_or(1);
        let style = (pictures.len() > 1).then(|| pictures.remove(at.min(1)));
        let [image] = pictures.as_slice() else {
            return Err(bad("one or two RGB pictures are expected as inputs".to_owned()));
        };
        let output = session.outputs().iter().enumerate().find_map(|(index, info)| Some((index, PictureSlot::of(info, 3)?)));
        let output = output.ok_or_else(|| bad("an RGB picture is expected as output".to_owned()))?;
        if style.is_some() && !style_linked {
            return Err(Fault::new(format!("`{}` needs a picture to take the style from", session.path().display()))
                .help("link one: `style: painting`, with `painting: { kind: image_input, path: … }`"));
        }
        if style.is_none() && style_linked {
            return Err(Fault::new(format!("`{}` has no input for a style: it knows one style only", session.path().display()))
                .help("remove `style`, or use a model for arbitrary style transfer"));
        }
        let values = params.values.into();
        let output_values = params.output_values.map_or(values, Into::into);
        let (image, align) = (image.clone(), params.align.max(1) as usize);
        Ok(Self { session, image, style, alpha, output, values, output_values, align, short_side: params.short_side })
    }

    /// `picture` as the model repaints it, in its own size.
    fn paint(&self, picture: &Raster, style: Option<&Frame>, alpha: f32) -> Result<Raster, Fault> {
        let size = picture.size();
        // A model of fixed size is given exactly that, padded to nothing.
        let step = |slot: &PictureSlot| if slot.fixed.is_some() { 1 } else { self.align };
        let small = colors_at(picture, working_size(&self.image, size, self.short_side, self.align));
        let packed = self.image.pack(&small, self.values, step(&self.image));
        let mut inputs: Vec<(&str, TensorRef<'_>)> = vec![(&self.image.name, packed.view().into())];
        let styled = self.style.as_ref().zip(style).map(|(slot, style)| (slot, colors_at(&style.raster, slot.fixed)));
        let styled = styled.as_ref().map(|(slot, raster)| (*slot, slot.pack(raster, self.values, step(slot))));
        if let Some((slot, style)) = &styled {
            inputs.push((&slot.name, style.view().into()));
        }
        let strength = self.alpha.as_ref().map(|info| (info, ndarray::ArrayD::from_elem(vec![1; info.rank()], alpha)));
        if let Some((info, strength)) = &strength {
            inputs.push((&info.name, strength.view().into()));
        }
        let (index, slot) = &self.output;
        let output = self.session.run(&inputs)?.into_iter().nth(*index).unwrap_or(Tensor::F32(ndarray::ArrayD::zeros(vec![0])));
        let painted = slot.unpack(&self.session, output, self.output_values)?;
        if all_dark(painted.data()) && !all_dark(&picture.data()[..3 * size.area()]) {
            let path = self.session.path().to_path_buf();
            let error: Fault = ModelError::Output { path, why: "a black picture for one that is not".to_owned() }.into();
            return Err(error.help("check `values`: the model may want 0..255 or -1..1"));
        }
        Ok(crop_and_fit(&painted, small.size(), step(&self.image), size))
    }
}

/// `original` with its colours replaced by `painted` to the part `amount`; alpha stays.
fn mix(mut original: Frame, painted: &Raster, amount: f32) -> Frame {
    for (plane, painted) in original.raster.planes_mut().take(3).zip(painted.data().chunks_exact(painted.size().area())) {
        if amount >= 1.0 {
            plane.copy_from_slice(painted);
        } else {
            plane.iter_mut().zip(painted).for_each(|(v, new)| *v += (new - *v) * amount);
        }
    }
    original
}

#[cfg(test)]
mod tests {
    use super::super::with_model::testing::{mean, opening, scene, tick, tiny, trained};
    use super::*;
    use crate::frame::Size;
    use crate::node::Declared;

    fn params(model: PathParam) -> Params {
        let one = || Curve::from(1.0);
        Params { model, amount: one(), alpha: one(), values: Values::Unit, output_values: None, align: 4, short_side: None }
    }

    fn paint(params: &Params, image: &Frame, style: Option<&Frame>, amount: f64, alpha: f64) -> Result<Frame, Fault> {
        let now =
            Now { model: params.model.clone(), amount, alpha, values: params.values, output_values: None, align: 4, short_side: None };
        let (node, ()) = opening(1 + usize::from(style.is_some()), |cx| Stylize::open(params, cx))?;
        let inputs = Inputs { image: image.clone(), style: style.cloned() };
        match node.fire(&mut (), &tick(&Stylize::spec()), inputs, now) {
            Ok(outputs) => Ok(outputs.image),
            Err(Halt::Fault(fault)) => Err(fault),
            Err(Halt::End) => panic!("no source"),
        }
    }

    fn differs(a: &Frame, b: &Frame) -> f32 {
        assert_eq!(a.size(), b.size());
        a.raster.data().iter().zip(b.raster.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    fn inverted(frame: &Frame) -> Frame {
        let mut frame = frame.clone();
        frame.raster.data_mut().iter_mut().for_each(|v| *v = 1.0 - *v);
        frame
    }

    #[test]
    fn layouts_ranges_and_precisions_give_the_same_picture() {
        let scene = scene(13, 7);
        let expected = inverted(&scene);
        for (model, values, tolerance) in
            [("invert", Values::Unit, 0.0), ("invert_fp16", Values::Unit, 1e-3), ("invert_255_nhwc", Values::Byte, 1e-6)]
        {
            let painted = paint(&Params { values, ..params(tiny(model)) }, &scene, None, 1.0, 1.0).unwrap();
            assert!(differs(&painted, &expected) <= tolerance, "{model}");
        }
    }

    #[test]
    fn amount_blends_and_alpha_survives() {
        let scene = scene(8, 8);
        let half = paint(&params(tiny("invert")), &scene, None, 0.5, 1.0).unwrap();
        assert!(half.raster.data().iter().all(|v| (v - 0.5).abs() < 1e-6));
        let mut raster = Raster::zeroed(scene.size(), 4);
        raster.data_mut()[3 * 64..].fill(0.25);
        let painted = paint(&params(tiny("invert")), &Frame::new(raster, scene.tags), None, 1.0, 1.0).unwrap();
        assert_eq!((painted.raster.plane(0)[0], painted.raster.plane(3)[63]), (1.0, 0.25));
    }

    #[test]
    fn pictures_of_other_size_come_back_in_the_size_they_went() {
        let scene = scene(13, 10);
        let doubled = paint(&params(tiny("double_size")), &scene, None, 1.0, 1.0).unwrap();
        assert!(differs(&doubled, &scene) < 0.15, "{}", differs(&doubled, &scene));
        let fixed = paint(&params(tiny("fixed_size")), &scene, None, 1.0, 1.0).unwrap();
        assert_eq!(fixed.size(), Size::new(13, 10));
        let coarse = paint(&Params { short_side: Some(16), ..params(tiny("invert")) }, &scene, None, 1.0, 1.0).unwrap();
        assert!((mean(coarse.raster.plane(1)) - mean(inverted(&scene).raster.plane(1))).abs() < 0.02);
    }

    #[test]
    fn a_style_is_taken_from_the_second_picture() {
        let (black, white) = (Frame::filled(Size::new(4, 4), [0.0; 3]), Frame::filled(Size::new(9, 5), [1.0; 3]));
        let painted = paint(&params(tiny("add_style")), &black, Some(&white), 1.0, 0.25).unwrap();
        assert!(painted.raster.data().iter().all(|v| (v - 0.25).abs() < 1e-6));
        let fault = paint(&params(tiny("add_style")), &black, None, 1.0, 1.0).unwrap_err();
        assert!(fault.help.unwrap().contains("style: painting"));
        let fault = paint(&params(tiny("invert")), &black, Some(&white), 1.0, 1.0).unwrap_err();
        assert!(fault.message.contains("has no input for a style"));
    }

    #[test]
    fn what_a_broken_model_gives_is_an_error() {
        let scene = scene(8, 8);
        let fault = |model| paint(&params(tiny(model)), &scene, None, 1.0, 1.0).unwrap_err();
        assert!(fault("nan").message.contains("gave NaN in `broken` at x 0, y 0"), "{}", fault("nan"));
        assert!(fault("black").help.unwrap().contains("0..255"));
        assert!(fault("label").message.contains("is not an image-to-image model"), "{}", fault("label"));
        assert!(fault("no_such").message.contains("there is no model `no_such.onnx`"), "{}", fault("no_such"));
        let dark = Frame::filled(Size::new(4, 4), [0.0; 3]);
        assert!(paint(&params(tiny("black")), &dark, None, 1.0, 1.0).is_ok(), "black stays black");
    }

    #[test]
    fn trained_models_paint() {
        let scene = scene(97, 66);
        let names = ["fns_candy", "fns_mosaic", "fns_pointilism", "fns_rain_princess", "fns_udnie", "cartoongan_light_paprika"];
        for model in names.iter().filter_map(|name| trained(name)) {
            let painted = paint(&params(model.clone()), &scene, None, 1.0, 1.0).unwrap();
            assert!(differs(&painted, &scene) > 0.1, "{model} changes nothing");
            assert!((0.02..0.98).contains(&mean(painted.raster.data())), "{model}");
        }
        if let Some(model) = trained("microast") {
            let painting = inverted(&scene);
            let painted = paint(&params(model), &scene, Some(&painting), 1.0, 1.0).unwrap();
            assert!(differs(&painted, &scene) > 0.05);
        }
    }
}
