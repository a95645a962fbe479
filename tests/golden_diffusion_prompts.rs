//! Prompts against A1111's parser and a tiny text encoder, and the tokenizer against Hugging Face's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/models.rs"]
mod models;
#[path = "support/npz.rs"]
mod npz;

use frameloom::diffusion::Tokenizer;
use frameloom::diffusion::prompt::{When, attention, parts, schedule};
use npz::json;
use serde_json::Value;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as u32).collect()
}

fn cases<'a>(golden: &'a Value, key: &str) -> &'a [Value] {
    golden[key].as_array().map_or(&[], Vec::as_slice)
}

/// Pairs of a text and a number.
fn pairs(value: &Value) -> Vec<(String, f64)> {
    value.as_array().unwrap().iter().map(|pair| (text(&pair[0]).to_owned(), pair[1].as_f64().unwrap())).collect()
}

/// Says so when a case has something that this test does not know.
fn only_known(case: &Value, known: &[&str]) {
    for key in case.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "a case has `{key}`, which this test does not check: {case}");
    }
}

#[test]
fn golden_attention() {
    let Some(golden) = json("attention", "prompt/a1111_parse.json") else { return };
    only_known(&golden, &["attention", "schedule", "and"]);
    for case in cases(&golden, "attention") {
        only_known(case, &["text", "parsed"]);
        let ours: Vec<_> = attention(text(&case["text"])).into_iter().map(|piece| (piece.text, piece.weight)).collect();
        assert_eq!(ours, pairs(&case["parsed"]), "{}", case["text"]);
    }
    println!("golden attention: {} cases", cases(&golden, "attention").len());
}

#[test]
fn golden_schedules() {
    let Some(golden) = json("prompt schedules", "prompt/a1111_parse.json") else { return };
    for case in cases(&golden, "schedule") {
        only_known(case, &["text", "steps", "schedule", "schedule_old"]);
        for (key, when) in [("schedule", When::Written), ("schedule_old", When::Small)] {
            let expected: Vec<(usize, String)> =
                case[key].as_array().unwrap().iter().map(|s| (s[0].as_u64().unwrap() as usize, text(&s[1]).to_owned())).collect();
            let stages = schedule(text(&case["text"]), case["steps"].as_u64().unwrap() as usize, when);
            let ours: Vec<_> = stages.into_iter().map(|stage| (stage.until, stage.text)).collect();
            assert_eq!(ours, expected, "{} by {key}", case["text"]);
        }
    }
    println!("golden prompt schedules: {} cases", cases(&golden, "schedule").len());
}

#[test]
fn golden_conjunctions() {
    let Some(golden) = json("conjunctions", "prompt/a1111_parse.json") else { return };
    for case in cases(&golden, "and") {
        only_known(case, &["text", "parts"]);
        let ours: Vec<_> = parts(text(&case["text"])).into_iter().map(|part| (part.text, part.weight)).collect();
        assert_eq!(ours, pairs(&case["parts"]), "{}", case["text"]);
    }
    println!("golden conjunctions: {} cases", cases(&golden, "and").len());
}

/// `ids`, `ids77` and `mask77` with the padding of SD 1.x, the same with that of SD 2.x, and a `!` of the text as diffusers takes it.
/// `variants` are what other tokenizers make of exotic text: ours is the one of `ids`.
#[test]
fn golden_tokenizer() {
    let Some(golden) = json("tokenizer", "tokenizer/clip_tokenizer.json") else { return };
    let open = |names: &[&str], folder: &str| models::any(names).map(|path| Tokenizer::open(&path.join(folder)).unwrap());
    let Some(first) = open(&["tiny/sd15", "mini"], "tokenizer") else { return };
    let second = [open(&["tiny/sd2v"], "tokenizer"), open(&["tiny/sdxl"], "tokenizer_2")];
    for case in cases(&golden, "cases") {
        only_known(case, &["text", "ids", "variants", "ids77", "mask77", "ids77_openclip_diffusers"]);
        let text = text(&case["text"]);
        assert_eq!(first.tokens(text), ids(&case["ids"]), "{text:?}");
        let framed = ids(&case["ids77"]);
        assert_eq!(first.frame(&first.tokens(text)), framed, "{text:?}, framed");
        assert_eq!(first.tokens_with_padding(text), first.tokens(text), "{text:?}, where the end fills up");
        let mask = ids(&case["mask77"]);
        let padded: Vec<u32> = framed.iter().zip(&mask).map(|(id, real)| if *real == 1 { *id } else { 0 }).collect();
        for second in second.iter().flatten() {
            assert_eq!(second.frame(&second.tokens(text)), padded, "{text:?}, filled up with `!`");
            let diffusers = case.get("ids77_openclip_diffusers").map_or_else(|| padded.clone(), ids);
            assert_eq!(second.frame(&second.tokens_with_padding(text)), diffusers, "{text:?}, as diffusers takes it");
        }
    }
    println!(
        "golden tokenizer: {} cases, padding with `!` by {} tokenizers",
        cases(&golden, "cases").len(),
        second.iter().flatten().count()
    );
}
