//! A loaded model.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use ort::session::builder::SessionBuilder;
use ort::value::DynValue;

use super::device::Device;
use super::error::{ModelError, not_onnx};
use super::expect::TensorInfo;
use super::find::FindError;
use super::runtime::environment;
use super::tensor::{Tensor, TensorRef};
use super::value::{from_value, infos, owned_value, to_value};
use super::widen::widen;

/// How a model is run. Never changes what it computes beyond rounding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionOptions {
    /// The devices to run on, the preferred one first; the processor is always the last resort.
    pub devices: Vec<Device>,
    /// Threads inside one run on the processor; 0 for as many as there are processors.
    pub threads: usize,
}

impl SessionOptions {
    /// From the names of devices, as a user writes them.
    ///
    /// # Errors
    /// The first name that is no device, with those that are.
    pub fn new(devices: &[String], threads: usize) -> Result<Self, ModelError> {
        let devices = devices.iter().map(|name| name.parse().map_err(ModelError::Device)).collect::<Result<_, _>>()?;
        Ok(Self { devices, threads })
    }
}

impl Default for SessionOptions {
    /// On the processor, with all of it.
    fn default() -> Self {
        Self { devices: vec![Device::Cpu], threads: 0 }
    }
}

/// Where a model built in memory finds its weights.
#[derive(Debug, Default)]
pub struct Weights {
    /// The folder that the model's external tensors name files in.
    pub folder: Option<PathBuf>,
    /// Tensors that take the place of the model's own.
    pub replaced: Vec<Replacement>,
}

/// A tensor that takes the place of one of a model's own.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The name it has in the model.
    pub name: String,
    /// What takes its place: of the same type and shape.
    value: Arc<DynValue>,
    /// Whether the model has it in another file.
    outside: bool,
}

impl Replacement {
    /// `tensor` in the place of `name`, which the model has in itself or, `outside`, in another file.
    ///
    /// # Errors
    /// When ONNX Runtime cannot hold it.
    pub fn new(name: &str, tensor: Tensor, outside: bool) -> Result<Self, ModelError> {
        environment()?;
        let value = owned_value(tensor).map_err(|error| ModelError::Runtime(error.message().to_owned()))?;
        Ok(Self { name: name.to_owned(), value, outside })
    }
}

/// A loaded model, shared by all nodes that use it. Runs one call at a time: a call already uses all the threads it was given.
#[derive(Debug)]
pub struct Session {
    path: PathBuf,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    note: Option<String>,
    inner: Mutex<ort::session::Session>,
}

/// What makes two requests the same session: a file that changed since is another model.
type Key = (PathBuf, Option<(SystemTime, u64)>, SessionOptions);
type Shelf = Arc<Mutex<Weak<Session>>>;

static OPEN: LazyLock<Mutex<HashMap<Key, Shelf>>> = LazyLock::new(Mutex::default);

