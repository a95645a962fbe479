//! Curves as authors write them.

use super::super::ease::Ease;
use super::super::expr::{Expr, Fault};
use super::super::keys::{self, Split, When, is_schedule, unquoted};
use super::super::{Data, Key, Value, wrong_type};
use super::Form;
use super::keyframes::{Keyframes, Knot, Level, Rules};
use super::spline::Spline;
use crate::diag::Diagnostic;

const FIELDS: [&str; 3] = ["keys", "ease", "loop"];

/// Reads a number, a schedule, an expression or keyframes.
pub fn curve(data: &Data) -> Result<Form, Diagnostic> {
    match &data.value {
        Value::Integer(_) | Value::Number(_) => number(data).map(Form::Constant),
        Value::Text(text) => from_text(text).map_err(|fault| fault.diagnose("wrong-curve", data)),
        Value::Map(entries) if entries.iter().any(|(key, _)| FIELDS.contains(&key.text.as_str())) => long(data, entries),
        Value::Map(_) => Ok(Form::Keys(Keyframes::new(knots(data, Ease::Linear)?, Rules::Eased { period: None }))),
        _ => Err(wrong_type(data, "a curve").help("write a number, `\"0: (1), 30: (2)\"`, or `{ keys: { 0: 1, 30: 2 }, ease: cubic }`")),
    }
}

/// Reads the text forms.
pub fn from_text(text: &str) -> Result<Form, Fault> {
    if !is_schedule(text) {
        let expr = Expr::parse(&unquoted(text))?;
        return Ok(expr.as_constant().map_or(Form::Expr(expr), Form::Constant));
    }
    schedule(text, Split::Nested)
        // What Deforum takes in spite of stray brackets keeps the meaning it has there.
        .or_else(|fault| schedule(text, Split::Flat).map_err(|_| fault))
        .map(|knots| Form::Keys(Keyframes::new(knots, Rules::Schedule)))
}

/// Reads `0: (1), 30: (2 + sin(t))`.
fn schedule(text: &str, how: Split) -> Result<Vec<Knot>, Fault> {
    let entries = keys::split(text, how)?;
    if entries.is_empty() {
        return Err(Fault::new(0..text.len(), "the schedule has no keys", "empty").help("write `0: (1)`"));
    }
    let knot = |entry: keys::Entry| {
        let when = When::parse_cut(&text[entry.key.clone()]).map_err(|fault| fault.shifted(entry.key.start))?;
        let value = &text[entry.value.clone()];
        let level = match keys::plain_number(value) {
            Some(number) => Level::Number(number),
            None => Level::Expr(Expr::parse(&unquoted(value)).map_err(|fault| fault.shifted(entry.value.start))?),
        };
        Ok(Knot { when, level, ease: Ease::Linear })
    };
    entries.into_iter().map(knot).collect()
}

/// Reads `{ keys: …, ease: …, loop: … }`.
fn long(data: &Data, entries: &[(Key, Data)]) -> Result<Form, Diagnostic> {
    if let Some((key, _)) = entries.iter().find(|(key, _)| !FIELDS.contains(&key.text.as_str())) {
        let unknown = Diagnostic::error("unknown-key", format!("`{}` is not a part of a curve", key.text));
        let help = "a curve has `keys`, `ease` and `loop`";
        return Err(unknown.at(key.span, "not known here").suggest(&key.text, FIELDS).help(help));
    }
    let Some(keys) = data.get("keys") else {
        return Err(Diagnostic::error("wrong-curve", "this curve has no keys")
            .at(data.span, "`keys` is missing")
            .help("write `{ keys: { 0: 1, 30: 2 }, ease: cubic }`"));
    };
    let ease = data.get("ease").map_or(Ok(Ease::Linear), ease)?;
    let period = data.get("loop").map(When::of_data).transpose()?;
    if let (Some(Some(frames)), Some(at)) = (period.as_ref().map(When::fixed), data.get("loop"))
        && frames <= 0.0
    {
        return Err(Diagnostic::error("wrong-curve", "a loop has a length above 0").at(at.span, "too short"));
    }
    let looped = period.is_some();
    let frames = Keyframes::new(knots(keys, ease)?, Rules::Eased { period });
    if frames.knots().iter().any(|knot| matches!(knot.ease, Ease::Spline(_))) {
        return splined(data, frames, looped);
    }
    Ok(Form::Keys(frames))
}

