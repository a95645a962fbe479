//! Seeds and steps against Deforum's own numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]
#![allow(missing_docs, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use frameloom::diag::{Sources, Span};
use frameloom::diffusion::StrengthReading;
use frameloom::param::{Data, Key, Moment, Param, ReadCx, Seed, Value};
use golden::Golden;
use serde_json::Value as Json;

/// `{ start: …, behavior: …, every: … }` as written in a graph.
fn seed(case: &Json) -> Seed {
    let place = Span::new(Sources::default().add("golden", ""), 0, 0);
    let behavior = case["behavior"].as_str().expect("a behavior");
    let mut entries =
        vec![("start", Value::Integer(case["start_seed"].as_i64().expect("a seed"))), ("behavior", Value::Text(behavior.to_owned()))];
    if behavior == "iter" {
        entries.push(("every", Value::Integer(case["seed_iter_N"].as_i64().unwrap_or(1))));
    }
    let entry = |(key, value): (&str, Value)| (Key { span: place, inner: None, text: key.to_owned() }, Data::new(place, value));
    let data = Data::new(place, Value::Map(entries.into_iter().map(entry).collect()));
    Seed::read(&data, &ReadCx { base: ".".into() }).expect("a seed")
}

#[test]
fn golden_seeds_go_on_as_in_deforum() {
    let Some(golden) = Golden::open("seeds", "deforum/seeds.json") else { return };
    let cases = golden.params.as_array().expect("a list of cases");
    for case in cases {
        let seed = seed(case);
        let behavior = case["behavior"].as_str().expect("a behavior");
        let wanted: Vec<i64> = case["seeds"].as_array().expect("seeds").iter().map(|one| one.as_i64().expect("a seed")).collect();
        let ours: Vec<i64> =
            (0..wanted.len() as u64).map(|frame| seed.now(&Moment { tick: frame, ..Moment::default() }).nth(frame)).collect();
        match behavior {
            // Python's random numbers are not portable; a schedule of `s` alone holds it.
            "random" => assert!(ours[0] == wanted[0] && ours[1..].iter().all(|one| (0..1 << 32).contains(one)), "{ours:?}"),
            "schedule" => assert_eq!(ours[0], wanted[0]),
            _ => assert_eq!(ours, wanted, "{behavior} {}", case["seed_iter_N"]),
        }
    }
    println!("golden seeds: {} cases", cases.len());
}

#[test]
fn golden_strength_runs_as_many_steps_as_in_a1111() {
    let Some(golden) = Golden::open("strength to steps", "deforum/strength_to_steps.json") else { return };
    let rows = golden.params["rows"].as_array().expect("rows");
    for row in rows {
        let steps = row["steps"].as_u64().expect("steps") as usize;
        let denoise = row["denoising_strength"].as_f64().expect("a strength");
        let own = 1.0 - row["strength"].as_f64().expect("Deforum's strength").clamp(0.0, 1.0);
        assert!((own - denoise).abs() < 1e-12, "{row}");
        let calls = StrengthReading::A1111.span(steps, denoise).calls();
        assert_eq!(calls as u64, row["k_diffusion_steps_executed"].as_u64().expect("steps"), "{row}");
        // diffusers: the same share without the extra step.
        let scaled = StrengthReading::Diffusers.span(steps, denoise).calls();
        assert!(scaled == (steps as f64 * denoise) as usize && scaled <= calls.max(steps), "{row}: {scaled}");
    }
    println!("golden strength to steps: {} cases", rows.len());
}
