//! Expressions as a list of steps on a small stack: no recursion and no allocation when evaluated.

use super::super::Moment;
use super::functions::{self, Run};

/// What an expression sees: the moment, and the point in time it is evaluated for.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The run, its streams, and the tick they belong to.
    pub moment: &'a Moment<'a>,
    /// The frame, `t`. Not always the moment's tick: a ramp towards an expression needs its value at a later key.
    pub t: f64,
    /// The frame of the key that the expression belongs to.
    pub key: f64,
    /// The frame of the next key, or of the film's end.
    pub next: f64,
}

impl<'a> Env<'a> {
    /// At the moment's own tick.
    pub fn new(moment: &'a Moment<'a>) -> Self {
        let next = moment.length.map_or(f64::INFINITY, |length| length.saturating_sub(1) as f64);
        Self { moment, t: moment.tick as f64, key: 0.0, next }
    }

    /// The last frame: what Deforum calls `max_f`. While the length is unknown, the present frame.
    pub fn last(&self) -> f64 {
        self.moment.length.map_or(self.t, |length| length.saturating_sub(1) as f64)
    }
}

/// What the run knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Var {
    /// `t`
    Frame,
    /// `max_f`
    Last,
    /// `s`
    Seed,
    /// `fps`
    Fps,
    /// `w`
    Width,
    /// `h`
    Height,
    /// `seconds`
    Seconds,
    /// `beat`
    Beat,
    /// `bpm`
    Bpm,
    /// `active_keyframe`
    Key,
    /// `next_keyframe`
    NextKey,
}

impl Var {
    fn value(self, env: &Env<'_>) -> f64 {
        let moment = env.moment;
        match self {
            Self::Frame => env.t,
            Self::Last => env.last(),
            Self::Seed => moment.seed as f64,
            Self::Fps => moment.fps.as_f64(),
            Self::Width => moment.size.width as f64,
            Self::Height => moment.size.height as f64,
            Self::Seconds => env.t / moment.fps.as_f64(),
            Self::Beat => env.t / moment.fps.as_f64() * moment.bpm / 60.0,
            Self::Bpm => moment.bpm,
            Self::Key => env.key,
            // Where the end is not known there is none to name.
            Self::NextKey => {
                if env.next.is_finite() {
                    env.next
                } else {
                    env.t
                }
            }
        }
    }
}

/// An operator with two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bin {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `%` between whole numbers, where a remainder by 0 is 0
    IntMod,
    /// `**`
    Pow,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `and`, and `&` between conditions
    And,
    /// `or`, and `|` between conditions
    Or,
    /// `&` between whole numbers
    BitAnd,
    /// `|` between whole numbers
    BitOr,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
}

/// The exact remainder with the sign of the divisor, as Python and numexpr since 2.8.7 have it for whole numbers.
pub fn floored(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
}

/// The remainder of numbers with fractions as numexpr computes it, by the rounded quotient: `0.9 % 0.3` is next to 0, where the exact
/// remainder of these doubles is next to 0.3.
pub fn remainder(a: f64, b: f64) -> f64 {
    a - (a / b).floor() * b
}

impl Bin {
    #[expect(clippy::float_cmp, reason = "`==` is what the author wrote")]
    fn apply(self, a: f64, b: f64) -> f64 {
        let truth = f64::from;
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::FloorDiv => (a / b).floor(),
            Self::Mod => remainder(a, b),
            Self::IntMod => {
                if b == 0.0 {
                    0.0
                } else {
                    floored(a, b)
                }
            }
            Self::Pow => a.powf(b),
            Self::Less => truth(a < b),
            Self::LessEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterEqual => truth(a >= b),
            Self::Equal => truth(a == b),
            Self::Unequal => truth(a != b),
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
            Self::BitAnd => (a as i64 & b as i64) as f64,
            Self::BitOr => (a as i64 | b as i64) as f64,
            Self::Shl => (a as i64).wrapping_shl(b as u32) as f64,
            Self::Shr => (a as i64).wrapping_shr(b as u32) as f64,
        }
    }
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    /// Puts a number on the stack.
    Const(f64),
    /// Puts so many seconds, in frames.
    Seconds(f64),
    /// Puts so many beats, in frames.
    Beats(f64),
    /// Puts a value of the run.
    Var(Var),
    /// Puts the value of the stream of that index.
    Stream(u16),
    /// Negates.
    Neg,
    /// 1 for 0, 0 for anything else.
    Not,
    /// Flips the bits of a whole number.
    BitNot,
    /// Joins two.
    Bin(Bin),
    /// `a if c else b`: takes a, c, b.
    Pick,
    /// Calls the function of that index with so many arguments.
    Call(u8, u8),
}

/// The most numbers an expression may hold at once.
pub const STACK: usize = 64;

impl Op {
    /// How many numbers it takes; each leaves one.
    pub fn takes(self) -> usize {
        match self {
            Self::Const(_) | Self::Seconds(_) | Self::Beats(_) | Self::Var(_) | Self::Stream(_) => 0,
            Self::Neg | Self::Not | Self::BitNot => 1,
            Self::Bin(_) => 2,
            Self::Pick => 3,
            Self::Call(_, count) => usize::from(count),
        }
    }

    /// Whether it gives the same for the same arguments at every tick.
    pub fn is_pure(self) -> bool {
        match self {
            Self::Const(_) | Self::Neg | Self::Not | Self::BitNot | Self::Bin(_) | Self::Pick => true,
            Self::Call(index, _) => !matches!(functions::ALL[usize::from(index)].run, Run::Env(_)),
            _ => false,
        }
    }

    /// What it makes of the numbers it takes.
    pub fn apply(self, taken: &[f64], env: &Env<'_>, streams: &[String]) -> f64 {
        match (self, taken) {
            (Self::Const(value), _) => value,
            (Self::Seconds(seconds), _) => seconds * env.moment.fps.as_f64(),
            (Self::Beats(beats), _) => beats * 60.0 / env.moment.bpm * env.moment.fps.as_f64(),
            (Self::Var(var), _) => var.value(env),
            (Self::Stream(index), _) => {
                let value = |name: &String| env.moment.streams.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
                streams.get(usize::from(index)).and_then(value).unwrap_or(0.0)
            }
            (Self::Neg, [a]) => -a,
            (Self::Not, [a]) => f64::from(*a == 0.0),
            (Self::BitNot, [a]) => !(*a as i64) as f64,
            (Self::Bin(op), [a, b]) => op.apply(*a, *b),
            (Self::Pick, [a, c, b]) => {
                if *c == 0.0 {
                    *b
                } else {
                    *a
                }
            }
            (Self::Call(index, _), taken) => functions::ALL[usize::from(index)].call(taken, env),
            _ => f64::NAN,
        }
    }
}

/// Runs `ops`, which leave one number and never hold more than [`STACK`].
pub fn run(ops: &[Op], env: &Env<'_>, streams: &[String]) -> f64 {
    let mut stack = [0.0; STACK];
    let mut top = 0;
    for op in ops {
        let from = top - op.takes();
        stack[from] = op.apply(&stack[from..top], env, streams);
        top = from + 1;
    }
    stack[0]
}
