//! The scheduler against plain recursion: thousands of random graphs under random timing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, HashMap};

use frameloom::exec::schedule::{Course, Firing, Outcome, Scheduler, Verdict};
use frameloom::exec::store::Store;
use frameloom::plan::analysis::{Analysis, LoopLink, NetError};
use frameloom::plan::clock::Clock;
use frameloom::plan::net::{Initial, Lane, LaneId, Net, NetNode, PortRef, Tap};

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0, 1)
    }
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let z = (a ^ b.rotate_left(32)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A net, and what the test needs to know of its nodes.
struct Case {
    net: Net,
    /// Where each ending source ends.
    ends: Vec<u64>,
    /// The length that is given from outside.
    length: Option<u64>,
    /// Firings that fail: those whose hash is a multiple of this.
    failing: Option<u64>,
    /// Where the sinks begin.
    from: u64,
}

fn tap(random: &mut Random, node: usize, count: usize) -> Tap {
    let port = |random: &mut Random, node| PortRef::new(node, random.below(2));
    let earlier = node > 0 && random.chance(75);
    let from = if earlier { random.below(node) } else { random.below(count) };
    let from = port(random, from);
    let start = if random.chance(90) { node.max(1) } else { count };
    let start = PortRef::new(random.below(start), random.below(2));
    let initial = match random.chance(if earlier { 50 } else { 90 }) {
        true if random.chance(20) => Initial::Nothing,
        true => Initial::Stream(start),
        false => Initial::First,
    };
    match random.below(if earlier { 10 } else { 4 }) {
        0 => Tap { lo: -(random.below(4) as i64) - 1, hi: -1, step: 1 + random.below(2) as u64, from, initial },
        1 | 2 => Tap::delayed(from, 1 + random.below(3) as u64, initial),
        3 => Tap { initial, ..Tap::window(from, random.below(3) as u64, random.below(3) as u64) },
        4 => Tap { lo: 1, hi: 1 + random.below(2) as i64, step: 1, from, initial: Initial::First },
        _ => Tap::now(from),
    }
}

/// A clock that fires at random, for ever or up to some tick.
fn uneven(random: &mut Random) -> Clock {
    let (seed, widest, scale) = (random.next(), 1 + random.below(5) as u64, 1 + random.below(2) as u64);
    let end = if random.chance(40) { random.below(20) as u64 } else { u64::MAX };
    Clock::uneven(scale, move |last| Some(last + 1 + mix(seed, last) % widest).filter(|&next| next < end))
}

fn clock(random: &mut Random, slow: bool, even: bool) -> Clock {
    match random.below(100) {
        0..40 if slow => Clock::every(2 + random.below(3) as u64),
        40..65 if !even => uneven(random),
        _ => Clock::every(1),
    }
}

fn case(seed: u64) -> Case {
    let mut random = Random(seed);
    let count = 2 + random.below(9);
    let lanes: Vec<Lane> = (0..=random.below(3)).map(|_| Lane { slots: 1 + random.below(3) }).collect();
    let (slow, even) = (random.chance(40), random.chance(50));
    // Several nodes may fire by one clock.
    let shared = uneven(&mut random);
    let nodes = (0..count).map(|node| {
        let source = node == 0 || random.chance(15);
        let taps = if source { 0 } else { 1 + random.below(3) };
        let source_ends = source && random.chance(60);
        NetNode {
            // What says where the output ends must not stop firing before.
            clock: if !even && !source_ends && random.chance(20) { shared.clone() } else { clock(&mut random, slow, even || source_ends) },
            sequential: random.chance(50),
            lane: LaneId(random.below(lanes.len())),
            sink: node + 1 == count || random.chance(10),
            source_ends,
            taps: (0..taps).map(|_| tap(&mut random, node, count)).collect(),
        }
    });
    let nodes = nodes.collect();
    let ends = (0..count).map(|_| random.below(24) as u64).collect();
    let length = random.chance(40).then(|| random.below(20) as u64);
    Case { net: Net { nodes, lanes }, ends, length, failing: None, from: 0 }
}

impl Case {
    /// The analysis of a legal case whose output ends somewhere.
    fn analysis(&mut self) -> Option<Analysis> {
        let analysis = Analysis::new(&self.net).ok()?;
        let endless = !analysis.ending_sources(&self.net).any(|source| analysis.nodes[source].until == u64::MAX);
        if endless {
            self.length = self.length.or(Some(17));
        }
        Some(analysis)
    }

    fn course(&self, depth: usize) -> Course {
        Course { depth, from: self.from, length: self.length }
    }

    fn outcome(&self, node: usize, tick: u64) -> Outcome {
        if self.net.nodes[node].source_ends && tick >= self.ends[node] {
            Outcome::Ended
        } else if self.failing.is_some_and(|n| mix(mix(node as u64, tick), 77).is_multiple_of(n)) {
            Outcome::Failed
        } else {
            Outcome::Done
        }
    }

    /// Where the output ends, and what fails first, from the order of firings alone.
    fn expected(&self, analysis: &Analysis) -> (Option<u64>, Option<Firing>) {
        let mut all = Vec::new();
        let since = analysis.since(&self.net, self.from);
        for (rank, &node) in analysis.order.iter().enumerate() {
            let facts = &analysis.nodes[node];
            let ticks = (0..40).filter(|&tick| facts.clock.fires(tick) && tick >= since[node] && tick < facts.until);
            all.extend(ticks.map(|tick| (tick as i64 - facts.lead, rank, node, tick)));
        }
        all.sort_unstable();
        let mut length = self.length;
        for (wave, _, node, tick) in all {
            let lag = analysis.nodes[node].lead.min(0);
            if length.is_some_and(|length| tick >= length.saturating_add_signed(lag)) {
                continue;
            }
            match self.outcome(node, tick) {
                Outcome::Ended => length = Some(tick),
                Outcome::Failed => return (length, Some(Firing { node, tick, wave })),
                Outcome::Done => {}
            }
        }
        (length, None)
    }
}

/// What a firing makes of what it reads.
fn value(node: usize, tick: u64, state: u64, inputs: &[Vec<u64>]) -> u64 {
    inputs.iter().enumerate().fold(mix(mix(node as u64, tick), state), |hash, (index, window)| {
        window.iter().fold(mix(hash, index as u64), |hash, &value| mix(hash, value))
    })
}

fn output(value: u64, port: PortRef) -> u64 {
    mix(value, port.port as u64 + 100)
}

/// Plain recursion with memory, on the clocks as declared.
struct Recursion<'a> {
    net: &'a Net,
    length: u64,
    /// Where each node begins.
    since: Vec<u64>,
    known: HashMap<(usize, u64), u64>,
}

