//! Generated files equal what the program makes now. `UPDATE_DOCS=1 cargo test --test fresh` writes them.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fs;
use std::path::Path;

fn fresh(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == made, "{} is stale: run `UPDATE_DOCS=1 cargo test --test fresh`", path.display());
}

#[test]
fn the_reference_of_kinds_is_fresh() {
    fresh("docs/kinds.md", &frameloom::cli::reference_markdown());
}

#[test]
fn the_page_of_presets_is_fresh() {
    fresh("docs/presets.md", &frameloom::cli::presets_markdown());
}

#[test]
fn the_schema_is_fresh() {
    fresh("schema/graph.json", &frameloom::cli::graph_schema());
}
