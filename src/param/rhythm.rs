//! When a node fires, as authors write it: `every: 3`, or `when: [0, 12, 2s]`.

use super::keys::When;
use super::{Curve, Data, Moment, Param, ReadCx, Value, wrong_type};
use crate::diag::Diagnostic;

/// The longest period, and how far ahead the next firing of a condition is looked for.
pub const LONGEST: u64 = 1_000_000;

/// How many firings of a curve are looked at before the run.
const CHECKED: usize = 20_000;

/// From one firing to the next; `None` after the last.
pub type Next = Box<dyn Fn(u64) -> Option<u64> + Send + Sync>;

/// When a node fires. Frame 0 is always among its firings.
///
/// `every` is a period (`3`) or a curve (`"0: (2), 60: (8)"`), whose value at a firing is the distance to the next one, cut to a
/// whole number. `when` is a list of times (`[0, 12, 2s, 8b]`), a condition (`t % 5 == 0 or t > 60`), or times among others
/// that come periodically (`{ keys: [12, 2s], every: 5 }`); with `snap: true` each of the former takes the place of the nearest
/// of the latter, so that there are hardly more firings than without.
#[derive(Debug, Clone, PartialEq)]
pub struct Rhythm(Form);

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Every(u64),
    Curve(Curve),
    Condition(Curve),
    Times(Vec<When>),
    Filled { keys: Vec<When>, every: u64, snap: bool },
}

impl Default for Rhythm {
    /// On every frame.
    fn default() -> Self {
        Self(Form::Every(1))
    }
}

impl Rhythm {
    /// Reads the value of `every`.
    ///
    /// # Errors
    /// A diagnostic that points into `data`.
    pub fn every(data: &Data) -> Result<Self, Diagnostic> {
        if let Some(number) = data.number() {
            return period(data).filter(|_| number.fract() == 0.0).map(|ticks| Self(Form::Every(ticks))).ok_or_else(|| {
                Diagnostic::error("bad-every", format!("`every` has to be a whole number from 1 to {LONGEST}"))
                    .at(data.span, "")
                    .help("write `every: 3` to fire on every third frame")
            });
        }
        let curve = steady("every", data)?;
        match curve.as_constant() {
            None => Ok(Self(Form::Curve(curve))),
            Some(constant) => Self::every(&Data::new(data.span, Value::Number(constant))),
        }
    }

    /// Reads the value of `when`.
    ///
    /// # Errors
    /// A diagnostic that points into `data`.
    pub fn when(data: &Data) -> Result<Self, Diagnostic> {
        match &data.value {
            Value::List(_) | Value::Integer(_) | Value::Number(_) => times(data).map(Form::Times),
            Value::Text(_) if When::of_data(data).is_ok() => times(data).map(Form::Times),
            Value::Map(entries) if data.get("every").is_some() || data.get("snap").is_some() => {
                const PARTS: [&str; 3] = ["keys", "every", "snap"];
                if let Some((key, _)) = entries.iter().find(|(key, _)| !PARTS.contains(&key.text.as_str())) {
                    let unknown = Diagnostic::error("unknown-key", format!("`{}` is not a part of `when`", key.text));
                    return Err(unknown.at(key.span, "not known here").suggest(&key.text, PARTS).help("it has `keys`, `every` and `snap`"));
                }
                filled(data).map(|(keys, every, snap)| Form::Filled { keys, every, snap })
            }
            Value::Text(_) | Value::Map(_) => steady("when", data).map(Form::Condition),
            _ => Err(wrong_type(data, "times or a condition").help("write `when: [0, 12, 2s]` or `when: \"t % 5 == 0\"`")),
        }
        .map(Self)
    }

    /// Its period, if it has one.
    #[must_use]
    pub fn period(&self) -> Option<u64> {
        if let Form::Every(ticks) = self.0 { Some(ticks) } else { None }
    }

    /// Goes from firing to firing in a run that begins as `at` says. Where a curve is below 1 it counts as 1.
    ///
    /// # Errors
    /// The sentence to show: a curve below 1 at a firing, or a question about the length while that is unknown.
    pub fn firings(&self, at: &Moment<'static>) -> Result<Next, String> {
        if self.needs_length() && at.length.is_none() {
            return Err("it asks for the last frame, and how long this run is cannot be known".to_owned());
        }
        Ok(match &self.0 {
            Form::Every(ticks) => {
                let ticks = *ticks;
                Box::new(move |last| last.checked_add(ticks))
            }
            Form::Curve(curve) => {
                let (curve, at) = (curve.clone(), at.clone());
                check(&curve, &at)?;
                Box::new(move |last| last.checked_add(distance(&curve, &at, last).unwrap_or(1)))
            }
            Form::Condition(curve) => {
                let (curve, at) = (curve.clone(), at.clone());
                let holds = move |tick: &u64| {
                    let value = curve.at(&Moment { tick: *tick, ..at.clone() });
                    !value.is_nan() && value != 0.0
                };
                Box::new(move |last| (last + 1..=last + LONGEST).find(&holds))
            }
            Form::Times(keys) => {
                let keys = frames(keys, at);
                Box::new(move |last| keys.get(keys.partition_point(|&key| key <= last)).copied())
            }
            Form::Filled { keys, every, snap } => {
                let (keys, every, snap) = (frames(keys, at), *every, *snap);
                Box::new(move |last| filled_next(&keys, every, snap, last))
            }
        })
    }

