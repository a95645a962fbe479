//! Schedules and prompts against Deforum's own numbers: what it accepts has its values, what it refuses never panics.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]
#![allow(missing_docs, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use frameloom::diag::{Sources, Span};
use frameloom::param::{Curve, Data, Key, Moment, Param, Prompt, ReadCx, TextCurve, Value, deforum_numbers, deforum_texts};
use golden::Golden;
use serde_json::Value as Json;

/// `value` as if written in a document.
fn data(value: Value) -> Data {
    let length = if let Value::Text(text) = &value { text.len() } else { 0 };
    Data { span: Span::new(Sources::default().add("golden", ""), 0, length), inner: Some(0), value }
}

fn key(text: &str) -> Key {
    Key { span: data(Value::Null).span, inner: Some(0), text: text.to_owned() }
}

fn read<P: Param>(value: Value) -> Result<P, frameloom::diag::Diagnostic> {
    P::read(&data(value), &ReadCx { base: ".".into() })
}

fn moment(tick: u64, case: &Json) -> Moment<'static> {
    Moment { tick, length: case["max_frames"].as_u64(), seed: case["seed"].as_i64().unwrap_or(-1), ..Moment::default() }
}

/// A number as the files hold it: JSON has no infinity.
fn number(value: &Json) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().expect("a number or its name").parse().expect("a number"))
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

/// The keys of a schedule as Deforum keeps them: the frame, and whether its value is a number; of two at one frame the last.
fn keys(case: &Json) -> std::collections::BTreeMap<u64, bool> {
    let text = case["schedule"].as_str().expect("a schedule");
    let frame = |key: &str| key.replace(['"', '\'', '(', ')'], " ").parse::<Curve>().expect("a frame").at(&moment(0, case)) as u64;
    let is_number = |value: &str| {
        let bare = value.trim().replace(['"', '\'', '(', ')'], "");
        !bare.ends_with('.') && !bare.contains([' ', 'e']) && bare.parse::<f64>().is_ok()
    };
    text.split(',').filter_map(|piece| piece.split_once(':')).map(|(key, value)| (frame(key), is_number(value))).collect()
}

/// The curve that a case is evaluated as. Deforum's splines pass through every frame that is known before it interpolates (that of a
/// number, all that an expression runs through), and through its last known value once more at the last frame.
fn curve(case: &Json) -> Result<Curve, frameloom::diag::Diagnostic> {
    let linear: Curve = read(Value::Text(case["schedule"].as_str().expect("a schedule").to_owned()))?;
    let degree = match case["interp_method"].as_str() {
        Some("Quadratic") => 2,
        Some("Cubic") => 3,
        _ => return Ok(linear),
    };
    let keys = keys(case);
    let ease = match degree {
        3 if keys.len() > 3 => "spline",
        2 | 3 if keys.len() > 2 => "quadratic_spline",
        _ => "linear",
    };
    let last = case["max_frames"].as_u64().expect("a length") - 1;
    let known = |frame: &u64| keys.range(..=frame).next_back().is_some_and(|(key, number)| !number || key == frame);
    let level = |tick: u64| data(Value::Number(linear.at(&moment(tick, case))));
    let points = (0..last).filter(known).chain([last]).map(|frame| (key(&frame.to_string()), level(frame))).collect();
    read(Value::Map(vec![(key("keys"), data(Value::Map(points))), (key("ease"), data(Value::Text(ease.to_owned())))]))
}

/// What Deforum leaves of a text: nothing after a colon, no brackets, no quotes.
fn as_deforum_cuts(text: &str) -> String {
    text.split(':').next().unwrap_or("").replace(['(', ')', '"', '\''], "")
}

fn check_texts(name: &str, case: &Json, wanted: &[Json]) {
    let texts: TextCurve = read(Value::Text(case["schedule"].as_str().expect("a schedule").to_owned())).expect(name);
    for (tick, wanted) in (0..).zip(wanted) {
        assert_eq!(as_deforum_cuts(&texts.now(&moment(tick, case))), wanted.as_str().expect("a text"), "{name} at frame {tick}");
    }
}

fn check_numbers(name: &str, case: &Json, wanted: &[Json]) {
    let curve = curve(case).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    for (tick, wanted) in (0..).zip(wanted) {
        let (value, wanted) = (curve.at(&moment(tick, case)), number(wanted));
        assert!(same(value, wanted), "{name} at frame {tick}: {value} instead of {wanted}");
    }
}

#[test]
fn golden_schedules_have_deforums_values() {
    let Some(golden) = Golden::open("schedules", "deforum/schedules.json") else { return };
    let cases = golden.params["schedules"].as_array().expect("a list of cases");
    let mut refused = 0;
    for case in cases {
        let name = case["name"].as_str().unwrap_or("unnamed");
        match (case["values"].as_array(), case["is_single_string"].as_bool()) {
            (Some(wanted), Some(true)) => check_texts(name, case, wanted),
            (Some(wanted), _) => check_numbers(name, case, wanted),
            (None, _) => {
                refused += 1;
                let text = case["schedule"].as_str().expect("a schedule");
                match text.parse::<Curve>() {
                    Ok(curve) => drop((0..5).map(|tick| curve.at(&moment(tick, case))).collect::<Vec<_>>()),
                    Err(error) => assert!(error.labels[0].span.end as usize <= text.len(), "{name}: {error:?}"),
                }
            }
        }
    }
    println!("golden schedules: {} cases, {refused} of them refused by Deforum", cases.len());
}

