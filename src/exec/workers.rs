//! The threads that fire. Plain scoped threads: a firing that waited inside rayon could be stolen onto another's stack.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::schedule::{Course, Firing, Outcome, Scheduler, Verdict};
use super::store::Store;
use super::{Event, Observer, StopFlag};
use crate::node::{Fault, Halt, Sample, Value};
use crate::plan::analysis::Analysis;
use crate::plan::net::{Net, PortRef};

/// For each tap of a node the values it reads, oldest first.
pub(super) type Inputs = Vec<Vec<Sample>>;

/// Runs one firing; gives its outputs by port.
pub(super) type Fire<'a> = dyn Fn(&Firing, Inputs) -> Result<Vec<Option<Value>>, Halt> + Sync + 'a;

/// What the threads are to do.
pub(super) struct Job<'a> {
    pub net: &'a Net,
    pub analysis: &'a Analysis,
    pub course: Course,
    pub threads: usize,
    pub stop: &'a StopFlag,
    pub observer: &'a dyn Observer,
}

/// How long a node's firings took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// How many there were.
    pub count: u64,
    /// All together.
    pub total: Duration,
    /// The longest.
    pub max: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Driven {
    pub verdict: Verdict,
    /// Why the verdict's firing failed.
    pub fault: Option<Fault>,
    pub frames: u64,
    pub times: Vec<Times>,
    pub peak_bytes: u64,
    pub peak_values: usize,
}

/// Runs `job` to its end on its threads, of which the caller's is one.
pub(super) fn drive(job: &Job<'_>, fire: &Fire<'_>) -> Driven {
    let state = State {
        scheduler: Scheduler::new(job.net, job.analysis, job.course),
        store: Store::default(),
        times: vec![Times::default(); job.net.nodes.len()],
        faults: HashMap::new(),
        frames: 0,
    };
    let crew = Crew { job, fire, state: Mutex::new(state), changed: Condvar::new() };
    thread::scope(|scope| {
        for index in 1..job.threads {
            // With fewer threads than wanted the same work is done, only later.
            let spawned = thread::Builder::new().name(format!("firing-{index}")).spawn_scoped(scope, || crew.work());
            if spawned.is_err() {
                break;
            }
        }
        crew.work();
    });
    crew.state.into_inner().unwrap_or_else(PoisonError::into_inner).conclude()
}

struct Crew<'a> {
    job: &'a Job<'a>,
    fire: &'a Fire<'a>,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    scheduler: Scheduler<'a>,
    store: Store<Value>,
    times: Vec<Times>,
    faults: HashMap<Firing, Fault>,
    frames: u64,
}

impl<'a> Crew<'a> {
    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if self.job.stop.requested() {
                state.scheduler.stop();
            }
            if let Some(firing) = state.scheduler.next() {
                let inputs = state.begin(&firing);
                drop(state);
                let began = Instant::now();
                let made = self.fire(&firing, inputs);
                let took = began.elapsed();
                state = self.lock();
                state.end(&firing, made, took);
                self.changed.notify_all();
                self.tell(&mut state, &firing, took);
            } else if state.scheduler.verdict().is_some() {
                return;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn fire(&self, firing: &Firing, inputs: Inputs) -> Result<Vec<Option<Value>>, Halt> {
        catch_unwind(AssertUnwindSafe(|| (self.fire)(firing, inputs))).unwrap_or_else(|panic| Err(Halt::Fault(panicked(&*panic))))
    }

    fn tell(&self, state: &mut State<'_>, firing: &Firing, took: Duration) {
        self.job.observer.event(&Event::Fired { node: firing.node, tick: firing.tick, took });
        let from = self.job.course.from;
        let done = state.scheduler.frames().saturating_sub(from);
        if done > state.frames {
            state.frames = done;
            self.job.observer.event(&Event::Frames { done, length: state.scheduler.length().map(|length| length.saturating_sub(from)) });
        }
    }
}

impl State<'_> {
    /// Starts `firing` and gathers what it reads. What nobody else will read is handed over, so that it may be changed in place.
    fn begin(&mut self, firing: &Firing) -> Inputs {
        self.scheduler.start(firing);
        let reads = self.scheduler.reads(firing);
        let mut uses: HashMap<(PortRef, u64), usize> = HashMap::new();
        for &read in reads.iter().flatten() {
            *uses.entry(read).or_default() += 1;
        }
        let mut get = |(port, tick): (PortRef, u64)| {
            let period = self.scheduler.interval(port.node, tick);
            let left = uses.get_mut(&(port, tick))?;
            *left -= 1;
            let last = *left == 0 && self.scheduler.last_use(firing, port, tick);
            let value = if last { self.store.take(port, tick) } else { self.store.get(port, tick).cloned() };
            Some(Sample { value: value?, tick, period })
        };
        reads.into_iter().map(|window| window.into_iter().filter_map(&mut get).collect()).collect()
    }

    fn end(&mut self, firing: &Firing, made: Result<Vec<Option<Value>>, Halt>, took: Duration) {
        let times = &mut self.times[firing.node];
        *times = Times { count: times.count + 1, total: times.total + took, max: times.max.max(took) };
        let (outcome, outputs) = match made {
            Ok(outputs) => (Outcome::Done, outputs),
            Err(Halt::End) => (Outcome::Ended, Vec::new()),
            Err(Halt::Fault(fault)) => {
                self.faults.insert(*firing, fault);
                (Outcome::Failed, Vec::new())
            }
        };
        self.scheduler.finish(firing, outcome);
        for (port, value) in outputs.into_iter().enumerate().filter_map(|(port, value)| Some((port, value?))) {
            let port = PortRef::new(firing.node, port);
            if self.scheduler.keeps(port, firing.tick) {
                let bytes = value.bytes() as u64;
                self.store.insert(port, firing.tick, value, bytes);
            }
        }
        for (port, tick) in self.scheduler.released() {
            self.store.remove(port, tick);
        }
    }

