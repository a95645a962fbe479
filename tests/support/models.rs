//! Where tests find model folders that are too large to be kept with the code.
#![allow(dead_code, missing_docs, reason = "every test program uses its part of this")]

use std::path::PathBuf;

/// The model folder `name`: in `FRAMELOOM_TEST_MODELS`, or the project's own `models`, or `../shared/models`. Said aloud when it
/// is in none.
pub fn find(name: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let usual = [root.join("models"), root.join("../shared/models")];
    let folders = std::env::var_os("FRAMELOOM_TEST_MODELS").map_or_else(|| usual.to_vec(), |folder| vec![PathBuf::from(folder)]);
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_dir());
    if found.is_none() {
        println!("skipped what needs the model `{name}`: it is not in {folders:?}; set FRAMELOOM_TEST_MODELS to its folder");
    }
    found
}

/// The first of several model folders that is there.
pub fn any(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| find(name))
}
