//! Prompts against A1111's parser and a tiny text encoder, and the tokenizer against Hugging Face's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/models.rs"]
mod models;
#[path = "support/npz.rs"]
mod npz;

use std::path::Path;

use frameloom::diffusion::prompt::{Emphasis, Reading, When, attention, chunks, parts, schedule, split_negative};
use frameloom::diffusion::random::NoiseSource;
use frameloom::diffusion::{
    Blend, Fill, Picture, Pipeline, Request, SamplerKind, SamplerOptions, Seeds, StrengthReading, Tokenizer, Words,
};
use frameloom::frame::Size;
use frameloom::model::SessionOptions;
use npz::{Npz, difference, json};
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

fn options() -> SessionOptions {
    SessionOptions { threads: 1, ..SessionOptions::default() }
}

/// A field of a protobuf message: bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut out = vec![number << 3 | 2];
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(bytes);
    out
}

/// A copy of the model at `path` in `folder` whose text encoder gives its hidden layers, too: messages put one after the other merge, so
/// that the graph grows by what is appended to its file.
fn with_hidden_states(path: &Path, folder: &Path, layers: usize) {
    for part in ["tokenizer", "text_encoder", "unet", "vae_decoder", "scheduler"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
        for file in std::fs::read_dir(path.join(part)).unwrap().flatten() {
            std::fs::copy(file.path(), folder.join(part).join(file.file_name())).unwrap();
        }
    }
    std::fs::copy(path.join("model_index.json"), folder.join("model_index.json")).unwrap();
    let file = folder.join("text_encoder/model.onnx");
    let mut model = std::fs::read(&file).unwrap();
    for layer in 1..=layers {
        let (from, to) = (format!("/text_model/encoder/layers.{}/Add_1_output_0", layer - 1), format!("hidden_states.{layer}"));
        let node = [field(1, from.as_bytes()), field(2, to.as_bytes()), field(4, b"Identity")].concat();
        model.extend(field(7, &[field(1, &node), field(12, &field(1, to.as_bytes()))].concat()));
    }
    std::fs::write(file, model).unwrap();
}

#[test]
fn golden_emphasis() {
    let Some(golden) = json("emphasis", "prompt/emphasis_sd15.json") else { return };
    let Some(arrays) = Npz::open("emphasis", "prompt/emphasis_sd15.npz") else { return };
    let Some(path) = models::find("tiny/sd15") else { return };
    let pipeline = Pipeline::open(&path, &options()).unwrap();
    let tokenizer = Tokenizer::open(&path.join("tokenizer")).unwrap();
    let deep = tempfile::tempdir().unwrap();
    with_hidden_states(&path, deep.path(), 3);
    let skipping = Pipeline::open(deep.path(), &options()).unwrap();
    let reading = |emphasis, clip_skip| Reading { emphasis, clip_skip, ..Reading::default() };
    let mut count = 0;
    for (index, case) in cases(&golden, "prompts").iter().enumerate() {
        only_known(case, &["text", "chunks"]);
        let text = text(&case["text"]);
        let Some(expected) = arrays.get(&format!("ids_{index}")) else {
            println!("golden emphasis: skipped {text:?}, its arrays are not in the archive");
            continue;
        };
        let read = chunks(&tokenizer, text, Reading::default());
        assert_eq!(read.len() as u64, case["chunks"].as_u64().unwrap(), "{text}: chunks");
        let ours: Vec<f32> = read.iter().flat_map(|chunk| chunk.ids.iter().map(|id| *id as f32)).collect();
        assert_eq!(ours, expected.values, "{text}: tokens");
        let weights: Vec<f32> = read.iter().flat_map(|chunk| chunk.weights.iter().copied()).collect();
        assert_eq!(weights, arrays.values(&format!("mult_{index}")), "{text}: weights");
        for (key, pipeline, reading) in [
            ("original", &pipeline, reading(Emphasis::Original, 1)),
            ("nonorm", &pipeline, reading(Emphasis::NoNorm, 0)),
            ("original", &skipping, reading(Emphasis::Original, 1)),
            ("skip2_original", &skipping, reading(Emphasis::Original, 2)),
        ] {
            let Some(expected) = arrays.get(&format!("{key}_{index}")) else { continue };
            let ours = pipeline.read(text, 20, reading).unwrap();
            // The mean of a tiny encoder's rows is near zero, and the ratio of two such means magnifies what was rounded.
            let (worst, size) = difference(&ours.at(0).data, &expected.values);
            assert!(worst <= 1e-4 * size.max(1.0), "{text}: {key} differs by {worst} of {size}");
            count += 1;
        }
    }
    println!("golden emphasis: {count} cases");
    let shallow = pipeline.read("a", 20, reading(Emphasis::Original, 2)).unwrap_err().to_string();
    assert!(shallow.contains("`clip_skip: 2` needs an earlier one"), "{shallow}");
    let far = skipping.read("a", 20, reading(Emphasis::Original, 9)).unwrap_err().to_string();
    assert!(far.contains("leaves none"), "{far}");
}

