//! Values at keys, each in effect until the next key.

use super::Moment;
use super::expr::Env;
use super::keys::When;

/// Values at keys; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyed<T>(Box<[(When, T)]>);

/// What is in effect at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InEffect<'a, T> {
    /// The value.
    pub value: &'a T,
    /// The value of the next key, and how much of the way to it is done, 0 to below 1.
    pub next: Option<(&'a T, f64)>,
}

impl<T> Keyed<T> {
    /// One value throughout.
    pub fn constant(value: T) -> Self {
        Self(Box::new([(When::Frame(0.0), value)]))
    }

    /// `keys` in the order written, if there are any.
    pub fn new(keys: Vec<(When, T)>) -> Option<Self> {
        if keys.is_empty() { None } else { Some(Self(keys.into())) }
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The frames of the keys and their values, in the order written.
    pub fn keys(&self, at: &Moment<'_>) -> impl Iterator<Item = (f64, &T)> {
        let env = Env::new(at);
        self.0.iter().map(move |(when, value)| (when.frame(&env), value)).collect::<Vec<_>>().into_iter()
    }

    /// What is in effect at `at`: the value of the last key that has come, or of the first to come. Of two keys at the same frame
    /// the last written counts.
    pub fn at(&self, at: &Moment<'_>) -> InEffect<'_, T> {
        let env = Env::new(at);
        let frames = || self.0.iter().map(|(when, value)| (when.frame(&env), value));
        let here = frames().filter(|(frame, _)| *frame <= env.t).reduce(|best, one| if one.0 >= best.0 { one } else { best });
        let next = frames().filter(|(frame, _)| *frame > env.t).reduce(|best, one| if one.0 <= best.0 { one } else { best });
        match (here, next) {
            (Some((start, value)), Some((end, next))) => InEffect { value, next: Some((next, (env.t - start) / (end - start))) },
            (Some((_, value)), None) | (None, Some((_, value))) => InEffect { value, next: None },
            (None, None) => InEffect { value: &self.0[0].1, next: None },
        }
    }
}
