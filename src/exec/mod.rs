//! Running a plan: which firing comes next, who runs it, and how long its values live.

mod lifetimes;
mod run;
pub mod schedule;
pub mod store;
mod watch;
mod workers;

pub use run::{Report, RunError, RunOptions, run};
pub use watch::{Event, Observer, StopFlag};
pub use workers::Times;
