use std::path::{Path, PathBuf};

use super::*;
use crate::diag::{Diagnostics, Sources};
use crate::param::Value;

/// Kinds whose inputs are `image` and `depth`, and whose path is `path`; all else is a curve.
struct Known;

impl Kinds for Known {
    fn is_kind(&self, name: &str) -> bool {
        self.names().contains(&name)
    }

    fn names(&self) -> Vec<&str> {
        vec!["video_input", "depth", "warp", "depth_warp", "noise", "diffusion", "encoder"]
    }

    fn main_output(&self, kind: &str) -> Option<&str> {
        (kind == "depth").then_some("depth")
    }

    fn role(&self, _kind: &str, key: &str) -> Role {
        match key {
            "image" | "depth" | "mask" => Role::Input,
            "path" => Role::Path,
            "prompt" => Role::Other,
            _ => Role::Curve,
        }
    }
}

fn with(text: &str, set: &[&str]) -> (Option<Graph>, Diagnostics, Sources) {
    let mut sources = Sources::default();
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let options = LoadOptions { set: &set, ..LoadOptions::new(&Known) };
    let (graph, diags) = load_str("g.yaml", text, Path::new("tests/diagnostics"), &options, &mut sources);
    (graph, diags, sources)
}

fn good(text: &str, set: &[&str]) -> Graph {
    let (graph, diags, _) = with(text, set);
    assert_eq!(diags.0, [], "{text}");
    graph.unwrap()
}

fn value<'a>(graph: &'a Graph, node: &str, key: &str) -> &'a Value {
    &graph.node(node).unwrap().arg(key).unwrap().value.value
}

const STREET: &str = r#"
frameloom: 1
about: A street.
params:
  video:  { type: path, default: clip.mp4 }
  prompt: { type: text, default: "watercolour street, soft light" }
  seed:   { type: integer, default: 7 }
timeline: { size: [768, 432], fps: 30000/1001, length: 4s, seed: $seed }
nodes:
  clip:    { kind: video_input, path: $video }
  near:    { kind: depth, image: clip, about: How far everything is. }
  carried: { kind: slow_dolly, image: { from: painted@-1, initial: clip }, depth: near, speed: "0: (1.5), 120: (3)" }
  painted: { kind: diffusion, image: carried, every: 3, prompt: $prompt, strength: 0.65, note: $$seed, price: "$5 a piece" }
"#;

#[test]
fn a_graph_is_read_with_its_presets_and_parameters() {
    let graph = good(STREET, &["seed=9", "prompt=ink: fine lines"]);
    assert_eq!(graph.timeline.seed.unwrap().0, 9);
    let carried = graph.node("carried").unwrap();
    assert_eq!(carried.kind, "depth_warp");
    assert_eq!(carried.origin.as_ref().unwrap().preset, "slow_dolly");
    assert_eq!(*value(&graph, "carried", "translation_z"), Value::Text("0: (1.5), 120: (3)".into()));
    let painted = graph.node("painted").unwrap();
    assert_eq!(painted.arg("every").unwrap().value.number(), Some(3.0));
    assert_eq!(*value(&graph, "painted", "prompt"), Value::Text("ink: fine lines".into()));
    assert_eq!(*value(&graph, "painted", "note"), Value::Text("$seed".into()));
    assert_eq!(*value(&graph, "painted", "price"), Value::Text("$5 a piece".into()));
}

#[test]
fn the_printed_graph_is_read_as_the_same_graph() {
    for text in [STREET, LOOP, ODD] {
        let graph = good(text, &[]);
        let printed = expand(&graph);
        let again = good(&printed, &[]);
        assert_eq!(printed, expand(&again), "{printed}");
        assert_eq!(graph.nodes.len(), again.nodes.len());
        for (node, twin) in graph.nodes.iter().zip(&again.nodes) {
            assert_eq!((&node.name, &node.kind), (&twin.name, &twin.kind));
            let values = |node: &NodeDef| node.args.iter().map(|arg| (arg.key.text.clone(), strip(&arg.value.value))).collect::<Vec<_>>();
            assert_eq!(values(node), values(twin));
        }
    }
}