/// One spline through all keys.
fn splined(data: &Data, keys: Keyframes, looped: bool) -> Result<Form, Diagnostic> {
    let point = |knot: &Knot| match (knot.when.fixed(), &knot.level, knot.ease) {
        (Some(frame), Level::Number(value), Ease::Spline(_)) => Some((frame, *value)),
        _ => None,
    };
    let degree = keys.knots().iter().filter_map(|knot| if let Ease::Spline(degree) = knot.ease { Some(degree) } else { None }).max();
    let points: Option<Vec<(f64, f64)>> = keys.knots().iter().map(point).collect();
    let spline = points.filter(|_| !looped).and_then(|points| Spline::through(&points, usize::from(degree?)));
    spline.map(|spline| Form::Spline(spline, keys)).ok_or_else(|| {
        Diagnostic::error("wrong-curve", "a spline needs numbers at frames, all with the same ease and without a loop")
            .at(data.span, "a spline cannot pass through this")
            .help("write `ease: smooth`")
    })
}

fn ease(data: &Data) -> Result<Ease, Diagnostic> {
    match data.text() {
        Some(text) => Ease::parse(text).map_err(|fault| fault.diagnose("wrong-ease", data)),
        None => Err(wrong_type(data, "an ease").help("write `linear`, `step`, `smooth`, `cubic` or `bezier(0.4, 0, 0.2, 1)`")),
    }
}

/// Reads the keys: a mapping, a list of `[time, value]` or `[time, value, ease]`, or a schedule string.
fn knots(data: &Data, ease: Ease) -> Result<Vec<Knot>, Diagnostic> {
    let found = match &data.value {
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| Ok((When::of_key(key)?, value)))
            .map(|at| at.and_then(|(when, value)| knot(when, value, ease)))
            .collect(),
        Value::List(items) => items.iter().map(|item| listed(item, ease)).collect(),
        Value::Text(text) => {
            let knots = schedule(text, Split::Nested).map_err(|fault| fault.diagnose("wrong-curve", data))?;
            Ok(knots.into_iter().map(|knot| Knot { ease, ..knot }).collect())
        }
        _ => Err(wrong_type(data, "keys").help("write `{ 0: 1, 4s: 2 }`")),
    };
    let knots: Vec<Knot> = found?;
    if knots.is_empty() { Err(Diagnostic::error("wrong-curve", "there are no keys").at(data.span, "empty")) } else { Ok(knots) }
}

/// A key's value: a number, an expression, or `{ value: …, ease: … }`.
fn knot(when: When, data: &Data, ease: Ease) -> Result<Knot, Diagnostic> {
    if let Value::Map(entries) = &data.value {
        if let Some((key, _)) = entries.iter().find(|(key, _)| !["value", "ease"].contains(&key.text.as_str())) {
            let unknown = Diagnostic::error("unknown-key", format!("`{}` is not a part of a key", key.text));
            return Err(unknown.at(key.span, "not known here").help("write `{ value: 1, ease: cubic }`"));
        }
        let own = data.get("ease").map_or(Ok(ease), self::ease)?;
        let value = data
            .get("value")
            .ok_or_else(|| Diagnostic::error("wrong-curve", "this key has no value").at(data.span, "`value` is missing"))?;
        return Ok(Knot { when, level: level(value)?, ease: own });
    }
    Ok(Knot { when, level: level(data)?, ease })
}

/// `[time, value]` or `[time, value, ease]`.
fn listed(data: &Data, ease: Ease) -> Result<Knot, Diagnostic> {
    match &data.value {
        Value::List(parts) => match parts.as_slice() {
            [when, value] => knot(When::of_data(when)?, value, ease),
            [when, value, own] => knot(When::of_data(when)?, value, self::ease(own)?),
            _ => Err(wrong_type(data, "a time and a value").help("write `[4s, 0.5]` or `[4s, 0.5, cubic]`")),
        },
        _ => Err(wrong_type(data, "a time and a value").help("write `[4s, 0.5]` or `[4s, 0.5, cubic]`")),
    }
}

fn level(data: &Data) -> Result<Level, Diagnostic> {
    match data.text() {
        Some(text) => {
            let expr = Expr::parse(&unquoted(text)).map_err(|fault| fault.diagnose("wrong-expression", data))?;
            Ok(expr.as_constant().map_or(Level::Expr(expr), Level::Number))
        }
        None => number(data).map(Level::Number),
    }
}

/// A finite number.
fn number(data: &Data) -> Result<f64, Diagnostic> {
    match data.number() {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(wrong_type(data, "a number or an expression")),
    }
}
