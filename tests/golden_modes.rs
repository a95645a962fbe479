//! The presets of Deforum's animation modes, run whole with the diffusion that painted its traces, against what its render loop
//! asked of that diffusion and the frames it wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, missing_docs, reason = "tests")]

#[path = "support/golden.rs"]
mod golden;

use std::fmt::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use frameloom::Loom;
use frameloom::diag::{Sources, Span};
use frameloom::frame::Raster;
use frameloom::param::{Curve, Data, Moment, Param, PromptAt, ReadCx};
use golden::{Golden, psnr};
use serde_json::Value;

/// What a diffusion was asked to paint.
#[derive(Debug, Clone)]
struct Asked {
    tick: u64,
    seed: i64,
    steps: i64,
    strength: f64,
    cfg: f64,
    subseed: (i64, f64),
    prompt: PromptAt,
    /// The mean colour of what it paints over, 0 to 255.
    over: Option<[f64; 3]>,
}

/// One run of a trace: what its kinds share.
struct Stage {
    diffusion: String,
    photo: Raster,
    depth: Option<Raster>,
    asked: Vec<Asked>,
    frames: Vec<Raster>,
}

static STAGE: Mutex<Option<Stage>> = Mutex::new(None);

fn stage() -> MutexGuard<'static, Option<Stage>> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fake diffusions of the traces: from nothing a photo, from a picture a function of it.
mod painter {
    use frameloom::frame::{ColorTags, Frame, Raster};
    use frameloom::node::{Fault, Halt, Node, Open, Tick, node};
    use frameloom::param::{Curve, IntCurve, Prompt, Seed};

    node! {
        "diffusion" => Painter
        inputs {
            image: Option<Frame>,
            init: Option<Frame>,
        }
        outputs { image: Frame }
        params {
            model: String;
            prompt: Prompt;
            negative: Prompt = "";
            prompt_blend: Option<String>;
            strength: Curve = 0.0;
            steps: IntCurve = 25;
            steps_mean: Option<String>;
            cfg: Curve = 7.0;
            sampler: Option<String>;
            seed: Seed = "iter";
            subseed: IntCurve = -1;
            subseed_strength: Curve = 0.0;
        }
    }

    pub struct Painter;

    fn painted(name: &str, mut over: Raster) -> Raster {
        match name {
            "identity" => {}
            "invert" => over.data_mut().iter_mut().for_each(|v| *v = 1.0 - *v),
            "halfred" => {
                over.plane_mut(0).iter_mut().for_each(|v| *v = (*v + 20.0 / 255.0).min(1.0));
                over.plane_mut(2).iter_mut().for_each(|v| *v = (*v - 20.0 / 255.0).max(0.0));
            }
            "shift5" => {
                let width = over.size().width;
                over.data_mut().chunks_exact_mut(width).for_each(|row| row.rotate_right(5));
            }
            other => panic!("no fake diffusion is called {other}"),
        }
        over
    }

    impl Node for Painter {
        type State = ();

        fn open(_: &Params, _: &Open<'_>) -> Result<(Self, ()), Fault> {
            Ok((Self, ()))
        }

        fn fire(&self, (): &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
            let over = inputs.image.or(inputs.init);
            let mut stage = super::stage();
            let stage = stage.as_mut().unwrap();
            stage.asked.push(super::Asked {
                tick: cx.tick(),
                seed: now.seed.nth(cx.count),
                steps: now.steps,
                strength: now.strength,
                cfg: now.cfg,
                subseed: (now.subseed, now.subseed_strength),
                prompt: now.prompt,
                over: over.as_ref().map(|frame| super::means(&frame.raster)),
            });
            let raster = over.map_or_else(|| stage.photo.clone(), |frame| painted(&stage.diffusion, frame.raster));
            Ok(Outputs { image: Frame::new(raster, ColorTags::SRGB) })
        }
    }
}

/// The depth that the traces were given.
mod measured {
    use frameloom::frame::{Depth, Frame};
    use frameloom::node::{Fault, Halt, Node, Open, Tick, node};

