//! The value of keyframes at a time.

use super::super::ease::Ease;
use super::super::expr::{Env, Expr};
use super::super::keys::When;

/// A key's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Level {
    /// A number.
    Number(f64),
    /// An expression, followed as time goes on.
    Expr(Expr),
}

impl Level {
    /// Its value at `env`.
    pub fn at(&self, env: &Env<'_>) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Expr(expr) => expr.eval(env),
        }
    }
}

/// A key.
#[derive(Debug, Clone, PartialEq)]
pub struct Knot {
    /// When.
    pub when: When,
    /// Its value.
    pub level: Level,
    /// The way from here to the next key.
    pub ease: Ease,
}

/// Which rules hold between keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Rules {
    /// Deforum's schedule strings: numbers ramp straight to the next key, expressions run until it, and keys before the first
    /// or after the last frame do not count.
    Schedule,
    /// Each key has its ease; the keys' values, expressions too, are mixed on the way. With a period they repeat.
    Eased {
        /// After how many frames they start anew.
        period: Option<When>,
    },
}

/// Keyframes.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyframes {
    knots: Box<[Knot]>,
    /// Whether every key is at a fixed frame, in which case they stand in order and no two together.
    sorted: bool,
    rules: Rules,
}

/// A key and its frame.
type Found<'a> = (&'a Knot, f64);

impl Keyframes {
    /// `knots` in the order written: of two at the same frame the last counts. There is at least one.
    pub fn new(mut knots: Vec<Knot>, rules: Rules) -> Self {
        let sorted = knots.iter().all(|knot| knot.when.fixed().is_some());
        if sorted {
            let frame = |knot: &Knot| knot.when.fixed().unwrap_or(0.0);
            knots.sort_by(|a, b| frame(a).total_cmp(&frame(b)));
            // `dedup_by` keeps the first of equals; the last must win.
            knots.reverse();
            knots.dedup_by(|a, b| frame(a).total_cmp(&frame(b)).is_eq());
            knots.reverse();
        }
        Self { knots: knots.into(), sorted, rules }
    }

