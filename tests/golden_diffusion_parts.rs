//! Random numbers, against PyTorch, diffusers and Hugging Face's tokenizer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/npz.rs"]
mod npz;

use frameloom::diffusion::random::{CpuGenerator, Generator, NoiseSource, Precision};
use frameloom::diffusion::variation::turn;
use npz::{Npz, difference, json};
use serde_json::Value;

/// One array of the file, by its name: what it is and the seed, `randn_s42_1x4x8x8`. The description, which not every array has, gives
/// the shape of what is stored in part, and a sum.
fn check_random(key: &str, entry: Option<&Value>, expected: &npz::Array) -> bool {
    let words: Vec<&str> = key.split('_').collect();
    let Some(seed) = words.get(1).and_then(|word| word.strip_prefix('s')).and_then(|seed| seed.parse().ok()) else { return false };
    let mut cpu = CpuGenerator::new(seed);
    let count = |shape: &str| shape.split('x').map(|n| n.parse::<usize>().unwrap()).product::<usize>();
    let len = expected.values.len();
    let ours: Vec<f32> = match words.as_slice() {
        ["randn", _, shape] => cpu.randn(count(shape), Precision::Single),
        ["seq", _] => [5, 4, 20, 3, 16].into_iter().flat_map(|n| cpu.randn(n, Precision::Single)).collect(),
        ["half", _] => cpu.randn(len, Precision::Half),
        ["rand", _] => cpu.rand(len),
        ["mt", _] => {
            assert_eq!(expected.integers.iter().map(|_| cpu.next_u32()).collect::<Vec<_>>(), expected.integers, "{key}");
            return true;
        }
        ["philox", _, call] if call.starts_with("call") => {
            let mut nv = Generator::of(NoiseSource::Nv, seed);
            (0..=call[4..].parse::<usize>().unwrap()).map(|_| nv.randn(len, Precision::Single)).last().unwrap()
        }
        ["philox", _, shape, "head"] => Generator::of(NoiseSource::Nv, seed).randn(count(shape), Precision::Single),
        _ => return false,
    };
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&ours[..len]), bits(&expected.values), "{key}");
    if let Some(sum) = entry.and_then(|entry| entry["sum"].as_f64()) {
        let own: f64 = ours.iter().map(|v| f64::from(*v)).sum();
        assert!((own - sum).abs() < 1e-5 * (1.0 + sum.abs()) + 1e-7 * ours.len() as f64, "{key}: sum {own}, not {sum}");
    }
    true
}

/// Other tests look at `slerp_…` and `brownian_…`.
#[test]
fn golden_random() {
    let Some(golden) = json("random", "rng/rng.json") else { return };
    let Some(arrays) = Npz::open("random", "rng/rng.npz") else { return };
    let entries = golden["entries"].as_array().unwrap();
    let elsewhere = |key: &str| key.starts_with("slerp_") || key.starts_with("brownian_");
    let mut count = 0;
    for (key, expected) in arrays.iter().filter(|(key, _)| !elsewhere(key)) {
        let entry = entries.iter().find(|entry| entry["key"].as_str() == Some(key));
        assert!(check_random(key, entry, expected), "{key}: no test for such an array");
        count += 1;
    }
    println!("golden random: {count} cases");
}

/// `slerp_SEED_SUBSEED_STRENGTH`: noise of 4 planes of 8x8.
#[test]
fn golden_variation() {
    let Some(arrays) = Npz::open("variation", "rng/rng.npz") else { return };
    let mut count = 0;
    for (key, expected) in arrays.iter().filter(|(key, _)| key.starts_with("slerp_")) {
        let numbers: Vec<f64> = key.split('_').skip(1).map(|number| number.parse().unwrap()).collect();
        let draw = |seed: f64| Generator::new(seed as u64).randn(256, Precision::Single);
        let mut noise = draw(numbers[0]);
        turn(&mut noise, &draw(numbers[1]), numbers[2], [1, 4, 8, 8]);
        assert_close(&noise, &expected.values, 2e-5, key);
        count += 1;
    }
    println!("golden variation: {count} cases");
}

fn assert_close(ours: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    let (worst, size) = difference(ours, expected);
    assert!(worst <= tolerance * size.max(1e-6), "{what}: differs by {worst} of {size}");
}