    fn needs_length(&self) -> bool {
        match &self.0 {
            Form::Every(_) => false,
            Form::Curve(curve) | Form::Condition(curve) => curve.needs_length(),
            Form::Times(keys) | Form::Filled { keys, .. } => keys.iter().any(When::needs_length),
        }
    }
}

/// A whole number of ticks that can be a period.
fn period(data: &Data) -> Option<u64> {
    data.number().filter(|number| (1.0..=LONGEST as f64).contains(number)).map(|number| number as u64)
}

/// A curve that is known before anything runs.
fn steady(key: &str, data: &Data) -> Result<Curve, Diagnostic> {
    let curve = Curve::read(data, &ReadCx::default())?;
    match curve.streams().first() {
        None => Ok(curve),
        Some(stream) => Err(Diagnostic::error("bad-clock", format!("`{key}` is settled before the run, so it cannot follow `{stream}`"))
            .at(data.span, "reads another node")
            .help(format!("let `{key}` depend on the time alone, and use `{stream}` in a parameter, such as an amount"))),
    }
}

/// Reads one time or a list of times.
fn times(data: &Data) -> Result<Vec<When>, Diagnostic> {
    let items = if let Value::List(items) = &data.value { items.as_slice() } else { std::slice::from_ref(data) };
    if items.is_empty() {
        return Err(Diagnostic::error("bad-clock", "there are no times in this list")
            .at(data.span, "empty")
            .help("write `[0, 12, 2s]`, or leave `when` out to fire on every frame"));
    }
    let time = |item: &Data| {
        let when = When::of_data(item)?;
        match when.fixed() {
            Some(frame) if frame < 0.0 => Err(Diagnostic::error("bad-clock", format!("{frame} is before the start"))
                .at(item.span, "times count from the start")
                .help("write `end` for the last frame")),
            _ => Ok(when),
        }
    };
    items.iter().map(time).collect()
}

fn filled(data: &Data) -> Result<(Vec<When>, u64, bool), Diagnostic> {
    let missing = |part: &str| {
        Diagnostic::error("bad-clock", format!("`{part}` is missing beside the others"))
            .at(data.span, "")
            .help("write `{ keys: [0, 12, 2s], every: 5 }`")
    };
    let keys = times(data.get("keys").ok_or_else(|| missing("keys"))?)?;
    let every = data.get("every").ok_or_else(|| missing("every"))?;
    let every = match (every.number(), period(every)) {
        (Some(number), Some(ticks)) if number.fract() == 0.0 => ticks,
        _ => {
            let fault = Diagnostic::error("bad-every", format!("`every` has to be a whole number from 1 to {LONGEST} here"));
            return Err(fault.at(every.span, "").help("write `{ keys: [0, 12, 2s], every: 5 }`"));
        }
    };
    let snap = match data.get("snap") {
        None => false,
        Some(Data { value: Value::Bool(snap), .. }) => *snap,
        Some(other) => return Err(wrong_type(other, "true or false")),
    };
    Ok((keys, every, snap))
}

/// The frames of `keys`, rising, each once.
fn frames(keys: &[When], at: &Moment<'_>) -> Vec<u64> {
    let env = super::expr::Env::new(at);
    let mut frames: Vec<u64> = keys.iter().map(|key| key.frame(&env)).filter(|f| *f >= 0.0).map(|frame| frame.round() as u64).collect();
    frames.sort_unstable();
    frames.dedup();
    frames
}

/// The distance that the curve gives at `tick`; nothing when that is below 1.
fn distance(curve: &Curve, at: &Moment<'_>, tick: u64) -> Option<u64> {
    let value = curve.at(&Moment { tick, ..at.clone() });
    // As integer curves are cut: ramps do not hit whole numbers exactly.
    (value + 1e-9 >= 1.0).then(|| (value + 1e-9).min(LONGEST as f64) as u64)
}

fn check(curve: &Curve, at: &Moment<'_>) -> Result<(), String> {
    let mut tick = 0;
    for _ in 0..CHECKED {
        if at.length.is_some_and(|length| tick >= length) {
            break;
        }
        match distance(curve, at, tick) {
            Some(distance) => tick += distance,
            None => {
                let value = curve.at(&Moment { tick, ..at.clone() });
                let value = (value * 1000.0).round() / 1000.0;
                return Err(format!("it is {value} at frame {tick}, and the next firing has to be at least one frame later"));
            }
        }
    }
    Ok(())
}

