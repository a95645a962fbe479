//! Samplers, schedules and the meaning of strength, against diffusers and k-diffusion.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/npz.rs"]
mod npz;

use std::sync::Arc;

use frameloom::diffusion::random::NoiseSource;
use frameloom::diffusion::random::brownian::Brownian;
use frameloom::diffusion::sampler::diffusers::Class;
use frameloom::diffusion::sampler::kdiffusion::{self, Algorithm};
use frameloom::diffusion::sampler::{Course, Limit, Network, Plan, Sampler, SamplerKind, SamplerOptions, Wanted};
use frameloom::diffusion::schedule::{Prediction, SchedulerConfig};
use frameloom::diffusion::{DiffusionError, Latents, Level, Schedule, StrengthReading, Table};
use npz::{Npz, difference, json};
use serde_json::Value;

const SHAPE: [usize; 4] = [1, 4, 8, 8];

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().map(|list| list.iter().map(|n| n.as_f64().unwrap() as f32).collect()).unwrap_or_default()
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

/// The toy network of the reference: a tenth of what it sees, and a little of the time. It writes down what it is shown.
struct Toy<'a> {
    noises: std::slice::Chunks<'a, f32>,
    shown: Vec<Vec<f32>>,
    timesteps: Vec<f32>,
}

impl<'a> Toy<'a> {
    fn new(inputs: &'a Npz) -> Self {
        Self { noises: inputs.values("noise").chunks(256), shown: Vec::new(), timesteps: Vec::new() }
    }
}

impl Network for Toy<'_> {
    fn predict(&mut self, level: Level, sample: &Latents) -> Result<Vec<f32>, DiffusionError> {
        self.shown.push(sample.data.clone());
        self.timesteps.push(level.timestep as f32);
        let scale = 1.0 / level.deviation() as f32;
        Ok(sample.data.iter().map(|x| 0.1 * (x * scale) + 0.01 * level.timestep as f32 / 1000.0).collect())
    }

    fn noise(&mut self, _from: f64, _to: f64, _sample: &Latents) -> Vec<f32> {
        self.noises.next().expect("there is noise enough").to_vec()
    }
}

/// Runs a sampler; gives the latents before each call of the network but the first, and the last latents. With `steps`, those
/// before each step.
fn run(sampler: &mut dyn Sampler, first: usize, start: Vec<f32>, toy: &mut Toy<'_>) -> (Vec<Vec<f32>>, Vec<usize>) {
    let mut sample = Latents::new(SHAPE, start).unwrap();
    let mut begins = Vec::new();
    for step in first..sampler.steps() {
        begins.push(toy.shown.len());
        sampler.step(step, &mut sample, toy).unwrap();
    }
    let mut trace = toy.shown.clone();
    trace.push(sample.data);
    (trace, begins)
}

/// Whether `ours` is as near to `expected` as single precision lets the reference be.
fn near(ours: &[f32], expected: &[f32], start: &[f32]) -> Result<(), String> {
    // What the first latents' last bit is worth stays in all that follow: matters where sigma is 4096.
    let rounding = 2.0 * f32::EPSILON * start.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
    let (worst, size) = difference(ours, expected);
    if worst <= 2e-5 * size + rounding { Ok(()) } else { Err(format!("differs by {worst} of {size}")) }
}

fn options(kwargs: &Value) -> SamplerOptions {
    let mut options = SamplerOptions::default();
    for (key, value) in kwargs.as_object().unwrap() {
        // Infinity is written as null.
        let number = value.as_f64().unwrap_or(f64::INFINITY);
        match key.as_str() {
            "eta" => options.eta = Some(number),
            "s_noise" => options.noise = number,
            "s_churn" => options.churn.amount = number,
            "s_tmin" => options.churn.min = number,
            "s_tmax" => options.churn.max = number,
            "solver_type" | "r" | "order" => {}
            other => panic!("the option `{other}` is not known"),
        }
    }
    options
}

