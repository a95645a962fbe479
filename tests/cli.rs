//! The program as a user meets it: exit codes, messages, files left behind.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "support/folder.rs"]
mod folder;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use folder::files_of;

const BARS: &str = "
frameloom: 1
params:
  frames: { type: integer, default: 10 }
timeline: { size: [64, 36], fps: 25, length: $frames }
nodes:
  bars: { kind: pattern, pattern: moving_bars }
  file: { kind: encoder, image: bars, path: bars.mp4 }
";

fn frameloom(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frameloom"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

fn folder_with(graph: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("graph.yaml"), graph).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    files_of(folder).into_keys().collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_run_writes_its_file_and_says_so() {
    let folder = folder_with(BARS);
    let output = frameloom(folder.path(), &["run", "graph.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(names(folder.path()), ["bars.mp4", "graph.yaml"]);
    assert!(stdout(&output).contains("10 frames") && stdout(&output).contains("bars.mp4"), "{}", stdout(&output));
    assert!(stderr(&output).is_empty(), "quiet when not on a terminal: {}", stderr(&output));
}

#[test]
fn set_frames_out_and_profile() {
    let folder = folder_with(BARS);
    let args = ["run", "graph.yaml", "--set", "frames=8", "--frames", "2..6", "--out", "made/other.mkv", "--profile"];
    let output = frameloom(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(folder.path().join("made/other.mkv").exists() && !folder.path().join("bars.mp4").exists());
    assert!(stdout(&output).contains("4 frames") && stdout(&output).contains("mean ms"), "{}", stdout(&output));
}

#[test]
fn json_progress_is_a_line_an_event_and_json_output_is_one_document() {
    let folder = folder_with(BARS);
    let output = frameloom(folder.path(), &["run", "graph.yaml", "--progress", "json", "--format", "json"]);
    let events: Vec<serde_json::Value> = stderr(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.first().unwrap()["event"], "started");
    assert!(events.iter().any(|event| event["event"] == "frame" && event["done"] == 10));
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["frames"], 10);
}

#[test]
fn exit_codes() {
    let folder = folder_with(&BARS.replace("image: bars", "image: bar"));
    let code = |args: &[&str]| frameloom(folder.path(), args).status.code();
    assert_eq!(code(&["run", "graph.yaml"]), Some(65));
    assert_eq!(code(&["check", "graph.yaml"]), Some(65));
    assert_eq!(code(&["run", "no-such.yaml"]), Some(65));
    assert_eq!(code(&["run"]), Some(2));
    assert_eq!(code(&["run", "graph.yaml", "--frames", "7"]), Some(2));
    assert_eq!(code(&["nodes", "wrap"]), Some(2));
    assert_eq!(code(&["nodes", "warp"]), Some(0));
    assert_eq!(code(&["nodes", "steady_paint"]), Some(0));
    assert_eq!(code(&["schema"]), Some(0));
    assert_eq!(names(folder.path()), ["graph.yaml"], "a graph that is refused leaves nothing behind");
}

#[test]
fn a_wrong_name_is_shown_with_its_place_and_its_mend() {
    let folder = folder_with(&BARS.replace("image: bars", "image: bar"));
    let output = frameloom(folder.path(), &["check", "graph.yaml"]);
    let text = stderr(&output);
    assert!(text.contains("error[unknown-node]: there is no node `bar`") && text.contains("graph.yaml:8:"), "{text}");
    assert!(text.contains("help: write `bars`"), "{text}");
    let output = frameloom(folder.path(), &["check", "graph.yaml", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(found[0]["code"], "unknown-node");
}

#[test]
fn a_path_that_cannot_be_written_is_found_before_the_first_frame() {
    let folder = folder_with(&BARS.replace("path: bars.mp4", "path: graph.yaml/bars.mp4"));
    let output = frameloom(folder.path(), &["run", "graph.yaml", "--progress", "json"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(!stderr(&output).contains("\"event\":\"frame\""), "{}", stderr(&output));
}

#[test]
fn kinds_and_presets_are_told_as_json() {
    let folder = folder_with(BARS);
    let json = |args: &[&str]| -> serde_json::Value {
        let output = frameloom(folder.path(), args);
        serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| panic!("{args:?}: {error}"))
    };
    let all = json(&["nodes", "--format", "json"]);
    assert!(all["kinds"]["warp"].is_string() && all["presets"]["handheld"].is_string(), "{all}");
    assert_eq!(json(&["nodes", "warp", "--format", "json"])["additionalProperties"], false);
    let preset = json(&["nodes", "steady_paint", "--format", "json"]);
    assert_eq!(preset["params"]["model"]["default"], "mini");
    assert_eq!(preset["params"]["scale"]["max"], 1.0);
    assert_eq!(preset["inputs"], serde_json::json!({ "image": { "about": "The clip.", "optional": false } }));
}

#[test]
fn expand_plan_draw_and_explain() {
    let folder = folder_with(BARS);
    let run = |args: &[&str]| {
        let output = frameloom(folder.path(), args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        stdout(&output)
    };
    let flat = run(&["expand", "graph.yaml", "--set", "frames=7"]);
    assert!(flat.contains("length: 7"), "{flat}");
    fs::write(folder.path().join("flat.yaml"), flat).unwrap();
    run(&["check", "flat.yaml"]);
    let plan = run(&["plan", "graph.yaml"]);
    assert!(plan.contains("64x36 at 25 fps, 10 frames") && plan.contains("memory: at most"), "{plan}");
    let plan: serde_json::Value = serde_json::from_str(&run(&["plan", "graph.yaml", "--format", "json"])).unwrap();
    assert_eq!(plan["frames"], 10);
    assert!(run(&["draw", "graph.yaml"]).starts_with("<svg"));
    assert!(run(&["draw", "graph.yaml", "--as", "dot"]).starts_with("digraph"));
    assert!(run(&["draw", "graph.yaml", "--as", "mermaid"]).starts_with("flowchart"));
    assert!(run(&["explain", "graph.yaml", "bars.pattern"]).contains("=> \"moving_bars\""));
    assert!(
        run(&["explain", "graph.yaml", "file.crf"]).contains("default")
            || run(&["explain", "graph.yaml", "file.crf"]).contains("nothing sets")
    );
    assert!(run(&["explain", "graph.yaml"]).contains("no node of this graph has a prompt"));
}

#[test]
fn prompts_are_explained_over_their_keys() {
    let graph = "frameloom: 1\nnodes:\n  a: { kind: diffusion, model: none, steps: 10, prompt: { 0: '(cat:1.2)', 5: '[dog:fox:0.5] --neg bird' } }\n";
    let folder = folder_with(graph);
    let output = stdout(&frameloom(folder.path(), &["explain", "graph.yaml"]));
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(
        lines,
        [
            "a.prompt at frame 0: (cat:1.2)",
            "    \"cat\" x 1.2",
            "a.prompt at frame 5: [dog:fox:0.5] --neg bird",
            "    evaluations 1 to 6: \"dog\"",
            "    evaluations 7 to 10: \"fox\"",
            "  not, before the negative prompt:",
            "    \"bird\"",
        ]
    );
    let alone = stdout(&frameloom(folder.path(), &["prompt", "a cat AND a dog:0.5"]));
    assert_eq!(alone, "  pulls with strength 1:\n    \"a cat\"\n  pulls with strength 0.5:\n    \" a dog\"\n");
}

/// An interrupt finishes the frames under way and the file, and the exit code says so.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_whole_shorter_file() {
    let folder = folder_with(&BARS.replace("[64, 36]", "[640, 360]"));
    let mut child = command(folder.path(), &["run", "graph.yaml", "--set", "frames=100000", "--progress", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_frames(&mut child);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(names(folder.path()), ["bars.mp4", "graph.yaml"]);
}

#[cfg(unix)]
fn wait_for_frames(child: &mut std::process::Child) {
    use std::io::{BufRead, BufReader};
    let lines = BufReader::new(child.stderr.take().unwrap());
    let mut lines = lines.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"done\":3,")), "the run made no frames");
    // The rest is read away, so that the program never waits for its reader.
    std::thread::spawn(move || lines.for_each(drop));
    std::thread::sleep(Duration::from_millis(50));
}

#[test]
fn schedule_prints_plots_and_draws() {
    let folder = tempfile::tempdir().unwrap();
    let output = frameloom(folder.path(), &["schedule", "0: (1), 10: (2)", "--frames", "11", "--svg", "a.svg"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("1.5") && stdout(&output).chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)),
        "{}",
        stdout(&output)
    );
    assert!(fs::read_to_string(folder.path().join("a.svg")).unwrap().ends_with("</svg>\n"));
    let output = frameloom(folder.path(), &["schedule", "-t/s", "--frames", "3", "--seed", "2", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(json["values"], serde_json::json!([0.0, -0.5, -1.0]));
    let output = frameloom(folder.path(), &["schedule", "0: (\"Euler a\"), 5: (\"DPM++ 2M\")", "--frames", "9", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(json["spans"][1], serde_json::json!({ "from": 5, "to": 9, "text": "DPM++ 2M" }));
    let output = frameloom(folder.path(), &["schedule", "t", "--svg", "a.svg/b.svg"]);
    assert_eq!((output.status.code(), names(folder.path())), (Some(1), vec!["a.svg".to_owned()]));
    let output = frameloom(folder.path(), &["schedule", "t", "--svg", "drawings/a.svg"]);
    assert_eq!((output.status.code(), names(&folder.path().join("drawings"))), (Some(0), vec!["a.svg".to_owned()]));
}

#[test]
fn a_bad_schedule_is_shown_with_a_caret_under_the_very_token() {
    let folder = tempfile::tempdir().unwrap();
    let output = frameloom(folder.path(), &["schedule", "0: (1 + tt), 10: (2)"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(65), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    let (text, caret) = lines.windows(2).find(|pair| pair[1].contains('^')).map(|pair| (pair[0], pair[1])).unwrap();
    assert_eq!((text.find("tt"), caret.matches('^').count()), (caret.find('^'), 2), "{said}");
    let output = frameloom(folder.path(), &["schedule", "0: (where(t>5, 1, 0))", "--dialect", "deforum"]);
    assert!(output.status.code() == Some(65) && stderr(&output).contains("list index out of range"), "{}", stderr(&output));
    let output = frameloom(folder.path(), &["schedule", "0: (\"C:/a.ckpt\")", "--dialect", "deforum"]);
    assert!(output.status.code() == Some(0) && stderr(&output).contains("C:/a.ckpt"), "{}", stderr(&output));
}