impl Recursion<'_> {
    fn value(&mut self, node: usize, tick: u64) -> u64 {
        if let Some(&known) = self.known.get(&(node, tick)) {
            return known;
        }
        let net = self.net;
        let of = &net.nodes[node];
        let before = of.clock.before(tick).filter(|&before| of.sequential && before >= self.since[node]);
        let state = before.map_or(0, |before| self.value(node, before));
        let inputs: Vec<Vec<u64>> =
            of.taps.iter().map(|tap| tap.offsets().filter_map(|offset| self.read(tap, tick, offset)).collect()).collect();
        let made = value(node, tick, state, &inputs);
        self.known.insert((node, tick), made);
        made
    }

    fn read(&mut self, tap: &Tap, tick: u64, offset: i64) -> Option<u64> {
        let at = tick as i64 + offset;
        let (port, at) = match tap.initial {
            Initial::Nothing if at < 0 => return None,
            Initial::Stream(initial) if at < 0 => (initial, tick),
            _ => (tap.from, at.clamp(0, self.length as i64 - 1) as u64),
        };
        Some(output(self.value(port.node, self.net.nodes[port.node].clock.held(at)), port))
    }
}

/// A run without threads: firings finish in random order.
struct Run<'a> {
    case: &'a Case,
    analysis: &'a Analysis,
    depth: usize,
    scheduler: Scheduler<'a>,
    store: Store<u64>,
    states: HashMap<usize, (u64, u64)>,
    running: Vec<(Firing, u64)>,
    finished: BTreeMap<(usize, u64), u64>,
}

