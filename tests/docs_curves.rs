//! The examples of `docs/curves.md` give what the page says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]
#![allow(missing_docs, reason = "a test")]

use frameloom::diag::{Sources, Span};
use frameloom::param::{
    Curve, Data, Fps, IntCurve, Key, Moment, Param, Prompt, ReadCx, Seed, TextCurve, Value, ease_names, function_reference,
};
use serde_json::Value as Json;

const PAGE: &str = include_str!("../docs/curves.md");

fn data(json: &Json) -> Data {
    let span = Span::new(Sources::default().add("docs/curves.md", ""), 0, 0);
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Number(number.as_f64().expect("a number")), Value::Integer),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(data).collect()),
        Json::Object(entries) => {
            Value::Map(entries.iter().map(|(text, value)| (Key { span, inner: None, text: text.clone() }, data(value))).collect())
        }
    };
    Data::new(span, value)
}

/// The blocks of YAML on the page.
fn blocks() -> impl Iterator<Item = &'static str> {
    PAGE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().expect("a block ends"))
}

/// Reads `json` as what `name` is and prints its value at `tick`.
fn shown(name: &str, json: &Json, tick: u64) -> String {
    let moment = Moment { tick, length: Some(96), fps: Fps::new(24, 1), ..Moment::default() };
    let (data, cx) = (data(json), ReadCx { base: ".".into() });
    match name {
        "prompt" => Prompt::read(&data, &cx).expect("the example reads").now(&moment).from,
        "seed" => Seed::read(&data, &cx).expect("the example reads").now(&moment).nth(tick).to_string(),
        "sampler" | "model" => TextCurve::read(&data, &cx).expect("the example reads").now(&moment),
        "steps" => IntCurve::read(&data, &cx).expect("the example reads").now(&moment).to_string(),
        _ => Curve::read(&data, &cx).expect("the example reads").now(&moment).to_string(),
    }
}

fn agrees(shown: &str, wanted: &str) -> bool {
    match (shown.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() < 1e-9,
        _ => shown == wanted,
    }
}

#[test]
fn every_example_gives_what_the_page_says() {
    let mut checked = 0;
    for block in blocks() {
        for line in block.lines().filter(|line| !line.is_empty()) {
            let (example, claims) = line.split_once("# at ").unwrap_or_else(|| panic!("no claim: {line}"));
            let json: Json = serde_saphyr::from_str(example).unwrap_or_else(|error| panic!("{example}: {error}"));
            let (name, value) = json.as_object().and_then(|map| map.iter().next()).expect("one parameter");
            let claims = claims.replace("; at ", ", at ");
            for claim in claims.split(", at ") {
                let (tick, wanted) = claim.split_once(" → ").unwrap_or_else(|| panic!("no claim: {claim}"));
                let shown = shown(name, value, tick.parse().expect("a frame"));
                assert!(agrees(&shown, wanted), "{example} at {tick}: {shown}, not {wanted}");
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked} claims");
}

#[test]
fn every_function_and_ease_is_on_the_page() {
    let row = |(signature, about): (String, &str)| format!("| `{signature}` | {about} |");
    let table: Vec<String> = function_reference().map(row).collect();
    for row in &table {
        assert!(PAGE.contains(row), "docs/curves.md needs this table:\n| function | what it gives |\n|---|---|\n{}", table.join("\n"));
    }
    for ease in ease_names().iter().filter(|name| !name.contains("_in") && !name.contains("_out")) {
        assert!(PAGE.contains(&format!("`{ease}`")), "docs/curves.md does not speak of the ease `{ease}`");
    }
}
