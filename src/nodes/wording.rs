//! How the prompts of a graph are written, and what becomes of them in a firing.

use crate::choice;
use crate::diffusion::prompt::{Emphasis, Reading, Syntax, extra_networks, split_negative};
use crate::diffusion::random::NoiseSource;
use crate::diffusion::{Blend, Words};
use crate::node::{Problem, Timeline};
use crate::param::{Param, Prompt, PromptAt};

choice! {
    /// How one prompt goes over into the next.
    pub enum PromptBlend {
        /// Each is in effect until the next one's frame.
        Hold = "hold",
        /// Each glides into the next: what the network reads is a straight line from one to the other.
        Embeddings = "embeddings",
        /// Both pull, the one less and less, the other more and more: `first:0.7 AND next:0.3`, as in Deforum's interpolation. Takes half
        /// as long again.
        And = "and",
    }
}

choice! {
    /// Whose signs prompts are written with.
    pub enum PromptSyntax {
        /// Those of A1111 and Deforum: `(emphasis:1.3)`, `[a:b:0.5]`, `[a|b]`, `AND`, `BREAK`, `<lora:name:0.8>`, `--neg`, and any length.
        A1111 = "a1111",
        /// None: the text as it stands, of which 75 tokens are read, as in diffusers.
        Plain = "plain",
    }
}

choice! {
    /// What emphasis does.
    pub enum EmphasisMode {
        /// Words are weighed, and then all numbers scaled so that their mean stays what it was: A1111's own way.
        Original = "original",
        /// Words are weighed, and that is all: often better with SDXL.
        NoNorm = "no_norm",
        /// The brackets are taken away, and nothing is weighed.
        Ignore = "ignore",
        /// Brackets are text like any other.
        None = "none",
    }
}

choice! {
    /// Whose random numbers the noise is made of.
    pub enum NoiseOf {
        /// PyTorch's on a processor: what diffusers, `ComfyUI` and A1111 with the source "CPU" paint.
        Cpu = "cpu",
        /// Those of a graphics card by NVIDIA, as A1111 makes them with the source "NV", and with "GPU" on such a card.
        Nv = "nv",
    }
}

impl From<PromptSyntax> for Syntax {
    fn from(syntax: PromptSyntax) -> Self {
        match syntax {
            PromptSyntax::A1111 => Self::A1111,
            PromptSyntax::Plain => Self::Plain,
        }
    }
}

impl From<EmphasisMode> for Emphasis {
    fn from(mode: EmphasisMode) -> Self {
        match mode {
            EmphasisMode::Original => Self::Original,
            EmphasisMode::NoNorm => Self::NoNorm,
            EmphasisMode::Ignore => Self::Ignore,
            EmphasisMode::None => Self::None,
        }
    }
}

impl From<NoiseOf> for NoiseSource {
    fn from(noise: NoiseOf) -> Self {
        match noise {
            NoiseOf::Cpu => Self::Cpu,
            NoiseOf::Nv => Self::Nv,
        }
    }
}

/// What a user should know of `prompt` before the run: tags that nothing is done for.
#[must_use]
pub fn warnings(prompt: &Prompt, timeline: &Timeline) -> Vec<Problem> {
    let mut kinds: Vec<String> = Vec::new();
    for frame in prompt.keys(&timeline.moment(0)) {
        let (_, networks) = extra_networks(&prompt.now(&timeline.moment(frame)).from);
        kinds.extend(networks.into_iter().filter(|network| network.lora().is_none()).map(|network| network.kind));
    }
    kinds.sort_unstable();
    kinds.dedup();
    let warning = |kind: String| {
        let fact = format!("tags of kind `{kind}` are left out: such networks are not supported");
        Problem::warning("prompt", fact).help(format!("take `<{kind}:…>` out of the prompt"))
    };
    kinds.into_iter().map(warning).collect()
}