    /// The keys.
    pub fn knots(&self) -> &[Knot] {
        &self.knots
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The value at `env`.
    pub fn at(&self, env: &Env<'_>) -> f64 {
        match &self.rules {
            Rules::Schedule => self.scheduled(env),
            Rules::Eased { period: None } => self.eased(env, None),
            Rules::Eased { period: Some(period) } => match period.frame(env) {
                period if period > 0.0 => self.eased(&Env { t: env.t.rem_euclid(period), ..*env }, Some(period)),
                _ => self.eased(env, None),
            },
        }
    }

    /// The keys that count, in the order they stand.
    fn counting<'a>(&'a self, env: &'a Env<'_>) -> impl Iterator<Item = Found<'a>> {
        let end = match (&self.rules, env.moment.length) {
            (Rules::Schedule, Some(length)) => length as f64,
            _ => f64::INFINITY,
        };
        let start = if self.rules == Rules::Schedule { 0.0 } else { f64::NEG_INFINITY };
        self.knots.iter().map(|knot| (knot, knot.when.frame(env))).filter(move |(_, at)| (start..end).contains(at))
    }

    /// The last key at or before `t`.
    fn upto<'a>(&'a self, t: f64, env: &'a Env<'_>) -> Option<Found<'a>> {
        if self.sorted {
            let index = self.knots.partition_point(|knot| knot.when.frame(env) <= t);
            let found = self.knots[..index].last().map(|knot| (knot, knot.when.frame(env)));
            return found.filter(|(_, at)| self.rules != Rules::Schedule || *at >= 0.0);
        }
        self.counting(env).filter(|(_, at)| *at <= t).reduce(|best, one| if one.1 >= best.1 { one } else { best })
    }

    /// The first key after `t`.
    fn after<'a>(&'a self, t: f64, env: &'a Env<'_>) -> Option<Found<'a>> {
        if self.sorted {
            let index = self.knots.partition_point(|knot| knot.when.frame(env) <= t);
            let found = self.knots.get(index).map(|knot| (knot, knot.when.frame(env)))?;
            let end = if self.rules == Rules::Schedule { env.moment.length } else { None };
            return Some(found).filter(|(_, at)| end.is_none_or(|end| *at < end as f64));
        }
        // Of two at the same frame the last written counts.
        self.counting(env).filter(|(_, at)| *at > t).reduce(|best, one| if one.1 <= best.1 { one } else { best })
    }

    /// Deforum's rules.
    fn scheduled(&self, env: &Env<'_>) -> f64 {
        let t = env.t;
        let (here, after) = (self.upto(t, env), self.after(t, env));
        let next = after.map_or(env.next, |(_, frame)| frame);
        let own = |(knot, key): Found<'_>, t: f64| knot.level.at(&Env { t, key, next, ..*env });
        match (here, after) {
            (Some((Knot { level: Level::Number(from), .. }, start)), Some(next)) if start < t => {
                let to = own(next, next.1);
                from + (to - from) / (next.1 - start) * (t - start)
            }
            (Some(here), _) => own(here, t),
            (None, Some(first)) => own(first, first.1),
            (None, None) => self.knots.first().map_or(f64::NAN, |knot| own((knot, t), t)),
        }
    }

    /// As [`upto`](Self::upto), around the period.
    fn upto_looped<'a>(&'a self, t: f64, env: &'a Env<'_>, period: Option<f64>) -> Option<Found<'a>> {
        let Some(period) = period else { return self.upto(t, env) };
        let turn = (t / period).floor() * period;
        let this = self.upto(t - turn, env).map(|(knot, at)| (knot, at + turn));
        this.or_else(|| self.upto(f64::INFINITY, env).map(|(knot, at)| (knot, at + turn - period)))
    }

    /// As [`after`](Self::after), around the period. Keys at or after the period's end do not count.
    fn after_looped<'a>(&'a self, t: f64, env: &'a Env<'_>, period: Option<f64>) -> Option<Found<'a>> {
        let Some(period) = period else { return self.after(t, env) };
        let turn = (t / period).floor() * period;
        let this = self.after(t - turn, env).filter(|(_, at)| *at <= period).map(|(knot, at)| (knot, at + turn));
        this.or_else(|| self.after(f64::NEG_INFINITY, env).map(|(knot, at)| (knot, at + turn + period)))
    }

    /// The rules of keys with eases.
    fn eased(&self, env: &Env<'_>, period: Option<f64>) -> f64 {
        let after = self.after_looped(env.t, env, period);
        let level = |(knot, key): Found<'_>| {
            knot.level.at(&Env { key, next: after.filter(|_| key <= env.t).map_or(env.next, |(_, frame)| frame), ..*env })
        };
        let (here, next) = match (self.upto_looped(env.t, env, period), after) {
            (Some(here), Some(next)) => (here, next),
            (Some(only), None) | (None, Some(only)) => return level(only),
            (None, None) => return f64::NAN,
        };
        let way = (env.t - here.1) / (next.1 - here.1);
        match here.0.ease {
            Ease::Step => level(here),
            _ if way <= 0.0 => level(here),
            Ease::Smooth => {
                let before = self.upto_looped(here.1.next_down(), env, period);
                let behind = self.after_looped(next.1, env, period);
                smooth(way, [before, Some(here), Some(next), behind].map(|found| found.map(|found| (found.1, level(found)))))
            }
            ease => {
                let from = level(here);
                from + (level(next) - from) * ease.at(way)
            }
        }
    }
}

/// Between the two middle points, at `way` from 0 to 1, the monotone cubic of Fritsch and Butland: it has no corner and no
/// overshoot. It rests at the ends, where a neighbour is missing.
fn smooth(way: f64, points: [Option<(f64, f64)>; 4]) -> f64 {
    let [before, Some((x0, y0)), Some((x1, y1)), behind] = points else { return f64::NAN };
    let width = x1 - x0;
    let slope = (y1 - y0) / width;
    let tangent = |other: f64, other_width: f64| {
        if other * slope <= 0.0 {
            return 0.0;
        }
        let (w1, w2) = (2.0 * width + other_width, width + 2.0 * other_width);
        // The nearer neighbour's slope weighs more: the weighted harmonic mean.
        (w1 + w2) / (w2 / slope + w1 / other)
    };
    let start = before.map_or(0.0, |(x, y)| tangent((y0 - y) / (x0 - x), x0 - x));
    let end = behind.map_or(0.0, |(x, y)| tangent((y - y1) / (x - x1), x - x1));
    let (u, v) = (way, 1.0 - way);
    y0 * v * v * (1.0 + 2.0 * u) + y1 * u * u * (1.0 + 2.0 * v) + width * u * v * (start * v - end * u)
}
