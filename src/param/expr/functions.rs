//! What expressions can call.

use std::f64::consts::TAU;

use super::super::ease::cubic_bezier;
use super::ops::{Env, floored, remainder};
use super::random;

/// How a function is computed.
pub enum Run {
    /// From one number.
    One(fn(f64) -> f64),
    /// From two.
    Two(fn(f64, f64) -> f64),
    /// From three.
    Three(fn(f64, f64, f64) -> f64),
    /// From as many as are given.
    Many(fn(f64, f64) -> f64),
    /// From its arguments and the time.
    Env(fn(&[f64], &Env<'_>) -> f64),
}

/// An argument: its names (long, short) and what it is when left out.
pub struct Arg {
    /// `["period", "p"]`
    pub names: &'static [&'static str],
    /// `None` when it must be given.
    pub default: Option<f64>,
}

/// A function.
pub struct Function {
    /// What to type. Several may share a name; the first that fits the arguments is meant.
    pub name: &'static str,
    /// In order.
    pub args: &'static [Arg],
    /// Its value.
    pub run: Run,
    /// What it is for.
    pub about: &'static str,
}

impl Function {
    /// Its value for as many arguments as it declares (or any number, for [`Run::Many`]).
    pub fn call(&self, args: &[f64], env: &Env<'_>) -> f64 {
        match (&self.run, args) {
            (Run::One(run), [a]) => run(*a),
            (Run::Two(run), [a, b]) => run(*a, *b),
            (Run::Three(run), [a, b, c]) => run(*a, *b, *c),
            (Run::Many(run), [first, rest @ ..]) => rest.iter().fold(*first, |a, b| run(a, *b)),
            (Run::Env(run), args) if args.len() == self.args.len() => run(args, env),
            _ => f64::NAN,
        }
    }

    /// How it is called: `clamp(x, low, high)`.
    pub fn signature(&self) -> String {
        let arg = |arg: &Arg| match arg.default {
            Some(value) => format!("{}={value}", arg.names[0]),
            None => arg.names[0].to_owned(),
        };
        let more = if matches!(self.run, Run::Many(_)) { ", …" } else { "" };
        format!("{}({}{more})", self.name, self.args.iter().map(arg).collect::<Vec<_>>().join(", "))
    }
}

const fn must(names: &'static [&'static str]) -> Arg {
    Arg { names, default: None }
}

const fn may(names: &'static [&'static str], value: f64) -> Arg {
    Arg { names, default: Some(value) }
}

const X: &[Arg] = &[must(&["x"])];
const MANY: &[Arg] = &[must(&["a"])];
const SMOOTH: &[Arg] = &[may(&["smooth", "sm"], 10.0), may(&["min", "n"], 0.0), may(&["max", "x"], 1.0), may(&["seed", "s"], 0.0)];
const AB: &[Arg] = &[must(&["a"]), must(&["b"])];
const IF: &[Arg] = &[must(&["condition"]), must(&["then"]), must(&["otherwise"])];
const WAVE: &[Arg] = &[
    must(&["period", "p"]),
    may(&["phase", "ps"], 0.0),
    may(&["amplitude", "a", "amp"], 1.0),
    may(&["centre", "c", "center"], 0.0),
    may(&["limit", "li"], 0.0),
];
const PULSE: &[Arg] = &[
    must(&["period", "p"]),
    may(&["phase", "ps"], 0.0),
    may(&["amplitude", "a", "amp"], 1.0),
    may(&["centre", "c", "center"], 0.0),
    may(&["limit", "li"], 0.0),
    may(&["width", "pw", "pulse"], 5.0),
];

/// A wave with a period in frames: `shape` takes the phase in periods, 0..1.
///
/// As in Parseq: shifted by `phase` frames; silent once `limit` periods have passed since the key (0: never).
fn wave(args: &[f64], env: &Env<'_>, shape: fn(f64) -> f64) -> f64 {
    let &[period, phase, amplitude, centre, limit] = args else { return f64::NAN };
    if limit > 0.0 && env.t - env.key > limit * period {
        return 0.0;
    }
    centre + amplitude * shape(floored(env.t + phase, period) / period)
}

fn pulse(args: &[f64], env: &Env<'_>) -> f64 {
    let &[period, phase, amplitude, centre, limit, width] = args else { return f64::NAN };
    if limit > 0.0 && env.t - env.key > limit * period {
        return 0.0;
    }
    centre + amplitude * f64::from(floored(env.t + phase, period) < width)
}

/// From −1 to 1 and back, starting at 0 like a sine.
fn triangle(x: f64) -> f64 {
    1.0 - 4.0 * ((x + 0.25).fract() - 0.5).abs()
}

