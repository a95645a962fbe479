//! What the prompts of a request say to the network, and how strongly.

use std::sync::Arc;

use super::DiffusionError;
use super::control::Steering;
use super::embedding::{Embedding, Staged};
use super::guidance::{compose, guide};
use super::latent::Latents;
use super::prompt::{Part, Reading, Syntax, extra_networks, parts};
use super::request::{Blend, Request, Words};
use super::run::Stage;
use super::text::TextEncoder;
use super::told::{Framing, Told};
use super::unet::Unet;

/// A text that pulls, and how strongly.
type Pull = (f32, Staged);

/// The prompts of a request, and how they are used.
pub(super) struct Texts {
    /// One negative prompt for each picture, if they are heeded.
    negatives: Vec<Staged>,
    /// What pulls at each picture: first the first of all pictures, then the second, and so on. A picture that has fewer than others
    /// is pulled by its first once more, with no strength.
    rounds: Vec<Vec<Pull>>,
}

impl Texts {
    /// Reads the prompts of `request`; the negative ones where there is guidance that `unet` does not do by itself, or where the parts
    /// of a prompt do not add up to one. `steps` is how often the network is evaluated in all.
    pub(super) fn of(request: &Request<'_>, steps: usize, encoder: &TextEncoder, unet: &Unet) -> Result<Self, DiffusionError> {
        let reader = Reader { encoder, steps, reading: request.prompts };
        let mut prompts: Vec<Vec<Pull>> = request.pictures.iter().map(|p| reader.prompt(p.prompt)).collect::<Result<_, _>>()?;
        if unet.knows_guidance() {
            for pulls in &mut prompts {
                average(pulls);
            }
        }
        let uneven = prompts.iter().any(|pulls| (total(pulls) - 1.0).abs() > 1e-6);
        let guided = (request.guidance > 1.0 || uneven) && !unet.knows_guidance();
        let negatives = request.pictures.iter().filter(|_| guided).map(|p| reader.negative(p.negative)).collect::<Result<_, _>>()?;
        let mut texts = Self { negatives, rounds: rounds(&prompts) };
        texts.level(&reader)?;
        Ok(texts)
    }

    /// Gives all texts as many rows: among prompts, and among negative ones, the last row of the shorter goes on, as in A1111; between
    /// the two the shorter gets chunks without text.
    fn level(&mut self, reader: &Reader<'_>) -> Result<(), DiffusionError> {
        let longest = |texts: &mut dyn Iterator<Item = &Staged>| texts.map(Staged::tokens).max().unwrap_or(0);
        let prompts = longest(&mut self.rounds.iter().flatten().map(|(_, text)| text));
        let negatives = longest(&mut self.negatives.iter());
        if !self.negatives.is_empty() && prompts != negatives {
            let empty = reader.encoder.encode("", reader.steps, reader.reading)?;
            let filler = Some(empty.at(0).data.as_slice());
            let all = prompts.max(negatives);
            self.extend(prompts, negatives, None);
            self.extend(all, all, filler);
        } else {
            self.extend(prompts, negatives, None);
        }
        Ok(())
    }

    fn extend(&mut self, prompts: usize, negatives: usize, filler: Option<&[f32]>) {
        self.rounds.iter_mut().flatten().for_each(|(_, text)| *text = text.filled(prompts, filler));
        self.negatives.iter_mut().for_each(|text| *text = text.filled(negatives, filler));
    }

    /// One text for each picture of each round, the negative ones first, at an evaluation of the network.
    fn rows(&self, evaluation: usize) -> Vec<Arc<Embedding>> {
        let prompts = self.rounds.iter().flatten().map(|(_, text)| text);
        self.negatives.iter().chain(prompts).map(|text| Arc::clone(text.at(evaluation))).collect()
    }

    /// Whether one prompt pulls at each picture, with strength 1.
    fn simple(&self) -> bool {
        self.rounds.len() == 1 && self.rounds[0].iter().all(|(weight, _)| *weight == 1.0)
    }
}

fn total(pulls: &[Pull]) -> f32 {
    pulls.iter().map(|(weight, _)| weight).sum()
}

/// Makes the weights add up to one, for networks that have no prediction without a prompt to start from.
fn average(pulls: &mut [Pull]) {
    let total = total(pulls);
    if total.abs() > f32::EPSILON {
        for (weight, _) in pulls {
            *weight /= total;
        }
    }
}

fn rounds(prompts: &[Vec<Pull>]) -> Vec<Vec<Pull>> {
    let count = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let pull = |pulls: &[Pull], round: usize| pulls.get(round).cloned().unwrap_or_else(|| (0.0, pulls[0].1.clone()));
    (0..count).map(|round| prompts.iter().map(|pulls| pull(pulls, round)).collect()).collect()
}

/// Adds the parts that only `many` has, with no strength, so that they fade on the way.
fn fade(few: &mut Vec<Pull>, many: &[Pull]) {
    few.extend(many.iter().skip(few.len()).map(|(_, text)| (0.0, text.clone())));
}