/// A value without its places.
fn strip(value: &Value) -> String {
    match value {
        Value::List(items) => format!("[{}]", items.iter().map(|item| strip(&item.value)).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => {
            format!(
                "{{{}}}",
                entries.iter().map(|(key, data)| format!("{:?}:{}", key.text, strip(&data.value))).collect::<Vec<_>>().join(",")
            )
        }
        other => format!("{other:?}"),
    }
}

const ODD: &str = r##"
frameloom: 1
nodes:
  clip:
    kind: video_input
    a: "true"
    b: "12"
    c: ""
    d: " x "
    e: "tab\there \"quoted\" back\\slash\nnew \u0085 \u2028 \ufeff end \U0001F600"
    f: 'a: b # c'
    g: [1, 2.5, 1e300, -0.0, true, null, [], {}, "-", "- x", "? y", "@z", "`", "%a", "!b", "&c", "*d", "|", ">"]
    h: { 0: 0.65, 4s: 0.45, "8 b": 0.5, "#": 2 }
    i: |
      two
      lines
    j: ä-ö.ü
    k: "$$$x"
    l: "null"
    m: "1_000"
    n: "0x10"
    o: "1:02"
"##;

const LOOP: &str = "
frameloom: 1
nodes:
  clip: { kind: video_input, path: a.mp4 }
  look: { kind: painted_loop, image: clip, strength: \"1 + look.depth_level\" }
  again: { kind: painted_loop, image: look@-2, mask: clip }
  deep: { kind: depth, image: look.depth@-1 }
  soft: { kind: noise, image: [look, again.image], amount: 0.5*look.depth }
";

#[test]
fn a_subgraph_becomes_nodes_of_the_flat_graph() {
    let printed = expand(&good(LOOP, &[]));
    let wanted = "\
nodes:
  clip: { kind: video_input, path: a.mp4 }
  look_near: { kind: depth, image: clip@-1 }
  look_carried: { kind: depth_warp, image: { from: look_painted@-1, initial: clip }, depth: look_near }
  look_painted: { kind: diffusion, image: look_carried, strength: \"1 + look.depth_level\" }
  again_near: { kind: depth, image: look_painted@-3 }
  again_carried: { kind: depth_warp, image: { from: again_painted@-1, initial: look_painted@-2 }, depth: again_near }
  again_painted: { kind: diffusion, image: again_carried, mask: clip, strength: 0.6 }
  deep: { kind: depth, image: look_near@-1 }
  soft: { kind: noise, image: [look_painted, again_painted], amount: \"0.5*look_near.depth\" }
";
    assert_eq!(printed, format!("frameloom: 1\n{wanted}"));
}

#[test]
fn every_layer_is_explained_and_the_strongest_wins() {
    let text = "frameloom: 1\nparams: { speed: { type: number, default: 2 } }\nnodes:\n  clip: { kind: video_input, path: a.mp4 }\n  \
                zoomed: { kind: breathing_zoom, image: clip, zoom: $speed }\n";
    let layers = |set: &[&str]| {
        let graph = good(text, set);
        let found = explain(&graph, "zoomed", "zoom").unwrap();
        found.into_iter().map(|c| (c.layer, strip(&c.value.value))).collect::<Vec<_>>()
    };
    let preset = (Layer::Preset("breathing_zoom".into()), "Text(\"0: (1 + 0.004*sin(2*pi*t/100))\")".to_owned());
    assert_eq!(layers(&[]), [preset.clone(), (Layer::Node, "Integer(2)".into())]);
    assert_eq!(layers(&["speed=3"]), [preset.clone(), (Layer::Node, "Integer(2)".into()), (Layer::Set, "Integer(3)".into())]);
    assert_eq!(layers(&["zoomed.zoom=4"]).last(), Some(&(Layer::Set, "Integer(4)".into())));
    let graph = good(text, &[]);
    assert!(explain(&graph, "zoomed", "angle").unwrap().is_empty() && explain(&graph, "none", "zoom").is_none());
    assert_eq!(explain(&graph, "zoomed", "border").unwrap().len(), 1);
}

#[test]
fn paths_start_from_the_file_that_writes_them() {
    let graph = good(STREET, &[]);
    assert_eq!(graph.node("clip").unwrap().arg("path").unwrap().base, PathBuf::from("tests/diagnostics"));
    let graph = good(STREET, &["video=other.mp4"]);
    assert_eq!(graph.node("clip").unwrap().arg("path").unwrap().base, PathBuf::new());
    assert!(expand(&graph).contains("other.mp4"));
}

#[test]
fn set_takes_text_as_it_stands_and_the_rest_as_yaml() {
    let text = "frameloom: 1\nparams: { a: { type: TYPE } }\nnodes: { n: { kind: noise, amount: $a } }\n";
    let set = |ty: &str, written: &str| {
        let graph = good(&text.replace("TYPE", ty), &[&format!("a={written}")]);
        strip(value(&graph, "n", "amount"))
    };
    assert_eq!(set("text", "007"), "Text(\"007\")");
    assert_eq!(set("text", "[best] street: at night"), "Text(\"[best] street: at night\")");
    assert_eq!(set("text", "\"quoted\\n\""), "Text(\"quoted\\n\")");
    assert_eq!(set("text", ""), "Text(\"\")");
    assert_eq!(set("integer", "7"), "Integer(7)");
    assert_eq!(set("curve", "0: (0.65), 30: (0.5)"), "Text(\"0: (0.65), 30: (0.5)\")");
    assert_eq!(set("curve", "{ 0: 1, 4s: 2 }"), "{\"0\":Integer(1),\"4s\":Integer(2)}");
    assert_eq!(set("flag", "true"), "Bool(true)");
    assert_eq!(set("size", "[64, 32]"), "[Integer(64),Integer(32)]");
    assert_eq!(set("path", "C:\\clips\\a.mp4"), "Text(\"C:\\\\clips\\\\a.mp4\")");
}

#[test]
fn presets_that_multiply_are_stopped() {
    let big = format!("[{}]", vec!["x"; 50_000].join(", "));
    let uses = vec!["$big"; 100].join(", ");
    let text =
        format!("frameloom: 1\nparams: {{ big: {{ type: size, default: {big} }} }}\nnodes: {{ n: {{ kind: noise, a: [{uses}] }} }}\n");
    let (_, diags, _) = with(&text, &[]);
    assert!(diags.0.iter().any(|found| found.code == "too-large"));
    let (_, diags, _) = with("frameloom: 1\nnodes: { n: { kind: doubling, image: n } }\n", &[]);
    assert!(diags.0.iter().any(|found| found.code == "preset-loop"), "{diags:?}");
}

#[test]
fn presets_are_listed_with_what_they_are_for() {
    let found = presets(Path::new("tests/diagnostics"));
    let dolly = found.iter().find(|info| info.name == "slow_dolly").unwrap();
    assert!(dolly.about.starts_with("A slow move") && dolly.details.starts_with("A camera") && dolly.kind.as_deref() == Some("depth_warp"));
    let follow = found.iter().find(|info| info.name == "follow").unwrap();
    assert_eq!(follow.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["image", "previous"]);
    assert_eq!((follow.outputs.join(" ").as_str(), follow.params[0].name.as_str()), ("image mask motion grain", "blur"));
    assert!(found.iter().any(|info| info.name == "painted_loop"));
}

proptest::proptest! {
    #[test]
    fn random_documents_never_panic(
        lines in proptest::collection::vec("( {0,4})(frameloom|params|nodes|timeline|a|kind|size|image|x-y|<<|\\$a|every)?(: ?| )?(1|\\$a|\\$\\$b|\\[1, \\$a\\]|\\{ kind: noise, a: \\$a \\}|slow_dolly|painted_loop|n@-1|\\*a|&a x|'q|\\{ type: path \\})?", 0..12),
        set in "[a-c.=\\[{$]{0,8}",
    ) {
        let text = format!("frameloom: 1\n{}", lines.join("\n"));
        let (graph, diags, sources) = with(&text, &[&set]);
        let _ = crate::cli::render::render_text(&diags, &sources, false);
        let _ = crate::cli::render::render_json(&diags, &sources);
        if let Some(graph) = graph {
            let _ = expand(&graph);
        }
    }
}
