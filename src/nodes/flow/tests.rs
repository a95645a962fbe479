use super::super::with_model::testing::{opening, scene, tick, trained};
use super::*;
use crate::frame::ColorTags;
use crate::kernel::flow::follow;
use crate::kernel::sample::{self, Border, Sampling};
use crate::node::Declared;

fn params(method: Method, model: Option<PathParam>) -> Params {
    Params { method, model, scale: 1.0, align: 8, values: with_model::Values::Unit }
}

/// Fires once, with every output wanted.
fn estimate(params: Params, from: &Frame, to: &Frame, scale: f64) -> Outputs {
    let (node, ()) = opening(2, |cx| Flow::open(&params, cx)).unwrap();
    let now = Now { method: params.method, model: params.model, scale, align: 8, values: params.values };
    let inputs = Inputs { from: from.clone(), to: to.clone(), guess: None };
    let spec = Flow::spec();
    match node.fire(&mut (), &Tick { wanted: &[true; 3], ..tick(&spec) }, inputs, now) {
        Ok(outputs) => outputs,
        Err(halt) => panic!("{halt:?}"),
    }
}

/// The same shift everywhere.
fn even(size: Size) -> Field {
    let mut even = Raster::zeroed(size, 2);
    even.plane_mut(0).fill(3.0);
    even.plane_mut(1).fill(-2.0);
    Field::new(even)
}

/// A textured picture and the same moved by (3, −2).
fn moved() -> (Frame, Frame) {
    let mut frame = scene(160, 128);
    for (i, v) in frame.raster.data_mut().iter_mut().enumerate() {
        let (x, y) = ((i % 160) as f32, (i / 160 % 128) as f32);
        *v += 0.15 * (0.31 * x + 0.12 * y).sin() * (0.23 * y - 0.05 * x).cos();
    }
    let raster = sample::warp(&frame.raster, &follow(&even(frame.size()), 1.0), Sampling::Bilinear, Border::Reflect);
    let other = Frame::new(raster, ColorTags::default());
    (frame, other)
}

/// How far `field` is from (u, v) on average, inside.
fn error(field: &Raster, (u, v): (f32, f32)) -> f32 {
    let size = field.size();
    let inner = (0..size.area())
        .filter(|i| (16..size.width - 16).contains(&(i % size.width)) && (16..size.height - 16).contains(&(i / size.width)));
    let gaps: Vec<f32> = inner.map(|i| (field.plane(0)[i] - u).hypot(field.plane(1)[i] - v)).collect();
    gaps.iter().sum::<f32>() / gaps.len() as f32
}

#[test]
fn every_way_finds_a_shift_in_both_directions() {
    let (from, to) = moved();
    for method in [Method::DisMedium, Method::DisFine, Method::Farneback] {
        let out = estimate(params(method, None), &from, &to, 1.0);
        let (forward, motion) = (out.flow.unwrap(), out.motion.unwrap());
        assert!(error(&forward.0, (3.0, -2.0)) < 0.15, "{method:?}: {}", error(&forward.0, (3.0, -2.0)));
        assert!(error(&motion.0, (-3.0, 2.0)) < 0.15, "{method:?}");
        assert_eq!(out.backward.unwrap().0.data(), motion.0.data());
    }
}

#[test]
fn half_the_scale_keeps_pixels_of_the_whole() {
    let (from, to) = moved();
    let out = estimate(params(Method::DisMedium, None), &from, &to, 0.5);
    assert!(error(&out.flow.unwrap().0, (3.0, -2.0)) < 0.4);
}

#[test]
fn a_trained_network_agrees() {
    let Some(model) = trained("raft_small_it6") else { return };
    let photo = image::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/deforum/photo.png")).unwrap().to_rgb8();
    let size = Size::new(photo.width() as usize, photo.height() as usize);
    let plane = |c: usize| photo.as_raw().iter().skip(c).step_by(3).map(|v| f32::from(*v) / 255.0);
    let from = Frame::new(Raster::from_vec(size, 3, (0..3).flat_map(plane).collect()), ColorTags::SRGB);
    let to = Frame::new(sample::warp(&from.raster, &follow(&even(size), 1.0), Sampling::Bilinear, Border::Reflect), from.tags);
    let out = estimate(params(Method::Model, Some(model)), &from, &to, 1.0);
    let gap = error(&out.flow.unwrap().0, (3.0, -2.0));
    assert!(gap < 0.3, "{gap}");
}
