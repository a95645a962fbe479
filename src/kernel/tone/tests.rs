use super::*;
use crate::frame::Size;

const SIZE: Size = Size::new(16, 16);

fn ramp() -> Vec<f32> {
    (0..256_u16).map(|i| f32::from(i) / 255.0).collect()
}

fn picture() -> Raster {
    let values = ramp();
    Raster::from_vec(SIZE, 3, [&values[..], &values.iter().map(|v| 1.0 - v).collect::<Vec<_>>(), &[0.25; 256]].concat())
}

fn half() -> Mask {
    Mask::new(Raster::from_vec(SIZE, 1, (0..256).map(|i| if i < 128 { 0.0 } else { 1.0 }).collect()))
}

#[test]
fn contrast_turns_around_its_pivot() {
    for (pivot, expected) in [(0.0, 0.5), (0.5, 0.0), (0.25, 0.25)] {
        let mut picture = picture();
        contrast(&mut picture, 2.0, pivot, None);
        assert!((picture.plane(2)[3] - expected).abs() < 1e-6);
    }
}

#[test]
fn masks_protect_in_every_kernel() {
    let edits: [&dyn Fn(&mut Raster); 5] = [
        &|p| contrast(p, 1.5, 0.0, Some(&half())),
        &|p| desaturate(p, Grey::Bt601, 1.0, Some(&half())),
        &|p| levels(p, Levels { gamma: 2.0, ..Levels::default() }, Some(&half())),
        &|p| levels(p, Levels { saturation: 0.0, ..Levels::default() }, Some(&half())),
        &|p| automatic(p, Auto::Stretch([0.1, 0.9]), false, Some(&half())),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let mut out = picture();
        edit(&mut out);
        assert_eq!(out.plane(0)[..128], picture().plane(0)[..128], "{index}");
        assert_ne!(out.plane(0)[128..], picture().plane(0)[128..], "{index}");
    }
}

#[test]
fn grey_has_the_weights_of_opencv() {
    let mut out = picture();
    desaturate(&mut out, Grey::Bt601, 1.0, None);
    let expected = 0.299 * picture().plane(0)[40] + 0.587 * picture().plane(1)[40] + 0.114 * 0.25;
    assert!((0..3).all(|plane| (out.plane(plane)[40] - expected).abs() < 1e-6));
    assert!((grey(&picture(), Grey::Bt601).data()[40] - expected).abs() < 1e-6);
}

#[test]
fn levels_map_their_ends_and_their_middle() {
    let set = Levels { black: 0.2, white: 0.8, gamma: 2.0, out_black: 0.1, out_white: 0.9, clip: true, ..Levels::default() };
    let mut out = Raster::from_vec(Size::new(4, 1), 3, [0.1, 0.2, 0.35, 0.9].repeat(3));
    levels(&mut out, set, None);
    for (v, expected) in out.plane(0).iter().zip([0.1, 0.1, 0.5, 0.9]) {
        assert!((v - expected).abs() < 1e-6, "{v} {expected}");
    }
}

#[test]
fn percentiles_are_those_of_numpy() {
    // numpy.percentile([4, 1, 3, 2], [10, 90]) is [1.3, 3.7].
    let [low, high] = percentiles(&[4.0, 1.0, 3.0, 2.0], [0.1, 0.9]);
    assert!((low - 1.3).abs() < 1e-6 && (high - 3.7).abs() < 1e-6);
    let mut plane = vec![0.2, 0.4, 0.3, 0.6];
    stretch(&mut plane, [0.0, 1.0]);
    assert!((plane[0], plane[3]) == (0.0, 1.0) && (plane[1] - 0.5).abs() < 1e-6);
    let mut flat = vec![0.3; 4];
    stretch(&mut flat, [0.0, 1.0]);
    assert_eq!(flat, [0.3; 4]);
}

#[test]
fn equalising_fills_the_range_evenly() {
    let mut plane: Vec<f32> = (0..65_536_u32).map(|i| (i as f32 / 65_535.0).powi(3)).collect();
    equalize(&mut plane);
    assert!((mean(&plane) - 0.5).abs() < 0.01);
    let mut flat = vec![0.3; 4096];
    equalize(&mut flat);
    assert_eq!(flat, [0.3; 4096]);
}