/// The next of multiples of `every` and `keys`; with `snap` a multiple gives way to the keys that are nearest to it.
fn filled_next(keys: &[u64], every: u64, snap: bool, last: u64) -> Option<u64> {
    let key = keys.get(keys.partition_point(|&key| key <= last)).copied();
    // A key between two multiples takes the place of the nearer one, and of the later when it stands in the middle; frame 0 stays.
    let reach = |grid: u64| grid.saturating_sub(every / 2)..grid + every - every / 2;
    let taken = |grid: u64| keys.iter().any(|key| reach(grid).contains(key) && key / every * every != *key) && !keys.contains(&grid);
    let mut grid = (last / every + 1).checked_mul(every)?;
    while snap && taken(grid) {
        grid = grid.checked_add(every)?;
    }
    Some(key.map_or(grid, |key| key.min(grid)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, read_text};
    use super::*;
    use crate::param::Key;

    fn walk(rhythm: &Rhythm, at: &Moment<'static>) -> Vec<u64> {
        let next = rhythm.firings(at).unwrap();
        std::iter::successors(Some(0), |&last| next(last)).take_while(|&tick| tick < 60).collect()
    }

    fn list(items: &[&str]) -> Data {
        data(Value::List(items.iter().map(|text| data(text.parse().map_or_else(|_| Value::from(*text), Value::Integer))).collect()))
    }

    fn map(entries: Vec<(&str, Data)>) -> Data {
        let key = |text: &str| Key { span: data(Value::Null).span, inner: None, text: text.to_owned() };
        data(Value::Map(entries.into_iter().map(|(name, value)| (key(name), value)).collect()))
    }

    fn text(text: &str) -> Data {
        data(Value::from(text))
    }

    #[test]
    fn periods_and_curves() {
        let moment = Moment { length: Some(60), ..Moment::default() };
        assert_eq!(Rhythm::every(&data(Value::Integer(7))).unwrap().period(), Some(7));
        assert_eq!(Rhythm::every(&text("0: (4)")).unwrap().period(), Some(4));
        let curve = Rhythm::every(&text("0: (2), 40: (12)")).unwrap();
        assert_eq!(walk(&curve, &moment), [0, 2, 4, 7, 10, 14, 19, 25, 33, 43, 55]);
        let falls = Rhythm::every(&text("3 - t/10")).unwrap();
        assert!(falls.firings(&moment).err().unwrap().starts_with("it is 0.9 at frame 21"), "{:?}", falls.firings(&moment).err());
        for bad in [Value::Integer(0), Value::Integer(-3), Value::Number(1.5), Value::Null, Value::Bool(true), Value::from("0: (0)")] {
            assert!(Rhythm::every(&data(bad.clone())).is_err(), "{bad:?}");
        }
        assert!(Rhythm::every(&text("2 + drums.level")).unwrap_err().message.contains("`drums.level`"));
    }

    #[test]
    fn times_and_conditions() {
        let moment = Moment { length: Some(60), ..Moment::default() };
        let times = Rhythm::when(&list(&["12", "2s", "40", "1b", "12", "end"])).unwrap();
        assert_eq!(walk(&times, &moment), [0, 12, 13, 40, 50, 59]);
        assert!(times.firings(&Moment::default()).is_err(), "the last frame is not known");
        assert_eq!(walk(&Rhythm::when(&data(Value::Integer(9))).unwrap(), &moment), [0, 9]);
        let condition = Rhythm::when(&text("t % 25 == 0 or t > 56")).unwrap();
        assert_eq!(walk(&condition, &moment), [0, 25, 50, 57, 58, 59]);
        assert_eq!(walk(&Rhythm::when(&text("t < 3")).unwrap(), &moment), [0, 1, 2]);
        assert!(Rhythm::when(&list(&[])).unwrap_err().message.contains("no times"));
        assert!(Rhythm::when(&list(&["-1"])).unwrap_err().message.contains("before the start"));
        assert!(Rhythm::when(&data(Value::Bool(true))).is_err() && Rhythm::when(&text("t +")).is_err());
    }

    #[test]
    fn times_among_periodic_ones() {
        let filled = |snap| {
            let parts = vec![("keys", list(&["12", "43", "2s"])), ("every", data(Value::Integer(10))), ("snap", data(Value::Bool(snap)))];
            walk(&Rhythm::when(&map(parts)).unwrap(), &Moment::default())
        };
        assert_eq!(filled(false), [0, 10, 12, 20, 30, 40, 43, 50]);
        assert_eq!(filled(true), [0, 12, 20, 30, 43, 50]);
        assert!(Rhythm::when(&map(vec![("every", data(Value::Integer(10)))])).is_err());
        assert!(Rhythm::when(&map(vec![("keys", list(&["1"])), ("every", data(Value::Integer(0)))])).is_err());
        assert!(Rhythm::when(&map(vec![("every", data(Value::Integer(2))), ("kees", list(&["1"]))])).is_err());
        assert!(read_text::<Curve>("t").is_ok());
    }
}
