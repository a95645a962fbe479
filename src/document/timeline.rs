//! `timeline:`: size, rate and length of the output.

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::param::{Data, Fps, Key, Value};

use super::fields;
use super::graph::{Length, Timeline};

/// The longest side of a frame, in pixels.
const MAX_SIDE: u32 = 16_384;

const KEYS: [&str; 5] = ["size", "fps", "length", "seed", "bpm"];

/// Reads `timeline:`; every fault is reported, and the rest is kept.
pub(super) fn read(data: &Data, diags: &mut Diagnostics) -> Timeline {
    let Some(entries) = fields::mapping(data, "`timeline`", diags) else { return Timeline::default() };
    diags.extend(fields::unknown_keys(entries, "`timeline`", &KEYS));
    Timeline {
        size: field(entries, "size", diags, size),
        fps: field(entries, "fps", diags, fps),
        length: field(entries, "length", diags, length),
        seed: field(entries, "seed", diags, |data| match data.value {
            Value::Integer(seed) => Ok(seed),
            _ => Err(fields::wrong("`seed`", "a whole number", data)),
        }),
        bpm: field(entries, "bpm", diags, |data| within("bpm", data, 1000.0)),
    }
}

fn field<T>(
    entries: &[(Key, Data)],
    key: &str,
    diags: &mut Diagnostics,
    read: impl Fn(&Data) -> Result<T, Diagnostic>,
) -> Option<(T, Span)> {
    let data = fields::get(entries, key)?;
    match read(data) {
        Ok(value) => Some((value, data.span)),
        Err(found) => {
            diags.push(found);
            None
        }
    }
}

fn bad(message: String, data: &Data) -> Diagnostic {
    Diagnostic::error("bad-timeline", message).at(data.span, "")
}

fn size(data: &Data) -> Result<[u32; 2], Diagnostic> {
    let wanted = || fields::wrong("`size`", "a width and a height", data).help("write `size: [768, 432]`");
    let side = |data: &Data| match data.value {
        Value::Integer(side) if (1..=i64::from(MAX_SIDE)).contains(&side) => Ok(side as u32),
        Value::Integer(side) => {
            Err(bad(format!("a frame cannot be {side} pixels wide or high"), data).help(format!("choose a number from 1 to {MAX_SIDE}")))
        }
        _ => Err(fields::wrong("a width or height", "a whole number of pixels", data)),
    };
    match &data.value {
        Value::List(sides) if sides.len() == 2 => Ok([side(&sides[0])?, side(&sides[1])?]),
        Value::Text(text) => {
            let (width, height) = text.split_once('x').ok_or_else(wanted)?;
            let number = |word: &str| word.trim().parse().map_err(|_| wanted());
            let one = |n: i64| side(&Data::new(data.span, Value::Integer(n)));
            Ok([one(number(width)?)?, one(number(height)?)?])
        }
        _ => Err(wanted()),
    }
}

fn fps(data: &Data) -> Result<Fps, Diagnostic> {
    if let Value::Text(text) = &data.value {
        let parts = text.split_once('/').and_then(|(num, den)| Some((num.trim().parse().ok()?, den.trim().parse().ok()?)));
        return match parts {
            Some((num, den)) if num > 0 && den > 0 && f64::from(num) <= 1000.0 * f64::from(den) => Ok(Fps::new(num, den)),
            _ => {
                Err(bad(format!("`{text}` is no rate of frames"), data)
                    .help("write a number such as `25`, or a fraction such as `30000/1001`"))
            }
        };
    }
    within("fps", data, 1000.0).map(Fps::nearest)
}

/// A number above 0 and at most `max`.
fn within(key: &str, data: &Data, max: f64) -> Result<f64, Diagnostic> {
    match data.number() {
        Some(number) if number > 0.0 && number <= max => Ok(number),
        Some(number) => Err(bad(format!("`{key}` cannot be {number}"), data).help(format!("choose a number above 0 and at most {max}"))),
        None => Err(fields::wrong(&format!("`{key}`"), "a number", data)),
    }
}

fn length(data: &Data) -> Result<Length, Diagnostic> {
    let none = |data: &Data| bad("`length` has to be at least one frame".to_owned(), data);
    match &data.value {
        Value::Integer(frames) if *frames >= 1 => Ok(Length::Frames(*frames as u64)),
        Value::Integer(_) => Err(none(data)),
        Value::Text(text) => match seconds(text) {
            Some(seconds) if seconds > 0.0 => Ok(Length::Seconds(seconds)),
            Some(_) => Err(none(data)),
            None => Err(bad(format!("`{text}` is no length"), data).help("write frames as `120`, seconds as `4s`, or minutes as `1:02.5`")),
        },
        _ => Err(fields::wrong("`length`", "a number of frames or a time", data).help("write frames as `120`, or seconds as `4s`")),
    }
}

/// `4s`, `1:02.5` or `1:00:00` in seconds.
fn seconds(text: &str) -> Option<f64> {
    let number = |word: &str| {
        let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        plain.then(|| word.parse::<f64>().ok()).flatten().filter(|n| *n < 1e9)
    };
    if let Some(seconds) = text.strip_suffix('s') {
        return number(seconds.trim());
    }
    let parts: Vec<f64> = text.split(':').map(number).collect::<Option<_>>()?;
    let fits = (2..=3).contains(&parts.len()) && parts[1..].iter().all(|part| *part < 60.0);
    fits.then(|| parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;
    use crate::diag::Sources;

    fn read_text(text: &str) -> (Timeline, Vec<String>) {
        let mut diags = Diagnostics::default();
        let data = yaml::parse(Sources::default().add("g", text), text, 0, &mut diags).unwrap();
        let timeline = read(&data, &mut diags);
        (timeline, diags.0.into_iter().map(|d| d.message).collect())
    }

    #[test]
    fn sizes_rates_and_lengths() {
        let of = |text| read_text(text).0;
        assert_eq!(of("size: [768, 432]").size.unwrap().0, [768, 432]);
        assert_eq!(of("size: 768x432").size.unwrap().0, [768, 432]);
        assert_eq!(of("fps: 29.97").fps.unwrap().0, Fps::new(30000, 1001));
        assert_eq!(of("fps: 30000/1001").fps.unwrap().0, Fps::new(30000, 1001));
        assert_eq!(of("length: 120").length.unwrap().0, Length::Frames(120));
        assert_eq!(of("length: 4s").length.unwrap().0.frames(Fps::new(25, 1)), 100);
        assert_eq!(of("length: 1:02.5").length.unwrap().0, Length::Seconds(62.5));
    }

    #[test]
    fn each_fault_is_told_and_the_rest_is_kept() {
        let (timeline, said) = read_text("size: [0, 432]\nfps: -3\nlength: soon\nseed: x\nbpm: 120\n");
        assert_eq!(said.len(), 4, "{said:?}");
        assert_eq!(timeline.bpm.unwrap().0, 120.0);
        assert!(read_text("size: [20000, 1]").1[0].contains("20000"));
        assert_eq!(read_text("fps: 1/0").1.len(), 1);
    }
}
