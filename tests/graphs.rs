//! Every file in `graphs/` and `nodes/` is a test.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

use frameloom::Loom;
use frameloom::exec::{self, RunOptions, StopFlag};

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn first_line(path: &Path) -> String {
    fs::read_to_string(path).unwrap().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn every_graph_says_what_one_will_see_and_plans() {
    let files = yaml_files("graphs");
    assert!(files.len() >= 4);
    for path in files {
        assert!(first_line(&path).starts_with("# What one will see: "), "{}", path.display());
        let plan = Loom::new().plan(&path, &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        assert!(plan.timeline.length.is_some_and(|frames| frames > 10), "{}", path.display());
    }
}

/// Five frames of every graph, through the real models and codecs, into a folder of their own.
#[test]
fn every_graph_runs() {
    for path in yaml_files("graphs") {
        let folder = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let written = text.split("path: ../out/").nth(1).and_then(|rest| rest.split([' ', '}', ',']).next()).unwrap().to_owned();
        let text = text.replace("../out/", &format!("{}/", folder.path().display()));
        let out = folder.path().join(written);
        let mut loom = Loom::new();
        loom.options.max_frames = Some(5);
        let plan = loom.plan_text(&text, path.parent().unwrap(), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        let report = exec::run(&plan, &RunOptions { depth: 3, from: 0 }, &|_: &exec::Event| {}, &StopFlag::default());
        let report = report.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(report.frames, 5 * plan.rate, "{}", path.display());
        assert!(out.metadata().unwrap().len() > 1000, "{}", path.display());
    }
}

#[test]
fn the_first_graph_of_the_readme_plans() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let graph = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let plan = Loom::new().plan_text(graph, root, &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
    assert_eq!(plan.nodes.len(), 7);
}

/// A link for the input `name` of a preset, to a node of the graph below that makes what inputs of this name usually take.
fn link(name: &str) -> String {
    let from = match name {
        "image" => "{ from: used@-1, initial: clip }",
        "depth" => "near",
        "mask" => "where",
        "flow" => "moved",
        "motion" => "turned.motion",
        _ => "clip",
    };
    format!(", {name}: {from}")
}

/// The inputs that the preset in `path` declares, or of one that names a kind or another preset, those that this needs.
fn inputs(path: &Path, loom: &Loom) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let preset: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    if let Some(inputs) = preset["inputs"].as_object() {
        return inputs.keys().cloned().collect();
    }
    let Some(name) = preset["kind"].as_str() else { return Vec::new() };
    let base = path.with_file_name(format!("{name}.yaml"));
    if base.is_file() {
        return inputs(&base, loom);
    }
    let kind = loom.registry.get(name);
    let needed = kind.iter().flat_map(|kind| kind.spec().inputs.iter()).filter(|input| !input.shape.optional);
    needed.map(|input| input.name.to_owned()).collect()
}

/// The parameters that the preset in `path` declares without a default.
fn needed_params(path: &Path) -> Vec<String> {
    let preset: serde_json::Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let optional = |param: &serde_json::Value| param.get("default").is_some() || param["optional"] == true;
    let params = preset["params"].as_object().into_iter().flatten();
    params.filter(|(_, param)| !optional(param)).map(|(name, _)| name.clone()).collect()
}

/// A value for a parameter of that name.
fn setting(name: &str) -> String {
    let value = match name {
        "images" => "{ 0: assets/meadow.jpg }",
        "model" => "mini",
        "prompt" => "comic",
        "video" | "path" | "init" => "assets/bigbuckbunny.mp4",
        _ => "1",
    };
    format!(", {name}: {value}")
}

#[test]
fn every_preset_says_what_it_is_for_and_can_be_used() {
    let files = yaml_files("nodes");
    assert!(!files.is_empty());
    let loom = Loom::new();
    for path in files {
        assert!(first_line(&path).starts_with("# "), "{}", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut links: String = inputs(&path, &loom).iter().map(|name| link(name)).collect();
        links.extend(needed_params(&path).iter().map(|name| setting(name)));
        let graph = format!(
            "frameloom: 1\ntimeline: {{ size: [64, 36], fps: 25, length: 4 }}\nnodes:\n  clip: {{ kind: pattern, pattern: bars }}\n  \
             near: {{ kind: depth, image: clip }}\n  where: {{ kind: mask, image: clip }}\n  turned: {{ kind: warp, image: clip }}\n  \
             moved: {{ kind: flow, from: clip@-1, to: clip }}\n  used: {{ kind: {name}{links} }}\n  \
             file: {{ kind: image_output, image: used, path: x-%d.png }}\n"
        );
        let base = path.parent().unwrap().parent().unwrap();
        if let Err(rejected) = loom.plan_text(&graph, base, &[]) {
            panic!("{name}: {rejected}");
        }
    }
}

#[test]
fn the_graph_of_the_page_on_sound_plans() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/sound.md")).unwrap();
    let graph = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let plan = Loom::new().plan_text(graph, root, &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
    assert_eq!(plan.timeline.length, Some(200), "as long as the sound: eight seconds at 25 fps");
}
