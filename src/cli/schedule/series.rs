//! What a schedule gives, frame by frame.

use crate::diag::{self, Diagnostic, Diagnostics, Sources};
use crate::document;
use crate::param::{Curve, Data, Moment, Param, Prompt, ReadCx, TextCurve, Value, deforum_numbers, deforum_texts};

/// Values over time.
#[derive(Debug, Clone, PartialEq)]
pub enum Series {
    /// A number a frame, and the frames of the keys.
    Numbers(Vec<f64>, Vec<f64>),
    /// Texts and where they hold.
    Texts(Vec<Span>),
}

/// A text and the frames at which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: u64,
    /// One past the last.
    pub to: u64,
    /// The text.
    pub text: String,
}

/// What was read.
pub struct Reading {
    /// The values.
    pub series: Series,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

impl Reading {
    fn new(series: Series, streams: &[String]) -> Self {
        let unknown = || format!("{} counted as 0 here: other nodes make it when a graph runs", streams.join(", "));
        Self { series, notes: if streams.is_empty() { Vec::new() } else { vec![unknown()] } }
    }
}

/// Reads `text` and evaluates it at each of `length` frames; as texts if `texts` says so or if it is nothing else.
pub fn read(text: &str, texts: bool, length: u64, moment: &Moment<'_>, sources: &mut Sources) -> Result<Reading, Diagnostics> {
    let source = sources.add("<schedule>", text);
    let mut found = Diagnostics::default();
    let data = document::value(source, text, &mut found).ok_or(found)?;
    let cx = ReadCx::default();
    let prompts = matches!(data.value, Value::Map(_));
    let as_texts = || -> Result<Reading, Diagnostic> {
        if prompts {
            let prompt = Prompt::read(&data, &cx)?;
            return Ok(Reading::new(spans(length, |tick| prompt.now(&Moment { tick, ..moment.clone() }).from), &prompt.streams()));
        }
        let held = TextCurve::read(&data, &cx)?;
        Ok(Reading::new(spans(length, |tick| held.now(&Moment { tick, ..moment.clone() })), &held.streams()))
    };
    if texts {
        return as_texts().map_err(Diagnostics::from);
    }
    match Curve::read(&data, &cx) {
        Ok(curve) => Ok(Reading::new(numbers(&curve, length, moment), &curve.streams())),
        Err(_) if says_texts(&data) => as_texts().map_err(Diagnostics::from),
        Err(fault) if says_words(text, &fault) => Err(fault.help("if its values are texts, add `--text`").into()),
        Err(fault) => Err(fault.into()),
    }
}

fn numbers(curve: &Curve, length: u64, moment: &Moment<'_>) -> Series {
    let values = (0..length).map(|tick| curve.at(&Moment { tick, ..moment.clone() })).collect();
    Series::Numbers(values, curve.key_frames(moment))
}

fn spans(length: u64, at: impl Fn(u64) -> String) -> Series {
    let mut spans: Vec<Span> = Vec::new();
    for tick in 0..length {
        let text = at(tick);
        match spans.last_mut() {
            Some(last) if last.text == text => last.to = tick + 1,
            _ => spans.push(Span { from: tick, to: tick + 1, text }),
        }
    }
    Series::Texts(spans)
}

/// Reads `text` as Deforum itself does, and says where a graph would differ.
pub fn read_deforum(text: &str, texts: bool, length: u64, moment: &Moment<'_>, sources: &mut Sources) -> Result<Reading, Diagnostics> {
    let own = read(text, texts, length, moment, &mut sources.clone());
    let span = diag::Span::new(sources.add("<schedule>", text), 0, text.len());
    let data = Data { span, inner: Some(0), value: Value::Text(text.to_owned()) };
    let series = if texts || matches!(&own, Ok(Reading { series: Series::Texts(_), .. })) {
        let texts = deforum_texts(&data, moment)?;
        spans(length, |tick| texts[tick as usize].clone())
    } else {
        let keys = text.parse::<Curve>().map(|curve| curve.key_frames(moment)).unwrap_or_default();
        Series::Numbers(deforum_numbers(&data, moment)?, keys)
    };
    let note = match own {
        Err(_) => Some("a graph does not take this".to_owned()),
        Ok(own) => differing(&series, &own.series),
    };
    Ok(Reading { series, notes: note.into_iter().collect() })
}

/// Where a graph's reading differs.
fn differing(deforum: &Series, own: &Series) -> Option<String> {
    match (deforum, own) {
        (Series::Numbers(a, _), Series::Numbers(b, _)) => {
            let first = a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits() && (a - b).abs() > 1e-9 * b.abs().max(1.0))?;
            Some(format!("a graph differs from frame {first} on: there the value is {}", b[first]))
        }
        (a, b) if a == b => None,
        (_, Series::Texts(spans)) => {
            let texts: Vec<String> = spans.iter().map(|span| format!("`{}`", span.text)).collect();
            Some(format!("a graph keeps its brackets, commas and colons: {}", texts.join(", ")))
        }
        _ => Some("a graph takes this for numbers".to_owned()),
    }
}

