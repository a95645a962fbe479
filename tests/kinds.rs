//! What every built-in kind must keep.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use frameloom::cli::registry;

#[test]
fn names_are_words_of_the_language_and_everything_is_documented() {
    for kind in registry().iter() {
        let spec = kind.spec();
        let word = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') && !name.is_empty();
        assert!(word(spec.name), "{}", spec.name);
        assert!(spec.about.ends_with('.') && spec.about.len() > 15, "{}: say what it does in a sentence", spec.name);
        let inputs = spec.inputs.iter().map(|input| (input.name, &input.about));
        let outputs = spec.outputs.iter().map(|output| (output.name, &output.about));
        let params = spec.params.iter().map(|param| (param.name, &param.about));
        for (name, about) in inputs.chain(outputs).chain(params) {
            assert!(word(name) && about.len() > 5, "{}.{name}: `{about}`", spec.name);
        }
    }
}

#[test]
fn defaults_read_as_if_they_were_written_and_lie_in_their_range() {
    use frameloom::diag::{Sources, Span};
    use frameloom::param::{Data, ReadCx};
    let mut sources = Sources::default();
    let source = sources.add("default", "");
    for kind in registry().iter() {
        for param in &kind.spec().params {
            let Some(default) = param.default.clone() else { continue };
            let data = Data::new(Span::new(source, 0, 0), default);
            let read = (param.test)(&data, &ReadCx::default());
            assert!(read.is_ok(), "{}.{}: {:?}", kind.spec().name, param.name, read.err());
            if let (Some(range), Some(number)) = (&param.range, data.number()) {
                assert!(range.contains(&number), "{}.{}: {number} is outside {range:?}", kind.spec().name, param.name);
            }
        }
    }
}

#[test]
fn the_kinds_of_the_design_are_there() {
    let registry = registry();
    for name in [
        "video_input",
        "image_input",
        "pattern",
        "resize",
        "depth",
        "warp",
        "depth_warp",
        "noise",
        "color_match",
        "contrast",
        "sharpen",
        "grayscale",
        "levels",
        "blur",
        "blend",
        "diffusion",
        "stylize",
        "cadence",
        "encoder",
        "image_output",
    ] {
        assert!(registry.get(name).is_some(), "`{name}` is missing");
    }
}
