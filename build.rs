//! Lists the presets of `nodes/`, so that a new file there is built in without being named anywhere.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let from_cargo = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let folder = from_cargo("CARGO_MANIFEST_DIR")?.join("nodes");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let list: String = files.iter().map(|path| entry(path)).collect();
    fs::write(from_cargo("OUT_DIR")?.join("presets.rs"), format!("&[\n{list}]\n"))
}

fn entry(path: &Path) -> String {
    let (name, path) = (path.file_stem().unwrap_or_default().to_string_lossy(), path.to_string_lossy());
    format!("    ({name:?}, include_str!({path:?})),\n")
}
