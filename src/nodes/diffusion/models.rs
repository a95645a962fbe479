//! The models of a node over time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::diffusion::{DiffusionError, Pipeline};
use crate::model::{SessionOptions, find_model};
use crate::node::Fault;
use crate::param::{Held, Moment, PathParam};

/// How many frames before its turn the next model begins to load.
const AHEAD: f64 = 8.0;

type Loading = JoinHandle<Result<Pipeline, DiffusionError>>;

/// One model at a time, and shortly before its turn the next, which loads while frames are painted.
pub(super) struct Models {
    schedule: Held<PathParam>,
    options: SessionOptions,
    loaded: Mutex<Loaded>,
}

#[derive(Default)]
struct Loaded {
    current: Option<(PathBuf, Arc<Pipeline>)>,
    coming: Option<(PathBuf, Loading)>,
}

impl Models {
    /// The models of `schedule`. One that never changes is loaded at once, of several each when it is due.
    pub(super) fn open(schedule: &Held<PathParam>, options: SessionOptions) -> Result<Self, Fault> {
        let models = Self { schedule: schedule.clone(), options, loaded: Mutex::default() };
        let mut all = schedule.values();
        if let (Some(only), None) = (all.next(), all.next()) {
            models.load(&mut models.lock(), &find(only)?)?;
        }
        Ok(models)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model in effect at `at`.
    pub(super) fn at(&self, at: &Moment<'_>) -> Result<Arc<Pipeline>, Fault> {
        let path = find(self.schedule.at(at))?;
        let mut loaded = self.lock();
        let pipeline = self.load(&mut loaded, &path)?;
        let now = at.tick as f64;
        let next = self.schedule.keys(at).filter(|(frame, _)| *frame > now && *frame <= now + AHEAD).min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, next)) = next {
            self.prepare(&mut loaded, &path, find(next)?);
        }
        Ok(pipeline)
    }

    /// What is loaded at the moment.
    pub(super) fn current(&self) -> Option<Arc<Pipeline>> {
        self.lock().current.as_ref().map(|(_, pipeline)| Arc::clone(pipeline))
    }

    /// Makes the model at `path` the current one, whether it is that already, was loaded ahead or is not loaded at all. The last is dropped
    /// first, unless it is still at work.
    fn load(&self, loaded: &mut Loaded, path: &Path) -> Result<Arc<Pipeline>, Fault> {
        if let Some((_, pipeline)) = loaded.current.as_ref().filter(|(current, _)| current == path) {
            return Ok(Arc::clone(pipeline));
        }
        loaded.current = None;
        let ahead = loaded.coming.take_if(|(coming, _)| coming == path);
        let pipeline = match ahead {
            Some((_, thread)) => thread.join().map_err(|_| Fault::new("loading the model broke off"))??,
            None => Pipeline::open(path, &self.options)?,
        };
        let pipeline = Arc::new(pipeline);
        loaded.current = Some((path.to_path_buf(), Arc::clone(&pipeline)));
        Ok(pipeline)
    }

    fn prepare(&self, loaded: &mut Loaded, current: &Path, next: PathBuf) {
        if next == current || loaded.coming.as_ref().is_some_and(|(coming, _)| *coming == next) {
            return;
        }
        let (path, options) = (next.clone(), self.options.clone());
        loaded.coming = Some((next, std::thread::spawn(move || Pipeline::open(&path, &options))));
    }
}

fn find(model: &PathParam) -> Result<PathBuf, Fault> {
    Ok(find_model(model.text(), model.base())?)
}
