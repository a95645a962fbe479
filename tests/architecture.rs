//! The table of imports in ARCHITECTURE.md, asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("diag", &[]),
    ("frame", &[]),
    ("param", &["frame", "diag"]),
    ("node", &["param", "frame", "diag"]),
    ("kernel", &["frame"]),
    ("model", &["param", "frame", "diag"]),
    ("media", &["param", "frame", "diag"]),
    ("diffusion", &["model", "frame", "param", "kernel"]),
    ("store", &["model", "diffusion", "diag"]),
    ("document", &["param", "diag", "frame"]),
    ("plan", &["document", "node", "param", "frame", "diag"]),
    ("exec", &["plan", "node", "param", "frame", "diag"]),
    ("nodes", &["node", "kernel", "diffusion", "model", "media", "frame", "param"]),
];

/// Crates that only one room may name.
const ONLY_IN: &[(&str, &str)] = &[
    ("ort::", "model"),
    ("ffmpeg_next::", "media"),
    ("petgraph::", "plan"),
    ("serde_saphyr::", "document"),
    ("ureq::", "store"),
    ("sha2::", "store"),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .collect()
}

/// The code of a room before its tests, without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn room_files(room: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = files(&src.join(room));
    all.extend(Some(src.join(format!("{room}.rs"))).filter(|path| path.exists()));
    let tests = |path: &PathBuf| path.file_name().is_some_and(|name| name == "tests.rs") || path.iter().any(|part| part == "tests");
    all.retain(|path| !tests(path));
    all
}

#[test]
fn imports_point_one_way() {
    let mut faults = Vec::new();
    for (room, allowed) in MAY_IMPORT {
        for file in room_files(room) {
            let code = code(&file);
            for (other, _) in MAY_IMPORT.iter().chain(&[("cli", &[][..])]) {
                if other != room && !allowed.contains(other) && code.contains(&format!("crate::{other}::")) {
                    faults.push(format!("{} imports {other}", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn foreign_crates_stay_in_their_room() {
    let mut faults = Vec::new();
    for (krate, home) in ONLY_IN {
        for (room, _) in MAY_IMPORT.iter().filter(|(room, _)| room != home) {
            for file in room_files(room) {
                let code = code(&file);
                let named = code.match_indices(krate).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
                if named {
                    faults.push(format!("{} names {krate}", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_room_is_forgotten() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).unwrap().flatten() {
        let name = entry.path().file_stem().unwrap().to_string_lossy().into_owned();
        let known = ["cli", "lib", "loom", "main"].contains(&name.as_str()) || MAY_IMPORT.iter().any(|(room, _)| *room == name);
        assert!(known, "`{name}` is not in the table");
    }
}