impl<'a> Run<'a> {
    fn new(case: &'a Case, analysis: &'a Analysis, depth: usize) -> Self {
        let scheduler = Scheduler::new(&case.net, analysis, case.course(depth));
        let store = Store::default();
        Self { case, analysis, depth, scheduler, store, states: HashMap::new(), running: Vec::new(), finished: BTreeMap::new() }
    }

    fn start(&mut self, firing: Firing) {
        self.scheduler.start(&firing);
        let reads = self.scheduler.reads(&firing);
        let read =
            |(port, tick): &(PortRef, u64)| *self.store.get(*port, *tick).unwrap_or_else(|| panic!("{port:?} at {tick} for {firing:?}"));
        let inputs: Vec<Vec<u64>> = reads.iter().map(|window| window.iter().map(read).collect()).collect();
        for (port, tick) in reads.into_iter().flatten().filter(|&(port, tick)| self.scheduler.last_use(&firing, port, tick)) {
            self.store.take(port, tick);
        }
        let of = &self.case.net.nodes[firing.node];
        assert!(of.clock.fires(firing.tick));
        let mut state = 0;
        if of.sequential {
            assert!(self.running.iter().all(|(other, _)| other.node != firing.node), "overlap of {firing:?}");
            let before = self.states.get(&firing.node).copied();
            let since = self.analysis.since(&self.case.net, self.case.from)[firing.node];
            let expected = of.clock.before(firing.tick).filter(|&before| before >= since);
            assert_eq!(before.map(|(tick, _)| tick), expected, "out of order: {firing:?}");
            state = before.map_or(0, |(_, state)| state);
        }
        self.running.push((firing, value(firing.node, firing.tick, state, &inputs)));
        let lanes = self.running.iter().filter(|(other, _)| self.case.net.nodes[other.node].lane == of.lane).count();
        assert!(lanes <= self.case.net.lanes[of.lane.0].slots);
        self.check_capacity();
    }

    fn finish(&mut self, index: usize) {
        let (firing, value) = self.running.swap_remove(index);
        let outcome = self.case.outcome(firing.node, firing.tick);
        self.scheduler.finish(&firing, outcome);
        if outcome == Outcome::Done {
            self.states.insert(firing.node, (firing.tick, value));
            self.finished.insert((firing.node, firing.tick), value);
            for port in [0, 1].map(|port| PortRef::new(firing.node, port)) {
                if self.scheduler.keeps(port, firing.tick) {
                    self.store.insert(port, firing.tick, output(value, port), 1);
                }
            }
        }
        for (port, tick) in self.scheduler.released() {
            assert!(self.store.remove(port, tick), "{port:?} at {tick} died but never lived");
        }
        assert_eq!(self.store.len(), self.scheduler.live().count());
        self.check_capacity();
    }

    /// Neither the values that live nor those being made exceed what the plan announced.
    fn check_capacity(&self) {
        let mut counts: BTreeMap<PortRef, u64> = BTreeMap::new();
        for (port, _) in self.scheduler.live() {
            *counts.entry(port).or_default() += 1;
        }
        for (firing, _) in &self.running {
            for port in [0, 1].map(|port| PortRef::new(firing.node, port)).into_iter().filter(|&port| self.analysis.capacity(port, 1) > 0) {
                *counts.entry(port).or_default() += 1;
            }
        }
        for (port, count) in counts {
            assert!(count <= self.analysis.capacity(port, self.depth), "{count} values of {port:?}");
        }
    }

    fn step(&mut self, random: &mut Random) {
        match self.scheduler.next() {
            Some(firing) if self.running.is_empty() || random.chance(60) => self.start(firing),
            _ if !self.running.is_empty() => {
                let index = random.below(self.running.len());
                self.finish(index);
            }
            _ => panic!("nothing to do, and no verdict"),
        }
    }

    fn run(&mut self, random: &mut Random) -> Verdict {
        loop {
            match self.scheduler.verdict() {
                Some(verdict) => return verdict,
                None => self.step(random),
            }
        }
    }