    node! {
        "depth" => Measured
        inputs { image: Frame }
        outputs { depth: Depth }
        params { model: String; }
    }

    pub struct Measured;

    impl Node for Measured {
        type State = ();

        fn open(_: &Params, _: &Open<'_>) -> Result<(Self, ()), Fault> {
            Ok((Self, ()))
        }

        fn fire(&self, (): &mut (), _: &Tick<'_>, _: Inputs, _: Now) -> Result<Outputs, Halt> {
            let depth = super::stage().as_ref().and_then(|stage| stage.depth.clone()).ok_or_else(|| Fault::new("no depth"))?;
            Ok(Outputs { depth: Depth::new(depth) })
        }
    }
}

mod collector {
    use frameloom::frame::Frame;
    use frameloom::node::{Fault, Halt, Node, Open, Tick, node};

    node! {
        "collector" => Collector
        inputs { image: Frame }
    }

    pub struct Collector;

    impl Node for Collector {
        type State = u64;

        fn open(_: &Params, _: &Open<'_>) -> Result<(Self, u64), Fault> {
            Ok((Self, 0))
        }

        fn fire(&self, _: &mut u64, _: &Tick<'_>, inputs: Inputs, _: Now) -> Result<Outputs, Halt> {
            super::stage().as_mut().unwrap().frames.push(inputs.image.raster);
            Ok(Outputs {})
        }
    }
}

fn means(raster: &Raster) -> [f64; 3] {
    let area = raster.size().area() as f64;
    std::array::from_fn(|c| 255.0 * raster.plane(c).iter().map(|v| f64::from(*v)).sum::<f64>() / area)
}

/// Deforum's settings of a trace; what a trace does not name has its neutral value.
struct Settings<'a>(&'a Value);

