//! Calls: which function is meant, and in which order it takes its arguments.

use std::ops::Range;

use super::Fault;
use super::functions::{self, Arg, Function, Run};
use super::ops::Op;

/// An argument as written.
pub struct Given<'a> {
    /// The name before it, and where.
    pub label: Option<(&'a str, Range<usize>)>,
    /// Its steps.
    pub ops: Vec<Op>,
    /// Where it stands.
    pub at: Range<usize>,
}

/// What other languages call our functions.
fn numpy_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "asin" => "arcsin",
        "acos" => "arccos",
        "atan" => "arctan",
        "atan2" => "arctan2",
        "ln" => "log",
        "mix" => "lerp",
        "int" => "trunc",
        "random" => "rand",
        "square" => "sq",
        "triangle" => "tri",
        _ => return None,
    })
}

/// A name that no function has.
pub fn unknown(name: &str, at: Range<usize>) -> Fault {
    let names = functions::ALL.iter().map(|function| function.name);
    let fault = Fault::new(at, format!("`{name}` is not a function"), "not known here");
    match numpy_name(name).or_else(|| crate::diag::nearest(name, names)) {
        Some(near) => fault.help(format!("write `{near}`")),
        None => fault,
    }
}

/// Which of the functions called `name` takes what is `given`, and the steps of each of its arguments in order.
pub fn choose(name: &str, given: Vec<Given<'_>>, whole: Range<usize>) -> Result<(usize, Vec<Vec<Op>>), Fault> {
    let fits: Vec<_> = functions::named(name).map(|(index, function)| (index, function, fit(function, &given, &whole))).collect();
    let fitting = fits.iter().position(|(_, _, fit)| fit.is_ok());
    // When none fits, speak of the one that takes the most of what was meant: names mean the richer form.
    let best = fitting.unwrap_or(if given.iter().any(|arg| arg.label.is_some()) || given.len() > 1 { fits.len() - 1 } else { 0 });
    let (index, function, fit) = fits.into_iter().nth(best).ok_or_else(|| unknown(name, whole))?;
    let places = fit?;
    if matches!(function.run, Run::Many(_)) {
        return Ok((index, given.into_iter().map(|arg| arg.ops).collect()));
    }
    let mut slots: Vec<Vec<Op>> = function.args.iter().map(|arg| arg.default.map(Op::Const).into_iter().collect()).collect();
    for (place, arg) in places.into_iter().zip(given) {
        slots[place] = arg.ops;
    }
    Ok((index, slots))
}

/// For each argument given, the place it has among those of `function`.
fn fit(function: &Function, given: &[Given<'_>], whole: &Range<usize>) -> Result<Vec<usize>, Fault> {
    let form = || format!("write `{}`", function.signature());
    let many = matches!(function.run, Run::Many(_));
    let mut places = Vec::new();
    for (position, arg) in given.iter().enumerate() {
        let place = match &arg.label {
            None => position,
            Some((label, at)) => function.args.iter().position(|known| known.names.contains(label)).ok_or_else(|| {
                Fault::new(at.clone(), format!("`{}` has no argument `{label}`", function.name), "not one of its arguments").help(form())
            })?,
        };
        if !many && place >= function.args.len() {
            return Err(Fault::new(arg.at.clone(), format!("too many arguments for `{}`", function.name), "one too many").help(form()));
        }
        if places.contains(&place) {
            return Err(
                Fault::new(arg.at.clone(), format!("an argument of `{}` is given twice", function.name), "given before").help(form())
            );
        }
        places.push(place);
    }
    if many && given.len() > usize::from(u8::MAX) {
        return Err(Fault::new(whole.clone(), format!("too many arguments for `{}`", function.name), "more than 255"));
    }
    let missing = |(place, arg): (usize, &'static Arg)| (arg.default.is_none() && !places.contains(&place)).then_some(arg.names[0]);
    match function.args.iter().enumerate().find_map(missing) {
        Some(name) => Err(Fault::new(whole.clone(), format!("`{}` needs `{name}`", function.name), "an argument is missing").help(form())),
        None => Ok(places),
    }
}
