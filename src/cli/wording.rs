//! How a prompt is read: `frameloom prompt` and `frameloom explain`.

use std::fmt::Write;
use std::path::Path;

use crate::diffusion::Tokenizer;
use crate::diffusion::prompt::{
    ExtraNetwork, Piece, Reading, Stage, Syntax, When, attention, chunks, extra_networks, parts, schedule, split_negative,
};

use crate::model::find_model;

use super::Exit;
use super::args::PromptArgs;

/// Prints how a prompt is read.
pub fn prompt(args: &PromptArgs) -> Exit {
    let reading = if args.plain { Reading::PLAIN } else { Reading::default() };
    let tokenizer = match args.model.as_deref().map(|name| tokenizer(name, Path::new("."))).transpose() {
        Ok(tokenizer) => tokenizer,
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Usage;
        }
    };
    print!("{}", How { steps: usize::from(args.steps), reading, tokenizer }.describe(&args.prompt, args.negative));
    Exit::Done
}

/// The tokenizer of the model `name`, looked for from `base`.
pub fn tokenizer(name: &str, base: &Path) -> Result<Tokenizer, String> {
    let folder = find_model(name, base).map_err(|error| error.to_string())?;
    Tokenizer::open(&folder.join("tokenizer")).map_err(|error| error.to_string())
}

/// Stages that are shown of a prompt that changes with every step.
const SHOWN: usize = 8;

/// What reading a prompt depends on.
pub struct How {
    /// Evaluations of the network.
    pub steps: usize,
    /// Whose signs it is written with.
    pub reading: Reading,
    /// That of the model, where it was found.
    pub tokenizer: Option<Tokenizer>,
}

impl How {
    /// The lines that say how `text` is read; `negative` ones have no parts and no tags.
    pub fn describe(&self, text: &str, negative: bool) -> String {
        let mut out = String::new();
        if self.reading.syntax == Syntax::Plain {
            let _ = writeln!(out, "  {text:?}, as it stands{}", self.chunks(text));
            return out;
        }
        let (text, unwanted) = split_negative(text);
        let (text, networks) = if negative { (text, Vec::new()) } else { extra_networks(&text) };
        out.extend(networks.iter().map(tag));
        if negative {
            self.stages(&mut out, &text);
        } else {
            let all = parts(&text);
            let several = all.len() > 1;
            for part in all {
                if several || part.weight != 1.0 {
                    let _ = writeln!(out, "  pulls with strength {}:", part.weight);
                }
                self.stages(&mut out, &part.text);
            }
        }
        if !unwanted.is_empty() {
            let _ = writeln!(out, "  not, before the negative prompt:");
            self.stages(&mut out, unwanted.trim());
        }
        out
    }

    fn stages(&self, out: &mut String, text: &str) {
        let stages = schedule(text, self.steps, When::Written);
        if let [Stage { text, .. }] = stages.as_slice() {
            let _ = writeln!(out, "    {}{}", pieces(&attention(text)), self.chunks(text));
            return;
        }
        // A stage holds for one evaluation more than its number says, as in A1111.
        let mut from = 1;
        for stage in stages.iter().take(SHOWN) {
            let to = (stage.until + 1).min(self.steps);
            let span = if from == to { format!("evaluation {from}") } else { format!("evaluations {from} to {to}") };
            if from <= to {
                let _ = writeln!(out, "    {span}: {}{}", pieces(&attention(&stage.text)), self.chunks(&stage.text));
            }
            from = to + 1;
        }
        if stages.len() > SHOWN {
            let _ = writeln!(out, "    and so on, to evaluation {}", self.steps);
        }
    }

    /// How many chunks of how many tokens `text` is.
    fn chunks(&self, text: &str) -> String {
        let Some(tokenizer) = &self.tokenizer else { return String::new() };
        let chunks = chunks(tokenizer, text, self.reading);
        let sizes: Vec<String> = chunks.iter().map(|chunk| chunk.tokens.to_string()).collect();
        format!("  [{} of 75 tokens]", sizes.join(" + "))
    }
}

fn tag(network: &ExtraNetwork) -> String {
    match network.lora() {
        Some(lora) if lora.text == lora.unet => format!("  LoRA `{}` with strength {}\n", lora.name, lora.text),
        Some(lora) => format!("  LoRA `{}` with strength {} in the text encoders, {} in the UNet\n", lora.name, lora.text, lora.unet),
        None => format!("  a tag of kind `{}`, which is not supported and left out\n", network.kind),
    }
}

/// Every piece with its weight, where that is not 1.
fn pieces(all: &[Piece]) -> String {
    let one = |piece: &Piece| match piece {
        piece if piece.is_break() => "| next chunk |".to_owned(),
        Piece { text, weight } if *weight == 1.0 => format!("{text:?}"),
        Piece { text, weight } if text == "BREAK" => format!("{text:?} x {weight:.3} (a word: it is inside brackets)"),
        Piece { text, weight } => format!("{text:?} x {}", (weight * 1e4).round() / 1e4),
    };
    let shown = all.iter().filter(|piece| !piece.text.is_empty() || all.len() == 1).map(one);
    shown.collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_told() {
        let how = How { steps: 10, reading: Reading::default(), tokenizer: None };
        let text = "a (red:1.3) [cat:dog:0.5] AND sky:0.5 <lora:ink:0.8> --neg blur";
        assert_eq!(
            how.describe(text, false).lines().collect::<Vec<_>>(),
            [
                "  LoRA `ink` with strength 0.8",
                "  pulls with strength 1:",
                "    evaluations 1 to 6: \"a \"  \"red\" x 1.3  \" cat\"",
                "    evaluations 7 to 10: \"a \"  \"red\" x 1.3  \" dog\"",
                "  pulls with strength 0.5:",
                "    \" sky\"",
                "  not, before the negative prompt:",
                "    \"blur\"",
            ]
        );
        assert_eq!(
            how.describe("(a BREAK b)", false),
            "    \"a\" x 1.1  \"BREAK\" x -1.100 (a word: it is inside brackets)  \"b\" x 1.1\n"
        );
        assert_eq!(how.describe("a | b", true), "    \"a | b\"\n");
    }
}
