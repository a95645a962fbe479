//! How a curve gets from one key to the next.

use std::f64::consts::{PI, TAU};
use std::fmt;

use super::expr::Fault;

/// At which end of the way it is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Slow at the start.
    In,
    /// Slow at the end.
    Out,
    /// Slow at both.
    InOut,
}

/// The shape of the way from one key to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ease {
    /// The value stays until the next key.
    Step,
    /// Straight.
    Linear,
    /// One of the usual families.
    Family(Family, Side),
    /// As in CSS: a Bézier curve from 0,0 to 1,1 with two handles x1, y1, x2, y2.
    Bezier([f64; 4]),
    /// Through all keys without a corner and without overshoot.
    Smooth,
    /// One spline of that degree through all keys, which may overshoot.
    Spline(u8),
}

/// The usual families of eases, by the shape of their slow start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A quarter of a sine wave.
    Sine,
    /// x²
    Quadratic,
    /// x³
    Cubic,
    /// x⁴
    Quartic,
    /// x⁵
    Quintic,
    /// 2¹⁰ˣ
    Expo,
    /// A quarter of a circle.
    Circ,
    /// Draws back before it starts.
    Back,
    /// A spring.
    Elastic,
    /// A ball.
    Bounce,
}

/// Families by name.
const FAMILIES: [(&str, Family); 10] = [
    ("sine", Family::Sine),
    ("quadratic", Family::Quadratic),
    ("cubic", Family::Cubic),
    ("quartic", Family::Quartic),
    ("quintic", Family::Quintic),
    ("expo", Family::Expo),
    ("circ", Family::Circ),
    ("back", Family::Back),
    ("elastic", Family::Elastic),
    ("bounce", Family::Bounce),
];

const SIDES: [(&str, Side); 4] = [("_in_out", Side::InOut), ("_in", Side::In), ("_out", Side::Out), ("", Side::InOut)];

impl Family {
    /// Its slow start: 0 at 0, 1 at 1. The formulas are Robert Penner's.
    fn start(self, x: f64) -> f64 {
        match self {
            Self::Sine => 1.0 - (x * PI / 2.0).cos(),
            Self::Quadratic => x * x,
            Self::Cubic => x.powi(3),
            Self::Quartic => x.powi(4),
            Self::Quintic => x.powi(5),
            Self::Expo => {
                if x == 0.0 {
                    0.0
                } else {
                    (10.0 * x - 10.0).exp2()
                }
            }
            Self::Circ => 1.0 - (1.0 - x * x).sqrt(),
            Self::Back => 2.70158 * x.powi(3) - 1.70158 * x * x,
            Self::Elastic => {
                if x <= 0.0 || x >= 1.0 {
                    x
                } else {
                    -(10.0 * x - 10.0).exp2() * ((x * 10.0 - 10.75) * TAU / 3.0).sin()
                }
            }
            Self::Bounce => 1.0 - bounce_out(1.0 - x),
        }
    }
}

/// A ball that falls from 0 onto 1.
fn bounce_out(x: f64) -> f64 {
    let hop = |middle: f64, height: f64| 7.5625 * (x - middle / 2.75).powi(2) + height;
    match x * 2.75 {
        x if x < 1.0 => hop(0.0, 0.0),
        x if x < 2.0 => hop(1.5, 0.75),
        x if x < 2.5 => hop(2.25, 0.9375),
        _ => hop(2.625, 0.984_375),
    }
}

impl Ease {
    /// How far it has got at `x` of the way, both 0 to 1; some pass 1 on the way.
    pub fn at(self, x: f64) -> f64 {
        match self {
            Self::Step => f64::from(x >= 1.0),
            Self::Linear | Self::Smooth | Self::Spline(_) => x,
            Self::Bezier(handles) => cubic_bezier(handles, x),
            Self::Family(family, Side::In) => family.start(x),
            Self::Family(family, Side::Out) => 1.0 - family.start(1.0 - x),
            Self::Family(family, Side::InOut) if x < 0.5 => family.start(2.0 * x) / 2.0,
            Self::Family(family, Side::InOut) => 1.0 - family.start(2.0 - 2.0 * x) / 2.0,
        }
    }

