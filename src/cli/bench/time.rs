//! Repeating work and looking at the clock.

use std::time::{Duration, Instant};

/// A benchmark repeats for about this long, so that what disturbs it for a moment does not count.
const SPAN: Duration = Duration::from_millis(400);
/// At least so many times, however long one takes.
const FEWEST: usize = 5;
/// At most so many times.
const MOST: usize = 500;

/// How long one repetition takes, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// The middle one of all.
    pub median: f64,
    /// The shortest: what the machine can do when nothing else wants it.
    pub least: f64,
}

/// Times `work`, after a first turn that does not count: it fetches code, memory and tables.
pub fn measure(work: &mut dyn FnMut()) -> Time {
    work();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < FEWEST || (times.len() < MOST && start.elapsed() < SPAN) {
        let before = Instant::now();
        work();
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Time { median: times[times.len() / 2], least: times[0] }
}
