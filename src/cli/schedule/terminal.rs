//! Values and texts in the terminal.

use std::fmt::Write;

use super::series::Span;
use crate::cli::chart::axis::short;

/// The values, several a line, each line with the frame of its first.
pub fn table(values: &[f64], width: usize) -> String {
    let texts: Vec<String> = values.iter().map(|value| short(*value)).collect();
    let cell = texts.iter().map(String::len).max().unwrap_or(1) + 2;
    let margin = (values.len() - 1).to_string().len().max(5);
    let room = width.saturating_sub(margin) / cell;
    let a_line = [20, 10, 5, 4, 2].into_iter().find(|n| *n <= room).unwrap_or(1);
    let mut out = format!("{:>margin$}\n", "frame");
    for (index, line) in texts.chunks(a_line).enumerate() {
        let _ = write!(out, "{:>margin$}", index * a_line);
        for text in line {
            let _ = write!(out, "{text:>cell$}");
        }
        out.push('\n');
    }
    out
}

/// Which text holds in which frames.
pub fn spans(spans: &[Span], fps: f64) -> String {
    let mut out = String::new();
    let place = |span: &Span| format!("{}..{}", span.from, span.to);
    let margin = spans.iter().map(|span| place(span).len()).max().unwrap_or(0).max(6);
    let _ = writeln!(out, "{:>margin$}  {:>8}", "frames", "from");
    for span in spans {
        let _ = writeln!(out, "{:>margin$}  {:>7.2}s  {}", place(span), span.from as f64 / fps, span.text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_values_makes_a_table() {
        for values in [vec![2.0], vec![f64::NAN; 3], (0..50_000).map(|t| f64::from(t % 7)).collect()] {
            assert!(!table(&values, 40).is_empty());
        }
    }
}