    /// Reads `step`, `cubic_in`, `bezier(0.4, 0, 0.2, 1)`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let word = text.trim();
        let plain = word.to_lowercase().replace(['-', ' '], "_");
        match plain.as_str() {
            "step" | "hold" => return Ok(Self::Step),
            "linear" => return Ok(Self::Linear),
            "smooth" => return Ok(Self::Smooth),
            "spline" => return Ok(Self::Spline(3)),
            "quadratic_spline" => return Ok(Self::Spline(2)),
            "ease" => return Ok(Self::Bezier([0.25, 0.1, 0.25, 1.0])),
            _ => {}
        }
        if let Some(handles) = plain.strip_prefix("bezier") {
            return bezier(handles).map(Self::Bezier).ok_or_else(|| {
                Fault::new(0..text.len(), "a bezier ease has four numbers, x between 0 and 1", "not such a curve")
                    .help("write `bezier(0.4, 0, 0.2, 1)`")
            });
        }
        let side = |family: Family, rest: &str| SIDES.iter().find(|(end, _)| *end == rest).map(|(_, side)| Self::Family(family, *side));
        let found = FAMILIES.iter().find_map(|(name, family)| plain.strip_prefix(name).and_then(|rest| side(*family, rest)));
        found.ok_or_else(|| {
            let names: Vec<_> = Self::names().collect();
            let fault = Fault::new(0..text.len(), format!("`{word}` is not an ease"), "not known here");
            match crate::diag::nearest(&plain, names.iter().map(String::as_str)) {
                Some(near) => fault.help(format!("write `{near}`")),
                None => {
                    fault.help("write `step`, `linear`, `smooth`, `sine`, `cubic`, `cubic_in`, `cubic_out`, `bezier(0.4, 0, 0.2, 1)` …")
                }
            }
        })
    }

    /// All that go by a name.
    pub fn names() -> impl Iterator<Item = String> {
        let families = FAMILIES.iter().flat_map(|(family, _)| SIDES.iter().rev().map(move |(side, _)| format!("{family}{side}")));
        ["step", "linear", "smooth", "spline", "quadratic_spline", "ease"].into_iter().map(str::to_owned).chain(families)
    }
}

impl fmt::Display for Ease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step => f.write_str("step"),
            Self::Linear => f.write_str("linear"),
            Self::Smooth => f.write_str("smooth"),
            Self::Spline(2) => f.write_str("quadratic_spline"),
            Self::Spline(_) => f.write_str("spline"),
            Self::Bezier([x1, y1, x2, y2]) => write!(f, "bezier({x1}, {y1}, {x2}, {y2})"),
            Self::Family(family, side) => {
                let name = FAMILIES.iter().find(|(_, known)| known == family).map_or("", |(name, _)| name);
                let end = SIDES.iter().rev().find(|(_, known)| known == side).map_or("", |(end, _)| end);
                write!(f, "{name}{end}")
            }
        }
    }
}

/// `(x1, y1, x2, y2)`.
fn bezier(text: &str) -> Option<[f64; 4]> {
    let inner = text.trim_matches('_').strip_prefix('(')?.strip_suffix(')')?;
    let numbers: Vec<f64> = inner.split(',').map(|number| number.trim_matches('_').parse().ok()).collect::<Option<_>>()?;
    let handles: [f64; 4] = numbers.try_into().ok()?;
    let fine = handles.iter().all(|number| number.is_finite()) && [handles[0], handles[2]].iter().all(|x| (0.0..=1.0).contains(x));
    fine.then_some(handles)
}

/// The height at `x` of the Bézier curve from 0,0 to 1,1 with handles x1, y1, x2, y2 (x1 and x2 within 0..1), as CSS's
/// `cubic-bezier`. Found by bisection: the curve's x never turns back, and 60 halvings exhaust a double.
pub fn cubic_bezier([x1, y1, x2, y2]: [f64; 4], x: f64) -> f64 {
    let along = |a: f64, b: f64, u: f64| 3.0 * a * u * (1.0 - u).powi(2) + 3.0 * b * u * u * (1.0 - u) + u.powi(3);
    let (x1, x2) = (x1.clamp(0.0, 1.0), x2.clamp(0.0, 1.0));
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if along(x1, x2, middle) < x { low = middle } else { high = middle }
    }
    along(y1, y2, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ease(text: &str) -> Ease {
        Ease::parse(text).unwrap()
    }

    #[test]
    fn every_ease_starts_at_0_ends_at_1_and_prints_back() {
        for name in Ease::names() {
            let ease = ease(&name);
            assert!(ease.at(0.0).abs() < 1e-3 && (ease.at(1.0) - 1.0).abs() < 1e-12, "{name}");
            assert_eq!(Ease::parse(&ease.to_string()).unwrap(), ease, "{name}");
        }
    }

    #[test]
    fn known_points() {
        assert_eq!(ease("cubic_in").at(0.5), 0.125);
        assert_eq!(ease("cubic_out").at(0.5), 0.875);
        assert_eq!(ease("cubic").at(0.25), 0.0625);
        assert!((ease("sine").at(0.5) - 0.5).abs() < 1e-12);
        assert!(ease("back_in").at(0.2) < 0.0);
        // The CSS curve `ease` passes 0.8024 at half time.
        assert!((ease("ease").at(0.5) - 0.8024).abs() < 1e-4);
        assert!((ease("bezier(0.25, 0.1, 0.25, 1)").at(0.5) - 0.8024).abs() < 1e-4);
    }

    #[test]
    fn wrong_eases_are_explained() {
        assert_eq!(Ease::parse("cubik").unwrap_err().help.as_deref(), Some("write `cubic`"));
        assert!(Ease::parse("bezier(2, 0, 0, 1)").is_err());
        assert!(Ease::parse("bezier(1, 0)").is_err());
    }

    proptest! {
        #[test]
        fn a_straight_bezier_is_straight(x in 0.0..1.0f64) {
            prop_assert!((cubic_bezier([0.3, 0.3, 0.7, 0.7], x) - x).abs() < 1e-9);
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".*") {
            let _ = Ease::parse(&text);
        }
    }
}
