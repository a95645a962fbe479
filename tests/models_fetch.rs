//! `frameloom models add` from the network: a server of the test answers well, badly, or breaks off.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "support/server.rs"]
mod server;
#[path = "support/store.rs"]
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use server::{Answer, Server};
use sha2::{Digest, Sha256};
use store::{User, lora, model, network};

fn hash(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap());
    Sha256::digest(bytes).iter().flat_map(digits).collect()
}

/// A file that comes in several blocks.
fn file() -> Vec<u8> {
    lora(100_000, None)
}

#[test]
fn a_file_is_fetched_whole_and_known_by_its_address() {
    let server = Server::new(|asked| Answer::ranged(asked, &file(), "\"1\""));
    let (user, address) = (User::new(), server.at("/models/ink.safetensors?token=secret&type=full"));
    let ran = user.models(&["add", &address, "--sha256", &hash(&file()), "--progress", "json"]);
    let events: Vec<serde_json::Value> = ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "started");
    assert!(events.iter().any(|event| event["event"] == "bytes" && event["done"] == file().len()), "{}", ran.err);
    assert_eq!(user.names(), ["ink.model.json", "ink.safetensors"]);
    assert_eq!(user.stored()["ink.safetensors"], file());
    let record = String::from_utf8(user.stored()["ink.model.json"].clone()).unwrap();
    assert!(!record.contains("secret") && record.contains("ink.safetensors?type=full"), "{record}");
    assert_eq!(server.log().len(), 1);
}

#[test]
fn a_connection_that_breaks_off_is_made_again() {
    let server = Server::new(|asked| {
        let answer = Answer::ranged(asked, &file(), "\"1\"");
        if asked.before == 0 { answer.cut(200_000) } else { answer }
    });
    let user = User::new();
    let ran = user.models(&["add", &server.at("/ink.safetensors")]);
    assert!(ran.err.contains("the connection broke off") && ran.err.contains("trying again"), "{}", ran.err);
    assert_eq!(user.stored()["ink.safetensors"], file());
    let log = server.log();
    assert_eq!((log.len(), log[1].header("range"), log[1].header("if-range")), (2, Some("bytes=200000-"), Some("\"1\"")));
}

#[test]
fn another_run_goes_on_where_the_last_one_stopped() {
    let well = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&well);
    let server = Server::new(move |asked| match (switch.load(Ordering::Relaxed), asked.before) {
        (false, 0) => Answer::ranged(asked, &file(), "\"1\"").cut(150_000),
        (false, _) => Answer::status(404),
        (true, _) => Answer::ranged(asked, &file(), "\"1\""),
    });
    let (user, address) = (User::new(), server.at("/ink.safetensors"));
    assert!(user.refused(1, &["add", &address]).contains("answers 404 (not found)"));
    assert!(user.names().iter().all(|name| name.starts_with("ink.part/")), "{:?}", user.names());
    let listed = user.models(&["list"]).out;
    assert!(listed.contains("unfinished: `ink`") && !listed.contains("\nink "), "{listed}");
    well.store(true, Ordering::Relaxed);
    let ran = user.models(&["add", &address]);
    assert!(ran.err.contains("146.5 KiB are there already"), "{}", ran.err);
    assert_eq!(server.log().last().unwrap().header("range"), Some("bytes=150000-"));
    assert_eq!((user.names().len(), user.stored()["ink.safetensors"] == file()), (2, true));
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew() {
    let server = Server::new(|asked| match asked.before {
        0 => Answer::ranged(asked, &lora(100_001, None), "\"1\"").cut(150_000),
        1 => Answer::status(404),
        _ => Answer::ranged(asked, &file(), "\"2\""),
    });
    let (user, address) = (User::new(), server.at("/ink.safetensors"));
    user.refused(1, &["add", &address]);
    user.models(&["add", &address]);
    assert_eq!(user.stored()["ink.safetensors"], file());
}

#[test]
fn a_server_without_ranges_sends_all_again() {
    let server = Server::new(|asked| {
        let whole = Answer::ok(file()).with("last-modified", "Sun, 22 Nov 2026 10:00:00 GMT");
        if asked.before == 0 { whole.cut(100_000) } else { whole }
    });
    let user = User::new();
    user.models(&["add", &server.at("/ink.safetensors")]);
    assert_eq!(user.stored()["ink.safetensors"], file());
    assert!(server.log()[1].header("range").is_some());
}

