//! What holds of every sampler, whatever its formulas.

use super::diffusers::Class;
use super::kdiffusion::RECIPES;
use super::*;
use crate::diffusion::schedule::{Prediction, SchedulerConfig};
use crate::diffusion::sigmas::Schedule;
use crate::diffusion::strength::StrengthReading;

const PICTURE: [f32; 4] = [0.5, -1.0, 2.0, 0.25];

/// A network that sees the picture in everything, told in the given way.
struct Perfect {
    prediction: Prediction,
    calls: usize,
}

impl Network for Perfect {
    fn predict(&mut self, level: Level, sample: &Latents) -> Result<Vec<f32>, DiffusionError> {
        self.calls += 1;
        let (size, alpha, sigma) = (level.deviation(), level.alpha, level.sigma);
        let one = |(x, p): (&f32, f32)| {
            let (x, p) = (f64::from(*x), f64::from(p));
            let noise = (x - alpha * p) / sigma;
            match self.prediction {
                Prediction::Epsilon => noise as f32,
                Prediction::VPrediction => ((alpha * noise - sigma * p) / size) as f32,
                Prediction::Sample => p as f32,
            }
        };
        Ok(sample.data.iter().zip(PICTURE).map(one).collect())
    }

    fn noise(&mut self, _from: f64, _to: f64, sample: &Latents) -> Vec<f32> {
        vec![0.1; sample.data.len()]
    }
}

fn kinds() -> impl Iterator<Item = (&'static str, SamplerKind)> {
    let recipes = RECIPES.iter().map(|recipe| (recipe.label, recipe.kind()));
    recipes.chain(Class::ALL.iter().map(|class| (class.name(), SamplerKind::Class(*class))))
}

fn wanted(steps: usize, strength: Option<(f64, StrengthReading)>) -> Wanted {
    Wanted { schedule: None, steps, strength, options: SamplerOptions::default(), xl: false }
}

fn config(prediction: Prediction) -> SchedulerConfig {
    let text = r#"{"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1, "skip_prk_steps": true, "lambda_min_clipped": -Infinity}"#;
    SchedulerConfig { prediction_type: Some(prediction), ..SchedulerConfig::parse(text).unwrap() }
}

/// Runs from the picture under noise; gives what comes out and how often the network was asked.
fn run(plan: &mut Plan, prediction: Prediction) -> (Vec<f32>, usize) {
    let mut sample = Latents::new([1, 4, 1, 1], PICTURE.to_vec()).unwrap();
    plan.entry.add_noise(&mut sample.data, &[1.0, -0.5, 0.3, 0.0]);
    let mut network = Perfect { prediction, calls: 0 };
    for step in plan.first..plan.sampler.steps() {
        plan.sampler.step(step, &mut sample, &mut network).unwrap();
    }
    (sample.data, network.calls)
}

#[test]
fn a_perfect_network_leads_every_sampler_to_the_picture() {
    for prediction in [Prediction::Epsilon, Prediction::VPrediction, Prediction::Sample] {
        for (name, kind) in kinds() {
            for strength in
                [None, Some((0.5, StrengthReading::Diffusers)), Some((0.4, StrengthReading::Exact)), Some((0.6, StrengthReading::A1111))]
            {
                for steps in [1, 2, 3, 7, 20] {
                    // diffusers' PNDM takes its second look wherever it begins, and so ends early from a picture; and it sums velocities of
                    // different levels as they are.
                    if kind == SamplerKind::Class(Class::Pndm) && (strength.is_some() || prediction != Prediction::Epsilon) {
                        continue;
                    }
                    let mut plan = kind.plan(&config(prediction), wanted(steps, strength)).unwrap();
                    let (out, calls) = run(&mut plan, prediction);
                    let worst = out.iter().zip(PICTURE).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    // Some end at the first timestep, whose noise is small.
                    assert!(worst < 0.06, "{name} {prediction:?} {strength:?}, {steps} steps: {out:?}");
                    assert!(calls > 0, "{name}");
                }
            }
        }
    }
}