/// What is painted and what is not at one frame: prompts that carry their own `--neg` are parted.
pub struct Wording {
    /// How they are read.
    pub reading: Reading,
    blend: PromptBlend,
    prompt: PromptAt,
    negative: PromptAt,
}

impl Wording {
    /// Of a node's `prompt` and `negative`. What stands after `--neg` goes before the negative prompt.
    #[must_use]
    pub fn new(prompt: PromptAt, negative: PromptAt, blend: PromptBlend, reading: Reading) -> Self {
        let (prompt, negative) = if reading.syntax == Syntax::A1111 { parted(&prompt, negative) } else { (prompt, negative) };
        Self { reading, blend, prompt, negative }
    }

    /// What is painted.
    #[must_use]
    pub fn prompt(&self) -> Words<'_> {
        self.words(&self.prompt)
    }

    /// What is not, if anything is named.
    #[must_use]
    pub fn negative(&self) -> Option<Words<'_>> {
        let words = self.words(&self.negative);
        Some(words).filter(|words| !words.text.is_empty() || words.toward.is_some())
    }

    fn words<'a>(&self, prompt: &'a PromptAt) -> Words<'a> {
        let toward = prompt.to.as_deref().filter(|_| self.blend != PromptBlend::Hold);
        let blend = if self.blend == PromptBlend::And { Blend::And } else { Blend::Embeddings };
        Words { text: &prompt.from, toward: toward.map(|to| (to, prompt.mix as f32)), blend }
    }
}

fn parted(prompt: &PromptAt, negative: PromptAt) -> (PromptAt, PromptAt) {
    let (from, own) = split_negative(&prompt.from);
    let next = prompt.to.as_deref().map(split_negative);
    let own_next = next.as_ref().map(|(_, negative)| negative.as_str());
    let negatives = if own.is_empty() && own_next.unwrap_or_default().is_empty() {
        negative
    } else {
        // The way from one to the other is that of the prompt, which brings them.
        let to = own_next.map(|own| joined(own, negative.to.as_ref().unwrap_or(&negative.from)));
        PromptAt { from: joined(&own, &negative.from), to, mix: prompt.mix }
    };
    (PromptAt { from, to: next.map(|(text, _)| text), mix: prompt.mix }, negatives)
}

fn joined(a: &str, b: &str) -> String {
    let parts: Vec<&str> = [a.trim(), b.trim()].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(from: &str, to: Option<&str>, mix: f64) -> PromptAt {
        PromptAt { from: from.to_owned(), to: to.map(str::to_owned), mix }
    }

    #[test]
    fn tags_that_mean_nothing_are_told() {
        let told = warnings(&Prompt::from("a <hypernet:x:1> <lora:y:1> <hypernet:z>"), &Timeline::default());
        assert_eq!(told.len(), 1);
        assert!(told[0].message.contains("`hypernet`"));
    }

    #[test]
    fn negatives_in_a_prompt_go_before_those_of_the_node() {
        let wording = |prompt, negative, reading| Wording::new(prompt, negative, PromptBlend::Embeddings, reading);
        let both = wording(at("cat --neg photo", Some("dog"), 0.25), at("text", None, 0.0), Reading::default());
        assert_eq!((both.prompt().text, both.prompt().toward), ("cat", Some(("dog", 0.25))));
        let negative = both.negative().unwrap();
        assert_eq!((negative.text, negative.toward), ("photo text", Some(("text", 0.25))));
        let own = wording(at("cat", Some("dog"), 0.25), at("a", Some("b"), 0.5), Reading::default());
        assert_eq!(own.negative().unwrap().toward, Some(("b", 0.5)));
        assert!(wording(at("cat", None, 0.0), at("", None, 0.0), Reading::default()).negative().is_none());
        assert_eq!(wording(at("a --neg b", None, 0.0), at("", None, 0.0), Reading::PLAIN).prompt().text, "a --neg b");
    }
}
