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
        let out = folder.path().join("clip.mkv");
        let text = fs::read_to_string(&path).unwrap();
        let written = text.split("path: ../out/").nth(1).and_then(|rest| rest.split([' ', '}', ',']).next()).unwrap().to_owned();
        let text = text.replace(&format!("../out/{written}"), &out.display().to_string());
        let mut loom = Loom::new();
        loom.options.max_frames = Some(5);
        let plan = loom.plan_text(&text, path.parent().unwrap(), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        let report = exec::run(&plan, &RunOptions { depth: 3, from: 0 }, &|_: &exec::Event| {}, &StopFlag::default());
        let report = report.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(report.frames, 5, "{}", path.display());
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

#[test]
fn every_preset_says_what_it_is_for_and_can_be_used() {
    let files = yaml_files("nodes");
    assert!(!files.is_empty());
    for path in files {
        assert!(first_line(&path).starts_with("# "), "{}", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let graph = format!(
            "frameloom: 1\ntimeline: {{ size: [64, 36], fps: 25, length: 4 }}\nnodes:\n  clip: {{ kind: pattern, pattern: bars }}\n  \
             near: {{ kind: depth, image: clip }}\n  used: {{ kind: {name}, image: {{ from: used@-1, initial: clip }}, depth: near }}\n  \
             file: {{ kind: image_output, image: used, path: x-%d.png }}\n"
        );
        let base = path.parent().unwrap().parent().unwrap();
        // A preset of a kind without depth refuses the link: then it is used without.
        let plain = graph.replace(", depth: near", "").replace("  near: { kind: depth, image: clip }\n", "");
        let loom = Loom::new();
        if let (Err(with), Err(without)) = (loom.plan_text(&graph, base, &[]), loom.plan_text(&plain, base, &[])) {
            panic!("{name}: {with}\n{without}");
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
