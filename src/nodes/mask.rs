//! The kind `mask`.

mod eval;
mod files;
mod segment;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::placing::Fit;
use super::with_model::{self, Values};
use crate::frame::{ColorTags, Depth, Frame, Mask, Raster, Size};
use crate::kernel::{blur, mask};
use crate::node::{Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{Curve, Held, Linked, MaskExpr, MaskPart, Measure, PathParam};
use files::Files;
use segment::Segmenter;

node! {
    /// Says where: by brightness, colour, depth, difference, files, people or other masks, joined by logic.
    ///
    /// White (1) is where something will change, black (0) is protected. A mask that is black everywhere protects everything.
    ///
    /// `from` is an expression: `from: luma(0.6)`, `from: person and not a`, `from: "[left.png] or ellipse(0.7, 0.5, 0.2, 0.4)"`. From the
    /// tightest, `not`, `and`, `or`, `xor` and `minus` join masks (in signs `!` `&` `|` `^` `\`), and brackets group. Numbers in it may be
    /// expressions of the time: `luma(0.5 + 0.2*sin(t/10))`. Deforum's composable masks work as they are: `"{everywhere}^({video_mask}|[B.png])"`.
    /// docs/masks.md lists every word. What a word needs must be linked: `luma` reads `image`, `depth` reads `depth`, `a` reads `a`.
    ///
    /// Masks may be soft. `and` is the lesser of both, `or` the greater, `not` one minus the mask.
    "mask" => MaskNode
    inputs {
        /// The picture that is looked at.
        image: Option<Frame>,
        /// How near things are, for `depth` in the expression.
        depth: Option<Depth>,
        /// A second picture, for `reference` and `difference` in the expression: a clean background, or the frame before (`clip@-1`).
        reference: Option<Frame>,
        /// A video that is a mask itself, white where it holds: `video` in the expression.
        video: Option<Frame>,
        /// A mask: `a` in the expression.
        a: Option<Mask>,
        /// A mask: `b` in the expression.
        b: Option<Mask>,
        /// A mask: `c` in the expression.
        c: Option<Mask>,
        /// A mask: `d` in the expression.
        d: Option<Mask>,
    }
    outputs {
        /// Where it holds: 1 fully, 0 not at all.
        mask: Mask,
        /// The mask as a grey picture, to look at it or to write it to a file.
        image: Option<Frame>,
        /// The middle of the mask (its centre of gravity), from 0 the left edge to 1 the right; 0.5 for a black mask.
        x: Option<f64>,
        /// The middle of the mask, from 0 the top to 1 the bottom; 0.5 for a black mask.
        y: Option<f64>,
        /// The share of the picture that the mask covers.
        area: Option<f64>,
    }
    params {
        /// Where it holds: an expression.
        from: Held<MaskExpr> = "luma";
        /// Whether it then holds everywhere else instead.
        invert: bool = false;
        /// Pixels by which it then grows; below 0 it shrinks.
        grow: Curve = 0.0, in -1000.0..=1000.0;
        /// Pixels over which its edge then fades, on either side.
        feather: Curve = 0.0, in 0.0..=1000.0;
        /// What to do with files whose proportions are not those of the mask.
        fit: Fit = "cover";
        /// For `person`: an ONNX model for segmentation, a file or a name in a `models` folder.
        model: PathParam = "selfie_segmentation_landscape";
        /// For models: what their input numbers mean.
        values: Values = "0..1";
        /// For models that take any size: the length in pixels of the picture's shorter side.
        short_side: i64 = 256, in 32.0..=4096.0;
    }
}

/// The kind `mask`.
pub struct MaskNode {
    files: Files,
    /// The models by their file, and under an empty path the one for `person`.
    models: BTreeMap<PathBuf, Segmenter>,
}

/// The inputs that a part of an expression reads.
fn inputs_of(part: &MaskPart<'_>) -> &'static [&'static str] {
    match part {
        MaskPart::Linked(linked) => match linked {
            Linked::A => &["a"],
            Linked::B => &["b"],
            Linked::C => &["c"],
            Linked::D => &["d"],
            Linked::Video => &["video"],
        },
        MaskPart::Measure(Measure::Depth) => &["depth"],
        MaskPart::Measure(Measure::Reference) => &["reference"],
        MaskPart::Measure(Measure::Difference) => &["image", "reference"],
        MaskPart::Measure(_) | MaskPart::Model(_) => &["image"],
        MaskPart::File(_) => &[],
    }
}

const INPUTS: [&str; 8] = ["image", "depth", "reference", "video", "a", "b", "c", "d"];

impl Params {
    fn parts(&self) -> impl Iterator<Item = MaskPart<'_>> {
        self.from.values().flat_map(MaskExpr::parts)
    }

    /// The models that the expressions name: the key under which they are kept, and which.
    fn models(&self) -> BTreeMap<PathBuf, &PathParam> {
        let model = |part| match part {
            MaskPart::Model(Some(path)) => Some((path.path().to_path_buf(), path)),
            MaskPart::Model(None) => Some((PathBuf::new(), &self.model)),
            _ => None,
        };
        self.parts().filter_map(model).collect()
    }

    /// What is wrong with the links, as far as the expressions tell.
    fn missing(&self, cx: &Prospect<'_>) -> Vec<Problem> {
        let mut missing: Vec<&str> =
            self.parts().flat_map(|part| inputs_of(&part)).copied().filter(|name| cx.input(name).is_none()).collect();
        missing.sort_unstable();
        missing.dedup();
        let problem = |name: &str| {
            let problem = Problem::error("from", format!("the expression reads `{name}`, but nothing is linked to it"));
            let of = match name {
                "image" | "reference" | "video" => "pictures",
                "depth" => "depth",
                _ => "a mask",
            };
            problem.help(format!("add `{name}: NODE`, where NODE makes {of}"))
        };
        missing.into_iter().map(problem).collect()
    }
}

/// The size of the mask: that of the first linked input, or of the timeline.
fn size_of(cx: &Prospect<'_>) -> Size {
    INPUTS.iter().find_map(|name| cx.input(name)).map(|format| format.size).or(cx.timeline.size).unwrap_or(Size::new(512, 512))
}

impl Node for MaskNode {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let mut problems = params.missing(cx);
        problems.extend(cx.differing_sizes(&INPUTS));
        let mut outlook = cx.all_outputs(size_of(cx));
        for part in params.parts() {
            if let MaskPart::File(path) = part {
                match files::look(path.path()) {
                    Ok(reads) => outlook.reads.extend(reads),
                    Err(error) => problems.push(Problem::error("from", error.to_string())),
                }
            }
        }
        for model in params.models().values() {
            match with_model::locate(model) {
                Ok(file) => outlook.models.push(file),
                Err(problem) => problems.push(problem),
            }
        }
        if !outlook.models.is_empty() {
            outlook.lane = with_model::lane(cx.engine);
        }
        if problems.is_empty() { Ok(outlook) } else { Err(problems) }
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let segmenter = |(key, model): (PathBuf, &PathParam)| {
            Segmenter::open(model, params.values.into(), params.short_side, cx.engine).map(|segmenter| (key, segmenter))
        };
        let models = params.models().into_iter().map(segmenter).collect::<Result<_, _>>()?;
        Ok((Self { files: Files::new(params.fit, cx.timeline.moment(0).fps), models }, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let eval = eval::Eval { node: self, inputs: &inputs, size: inputs.size().unwrap_or(cx.moment.size), tick: cx.tick() };
        let mut raster = eval.tree(&now.from)?;
        if now.invert {
            raster = mask::not(raster);
        }
        raster = mask::grow(&raster, now.grow as f32);
        raster = blur::gaussian(&raster, now.feather as f32 / 2.0);
        let wants = |name| cx.wants(name);
        let image = wants("image").then(|| Frame::new(grey(&raster), ColorTags::SRGB));
        let extent = (wants("x") || wants("y") || wants("area")).then(|| mask::extent(&raster));
        Ok(Outputs {
            mask: Mask::new(raster),
            image,
            x: extent.map(|extent| extent.center[0]),
            y: extent.map(|extent| extent.center[1]),
            area: extent.map(|extent| extent.share),
        })
    }

    fn finish(&self, _state: &mut (), _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(self.models.values().flat_map(Segmenter::notes).collect())
    }
}

/// A mask as a picture.
fn grey(mask: &Raster) -> Raster {
    let mut out = Raster::uninit(mask.size(), 3);
    out.planes_mut().for_each(|plane| plane.copy_from_slice(mask.data()));
    out
}

impl Inputs {
    /// The size of the first input that is there.
    fn size(&self) -> Option<Size> {
        let frames = [&self.image, &self.reference, &self.video].map(|frame| frame.as_ref().map(Frame::size));
        let masks = [&self.a, &self.b, &self.c, &self.d].map(|mask| mask.as_ref().map(Mask::size));
        let [image, reference, video] = frames;
        [image, self.depth.as_ref().map(Depth::size), reference, video].into_iter().chain(masks).flatten().next()
    }
}

#[cfg(test)]
mod tests;