/// Deforum's own reading has its values, and stops where it stops.
#[test]
fn golden_schedules_in_deforums_dialect_stop_where_deforum_does() {
    let Some(golden) = Golden::open("schedules in Deforum's dialect", "deforum/schedules.json") else { return };
    let cases = golden.params["schedules"].as_array().expect("a list of cases");
    let linear = |case: &&Json| !matches!(case["interp_method"].as_str(), Some("Quadratic" | "Cubic"));
    for case in cases.iter().filter(linear) {
        let name = case["name"].as_str().unwrap_or("unnamed");
        let (text, at) = (data(Value::Text(case["schedule"].as_str().expect("a schedule").to_owned())), moment(0, case));
        match (case["values"].as_array(), case["is_single_string"].as_bool()) {
            (Some(wanted), Some(true)) => assert_eq!(
                deforum_texts(&text, &at).expect(name),
                wanted.iter().map(|one| one.as_str().expect("a text")).collect::<Vec<_>>(),
                "{name}"
            ),
            (Some(wanted), _) => {
                let values = deforum_numbers(&text, &at).expect(name);
                assert!(values.iter().zip(wanted).all(|(value, wanted)| same(*value, number(wanted))), "{name}: {values:?}");
            }
            (None, Some(true)) => assert!(deforum_texts(&text, &at).is_err(), "{name}"),
            (None, _) => assert!(deforum_numbers(&text, &at).is_err(), "{name}"),
        }
    }
    println!("golden schedules in Deforum's dialect: {} cases", cases.iter().filter(linear).count());
}

#[test]
fn golden_schedules_agree_with_some_numexpr_where_its_versions_differ() {
    let Some(golden) = Golden::open("numexpr versions", "deforum/schedules_numexpr_differences.json") else { return };
    let cases = golden.params.as_object().expect("cases by name");
    for (name, case) in cases {
        let text = case["schedule"].as_str().expect("a schedule");
        let versions: Vec<&Json> = case["by_numexpr"].as_object().expect("results by version").values().collect();
        let agrees = |result: &&Json| match (text.parse::<Curve>(), result.as_array()) {
            (Ok(curve), Some(wanted)) => {
                let length = Some(wanted.len() as u64);
                (0..).zip(wanted).all(|(tick, wanted)| same(curve.at(&Moment { tick, length, ..Moment::default() }), number(wanted)))
            }
            (Err(_), None) => true,
            _ => false,
        };
        assert!(versions.iter().any(agrees), "{name}: {text}");
    }
    println!("golden numexpr versions: {} cases", cases.len());
}

/// Words without the spaces around them.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn golden_prompts_compute_their_maths() {
    let Some(golden) = Golden::open("prompt maths", "deforum/prompts.json") else { return };
    let cases = golden.params["weights"]["cases"].as_array().expect("a list of cases");
    for case in cases {
        let text = case["text"].as_str().expect("a text");
        let prompt: Prompt = read(Value::Text(text.to_owned())).expect(text);
        let now = prompt.now(&moment(case["frame"].as_u64().expect("a frame"), case)).from;
        let mut parts = now.split("--neg");
        let wanted = case["split_weighted_subprompts"].as_array().expect("two texts");
        assert_eq!(words(parts.next().unwrap_or("")), words(wanted[0].as_str().expect("a text")), "{text}");
        assert_eq!(words(&parts.collect::<Vec<_>>().join(" ")), words(wanted[1].as_str().expect("a text")), "{text}");
    }
    println!("golden prompt maths: {} cases", cases.len());
}

/// The number that follows `(text):` in `blend`.
fn weight(blend: &str, text: &str) -> f64 {
    let marker = format!("({text}):");
    let (_, rest) = blend.split_once(&marker).unwrap_or_else(|| panic!("no {marker} in {blend}"));
    rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a weight")
}

#[test]
fn golden_prompts_blend_at_deforums_weights() {
    let Some(golden) = Golden::open("prompt blends", "deforum/prompts.json") else { return };
    let case = &golden.params["interpolate_prompts"];
    let prompts = case["animation_prompts"].as_object().expect("prompts by key");
    let text = |text: &Json| data(Value::Text(text.as_str().expect("a text").to_owned()));
    let prompt: Prompt = read(Value::Map(prompts.iter().map(|(at, value)| (key(at), text(value))).collect())).expect("prompts read");
    // Here, and only here, Deforum calls the number of frames max_f, not the last frame.
    let length = case["max_frames"].as_u64().map(|frames| frames + 1);
    let frames = case["frames"].as_object().expect("results by frame");
    for (frame, wanted) in frames {
        let wanted = wanted.as_str().expect("a text");
        let at = prompt.now(&Moment { tick: frame.parse().expect("a frame"), length, ..Moment::default() });
        let split = |text: &str| text.split_once("--neg").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a negative part");
        match at.to {
            Some(to) if at.mix > 0.0 => {
                let (blend, negative) = split(wanted);
                let ((from, from_negative), (to, to_negative)) = (split(&at.from), split(&to));
                for (blend, from, to) in [(blend, from, to), (negative, from_negative, to_negative)] {
                    assert!(same(weight(&blend, &to), at.mix) || from == to, "frame {frame}: {blend}");
                    assert!(same(weight(&blend, &from), 1.0 - at.mix), "frame {frame}: {blend}");
                }
            }
            _ => assert_eq!(at.from, wanted, "frame {frame}"),
        }
    }
    println!("golden prompt blends: {} cases", frames.len());
}
