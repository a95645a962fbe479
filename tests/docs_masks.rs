//! The graphs on the pages about masks and hybrid video can be run as they stand, and the first page knows every word.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may stop where it stands")]

use std::path::Path;

use frameloom::Loom;
use frameloom::param::mask_reference;

const PAGES: [&str; 2] = [include_str!("../docs/masks.md"), include_str!("../docs/hybrid.md")];

#[test]
fn every_graph_on_the_pages_plans() {
    let mut count = 0;
    for block in PAGES.iter().flat_map(|page| page.split("```yaml\n").skip(1)).map(|rest| rest.split("```").next().unwrap()) {
        let plan = Loom::new().plan_text(block, Path::new(env!("CARGO_MANIFEST_DIR")), &[]);
        assert!(plan.is_ok(), "{block}\n{}", plan.err().unwrap());
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn the_page_knows_every_word() {
    for (signature, _) in mask_reference() {
        let name = signature.split('(').next().unwrap();
        assert!(PAGES[0].contains(&format!("`{name}")), "`{name}` is not on the page");
    }
}
