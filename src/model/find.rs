//! From the name of a model in a graph to its file or folder.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use super::advice::{advice, is_address, looks_like_repository};
use super::record::Record;

/// The store that the command line names.
static STORE: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Makes `folder` the store of models in the place of the user's data folder, for the whole process. Names are looked up there before
/// all other folders of models.
pub fn use_store(folder: &Path) {
    *STORE.write().unwrap_or_else(PoisonError::into_inner) = Some(absolute(folder));
}

/// That folder, if one was given.
pub(super) fn chosen_store() -> Option<PathBuf> {
    STORE.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Where the user's own models lie: the folder given to [`use_store`], or `frameloom/models` in the data folder of the system
/// (`XDG_DATA_HOME`, `LOCALAPPDATA`…). Nothing where the system names none. It need not exist.
#[must_use]
pub fn store_folder() -> Option<PathBuf> {
    chosen_store().or_else(user_folder)
}

/// No model of that name.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there is no model `{name}`{}\nlooked in:\n  {}\n{}", near(.nearest), list(.searched), advice(.name))]
pub struct FindError {
    /// What was asked for.
    pub name: String,
    /// Where it was looked for, in order.
    pub searched: Vec<PathBuf>,
    /// Models there whose names are close to it.
    pub nearest: Vec<String>,
}

fn near(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; did you mean `{}`?", names.join("` or `")) }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n  ")
}

/// The file (or, for a model of several parts, the folder) of the model `name`.
///
/// In order: a path relative to `base`, the folder of the graph; the store that the command line names; a model of that name, with or without `.onnx` or `.safetensors`, in a folder `models` beside
/// the graph or above it; the same above the current directory and above the program; the folders in `FRAMELOOM_MODELS`; the user's
/// store. A model of a store is found by where it came from, too: `owner/name` or an address.
///
/// # Errors
/// [`FindError`], which lists the places and the nearest names.
pub fn find_model(name: &str, base: &Path) -> Result<PathBuf, FindError> {
    find_among(name, base, model_folders(base))
}

fn find_among(name: &str, base: &Path, folders: Vec<PathBuf>) -> Result<PathBuf, FindError> {
    let mut searched = vec![absolute(base)];
    searched.extend(folders);
    searched.dedup();
    let found = searched.iter().find_map(|folder| named(name, folder));
    let by_source = || searched[1..].iter().find_map(|folder| from_source(name, folder));
    if let Some(path) = found.or_else(by_source) {
        return Ok(path);
    }
    let nearest = nearest(name, &searched);
    Err(FindError { name: name.to_owned(), searched, nearest })
}

/// The model `name` in `folder`.
fn named(name: &str, folder: &Path) -> Option<PathBuf> {
    let [exact, network, checkpoint] = [name.to_owned(), format!("{name}.onnx"), format!("{name}.safetensors")].map(|n| folder.join(n));
    [exact, network, checkpoint].into_iter().find(|path| path.is_file() || path.join("model_index.json").is_file() || is_model_folder(path))
}

/// The model in `folder` that came from the repository or address `name`.
fn from_source(name: &str, folder: &Path) -> Option<PathBuf> {
    if !is_address(name) && !looks_like_repository(name) {
        return None;
    }
    Record::from_source(folder, name).iter().find_map(|name| named(name, folder))
}

/// A folder counts when it holds a model or parts that do.
fn is_model_folder(path: &Path) -> bool {
    let has_model = |folder: &Path| folder.join("model.onnx").is_file();
    has_model(path) || entries(path).iter().any(|entry| has_model(entry))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.sort();
    all
}

fn nearest(name: &str, searched: &[PathBuf]) -> Vec<String> {
    let wanted = Path::new(name).file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let beside = searched.first().map(|base| base.join(name)).and_then(|path| path.parent().map(Path::to_path_buf));
    let mut close: Vec<(usize, String)> = beside
        .iter()
        .chain(searched)
        .flat_map(|folder| entries(folder))
        .filter(|path| path.extension().is_some_and(|e| e == "onnx" || e == "safetensors") || path.is_dir())
        .filter(|path| path.extension().is_none_or(|ending| ending != "part"))
        .filter_map(|path| path.file_stem().map(|s| s.to_string_lossy().into_owned()))
        .map(|stem| {
            let lower = stem.to_lowercase();
            let part = wanted.len().min(lower.len()) >= 3 && (lower.contains(&wanted) || wanted.contains(&lower));
            (if part { 0 } else { strsim::damerau_levenshtein(&wanted, &lower) }, stem)
        })
        .filter(|(distance, _)| *distance <= (wanted.chars().count() / 3).max(1))
        .collect();
    close.sort();
    close.dedup();
    close.into_iter().take(3).map(|(_, stem)| stem).collect()
}

fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The folders in which a graph in the folder `base` finds models by name, in order.
#[must_use]
pub fn model_folders(base: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = chosen_store().into_iter().collect();
    let program = std::env::current_exe().ok();
    let starts = [Some(absolute(base)), std::env::current_dir().ok(), program];
    for start in starts.into_iter().flatten() {
        all.extend(start.ancestors().map(|folder| folder.join("models")).filter(|folder| folder.is_dir()));
    }
    if let Some(paths) = std::env::var_os("FRAMELOOM_MODELS") {
        all.extend(std::env::split_paths(&paths));
    }
    all.extend(store_folder());
    let mut seen = std::collections::HashSet::new();
    all.retain(|folder| seen.insert(folder.clone()));
    all
}

/// The place of the user's store on this system.
fn user_folder() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let data = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        var("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        var("XDG_DATA_HOME").or_else(|| var("HOME").map(|home| home.join(".local/share")))
    };
    data.map(|data| data.join("frameloom").join("models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }

    #[test]
    fn finds_files_names_and_folders_in_order() {
        let home = tempfile::tempdir().unwrap();
        let (base, models) = (home.path().join("graphs"), home.path().join("models"));
        touch(&base.join("own.onnx"));
        touch(&models.join("own.onnx"));
        touch(&models.join("candy.onnx"));
        touch(&models.join("sd/unet/model.onnx"));
        std::fs::create_dir_all(models.join("empty")).unwrap();
        let find = |name: &str| find_among(name, &base, vec![models.clone()]).ok();
        assert_eq!(find("own.onnx"), Some(base.join("own.onnx")));
        assert_eq!(find("own"), Some(base.join("own.onnx")));
        assert_eq!(find("candy"), Some(models.join("candy.onnx")));
        touch(&models.join("dream.safetensors"));
        assert_eq!(find("dream"), Some(models.join("dream.safetensors")));
        assert_eq!(find("../models/candy.onnx").map(|p| p.exists()), Some(true));
        assert_eq!(find("sd"), Some(models.join("sd")));
        assert_eq!(find("empty"), None);
        assert_eq!(find_model("candy", &base).unwrap(), models.join("candy.onnx"), "a folder above the graph counts");
    }

    #[test]
    fn a_missing_model_names_places_and_neighbours() {
        let home = tempfile::tempdir().unwrap();
        touch(&home.path().join("models/fns_candy.onnx"));
        touch(&home.path().join("models/fns_udnie.onnx"));
        let error = find_among("fns_candi", home.path(), vec![home.path().join("models")]).unwrap_err();
        assert_eq!(error.nearest, ["fns_candy"]);
        let text = error.to_string();
        assert!(text.contains("did you mean `fns_candy`?") && text.contains("models\n"), "{text}");
        let error = find_among("models/candy.onnx", home.path(), Vec::new()).unwrap_err();
        assert_eq!(error.nearest, ["fns_candy"]);
    }
}
