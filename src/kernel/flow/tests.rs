//! What holds for every way to estimate a flow.

use super::*;
use crate::frame::{Flow, Raster, Size};

type Estimate = fn(&Raster, &Raster, Option<&Flow>) -> Flow;

const ALL: [(&str, Estimate); 3] = [
    ("medium", |a, b, guess| dis(a, b, Preset::Medium, guess)),
    ("fine", |a, b, guess| dis(a, b, Preset::Fine, guess)),
    ("farneback", farneback),
];

/// A smooth texture that is nowhere flat, moved by `(u, v)`; one plane.
fn texture(size: Size, (u, v): (f32, f32)) -> Raster {
    let value = |i: usize| {
        let (x, y) = ((i % size.width) as f32 - u, (i / size.width) as f32 - v);
        0.5 + 0.2 * (0.19 * x + 0.07 * y).sin() + 0.2 * (0.23 * y - 0.11 * x).cos() + 0.1 * (0.41 * x).sin() * (0.37 * y).cos()
    };
    Raster::from_vec(size, 1, (0..size.area()).map(value).collect())
}

/// The mean distance from `(u, v)`, away from the edge.
fn error(flow: &Flow, (u, v): (f32, f32), margin: usize) -> f32 {
    let Size { width, height } = flow.size();
    let inner = |i: &usize| (margin..width - margin).contains(&(i % width)) && (margin..height - margin).contains(&(i / width));
    let gaps: Vec<f32> = (0..width * height).filter(inner).map(|i| (flow.0.plane(0)[i] - u).hypot(flow.0.plane(1)[i] - v)).collect();
    gaps.iter().sum::<f32>() / gaps.len() as f32
}

#[test]
fn a_fraction_of_a_pixel_is_found() {
    let size = Size::new(121, 87);
    for (name, estimate) in ALL {
        let flow = estimate(&texture(size, (0.0, 0.0)), &texture(size, (1.4, -0.7)), None);
        assert!(error(&flow, (1.4, -0.7), 14) < 0.06, "{name}: {}", error(&flow, (1.4, -0.7), 14));
    }
}

#[test]
fn what_stands_still_stands_still() {
    let size = Size::new(64, 50);
    let picture = texture(size, (0.0, 0.0));
    let flat = Raster::from_vec(size, 1, vec![0.4; size.area()]);
    for (name, estimate) in ALL {
        assert!(estimate(&picture, &picture, None).0.data().iter().all(|v| v.abs() < 1e-3), "{name}");
        assert!(estimate(&flat, &flat, None).0.data().iter().all(|v| v.abs() < 1e-3), "{name}");
    }
}

#[test]
fn any_size_and_any_number_will_do() {
    for (width, height) in [(1, 1), (2, 9), (7, 3), (16, 16), (17, 40), (200, 5), (0, 4)] {
        let size = Size::new(width, height);
        let mut odd = texture(size, (0.0, 0.0));
        if let Some(v) = odd.data_mut().first_mut() {
            *v = f32::NAN;
        }
        for (name, estimate) in ALL {
            let flow = estimate(&odd, &texture(size, (1.0, 0.0)), None);
            assert_eq!(flow.size(), size);
            assert!(flow.0.data().iter().all(|v| v.is_finite()), "{name} {size}");
        }
    }
}

#[test]
fn a_guess_reaches_farther() {
    let size = Size::new(96, 96);
    // More than two periods of the finest waves, and most of the picture's coarse ones.
    let shift = (26.0, 0.0);
    let (from, to) = (texture(size, (0.0, 0.0)), texture(size, shift));
    let mut guess = Raster::zeroed(size, 2);
    guess.plane_mut(0).fill(25.0);
    for (name, estimate) in ALL {
        let flow = estimate(&from, &to, Some(&Flow::new(guess.clone())));
        // What leaves on the right is not known.
        let gap = |i: usize| (flow.0.plane(0)[i] - shift.0).hypot(flow.0.plane(1)[i] - shift.1);
        let inner: Vec<f32> = (0..size.area()).filter(|i| (14..50).contains(&(i % 96)) && (14..82).contains(&(i / 96))).map(gap).collect();
        let mean = inner.iter().sum::<f32>() / inner.len() as f32;
        assert!(mean < 0.2, "{name}: {mean}");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let size = Size::new(150, 170);
    let (from, to) = (texture(size, (0.0, 0.0)), texture(size, (2.3, -1.2)));
    for (name, estimate) in ALL {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| estimate(&from, &to, None))
        };
        assert_eq!(with(1).0.data(), with(3).0.data(), "{name}");
    }
}

#[test]
fn colours_count_by_their_brightness() {
    let size = Size::new(60, 44);
    let (a, b) = (texture(size, (0.0, 0.0)), texture(size, (1.0, 1.0)));
    let grey = |one: &Raster| Raster::from_vec(size, 3, [one.data(), one.data(), one.data()].concat());
    let (single, triple) = (dis(&a, &b, Preset::Medium, None), dis(&grey(&a), &grey(&b), Preset::Medium, None));
    let worst = single.0.data().iter().zip(triple.0.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-2, "{worst}");
}
