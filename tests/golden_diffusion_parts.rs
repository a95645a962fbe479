//! The parts of Stable Diffusion that need no network, against PyTorch, diffusers and Hugging Face's tokenizer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/npz.rs"]
mod npz;

use frameloom::diffusion::random::{CpuGenerator, Generator, NoiseSource, Precision};
use frameloom::diffusion::sampler::{Churn, Ddim, Euler, Lcm, Sampler};
use frameloom::diffusion::schedule::SchedulerConfig;
use frameloom::diffusion::variation::turn;
use frameloom::diffusion::{Latents, StrengthReading};
use npz::{Npz, difference, json};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().map(|list| list.iter().map(|n| n.as_f64().unwrap() as f32).collect()).unwrap_or_default()
}

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

#[test]
fn golden_alphas() {
    let Some(arrays) = Npz::open("alphas", "schedulers/alphas.npz") else { return };
    let config: SchedulerConfig =
        serde_json::from_str(r#"{"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}"#).unwrap();
    let expected = arrays.values("alphas_cumprod");
    // The reference carried double precision throughout; diffusers, and we, round the betas to single.
    for (i, (a, b)) in config.alphas_cumprod().iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 2e-6 * b, "timestep {i}: {a}, not {b}");
    }
    println!("golden alphas: {} cases", expected.len());
}

/// A sampler, with its sigmas where it has any.
type Built = (Box<dyn Sampler>, Option<Vec<f32>>);

/// The sampler of one case.
fn sampler(case: &Value, strength: f64) -> Option<Built> {
    let config: SchedulerConfig = serde_json::from_value(case["config"].clone()).unwrap();
    let steps = case["steps"].as_u64().unwrap() as usize;
    let option = |key: &str, usual: f32| case["step_kwargs"][key].as_f64().map_or(usual, |v| v as f32);
    Some(match case["cls"].as_str().unwrap() {
        "EulerDiscreteScheduler" => {
            let usual = Churn::default();
            let churn = Churn {
                amount: option("s_churn", usual.amount),
                min: option("s_tmin", usual.min),
                max: option("s_tmax", usual.max),
                noise: option("s_noise", usual.noise),
            };
            let euler = Euler::new(&config, steps, churn).unwrap();
            let sigmas = euler.sigmas().to_vec();
            (Box::new(euler), Some(sigmas))
        }
        "DDIMScheduler" => (Box::new(Ddim::new(&config, steps, option("eta", 0.0)).unwrap()), None),
        "LCMScheduler" => (Box::new(Lcm::new(&config, steps, strength).unwrap()), None),
        _ => return None,
    })
}

/// The toy network of the reference: a tenth of what it sees, and a little of the time.
fn toy(input: &[f32], timestep: f32) -> Vec<f32> {
    input.iter().map(|x| 0.1 * x + 0.01 * timestep / 1000.0).collect()
}

/// Runs the steps from `first` on and returns every result.
fn run(sampler: &mut dyn Sampler, first: usize, mut sample: Latents, mut noises: impl Iterator<Item = Vec<f32>>) -> Vec<Vec<f32>> {
    let mut trace = Vec::new();
    for step in first..sampler.timesteps().len() {
        let mut input = sample.data.clone();
        sampler.scale_input(step, &mut input);
        let output = toy(&input, sampler.timesteps()[step]);
        sampler.step(step, &output, &mut sample, &mut |_| noises.next().expect("enough noise"));
        trace.push(sample.data.clone());
    }
    trace
}

fn assert_close(ours: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    let (worst, size) = difference(ours, expected);
    assert!(worst <= tolerance * size.max(1e-6), "{what}: differs by {worst} of {size}");
}

