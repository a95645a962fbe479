//! The kinds that need no model and no media, fired by hand.

use std::sync::Arc;

use crate::diag::{Sources, Span};
use crate::frame::{ColorTags, Depth, Frame, Motion, Raster, Size};
use crate::kernel::pattern::{self, Pattern};
use crate::node::{Engine, Feed, Given, Halt, Open, Prospect, Registry, Running, Sample, Settings, Spec, Tick, Timeline, Value};
use crate::param::{Data, ReadCx, Value as Written};

const SIZE: Size = Size::new(64, 48);

/// One node, ready to fire.
struct Bench {
    spec: Spec,
    settings: Arc<dyn Settings>,
    running: Box<dyn Running>,
}

fn timeline() -> Timeline {
    Timeline { size: Some(SIZE), ..Timeline::default() }
}

fn bench(kind: &str, params: &[(&str, Written)]) -> Bench {
    let mut registry = Registry::default();
    super::add_all(&mut registry).unwrap();
    let kind = registry.get(kind).unwrap();
    let mut sources = Sources::default();
    let place = Span::new(sources.add("test", ""), 0, 0);
    let data: Vec<_> = params.iter().map(|(key, value)| (*key, Data::new(place, value.clone()))).collect();
    let values = data.iter().map(|(key, data)| (*key, data, ReadCx::default())).collect();
    let settings = kind.read(&Given { values, kind: kind.spec().name, place }).unwrap();
    let engine = Engine::default();
    let open = Open { node: "it", timeline: timeline(), inputs: &[], period: 1, engine: &engine };
    let running = Arc::clone(&settings).open(&open).unwrap();
    Bench { spec: kind.spec().clone(), settings, running }
}

impl Bench {
    fn fire(&self, tick: u64, feeds: Vec<Feed>) -> Result<Vec<Option<Value>>, Halt> {
        let wanted = vec![true; self.spec.outputs.len()];
        let cx = Tick { node: "it", spec: &self.spec, moment: timeline().moment(tick), wanted: &wanted, count: tick, period: 1 };
        self.running.fire(&cx, feeds)
    }

    fn image(&self, tick: u64, feeds: Vec<Feed>) -> Frame {
        match self.fire(tick, feeds).unwrap().swap_remove(0) {
            Some(Value::Frame(frame)) => frame,
            other => panic!("no picture: {other:?}"),
        }
    }
}

fn feed(value: impl Into<Value>) -> Feed {
    vec![vec![Sample { value: value.into(), tick: 0, period: 1 }]]
}

fn picture() -> Frame {
    Frame::new(pattern::draw(Pattern::MovingBars, SIZE, 3, 2.0, 0), ColorTags::SRGB)
}

impl From<Frame> for Value {
    fn from(frame: Frame) -> Self {
        Self::Frame(frame)
    }
}

impl From<Depth> for Value {
    fn from(depth: Depth) -> Self {
        Self::Depth(depth)
    }
}

#[test]
fn what_is_set_to_nothing_changes_nothing() {
    let depth = || feed(Depth::new(Raster::from_vec(SIZE, 1, (0..SIZE.area()).map(|i| i as f32 / 3072.0).collect())));
    let cases = [
        ("warp", vec![feed(picture())], vec![]),
        ("depth_warp", vec![feed(picture()), depth()], vec![]),
        ("resize", vec![feed(picture())], vec![]),
        ("noise", vec![feed(picture()), vec![], vec![]], vec![("amount", Written::Number(0.0))]),
        ("contrast", vec![feed(picture()), vec![]], vec![]),
        ("sharpen", vec![feed(picture()), vec![]], vec![("amount", Written::Number(0.0))]),
        ("grayscale", vec![feed(picture()), vec![]], vec![("amount", Written::Number(0.0))]),
        ("levels", vec![feed(picture()), vec![]], vec![]),
        ("blur", vec![feed(picture()), vec![]], vec![("sigma", Written::Number(0.0))]),
        ("color_match", vec![feed(picture()), feed(picture()), vec![], vec![]], vec![("amount", Written::Number(0.0))]),
        ("blend", vec![feed(picture()), feed(picture()), vec![]], vec![]),
    ];
    for (kind, feeds, params) in cases {
        let out = bench(kind, &params).image(1, feeds);
        assert_eq!(out.raster.data(), picture().raster.data(), "{kind}");
        assert_eq!(out.tags, ColorTags::SRGB, "{kind}");
    }
}

