//! The models of a node over time, each with its LoRAs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::loras::{self, Wish};
use crate::diffusion::lora::{Adapted, Applied, Lora};
use crate::diffusion::{DiffusionError, ModelFolder, Pipeline};
use crate::model::{Session, SessionOptions, find_model};
use crate::node::Fault;
use crate::param::{Held, Moment, PathParam};

/// How many frames before its turn the next model begins to load.
const AHEAD: f64 = 8.0;

type Loading = JoinHandle<Result<Model, DiffusionError>>;

/// Which LoRAs are wanted with the model at a path.
pub(super) type Wanted<'a> = &'a dyn Fn(&Path) -> Result<Vec<Wish>, Fault>;

/// One model at a time, and shortly before its turn the next, which loads while frames are painted.
pub(super) struct Models {
    schedule: Held<PathParam>,
    options: SessionOptions,
    loaded: Mutex<Loaded>,
}

#[derive(Default)]
struct Loaded {
    current: Option<(PathBuf, Model)>,
    coming: Option<(PathBuf, Loading)>,
}

/// A loaded model.
struct Model {
    /// Without LoRAs.
    plain: ModelFolder,
    applied: Vec<Applied>,
    pipeline: Arc<Pipeline>,
}

impl Model {
    fn load(plain: ModelFolder, applied: Vec<Applied>, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let mut folder = plain.clone();
        if !applied.is_empty() {
            folder.networks = Arc::new(Adapted::new(folder.networks, &applied)?);
        }
        Ok(Self { plain, applied, pipeline: Arc::new(Pipeline::of(folder, options)?) })
    }

    /// The networks that no LoRA changes; who holds them keeps them from being loaded again.
    fn coders(&self, options: &SessionOptions) -> Vec<Arc<Session>> {
        let parts = ["vae_decoder", "vae_encoder"].into_iter().filter(|part| self.plain.has(part));
        parts.filter_map(|part| self.plain.networks.open(part, options).ok()).collect()
    }
}

impl Models {
    /// The models of `schedule`. One that never changes is loaded at once, with the LoRAs that are `wanted` first; of several each when
    /// it is due.
    pub(super) fn open(schedule: &Held<PathParam>, options: SessionOptions, wanted: Wanted<'_>) -> Result<Self, Fault> {
        let models = Self { schedule: schedule.clone(), options, loaded: Mutex::default() };
        let mut all = schedule.values();
        if let (Some(only), None) = (all.next(), all.next()) {
            let path = find(only)?;
            models.load(&mut models.lock(), &path, &wanted(&path)?)?;
        }
        Ok(models)
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model in effect at `at`, with the LoRAs that are `wanted`.
    pub(super) fn at(&self, at: &Moment<'_>, wanted: Wanted<'_>) -> Result<Arc<Pipeline>, Fault> {
        let path = find(self.schedule.at(at))?;
        let mut loaded = self.lock();
        let pipeline = self.load(&mut loaded, &path, &wanted(&path)?)?;
        let now = at.tick as f64;
        let next = self.schedule.keys(at).filter(|(frame, _)| *frame > now && *frame <= now + AHEAD).min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, next)) = next {
            self.prepare(&mut loaded, &path, find(next)?, wanted)?;
        }
        Ok(pipeline)
    }

    /// What is loaded at the moment.
    pub(super) fn current(&self) -> Option<Arc<Pipeline>> {
        self.lock().current.as_ref().map(|(_, model)| Arc::clone(&model.pipeline))
    }

    /// Makes the model at `path` with `wishes` the current one, whether it is that already, was loaded ahead, is loaded with other LoRAs
    /// or not at all. The last is dropped first, unless it is still at work.
    fn load(&self, loaded: &mut Loaded, path: &Path, wishes: &[Wish]) -> Result<Arc<Pipeline>, Fault> {
        let last = loaded.current.take();
        let known: Vec<Arc<Lora>> = last.iter().flat_map(|(_, model)| &model.applied).map(|one| Arc::clone(&one.lora)).collect();
        let applied = loras::read(wishes, &known)?;
        let ahead = loaded.coming.take_if(|(coming, _)| coming == path);
        let same = last.filter(|(current, _)| current == path).map(|(_, model)| model);
        let mut model = match (same, ahead) {
            (Some(model), _) => model,
            (None, Some((_, thread))) => thread.join().map_err(|_| Fault::new("loading the model broke off"))??,
            (None, None) => Model::load(ModelFolder::open(path)?, applied.clone(), &self.options)?,
        };
        if model.applied != applied {
            let (_coders, plain) = (model.coders(&self.options), model.plain.clone());
            drop(model);
            model = Model::load(plain, applied, &self.options)?;
        }
        let pipeline = Arc::clone(&model.pipeline);
        loaded.current = Some((path.to_path_buf(), model));
        Ok(pipeline)
    }

    fn prepare(&self, loaded: &mut Loaded, current: &Path, next: PathBuf, wanted: Wanted<'_>) -> Result<(), Fault> {
        if next == current || loaded.coming.as_ref().is_some_and(|(coming, _)| *coming == next) {
            return Ok(());
        }
        let (path, options, applied) = (next.clone(), self.options.clone(), loras::read(&wanted(&next)?, &[])?);
        loaded.coming = Some((next, std::thread::spawn(move || Model::load(ModelFolder::open(&path)?, applied, &options))));
        Ok(())
    }
}

fn find(model: &PathParam) -> Result<PathBuf, Fault> {
    Ok(find_model(model.text(), model.base())?)
}