/// Whether what cannot be read as numbers was plainly meant as texts: values in quotes of a schedule, or a mapping whose values
/// are texts and none of them an expression.
fn says_texts(data: &Data) -> bool {
    let no_number = |text: &str| text.parse::<Curve>().is_err();
    match &data.value {
        Value::Map(entries) => !entries.is_empty() && entries.iter().all(|(_, value)| value.text().is_some_and(no_number)),
        Value::Text(text) => {
            text.split(['"', '\'']).skip(1).step_by(2).any(|quoted| quoted.chars().any(char::is_alphabetic) && no_number(quoted))
        }
        _ => false,
    }
}

/// Whether what is wrong is a value that consists of plain words.
fn says_words(text: &str, fault: &Diagnostic) -> bool {
    let at = fault.labels.first().map_or(0, |label| label.span.start as usize);
    let (Some(before), Some(rest)) = (text.get(..at), text.get(at..)) else { return false };
    let value = rest.split([',', ')']).next().unwrap_or("");
    before.ends_with(['(', ':', ' ']) && before.contains(':') && value.chars().all(|c| c.is_alphanumeric() || " _.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(text: &str, texts: bool) -> Result<Series, Diagnostics> {
        read(text, texts, 10, &Moment { length: Some(10), ..Moment::default() }, &mut Sources::default()).map(|reading| reading.series)
    }

    fn shown(text: &str, texts: bool) -> Vec<(u64, String)> {
        match series(text, texts).unwrap() {
            Series::Texts(spans) => spans.into_iter().map(|span| (span.from, span.text)).collect(),
            Series::Numbers(..) => panic!("{text}: numbers"),
        }
    }

    #[test]
    fn every_form_is_read() {
        let values = |text: &str| match series(text, false).unwrap() {
            Series::Numbers(values, keys) => (values[4], keys.len()),
            Series::Texts(_) => panic!("{text}: texts"),
        };
        assert_eq!(values("0: (1), 8: (2)"), (1.5, 2));
        assert_eq!(values("\"0\":(\"1\"), \"8\":(\"2\")"), (1.5, 2));
        assert_eq!(values("t"), (4.0, 0));
        assert_eq!(values("-t"), (-4.0, 0));
        assert_eq!(values("{ keys: { 0: 1, 8: 2 }, ease: step }"), (1.0, 2));
        assert_eq!(values("7"), (7.0, 0));
    }

    #[test]
    fn deforums_reading_stops_where_deforum_stops() {
        let moment = Moment { length: Some(10), ..Moment::default() };
        let deforum = |text: &str| read_deforum(text, false, 10, &moment, &mut Sources::default());
        let same = deforum("0: (1), 8: (2)").unwrap();
        assert_eq!((same.series, same.notes.len()), (series("0: (1), 8: (2)", false).unwrap(), 0));
        let stops = |text: &str| {
            let label = deforum(text).err().unwrap().0[0].labels[0].span;
            text[label.start as usize..label.end as usize].to_owned()
        };
        assert_eq!(stops("0:(where(t>5,1,0))"), "1");
        assert_eq!(stops("0: (1), 5: (sin(pi*t))"), "pi");
        assert_eq!(stops("5: (1)"), "5: (1)");
        let path = deforum("0: (\"C:/a (v2).ckpt\")").unwrap();
        assert_eq!(path.series, Series::Texts(vec![Span { from: 0, to: 10, text: "C".to_owned() }]));
        assert!(path.notes[0].contains("C:/a (v2).ckpt"), "{:?}", path.notes);
        assert!(deforum("0: (1), 100: (garbage!)").is_ok());
    }

    #[test]
    fn texts_in_quotes_are_texts_and_mistakes_are_not() {
        let two = [(0, "Euler a".to_owned()), (5, "DPM++ 2M (v2), new".to_owned())];
        assert_eq!(shown("0: (\"Euler a\"), 5: (\"DPM++ 2M (v2), new\")", false), two);
        assert_eq!(shown("{ 0: Euler a, 5: \"DPM++ 2M (v2), new\" }", false), two);
        assert_eq!(shown("0:(UniPC), 3:(Euler)", true), [(0, "UniPC".to_owned()), (3, "Euler".to_owned())]);
        let fault = series("0: (1 + tt), 10: (2)", false).unwrap_err();
        assert_eq!((fault.0[0].labels[0].span.start, fault.0[0].labels[0].span.end), (8, 10));
        assert!(series("0: (UniPC)", false).unwrap_err().0[0].help.iter().any(|help| help.contains("--text")));
        assert!(series("\"0\":(\"1 +\")", false).is_err());
    }
}