impl Settings<'_> {
    fn text(&self, key: &str, neutral: &str) -> String {
        self.0[key].as_str().unwrap_or(neutral).to_owned()
    }

    fn on(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or(false)
    }

    fn frames(&self) -> u64 {
        self.0["max_frames"].as_u64().unwrap()
    }

    /// By how many levels a mean may differ at a tick: Deforum rounds to 8 bits after every step, its 3D warps cut off half a level
    /// each, and its colour matches calculate in 8 bits with red and blue exchanged.
    fn lost(&self, tick: u64) -> f64 {
        let warps = if self.0["animation_mode"] == "3D" { 0.75 * tick as f64 } else { 0.0 };
        let matches = if self.text("color_coherence", "None") == "None" { 0.0 } else { 4.0 };
        1.5 + warps + matches
    }

    /// The values of a schedule over time.
    fn values(&self, key: &str, neutral: &str) -> Vec<f64> {
        let mut sources = Sources::default();
        let text = self.text(key, neutral);
        let span = Span::new(sources.add("schedule", text.as_str()), 0, text.len());
        let curve = Curve::read(&Data::new(span, frameloom::param::Value::Text(text)), &ReadCx { base: ".".into() }).expect("a schedule");
        let length = self.frames();
        (0..length).map(|tick| curve.now(&Moment { tick, length: Some(length), seed: 1000, ..Moment::default() })).collect()
    }

    /// Deforum's strength as denoising strength, the first frame's from the init tab.
    fn strength(&self) -> String {
        let mut values = self.values("strength_schedule", "0:(0.65)");
        if self.on("use_init") && self.0["animation_mode"] != "Video Input" {
            values[0] = self.0["strength"].as_f64().unwrap_or(0.8);
        }
        let keys: Vec<_> = values.iter().enumerate().map(|(tick, value)| format!("{tick}: ({})", 1.0 - value)).collect();
        keys.join(", ")
    }

    fn seed(&self) -> String {
        match self.0["seed_behavior"].as_str().unwrap_or("iter") {
            "schedule" => format!("{:?}", self.text("seed_schedule", "0:(s)")),
            "iter" => format!("{{ start: 1000, behavior: iter, every: {} }}", self.0["seed_iter_N"].as_i64().unwrap_or(1)),
            other => format!("{{ start: 1000, behavior: {other} }}"),
        }
    }

    /// Why the presets cannot say what this trace does, if they cannot.
    fn beyond(&self, trace: &Value) -> Option<&'static str> {
        let of = |key: &str| self.0.get(key).is_some_and(|v| *v != false && *v != "None" && *v != "0");
        let hybrid = ["hybrid_composite", "hybrid_motion"].iter().any(|key| of(key));
        let name = trace["name"].as_str().unwrap_or_default();
        if !trace["error"].is_null() {
            Some("Deforum itself stops at it")
        } else if of("video_init_path") && (hybrid || of("use_mask_video")) {
            Some("hybrid video is composed of nodes of its own")
        } else if name.starts_with("guided") || of("use_looper") {
            Some("guided images are composed of nodes of their own")
        } else if of("diffusion_redo") || of("optical_flow_redo_generation") {
            Some("a redo is another diffusion node")
        } else if of("resume_from_timestring") {
            Some("its frames begin with those of another run")
        } else if of("use_mask") || of("use_noise_mask") {
            Some("its masks are composed of nodes of their own")
        } else {
            None
        }
    }

    /// The prompts of Interpolation: those that the trace shows unmixed are the keys.
    fn prompts(trace: &Value) -> String {
        let asked = trace["ops"].as_array().unwrap().iter().filter(|op| op["op"] == "generate");
        let keys = asked.filter_map(|op| Some((op["frame"].as_u64()?, op["prompt"].as_str().filter(|text| !text.contains(" AND "))?)));
        let keys: Vec<_> = keys.map(|(frame, text)| format!("{frame}: {:?}", text.split("--neg").next().unwrap().trim())).collect();
        format!("{{ {} }}", keys.join(", "))
    }

    fn graph(&self, trace: &Value) -> String {
        let mut run = String::new();
        let mut set = |key: &str, value: String| write!(run, ", {key}: {value}").unwrap();
        let schedule = |key: &str, neutral: &str| format!("{:?}", self.text(key, neutral));
        let preset = match self.0["animation_mode"].as_str().unwrap() {
            "2D" => "deforum_2d",
            "3D" => "deforum_3d",
            "Video Input" => "deforum_video",
            "Interpolation" => "deforum_interpolation",
            other => panic!("no preset for {other}"),
        };
        set("model", "fake".into());
        set("prompt", if preset == "deforum_interpolation" { Self::prompts(trace) } else { "a".into() });
        set("seed", self.seed());
        set("cfg", schedule("cfg_scale_schedule", "0:(7)"));
        set("steps", if self.on("enable_steps_scheduling") { schedule("steps_schedule", "0:(25)") } else { "25".into() });
        if self.on("enable_subseed_scheduling") {
            set("subseed", schedule("subseed_schedule", "0:(1)"));
            set("subseed_strength", schedule("subseed_strength_schedule", "0:(0)"));
        }
        if preset != "deforum_interpolation" {
            set("strength", format!("{:?}", self.strength()));
        }
        if matches!(preset, "deforum_2d" | "deforum_3d") {
            set("cadence", self.0["diffusion_cadence"].to_string());
            for (ours, theirs, neutral) in [
                ("translation_x", "translation_x", "0:(0)"),
                ("translation_y", "translation_y", "0:(0)"),
                ("noise_amount", "noise_schedule", "0:(0)"),
                ("contrast", "contrast_schedule", "0:(1)"),
                ("antiblur_amount", "amount_schedule", "0:(0)"),
                ("antiblur_kernel", "kernel_schedule", "0:(5)"),
                ("antiblur_sigma", "sigma_schedule", "0:(1)"),
                ("antiblur_threshold", "threshold_schedule", "0:(0)"),
            ] {
                set(ours, schedule(theirs, neutral));
            }
            let spaces = ["None", "RGB", "HSV", "LAB"];
            let space = self.text("color_coherence", "None");
            assert!(spaces.contains(&space.as_str()), "{space}");
            set("color_amount", u8::from(space != "None").to_string());
            set("color_again", u8::from(space != "None" && !self.on("legacy_colormatch")).to_string());
            set("color_space", if space == "None" { "lab".into() } else { space.to_lowercase() });
        }
        if preset == "deforum_2d" {
            for key in ["angle", "perspective_flip_theta", "perspective_flip_phi", "perspective_flip_gamma"] {
                set(key, schedule(key, "0:(0)"));
            }
            set("zoom", schedule("zoom", "0:(1)"));
            set("perspective_flip_fv", schedule("perspective_flip_fv", "0:(53)"));
        }
        if preset == "deforum_3d" {
            for key in ["translation_z", "rotation_3d_x", "rotation_3d_y", "rotation_3d_z"] {
                set(key, schedule(key, "0:(0)"));
            }
            set("fov", schedule("fov_schedule", "0:(70)"));
        }
        let mut nodes = String::new();
        if preset == "deforum_video" {
            // The clip of the traces is not among the data; what is asked does not depend on it.
            writeln!(nodes, "  clip: {{ kind: pattern, pattern: moving_bars }}").unwrap();
            set("image", "clip".into());
        } else if self.on("use_init") {
            let init = golden::path(&self.text("init_image", "photo.png"));
            writeln!(nodes, "  init: {{ kind: image_input, path: {:?} }}", init.to_string_lossy()).unwrap();
            set("init", "init".into());
        }
        format!(
            "frameloom: 1\ntimeline: {{ size: [192, 128], fps: 15, length: {}, seed: 1000 }}\nnodes:\n{nodes}  \
               run: {{ kind: {preset}{run} }}\n  out: {{ kind: collector, image: run }}\n",
            self.trace_length()
        )
    }

    /// Video Input ends with its clip.
    fn trace_length(&self) -> u64 {
        if self.0["animation_mode"] == "Video Input" { self.frames().min(8) } else { self.frames() }
    }
}

