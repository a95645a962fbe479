use super::super::pattern::{self, Pattern};
use super::super::warp2d::{Flip, Move};
use super::*;

const SIZE: Size = Size::new(240, 160);

/// A picture with detail everywhere, that does not repeat.
fn scene() -> Raster {
    let plate = pattern::draw(Pattern::ZoomPlate, SIZE, 3, 2.0, 1);
    let value = |i: usize| {
        let (x, y) = ((i % 240) as f32, (i / 240) as f32);
        let blobs = (x * 0.13).sin() * (y * 0.17 + 0.02 * x).cos() + (0.05 * x + 0.11 * y).sin() * (0.031 * x * y / 40.0).cos();
        0.5 + 0.2 * blobs
    };
    let grey: Vec<f32> = (0..SIZE.area()).map(|i| value(i) * 0.8 + 0.2 * plate.data()[i]).collect();
    Raster::from_vec(SIZE, 3, grey.repeat(3))
}

fn moved(picture: &Raster, matrix: &Matrix) -> Raster {
    sample::warp(picture, &warp2d::motion(matrix, SIZE), Sampling::Bicubic, Border::Mirror)
}

/// The mean distance between where two matrices take the inner pixels.
fn apart(a: &Matrix, b: &Matrix) -> f64 {
    let points = (16..144).step_by(8).flat_map(|y| (16..224).step_by(8).map(move |x| [f64::from(x), f64::from(y)]));
    let distances: Vec<f64> = points.map(|p| (apply(a, p), apply(b, p))).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).collect();
    distances.iter().sum::<f64>() / distances.len() as f64
}

#[test]
fn moves_of_every_sort_are_found_to_a_fraction_of_a_pixel() {
    let picture = scene();
    let shift = Move { translation: [7.3, -4.6], ..Move::default() };
    let turn = Move { angle: 4.0, zoom: 1.06, translation: [-5.0, 3.0], ..Move::default() };
    let tilt = Move { flip: Some(Flip { phi: 4.0, gamma: 3.0, ..Flip::default() }), ..Move::default() };
    let cases =
        [(shift, Model::Shift), (turn, Model::Similarity), (turn, Model::Affine), (tilt, Model::Perspective), (shift, Model::Perspective)];
    for (step, model) in cases {
        let truth = step.matrix(SIZE);
        let found = estimate(&picture, &moved(&picture, &truth), model, 3.0);
        let off = apart(&found.matrix, &truth);
        assert!(off < 0.05, "{model:?}: off by {off}, {} of {} agree", found.agreeing, found.tracked);
    }
}

#[test]
fn what_moves_by_itself_is_not_followed() {
    let picture = scene();
    let truth = Move { translation: [3.0, 2.0], angle: 1.0, ..Move::default() }.matrix(SIZE);
    let mut second = moved(&picture, &truth);
    // A third of the picture goes elsewhere.
    let other = moved(&picture, &Move { translation: [-9.0, -6.0], ..Move::default() }.matrix(SIZE));
    for plane in 0..3 {
        for y in 0..160 {
            let row = y * 240 + 20..y * 240 + 100;
            let source = other.plane(plane)[row.clone()].to_vec();
            second.plane_mut(plane)[row].copy_from_slice(&source);
        }
    }
    let found = estimate(&picture, &second, Model::Similarity, 2.0);
    assert!(apart(&found.matrix, &truth) < 0.1, "{found:?}");
}

#[test]
fn another_look_of_the_same_scene_is_recognised() {
    let picture = scene();
    let truth = Move { translation: [4.0, -3.0], zoom: 1.03, ..Move::default() }.matrix(SIZE);
    let mut second = moved(&picture, &truth);
    second.data_mut().iter_mut().for_each(|v| *v = 0.1 + 0.4 * v.powf(1.7));
    let found = estimate(&picture, &second, Model::Similarity, 3.0);
    assert!(apart(&found.matrix, &truth) < 0.2, "{found:?}");
}

#[test]
fn nothing_to_see_means_standing_still() {
    let flat = Raster::from_vec(SIZE, 3, vec![0.5; SIZE.area() * 3]);
    assert_eq!(estimate(&flat, &flat, Model::Affine, 3.0).matrix, IDENTITY);
    let tiny = Raster::zeroed(Size::new(5, 4), 3);
    assert_eq!(estimate(&tiny, &tiny, Model::Affine, 3.0), Estimate::STILL);
    let still = estimate(&scene(), &scene(), Model::Perspective, 3.0);
    assert!(apart(&still.matrix, &IDENTITY) < 1e-3 && still.agreeing > 100, "{still:?}");
}

#[test]
fn a_motion_is_told_in_the_words_of_the_warp() {
    let step = Move { angle: -3.5, zoom: 1.2, translation: [12.0, -7.0], ..Move::default() };
    let told = Told::of(&step.matrix(SIZE), SIZE);
    assert!((told.angle + 3.5).abs() < 1e-9 && (told.zoom - 1.2).abs() < 1e-9, "{told:?}");
    assert!((told.translation[0] - 12.0).abs() < 1e-9 && (told.translation[1] + 7.0).abs() < 1e-9, "{told:?}");
}