    fn conclude(mut self) -> Driven {
        let verdict = self.scheduler.verdict().unwrap_or(Verdict::Stalled);
        let fault = if let Verdict::Failed(firing) = &verdict { self.faults.remove(firing) } else { None };
        Driven {
            verdict,
            fault,
            frames: self.frames,
            times: self.times,
            peak_bytes: self.store.peak_bytes(),
            peak_values: self.store.peak_values(),
        }
    }
}

/// A panic as a fault: the run ends in order, and the files written so far are closed.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Fault::new(format!("it panicked: {}", text.unwrap_or("without a message")))
        .help("this is a mistake in the node's kind; please report it")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::plan::net::{Initial, Lane, LaneId, NetNode, Tap};

    /// A source of unknown length, a loop around a window that looks ahead, and a sink.
    fn net() -> Net {
        let port = |node| PortRef::new(node, 0);
        let source = NetNode { sequential: true, source_ends: true, ..NetNode::reading(vec![]) };
        let loop_tap = Tap::delayed(port(2), 1, Initial::Stream(port(0)));
        let nodes = vec![
            source,
            NetNode::reading(vec![Tap::window(port(0), 1, 2)]),
            NetNode { lane: LaneId(1), ..NetNode::reading(vec![Tap::now(port(1)), loop_tap]) },
            NetNode { sequential: true, sink: true, ..NetNode::reading(vec![Tap::now(port(2))]) },
        ];
        Net { nodes, lanes: vec![Lane { slots: 4 }, Lane { slots: 1 }] }
    }

    /// Numbers the source's ticks; sums everywhere else, as `extra` lets it.
    fn sums(firing: &Firing, inputs: Inputs, sink: &Mutex<Vec<f64>>) -> Result<Vec<Option<Value>>, Halt> {
        if firing.node == 0 && firing.tick == 20 {
            return Err(Halt::End);
        }
        let numbers = inputs.into_iter().flatten().map(|sample| if let Value::Scalar(number) = sample.value { number } else { 0.0 });
        let sum = numbers.fold(firing.tick as f64, |sum, number| sum * 0.5 + number);
        if firing.node == 3 {
            sink.lock().unwrap().push(sum);
        }
        Ok(vec![Some(Value::Scalar(sum))])
    }

    fn run(threads: usize, depth: usize, stop: &StopFlag, observer: &dyn Observer, fire: &Fire<'_>) -> Driven {
        let net = net();
        let analysis = Analysis::new(&net).unwrap();
        drive(&Job { net: &net, analysis: &analysis, course: Course { depth, from: 0, length: None }, threads, stop, observer }, fire)
    }

    #[test]
    fn the_same_values_on_any_number_of_threads() {
        let result = |threads, depth| {
            let (sink, seen) = (Mutex::default(), Mutex::new(Vec::new()));
            let observer = |event: &Event| {
                if let Event::Frames { done, .. } = event {
                    seen.lock().unwrap().push(*done);
                }
            };
            let driven = run(threads, depth, &StopFlag::default(), &observer, &|firing, inputs| sums(firing, inputs, &sink));
            assert_eq!((driven.verdict, driven.frames), (Verdict::Complete, 20));
            assert_eq!(driven.times[3].count, 20);
            let seen = seen.into_inner().unwrap();
            assert!(seen.is_sorted() && seen.last() == Some(&20));
            sink.into_inner().unwrap()
        };
        let one = result(1, 1);
        assert_eq!(one.len(), 20);
        assert!([(2, 1), (4, 3), (8, 8)].iter().all(|&(threads, depth)| result(threads, depth) == one));
    }

    #[test]
    fn a_panic_is_a_fault_of_the_first_firing_that_fails() {
        let sink = Mutex::default();
        let driven = run(4, 4, &StopFlag::default(), &|_: &Event| {}, &|firing, inputs| {
            assert!(firing.node != 2 || firing.tick < 7, "tick {}", firing.tick);
            sums(firing, inputs, &sink)
        });
        assert_eq!(driven.verdict, Verdict::Failed(Firing { node: 2, tick: 7, wave: 7 }));
        assert_eq!(driven.fault.unwrap().message, "it panicked: tick 7");
        assert_eq!((driven.frames, sink.into_inner().unwrap().len()), (7, 7));
    }

    #[test]
    fn a_stop_finishes_the_frames_begun() {
        let (sink, stop, fired) = (Mutex::default(), StopFlag::default(), AtomicUsize::new(0));
        let driven = run(3, 2, &stop, &|_: &Event| {}, &|firing, inputs| {
            if fired.fetch_add(1, Ordering::Relaxed) == 30 {
                stop.request();
            }
            sums(firing, inputs, &sink)
        });
        assert_eq!(driven.verdict, Verdict::Stopped);
        assert!((3..20).contains(&driven.frames), "{}", driven.frames);
        assert_eq!(sink.into_inner().unwrap().len() as u64, driven.frames);
    }
}
