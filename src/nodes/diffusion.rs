//! The kind `diffusion`.

mod control;
mod loras;
mod models;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diffusion::prompt::Reading;
use crate::diffusion::{Churn, ControlNet, Following, Latents, ModelFolder, Picture, Request, SamplerOptions, Seeds, Variation};
use crate::frame::{ColorTags, Frame, Grain, Latent, Mask, Raster, Size};
use crate::kernel::blend::protected;
use crate::model::SessionOptions;
use crate::node::{Declared, Ending, Fault, Format, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{Curve, Held, IntCurve, Param, PathParam, Prompt, PromptAt, Seed, Weighted, split_advice};

use super::repainting::{InpaintFill, StepsMean};
use super::with_model;
use super::with_sampler::{SamplerName, ScheduleName};
use super::wording::{EmphasisMode, NoiseOf, PromptBlend, PromptSyntax, Wording, warnings};
use loras::Wish;
use models::Models;

/// Steps where neither the graph nor the model says how many.
const STEPS: i64 = 20;
/// Strength, likewise.
const STRENGTH: f64 = 0.6;
/// Guidance, likewise.
const CFG: f64 = 7.5;

node! {
    /// Paints with Stable Diffusion: from a prompt, or over the picture it is given.
    ///
    /// With a picture linked it is noised by `strength` and painted again (img2img); without one the prompt alone is painted, in the
    /// timeline's size (txt2img). What is left out below takes the model's own word for it: a folder may recommend settings
    /// in the key `_defaults` of its `model_index.json`.
    ///
    /// Each frame depends on its prompt, picture, parameters and seed only. The noise is that of PyTorch on a processor, so
    /// a seed paints what diffusers paints with the same model and settings.
    "diffusion" => Diffusion
    inputs {
        /// The picture to paint over. Without one the prompt is painted from nothing; so are the first frames where its link begins
        /// with nothing (`{ from: painted@-1, initial: none }`).
        image: Option<Frame>,
        /// The picture to paint over while `image` has none: what an animation begins with.
        init: Option<Frame>,
        /// Where the picture is repainted (inpainting): 1 there, 0 where it is kept as it is. Grey is repainted from one half on and
        /// mixed with what was there, so that a soft mask has soft edges. Without a picture it does nothing.
        mask: Option<Mask>,
        /// What the painting follows, through a `ControlNet`: lines, a pose, a depth, as that network was trained to read. Several
        /// are followed together, each with its own network.
        control: Option<Vec<Frame>>,
        /// Latents to paint over, in the place of the picture's: the output `latents` of a `diffusion` node with the same model and
        /// size. Fed back, they spare coding, and so the blur that it adds to every frame.
        latents: Option<Latent>,
        /// Which noise lies under each pixel, from a node of kind `grain`: all noise, also that which samplers add on the way, then
        /// follows a motion, and stays that of the first frame's `seed`. It is another noise than PyTorch's.
        grain: Option<Grain>,
    }
    outputs {
        /// The painting.
        image: Option<Frame>,
        /// What the painting is inside the model.
        latents: Option<Latent>,
    }
    params {
        /// The model: a checkpoint in a single `.safetensors` file (Stable Diffusion 1.x, 2.x or XL), a folder in the layout of diffusers with
        /// ONNX networks (`unet/model.onnx`, `vae_decoder/model.onnx` …), or the name of either in a `models` folder. May change over time, `{ 0: first, 8s: second }`: the next one is loaded while the last paints
        /// its last frames.
        model: Held<PathParam>;
        /// Small files that change the model (LoRA), each with how strongly: `[ink.safetensors, { file: oil.safetensors, weight: 0.8 }]`. Weights
        /// may vary over time, `text_weight` that of the text encoders apart; each new hundredth loads the networks anew. A prompt
        /// may name more: `<lora:ink:0.8>`.
        loras: Option<Vec<Weighted>>, in -10.0..=10.0;
        /// What to paint. May change over time: `{ 0: a meadow, 4s: a forest }`. Words may be weighed, `(fog:1.3)`, and what stands
        /// after `--neg` is not to be painted; `frameloom explain` shows how a prompt is read.
        prompt: Prompt;
        /// How one prompt goes over into the next.
        prompt_blend: PromptBlend = "hold";
        /// What not to paint. Heeded where `cfg` is above 1, except by models that know guidance themselves.
        negative: Prompt = "";
        /// Whose signs the prompts are written with.
        prompt_syntax: PromptSyntax = "a1111";
        /// What emphasis such as `(fog:1.3)` does.
        emphasis: EmphasisMode = "original";
        /// Which layer of the text encoder counts, from the last, which is 1: A1111's clip skip. Left out: the one that the model was
        /// trained with. Models other than SDXL need an export that gives all layers.
        clip_skip: Option<IntCurve>, in 1.0..=32.0;
        /// How much of the picture is repainted: 0 leaves it as it is, 1 paints it all anew. This is the denoising strength of img2img
        /// in A1111 and diffusers, and 1 minus Deforum's strength. Left out: the model's recommendation, or 0.6.
        strength: Option<Curve>, in 0.0..=1.0;
        /// Steps of the way from noise to picture; `steps_mean` says how many of them run when a picture is repainted.
        /// Left out: the model's recommendation, or 20.
        steps: Option<IntCurve>, in 1.0..=1000.0;
        /// How many of the steps run when a picture is repainted in part; with the sampler `lcm` always all of them, so that
        /// `strength: 0.4, steps: 4, sampler: lcm` calls the network four times. Left out: the model's
        /// recommendation, or `a1111` with samplers of A1111 and `scaled` with those of diffusers.
        steps_mean: Option<StepsMean>;
        /// How strongly the prompt pulls: 1 not at all beyond what the model does, 7 usual. At 1 and below each step takes half the time.
        /// Left out: the model's recommendation, or 7.5.
        cfg: Option<Curve>, in 0.0..=100.0;
        /// How far the contrast that `cfg` adds is taken back, 0 to 1: 0.7 is usual for models of zero terminal SNR, which overexpose
        /// without.
        cfg_rescale: Curve = 0.0, in 0.0..=1.0;
        /// The way through the noise, by A1111's names, in any spelling: `dpmpp_2m`, `DPM++ 2M`, and with the schedule in it
        /// `DPM++ 2M Karras`. These run as in A1111; scheduler classes of diffusers (`EulerDiscreteScheduler`) and `from_model` run
        /// as in diffusers. Left out: the model's recommendation, or `from_model`.
        sampler: Option<Held<SamplerName>>;
        /// How the sampler's noise levels are spread. Left out: what the sampler's name says, or its usual one.
        schedule: Option<Held<ScheduleName>>;
        /// How much of the noise is made anew at each step: 0 none, so that the way is settled by its start. Heeded by the ancestral and
        /// SDE samplers of A1111, by DDIM and TCD. Left out: the sampler's own, which is 1, 0 and 0.3.
        eta: Option<Curve>, in 0.0..=2.0;
        /// Noise added over the whole way and taken off again: 0 none. Heeded by `euler`, `heun` and `dpm2`.
        s_churn: Curve = 0.0, in 0.0..=100.0;
        /// The least noise level (sigma, up to 14.6) at which `s_churn` counts.
        s_tmin: Curve = 0.0, in 0.0..=20.0;
        /// The greatest one. Left out: there is none.
        s_tmax: Option<Curve>, in 0.0..=1000.0;
        /// Scale of all noise that is added on the way.
        s_noise: Curve = 1.0, in 0.0..=2.0;
        /// What is added to the seed for the noise that is added on the way: A1111's "eta noise seed delta", 31337 in some models'
        /// pictures.
        eta_noise_seed_delta: IntCurve = 0;
        /// What the repainted part begins with under the noise, where there is a mask.
        inpaint_fill: InpaintFill = "original";
        /// The `ControlNet` for each picture linked to `control`: a file, a folder, or a name in a `models` folder. Left out: that
        /// in the model's folder, or within the model itself.
        control_model: Option<Vec<PathParam>>;
        /// How closely each is followed: 0 not at all, 1 as trained. A single one holds for all.
        control_scale: Option<Vec<Curve>>, in 0.0..=10.0;
        /// From which part of the steps on it is followed: 0 from the first.
        control_start: Curve = 0.0, in 0.0..=1.0;
        /// To which part of the steps it is followed: 1 to the last.
        control_end: Curve = 1.0, in 0.0..=1.0;
        /// The side in pixels of the tiles in which the model's coder takes large pictures, which saves memory and leaves a trace of
        /// seams; 0 for none. Left out: 1024 for pictures of more than 1.6 megapixels.
        tile: Option<IntCurve>, in 0.0..=16384.0;
        /// Which noise: another number paints another picture. Only its low 32 bits count, with `noise_source: nv` all 64. A number
        /// goes on by one with every painted frame; `fixed` keeps the noise, which is calm where nothing moves but burns in where the painting is fed back. Other ways:
        /// `iter 3`, `random`, `ladder`, `alternate`, each from the timeline's seed or, as `{ start: 7, behavior: ladder }`, from
        /// one of its own. A curve is the seed itself at each frame, and -1 in it draws one.
        seed: Seed = "iter";
        /// Whose random numbers the noise is made of.
        noise_source: NoiseOf = "cpu";
        /// The seed of other noise that is mixed in by `subseed_strength`.
        subseed: IntCurve = 1;
        /// How far the noise is turned towards that of `subseed`: 0 not at all, 1 all the way. Small steps change the picture gently.
        subseed_strength: Curve = 0.0, in 0.0..=1.0;
    }
}

/// The kind `diffusion`.
pub struct Diffusion {
    models: Models,
    controls: Vec<ControlNet>,
    /// The folder of the graph, from which the prompt's LoRAs are looked up.
    base: PathBuf,
}

impl Node for Diffusion {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let problems = cx.differing_sizes(&["image", "init", "mask", "grain"]);
        if !problems.is_empty() {
            return Err(problems);
        }
        let size = cx.size_of(if cx.input("image").is_some() { "image" } else { "init" });
        let mut outlook = Outlook { lane: with_model::lane(cx.engine), ..cx.all_outputs(size) };
        let signed = params.prompt_syntax == PromptSyntax::A1111;
        let keys = if signed { params.prompt.keys(&cx.timeline.moment(0)) } else { Vec::new() };
        let prompts: Vec<PromptAt> = keys.into_iter().map(|frame| params.prompt.now(&cx.timeline.moment(frame))).collect();
        for model in params.model.values() {
            let path = with_model::locate(model).map_err(|problem| vec![problem])?;
            let folder = ModelFolder::open(&path);
            if let Some(error) = folder.as_ref().err().filter(|_| path.is_file()) {
                return Err(vec![problem("model", &error.to_string())]);
            }
            if let (Some(format), Ok(folder)) = (outlook.outputs.last_mut(), folder) {
                let side = |n: usize| n.next_multiple_of(folder.multiple()) / folder.vae.factor();
                *format = Format { size: Size::new(side(size.width), side(size.height)), planes: folder.vae.latent_channels };
            }
            let listed = params.loras.iter().flatten().map(Weighted::file);
            let problems = loras::check(listed, &prompts, model.base(), &path);
            if !problems.is_empty() {
                return Err(problems);
            }
            outlook.models.push(path);
        }
        if params.prompt_syntax == PromptSyntax::A1111 {
            outlook.warnings = warnings(&params.prompt, &cx.timeline);
        }
        Ok(outlook)
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let options = SessionOptions::new(&cx.engine.devices, cx.engine.threads)?;
        let controls = control::open(params.control_model.as_deref(), &options)?;
        let now = Self::now(params, &cx.timeline.moment(0));
        let base = params.model.values().next().map_or_else(PathBuf::new, |model| model.base().to_path_buf());
        let models = Models::open(&params.model, options, &|model| wished(&now, &base, model))?;
        Ok((Self { models, controls, base }, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let image = inputs.image.as_ref().or(inputs.init.as_ref());
        let pipeline = self.models.at(&cx.moment, &|model| wished(&now, &self.base, model))?;
        let folder = pipeline.folder();
        let strength = now.strength.or(folder.defaults.strength).unwrap_or(STRENGTH);
        if let Some(image) = image.filter(|_| strength <= 0.0 && inputs.latents.is_none() && !cx.wants("latents")) {
            return Ok(Outputs { image: Some(image.clone()), latents: None });
        }
        let given = inputs.latents.map(|Latent(raster)| batch_of_one(&raster));
        let mask = inputs.mask.as_ref().filter(|_| image.is_some() || given.is_some());
        let steps = now.steps.unwrap_or_else(|| folder.defaults.steps.map_or(STEPS, |n| n as i64));
        let seed = now.seed.nth(if inputs.grain.is_some() { 0 } else { cx.count });
        let following = inputs.grain.as_ref().map(|grain| Following { grain, key: cx.random_key(seed) });
        let prompts = Reading {
            syntax: now.prompt_syntax.into(),
            emphasis: now.emphasis.into(),
            clip_skip: now.clip_skip.and_then(|skip| usize::try_from(skip).ok()).unwrap_or(0),
        };
        let wording = Wording::new(now.prompt, now.negative, now.prompt_blend, prompts);
        let followed = inputs.control.unwrap_or_default();
        let scales = now.control_scale.unwrap_or_default();
        let size = image.map_or(cx.moment.size, Frame::size);
        let tile = now.tile.map(|tile| usize::try_from(tile).unwrap_or(0));
        let named = now.sampler;
        let sampler = named.map_or_else(|| folder.sampler(), |named| named.kind);
        let churn = Churn { amount: now.s_churn, min: now.s_tmin, max: now.s_tmax.unwrap_or(f64::INFINITY) };
        let sampler_options = SamplerOptions { eta: now.eta, churn, noise: now.s_noise, seed_delta: now.eta_noise_seed_delta };
        let request = Request {
            pictures: &[Picture { prompt: wording.prompt(), negative: wording.negative(), image, latents: given.as_ref(), mask }],
            size,
            steps: usize::try_from(steps).unwrap_or(1).max(1),
            strength,
            reading: now.steps_mean.map(Into::into).or(folder.reading()).unwrap_or(sampler.reading()),
            guidance: now.cfg.or(folder.defaults.guidance_scale).unwrap_or(CFG) as f32,
            guidance_rescale: now.cfg_rescale as f32,
            sampler,
            schedule: now.schedule.map_or(named.and_then(|named| named.schedule), ScheduleName::schedule),
            sampler_options,
            prompts: wording.reading,
            seeds: Seeds::One(seed as u64),
            following,
            noise_source: now.noise_source.into(),
            variation: Some(Variation { seed: now.subseed as u64, strength: now.subseed_strength }).filter(|v| v.strength > 0.0),
            fill: now.inpaint_fill.into(),
            controls: &control::all(&followed, &self.controls, &scales, (now.control_start, now.control_end)),
            framing: None,
            tile,
        };
        let latents = pipeline.denoise(&request, &mut |_| {})?;
        let painted = if cx.wants("image") { pipeline.decode(&latents, size, tile)?.into_iter().next() } else { None };
        Ok(Outputs { image: painted.map(|painted| dressed(painted, image, mask)), latents: cx.wants("latents").then(|| value_of(latents)) })
    }

    fn finish(&self, _state: &mut (), _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(with_model::notes(self.models.current().map(|pipeline| Arc::clone(pipeline.session())).as_ref()))
    }
}

/// The LoRAs that are wanted at a tick with the model at `model`.
fn wished(now: &Now, base: &Path, model: &Path) -> Result<Vec<Wish>, Fault> {
    let prompt = Some(&now.prompt).filter(|_| now.prompt_syntax == PromptSyntax::A1111);
    loras::wishes(now.loras.as_deref().unwrap_or_default(), prompt, now.prompt_blend != PromptBlend::Hold, base, model)
}

/// What is wrong with the parameter `at`.
fn problem(at: &'static str, text: &str) -> Problem {
    let (fact, advice) = split_advice(text);
    let problem = Problem::error(at, fact);
    advice.map_or(problem.clone(), |advice| problem.help(advice))
}

/// The planes of a link as the model takes them.
fn batch_of_one(raster: &Raster) -> Latents {
    let size = raster.size();
    Latents { shape: [1, raster.planes(), size.height, size.width], data: raster.data().to_vec() }
}

/// The planes of the one picture in `latents`.
fn value_of(latents: Latents) -> Latent {
    let [_, planes, height, width] = latents.shape;
    Latent(Raster::from_vec(Size::new(width, height), planes, latents.data))
}

/// `painted` with the transparency and colour tags of what it was painted over, and where `mask` says so its colours.
fn dressed(painted: Raster, over: Option<&Frame>, mask: Option<&Mask>) -> Frame {
    let Some(over) = over else { return Frame::new(painted, ColorTags::default()) };
    let mut raster = painted;
    if over.has_alpha() {
        let mut whole = over.raster.clone();
        for (plane, colors) in whole.planes_mut().zip(raster.data().chunks_exact(raster.size().area().max(1))) {
            plane.copy_from_slice(colors);
        }
        raster = whole;
    }
    Frame::new(protected(&over.raster, raster, mask), over.tags)
}

#[cfg(test)]
mod tests;
