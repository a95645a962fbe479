//! Deforum's own reading of a schedule, its mistakes included: for `frameloom schedule --dialect deforum`, so that who brings a
//! schedule can see what it was taken for there. Graphs never read this way.

use std::ops::Range;

use super::super::ease::Ease;
use super::super::expr::{Env, Expr, Fault};
use super::super::keys::{When, plain_number};
use super::super::{Data, Moment};
use super::keyframes::{Keyframes, Knot, Level, Rules};
use super::{Curve, Form};
use crate::diag::Diagnostic;

/// A piece between two commas.
struct Piece<'a> {
    frame: f64,
    value: &'a str,
    at: Range<usize>,
}

/// The values at the frames of `at`'s run, as numbers.
///
/// # Errors
/// Where Deforum stops, and with which error of its own.
pub fn deforum_numbers(text: &Data, at: &Moment<'_>) -> Result<Vec<f64>, Diagnostic> {
    let curve = curve(text.text().unwrap_or_default(), at).map_err(|fault| fault.diagnose("deforum-stops", text))?;
    Ok((0..at.length.unwrap_or(1)).map(|tick| curve.at(&Moment { tick, ..at.clone() })).collect())
}

/// The same as texts: without any bracket or quote, cut off at a colon.
///
/// # Errors
/// Where Deforum stops, and with which error of its own.
pub fn deforum_texts(text: &Data, at: &Moment<'_>) -> Result<Vec<String>, Diagnostic> {
    let written = text.text().unwrap_or_default();
    let pieces = pieces(written, at).map_err(|fault| fault.diagnose("deforum-stops", text))?;
    let mut held: Option<String> = None;
    let mut texts = Vec::new();
    for frame in 0..at.length.unwrap_or(1) {
        // Of two pieces at one frame the last counts; a number repeats what was there.
        let here = pieces.iter().rev().find(|piece| piece.frame == frame as f64);
        if let Some(piece) = here.filter(|piece| held.is_none() || plain_number(piece.value).is_none()) {
            if plain_number(piece.value).is_some() {
                return Err(stop(piece.at.clone(), "KeyError: -1", "a number here repeats the text before, and there is none")
                    .diagnose("deforum-stops", text));
            }
            held = Some(bare(piece.value));
        }
        match &held {
            Some(value) => texts.push(value.clone()),
            None => return Err(unbound(written).diagnose("deforum-stops", text)),
        }
    }
    Ok(texts)
}

fn curve(text: &str, at: &Moment<'_>) -> Result<Curve, Fault> {
    let length = at.length.unwrap_or(1) as f64;
    let all = pieces(text, at)?;
    // What lies outside the film or is written anew is never evaluated, so it may be anything.
    let counts = |(index, piece): &(usize, &Piece<'_>)| {
        (0.0..length).contains(&piece.frame) && !all[index + 1..].iter().any(|later| later.frame == piece.frame)
    };
    let knot = |piece: &Piece<'_>| {
        let level = match plain_number(piece.value) {
            Some(number) => Level::Number(number),
            None => Level::Expr(Expr::parse_numexpr(piece.value).map_err(|fault| stopped(fault.shifted(piece.at.start)))?),
        };
        Ok(Knot { when: When::Frame(piece.frame), level, ease: Ease::Linear })
    };
    let knots: Vec<Knot> = all.iter().enumerate().filter(counts).map(|(_, piece)| knot(piece)).collect::<Result<_, Fault>>()?;
    if !knots.iter().any(|knot| knot.when.fixed() == Some(0.0)) {
        return Err(unbound(text));
    }
    Ok(Curve(Form::Keys(Keyframes::new(knots, Rules::Schedule)).into()))
}

/// `text` cut at every comma and each piece at its colons, whatever brackets they stand in.
fn pieces<'a>(text: &'a str, at: &Moment<'_>) -> Result<Vec<Piece<'a>>, Fault> {
    let mut start = 0;
    let mut found = Vec::new();
    for piece in text.split(',') {
        let mut parts = piece.split(':');
        let key = parts.next().unwrap_or_default();
        let frame = frame(key, at).map_err(|fault| stopped(fault.shifted(start)))?;
        let Some(value) = parts.next() else {
            let spaces = piece.len() - piece.trim_start().len();
            let label = "cut off at a comma, this piece has no colon";
            return Err(stop(start + spaces..start + piece.trim_end().len(), "list index out of range", label));
        };
        let from = start + key.len() + 1 + value.len() - value.trim_start().len();
        let value = value.trim();
        found.push(Piece { frame, value, at: from..from + value.len() });
        start += piece.len() + 1;
    }
    Ok(found)
}

/// The frame of a key: a whole number, or an expression of `max_f` and `s` without its fraction.
fn frame(key: &str, at: &Moment<'_>) -> Result<f64, Fault> {
    if let Some(number) = plain_number(key.trim()) {
        return Ok(number.trunc());
    }
    let expr = Expr::parse_numexpr(&key.replace(['"', '\''], " "))?;
    if !expr.is_steady() {
        return Err(Fault::new(0..key.len(), "KeyError: 't'", "a key knows `max_f` and `s`, but not the time"));
    }
    Ok(expr.eval(&Env::new(at)).trunc())
}

fn bare(value: &str) -> String {
    value.replace(['(', ')', '"', '\''], "")
}

fn unbound(text: &str) -> Fault {
    stop(0..text.len(), "cannot access local variable 'value_is_number'", "no key at frame 0")
}

fn stop(at: Range<usize>, error: &str, label: &str) -> Fault {
    stopped(Fault::new(at, error, label))
}

/// The same fault, as Deforum's.
fn stopped(fault: Fault) -> Fault {
    let mut fault = Fault::new(fault.at, format!("Deforum stops: {}", fault.message), fault.label);
    fault.help = Some("a graph is more lenient; leave out `--dialect deforum` to see what it makes of this".to_owned());
    fault
}
