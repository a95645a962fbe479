//! The flat graph as YAML again: presets expanded, parameters put in, fit to be run on its own.

use std::fmt::Write;
use std::path::Path;

use crate::param::{Data, Fps, Value};

use super::graph::{Arg, Graph, Length, NodeDef, Role, Timeline};
use super::link::is_name;

/// A line longer than this is broken up.
const WIDTH: usize = 120;

/// Prints the flat graph. It belongs into the folder of the graph it came from: paths are written from there.
#[must_use]
pub fn expand(graph: &Graph) -> String {
    let mut out = String::from("frameloom: 1\n");
    if let Some(about) = &graph.about {
        let _ = writeln!(out, "about: {}", text(about));
    }
    let timeline = timeline(&graph.timeline);
    if !timeline.is_empty() {
        let _ = writeln!(out, "timeline: {{ {} }}", timeline.join(", "));
    }
    if let Some(engine) = &graph.engine {
        let _ = writeln!(out, "engine: {}", flow(engine));
    }
    out.push_str("nodes:\n");
    for one in &graph.nodes {
        node(&mut out, one, &graph.base);
    }
    out
}

fn timeline(timeline: &Timeline) -> Vec<String> {
    let fps = |fps: Fps| if fps.den == 1 { fps.num.to_string() } else { format!("{}/{}", fps.num, fps.den) };
    let length = |length| match length {
        Length::Frames(frames) => frames.to_string(),
        Length::Seconds(seconds) => format!("{seconds}s"),
    };
    let fields = [
        timeline.size.map(|([w, h], _)| format!("size: [{w}, {h}]")),
        timeline.fps.map(|(rate, _)| format!("fps: {}", fps(rate))),
        timeline.length.map(|(time, _)| format!("length: {}", length(time))),
        timeline.seed.map(|(seed, _)| format!("seed: {seed}")),
        timeline.bpm.map(|(bpm, _)| format!("bpm: {bpm}")),
    ];
    fields.into_iter().flatten().collect()
}

fn node(out: &mut String, node: &NodeDef, base: &Path) {
    let mut entries = vec![("kind".to_owned(), text(&node.kind))];
    entries.extend(node.args.iter().map(|arg| (text(&arg.key.text), flow(&placed(arg, base)))));
    let joined: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let line = format!("  {}: {{ {} }}\n", node.name, joined.join(", "));
    if line.chars().count() <= WIDTH {
        out.push_str(&line);
        return;
    }
    let _ = writeln!(out, "  {}:", node.name);
    for entry in joined {
        let _ = writeln!(out, "    {entry}");
    }
}

/// An argument's value; a path as it is written from the graph's folder.
fn placed(arg: &Arg, base: &Path) -> Data {
    let mut data = arg.value.clone();
    if let (Role::Path, Value::Text(path)) = (arg.role, &data.value)
        && arg.base != base
        && let (Ok(full), Ok(base)) = (std::path::absolute(arg.base.join(path)), std::path::absolute(base))
    {
        let from_base = full.strip_prefix(&base).unwrap_or(&full);
        data.value = Value::Text(from_base.display().to_string());
    }
    data
}

/// A value on one line.
fn flow(data: &Data) -> String {
    match &data.value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Integer(whole) => whole.to_string(),
        Value::Number(number) => float(*number),
        Value::Text(written) => text(&escaped(written)),
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, data)| format!("{}: {}", key_text(&key.text), flow(data))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A number that is read as one with a fraction again.
fn float(number: f64) -> String {
    let plain = format!("{number:?}");
    if plain.contains(['.', 'e']) { plain } else { format!("{plain}.0") }
}

/// Text that would be read as a parameter gets one more `$`.
fn escaped(written: &str) -> String {
    let read = written.starts_with("$$") || written.strip_prefix('$').is_some_and(is_name);
    if read { format!("${written}") } else { written.to_owned() }
}

/// A key keeps its spelling: a number as a key needs no quotes.
fn key_text(key: &str) -> String {
    let plain =
        key.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c)) && key.starts_with(|c: char| c.is_ascii_alphanumeric());
    if plain { key.to_owned() } else { quoted(key) }
}

/// Text as a scalar: plain where nothing can be misread.
fn text(written: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || " _-./@$()+*;=<>^~".contains(c) || (c.is_alphabetic() && !c.is_control());
    let plain = written.starts_with(|c: char| c.is_alphabetic() || "/$_".contains(c))
        && !written.ends_with(' ')
        && written.chars().all(safe)
        && super::yaml::is_text(written);
    if plain { written.to_owned() } else { quoted(written) }
}

fn quoted(written: &str) -> String {
    let mut out = String::from("\"");
    for c in written.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
                || u32::from(c) > 0xFFFF
                || ('\u{e000}'..='\u{ffff}').contains(&c) =>
            {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}
