//! The kind `flow`.

use super::flow_model::FlowModel;
use super::with_model;
use crate::choice;
use crate::frame::{Flow as Field, Frame, Motion, Raster, Size};
use crate::kernel::flow::{self, Preset};
use crate::kernel::resample::{Filter, resize, resize_vectors};
use crate::node::{Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::PathParam;

choice! {
    /// How a flow is estimated.
    pub enum Method {
        /// Dense inverse search to half the size: quick, sub-pixel, good at small and middling motion.
        DisMedium = "dis_medium",
        /// Dense inverse search to full size with more steps: follows small things, takes several times as long.
        DisFine = "dis_fine",
        /// Polynomials fitted to each neighbourhood (Farneback): smooth.
        Farneback = "farneback",
        /// A trained network.
        Model = "model",
    }
}

node! {
    /// Estimates how the content of one picture moved to where it is in another.
    ///
    /// For the motion of a clip from the frame before to this one: `from: clip@-1, to: clip`. Then `motion` is what brings anything made
    /// for the frame before onto this one, with `flow_warp` or `cadence`. At the first frame nothing has moved.
    "flow" => Flow
    inputs {
        /// The picture in which motion starts.
        from: Frame,
        /// The picture in which it ends, of the same size.
        to: Frame,
        /// Where the search for `flow` begins, such as the flow of the tick before. Models do not use it.
        guess: Option<Field>,
    }
    outputs {
        /// Where each pixel of `from` goes.
        flow: Option<Field>,
        /// Where each pixel of `to` came from: the flow the other way, from `to` to `from`.
        backward: Option<Field>,
        /// The numbers of `backward` as a motion: it moves what fits `from` onto `to`.
        motion: Option<Motion>,
    }
    params {
        /// How it is estimated.
        method: Method = "dis_medium";
        /// For `method: model`: an ONNX model that takes two pictures and gives a flow in pixels; a file, or a name in a `models` folder.
        model: Option<PathParam>;
        /// The pictures are looked at in this part of their size: less is quicker, and bolder with large motion.
        scale: f64 = 1.0, in 0.05..=1.0;
        /// For models: both sides are enlarged to multiples of this, by repeating the edge.
        align: i64 = 8, in 1.0..=512.0;
        /// For models: what the numbers of its pictures mean.
        values: with_model::Values = "0..1";
    }
}

/// The kind `flow`.
pub struct Flow {
    model: Option<FlowModel>,
}

impl Node for Flow {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let mut problems = cx.differing_sizes(&["from", "to"]);
        let outlook = cx.all_outputs(cx.size_of("from"));
        match (params.method, &params.model) {
            (Method::Model, None) => {
                problems.push(Problem::error("method", "`method: model` needs a model").help("add `model: FILE.onnx`, such as one of RAFT"));
            }
            (Method::Model, Some(model)) => match with_model::locate(model) {
                Ok(file) if problems.is_empty() => {
                    return Ok(Outlook { lane: with_model::lane(cx.engine), models: vec![file], ..outlook });
                }
                Ok(_) => {}
                Err(problem) => problems.push(problem),
            },
            (_, Some(_)) => {
                problems.push(
                    Problem::error("model", "`model` is set, but `method` is not `model`").help("add `method: model`, or remove `model`"),
                );
            }
            (_, None) => {}
        }
        if problems.is_empty() { Ok(outlook) } else { Err(problems) }
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let model = match (params.method, &params.model) {
            (Method::Model, Some(model)) => Some(FlowModel::open(model, params.values.into(), params.align.max(1) as usize, cx.engine)?),
            _ => None,
        };
        Ok((Self { model }, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let (from, to) = (&inputs.from.raster, &inputs.to.raster);
        let size = from.size();
        if size != to.size() {
            let fault = Fault::new(format!("`to` is {} but `from` is {size}", to.size()));
            return Err(fault.help("put a `resize` node before `to`").into());
        }
        let side = |n: usize| ((n as f64 * now.scale).round() as usize).max(1);
        let small = Size::new(side(size.width), side(size.height));
        let (from, to) = (resize(from, small, Filter::Area), resize(to, small, Filter::Area));
        let guess = inputs.guess.map(|guess| Field::new(resize_vectors(&guess.0, small, Filter::Bilinear)));
        let full = |flow: Field| Field::new(resize_vectors(&flow.0, size, Filter::Bilinear));
        let forward = cx.wants("flow").then(|| self.estimate(&from, &to, guess.as_ref(), now.method)).transpose()?.map(full);
        let back = (cx.wants("backward") || cx.wants("motion")).then(|| self.estimate(&to, &from, None, now.method));
        let backward = back.transpose()?.map(full);
        let motion = backward.as_ref().map(|flow| Motion::new(flow.0.clone()));
        Ok(Outputs { flow: forward, backward, motion })
    }

    fn finish(&self, _state: &mut (), _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(with_model::notes(self.model.as_ref().map(FlowModel::session)))
    }
}

impl Flow {
    fn estimate(&self, from: &Raster, to: &Raster, guess: Option<&Field>, method: Method) -> Result<Field, Fault> {
        match (method, &self.model) {
            (Method::DisFine, _) => Ok(flow::dis(from, to, Preset::Fine, guess)),
            (Method::Farneback, _) => Ok(flow::farneback(from, to, guess)),
            (Method::Model, Some(model)) => model.estimate(from, to),
            (Method::DisMedium | Method::Model, _) => Ok(flow::dis(from, to, Preset::Medium, guess)),
        }
    }
}

#[cfg(test)]
mod tests;
