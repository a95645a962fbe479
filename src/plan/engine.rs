//! The `engine:` block of a graph: what never changes pixels.

use crate::diag::{Diagnostic, Diagnostics};
use crate::param::{Data, Value};

const KEYS: [&str; 4] = ["threads", "memory", "depth", "device"];

/// The `engine:` block; what is `None` was not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineBlock {
    /// Threads.
    pub threads: Option<usize>,
    /// The most bytes that frames in flight may take.
    pub memory: Option<usize>,
    /// Frames under way at once.
    pub depth: Option<usize>,
    /// Where models run, best first.
    pub devices: Vec<String>,
}

impl EngineBlock {
    /// Reads the block.
    #[must_use]
    pub fn read(data: Option<&Data>, faults: &mut Diagnostics) -> Self {
        let mut block = Self::default();
        let Some(data) = data else { return block };
        let Value::Map(entries) = &data.value else {
            faults.push(
                Diagnostic::error("wrong-type", format!("`engine` is a mapping, not {}", data.what()))
                    .at(data.span, "")
                    .help("write `engine: { threads: 4 }`"),
            );
            return block;
        };
        for (key, value) in entries {
            match key.text.as_str() {
                "threads" => block.threads = count(value, 1024, faults),
                "depth" => block.depth = count(value, 16, faults),
                "memory" => block.memory = bytes_of(value, faults),
                "device" => block.devices = names(value, faults),
                other => faults.push(
                    Diagnostic::error("unknown-key", format!("`engine` has no key `{other}`"))
                        .at(key.span, "not known")
                        .suggest(other, KEYS)
                        .help("it takes `threads`, `memory`, `depth` and `device`"),
                ),
            }
        }
        block
    }
}

fn count(data: &Data, most: i64, faults: &mut Diagnostics) -> Option<usize> {
    match data.value {
        Value::Integer(n) if (1..=most).contains(&n) => usize::try_from(n).ok(),
        _ => {
            faults.push(Diagnostic::error("wrong-type", format!("a whole number from 1 to {most} belongs here")).at(data.span, ""));
            None
        }
    }
}

fn bytes_of(data: &Data, faults: &mut Diagnostics) -> Option<usize> {
    let parsed = match &data.value {
        Value::Integer(n) => usize::try_from(*n).map_err(|_| "a size cannot be negative".to_owned()),
        Value::Text(text) => parse_bytes(text),
        _ => Err(format!("a size belongs here, not {}", data.what())),
    };
    parsed.map_err(|message| faults.push(Diagnostic::error("wrong-type", message).at(data.span, "").help("write `800M` or `4G`"))).ok()
}

fn names(data: &Data, faults: &mut Diagnostics) -> Vec<String> {
    let items = match &data.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(data),
    };
    let mut names = Vec::new();
    for item in items {
        match item.text() {
            Some(name) => names.push(name.to_owned()),
            None => faults.push(
                Diagnostic::error("wrong-type", format!("the name of a device belongs here, not {}", item.what()))
                    .at(item.span, "")
                    .help("write `cpu`, `cuda` or `coreml`"),
            ),
        }
    }
    names
}

/// A number of bytes written as `800M`, `1.5GiB` or plain.
///
/// # Errors
/// The sentence to show.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let lower = text.trim().to_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let number: f64 = number.parse().map_err(|_| format!("`{text}` is no size"))?;
    let factor = match unit.trim().trim_end_matches("ib").trim_end_matches('b') {
        "" => 1.0,
        "k" => 1024.0,
        "m" => 1024.0 * 1024.0,
        "g" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("`{unit}` is no unit of size")),
    };
    Ok((number * factor) as usize)
}

#[cfg(test)]
mod tests {
    use super::parse_bytes;

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("1.5G"), Ok(1_610_612_736));
        assert_eq!(parse_bytes("800MiB"), Ok(838_860_800));
        assert_eq!(parse_bytes("4096"), Ok(4096));
        assert!(parse_bytes("many").is_err() && parse_bytes("4 parsecs").is_err());
    }
}