fn perform(settings: &Settings<'_>, trace: &Value, golden: &Golden) -> Option<Stage> {
    let diffusion = trace["diffusion"].as_str().unwrap();
    let photo = golden.picture("photo.png")?;
    let depth = golden.npy("depth.npy").map(golden::Npy::raster);
    *stage() = Some(Stage { diffusion: diffusion.to_owned(), photo, depth, asked: Vec::new(), frames: Vec::new() });
    let mut loom = Loom::new();
    loom.registry.replace::<painter::Painter>().unwrap().replace::<measured::Measured>().unwrap();
    loom.add::<collector::Collector>().unwrap();
    let text = settings.graph(trace);
    let plan = loom.plan_text(&text, Path::new(""), &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{text}"));
    loom.run(&plan, &|_: &frameloom::exec::Event| {}).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut stage = stage().take();
    // Where nothing joins the frames they are painted in any order.
    if let Some(stage) = &mut stage {
        stage.asked.sort_by_key(|asked| asked.tick);
    }
    stage
}

/// What Deforum asked of its diffusion against what ours was asked.
fn check_asked(name: &str, trace: &Value, settings: &Settings<'_>, asked: &[Asked]) {
    let wanted: Vec<&Value> = trace["ops"].as_array().unwrap().iter().filter(|op| op["op"] == "generate").collect();
    assert_eq!(asked.len(), wanted.len(), "{name}: {asked:?}");
    let video = settings.0["animation_mode"] == "Video Input";
    for (ours, wanted) in asked.iter().zip(wanted) {
        let ours_tick = ours.tick;
        let at = format!("{name} at frame {ours_tick}: {ours:?}\n{wanted}");
        let number = |key: &str| wanted[key].as_f64().unwrap();
        assert_eq!(ours.tick, wanted["frame"].as_u64().unwrap(), "{at}");
        // What is drawn at random is drawn otherwise; -1 asks for that.
        if settings.0["seed_behavior"] != "random" && number("seed") >= 0.0 {
            assert_eq!(ours.seed as f64, number("seed"), "{at}");
        }
        assert_eq!(ours.steps as f64, number("steps"), "{at}");
        assert_eq!(ours.cfg, number("cfg"), "{at}");
        if settings.on("enable_subseed_scheduling") {
            assert_eq!(ours.subseed.0 as f64, number("subseed"), "{at}");
            assert!((ours.subseed.1 - number("subseed_strength")).abs() < 1e-9, "{at}");
        }
        if let Some((_, to)) = wanted["prompt"].as_str().unwrap().split("--neg").next().unwrap().split_once(" AND ") {
            let weight: f64 = to.rsplit_once("):").unwrap().1.trim().parse().unwrap();
            assert!((ours.prompt.mix - weight).abs() < 1e-9, "{at}");
        }
        assert_eq!(ours.over.is_some(), wanted["pipeline"] == "img2img", "{at}");
        let (Some(over), Some(mean)) = (ours.over, wanted["init_mean_rgb"].as_array()) else { continue };
        assert!((ours.strength - number("denoising_strength")).abs() < 1e-9, "{at}");
        if !video && settings.0["optical_flow_cadence"].is_null() {
            let near = over.iter().zip(mean).all(|(ours, wanted)| (ours - wanted.as_f64().unwrap()).abs() < settings.lost(ours_tick));
            assert!(near, "{at}");
        }
    }
}

/// The frames that Deforum wrote against ours; how many there were.
fn check_frames(name: &str, trace: &Value, settings: &Settings<'_>, frames: &[Raster], golden: &Golden) -> usize {
    assert_eq!(frames.len() as u64, settings.trace_length(), "{name}: no frame is lost");
    if !settings.0["optical_flow_cadence"].is_null() {
        println!("golden modes: the frames of {name} are not compared, its flow is applied a few percent strong");
        return 0;
    }
    let mut count = 0;
    for tick in trace["emitted_frames"].as_array().unwrap().iter().map(|tick| tick.as_u64().unwrap() as usize) {
        let Some(expected) = golden.picture(&format!("trace/{name}/{tick:04}.png")) else { continue };
        let mut ours = frames[tick].clone();
        let (seen, wanted) = (means(&ours), means(&expected));
        for (plane, (seen, wanted)) in ours.planes_mut().zip(seen.iter().zip(wanted)) {
            let shift = ((wanted - seen) / 255.0) as f32;
            for v in plane.iter_mut() {
                *v += shift;
            }
        }
        let quality = psnr(&ours, &expected);
        let lost = settings.lost(tick as u64 + 1);
        assert!(seen.iter().zip(wanted).all(|(a, b)| (a - b).abs() < lost), "{name} {tick}: {seen:.2?} instead of {wanted:.2?}");
        let least = if settings.text("color_coherence", "None") == "None" { 36.0 } else { 28.0 };
        assert!(quality > least, "{name} {tick}: {quality:.1} dB");
        count += 1;
    }
    count
}

fn check(file: &str) -> (usize, usize) {
    let Some(golden) = Golden::open("modes", file) else { return (0, 0) };
    let (mut runs, mut frames) = (0, 0);
    for trace in golden.params.as_array().unwrap() {
        let (name, settings) = (trace["name"].as_str().unwrap(), Settings(&trace["settings"]));
        if let Some(why) = settings.beyond(trace) {
            println!("golden modes: {name} is left out: {why}");
            continue;
        }
        let Some(stage) = perform(&settings, trace, &golden) else { continue };
        check_asked(name, trace, &settings, &stage.asked);
        let pictures = trace["emitted_frames"].is_array() && file.ends_with("traces.json");
        frames += if pictures { check_frames(name, trace, &settings, &stage.frames, &golden) } else { 0 };
        runs += 1;
    }
    (runs, frames)
}

/// One test, since the fake kinds share one stage.
#[test]
fn golden_modes() {
    let (with, frames) = check("deforum/trace/traces.json");
    let (without, _) = check("deforum/trace/traces_ops_only.json");
    println!("golden modes: {} cases, {frames} frames", with + without);
}