/// Reads prompts for one request.
struct Reader<'a> {
    encoder: &'a TextEncoder,
    steps: usize,
    reading: Reading,
}

impl Reader<'_> {
    /// The parts of a prompt, at least one, on the way to the other.
    fn prompt(&self, words: Words<'_>) -> Result<Vec<Pull>, DiffusionError> {
        let mut here = self.parts(words.text)?;
        let Some((there, mix)) = words.toward.filter(|(_, mix)| *mix > 0.0) else { return Ok(here) };
        let mut there = self.parts(there)?;
        if words.blend == Blend::And {
            for (weight, _) in &mut here {
                *weight *= 1.0 - mix;
            }
            here.extend(there.into_iter().map(|(weight, text)| (weight * mix, text)));
            return Ok(here);
        }
        fade(&mut here, &there);
        fade(&mut there, &here);
        let both = here.into_iter().zip(there);
        both.map(|((a, from), (b, to))| Ok((a * (1.0 - mix) + b * mix, self.between(&from, &to, mix)?))).collect()
    }

    fn negative(&self, words: Option<Words<'_>>) -> Result<Staged, DiffusionError> {
        let read = |text| self.encoder.encode_negative(text, self.steps, self.reading);
        let Some(words) = words else { return read(None) };
        let here = read(Some(words.text))?;
        match words.toward {
            Some((there, mix)) if mix > 0.0 => self.between(&here, &read(Some(there))?, mix),
            _ => Ok(here),
        }
    }

    /// What a prompt says without the tags for other networks.
    fn parts(&self, text: &str) -> Result<Vec<Pull>, DiffusionError> {
        let parts = match self.reading.syntax {
            Syntax::A1111 => parts(&extra_networks(text).0),
            Syntax::Plain => vec![Part { text: text.to_owned(), weight: 1.0 }],
        };
        parts.iter().map(|part| Ok((part.weight as f32, self.encoder.encode(&part.text, self.steps, self.reading)?))).collect()
    }

    /// Part of the way from one text to another; the shorter is filled up with chunks without text.
    fn between(&self, from: &Staged, to: &Staged, mix: f32) -> Result<Staged, DiffusionError> {
        let tokens = from.tokens().max(to.tokens());
        if from.tokens() == to.tokens() {
            return Ok(from.mixed(to, mix));
        }
        let empty = self.encoder.encode("", self.steps, self.reading)?;
        let filler = Some(empty.at(0).data.as_slice());
        Ok(from.filled(tokens, filler).mixed(&to.filled(tokens, filler), mix))
    }
}

/// The network with all that it is told besides latents and time: what samplers call.
pub(super) struct Denoiser<'a> {
    pub(super) unet: &'a Unet,
    pub(super) texts: Texts,
    /// See [`Request::guidance`].
    pub(super) guidance: f32,
    /// See [`guide`].
    pub(super) rescale: f32,
    /// See [`Told::framing`].
    pub(super) framing: Framing,
    /// See [`Told::beside`].
    pub(super) beside: Option<Latents>,
    /// See [`Told::steering`].
    pub(super) steering: Vec<Steering<'a>>,
}

impl Denoiser<'_> {
    /// What the network predicts for `input`, which is in the scale that it expects, at `timestep`; guided.
    pub(super) fn predict(&self, stage: Stage, mut input: Latents, timestep: f32) -> Result<Vec<f32>, DiffusionError> {
        let rows = self.texts.rows(stage.call);
        let (batch, negatives) = (input.batch(), self.texts.negatives.len());
        let one = input.data.len();
        let repeats = rows.len() / batch.max(1);
        if repeats > 1 {
            input.data = input.data.repeat(repeats);
            input.shape[0] *= repeats;
        }
        let mut output = self.run(stage, &input, timestep, (&rows, negatives))?;
        if rows.len() == batch {
            return Ok(output);
        }
        let mut rounds = output.split_off(if negatives > 0 { one } else { 0 });
        if !self.texts.simple() {
            let weights: Vec<f32> = self.texts.rounds.iter().flatten().map(|(weight, _)| *weight).collect();
            rounds = compose(Some(output.as_slice()).filter(|_| negatives > 0), &rounds, &weights, batch);
        }
        if negatives == 0 {
            return Ok(rounds);
        }
        // At guidance 1 and below it is the prompt alone.
        guide(&mut output, &rounds, self.guidance.max(1.0), self.rescale, batch);
        Ok(output)
    }

    /// One call of the network with one text for each picture in `input`, the first so many of them negative prompts.
    fn run(
        &self,
        stage: Stage,
        input: &Latents,
        timestep: f32,
        (texts, negatives): (&[Arc<Embedding>], usize),
    ) -> Result<Vec<f32>, DiffusionError> {
        let steering: Vec<_> = self.steering.iter().map(|one| one.at(stage.step, stage.steps)).collect();
        let (guidance, framing, beside) = (self.guidance, self.framing, self.beside.as_ref());
        self.unet.run(input, timestep, &Told { texts, negatives, guidance, framing, beside, steering: &steering })
    }
}