/// `low`, `high`, `seed`, `hold`.
fn rand(args: &[f64], env: &Env<'_>) -> f64 {
    let &[low, high, seed, hold] = args else { return f64::NAN };
    let place = (env.t / hold.max(1.0)).floor() as i64;
    low + (high - low) * random::uniform(place, seed, env.moment.seed)
}

/// `x`, `seed`, `octaves`.
fn noise(args: &[f64], env: &Env<'_>) -> f64 {
    let &[x, seed, octaves] = args else { return f64::NAN };
    let octave = |n: i32| {
        let finer = f64::from(1 << n);
        (random::smooth(x * finer, seed + f64::from(n), env.moment.seed) / finer, 1.0 / finer)
    };
    let layers = (0..(octaves as i32).clamp(1, 8)).map(octave);
    let (sum, most) = layers.fold((0.0, 0.0), |(sum, most), (value, size)| (sum + value, most + size));
    sum / most
}

/// `smooth`, `min`, `max`, `seed`.
fn smrand(args: &[f64], env: &Env<'_>) -> f64 {
    let &[smooth, low, high, seed] = args else { return f64::NAN };
    low + (high - low) * f64::midpoint(1.0, random::smooth(env.t / smooth.max(1e-9), seed, env.moment.seed))
}

/// `least`, `most`, `min`, `max`, `seed`: eased from one random value to the next, each way between `least` and `most` frames.
///
/// The turning points lie on an even grid, each moved by at most a quarter of the difference: so none depends on those before.
fn vibe(args: &[f64], env: &Env<'_>) -> f64 {
    let &[least, most, low, high, seed] = args else { return f64::NAN };
    let (least, most) = (least.max(1.0), most.max(least).max(1.0));
    let mean = f64::midpoint(least, most);
    let uniform = |n: f64, what: i64| random::uniform(n as i64 * 2 + what, seed, env.moment.seed);
    let turn = |n: f64| n * mean + (uniform(n, 1) - 0.5) * (most - least) / 2.0;
    let near = (env.t / mean).floor();
    let n = if turn(near) > env.t {
        near - 1.0
    } else if turn(near + 1.0) <= env.t {
        near + 1.0
    } else {
        near
    };
    let way = cubic_bezier([0.5, 0.0, 0.5, 1.0], (env.t - turn(n)) / (turn(n + 1.0) - turn(n)));
    let (from, to) = (uniform(n, 0), uniform(n + 1.0, 0));
    low + (high - low) * (from + (to - from) * way)
}

/// How far from the key to `over` frames later, 0 to 1; for `over` 0, to the next key.
fn progress(env: &Env<'_>, over: f64) -> f64 {
    let over = if over > 0.0 { over } else { env.next - env.key };
    if over > 0.0 { ((env.t - env.key) / over).clamp(0.0, 1.0) } else { 1.0 }
}

fn slide(args: &[f64], env: &Env<'_>) -> f64 {
    let &[from, to, over] = args else { return f64::NAN };
    from + (to - from) * progress(env, over)
}

fn bez(args: &[f64], env: &Env<'_>) -> f64 {
    let &[x1, y1, x2, y2, from, to, over] = args else { return f64::NAN };
    from + (to - from) * cubic_bezier([x1, y1, x2, y2], progress(env, over))
}

