//! Documents: YAML text → a tree in which everything knows its place → the graph as written.
//!
//! [`load`] reads a graph, applies what is set from outside, replaces every `$name`, expands presets and checks what can be
//! checked without knowing the kinds; [`parse_link`] reads an input's value once the plan knows that it is one. [`expand`]
//! prints the flat graph, [`explain`] tells where a value comes from. All findings are gathered: none stops the rest.

mod emit;
mod explain;
mod fields;
mod graph;
mod link;
mod load;
mod params;
mod presets;
mod timeline;
mod yaml;

pub use emit::expand;
pub use explain::explain;
pub use graph::{Arg, Candidate, Graph, Kinds, Layer, Length, NodeDef, Role, Timeline, Use};
pub use link::{First, LinkRef, MAX_DELAY, is_name, parse_link};
pub use load::{LoadOptions, load, load_str};
pub use params::{ParamDecl, ParamType, Setting};
pub use presets::{PresetInfo, PresetInput, presets};

use crate::diag::{Diagnostics, SourceId};
use crate::param::{Data, Value};

/// Reads one value of a parameter that stands alone: YAML if it is a mapping in braces, otherwise text as it stands.
///
/// Faults go to `diags`; `None` when nothing can be read.
pub fn value(source: SourceId, text: &str, diags: &mut Diagnostics) -> Option<Data> {
    if text.trim_start().starts_with('{') {
        return yaml::parse(source, text, 0, diags);
    }
    Some(Data { span: crate::diag::Span::new(source, 0, text.len()), inner: Some(0), value: Value::Text(text.to_owned()) })
}

#[cfg(test)]
mod tests;