impl Session {
    /// Loads the model at `path`, a file or a folder that holds `model.onnx`, or shares the session that has it already with the same
    /// options.
    ///
    /// # Errors
    /// When ONNX Runtime is missing, the file is, or it is no model that ONNX Runtime can run.
    pub fn open(path: &Path, options: &SessionOptions) -> Result<Arc<Self>, ModelError> {
        let within = path.join("model.onnx");
        let path = if within.is_file() { &within } else { path };
        let Ok(real) = path.canonicalize() else {
            return Err(missing(path));
        };
        let stamp = std::fs::metadata(&real).ok().and_then(|m| Some((m.modified().ok()?, m.len())));
        let shelf = {
            let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|_, shelf| Arc::strong_count(shelf) > 1 || shelf.try_lock().is_ok_and(|s| s.strong_count() > 0));
            Arc::clone(open.entry((real.clone(), stamp, options.clone())).or_default())
        };
        // Two who ask for one model wait for each other; those who ask for different ones do not.
        let mut slot = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = slot.upgrade() {
            return Ok(session);
        }
        let session = Arc::new(Self::load(&real, options, &Weights::default(), |builder| builder.commit_from_file(&real))?);
        *slot = Arc::downgrade(&session);
        Ok(session)
    }

    /// Loads the model at `path` with single in the place of half precision throughout: for models whose numbers grow too large for that.
    /// Nothing where it has none. Not shared.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_widened(path: &Path, options: &SessionOptions) -> Result<Option<Arc<Self>>, ModelError> {
        let bytes = std::fs::read(path).map_err(|error| ModelError::Load { path: path.to_path_buf(), why: error.to_string() })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let weights = Weights { folder: Some(folder.to_path_buf()), replaced: Vec::new() };
        widen(&bytes, folder).map(|wide| Self::from_bytes(path, &wide, &weights, options)).transpose()
    }

    /// Loads a model from memory, for models put together from a checkpoint. `name` stands for it in messages. Not shared.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn from_bytes(name: &Path, bytes: &[u8], weights: &Weights, options: &SessionOptions) -> Result<Arc<Self>, ModelError> {
        Self::load(name, options, weights, |builder| builder.commit_from_memory(bytes)).map(Arc::new)
    }

    fn load(
        path: &Path,
        options: &SessionOptions,
        weights: &Weights,
        commit: impl Fn(&mut SessionBuilder) -> ort::Result<ort::session::Session>,
    ) -> Result<Self, ModelError> {
        environment()?;
        let (devices, mut remarks) = Device::resolve(&options.devices);
        let build = |devices: &[Device], remarks: &mut Vec<String>| commit(&mut builder(options, weights, devices, remarks)?);
        let mut built = build(&devices, &mut remarks);
        if let (Err(error), Some(device)) = (&built, devices.first()) {
            let why = first_line(error.message());
            remarks.push(format!("`{device}` cannot run this model ({why}), it runs on the CPU"));
            built = build(&[], &mut remarks);
        }
        let inner = built.map_err(|error| refused(path, &error))?;
        let (inputs, outputs) = (infos(inner.inputs()), infos(inner.outputs()));
        let note = (!remarks.is_empty()).then(|| remarks.join("; "));
        if let Some(note) = &note {
            tracing::warn!("{}: {note}", path.display());
        }
        Ok(Self { path: path.to_path_buf(), inputs, outputs, note, inner: Mutex::new(inner) })
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What goes in, in the model's order.
    #[must_use]
    pub fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    /// What comes out, in the model's order.
    #[must_use]
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The input of that name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&TensorInfo> {
        self.inputs.iter().find(|info| info.name == name)
    }

    /// What the user should know about where it runs: that a device asked for is not there.
    #[must_use]
    pub fn device_note(&self) -> Option<String> {
        self.note.clone()
    }

    /// All inputs and outputs, one a line, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        let side = |side: &'static str, infos: &[TensorInfo]| infos.iter().map(move |i| format!("  {side} {i}")).collect::<Vec<_>>();
        let lines = [vec!["it has".to_owned()], side("input", &self.inputs), side("output", &self.outputs)];
        lines.concat().join("\n")
    }

    /// Runs the model. Inputs may be in any order; their values are converted to the element type that the model wants where
    /// that loses nothing but precision. Outputs come in the model's order; 16- and 64-bit floats arrive as 32-bit floats.
    ///
    /// # Errors
    /// When an input's name, type or shape does not fit, or the model fails.
    pub fn run(&self, inputs: &[(&str, TensorRef<'_>)]) -> Result<Vec<Tensor>, ModelError> {
        let mut values = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let info = self.check(name, tensor)?;
            let value = to_value(tensor, info.element).map_err(|why| self.input_error(format!("`{name}`: {why}")))?;
            values.push((Cow::Borrowed(*name), value));
        }
        if let Some(info) = self.inputs.iter().find(|info| !inputs.iter().any(|(name, _)| *name == info.name)) {
            return Err(self.input_error(format!("`{info}` was not given")));
        }
        let fail = |error: ort::Error| ModelError::Run { path: self.path.clone(), why: error.message().to_owned() };
        let mut session = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(values).map_err(fail)?;
        outputs.values().map(|value| from_value(&value).map_err(fail)).collect()
    }

    fn check(&self, name: &str, tensor: &TensorRef<'_>) -> Result<&TensorInfo, ModelError> {
        let Some(info) = self.input(name) else {
            return Err(self.input_error(format!("there is no `{name}`")));
        };
        let shape = tensor.shape();
        let fits = shape.len() == info.rank() && info.shape.iter().zip(shape).all(|(dim, n)| dim.fixed().is_none_or(|wanted| wanted == *n));
        if fits { Ok(info) } else { Err(self.input_error(format!("`{info}` was given {shape:?}"))) }
    }

    fn input_error(&self, why: String) -> ModelError {
        ModelError::Input { path: self.path.clone(), why, has: self.describe() }
    }

    pub(super) fn signature_error(&self, what: &str, why: String) -> ModelError {
        ModelError::Signature { path: self.path.clone(), what: what.to_owned(), why, has: self.describe() }
    }
}

