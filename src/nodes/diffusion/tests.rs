use std::path::{Path, PathBuf};

use super::super::with_model::testing::{opening, scene, tick};
use super::*;
use crate::node::Timeline;
use crate::param::SeedBehavior;

/// The embedded model, where it is.
fn mini() -> Option<PathParam> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("FRAMELOOM_TEST_MODELS").map(PathBuf::from);
    let found =
        given.into_iter().chain([root.join("models"), root.join("../shared/models")]).map(|f| f.join("mini")).find(|f| f.is_dir());
    if found.is_none() {
        println!("skipped: the model `mini` is not there");
    }
    found.map(|path| PathParam::new(path.to_string_lossy(), Path::new("")))
}

fn read(name: &str) -> SamplerName {
    let (kind, schedule) = crate::diffusion::SamplerKind::parse(name).unwrap();
    SamplerName { kind, schedule }
}

fn fixed(seed: i64) -> Seed {
    Seed::going(SeedBehavior::Fixed).from_start(seed)
}

fn params(model: PathParam, prompt: &str) -> Params {
    Params {
        model: Held::constant(model),
        prompt: Prompt::from(prompt),
        prompt_blend: PromptBlend::Hold,
        negative: Prompt::from(""),
        prompt_syntax: PromptSyntax::A1111,
        emphasis: EmphasisMode::Original,
        clip_skip: None,
        noise_source: NoiseOf::Cpu,
        strength: Some(Curve::from(0.4)),
        steps: Some(IntCurve::from(4)),
        steps_mean: None,
        cfg: None,
        cfg_rescale: Curve::from(0.0),
        inpaint_fill: InpaintFill::Original,
        control_model: None,
        control_scale: None,
        control_start: Curve::from(0.0),
        control_end: Curve::from(1.0),
        tile: None,
        sampler: Some(Held::constant(read("lcm"))),
        schedule: None,
        eta: None,
        s_churn: Curve::from(0.0),
        s_tmin: Curve::from(0.0),
        s_tmax: None,
        s_noise: Curve::from(1.0),
        eta_noise_seed_delta: IntCurve::from(0),
        loras: None,
        seed: fixed(7),
        subseed: IntCurve::from(1),
        subseed_strength: Curve::from(0.0),
    }
}

fn paint(node: &Diffusion, params: &Params, at: u64, image: Option<&Frame>) -> Frame {
    let spec = Diffusion::spec();
    let moment = Timeline { size: Some(crate::frame::Size::new(40, 24)), ..Timeline::default() }.moment(at);
    let cx = Tick { moment: moment.clone(), count: at, wanted: &[true, false], ..tick(&spec) };
    let now = Diffusion::now(params, &moment);
    let inputs = Inputs { image: image.cloned(), init: None, mask: None, control: None, latents: None, grain: None };
    match node.fire(&mut (), &cx, inputs, now) {
        Ok(outputs) => outputs.image.unwrap(),
        Err(halt) => panic!("{halt:?}"),
    }
}

fn fire(node: &Diffusion, params: &Params, inputs: Inputs, wanted: [bool; 2]) -> Outputs {
    let spec = Diffusion::spec();
    let moment = Timeline { size: Some(Size::new(64, 48)), ..Timeline::default() }.moment(0);
    let cx = Tick { moment: moment.clone(), wanted: &wanted, ..tick(&spec) };
    node.fire(&mut (), &cx, inputs, Diffusion::now(params, &moment)).unwrap_or_else(|halt| panic!("{halt:?}"))
}

fn differs(a: &Frame, b: &Frame) -> f32 {
    assert_eq!(a.size(), b.size());
    let n = a.raster.data().len() as f32;
    a.raster.data().iter().zip(b.raster.data()).map(|(a, b)| (a - b).abs()).sum::<f32>() / n
}

#[test]
fn prompts_seeds_and_strength_change_the_picture() {
    let Some(model) = mini() else { return };
    let base = params(model, "oil painting");
    let (node, ()) = opening(1, |cx| Diffusion::open(&base, cx)).unwrap();
    let scene = scene(50, 31);
    let oil = paint(&node, &base, 0, Some(&scene));
    assert_eq!(differs(&oil, &paint(&node, &base, 9, Some(&scene))), 0.0, "the same again");
    let other = |params: &Params, at| differs(&oil, &paint(&node, params, at, Some(&scene)));
    let model = || base.model.values().next().unwrap().clone();
    assert!(other(&params(model(), "neon"), 0) > 0.05, "another prompt");
    assert!(other(&Params { seed: fixed(8), ..params(model(), "oil painting") }, 0) > 0.001, "another seed");
    let onwards = Params { seed: Seed::from(7), ..params(model(), "oil painting") };
    assert_eq!(other(&onwards, 0), 0.0);
    assert!(other(&onwards, 1) > 0.001, "the seed goes on");
    let turned = |strength: f64| {
        let subseed_strength = Curve::from(strength);
        other(&Params { subseed: IntCurve::from(9), subseed_strength, ..params(model(), "oil painting") }, 0)
    };
    assert!(turned(0.0) == 0.0 && turned(0.1) > 0.0 && turned(0.1) < turned(0.9), "the noise turns: {} {}", turned(0.1), turned(0.9));
    assert!(other(&Params { strength: Some(Curve::from(0.9)), ..params(model(), "oil painting") }, 0) > 0.01, "more strength");
    let kept = Params { strength: Some(Curve::from(0.0)), ..params(model(), "oil painting") };
    assert_eq!(differs(&scene, &paint(&node, &kept, 0, Some(&scene))), 0.0, "no strength keeps the picture");
}

