//! A user with a store of models of their own, and files to put into it.
#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "every test program uses its part of this, and may stop where it stands")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that is home, work place and store.
pub struct User {
    pub home: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl User {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.path("data/frameloom/models")
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frameloom"));
        for name in ["HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE", "FRAMELOOM_OFFLINE", "FRAMELOOM_MODELS", "SSL_CERT_FILE"] {
            command.env_remove(name);
        }
        command.env("XDG_DATA_HOME", self.path("data")).env("NO_PROXY", "*").envs(self.environment.iter().cloned());
        command.args(args).current_dir(self.home.path()).stdin(Stdio::null());
        Ran::of(command.output().unwrap())
    }

    /// `models …`, which must go well.
    pub fn models(&self, args: &[&str]) -> Ran {
        let ran = self.run(&[&["models"], args].concat());
        assert_eq!(ran.code, 0, "{args:?}: {} {}", ran.out, ran.err);
        ran
    }

    /// `models …`, which must fail so.
    pub fn refused(&self, code: i32, args: &[&str]) -> String {
        let ran = self.run(&[&["models"], args].concat());
        assert_eq!(ran.code, code, "{args:?}: {} {}", ran.out, ran.err);
        ran.err
    }

    /// The JSON of `models … --format json`.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let ran = self.run(&[&["models", "--format", "json"], args].concat());
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err))
    }

    /// The files in the store, by path.
    pub fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        collect(&self.store(), &self.store(), &mut all);
        all
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.stored().into_keys().collect()
    }
}

fn collect(root: &Path, folder: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, all);
        } else {
            all.insert(path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap_or_default());
        }
    }
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A model of the tests.
pub fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

pub fn network() -> Vec<u8> {
    fs::read(model("invert.onnx")).unwrap()
}

/// A small LoRA of so many numbers.
pub fn lora(numbers: usize, license: Option<&str>) -> Vec<u8> {
    let data: Vec<u8> = (0..numbers).flat_map(|i| ((i as f32).sin()).to_le_bytes()).collect();
    let metadata = license.map_or_else(String::new, |license| format!(r#""__metadata__":{{"modelspec.license":"{license}"}},"#));
    let half = numbers / 2;
    let list = format!(
        r#"{{{metadata}"lora_unet_a.lora_down.weight":{{"dtype":"F32","shape":[{half}],"data_offsets":[0,{}]}},"lora_unet_a.lora_up.weight":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}}}}"#,
        half * 4,
        numbers - half,
        half * 4,
        numbers * 4
    );
    [&(list.len() as u64).to_le_bytes(), list.as_bytes(), data.as_slice()].concat()
}