fn builder(options: &SessionOptions, weights: &Weights, devices: &[Device], remarks: &mut Vec<String>) -> ort::Result<SessionBuilder> {
    let environment = environment().map_err(|e| ort::Error::new(e.to_string()))?;
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        n => n,
    };
    let mut builder = ort::session::Session::builder(environment)?
        .with_intra_threads(threads)?
        // Threads that spin while they wait take the processor from the frames being prepared meanwhile.
        .with_intra_op_spinning(false)?
        // Plans memory for the last shape seen: no gain in time, and DirectML forbids it.
        .with_memory_pattern(false)?
        .with_env_allocators()?
        .with_deterministic_compute(true)?;
    if let Some(folder) = &weights.folder {
        builder = builder.with_config_entry("session.model_external_initializers_file_folder_path", folder.to_string_lossy())?;
    }
    for Replacement { name, value, outside } in &weights.replaced {
        let value = Arc::clone(value);
        builder = if *outside { builder.with_external_initializer(name, value)? } else { builder.with_initializer(name, value)? };
    }
    for device in devices {
        if let Err(error) = device.register(&mut builder) {
            remarks.push(format!("`{device}` does not start ({}), the model runs on the CPU", first_line(error.message())));
        }
    }
    Ok(builder)
}

/// The first line of what ONNX Runtime says, without the condition in its source that failed.
fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(" was false. ").map_or(line, |(_, reason)| reason)
}

fn missing(path: &Path) -> ModelError {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    match super::find::find_model(&name, folder) {
        Err(error) => ModelError::Find(FindError { name: path.display().to_string(), searched: vec![folder.to_path_buf()], ..error }),
        Ok(other) => ModelError::Find(FindError {
            name: path.display().to_string(),
            searched: vec![folder.to_path_buf()],
            nearest: vec![other.display().to_string()],
        }),
    }
}