#[test]
fn what_is_not_as_promised_is_thrown_away() {
    let server = Server::new(|asked| {
        let answer = Answer::ok(file());
        if asked.path.contains("digest") {
            answer.with("repr-digest", "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:")
        } else {
            answer
        }
    });
    let user = User::new();
    let error = user.refused(1, &["add", &server.at("/ink.safetensors"), "--sha256", &"0".repeat(64)]);
    assert!(error.contains("its SHA-256 is") && error.contains(&"0".repeat(64)) && error.contains("thrown away"), "{error}");
    assert!(user.refused(1, &["add", &server.at("/digest.safetensors")]).contains("not ba7816bf"));
    assert!(user.names().is_empty(), "{:?}", user.names());
}

#[test]
fn refusals_say_what_to_do_and_leave_nothing() {
    let server = Server::new(|asked| match asked.path.as_str() {
        "/page.onnx" => Answer::ok("<!DOCTYPE html><html></html>"),
        "/login.onnx" => Answer::status(401),
        _ => Answer::status(404),
    });
    let user = User::new();
    assert!(user.refused(1, &["add", &server.at("/none.onnx")]).contains("check the address"));
    assert!(user.refused(1, &["add", &server.at("/login.onnx")]).contains("needs a login"));
    assert!(user.refused(1, &["add", &server.at("/page.onnx")]).contains("web page"));
    assert!(user.refused(1, &["add", &server.at("/old.ckpt")]).contains("can run any program"));
    assert!(user.refused(1, &["add", "http://127.0.0.1:1/x.onnx"]).contains("nobody listens there"));
    assert!(user.names().is_empty(), "{:?}", user.names());
}

#[test]
fn the_server_may_name_the_file_and_lead_elsewhere() {
    let far =
        Server::new(|asked| Answer::ranged(asked, &network(), "\"1\"").with("content-disposition", "attachment; filename=\"turn.onnx\""));
    let port = far.port;
    let near = Server::new(move |_| Answer::redirect(format!("http://localhost:{port}/x?signed=1")));
    let user = User::new();
    user.models(&["add", &near.at("/api/download/123")]);
    assert_eq!(user.names(), ["turn.model.json", "turn.onnx"]);
}

#[test]
fn offline_nothing_is_asked() {
    let server = Server::new(|_| Answer::ok(network()));
    let user = User::new().with("HF_ENDPOINT", server.at(""));
    for source in [server.at("/x.onnx").as_str(), "some/model"] {
        assert!(user.refused(1, &["add", source, "--offline"]).contains("told to stay offline"));
    }
    for name in ["HF_HUB_OFFLINE", "FRAMELOOM_OFFLINE"] {
        let user = User::new().with(name, "1");
        assert!(user.refused(1, &["add", &server.at("/x.onnx")]).contains("told to stay offline"));
    }
    assert!(server.log().is_empty());
    user.write("x.onnx", network());
    user.models(&["add", "x.onnx", "--offline"]);
}

/// A repository with a pipeline as Hugging Face shows it; large files lie on another host.
fn hub(wrong_hash: bool, token: Option<&'static str>) -> (Server, Server) {
    const FILES: [&str; 8] = [
        "scheduler/scheduler_config.json",
        "text_encoder/model.onnx",
        "unet/config.json",
        "unet/model.onnx",
        "unet/diffusion_pytorch_model.bin",
        "vae_decoder/config.json",
        "vae_decoder/model.onnx",
        "vae_encoder/model.onnx",
    ];
    let read = |path: &str| std::fs::read(model("odd_sd").join(path)).unwrap_or_else(|_| b"pickle".to_vec());
    let far = Server::new(move |asked| Answer::ranged(asked, &read(asked.path.trim_start_matches('/')), "\"1\""));
    let port = far.port;
    let siblings: Vec<serde_json::Value> = FILES
        .iter()
        .map(|path| {
            let bytes = read(path);
            let mut one = serde_json::json!({ "rfilename": path, "size": bytes.len() });
            if path.ends_with("model.onnx") {
                let promised = if wrong_hash && path.starts_with("vae_e") { "0".repeat(64) } else { hash(&bytes) };
                one["lfs"] = serde_json::json!({ "sha256": promised, "size": bytes.len(), "pointerSize": 130 });
            }
            one
        })
        .collect();
    let listing = serde_json::json!({ "id": "Some/Tiny", "sha": "c0ffee", "cardData": { "license": "openrail" }, "siblings": siblings });
    let near = Server::new(move |asked| {
        if token.is_some_and(|token| asked.header("authorization") != Some(&format!("Bearer {token}"))) {
            return Answer::status(401);
        }
        match asked.path.as_str() {
            "/api/models/Some/Tiny/revision/main?blobs=true" => Answer::ok(listing.to_string()),
            path => match path.strip_prefix("/Some/Tiny/resolve/c0ffee/") {
                Some(file) if file.ends_with("model.onnx") => Answer::redirect(format!("http://localhost:{port}/{file}")),
                Some(file) => Answer::ok(read(file)),
                None => Answer::status(404),
            },
        }
    });
    (near, far)
}

