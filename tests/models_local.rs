//! `frameloom models` with files of this machine: adding, naming, listing, checking, removing.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "support/models.rs"]
mod models;
#[path = "support/store.rs"]
mod store;

use std::fs;

use frameloom::model::onnx::{Axis, Graph, Kind, Place};
use store::{User, lora, model, network};

/// A graph that runs the network `name` over a moving pattern.
fn graph(name: &str) -> String {
    format!(
        "frameloom: 1\ntimeline: {{ size: [64, 36], fps: 25, length: 2 }}\nnodes:\n  bars: {{ kind: pattern, pattern: moving_bars }}\n  \
         turned: {{ kind: stylize, image: bars, model: {name} }}\n  file: {{ kind: encoder, image: turned, path: out.mp4 }}\n"
    )
}

#[test]
fn a_file_is_added_named_by_a_graph_checked_and_removed() {
    let user = User::new();
    user.write("graph.yaml", graph("turned"));
    let missing = user.run(&["check", "graph.yaml"]);
    assert_eq!(missing.code, 65);
    assert!(missing.err.contains("type `frameloom models add PATH|URL|owner/name --name turned`"), "{}", missing.err);

    user.write("in/negative.onnx", network());
    let added = user.models(&["add", "in/negative.onnx", "--name", "turned", "--license", "mit"]);
    assert!(added.out.contains("added `turned`: onnx") && added.out.contains("licence mit"), "{}", added.out);
    assert_eq!(user.names(), ["turned.model.json", "turned.onnx"]);
    assert_eq!(user.stored()["turned.onnx"], network());
    assert_eq!(user.run(&["check", "graph.yaml"]).code, 0);

    let info = user.json(&["info", "turned"]);
    assert_eq!((&info["family"], &info["license"], &info["source"]["kind"]), (&"onnx".into(), &"mit".into(), &"path".into()));
    assert_eq!(info["networks"][0]["inputs"][0]["shape"], serde_json::json!(["n", 3, "h", "w"]));
    assert_eq!(info["files"][0]["size"], network().len());
    assert!(info["added"].as_str().unwrap().starts_with("20"));
    assert!(user.models(&["info", "turned"]).out.contains("in   image: f32 [n, 3, h, w]"));
    let listed = user.json(&["list"]);
    assert!(listed.as_array().unwrap().iter().any(|one| one["name"] == "turned" && one["in_store"] == true), "{listed}");

    let again = user.refused(2, &["add", "in/negative.onnx", "--name", "turned"]);
    assert!(again.contains("there is a model `turned` already") && again.contains("models rm turned"), "{again}");
    let removed = user.models(&["rm", "turned"]);
    assert!(removed.out.contains("removed `turned`: 139 B freed"), "{}", removed.out);
    assert!(user.names().is_empty());
    assert!(user.refused(2, &["rm", "turned"]).contains("there is no model `turned`"));
}

#[test]
fn a_folder_keeps_what_runs_and_is_known_by_its_family() {
    let user = User::new();
    for part in ["unet/model.onnx", "unet/config.json", "vae_decoder/model.onnx", "vae_decoder/config.json", "vae_encoder/model.onnx"] {
        user.write(&format!("sd/{part}"), fs::read(model("odd_sd").join(part)).unwrap());
    }
    for part in ["text_encoder/model.onnx", "scheduler/scheduler_config.json"] {
        user.write(&format!("sd/{part}"), fs::read(model("odd_sd").join(part)).unwrap());
    }
    user.write("sd/unet/diffusion_pytorch_model.bin", "pickle");
    user.write("sd/README.md", "---\nlicense: creativeml-openrail-m\n---\n");
    let added = user.models(&["add", "sd"]);
    assert!(added.out.contains("added `sd`: diffusion") && added.out.contains("licence creativeml-openrail-m"), "{}", added.out);
    assert!(!user.names().iter().any(|name| name.contains(".bin")), "{:?}", user.names());
    assert!(user.names().contains(&"sd/unet/model.onnx".to_owned()));
    let info = user.json(&["info", "sd"]);
    assert_eq!((&info["prediction"], info["networks"].as_array().unwrap().len()), (&"sample".into(), 4));
    assert!(user.models(&["verify"]).out.contains("ok    sd: 8 files as added"));
}