    /// All that sinks had to make is there and equals plain recursion; nothing was made beyond the end.
    fn check_complete(&self, length: u64) {
        assert_eq!(self.scheduler.length(), Some(length));
        assert_eq!(self.scheduler.frames(), length);
        assert!(self.store.is_empty(), "{:?}", self.store);
        let since = self.analysis.since(&self.case.net, self.case.from);
        let mut recursion = Recursion { net: &self.case.net, length, since: since.clone(), known: HashMap::new() };
        for (node, of) in self.case.net.nodes.iter().enumerate() {
            let ticks = self.finished.range((node, 0)..(node + 1, 0)).map(|(&(_, tick), _)| tick).collect::<Vec<_>>();
            if of.sink {
                let ticks: Vec<_> = ticks.iter().copied().filter(|&tick| !of.source_ends || tick < length).collect();
                assert_eq!(ticks, (0..length).filter(|&tick| of.clock.fires(tick) && tick >= since[node]).collect::<Vec<_>>());
            }
            assert!(of.source_ends || ticks.last().is_none_or(|&tick| tick < length), "node {node} ran past the end");
        }
        for (&(node, tick), &made) in self.finished.iter().filter(|((_, tick), _)| *tick < length) {
            assert_eq!(made, recursion.value(node, tick), "node {node} at tick {tick}");
        }
    }
}

/// What the random graphs covered, so that the tests do not pass for want of cases.
#[derive(Default, Debug)]
struct Cover {
    legal: usize,
    looped: usize,
    slow: usize,
    uneven: usize,
    thinned: usize,
    open_end: usize,
    bounded: usize,
}

#[test]
fn random_graphs_equal_plain_recursion() {
    let mut cover = Cover::default();
    for seed in 0..12_000 {
        let mut case = case(seed);
        let Some(analysis) = case.analysis() else { continue };
        let mut random = Random(seed ^ 0xabcd);
        let depth = 1 + random.below(6);
        case.from = if random.chance(30) { random.below(12) as u64 } else { 0 };
        let (length, failed) = case.expected(&analysis);
        assert_eq!(failed, None);
        let mut run = Run::new(&case, &analysis, depth);
        assert_eq!(run.run(&mut random), Verdict::Complete, "seed {seed}");
        run.check_complete(length.unwrap());
        let firing = |v: &usize| analysis.nodes[*v].fires();
        cover.legal += 1;
        cover.looped += usize::from(has_loop(&case.net, &analysis));
        cover.slow += usize::from((0..case.net.nodes.len()).filter(firing).any(|v| analysis.nodes[v].clock.period() != Some(1)));
        cover.uneven += usize::from((0..case.net.nodes.len()).filter(firing).any(|v| analysis.nodes[v].clock.period().is_none()));
        cover.thinned += usize::from((0..case.net.nodes.len()).filter(firing).any(|v| {
            let (declared, thinned) = (&case.net.nodes[v].clock, &analysis.nodes[v].clock);
            declared.period().is_some() && thinned.period().is_none()
        }));
        cover.open_end += usize::from(case.length != length);
        cover.bounded += usize::from(analysis.nodes.iter().any(|n| n.fires() && n.until != u64::MAX));
    }
    println!("{cover:?}");
    assert!(
        cover.legal > 3000
            && cover.looped > 500
            && cover.slow > 500
            && cover.open_end > 500
            && cover.bounded > 100
            && cover.uneven > 500
            && cover.thinned > 100,
        "{cover:?}"
    );
}

fn has_loop(net: &Net, analysis: &Analysis) -> bool {
    let count = net.nodes.len();
    let mut reaches = vec![vec![false; count]; count];
    for (v, node) in net.nodes.iter().enumerate().filter(|(v, _)| analysis.nodes[*v].until == u64::MAX) {
        node.taps.iter().for_each(|tap| reaches[v][tap.from.node] = true);
    }
    for via in 0..count {
        for v in 0..count {
            for w in 0..count {
                reaches[v][w] |= reaches[v][via] && reaches[via][w];
            }
        }
    }
    (0..count).any(|v| reaches[v][v])
}

