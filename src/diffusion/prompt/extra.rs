//! Networks named in a prompt: `<lora:name:0.8>`.

use std::sync::LazyLock;

use fancy_regex::{Captures, Regex};

#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<(\w+):([^>]+)>").expect("a valid pattern"));

/// A tag `<kind:…>` of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExtraNetwork {
    /// What stands before the first colon: `lora`, `lyco`, `hypernet`…
    pub kind: String,
    /// What stands between the others and has no `=`: the name, then numbers.
    pub positional: Vec<String>,
    /// What has one: `te=0.5`.
    pub named: Vec<(String, String)>,
}

/// A `LoRA` that a prompt asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraTag {
    /// The file's name, without its ending.
    pub name: String,
    /// How much of it goes into the text encoders.
    pub text: f64,
    /// How much of it goes into the denoising network.
    pub unet: f64,
}

impl ExtraNetwork {
    /// The `LoRA` that it asks for, if it is of that kind: `<lora:name>` counts 1, `<lora:name:0.8>` 0.8 in both networks,
    /// `<lora:name:0.8:0.5>` 0.8 in the text encoders and 0.5 in the other, as do `te=0.8` and `unet=0.5`. A number that cannot be read
    /// counts as if it were not there. `lyco` is another word for `lora`.
    #[must_use]
    pub fn lora(&self) -> Option<LoraTag> {
        let name = self.positional.first().filter(|_| matches!(self.kind.as_str(), "lora" | "lyco"))?;
        let number = |text: &String| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let named = |key: &str| self.named.iter().rev().find(|(name, _)| name == key).and_then(|(_, value)| number(value));
        let at = |index: usize| self.positional.get(index).and_then(number);
        let text = named("te").or(at(1)).unwrap_or(1.0);
        let unet = named("unet").or(at(2)).unwrap_or(text);
        Some(LoraTag { name: name.trim().to_owned(), text, unet })
    }
}

/// `text` without its tags, and the tags in the order written. A1111 looks for them in prompts, not in negative ones.
#[must_use]
pub fn extra_networks(text: &str) -> (String, Vec<ExtraNetwork>) {
    let mut found = Vec::new();
    let rest = TAG.replace_all(text, |tag: &Captures<'_>| {
        found.push(network(&tag[1], &tag[2]));
        ""
    });
    (rest.into_owned(), found)
}

fn network(kind: &str, items: &str) -> ExtraNetwork {
    let mut network = ExtraNetwork { kind: kind.to_owned(), positional: Vec::new(), named: Vec::new() };
    for item in items.split(':') {
        match item.split_once('=') {
            Some((key, value)) => network.named.push((key.to_owned(), value.to_owned())),
            None => network.positional.push(item.to_owned()),
        }
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_taken_out() {
        let (rest, found) = extra_networks("a <lora:foo:0.8> b<lora:bar:0.5:0.25><hypernet:x:1> <b> <lora:>");
        assert_eq!(rest, "a  b <b> <lora:>");
        let tag = |name: &str, text, unet| Some(LoraTag { name: name.into(), text, unet });
        let loras: Vec<_> = found.iter().map(ExtraNetwork::lora).collect();
        assert_eq!(loras, [tag("foo", 0.8, 0.8), tag("bar", 0.5, 0.25), None]);
    }

    #[test]
    fn weights_may_be_named_missing_or_wrong() {
        let lora = |text: &str| extra_networks(text).1[0].lora().map(|tag| (tag.text, tag.unet));
        assert_eq!(lora("<lora:a>"), Some((1.0, 1.0)));
        assert_eq!(lora("<lora:a:unet=0.2:0.5>"), Some((0.5, 0.2)));
        assert_eq!(lora("<lyco:a:much>"), Some((1.0, 1.0)));
    }
}