#[test]
fn every_label_is_read_in_any_spelling() {
    let read = |name: &str| SamplerKind::parse(name);
    for recipe in &RECIPES {
        for name in recipe.names() {
            assert_eq!(read(name), Some((recipe.kind(), None)), "{name}");
            assert_eq!(read(&name.to_uppercase()), Some((recipe.kind(), None)), "{name}");
            assert_eq!(read(&format!("{name} SGM Uniform")), Some((recipe.kind(), Some(Schedule::SgmUniform))), "{name}");
        }
    }
    let label = |name: &str| match read(name) {
        Some((SamplerKind::Named(recipe), schedule)) => Some((recipe.label, schedule)),
        _ => None,
    };
    assert_eq!(label("DPM++ 2M Karras"), Some(("DPM++ 2M", Some(Schedule::Karras))));
    assert_eq!(label("dpm++ 2m sde heun exponential"), Some(("DPM++ 2M SDE Heun", Some(Schedule::Exponential))));
    assert_eq!(label("DPM++ 2M SDE Karras"), Some(("DPM++ 2M SDE", Some(Schedule::Karras))));
    assert_eq!(label("Euler a"), Some(("Euler a", None)));
    assert_eq!(label("Euler DDIM"), Some(("Euler", Some(Schedule::Ddim))));
    assert_eq!(label("euler_a_automatic"), Some(("Euler a", None)));
    assert_eq!(read("EulerDiscreteScheduler"), Some((SamplerKind::Class(Class::Euler), None)));
    assert_eq!(read("from_model"), Some((SamplerKind::FromModel, None)));
    assert_eq!(read("DPM++ 9M"), None);
}

#[test]
fn strength_runs_as_many_calls_as_its_reading_says() {
    let calls = |name: &str, steps, strength| {
        let mut plan = SamplerKind::from_name(name).unwrap().plan(&config(Prediction::Epsilon), wanted(steps, strength)).unwrap();
        run(&mut plan, Prediction::Epsilon).1
    };
    assert_eq!(calls("Euler", 10, Some((0.65, StrengthReading::A1111))), 7);
    assert_eq!(calls("Euler", 10, Some((0.65, StrengthReading::Exact))), 10);
    assert_eq!(calls("EulerDiscreteScheduler", 10, Some((0.65, StrengthReading::Diffusers))), 6);
    assert_eq!(calls("EulerDiscreteScheduler", 4, Some((0.01, StrengthReading::Diffusers))), 1);
    assert_eq!(calls("PNDMScheduler", 20, None), 21);
    assert_eq!((calls("DDIM", 20, None), calls("PLMS", 20, None), calls("UniPC", 20, None)), (19, 20, 20));
    assert_eq!((calls("Heun", 20, None), calls("DPM2", 20, None), calls("DPM++ SDE", 20, None)), (39, 39, 39));
    for strength in [0.01, 0.1, 0.4, 1.0] {
        assert_eq!(calls("lcm", 4, Some((strength, StrengthReading::Diffusers))), 4, "at {strength}");
    }
}

#[test]
fn zero_terminal_snr_stays_finite() {
    for (name, kind) in kinds() {
        let config = SchedulerConfig {
            rescale_betas_zero_snr: Some(true),
            timestep_spacing: Some(crate::diffusion::schedule::Spacing::Trailing),
            ..config(Prediction::VPrediction)
        };
        let mut plan = kind.plan(&config, wanted(8, None)).unwrap();
        let start = plan.start;
        let mut sample = Latents::new([1, 4, 1, 1], PICTURE.iter().map(|x| x * start as f32).collect()).unwrap();
        let mut network = Perfect { prediction: Prediction::VPrediction, calls: 0 };
        for step in 0..plan.sampler.steps() {
            plan.sampler.step(step, &mut sample, &mut network).unwrap();
            assert!(sample.is_finite(), "{name}, step {step}: {:?}", sample.data);
        }
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let plan = |name: &str, config: &SchedulerConfig, schedule| {
        let wanted = Wanted { schedule, ..wanted(8, None) };
        SamplerKind::from_name(name).unwrap().plan(config, wanted).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let sd = config(Prediction::Epsilon);
    let other = SchedulerConfig { class_name: Some("FlowMatchEulerDiscreteScheduler".to_owned()), ..sd.clone() };
    assert!(plan("from_model", &other, None).contains("is not known; name a `sampler`"));
    assert!(plan("DDIMScheduler", &sd, Some(Schedule::Karras)).contains("has no schedule `karras`"));
    assert!(plan("ddim", &sd, Some(Schedule::Beta)).contains("its own schedule"));
    let flow = SchedulerConfig { use_flow_sigmas: Some(true), ..sd.clone() };
    assert!(plan("UniPCMultistepScheduler", &flow, None).contains("flow matching"));
    let begun = SchedulerConfig { skip_prk_steps: None, ..sd.clone() };
    let few = SamplerKind::Class(Class::Pndm).plan(&begun, wanted(3, None)).err().map(|error| error.to_string());
    assert!(few.unwrap_or_default().contains("at least 4"));
    let old = SchedulerConfig { algorithm_type: Some("dpmsolver".to_owned()), ..sd };
    assert!(plan("DPMSolverMultistepScheduler", &old, None).contains("final_sigmas_type"));
}