#[test]
fn every_family_is_told_apart() {
    let families = [
        ("sd15", "sd1", "f32", ""),
        ("sd15-fp16", "sd1", "f16", ""),
        ("sd2v", "sd2", "f32", ""),
        ("sdxl", "sdxl", "f32", ""),
        ("inpaint", "sd1", "f32", "inpainting"),
        ("lcm", "sd1", "f32", "lcm"),
        ("controlnet", "sd1", "f32", "controlnet"),
    ];
    let user = User::new();
    for (name, family, precision, only) in families {
        let Some(folder) = models::find(&format!("tiny/{name}")) else { continue };
        user.models(&["add", folder.to_str().unwrap(), "--link"]);
        let info = user.json(&["info", name]);
        assert_eq!((&info["family"], &info["precision"]), (&family.into(), &precision.into()), "{name}");
        let traits: Vec<&str> = info["traits"].as_array().unwrap().iter().filter_map(|one| one.as_str()).collect();
        assert_eq!(traits.join(" "), only, "{name}");
        let prediction = if name == "sd2v" { "v_prediction" } else { "epsilon" };
        assert_eq!(info["prediction"], prediction, "{name}");
    }
    for (name, family, networks) in [("sd15", "sd1", 4), ("sdxl", "sdxl", 5)] {
        let Some(folder) = models::find(&format!("checkpoints/{name}")) else { continue };
        let checkpoint = format!("checkpoint-{name}");
        user.models(&["add", folder.join("model.safetensors").to_str().unwrap(), "--name", &checkpoint]);
        let info = user.json(&["info", &checkpoint]);
        assert_eq!((&info["family"], info["networks"].as_array().unwrap().len()), (&family.into(), networks));
        assert_eq!(info["prediction"], "epsilon");
    }
}