#[test]
fn outlooks_tell_the_size_that_comes() {
    let resize = bench("resize", &[("size", Written::Text("100x50".into())), ("align", Written::Integer(8))]);
    let engine = Engine::default();
    let cx = Prospect { timeline: timeline(), spec: &resize.spec, inputs: &[None], period: 1, engine: &engine };
    let told = resize.settings.outlook(&cx).unwrap().outputs[0].size;
    assert_eq!(told, Size::new(104, 48));
    assert_eq!(resize.image(0, vec![feed(picture())]).size(), told);
}

#[test]
fn noise_and_painting_follow_a_grain() {
    let grain = bench("grain", &[]);
    let motion = |right: f32| {
        let mut motion = Raster::zeroed(SIZE, 2);
        motion.plane_mut(0).fill(-right);
        Value::Motion(Motion::new(motion))
    };
    let carried = |tick| grain.fire(tick, vec![feed(motion(5.0)), vec![]]).unwrap().swap_remove(0).unwrap();
    let noisy = |grain| bench("noise", &[("type", Written::Text("gaussian".into()))]).image(3, vec![feed(picture()), vec![], feed(grain)]);
    let noise = |frame: &Frame| frame.raster.data().iter().zip(picture().raster.data()).map(|(a, b)| a - b).collect::<Vec<_>>();
    let (before, after) = (noise(&noisy(carried(0))), noise(&noisy(carried(1))));
    for y in 0..SIZE.height {
        let row = |noise: &[f32], x: usize| noise[y * SIZE.width + x];
        assert!((5..SIZE.width).all(|x| (row(&after, x) - row(&before, x - 5)).abs() < 1e-5), "row {y}");
    }
    assert!(matches!(grain.fire(2, vec![feed(motion(0.0)), vec![]]).unwrap()[..], [Some(Value::Grain(_))]));
}

#[test]
fn noise_is_another_on_every_frame_and_the_same_on_every_run() {
    let at = |tick| bench("noise", &[]).image(tick, vec![feed(picture()), vec![], vec![]]);
    assert_eq!(at(4).raster.data(), at(4).raster.data());
    assert_ne!(at(4).raster.data(), at(5).raster.data());
}

#[test]
fn a_pattern_ends_where_it_says() {
    let pattern = bench("pattern", &[("frames", Written::Integer(2))]);
    assert_eq!(pattern.image(1, vec![]).size(), SIZE);
    assert_eq!(pattern.fire(2, vec![]).unwrap_err(), Halt::End);
}

#[test]
fn a_zoom_of_nothing_is_a_fault_and_not_a_crash() {
    let warp = bench("warp", &[("zoom", Written::Number(0.0))]);
    let Err(Halt::Fault(fault)) = warp.fire(0, vec![feed(picture())]) else { panic!("it fired") };
    assert!(fault.message.contains("`zoom` 0"), "{fault}");
}

#[test]
fn color_match_glides_when_it_is_smoothed() {
    let smooth = bench("color_match", &[("space", Written::Text("rgb".into())), ("smoothing", Written::Number(0.5))]);
    let grey = |v: f32| Frame::filled(SIZE, [v; 3]);
    let mean = |tick, reference| smooth.image(tick, vec![feed(picture()), feed(grey(reference)), vec![], vec![]]).raster.data()[0];
    assert!((mean(0, 0.2) - 0.2).abs() < 1e-4);
    assert!((mean(1, 0.6) - 0.4).abs() < 1e-4);
    assert!((mean(2, 0.6) - 0.5).abs() < 1e-4);
}

/// Keys of one grey each, every three ticks.
fn greys(blend: bool) -> Vec<f32> {
    let cadence = bench("cadence", &[("blend", Written::Bool(blend))]);
    let at = |tick: u64| {
        let value = Value::Frame(Frame::filled(SIZE, [(tick / 3) as f32; 3]));
        let key = vec![vec![Sample { value, tick: tick / 3 * 3, period: 3 }]];
        cadence.image(tick, vec![key, vec![], vec![], vec![], vec![]]).raster.data()[0]
    };
    (0..8).map(at).collect()
}

#[test]
fn cadence_fades_over_its_period_and_loses_no_frame() {
    let third = 1.0 / 3.0;
    let expected = [0.0, 0.0, 0.0, third, 2.0 * third, 1.0, 1.0 + third, 1.0 + 2.0 * third];
    for (value, expected) in greys(true).into_iter().zip(expected) {
        assert!((value - expected).abs() < 1e-6, "{value} {expected}");
    }
    assert_eq!(greys(false), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0]);
}
