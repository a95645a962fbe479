//! Watching a run, and stopping it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What happens in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// All nodes are open.
    Started {
        /// How many frames there will be, as far as the sources know.
        length: Option<u64>,
    },
    /// A node has fired.
    Fired {
        /// The node's index in the plan.
        node: usize,
        /// The tick.
        tick: u64,
        /// How long it took.
        took: Duration,
    },
    /// All sinks have finished this many frames from the first one written.
    Frames {
        /// How many frames are finished.
        done: u64,
        /// How many there will be, once that is certain.
        length: Option<u64>,
    },
    /// No node fires any more; files are being closed.
    Finishing {
        /// How many frames were finished.
        done: u64,
    },
}

/// Hears what happens in a run. Called by one thread at a time, in order, while the others wait: it should be quick.
pub trait Observer: Sync {
    /// `event` has happened.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Sync> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Asks a run to stop. The frames that have begun are finished and files are closed. Clones ask the same run.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