#[test]
fn loras_say_what_they_are_and_damage_is_found() {
    let user = User::new();
    user.write("ink.safetensors", lora(1000, Some("CC0-1.0")));
    let added = user.models(&["add", "ink.safetensors"]);
    assert!(
        added.out.contains("`ink`: lora") && added.out.contains("licence CC0-1.0") && added.out.contains("<lora:ink:0.8>"),
        "{}",
        added.out
    );
    user.write("other.onnx", network());
    user.models(&["add", "other.onnx"]);

    let mut bytes = lora(1000, Some("CC0-1.0"));
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(user.store().join("ink.safetensors"), &bytes).unwrap();
    let ran = user.run(&["models", "verify"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("FAIL  ink") && ran.out.contains("is not the file that was added") && ran.out.contains("ok    other"),
        "{}",
        ran.out
    );
    fs::write(user.store().join("ink.safetensors"), &bytes[..bytes.len() - 5]).unwrap();
    assert!(user.run(&["models", "verify", "ink"]).out.contains("in place of"));
    fs::remove_file(user.store().join("other.onnx")).unwrap();
    assert!(user.run(&["models", "verify", "other"]).out.contains("other.onnx` is missing"));
    assert!(user.models(&["list"]).out.contains("its files are gone"));
    user.models(&["rm", "other"]);
    assert_eq!(user.names(), ["ink.model.json", "ink.safetensors"]);
    let found = user.json(&["verify", "ink"]);
    assert_eq!(found[0]["good"], false);
}

#[test]
fn what_was_copied_by_hand_is_listed_and_looked_at() {
    let user = User::new();
    user.write("data/frameloom/models/loras/oil.safetensors", lora(100, None));
    user.write("data/frameloom/models/cut.safetensors", &lora(100, None)[..200]);
    let listed = user.json(&["list"]);
    let one = |name: &str| listed.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!((&one("loras/oil")["family"], &one("loras/oil")["source"]), (&"lora".into(), &serde_json::Value::Null));
    assert_eq!(one("cut")["family"], "broken");
    assert!(user.models(&["verify", "loras/oil"]).out.contains("no record"));
    assert!(user.run(&["models", "verify", "cut"]).out.contains("cut short"));
    assert!(user.models(&["info", "loras/oil"]).out.contains("not recorded"));
    user.models(&["rm", "loras/oil"]);
    assert_eq!(user.names(), ["cut.safetensors"]);
}

#[test]
fn links_leave_the_file_where_it_is() {
    let user = User::new();
    let path = user.write("big/net.onnx", network());
    user.models(&["add", "big/net.onnx", "--link"]);
    assert_eq!(fs::read_link(user.store().join("net.onnx")).unwrap(), path.canonicalize().unwrap());
    assert!(user.models(&["list"]).out.contains("a link to"));
    user.models(&["verify", "net"]);
    assert!(user.models(&["rm", "net"]).out.contains("freed") && path.exists());
    assert!(user.refused(2, &["add", "http://localhost:1/x.onnx", "--link"]).contains("--link goes with a path"));
}

/// A network whose weights are in the file `w.data`.
fn outside() -> Vec<u8> {
    let mut graph = Graph::new("test");
    let axes = [Axis::Open("n"), Axis::Fixed(3), Axis::Open("h"), Axis::Open("w")];
    let x = graph.input("image", Kind::F32, &axes);
    let w = graph.external("w", Kind::F32, &[1], Place { file: "w.data", offset: 0, length: 4 });
    let y = graph.add("Mul", &[&x, &w], &[]);
    graph.output("out", &y, Kind::F32, &axes);
    graph.into_bytes()
}

#[test]
fn weights_beside_a_network_come_along_and_the_folder_runs() {
    let user = User::new();
    user.write("in/half.onnx", outside());
    let error = user.refused(1, &["add", "in/half.onnx"]);
    assert!(error.contains("keeps weights in `w.data`, which is not there"), "{error}");
    assert!(user.names().is_empty(), "{:?}", user.names());
    user.write("in/w.data", 0.5_f32.to_le_bytes());
    user.models(&["add", "in/half.onnx"]);
    assert_eq!(user.names(), ["half.model.json", "half/model.onnx", "half/w.data"]);
    user.write("graph.yaml", graph("half"));
    let ran = user.run(&["run", "graph.yaml"]);
    if ran.code != 0 {
        assert!(ran.err.contains("ONNX Runtime"), "{}", ran.err);
    }
    fs::remove_file(user.store().join("half/w.data")).unwrap();
    assert!(user.run(&["models", "verify", "half"]).out.contains("w.data` is missing"));
}

#[test]
fn what_is_no_model_is_refused_and_leaves_nothing() {
    let user = User::new();
    user.write("old.ckpt", "x");
    assert!(user.refused(1, &["add", "old.ckpt"]).contains("can run any program"));
    user.write("page.onnx", "<!DOCTYPE html><html>");
    assert!(user.refused(1, &["add", "page.onnx"]).contains("web page"));
    user.write("cut.onnx", &network()[..60]);
    assert!(user.refused(1, &["add", "cut.onnx"]).contains("cut short"));
    user.write("two/a.onnx", network());
    user.write("two/b.onnx", network());
    let error = user.refused(2, &["add", "two"]);
    assert!(error.contains("several networks") && error.contains("--files") && error.contains("a.onnx"), "{error}");
    assert!(user.refused(2, &["add", "two/a.onnx", "--sha256", "12"]).contains("is no SHA-256"));
    assert!(user.refused(1, &["add", "two/a.onnx", "--sha256", &"0".repeat(64)]).contains("nothing was added"));
    assert!(user.refused(2, &["add", "two/a.onnx", "--name", "a/b"]).contains("it has a slash"));
    assert!(user.refused(2, &["add", "two/c.onnx"]).contains("there is no file or folder"));
    assert!(user.names().is_empty(), "{:?}", user.names());
    user.models(&["add", "two", "--files", "b*", "--name", "b"]);
    assert_eq!(user.names(), ["b.model.json", "b.onnx"]);
}

#[test]
fn models_outside_of_the_store_are_not_removed() {
    let user = User::new();
    let path = user.write("models/own.onnx", network());
    let error = user.refused(2, &["rm", "own"]);
    assert!(error.contains("does not lie in the store") && error.contains("own.onnx"), "{error}");
    assert!(path.exists());
    assert!(user.models(&["list"]).out.contains("own"));
}

#[test]
fn another_store_is_searched_before_all_others() {
    let user = User::new();
    user.write("net.onnx", network());
    user.models(&["add", "net.onnx", "--name", "shared", "--models-dir", "elsewhere"]);
    assert!(user.path("elsewhere/shared.onnx").is_file() && user.names().is_empty());
    user.write("graph.yaml", graph("shared"));
    assert_eq!(user.run(&["check", "graph.yaml"]).code, 65);
    assert_eq!(user.run(&["check", "graph.yaml", "--models-dir", "elsewhere"]).code, 0);
    let doctor = user.run(&["doctor", "--models-dir", "elsewhere"]);
    assert!(doctor.out.contains("1 model in") && doctor.out.contains("elsewhere"), "{}", doctor.out);
    user.write("graph.yaml", graph("some/thing"));
    let error = user.run(&["check", "graph.yaml", "--models-dir", "else where"]).err;
    assert!(error.contains("type `frameloom models add some/thing --models-dir '") && error.contains("else where'`"), "{error}");
}
