//! Recycled storage: a frame's buffer goes back here when its last holder drops it.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Idle storage beyond this is given back to the system.
const MAX_IDLE_BYTES: usize = 256 << 20;
/// Small buffers are cheaper to allocate than to look up.
const MIN_POOLED: usize = 4096;

#[derive(Default)]
struct Idle {
    by_len: HashMap<usize, Vec<Vec<f32>>>,
    bytes: usize,
}

static IDLE: LazyLock<Mutex<Idle>> = LazyLock::new(Mutex::default);

fn idle() -> std::sync::MutexGuard<'static, Idle> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that wait in the pool for their next use.
#[must_use]
pub fn idle_bytes() -> usize {
    idle().bytes
}

/// Gives all idle storage back to the system.
pub fn trim() {
    *idle() = Idle::default();
}

/// A vector of `f32` that returns to the pool when dropped.
pub(super) struct Buffer(pub(super) Vec<f32>);

impl Buffer {
    /// `len` values with unspecified (but initialised) content.
    pub(super) fn take(len: usize) -> Self {
        if len < MIN_POOLED {
            return Self(vec![0.0; len]);
        }
        let mut idle = idle();
        let found = idle.by_len.get_mut(&len).and_then(Vec::pop);
        if found.is_some() {
            idle.bytes -= len * size_of::<f32>();
        }
        drop(idle);
        Self(found.unwrap_or_else(|| vec![0.0; len]))
    }

    pub(super) fn adopt(data: Vec<f32>) -> Self {
        Self(data)
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::take(self.0.len());
        copy.0.copy_from_slice(&self.0);
        copy
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.0);
        let bytes = data.len() * size_of::<f32>();
        if data.len() < MIN_POOLED {
            return;
        }
        let mut idle = idle();
        if idle.bytes + bytes <= MAX_IDLE_BYTES {
            idle.bytes += bytes;
            idle.by_len.entry(data.len()).or_default().push(data);
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}
