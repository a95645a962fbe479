//! A curve in the terminal: a line of Braille dots.

use std::fmt::Write;
use std::io::IsTerminal;

use super::axis::{Axis, short};

/// Lines of text that the plot is tall.
const ROWS: usize = 10;
/// Dots in a character, across and down.
const DOTS: (usize, usize) = (2, 4);

/// The width of what is not printed to a terminal.
const WIDTH: u16 = 100;

/// The width to print to.
pub fn width() -> usize {
    let seen = terminal_size::terminal_size().filter(|_| std::io::stdout().is_terminal());
    usize::from(seen.map_or(WIDTH, |(width, _)| width.0)).max(20)
}

/// The curve through `values`, one a frame, and its axes, `width` characters wide.
pub fn plot(values: &[f64], fps: f64, width: usize) -> String {
    let axis = Axis::of(values.iter().copied(), ROWS / 2);
    let marks: Vec<(usize, String)> = axis.marks().into_iter().map(|mark| (row(&axis, mark) / DOTS.1, axis.label(mark))).collect();
    let margin = marks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    let columns = width.saturating_sub(margin + 3).max(8);
    let mut out = String::new();
    for (index, line) in line(values, &axis, columns).into_iter().enumerate() {
        let mark = marks.iter().find(|(row, _)| *row == index);
        let (label, edge) = mark.map_or(("", '│'), |(_, label)| (label.as_str(), '┤'));
        let _ = writeln!(out, "{label:>margin$} {edge}{}", line.trim_end_matches('\u{2800}'));
    }
    out + &below(values.len() as u64 - 1, fps, margin, columns)
}

/// The dot, counted from above, at which `value` lies.
fn row(axis: &Axis, value: f64) -> usize {
    let last = (ROWS * DOTS.1 - 1) as f64;
    ((1.0 - axis.place(value)) * last).round().clamp(0.0, last) as usize
}

/// The curve as lines of Braille.
fn line(values: &[f64], axis: &Axis, columns: usize) -> Vec<String> {
    let mut cells = vec![vec![0_u8; columns]; ROWS];
    let across = columns * DOTS.0;
    let mut before: Option<usize> = None;
    for x in 0..across {
        let Some((low, high)) = reach(values, x, across) else {
            before = None;
            continue;
        };
        let (mut top, mut bottom) = (row(axis, high), row(axis, low));
        // Joined with the column before, so that a steep line has no holes.
        if let Some(before) = before {
            (top, bottom) = (top.min(before + 1), bottom.max(before.saturating_sub(1)));
        }
        before = Some(row(axis, last_in(values, x, across)));
        for y in top..=bottom {
            cells[y / DOTS.1][x / DOTS.0] |= bit(x % DOTS.0, y % DOTS.1);
        }
    }
    let braille = |cell: &u8| char::from_u32(0x2800 + u32::from(*cell)).unwrap_or(' ');
    cells.iter().map(|row| row.iter().map(braille).collect()).collect()
}

/// The frame, which may lie between two, at the dot `x` of `across`.
fn frame_at(values: &[f64], x: f64, across: usize) -> f64 {
    (x / (across - 1).max(1) as f64 * (values.len() - 1) as f64).clamp(0.0, (values.len() - 1) as f64)
}

/// The value at a frame that may lie between two.
fn value_at(values: &[f64], frame: f64) -> f64 {
    let (a, b) = (values[frame.floor() as usize], values[frame.ceil() as usize]);
    if a == b { a } else { a + (b - a) * frame.fract() }
}

fn last_in(values: &[f64], x: usize, across: usize) -> f64 {
    value_at(values, frame_at(values, x as f64, across))
}

/// The least and the greatest value that the column `x` shows; nothing where there is none.
fn reach(values: &[f64], x: usize, across: usize) -> Option<(f64, f64)> {
    let ends = [x as f64 - 0.5, x as f64 + 0.5].map(|x| frame_at(values, x, across));
    let whole = (ends[0].ceil() as usize..=ends[1].floor() as usize).map(|frame| values[frame]);
    let crowded = values.len() > across;
    let seen = whole.filter(|_| crowded).chain([last_in(values, x, across)]).filter(|v| v.is_finite());
    seen.fold(None, |found: Option<(f64, f64)>, v| Some(found.map_or((v, v), |(low, high)| (low.min(v), high.max(v)))))
}

/// The bit of a Braille character at dot `x`, `y`.
fn bit(x: usize, y: usize) -> u8 {
    match (x, y) {
        (0, 3) => 0x40,
        (_, 3) => 0x80,
        (0, y) => 1 << y,
        (_, y) => 8 << y,
    }
}

/// The axis of frames, and of seconds.
fn below(last: u64, fps: f64, margin: usize, columns: usize) -> String {
    let axis = Axis::frames(last, (columns / 12).max(1));
    let mut rule: Vec<char> = vec!['─'; columns];
    let (mut frames, mut seconds) = (String::new(), String::new());
    for mark in axis.marks() {
        let at = (axis.place(mark) * (columns - 1) as f64).round() as usize;
        rule[at] = '┬';
        put(&mut frames, at, &format!("{mark}"));
        put(&mut seconds, at, &format!("{}s", short((mark / fps * 100.0).round() / 100.0)));
    }
    let rule: String = rule.into_iter().collect();
    format!("{:margin$} └{rule}\n{:margin$}  {frames}\n{:margin$}  {seconds}\n", "", "", "")
}

/// Puts `text` at column `at`, unless something stands there.
fn put(line: &mut String, at: usize, text: &str) {
    let have = line.chars().count();
    if have == 0 || have < at {
        line.extend(std::iter::repeat_n(' ', at - have));
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_rises_from_the_lower_left_to_the_upper_right() {
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        let plot = plot(&values, 10.0, 60);
        let lines: Vec<&str> = plot.lines().collect();
        assert_eq!(lines.len(), ROWS + 3);
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{plot}");
        let first_dot = |line: &str| line.chars().position(|c| ('\u{2801}'..='\u{28ff}').contains(&c)).unwrap();
        assert!(first_dot(lines[0]) > first_dot(lines[5]) && first_dot(lines[5]) > first_dot(lines[9]), "{plot}");
        assert!(lines[11].contains("30") && lines[12].contains("3s"), "{plot}");
    }

    #[test]
    fn one_frame_gaps_and_many_frames_are_drawn() {
        for values in [vec![2.0], vec![f64::NAN; 3], vec![1.0, f64::INFINITY, 2.0], (0..50_000).map(|t| f64::from(t % 7)).collect()] {
            assert_eq!(plot(&values, 25.0, 40).lines().count(), ROWS + 3);
        }
    }

    #[test]
    fn a_step_has_no_hole() {
        let values: Vec<f64> = (0..20).map(|t| f64::from(t >= 10)).collect();
        let lines = line(&values, &Axis::of(values.iter().copied(), 5), 30);
        assert!(lines.iter().all(|line| line.chars().any(|c| c != '\u{2800}')));
    }
}