fn smoothstep(low: f64, high: f64, x: f64) -> f64 {
    let x = ((x - low) / (high - low)).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

macro_rules! table {
    ($( $name:literal $args:expr, $kind:ident $run:expr, $about:literal; )*) => {
        /// Every function. A name that stands twice is told apart by its arguments, the first that fits being meant.
        pub static ALL: &[Function] = &[$( Function { name: $name, args: $args, run: Run::$kind($run), about: $about } ),*];
    };
}

table! {
    "sin" X, One f64::sin, "sine of x in radians";
    "sin" WAVE, Env |args, env| wave(args, env, |x| (x * TAU).sin()), "a sine wave of a period in frames";
    "cos" X, One f64::cos, "cosine of x in radians";
    "cos" WAVE, Env |args, env| wave(args, env, |x| (x * TAU).cos()), "a sine wave that starts at its top";
    "tri" WAVE, Env |args, env| wave(args, env, triangle), "a triangle wave";
    "saw" WAVE, Env |args, env| wave(args, env, |x| x), "a sawtooth wave, from 0 up to its amplitude";
    "sq" WAVE, Env |args, env| wave(args, env, |x| if x < 0.5 { 1.0 } else { -1.0 }), "a square wave";
    "pulse" PULSE, Env pulse, "its amplitude for the first `width` frames of each period, then 0";
    "tan" X, One f64::tan, "tangent";
    "arcsin" X, One f64::asin, "the angle with that sine";
    "arccos" X, One f64::acos, "the angle with that cosine";
    "arctan" X, One f64::atan, "the angle with that tangent";
    "arctan2" &[must(&["y"]), must(&["x"])], Two f64::atan2, "the angle of the point x, y";
    "sinh" X, One f64::sinh, "hyperbolic sine";
    "cosh" X, One f64::cosh, "hyperbolic cosine";
    "tanh" X, One f64::tanh, "hyperbolic tangent";
    "arcsinh" X, One f64::asinh, "inverse hyperbolic sine";
    "arccosh" X, One f64::acosh, "inverse hyperbolic cosine";
    "arctanh" X, One f64::atanh, "inverse hyperbolic tangent";
    "exp" X, One f64::exp, "e to the power of x";
    "expm1" X, One f64::exp_m1, "exp(x) - 1";
    "log" X, One f64::ln, "natural logarithm";
    "log10" X, One f64::log10, "logarithm to base 10";
    "log1p" X, One f64::ln_1p, "log(1 + x)";
    "log2" X, One f64::log2, "logarithm to base 2";
    "exp2" X, One f64::exp2, "2 to the power of x";
    "sqrt" X, One f64::sqrt, "square root";
    "cbrt" X, One f64::cbrt, "cube root";
    "hypot" AB, Two f64::hypot, "the length of the way to the point a, b";
    "pow" AB, Two f64::powf, "a to the power of b, as a**b";
    "abs" X, One f64::abs, "x without its sign";
    "sign" X, One sign, "-1, 0 or 1";
    "copysign" AB, Two f64::copysign, "a with the sign of b";
    "isnan" X, One |x| f64::from(x.is_nan()), "1 where x has no value, such as the root of -1";
    "isinf" X, One |x| f64::from(x.is_infinite()), "1 where x is infinite";
    "isfinite" X, One |x| f64::from(x.is_finite()), "1 where x is a usual number";
    "floor" X, One f64::floor, "the whole number below";
    "ceil" X, One f64::ceil, "the whole number above";
    "round" X, One f64::round_ties_even, "the nearest whole number, halves to the even one";
    "round" &[must(&["x"]), must(&["digits"])], Two |x, digits| (x * 10f64.powf(digits)).round_ties_even() / 10f64.powf(digits), "the nearest number with so many digits behind the point";
    "trunc" X, One f64::trunc, "x without its fraction";
    "fract" X, One |x| x - x.floor(), "the fraction of x";
    "mod" AB, Two remainder, "the remainder, with the sign of b, as a % b";
    "fmod" AB, Two |a, b| a % b, "the remainder, with the sign of a";
    "min" MANY, Many f64::min, "the least";
    "max" MANY, Many f64::max, "the greatest";
    "clamp" &[must(&["x"]), must(&["low"]), must(&["high"])], Three |x, low, high| x.min(high).max(low), "x kept between low and high";
    "lerp" &[must(&["a"]), must(&["b"]), must(&["x"])], Three |a, b, x| a + (b - a) * x, "a at x = 0, b at x = 1, and straight between";
    "smoothstep" &[must(&["low"]), must(&["high"]), must(&["x"])], Three smoothstep, "0 below low, 1 above high, and smooth between";
    "where" IF, Three |c, a, b| if c == 0.0 { b } else { a }, "a choice by a condition";
    "if" IF, Three |c, a, b| if c == 0.0 { b } else { a }, "the same as where";
    "rand" &[must(&["low", "min", "n"]), must(&["high", "max", "x"]), may(&["seed", "s"], 0.0), may(&["hold", "h"], 1.0)], Env rand,
        "a random number from low to high, a new one every `hold` frames";
    "rand" &[may(&["seed", "s"], 0.0), may(&["hold", "h"], 1.0)], Env |args, env| rand(&[0.0, 1.0, args[0], args[1]], env),
        "a random number from 0 to 1, a new one every `hold` frames";
    "noise" &[must(&["x"]), may(&["seed"], 0.0), may(&["octaves"], 1.0)], Env noise, "smooth random motion between -1 and 1 along x";
    "smrand" SMOOTH, Env smrand, "smooth random motion between min and max that turns about every `smooth` frames";
    "perlin" SMOOTH, Env smrand, "the same as smrand";
    "vibe" &[may(&["period", "p"], 20.0), may(&["min"], 0.0), may(&["max"], 1.0), may(&["seed", "s"], 0.0)],
        Env |args, env| vibe(&[args[0], args[0], args[1], args[2], args[3]], env),
        "eased from one random value to the next, a new one every `period` frames";
    "vibe" &[must(&["pmin"]), must(&["pmax"]), may(&["min"], 0.0), may(&["max"], 1.0), may(&["seed", "s"], 0.0)], Env vibe,
        "the same, each way `pmin` to `pmax` frames long";
    "slide" &[must(&["from", "start"]), must(&["to", "end"]), may(&["over", "span", "in"], 0.0)], Env slide,
        "a straight ramp that begins at the key and takes `over` frames; by default it ends at the next key";
    "bez" &[
        may(&["x1"], 0.5), may(&["y1"], 0.0), may(&["x2"], 0.5), may(&["y2"], 1.0),
        may(&["from", "start"], 0.0), may(&["to", "end"], 1.0), may(&["over", "span", "in"], 0.0)
    ], Env bez, "the same eased by a Bézier curve, as in CSS";
}

/// All of that name.
pub fn named(name: &str) -> impl Iterator<Item = (usize, &'static Function)> {
    ALL.iter().enumerate().filter(move |(_, function)| function.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Moment;

    fn at(t: f64, name: &str, args: &[f64]) -> f64 {
        let moment = Moment::default();
        let function = ALL.iter().find(|f| f.name == name && f.args.len() == args.len()).unwrap();
        function.call(args, &Env { t, ..Env::new(&moment) })
    }

    #[test]
    fn waves_have_their_shape() {
        let wave = |name, t| at(t, name, &[8.0, 0.0, 2.0, 1.0, 0.0]);
        assert!((wave("sin", 2.0) - 3.0).abs() < 1e-12);
        assert!((wave("cos", 8.0) - 3.0).abs() < 1e-12);
        assert_eq!([0.0, 2.0, 4.0, 6.0, 7.0].map(|t| wave("tri", t)), [1.0, 3.0, 1.0, -1.0, 0.0]);
        assert_eq!([0.0, 4.0, 7.0, 8.0].map(|t| wave("saw", t)), [1.0, 2.0, 2.75, 1.0]);
        assert_eq!([0.0, 3.0, 4.0].map(|t| wave("sq", t)), [3.0, 3.0, -1.0]);
        assert_eq!([0.0, 1.0, 2.0].map(|t| at(t, "pulse", &[8.0, 0.0, 1.0, 0.0, 0.0, 2.0])), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_limited_wave_stops() {
        assert_eq!(at(30.0, "sin", &[8.0, 0.0, 1.0, 5.0, 2.0]), 0.0);
    }

    #[test]
    fn ramps_begin_at_the_key_and_stay_at_their_end() {
        assert_eq!([0.0, 5.0, 20.0].map(|t| at(t, "slide", &[1.0, 3.0, 10.0])), [1.0, 2.0, 3.0]);
        assert!((at(5.0, "bez", &[0.5, 0.0, 0.5, 1.0, 0.0, 1.0, 10.0]) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn ramps_without_a_length_end_at_the_next_key() {
        let moment = Moment::default();
        let env = |t: f64| Env { t, key: 10.0, next: 30.0, ..Env::new(&moment) };
        assert_eq!([10.0, 20.0, 30.0].map(|t| slide(&[1.0, 3.0, 0.0], &env(t))), [1.0, 2.0, 3.0]);
        let without_end = Env { t: 50.0, next: f64::INFINITY, ..env(0.0) };
        assert_eq!(slide(&[1.0, 3.0, 0.0], &without_end), 1.0);
    }

    #[test]
    fn random_motion_is_smooth_and_keeps_to_its_range() {
        for name in ["smrand", "perlin"] {
            let at = |t: f64| at(t, name, &[10.0, 2.0, 5.0, 3.0]);
            assert!((0..3000).map(f64::from).all(|t| (2.0..=5.0).contains(&at(t)) && (at(t) - at(t + 1.0)).abs() < 0.8), "{name}");
        }
        let moment = Moment::default();
        let at = |t: f64| vibe(&[5.0, 25.0, -1.0, 1.0, 3.0], &Env { t, ..Env::new(&moment) });
        let values: Vec<f64> = (0..3000).map(|t| at(f64::from(t))).collect();
        assert!(values.iter().all(|v| (-1.0..=1.0).contains(v)));
        assert!(values.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.8));
        assert!(values.iter().any(|v| *v < -0.8) && values.iter().any(|v| *v > 0.8));
    }

    #[test]
    fn every_table_index_fits_a_step() {
        assert!(ALL.len() < 256);
        assert!(ALL.iter().all(|f| !f.about.is_empty() && f.args.len() <= 8));
    }
}
