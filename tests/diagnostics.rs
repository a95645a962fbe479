//! Every wrong graph in `tests/diagnostics/` says what is wrong, in words that are pinned beside it.
//!
//! A case is `NAME.yaml`; the rendered findings are in `NAME.txt`. A case whose name begins with `plan_` is also planned, with the
//! built-in kinds. Lines such as `#! --set strength=2` and `#! --params FILE` give it the command line's settings.
//! `UPDATE_SNAPSHOTS=1 cargo test --test diagnostics` writes the `.txt` files anew.

#![allow(clippy::expect_used)] // a test may panic, in its helpers too

use std::path::{Path, PathBuf};

use frameloom::cli::render::{render_json, render_text};
use frameloom::diag::{Diagnostic, Diagnostics, Sources};
use frameloom::document::{Graph, Kinds, LoadOptions, Role, load, parse_link};
use frameloom::node::Registry;
use frameloom::plan::{EngineBlock, PlanOptions, plan};

/// The kinds that the cases use, with the arguments that expansion has to know.
struct Known;

const KINDS: [(&str, &[&str], &[&str]); 7] = [
    ("video_input", &[], &["path"]),
    ("depth", &["image"], &[]),
    ("warp", &["image"], &[]),
    ("depth_warp", &["image", "depth"], &[]),
    ("noise", &["image", "mask"], &[]),
    ("diffusion", &["image", "mask"], &[]),
    ("encoder", &["image", "audio"], &["path"]),
];

impl Kinds for Known {
    fn is_kind(&self, name: &str) -> bool {
        KINDS.iter().any(|(kind, ..)| *kind == name)
    }

    fn names(&self) -> Vec<&str> {
        KINDS.iter().map(|(kind, ..)| *kind).collect()
    }

    fn role(&self, kind: &str, key: &str) -> Role {
        match KINDS.iter().find(|(name, ..)| *name == kind) {
            Some((_, inputs, _)) if inputs.contains(&key) => Role::Input,
            Some((_, _, paths)) if paths.contains(&key) => Role::Path,
            _ => Role::Curve,
        }
    }
}

/// All that is said of one case; `registry` plans it with the built-in kinds.
fn findings(path: &Path, registry: Option<&Registry>) -> (Diagnostics, Sources) {
    let text = String::from_utf8_lossy(&std::fs::read(path).expect("readable")).into_owned();
    let given =
        |option: &str| text.lines().filter_map(|line| line.strip_prefix("#! ")?.strip_prefix(option)).map(str::trim).collect::<Vec<_>>();
    let set: Vec<String> = given("--set ").into_iter().map(str::to_owned).collect();
    let folder = path.parent().expect("in a folder");
    let params_files: Vec<PathBuf> = given("--params ").into_iter().map(|file| folder.join(file)).collect();
    let mut sources = Sources::default();
    let kinds: &dyn Kinds = registry.map_or(&Known, |registry| registry);
    let options = LoadOptions { set: &set, params_files: &params_files, kinds };
    let (graph, mut diags) = load(path, &options, &mut sources);
    match (graph, registry) {
        (Some(graph), Some(registry)) => {
            let _ = EngineBlock::read(graph.engine.as_ref(), &mut diags);
            diags.extend(plan(&graph, registry, &PlanOptions::default()).1);
        }
        (Some(graph), None) => diags.extend(wrong_links(&graph)),
        (None, _) => {}
    }
    diags.sort();
    (diags, sources)
}

/// Reads every input as a link, as the plan would.
fn wrong_links(graph: &Graph) -> Vec<Diagnostic> {
    let args = graph.nodes.iter().flat_map(|node| node.args.iter().map(move |arg| (node, arg)));
    let inputs = args.filter(|(_, arg)| arg.role == Role::Input);
    inputs.filter_map(|(node, arg)| parse_link(&arg.value).err().map(|found| node.placed(arg, found))).collect()
}

/// The text without what differs from machine to machine: lists of folders, one a line, from the root of the file system.
fn anywhere(rendered: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for line in rendered.lines() {
        let line = if Path::new(line.trim_start()).is_absolute() { "            (folders)" } else { line };
        if out.last() != Some(&line) || !line.ends_with("(folders)") {
            out.push(line);
        }
    }
    out.join("\n") + if out.is_empty() { "" } else { "\n" }
}

/// The cases, by name: those that are planned, or the others.
fn cases(planned: bool) -> Vec<PathBuf> {
    let files = std::fs::read_dir("tests/diagnostics").expect("the folder").map(|entry| entry.expect("an entry").path());
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("plan_") == planned);
    let mut cases: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ext| ext == "yaml") && named(path)).collect();
    cases.sort();
    cases
}

#[test]
fn wrong_documents_are_told_what_is_wrong() {
    walk(&cases(false), None);
}

#[test]
fn wrong_plans_are_told_what_is_wrong() {
    let mut registry = Registry::default();
    frameloom::nodes::add_all(&mut registry).expect("names that differ");
    walk(&cases(true), Some(&registry));
}

fn walk(cases: &[PathBuf], registry: Option<&Registry>) {
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    assert!(cases.len() >= 20);
    let mut differ = Vec::new();
    for path in cases {
        let (diags, sources) = findings(path, registry);
        let rendered = anywhere(&render_text(&diags, &sources, false));
        let pinned = path.with_extension("txt");
        if update {
            std::fs::write(&pinned, &rendered).expect("writable");
        } else if std::fs::read_to_string(&pinned).unwrap_or_default() != rendered {
            differ.push(format!("{}:\n{rendered}", path.display()));
        }
        let json: serde_json::Value = serde_json::from_str(&render_json(&diags, &sources)).expect("valid JSON");
        assert_eq!(json.as_array().map(Vec::len), Some(diags.0.len()));
        assert!(!diags.0.is_empty(), "{} has nothing wrong with it", path.display());
        for found in &diags.0 {
            assert!(!found.message.ends_with('.') && !found.message.starts_with(char::is_uppercase), "{}", found.message);
        }
    }
    assert!(differ.is_empty(), "{} cases differ from their .txt:\n\n{}", differ.len(), differ.join("\n"));
}
