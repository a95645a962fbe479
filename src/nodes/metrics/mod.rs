//! The kind `metrics`.

pub mod gate;
pub mod report;

use std::path::PathBuf;

use crate::frame::{Flow, Frame};
use crate::kernel::metrics::{ClipMeter, LEAST_SIDE, Metric, MetricSet, Picture, Seen, Values, pair};
use crate::node::{Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::PathParam;
use gate::GateParam;
use report::Report;

node! {
    /// Measures a clip: how close it is to a reference, how steady it is, how far it drifts.
    ///
    /// What compares two pictures compares `a` with `b`; `warp_error` needs the motion of the source: with
    /// `moves: { kind: flow, from: source@-1, to: source }`, link `flow: moves.flow` and `backward: moves.backward`. Every output is one number a
    /// frame, which expressions of other nodes can read. With `report` or `gate` the node is an output of the graph by itself.
    "metrics" => Metrics
    inputs {
        /// The clip to measure.
        a: Frame,
        /// What to compare it with: the reference, or the source it was made from. Of the same size.
        b: Option<Frame>,
        /// The flow of the source from the frame before to this one.
        flow: Option<Flow>,
        /// The flow the other way, from this frame to the one before: shows what is hidden.
        backward: Option<Flow>,
    }
    outputs {
        /// Peak signal-to-noise ratio against `b` in dB, 100 for the same picture.
        psnr: Option<f64>,
        /// Structural similarity to `b` in brightness: 1 for the same picture.
        ssim: Option<f64>,
        /// Structural similarity to `b`, the mean of red, green and blue.
        ssim_rgb: Option<f64>,
        /// Structural similarity to `b` in brightness, at five scales.
        ms_ssim: Option<f64>,
        /// How far `a` has been edited from `b`: the mean distance of colours in Oklab.
        edit: Option<f64>,
        /// The mean squared difference from the frame before, brought over by the source's motion; 0 at the first frame.
        warp_error: Option<f64>,
        /// The warp error over that of `b`: how much less steady `a` is than its source.
        warp_ratio: Option<f64>,
        /// The amplitude of light and colour that go back and forth from frame to frame.
        flicker: Option<f64>,
        /// One minus the mean change from the frame before.
        steadiness: Option<f64>,
        /// How far the colours are from those of the first frame.
        drift: Option<f64>,
        /// How far the amount of detail is from that of the first frame, in octaves.
        drift_structure: Option<f64>,
    }
    params {
        /// A JSON file with every number of every frame and what they come to; written when the run ends.
        report: Option<PathParam>;
        /// Bounds that the clip must keep, such as `warp_error<0.004, psnr>30`; a run that does not keep them fails, naming the worst frame.
        gate: Option<GateParam>;
    }
}

/// The kind `metrics`.
pub struct Metrics {
    path: Option<PathBuf>,
    gate: Option<GateParam>,
    /// What the linked inputs allow.
    possible: MetricSet,
    /// What the report and the gate want of it.
    asked: MetricSet,
}

/// What is kept from frame to frame.
pub struct State {
    clip: ClipMeter,
    source: ClipMeter,
    report: Report,
}

/// The metrics that can be measured with these links.
fn possible(b: bool, motion: bool) -> MetricSet {
    MetricSet::all().filter(|metric| (b || !metric.compares()) && (motion || !metric.needs_motion()))
}

/// What to link for `metric`.
fn advice(metric: Metric) -> &'static str {
    if metric.needs_motion() {
        "link `flow` and `backward` of a `flow` node that reads `{ from: source@-1, to: source }`, and for `warp_ratio` the source as `b`"
    } else {
        "link `b`, the picture to compare with"
    }
}

impl Node for Metrics {
    type State = State;

