//! Finding and loading ONNX Runtime's shared library, once per process.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;

use super::device::Device;
use super::error::ModelError;

/// The variable that names the library or its folder; nothing else is tried when it is set.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// A place that was searched for the library, and what was there.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it was not used; `None` for the one that was.
    pub problem: Option<String>,
}

/// The state of ONNX Runtime on this machine, for `frameloom doctor`.
#[derive(Debug, Clone)]
pub struct RuntimeReport {
    /// The library in use.
    pub path: Option<PathBuf>,
    /// Its version, where it can be told.
    pub version: Option<String>,
    /// The devices that it was built for.
    pub providers: Vec<String>,
    /// All places searched, in order.
    pub searched: Vec<Place>,
    /// What is wrong and how to mend it; `None` when models can run.
    pub problem: Option<String>,
}

struct Runtime {
    environment: Environment,
    path: PathBuf,
}

struct Loaded {
    runtime: Result<Runtime, String>,
    searched: Vec<Place>,
}

static LOADED: OnceLock<Loaded> = OnceLock::new();

/// The one environment of the process, which keeps the library loaded.
pub(super) fn environment() -> Result<&'static Environment, ModelError> {
    match &loaded().runtime {
        Ok(runtime) => Ok(&runtime.environment),
        Err(problem) => Err(ModelError::Runtime(problem.clone())),
    }
}

/// Loads ONNX Runtime, if that has not happened yet, and says how it went.
#[must_use]
pub fn runtime_report() -> RuntimeReport {
    let Loaded { runtime, searched } = loaded();
    let (path, problem) = match runtime {
        Ok(runtime) => (Some(runtime.path.clone()), None),
        Err(problem) => (None, Some(problem.clone())),
    };
    let providers = match runtime {
        Ok(_) => Device::ALL.iter().filter(|(_, d)| *d != Device::Auto && d.is_built_in()).map(|(name, _)| (*name).to_owned()).collect(),
        Err(_) => Vec::new(),
    };
    let version = path.as_deref().and_then(version_in_name).or_else(|| path.is_some().then(version_in_build).flatten());
    RuntimeReport { path, version, providers, searched: searched.clone(), problem }
}

fn loaded() -> &'static Loaded {
    LOADED.get_or_init(|| {
        let mut searched = Vec::new();
        let runtime = load(&mut searched).ok_or_else(|| explain(&searched, std::env::var_os(VARIABLE).is_some()));
        Loaded { runtime, searched }
    })
}

fn load(searched: &mut Vec<Place>) -> Option<Runtime> {
    for place in places() {
        let candidates = candidates(&place);
        if candidates.is_empty() {
            searched.push(Place { path: place, problem: Some("not there".to_owned()) });
        }
        for path in candidates {
            match start(&path) {
                Ok(environment) => {
                    searched.push(Place { path: path.clone(), problem: None });
                    return Some(Runtime { environment, path });
                }
                Err(problem) => searched.push(Place { path, problem: Some(problem) }),
            }
        }
    }
    None
}

fn start(path: &Path) -> Result<Environment, String> {
    let builder = ort::init_from(path).map_err(|e| e.to_string())?;
    let environment = builder.with_name("frameloom").with_telemetry(false).build().map_err(|e| e.to_string())?;
    environment.set_log_level(ort::logging::LogLevel::Warning);
    super::arena::share(&environment).map_err(|e| e.to_string())?;
    Ok(environment)
}