#[test]
fn the_first_failure_does_not_depend_on_timing() {
    let mut failures = 0;
    for seed in 0..6_000 {
        let mut case = case(seed);
        let Some(analysis) = case.analysis() else { continue };
        let mut random = Random(seed ^ 0x1234);
        case.failing = Some([3, 10, 40][random.below(3)]);
        let (length, failed) = case.expected(&analysis);
        let mut run = Run::new(&case, &analysis, 1 + random.below(6));
        match (run.run(&mut random), failed) {
            (Verdict::Failed(firing), Some(expected)) => {
                assert_eq!(firing, expected, "seed {seed}");
                failures += 1;
                let frames = run.scheduler.frames();
                for (node, of) in case.net.nodes.iter().enumerate().filter(|(_, of)| of.sink) {
                    let made = (0..frames).filter(|&tick| of.clock.fires(tick)).all(|tick| run.finished.contains_key(&(node, tick)));
                    assert!(made, "seed {seed}: sink {node} lacks a tick before {frames}");
                }
            }
            (Verdict::Complete, None) => run.check_complete(length.unwrap()),
            (verdict, _) => panic!("seed {seed}: {verdict:?}, but {failed:?}"),
        }
    }
    assert!(failures > 500, "{failures}");
}

#[test]
fn a_stopped_run_resumes_to_the_same_values() {
    let mut resumed = 0;
    for seed in 0..6_000 {
        let mut case = case(seed);
        let Some(analysis) = case.analysis() else { continue };
        let mut random = Random(seed ^ 0x5678);
        case.from = if random.chance(30) { random.below(12) as u64 } else { 0 };
        let (length, _) = case.expected(&analysis);
        let mut run = Run::new(&case, &analysis, 1 + random.below(6));
        for _ in 0..random.below(120) {
            if run.scheduler.verdict().is_none() {
                run.step(&mut random);
            }
        }
        run.scheduler.stop();
        while run.run(&mut random) == Verdict::Stopped {
            resumed += 1;
            let live: Vec<_> = run.scheduler.live().collect();
            run.depth = 1 + random.below(6);
            let (wave, known) = (run.scheduler.wave(), run.scheduler.length());
            run.scheduler = Scheduler::resume(&case.net, &analysis, Course { length: known, ..case.course(run.depth) }, wave, live);
        }
        run.check_complete(length.unwrap());
    }
    assert!(resumed > 500, "{resumed}");
}

#[test]
fn rejected_graphs_depend_on_themselves() {
    let mut loops = 0;
    for seed in 0..6_000 {
        let case = case(seed);
        match Analysis::new(&case.net) {
            Err(NetError::Loop(links)) => {
                let period = |link: &LoopLink| case.net.nodes[link.reader].clock.period();
                let chained = links.iter().zip(links.iter().cycle().skip(1)).all(|(a, b)| a.from == b.reader);
                assert!(chained, "seed {seed}: {links:?}");
                // Where clocks of several speeds meet, or a loop runs through an initial value, or some of its links fall back to
                // tick 0 and others to an initial value, the check is stricter than it must be: it does not ask whether the
                // ticks ever line up.
                let tap = |link: &LoopLink| case.net.nodes[link.reader].taps[link.tap];
                let plain = links.iter().all(|link| tap(link).hi >= 0 || tap(link).initial != Initial::First);
                let clamped = links.iter().all(|link| tap(link).initial == Initial::First);
                let even = |link: &LoopLink| period(link).is_some() && period(link) == period(&links[0]);
                if (plain || clamped) && links.iter().all(|link| !link.initial && even(link)) {
                    let start = |tick| walk_returns(&case.net, &links, tick * period(&links[0]).unwrap());
                    assert!((0..40).any(start), "seed {seed}: {links:?}");
                    loops += 1;
                }
            }
            Err(error) => panic!("seed {seed}: {error}"),
            Ok(_) => {}
        }
    }
    assert!(loops > 500, "{loops}");
}

/// Follows what each firing of the loop waits for, and says whether it comes back to where it has been.
fn walk_returns(net: &Net, links: &[LoopLink], start: u64) -> bool {
    let (length, mut tick) = (400, start as i64);
    let mut seen = std::collections::HashSet::new();
    for (index, link) in links.iter().enumerate().cycle() {
        if !seen.insert((index, tick)) {
            return true;
        }
        let tap = net.nodes[link.reader].taps[link.tap];
        if tap.initial != Initial::First && tick + tap.hi < 0 {
            return false;
        }
        let at = (tick + tap.hi).clamp(0, length - 1);
        tick = net.nodes[link.from].clock.held(at as u64) as i64;
    }
    false
}