    fn is_output(params: &Params) -> bool {
        params.report.is_some() || params.gate.is_some()
    }

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let mut problems = cx.differing_sizes(&["a", "b", "flow", "backward"]);
        let size = cx.size_of("a");
        if size.width.min(size.height) < LEAST_SIDE {
            problems.push(
                Problem::error("a", format!("`a` is {size}, too small to measure"))
                    .help(format!("give it {LEAST_SIDE}x{LEAST_SIDE} pixels")),
            );
        }
        let linked = |name| cx.input(name).is_some();
        if linked("flow") != linked("backward") {
            let (there, missing) = if linked("flow") { ("flow", "backward") } else { ("backward", "flow") };
            let problem = Problem::error(there, format!("`{there}` is linked, but `{missing}` is not: hidden parts cannot be found"));
            problems.push(problem.help(format!("link `{missing}` of the same `flow` node, too")));
        }
        let possible = possible(linked("b"), linked("flow") && linked("backward"));
        let checks = params.gate.iter().flat_map(|gate| &gate.0.checks);
        for check in checks.filter(|check| !possible.contains(check.metric)) {
            let problem = Problem::error("gate", format!("`{}` cannot be measured with what is linked", check.metric.name()));
            problems.push(problem.help(advice(check.metric)));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let writes = params.report.iter().map(|path| path.path().to_path_buf()).collect();
        Ok(Outlook { writes, ..cx.all_outputs(size) })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, State), Fault> {
        let linked = |index: usize| cx.inputs.get(index).copied().flatten().is_some();
        let possible = possible(linked(1), linked(2) && linked(3));
        let gate = params.gate.clone();
        let gated: MetricSet = gate.iter().flat_map(|gate| &gate.0.checks).map(|check| check.metric).collect();
        let asked = if params.report.is_some() { possible } else { gated };
        let path = params.report.as_ref().map(|path| path.path().to_path_buf());
        let meter = ClipMeter::new(possible);
        let state = State { clip: meter.clone(), source: meter, report: Report::default() };
        Ok((Self { path, gate, possible, asked }, state))
    }

    fn fire(&self, state: &mut State, cx: &Tick<'_>, inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        let wanted = MetricSet::all().filter(|metric| cx.wants(metric.name()) || self.asked.contains(metric));
        if let Some(metric) = wanted.iter().find(|metric| !self.possible.contains(*metric)) {
            return Err(Fault::new(format!("`{}` cannot be measured with what is linked", metric.name())).help(advice(metric)).into());
        }
        let values = measure(state, inputs, wanted)?;
        state.report.push(cx.tick(), &[("", values)]);
        let out = |metric: Metric| wanted.contains(metric).then(|| values[metric].unwrap_or(metric.at_rest()));
        Ok(Outputs {
            psnr: out(Metric::Psnr),
            ssim: out(Metric::Ssim),
            ssim_rgb: out(Metric::SsimRgb),
            ms_ssim: out(Metric::MsSsim),
            edit: out(Metric::Edit),
            warp_error: out(Metric::WarpError),
            warp_ratio: out(Metric::WarpRatio),
            flicker: out(Metric::Flicker),
            steadiness: out(Metric::Steadiness),
            drift: out(Metric::Drift),
            drift_structure: out(Metric::DriftStructure),
        })
    }

    fn finish(&self, state: &mut State, ending: Ending) -> Result<Vec<String>, Fault> {
        let mut notes = Vec::new();
        let failed = self.gate.iter().flat_map(|gate| state.report.failures(&gate.0)).map(|(_, sentence)| sentence);
        let failed: Vec<String> = failed.collect();
        if let (Some(path), false) = (&self.path, state.report.is_empty()) {
            let text = format!("{:#}\n", state.report.json(self.gate.as_ref().map(|gate| &gate.0)));
            crate::media::write_whole(path, text.as_bytes())?;
            notes.push(format!("wrote {}", super::encoder::shown(path).display()));
        }
        // A run that was stopped has not shown what the whole clip comes to.
        if failed.is_empty() || ending != Ending::Complete {
            return Ok(notes);
        }
        Err(Fault::new(failed.join("; and ")))
    }
}

/// The values of one frame.
fn measure(state: &mut State, inputs: Inputs, wanted: MetricSet) -> Result<Values, Fault> {
    let size = inputs.a.size();
    for (name, other) in [("b", inputs.b.as_ref().map(Frame::size)), ("flow", inputs.flow.as_ref().map(Flow::size))] {
        if let Some(other) = other.filter(|other| *other != size) {
            return Err(Fault::new(format!("`{name}` is {other} but `a` is {size}")).help(format!("put a `resize` node before `{name}`")));
        }
    }
    let wanted = wanted.with_ratio();
    let seen =
        inputs.flow.zip(inputs.backward).filter(|_| wanted.contains(Metric::WarpError)).map(|(flow, back)| Seen::between(flow, &back));
    let a = Picture::new(inputs.a.raster, wanted);
    let mut values = state.clip.next(&a, seen.as_ref());
    if let Some(b) = inputs.b {
        let b = Picture::new(b.raster, wanted);
        values = values.or(pair(&a, &b, wanted));
        if wanted.contains(Metric::WarpRatio) {
            values = values.over(&state.source.next(&b, seen.as_ref()));
        }
    }
    Ok(values)
}