fn refused(path: &Path, error: &ort::Error) -> ModelError {
    let path = path.to_path_buf();
    if let Some(why) = not_onnx(&path) {
        return ModelError::NotOnnx { path, why };
    }
    match error.code() {
        ort::ErrorCode::InvalidProtobuf | ort::ErrorCode::NoModel => {
            ModelError::NotOnnx { path, why: "it cannot be parsed; fetch or export it again".to_owned() }
        }
        _ => ModelError::Load { path, why: error.message().to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array4};

    use super::*;

    fn open(name: &str) -> Arc<Session> {
        try_open(name).unwrap()
    }

    fn try_open(name: &str) -> Result<Arc<Session>, ModelError> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(format!("{name}.onnx"));
        Session::open(&path, &SessionOptions { threads: 1, ..SessionOptions::default() })
    }

    fn picture() -> Array4<f32> {
        Array4::from_shape_fn((1, 3, 2, 4), |(_, c, y, x)| (c * 8 + y * 4 + x) as f32 / 32.0)
    }

    #[test]
    fn a_model_is_run_and_shared() {
        let session = open("invert");
        assert!(Arc::ptr_eq(&session, &open("invert")), "two nodes share one session");
        assert_eq!(session.inputs()[0].to_string(), "image: f32 [n, 3, h, w]");
        assert_eq!(session.device_note(), None);
        let outputs = session.run(&[("image", picture().view().into())]).unwrap();
        assert_eq!(outputs[0].as_f32(), (1.0 - &picture()).as_slice());
    }

    #[test]
    fn half_precision_is_converted_on_the_way() {
        let session = open("invert_fp16");
        assert_eq!(session.inputs()[0].element.to_string(), "f16");
        let output = session.run(&[("image", picture().view().into())]).unwrap().remove(0);
        assert_eq!(output, Tensor::from(1.0 - &picture()), "multiples of 1/32 are exact in half precision");
    }

    #[test]
    fn strided_input_gives_the_same() {
        let upside_down = picture().slice_move(ndarray::s![.., .., ..;-1, ..]);
        let output = open("invert").run(&[("image", upside_down.view().into())]).unwrap().remove(0);
        assert_eq!(output.into_f32(), (1.0 - &upside_down).into_dyn());
    }

    #[test]
    fn integers_narrow_where_they_fit() {
        let session = open("count");
        let run = |ids: Vec<i64>| session.run(&[("ids", Array1::from(ids).view().into())]);
        assert_eq!(run(vec![1, -7]).unwrap()[0], Tensor::from(Array1::from(vec![2_i32, -6])));
        assert!(run(vec![1 << 40]).unwrap_err().to_string().contains("cannot become i32"));
        let error = session.run(&[("ids", Array1::from(vec![0.5_f32]).view().into())]).unwrap_err();
        assert!(error.to_string().contains("cannot become i32"));
    }

    #[test]
    fn wrong_inputs_are_named() {
        let session = open("add_style");
        let wrong = |inputs: &[(&str, TensorRef<'_>)]| session.run(inputs).unwrap_err().to_string();
        let text = wrong(&[("content", picture().view().into())]);
        assert!(text.contains("`style: f32 [1, 3, sh, sw]` was not given") && text.contains("input alpha: f32 [1]"), "{text}");
        assert!(wrong(&[("image", picture().view().into())]).contains("there is no `image`"));
        let flat = Array1::<f32>::zeros(3);
        assert!(wrong(&[("content", flat.view().into())]).contains("was given [3]"));
    }

    #[test]
    fn a_missing_device_is_remarked_and_the_processor_used() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/invert.onnx");
        let session = Session::open(&path, &SessionOptions { devices: vec![Device::OpenVino], threads: 1 }).unwrap();
        if let Some(note) = session.device_note() {
            assert!(note.contains("`openvino`") && note.contains("runs on the CPU"), "{note}");
        }
        assert!(session.run(&[("image", picture().view().into())]).is_ok());
    }

    #[test]
    fn what_is_no_model_says_what_it_is() {
        let error = try_open("invrt").unwrap_err().to_string();
        assert!(error.contains("did you mean `invert`"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let tell = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Session::open(&path, &SessionOptions::default()).unwrap_err().to_string()
        };
        assert!(tell("a.onnx", "version https://git-lfs.github.com/spec/v1\noid").contains("git lfs pull"));
        assert!(tell("b.onnx", "").contains("empty"));
        assert!(tell("c.safetensors", "12345678{}").contains("export the model"));
        assert!(tell("d.onnx", "not a model at all").contains("is not an ONNX model"));
    }

    #[test]
    fn reasons_lose_their_place_in_the_source() {
        assert_eq!(first_line("/src/a.cc:65 Init() status == Success was false. No supported adapters\nat"), "No supported adapters");
        assert_eq!(first_line("plain\nmore"), "plain");
    }

    #[test]
    fn a_model_from_memory_runs() {
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/invert.onnx")).unwrap();
        let session = Session::from_bytes(Path::new("built"), &bytes, &Weights::default(), &SessionOptions::default()).unwrap();
        assert_eq!(session.run(&[("image", picture().view().into())]).unwrap()[0].as_f32(), (1.0 - &picture()).as_slice());
        let three = Tensor::from(ndarray::arr0(3.0_f32));
        let weights = Weights { folder: None, replaced: vec![Replacement::new("one", three, false).unwrap()] };
        let session = Session::from_bytes(Path::new("built"), &bytes, &weights, &SessionOptions::default()).unwrap();
        assert_eq!(session.run(&[("image", picture().view().into())]).unwrap()[0].as_f32(), (3.0 - &picture()).as_slice());
    }
}