/// Where the library may lie, in the order in which it is looked for: files, folders, and last a bare name for the system's loader.
fn places() -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|v| !v.is_empty()) {
        return vec![PathBuf::from(path)];
    }
    let mut all = Vec::new();
    let program = std::env::current_exe().ok().map(|p| p.canonicalize().unwrap_or(p));
    let beside = program.as_deref().and_then(Path::parent);
    if let Some(folder) = beside {
        all.extend([folder.to_path_buf(), folder.join("lib")]);
        all.extend(folder.parent().map(|up| up.join("lib")));
    }
    let here = std::env::current_dir().ok();
    for start in [beside, here.as_deref()].into_iter().flatten() {
        // Cargo's own folders are on the way up from the tests; nobody keeps a library in `target/debug/runtime`.
        all.extend(start.ancestors().filter(|f| !f.ends_with("deps") && !f.ends_with("debug")).map(|f| f.join("runtime")));
    }
    let loader = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    all.extend(std::env::var_os(loader).iter().flat_map(std::env::split_paths));
    if cfg!(unix) {
        let system = ["/usr/local/lib", "/usr/lib", "/usr/lib64", "/opt/homebrew/lib", "/opt/onnxruntime/lib"].map(PathBuf::from);
        all.extend(system);
        all.push(Path::new("/usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH)));
    }
    all.push(PathBuf::from(library_name()));
    let mut seen = std::collections::HashSet::new();
    all.retain(|place| seen.insert(place.clone()));
    all
}

fn library_name() -> String {
    format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// The files at a place to try: itself, or in a folder the library under its plain name and then under versioned names, newest first.
fn candidates(place: &Path) -> Vec<PathBuf> {
    if !place.is_dir() {
        let bare = place.components().count() == 1 && !place.is_absolute();
        return if place.is_file() || bare { vec![place.to_path_buf()] } else { Vec::new() };
    }
    let stem = format!("{}onnxruntime.", std::env::consts::DLL_PREFIX);
    let mut found: Vec<PathBuf> = std::fs::read_dir(place)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with(&stem) && name.contains(std::env::consts::DLL_SUFFIX) && path.is_file()
        })
        .collect();
    let plain = library_name();
    found.sort_by_key(|path| (path.ends_with(&plain), numbers(path)));
    found.reverse();
    found
}

/// The version in a file name, as numbers to compare.
fn numbers(path: &Path) -> Vec<u32> {
    version_in_name(path).map(|v| v.split('.').filter_map(|n| n.parse().ok()).collect()).unwrap_or_default()
}

/// `1.31.1` from `libonnxruntime.so.1.31.1`, links followed.
fn version_in_name(path: &Path) -> Option<String> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = real.file_name()?.to_string_lossy().into_owned();
    let from = name.find(|c: char| c.is_ascii_digit())?;
    let version: String = name[from..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let version = version.trim_end_matches('.');
    version.contains('.').then(|| version.to_owned())
}

/// The version from the branch that the loaded library was built from.
fn version_in_build() -> Option<String> {
    let rest = ort::info().split("git-branch=").nth(1)?;
    let branch: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != ',').collect();
    branch.trim_start_matches(|c: char| !c.is_ascii_digit()).split('-').next().filter(|v| !v.is_empty()).map(str::to_owned)
}

/// Why there is no library: what was searched, and what to do, which is something else where the user `named` it in the environment.
fn explain(searched: &[Place], named: bool) -> String {
    let mut text = String::from("ONNX Runtime, which runs the models, was not found");
    let broken: Vec<&Place> = searched.iter().filter(|p| p.problem.as_deref().is_some_and(|w| w != "not there")).collect();
    if broken.iter().any(|place| place.path.components().count() > 1) {
        text = String::from("ONNX Runtime, which runs the models, does not load");
    }
    let places: Vec<String> = searched.iter().map(ToString::to_string).collect();
    text.push_str("\nlooked in:\n  ");
    text.push_str(&places.join("\n  "));
    text.push_str(if named {
        "\nORT_DYLIB_PATH is set, so nothing else was tried: correct or unset it"
    } else {
        "\nrun `make setup` in the project's folder to fetch it, or set ORT_DYLIB_PATH to the library"
    });
    text
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem.as_deref() {
            Some(problem) if problem != "not there" => write!(f, "{}: {problem}", self.path.display()),
            _ => write!(f, "{}", self.path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_library_of_a_folder_is_tried_first() {
        let folder = tempfile::tempdir().unwrap();
        let suffix = std::env::consts::DLL_SUFFIX;
        let versioned = |v: &str| format!("{}onnxruntime{suffix}.{v}", std::env::consts::DLL_PREFIX);
        for name in [versioned("1.9.0"), versioned("1.31.1"), "libonnxruntime_providers_shared.so".to_owned()] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<String> = candidates(folder.path()).iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, [versioned("1.31.1"), versioned("1.9.0")]);
        assert!(candidates(Path::new("/nowhere/libonnxruntime.so")).is_empty());
    }

    #[test]
    fn a_missing_library_is_explained() {
        let searched = [
            Place { path: "/a/runtime".into(), problem: Some("not there".into()) },
            Place { path: "/b/libonnxruntime.so".into(), problem: Some("expected version >= '1.17.x'".into()) },
        ];
        let text = explain(&searched, false);
        assert!(text.contains("does not load") && text.contains("\n  /a/runtime\n"), "{text}");
        assert!(text.contains("/b/libonnxruntime.so: expected version") && text.contains("make setup"), "{text}");
    }
}