#[test]
fn golden_samplers() {
    let Some(golden) = json("samplers", "schedulers/diffusers.json") else { return };
    let Some(inputs) = Npz::open("samplers", "schedulers/inputs.npz") else { return };
    let Some(traces) = Npz::open("samplers", "schedulers/traces.npz") else { return };
    let shape = [1, 4, 8, 8];
    let noise: Vec<Vec<f32>> = inputs.values("noise").chunks(256).map(<[f32]>::to_vec).collect();
    let (mut count, mut images) = (0, 0);
    for case in golden["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let Some((mut ours, sigmas)) = sampler(case, 1.0) else { continue };
        assert_close(ours.timesteps(), &numbers(&case["timesteps"]), 1e-6, &format!("{id} timesteps"));
        // The reference's square roots are off by a last bit now and then, which rescaling multiplies.
        let rescaled = case["config"]["rescale_betas_zero_snr"] == true;
        let tolerance = if rescaled { 4e-6 } else { 1e-6 };
        if let (Some(sigmas), true) = (sigmas, case["sigmas"].is_array()) {
            for (a, b) in sigmas.iter().zip(numbers(&case["sigmas"])) {
                assert!((a - b).abs() <= tolerance * b.abs(), "{id}: sigma {a}, not {b}");
            }
        }
        let start = case["init_noise_sigma"].as_f64().unwrap() as f32;
        assert!((ours.init_noise_sigma() - start).abs() <= 1e-6 * start, "{id}: starts at {}", ours.init_noise_sigma());
        let Some(expected) = traces.get(id) else { continue };
        let latent: Vec<f32> = inputs.values("latent").iter().map(|x| x * ours.init_noise_sigma()).collect();
        // What single precision can hold of the start is all that the first step can keep; matters where sigma is 4096.
        let rounding = 2.0 * f32::EPSILON * latent.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
        let trace = run(ours.as_mut(), 0, Latents::new(shape, latent).unwrap(), noise.iter().cloned());
        let from = if case["trace"] == "full" { 0 } else { trace.len() - 1 };
        let (worst, size) = difference(&trace[from..].concat(), &expected.values);
        assert!(worst <= 2e-5 * size + rounding, "{id}: differs by {worst} of {size}");
        count += 1;
        images += usize::from(image_case(case, &inputs, &traces, &noise));
    }
    println!("golden samplers: {count} cases, {images} of them from a picture too");
}

/// The same from a noised picture, where the case has that.
fn image_case(case: &Value, inputs: &Npz, traces: &Npz, noise: &[Vec<f32>]) -> bool {
    let id = format!("{}__i2i", case["id"].as_str().unwrap());
    let (part, Some(expected)) = (&case["img2img"], traces.get(&id)) else { return false };
    let Some((mut ours, _)) = sampler(case, part["strength"].as_f64().unwrap()) else { return false };
    let first = part["t_start"].as_u64().unwrap() as usize;
    assert_close(&ours.timesteps()[first..], &numbers(&part["timesteps"]), 1e-6, &format!("{id} timesteps"));
    let mut picture = inputs.values("img2img_init").to_vec();
    ours.add_noise(first, &mut picture, inputs.values("latent"));
    assert_close(&picture, &expected.values[..256], 2e-5, &format!("{id} noised"));
    let trace = run(ours.as_mut(), first, Latents::new([1, 4, 8, 8], picture).unwrap(), noise.iter().cloned());
    assert_close(trace.last().unwrap(), &expected.values[256..], 2e-5, &id);
    true
}

#[test]
fn golden_strength() {
    let Some(golden) = json("strength", "schedulers/strength_semantics.json") else { return };
    let cases = golden.as_array().unwrap();
    for case in cases {
        let (steps, strength) = (case["steps"].as_u64().unwrap() as usize, case["strength"].as_f64().unwrap());
        let of = |reading: &str, key: &str| case[reading][key].as_u64().unwrap() as usize;
        let span = |reading: StrengthReading| reading.span(steps, strength);
        let what = format!("{steps} steps at {strength}");
        let diffusers = span(StrengthReading::Diffusers);
        assert_eq!((diffusers.first, diffusers.calls()), (of("diffusers", "t_start"), of("diffusers", "model_steps")), "{what}");
        let a1111 = span(StrengthReading::A1111);
        assert_eq!((a1111.first, a1111.calls()), (of("a1111_default", "first_sigma_index"), of("a1111_default", "model_steps")), "{what}");
        if strength > 0.0 {
            let exact = span(StrengthReading::Exact);
            let expected = (of("a1111_exact_steps", "schedule_steps"), of("a1111_exact_steps", "model_steps"));
            assert_eq!((exact.schedule, exact.calls()), expected, "{what}");
        }
    }
    println!("golden strength: {} cases", cases.len());
}