fn planned(case: &Value, strength: Option<f64>) -> Plan {
    let mut config = SchedulerConfig::parse(&case["config"].to_string()).unwrap();
    let class = case["cls"].as_str().unwrap();
    let class = *Class::ALL.iter().find(|known| known.name() == class).unwrap_or_else(|| panic!("the class `{class}` is not known"));
    config.class_name = Some(class.name().to_owned());
    let steps = case["steps"].as_u64().unwrap() as usize;
    let strength = strength.map(|strength| (strength, StrengthReading::Diffusers));
    let wanted = Wanted { schedule: None, steps, strength, options: options(&case["step_kwargs"]), xl: false };
    SamplerKind::FromModel.plan(&config, wanted).unwrap()
}

/// The sigmas that a plan visits against those that the reference lists, where samplers of two calls a step have each twice.
fn check_sigmas(case: &Value, plan: &Plan) -> Result<(), String> {
    let listed = numbers(&case["sigmas"]);
    if listed.is_empty() {
        return Ok(());
    }
    let twice = case["order"] == 2;
    let listed: Vec<f32> = listed.iter().enumerate().filter(|(i, _)| !twice || *i == 0 || i % 2 == 1).map(|(_, s)| *s).collect();
    // The reference's square roots are off by a last bit now and then, which rescaling multiplies.
    let tolerance = if case["config"]["rescale_betas_zero_snr"] == true { 4e-6 } else { 1e-6 };
    for (level, theirs) in plan.levels.iter().zip(&listed) {
        let ours = level.ratio() as f32;
        if (ours - theirs).abs() > tolerance * theirs.abs() {
            return Err(format!("sigma {ours}, not {theirs}"));
        }
    }
    if plan.levels.len() > listed.len() { Err(format!("{} levels, not {}", plan.levels.len(), listed.len())) } else { Ok(()) }
}

fn check_case(case: &Value, inputs: &Npz, traces: &Npz) -> Result<bool, String> {
    let mut plan = planned(case, None);
    check_sigmas(case, &plan)?;
    let start = case["init_noise_sigma"].as_f64().unwrap();
    if (plan.start - start).abs() > 2e-6 * start {
        return Err(format!("starts at {}, not {start}", plan.start));
    }
    let latent: Vec<f32> = inputs.values("latent").iter().map(|x| x * plan.start as f32).collect();
    let mut toy = Toy::new(inputs);
    let (trace, _) = run(plan.sampler.as_mut(), plan.first, latent.clone(), &mut toy);
    check_timesteps(&toy.timesteps, &numbers(&case["timesteps"]))?;
    if let Some(expected) = traces.get(case["id"].as_str().unwrap()) {
        let from = if case["trace"] == "full" { 1 } else { trace.len() - 1 };
        for (call, (ours, expected)) in trace[from..].iter().zip(expected.values.chunks(256)).enumerate() {
            near(ours, expected, &latent).map_err(|why| format!("call {} of {}: {why}", call + 1, trace.len() - 1))?;
        }
    } else {
        println!("golden samplers: no trace of {}", case["id"]);
    }
    check_image_case(case, inputs, traces)
}

fn check_timesteps(ours: &[f32], theirs: &[f32]) -> Result<(), String> {
    let same = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= 2e-4 * b.max(1.0).sqrt());
    if same { Ok(()) } else { Err(format!("timesteps {ours:?}, not {theirs:?}")) }
}

/// The same from a noised picture, where the case has that.
fn check_image_case(case: &Value, inputs: &Npz, traces: &Npz) -> Result<bool, String> {
    let id = format!("{}__i2i", case["id"].as_str().unwrap());
    let part = &case["img2img"];
    let Some(expected) = traces.get(&id) else { return Ok(false) };
    let mut plan = planned(case, part["strength"].as_f64());
    let mut picture = inputs.values("img2img_init").to_vec();
    plan.entry.add_noise(&mut picture, inputs.values("latent"));
    near(&picture, &expected.values[..256], &picture).map_err(|why| format!("noised: {why}"))?;
    let mut toy = Toy::new(inputs);
    let (trace, _) = run(plan.sampler.as_mut(), plan.first, picture.clone(), &mut toy);
    check_timesteps(&toy.timesteps, &numbers(&part["timesteps"])).map_err(|why| format!("from a picture: {why}"))?;
    near(trace.last().unwrap(), &expected.values[256..], &picture).map_err(|why| format!("from a picture: {why}"))?;
    Ok(true)
}