#[test]
fn a_repository_brings_its_pipeline_and_the_token_stays_at_home() {
    let (near, far) = hub(false, Some("hf_secret"));
    let user = User::new().with("HF_ENDPOINT", near.at(""));
    let error = user.refused(1, &["add", "Some/Tiny"]);
    assert!(error.contains("401 (not authorised)") && error.contains("HF_TOKEN"), "{error}");

    let user = User::new().with("HF_ENDPOINT", near.at("/")).with("HF_TOKEN", "hf_secret");
    let ran = user.models(&["add", "Some/Tiny"]);
    assert!(ran.out.contains("added `Tiny`: diffusion") && ran.out.contains("licence openrail"), "{}", ran.out);
    assert!(!format!("{}{}", ran.out, ran.err).contains("secret"));
    assert!(user.names().contains(&"Tiny/unet/model.onnx".to_owned()) && !user.names().iter().any(|name| name.contains(".bin")));
    assert!(!far.log().is_empty() && far.log().iter().all(|asked| asked.header("authorization").is_none()));
    assert!(!String::from_utf8(user.stored()["Tiny.model.json"].clone()).unwrap().contains("secret"));
    let info = user.json(&["info", "Some/Tiny"]);
    assert_eq!((&info["name"], &info["source"]["commit"]), (&"Tiny".into(), &"c0ffee".into()));
    user.models(&["verify"]);

    user.write("graph.yaml", "frameloom: 1\ntimeline: { size: [64, 64], fps: 25, length: 1 }\nnodes:\n  a: { kind: diffusion, model: Some/Tiny, prompt: a }\n  f: { kind: encoder, image: a, path: o.mp4 }\n");
    assert_eq!(user.run(&["check", "graph.yaml"]).code, 0, "a graph may name the repository");
    user.models(&["rm", "Tiny"]);
    let missing = user.run(&["check", "graph.yaml"]).err;
    assert!(missing.contains("type `frameloom models add Some/Tiny`"), "{missing}");
}

#[test]
fn a_wrong_hash_of_a_repository_stops_and_the_rest_stays_for_the_next_time() {
    let (near, _far) = hub(true, None);
    let user = User::new().with("HF_ENDPOINT", near.at(""));
    let error = user.refused(1, &["add", "hf:Some/Tiny"]);
    assert!(error.contains("`vae_encoder/model.onnx` is not what it should be"), "{error}");
    assert!(user.names().iter().all(|name| name.starts_with("Tiny.part/")), "{:?}", user.names());
    let (before, _) = (near.log().len(), user.refused(1, &["add", "hf:Some/Tiny"]));
    assert_eq!(near.log().len() - before, 2, "the list, and the file that is wrong: {:?}", near.log());
    user.models(&["rm", "Tiny"]);
    assert!(user.names().is_empty());
}

#[test]
fn files_of_a_repository_are_chosen() {
    let (near, _far) = hub(false, None);
    let user = User::new().with("HF_ENDPOINT", near.at(""));
    assert!(user.refused(2, &["add", "Some/Tiny", "--files", "nothing*"]).contains("no file fits `nothing*`"));
    assert!(user.refused(1, &["add", "Some/Tiny", "--files", "*.bin"]).contains("can run any program"));
    assert!(user.refused(1, &["add", "Some/Tiny", "--revision", "v9"]).contains("check the name of the repository, the revision"));
    user.models(&["add", "Some/Tiny", "--files", "vae_decoder/model.onnx", "--name", "decoder"]);
    assert_eq!(user.names(), ["decoder.model.json", "decoder.onnx"]);
    let page = near.at("/Some/Tiny/blob/main/text_encoder/model.onnx");
    user.models(&["add", &page, "--name", "text"]);
    assert!(user.names().contains(&"text.onnx".to_owned()));
    assert!(user.refused(2, &["add", "Some/Tiny", "--sha256", &"0".repeat(64), "--name", "x"]).contains("goes with one file"));
}