/// Deforum's own parting of a prompt, maths done.
#[test]
fn golden_negatives_in_prompts() {
    let file = npz::diffusion().join("../deforum/prompts.json");
    let Ok(golden) = std::fs::read_to_string(&file) else {
        println!("golden negatives: skipped, no {}", file.display());
        return;
    };
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let cases = cases(&golden["weights"], "cases");
    let mut count = 0;
    for case in cases.iter().filter(|case| case["prepare_prompt"].is_string()) {
        // The text with its maths done and its negative words in place.
        let expected: Vec<&str> = case["split_weighted_subprompts"].as_array().unwrap().iter().map(text).collect();
        let written = text(&case["text"]);
        let negatives = written.split_once("--neg").map_or("", |(_, negative)| negative);
        let (positive, negative) = split_negative(&format!("{} --neg{negatives}", expected[0]));
        assert_eq!((positive.as_str(), negative.as_str()), (expected[0], expected[1]), "{written}");
        count += 1;
    }
    println!("golden negatives: {count} cases");
}

/// The latents after the last step.
fn painted(pipeline: &Pipeline, prompt: Words<'_>, negative: &str, guidance: f32, steps: usize) -> Vec<f32> {
    let pictures = [Picture { prompt, negative: Some(negative.into()), image: None, latents: None, mask: None }];
    let request = Request {
        pictures: &pictures,
        size: Size::new(64, 64),
        steps,
        strength: 1.0,
        reading: StrengthReading::A1111,
        prompts: Reading::default(),
        guidance,
        guidance_rescale: 0.0,
        sampler: SamplerKind::from_name("EulerDiscreteScheduler").unwrap(),
        schedule: None,
        sampler_options: SamplerOptions::default(),
        seeds: Seeds::One(5),
        noise_source: NoiseSource::Cpu,
        variation: None,
        following: None,
        fill: Fill::Original,
        controls: &[],
        framing: None,
        tile: None,
    };
    let mut latents = Vec::new();
    pipeline.paint(&request, &mut |progress| latents.clone_from(&progress.latents.data)).unwrap();
    latents
}