/// Fails with all that went wrong.
fn report(name: &str, count: usize, wrong: &[String]) {
    println!("golden {name}: {count} cases");
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn golden_samplers_of_diffusers() {
    let Some(golden) = json("samplers", "schedulers/diffusers.json") else { return };
    let Some(inputs) = Npz::open("samplers", "schedulers/inputs.npz") else { return };
    let Some(traces) = Npz::open("samplers", "schedulers/traces.npz") else { return };
    let cases = golden["cases"].as_array().unwrap();
    let (mut wrong, mut images) = (Vec::new(), 0);
    for case in cases {
        match check_case(case, &inputs, &traces) {
            Ok(image) => images += usize::from(image),
            Err(why) => wrong.push(format!("{}: {why}", case["id"].as_str().unwrap())),
        }
    }
    println!("golden samplers of diffusers: {images} of them from a picture too");
    report("samplers of diffusers", cases.len(), &wrong);
}

/// The table of k-diffusion's cases: Stable Diffusion's.
fn table() -> Table {
    Table::new(&SchedulerConfig::default().alphas_of_a1111())
}

#[test]
fn golden_schedules() {
    let Some(golden) = json("schedules", "schedulers/kdiffusion.json") else { return };
    let table = table();
    for (key, expected) in [("first", table.min()), ("last", table.max())] {
        let theirs = golden["sigma_table"][key].as_f64().unwrap();
        assert!((expected - theirs).abs() <= 1e-6 * theirs, "the {key} sigma is {expected}, not {theirs}");
    }
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, lists) in golden["schedules"].as_object().unwrap() {
        let plain = name.trim_end_matches("_sd15").trim_end_matches("_sdxl");
        let schedule = Schedule::from_name(plain).unwrap_or_else(|| panic!("the schedule `{name}` is not known"));
        for (steps, expected) in lists.as_object().unwrap() {
            count += 1;
            let ours = schedule.sigmas(steps.parse().unwrap(), &table, name.ends_with("_sdxl")).unwrap();
            if let Err(why) = same_sigmas(&ours, &numbers(expected)) {
                wrong.push(format!("{name} {steps}: {why}"));
            }
        }
    }
    report("schedules", count, &wrong);
}

fn same_sigmas(ours: &[f64], theirs: &[f32]) -> Result<(), String> {
    let near = |(a, b): (&f64, &f32)| (a - f64::from(*b)).abs() <= 1e-6 * f64::from(*b);
    if ours.len() == theirs.len() && ours.iter().zip(theirs).all(near) { Ok(()) } else { Err(format!("{ours:?}, not {theirs:?}")) }
}

fn algorithm(case: &Value) -> Algorithm {
    let kwargs = &case["kwargs"];
    match case["function"].as_str().unwrap() {
        "sample_euler" => Algorithm::Euler,
        "sample_euler_ancestral" => Algorithm::EulerAncestral,
        "sample_heun" => Algorithm::Heun,
        "sample_dpm_2" => Algorithm::Dpm2,
        "sample_dpm_2_ancestral" => Algorithm::Dpm2Ancestral,
        "sample_lms" => Algorithm::Lms { order: kwargs["order"].as_u64().unwrap_or(4) as usize },
        "sample_dpmpp_2s_ancestral" => Algorithm::Dpmpp2SAncestral,
        "sample_dpmpp_sde" => Algorithm::DpmppSde { middle: kwargs["r"].as_f64().unwrap_or(0.5) },
        "sample_dpmpp_2m" => Algorithm::Dpmpp2M,
        "sample_dpmpp_2m_sde" => Algorithm::Dpmpp2MSde { heun: kwargs["solver_type"] == "heun" },
        "sample_dpmpp_3m_sde" => Algorithm::Dpmpp3MSde,
        other => panic!("the function `{other}` is not known"),
    }
}

/// The sigmas that we would plan for a case of k-diffusion.
fn planned_sigmas(case: &Value, table: &Table) -> Vec<f64> {
    let steps = case["steps"].as_u64().unwrap() as usize;
    let schedule = case["schedule"].as_str().unwrap();
    let schedule = Schedule::from_name(schedule).unwrap_or_else(|| panic!("the schedule `{schedule}` is not known"));
    let discards = case["discard_penultimate"] == true;
    let mut sigmas = schedule.sigmas(steps + usize::from(discards), table, false).unwrap();
    if discards {
        sigmas.remove(steps);
    }
    match case["mode"].as_str().unwrap() {
        "t2i" => sigmas,
        "i2i" => sigmas[StrengthReading::A1111.span(steps, 0.5).first..].to_vec(),
        other => panic!("the mode `{other}` is not known"),
    }
}

