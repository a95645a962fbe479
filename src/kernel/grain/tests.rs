use proptest::prelude::*;

use super::*;
use crate::kernel::flow::{self, Preset};
use crate::kernel::pattern::{self, Pattern};
use crate::kernel::sample::{self, Border, Sampling};
use crate::kernel::warp2d::{self, Move};

const SIZE: Size = Size::new(192, 128);
const STEPS: u32 = 200;

/// A name, the most cells that may be new at a step, and the motion of each step.
type Case<'a> = (&'a str, f64, &'a dyn Fn(u32) -> Motion);

fn moved(by: &Move) -> Motion {
    warp2d::motion(&by.matrix(SIZE), SIZE)
}

/// The grain after 200 steps of a motion, and the share of new cells in the last step.
fn after(motion: impl Fn(u32) -> Motion) -> (Grain, f64) {
    let mut carried = Carried::new(SIZE);
    for number in 1..=STEPS {
        carried.step(&Step { motion: &motion(number), trust: None, fresh: 0.0, number });
    }
    let new = carried.grain().cells().iter().filter(|cell| **cell >> 32 == u64::from(STEPS)).count();
    (carried.grain().clone(), new as f64 / SIZE.area() as f64)
}

fn noise(grain: &Grain, key: u64) -> Vec<f32> {
    let mut plane = vec![0.0; grain.size().area()];
    normals(key, grain.cells(), &mut plane);
    plane
}

/// The mean product of a noise with itself `right` and `down` of there, over all keys.
fn alike(planes: &[Vec<f32>], (right, down): (usize, usize)) -> f64 {
    let width = SIZE.width;
    let rows = |plane: &[f32]| -> f64 {
        let pairs = plane.chunks_exact(width).zip(plane.chunks_exact(width).skip(down));
        pairs.flat_map(|(a, b)| a.iter().zip(&b[right..])).map(|(a, b)| f64::from(a * b)).sum()
    };
    planes.iter().map(|plane| rows(plane)).sum::<f64>() / (planes.len() * (width - right) * (SIZE.height - down)) as f64
}

/// That the noise of a grain is white and normal, over enough independent noises for chance to stay far below the bounds.
fn assert_white(name: &str, grain: &Grain) {
    let mut cells = grain.cells().to_vec();
    cells.sort_unstable();
    assert!(cells.windows(2).all(|pair| pair[0] < pair[1]), "{name}: a cell lies under two pixels");
    let planes: Vec<_> = (0..8).map(|key| noise(grain, key)).collect();
    let values = || planes.iter().flatten().map(|v| f64::from(*v));
    let mean = values().sum::<f64>() / values().count() as f64;
    let variance = alike(&planes, (0, 0)) - mean * mean;
    assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{name}: mean {mean}, variance {variance}");
    for lag in 1..=3 {
        let (right, down) = (alike(&planes, (lag, 0)), alike(&planes, (0, lag)));
        assert!(right.abs() < 0.01 && down.abs() < 0.01, "{name}: {right} {down} at {lag}");
    }
}

#[test]
fn two_hundred_steps_of_any_motion_leave_it_white() {
    let zoom = |zoom| Move { zoom, ..Move::default() };
    let waves = |number: u32| {
        let mut motion = Raster::uninit(SIZE, 2);
        for (plane, values) in motion.planes_mut().enumerate() {
            for (index, value) in values.iter_mut().enumerate() {
                let along = (if plane == 0 { index / SIZE.width } else { index % SIZE.width }) as f32;
                *value = 1.5 * (along / 19.0 + number as f32 * 0.2).sin() + 0.3;
            }
        }
        Motion::new(motion)
    };
    let cases: [Case<'_>; 7] = [
        ("still", 0.0, &|_| moved(&Move::default())),
        ("a slow shift", 0.02, &|_| moved(&Move { translation: [0.3, -0.17], ..Move::default() })),
        ("a quick shift", 0.06, &|_| moved(&Move { translation: [5.0, 3.5], ..Move::default() })),
        ("zooming in", 0.09, &|_| moved(&zoom(1.01))),
        ("zooming out", 0.09, &|_| moved(&zoom(0.99))),
        ("turning", 0.09, &|_| moved(&Move { angle: 0.5, translation: [0.3, 0.2], ..Move::default() })),
        ("waves", 0.09, &waves),
    ];
    for (name, most, motion) in cases {
        let (grain, new) = after(motion);
        assert_white(name, &grain);
        println!("{name}: {new:.4} new at the end");
        assert!(new <= most, "{name}: {new} of all cells are new at every step");
    }
}

