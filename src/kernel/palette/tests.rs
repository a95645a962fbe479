use super::*;
use crate::frame::Size;
use crate::kernel::noise::{self, Noise};

const SIZE: Size = Size::new(120, 80);
const SPACES: [Space; 4] = [Space::Rgb, Space::Hsv, Space::Lab, Space::Oklab];

fn picture(seed: u32, gain: f32, offset: f32) -> Raster {
    let value = |i: usize| {
        let random = (i as u32 ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
        offset + gain * (random as f32 / 4.294_967_3e9)
    };
    Raster::from_vec(SIZE, 3, (0..SIZE.area() * 3).map(value).collect())
}

fn worst(a: &Raster, b: &Raster) -> f32 {
    a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn matching_a_picture_with_itself_changes_nothing_visible() {
    let source = picture(1, 0.9, 0.05);
    for space in SPACES {
        for method in [Method::Histogram, Method::MeanStd] {
            let out = Palette::of(&source, space, method).apply(&source, 1.0);
            assert!(worst(&out, &source) < 1e-3, "{space:?} {method:?}: {}", worst(&out, &source));
        }
    }
}

#[test]
fn a_change_of_gain_and_offset_is_undone() {
    let reference = picture(1, 0.8, 0.1);
    let mut faded = reference.clone();
    faded.data_mut().iter_mut().for_each(|v| *v = *v * 0.4 + 0.3);
    for method in [Method::Histogram, Method::MeanStd] {
        let out = Palette::of(&reference, Space::Rgb, method).apply(&faded, 1.0);
        assert!(worst(&out, &reference) < 1e-3, "{method:?}: {}", worst(&out, &reference));
        let half = Palette::of(&reference, Space::Rgb, method).apply(&faded, 0.5);
        assert!((half.data()[7] - f32::midpoint(faded.data()[7], out.data()[7])).abs() < 1e-6);
    }
}

#[test]
fn smoothing_glides_between_palettes() {
    let dark = Palette::of(&picture(1, 0.2, 0.0), Space::Rgb, Method::Histogram);
    let bright = Palette::of(&picture(1, 0.2, 0.6), Space::Rgb, Method::Histogram);
    let mut between = dark.clone();
    between.follow(&bright, 0.75);
    let out = between.apply(&picture(1, 0.2, 0.3), 1.0);
    let expected = picture(1, 0.2, 0.15);
    assert!(worst(&out, &expected) < 2e-3, "{}", worst(&out, &expected));
}

#[test]
fn flat_pictures_do_no_harm() {
    let flat = Raster::from_vec(SIZE, 3, vec![0.5; SIZE.area() * 3]);
    for method in [Method::Histogram, Method::MeanStd] {
        let out = Palette::of(&flat, Space::Lab, method).apply(&picture(3, 1.0, 0.0), 1.0);
        assert!(out.data().iter().all(|v| v.is_finite()));
        let out = Palette::of(&picture(3, 1.0, 0.0), Space::Lab, method).apply(&flat, 1.0);
        assert!(out.data().iter().all(|v| v.is_finite()));
    }
}

#[test]
fn a_hundred_self_matches_drift_by_less_than_a_tenth_of_a_level() {
    let start = picture(5, 0.9, 0.05);
    for space in SPACES {
        for method in [Method::Histogram, Method::MeanStd] {
            let mut now = start.clone();
            for _ in 0..100 {
                now = Palette::of(&now, space, method).apply(&now, 1.0);
            }
            let levels = worst(&now, &start) * 255.0;
            assert!(levels < 0.1, "{space:?} {method:?}: {levels} levels");
        }
    }
}

#[test]
fn a_loop_with_noise_does_not_drift_to_grey() {
    let reference = picture(5, 0.9, 0.05);
    let spread = |raster: &Raster| {
        let mean = raster.data().iter().sum::<f32>() / raster.data().len() as f32;
        (mean, (raster.data().iter().map(|v| (v - mean).powi(2)).sum::<f32>() / raster.data().len() as f32).sqrt())
    };
    let (mean, deviation) = spread(&reference);
    for space in SPACES {
        let palette = Palette::of(&reference, space, Method::Histogram);
        let mut now = reference.clone();
        for round in 0..100 {
            noise::add(&mut now, None, Noise::Uniform, 0.065, round);
            now = palette.apply(&now, 1.0);
        }
        let (m, d) = spread(&now);
        assert!((m - mean).abs() < 0.03 && d > 0.9 * deviation, "{space:?}: {mean} {deviation} became {m} {d}");
    }
}

#[test]
fn only_what_the_masks_show_counts_and_changes() {
    let left = |i: usize| i % SIZE.width < 60;
    let mask = Mask::new(Raster::from_vec(SIZE, 1, (0..SIZE.area()).map(|i| f32::from(u8::from(left(i)))).collect()));
    let source = picture(1, 0.5, 0.0);
    let mut reference = picture(1, 0.5, 0.0);
    for plane in reference.planes_mut() {
        plane.iter_mut().enumerate().for_each(|(i, v)| *v += if left(i) { 0.2 } else { 0.5 });
    }
    let palette = Palette::of_part(&reference, Some(&mask), Space::Rgb, Method::Histogram).unwrap();
    let out = palette.apply_part(&source, Some(&mask), 1.0);
    for (i, (v, before)) in out.plane(1).iter().zip(source.plane(1)).enumerate() {
        assert!((v - before - if left(i) { 0.2 } else { 0.0 }).abs() < 1e-3, "pixel {i}");
    }
    let nothing = Mask::new(Raster::zeroed(SIZE, 1));
    assert!(Palette::of_part(&reference, Some(&nothing), Space::Rgb, Method::Histogram).is_none());
    assert_eq!(palette.apply_part(&source, Some(&nothing), 1.0).data(), source.data());
}

#[test]
fn hues_go_round_at_red() {
    // Reds a little to the violet side become reds a little to the orange side without passing the other hues.
    let reds = |middle: f32| {
        let hue = |i: usize| (middle + 0.08 * (i as f32 / SIZE.area() as f32 - 0.5)).rem_euclid(1.0);
        let mut raster =
            Raster::from_vec(SIZE, 3, [(0..SIZE.area()).map(hue).collect(), vec![0.8; SIZE.area()], vec![0.7; SIZE.area()]].concat());
        color::to_rgb(&mut raster, Space::Hsv);
        raster
    };
    for method in [Method::Histogram, Method::MeanStd] {
        let out = Palette::of(&reds(0.015), Space::Hsv, method).apply(&reds(0.985), 1.0);
        assert!(worst(&out, &reds(0.015)) < 0.02, "{method:?}: {}", worst(&out, &reds(0.015)));
    }
}

#[test]
fn a_mean_of_palettes_lies_between_them() {
    let of = |offset| Palette::of(&picture(1, 0.2, offset), Space::Rgb, Method::Histogram).compact();
    let mean = Palette::mean(&[of(0.0), of(0.6)]).unwrap();
    let out = mean.apply(&picture(1, 0.2, 0.3), 1.0);
    assert!(worst(&out, &picture(1, 0.2, 0.3)) < 2e-3);
}