#[test]
fn prompts_act_at_their_steps_and_with_their_weights() {
    let Some(path) = models::find("tiny/sd15") else { return };
    let pipeline = Pipeline::open(&path, &options()).unwrap();
    let paint = |prompt: &str, guidance| painted(&pipeline, prompt.into(), "blurry", guidance, 6);
    let gap = |a: &[f32], b: &[f32]| difference(a, b).0;
    let (red, blue) = (paint("a red circle", 7.0), paint("a blue square", 7.0));
    assert!(gap(&red, &blue) > 0.1, "the prompt counts: {}", gap(&red, &blue));
    // Changes of the prompt.
    assert_eq!(paint("[a red circle:a blue square:10]", 7.0), red);
    assert_eq!(paint("[a red circle:a blue square:0]", 7.0), blue);
    let half = paint("[a red circle:a blue square:0.5]", 7.0);
    assert!(gap(&half, &red) > 0.01 && gap(&half, &blue) > 0.01);
    let turns = paint("[a red circle|a blue square]", 7.0);
    assert!(gap(&turns, &red) > 0.01 && gap(&turns, &half) > 0.01);
    // Parts that pull together.
    assert!(gap(&paint("a red circle:0.5 AND a red circle:0.5", 7.0), &red) < 1e-3);
    assert!(gap(&paint("a red circle:0.5", 7.0), &paint("a red circle", 3.5)) < 1e-3);
    assert!(gap(&paint("a red circle:0.5 AND a red circle:0.5", 1.0), &paint("a red circle", 1.0)) < 1e-3);
    let and = paint("a red circle AND a blue square:0.0", 7.0);
    assert!(gap(&and, &red) < 1e-3, "no strength is none: {}", gap(&and, &red));
    // Long prompts beside short ones, and tags.
    let long = format!("{} AND a blue square", "a red circle, ".repeat(40));
    assert!(gap(&paint(&long, 7.0), &red) > 0.01);
    assert_eq!(paint("a red circle<lora:none:0.5>", 7.0), red);
    // The way to another prompt.
    let toward =
        |mix, blend| painted(&pipeline, Words { text: "a red circle", toward: Some(("a blue square", mix)), blend }, "blurry", 7.0, 6);
    for blend in [Blend::Embeddings, Blend::And] {
        assert!(gap(&toward(0.0, blend), &red) < 1e-3 && gap(&toward(1.0, blend), &blue) < 1e-3, "{blend:?}");
        assert!(gap(&toward(0.5, blend), &red) > 0.01, "{blend:?}");
    }
}

#[test]
fn sdxl_weighs_and_parts_texts_for_both_encoders() {
    let Some(path) = models::find("tiny/sdxl") else { return };
    let pipeline = Pipeline::open(&path, &options()).unwrap();
    let reading = Reading { emphasis: Emphasis::NoNorm, ..Reading::default() };
    let read = |text: &str| pipeline.read(text, 20, reading).unwrap().at(0).clone();
    let (plain, weighed) = (read("red circle"), read("(red:2) circle"));
    let width = plain.width;
    let row = |of: &[f32], at: usize| of[at * width..(at + 1) * width].to_vec();
    assert_eq!(row(&weighed.data, 1), row(&plain.data, 1).iter().map(|x| x * 2.0).collect::<Vec<_>>());
    assert_eq!(row(&weighed.data, 2), row(&plain.data, 2));
    assert_eq!(weighed.pooled, plain.pooled);
    let two = read("red circle BREAK blue square");
    assert_eq!((two.tokens, &two.pooled, &two.data[..plain.data.len()]), (154, &plain.pooled, plain.data.as_slice()));
    assert_eq!(two.data[plain.data.len()..], read("blue square").data);
}

#[test]
fn no_token_is_lost_between_chunks() {
    let Some(folder) = models::any(&["tiny/sd15", "mini"]) else { return };
    let tokenizer = Tokenizer::open(&folder.join("tokenizer")).unwrap();
    for count in [1, 24, 25, 26, 37, 38, 74, 75, 76, 149, 150, 151] {
        for word in ["cat", "cat, ", "a b c d e f g h i j, ", "(cat:1.2), [dog] ", ", ", "cat BREAK "] {
            let text = format!("{word} ").repeat(count);
            let all: usize = attention(&text).iter().filter(|p| !p.is_break()).map(|p| tokenizer.tokens(&p.text).len()).sum();
            let chunks = chunks(&tokenizer, &text, Reading::default());
            assert_eq!(chunks.iter().map(|chunk| chunk.tokens).sum::<usize>(), all, "{count} x {word:?}");
            assert!(chunks.iter().all(|chunk| chunk.ids.len() == 77 && chunk.weights.len() == 77));
        }
    }
}