fn check_k_case(case: &Value, inputs: &Npz, traces: &Npz, table: &Arc<Table>) -> Result<(), String> {
    let id = case["id"].as_str().unwrap();
    let sigmas: Vec<f64> = case["sigmas"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect();
    same_sigmas(&planned_sigmas(case, table), &numbers(&case["sigmas"]))?;
    let prediction = match case["prediction"].as_str().unwrap() {
        "epsilon" => Prediction::Epsilon,
        "v_prediction" | "v" => Prediction::VPrediction,
        other => panic!("the prediction `{other}` is not known"),
    };
    let levels: Vec<Level> = sigmas.iter().map(|s| table.exploding(*s)).collect();
    let (mut start, first) = (inputs.values("latent").to_vec(), levels[0]);
    if case["mode"] == "i2i" {
        start = inputs.values("img2img_init").to_vec();
        first.add_noise(&mut start, inputs.values("latent"));
    } else {
        for x in &mut start {
            *x *= first.sigma as f32;
        }
    }
    let course = Course { levels, table: table.clone(), prediction, limit: Limit::None };
    let mut sampler = kdiffusion::sampler(algorithm(case), course, options(&case["kwargs"]));
    let mut toy = Toy::new(inputs);
    let (trace, begins) = run(sampler.as_mut(), 0, start.clone(), &mut toy);
    let last = traces.get(&format!("{id}__final")).ok_or("has no trace")?;
    if let Some(expected) = traces.get(&format!("{id}__x")) {
        for (step, (at, expected)) in begins.iter().zip(expected.values.chunks(256)).enumerate() {
            near(&trace[*at], expected, &start).map_err(|why| format!("step {step}: {why}"))?;
        }
    }
    near(trace.last().unwrap(), &last.values, &start)
}

#[test]
fn golden_samplers_of_kdiffusion() {
    let Some(golden) = json("samplers", "schedulers/kdiffusion.json") else { return };
    let Some(inputs) = Npz::open("samplers", "schedulers/inputs.npz") else { return };
    let Some(traces) = Npz::open("samplers", "schedulers/kdiffusion_traces.npz") else { return };
    let table = Arc::new(table());
    let cases = golden["cases"].as_array().unwrap();
    let check = |case: &Value| check_k_case(case, &inputs, &traces, &table).map_err(|why| format!("{}: {why}", case["id"]));
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    report("samplers of k-diffusion", cases.len(), &wrong);
}

/// `brownian_seedSEED`: the steps between the listed sigmas, four planes of 8x8.
#[test]
fn golden_brownian() {
    let Some(golden) = json("brownian", "rng/rng.json") else { return };
    let Some(arrays) = Npz::open("brownian", "rng/rng.npz") else { return };
    let entries = golden["entries"].as_array().unwrap();
    let listed = entries.iter().find(|entry| entry["sigmas"].is_array()).map(|entry| numbers(&entry["sigmas"]));
    let mut count = 0;
    for (key, expected) in arrays.iter().filter(|(key, _)| key.starts_with("brownian_")) {
        let seed = key.trim_start_matches("brownian_seed").parse().unwrap_or_else(|_| panic!("{key}: no test for such an array"));
        let entry = entries.iter().find(|entry| entry["key"].as_str() == Some(key)).map(|entry| numbers(&entry["sigmas"]));
        let sigmas: Vec<f64> = entry.or(listed.clone()).expect("sigmas").into_iter().map(f64::from).collect();
        let mut path = Brownian::new(seed, NoiseSource::Cpu, 256, (sigmas[sigmas.len() - 1], sigmas[0]));
        for (step, (pair, expected)) in sigmas.windows(2).zip(expected.values.chunks(256)).enumerate() {
            let (worst, size) = difference(&path.noise(pair[0], pair[1]), expected);
            assert!(worst <= 2e-6 * size, "{key}, step {step}: differs by {worst} of {size}");
        }
        count += 1;
    }
    println!("golden brownian: {count} cases");
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