#[test]
fn an_estimated_motion_leaves_it_white_too() {
    let texture = pattern::draw(Pattern::Noise, Size::new(4 * SIZE.width, 4 * SIZE.height), 3, 1.0, 5);
    let texture = blur::gaussian(&texture, 2.0);
    let frame = |number: u32| {
        let size = texture.size();
        let by = Move { translation: [f64::from(number) * 0.7, 0.0], zoom: 1.004_f64.powi(number as i32), ..Move::default() };
        let whole = sample::warp(&texture, &warp2d::motion(&by.matrix(size), size), Sampling::Bilinear, Border::Replicate);
        let mut part = Raster::uninit(SIZE, 3);
        for plane in 0..3 {
            for (y, row) in part.plane_mut(plane).chunks_exact_mut(SIZE.width).enumerate() {
                row.copy_from_slice(&whole.plane(plane)[(y + SIZE.height) * size.width + SIZE.width..][..SIZE.width]);
            }
        }
        part
    };
    let mut carried = Carried::new(SIZE);
    let mut before = frame(0);
    for number in 1..=20 {
        let now = frame(number);
        let motion = Motion::new(flow::dis(&now, &before, Preset::Medium, None).0);
        carried.step(&Step { motion: &motion, trust: None, fresh: 0.0, number });
        before = now;
    }
    assert_white("an estimated motion", carried.grain());
}

#[test]
fn a_shift_takes_the_noise_along_exactly() {
    for (step, steps, whole) in [([3.0, -2.0], 10, (30, -20)), ([0.3, -0.2], 100, (30, -20))] {
        let mut carried = Carried::new(SIZE);
        let motion = moved(&Move { translation: step, ..Move::default() });
        let start = noise(carried.grain(), 3);
        for number in 1..=steps {
            carried.step(&Step { motion: &motion, trust: None, fresh: 0.0, number });
        }
        let end = noise(carried.grain(), 3);
        for (y, x) in (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (y, x))) {
            let (left, up) = (x as i32 - whole.0, y as i32 - whole.1);
            if (0..SIZE.width as i32).contains(&left) && (0..SIZE.height as i32).contains(&up) {
                let (now, then) = (end[y * SIZE.width + x], start[up as usize * SIZE.width + left as usize]);
                assert!(now == then, "{step:?} at {x}, {y}: {now} {then}");
            }
        }
    }
}

#[test]
fn what_is_not_trusted_or_shall_be_fresh_is_new() {
    let motion = moved(&Move::default());
    let trust = Mask::new(Raster::from_vec(SIZE, 1, (0..SIZE.area()).map(|i| if i % SIZE.width < 64 { 0.0 } else { 1.0 }).collect()));
    let step = |trust, fresh| {
        let mut carried = Carried::new(SIZE);
        carried.step(&Step { motion: &motion, trust, fresh, number: 1 });
        let cells = carried.grain().cells().to_vec();
        move |from: usize, to: usize| {
            let part = cells.iter().enumerate().filter(|(i, _)| (from..to).contains(&(i % SIZE.width)));
            part.clone().filter(|(_, cell)| **cell >> 32 == 1).count() as f64 / part.count() as f64
        }
    };
    let new = step(Some(&trust), 0.0);
    assert!(new(0, 64) == 1.0 && new(64, 192) == 0.0);
    let new = step(Some(&trust), 0.25);
    assert!(new(0, 64) == 1.0 && (new(64, 192) - 0.25).abs() < 0.02, "{}", new(64, 192));
    assert!(step(None, 1.0)(0, 192) == 1.0 && step(None, 0.0)(0, 192) == 0.0);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut carried = Carried::new(SIZE);
            for number in 1..=20 {
                let motion = moved(&Move { angle: 1.0, zoom: 1.02, ..Move::default() });
                carried.step(&Step { motion: &motion, trust: None, fresh: 0.1, number });
            }
            (carried.grain().cells().to_vec(), noise(carried.grain(), 5))
        })
    };
    let one = on(1);
    assert!(on(2) == one && on(5) == one);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_motion_puts_a_cell_under_two_pixels(
        seeds in prop::collection::vec(any::<u64>(), 1..5),
        reach in 0.0_f32..40.0,
        (width, height) in (1_usize..40, 1_usize..40),
    ) {
        let size = Size::new(width, height);
        let mut carried = Carried::new(size);
        for (step, seed) in seeds.iter().enumerate() {
            let value = |i: usize| match random::bits(*seed, i as u64) {
                bits if bits.is_multiple_of(97) => f32::NAN,
                bits if bits.is_multiple_of(89) => f32::INFINITY,
                bits => (random::unit(bits as u32) - 0.5) * 2.0 * reach,
            };
            let motion = Motion::new(Raster::from_vec(size, 2, (0..2 * size.area()).map(value).collect()));
            carried.step(&Step { motion: &motion, trust: None, fresh: 0.0, number: step as u32 + 1 });
            let mut cells = carried.grain().cells().to_vec();
            cells.sort_unstable();
            cells.dedup();
            prop_assert_eq!(cells.len(), size.area());
            prop_assert!(carried.rest.data().iter().all(|v| v.abs() <= 0.5));
        }
    }
}