#[test]
fn without_a_picture_the_prompt_is_painted_in_the_size_of_the_timeline() {
    let Some(model) = mini() else { return };
    let params = Params { steps: None, sampler: None, ..params(model, "watercolor") };
    let (node, ()) = opening(0, |cx| Diffusion::open(&params, cx)).unwrap();
    let painted = paint(&node, &params, 0, None);
    assert_eq!(painted.size(), crate::frame::Size::new(40, 24));
}

#[test]
fn alpha_and_tags_survive() {
    let Some(model) = mini() else { return };
    let params = params(model, "comic");
    let (node, ()) = opening(1, |cx| Diffusion::open(&params, cx)).unwrap();
    let mut raster = Raster::zeroed(crate::frame::Size::new(16, 16), 4);
    raster.plane_mut(3).fill(0.25);
    let painted = paint(&node, &params, 0, Some(&Frame::new(raster, ColorTags::SRGB)));
    assert_eq!((painted.raster.plane(3)[200], painted.tags), (0.25, ColorTags::SRGB));
}

#[test]
fn a_mask_keeps_what_it_does_not_cover_and_has_soft_edges() {
    let Some(model) = mini() else { return };
    let params = Params { strength: Some(Curve::from(0.9)), ..params(model, "neon") };
    let (node, ()) = opening(1, |cx| Diffusion::open(&params, cx)).unwrap();
    let scene = scene(64, 64);
    let level = |x: usize| {
        if x < 24 {
            0.0
        } else if x < 32 {
            0.25
        } else {
            1.0
        }
    };
    let mask = Mask::new(Raster::from_vec(scene.size(), 1, (0..64 * 64).map(|i| level(i % 64)).collect()));
    let inputs = Inputs { image: Some(scene.clone()), init: None, mask: Some(mask), control: None, latents: None, grain: None };
    let painted = fire(&node, &params, inputs, [true, false]).image.unwrap();
    let change = |from: usize, to: usize| {
        let pixels = (0..64 * 64).filter(|i| (from..to).contains(&(i % 64)));
        pixels.map(|i| (painted.raster.plane(0)[i] - scene.raster.plane(0)[i]).abs()).sum::<f32>() / (64 * (to - from)) as f32
    };
    assert_eq!(change(0, 24), 0.0);
    assert!(change(24, 32) < change(40, 64) && change(40, 64) > 0.02, "{} {}", change(24, 32), change(40, 64));
}

#[test]
fn latents_come_out_and_go_in_again() {
    let Some(model) = mini() else { return };
    let params = params(model, "watercolor");
    let (node, ()) = opening(1, |cx| Diffusion::open(&params, cx)).unwrap();
    let scene = scene(64, 48);
    let from = |image: Option<Frame>, latents| Inputs { image, init: None, mask: None, control: None, latents, grain: None };
    let first = fire(&node, &params, from(Some(scene.clone()), None), [false, true]);
    assert!(first.image.is_none(), "nobody wants the picture, so it is not decoded");
    let second = fire(&node, &params, from(Some(scene.clone()), first.latents), [true, true]);
    assert!(second.latents.is_some());
    assert!(differs(&scene, &second.image.unwrap()) > 0.01);
}

#[test]
fn a_grain_makes_the_noise_follow() {
    let Some(model) = mini() else { return };
    // No style: the paper of styles stands on the screen.
    let params = Params { seed: Seed::from(7), ..params(model, "") };
    let (node, ()) = opening(1, |cx| Diffusion::open(&params, cx)).unwrap();
    let scene = Frame::filled(Size::new(64, 48), [0.5, 0.4, 0.3]);
    let painted = |at: u64, shift: u64| {
        let cells = (0..scene.size().area() as u64).map(|cell| cell + 1000 - shift).collect();
        let grain = Some(Grain::new(scene.size(), cells));
        let spec = Diffusion::spec();
        let moment = Timeline { size: Some(scene.size()), ..Timeline::default() }.moment(at);
        let cx = Tick { moment: moment.clone(), count: at, wanted: &[true, false], ..tick(&spec) };
        let inputs = Inputs { image: Some(scene.clone()), init: None, mask: None, control: None, latents: None, grain };
        node.fire(&mut (), &cx, inputs, Diffusion::now(&params, &moment)).unwrap_or_else(|halt| panic!("{halt:?}")).image.unwrap()
    };
    let here = painted(0, 0);
    assert_eq!(differs(&here, &painted(3, 0)), 0.0, "the seed does not go on");
    // The network works on squares of 4x4 pixels, and so what it makes of noise moves along with it by such a step.
    let there = painted(0, 4);
    let apart = |a: usize, b: usize| {
        (16..48).map(|y| (here.raster.plane(0)[y * 64 + a] - there.raster.plane(0)[y * 64 + b]).abs()).sum::<f32>()
    };
    let (along, still) = (24..40).map(|x| (apart(x, x + 4), apart(x, x))).fold((0.0, 0.0), |sum, (a, b)| (sum.0 + a, sum.1 + b));
    assert!(along < 0.5 * still, "{along} {still}");
}

#[test]
fn models_change_at_their_frames() {
    let Some(model) = mini() else { return };
    let keyed = crate::param::testing::read_text::<Held<PathParam>>(&format!("0: ({model}), 3: ({model}/.)"));
    let params = Params { model: keyed.unwrap(), ..params(model, "comic") };
    let (node, ()) = opening(1, |cx| Diffusion::open(&params, cx)).unwrap();
    assert!(node.models.current().is_none(), "several models are loaded when they are due");
    let scene = scene(32, 32);
    let frames: Vec<_> = (0..5).map(|at| paint(&node, &params, at, Some(&scene))).collect();
    assert!(frames.iter().all(|frame| differs(&frames[0], frame) == 0.0), "they are the same model under two names");
}
