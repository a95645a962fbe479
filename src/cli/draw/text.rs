//! Graphviz and Mermaid.

use std::fmt::Write;

use super::{color, note};
use crate::plan::Sketch;

/// The graph in Graphviz's language.
#[must_use]
pub fn dot(sketch: &Sketch) -> String {
    let mut out = String::from(
        "digraph frameloom {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f8fafc\", fontname=\"Helvetica\"];\n",
    );
    for node in &sketch.nodes {
        let clock = node.clock.as_ref().map(|clock| format!("\\n{clock}")).unwrap_or_default();
        let _ = writeln!(out, "  {:?} [label=\"{}\\n{}{clock}\"];", node.name, node.name, node.kind);
    }
    for link in &sketch.links {
        let (from, to) = (&sketch.nodes[link.from.0], &sketch.nodes[link.to.0]);
        let port = &from.outputs[link.from.1].0;
        let label = note(link).map_or_else(|| port.clone(), |note| format!("{port} {note}"));
        let style = if link.delay < 0 {
            ", style=dashed, constraint=false"
        } else if link.initial {
            ", style=dotted"
        } else {
            ""
        };
        let _ = writeln!(out, "  {:?} -> {:?} [label={label:?}, color=\"{}\"{style}];", from.name, to.name, color(link.ty));
    }
    out + "}\n"
}

/// The graph in Mermaid's language, for Markdown pages that draw it.
#[must_use]
pub fn mermaid(sketch: &Sketch) -> String {
    let mut out = String::from("flowchart LR\n");
    for (index, node) in sketch.nodes.iter().enumerate() {
        let clock = node.clock.as_ref().map(|clock| format!("<br/>{clock}")).unwrap_or_default();
        let _ = writeln!(out, "  n{index}[\"<b>{}</b><br/>{}{clock}\"]", node.name, node.kind);
    }
    for link in &sketch.links {
        let port = &sketch.nodes[link.from.0].outputs[link.from.1].0;
        let label = note(link).map_or_else(|| port.clone(), |note| format!("{port} {note}"));
        let arrow = if link.delay < 0 || link.initial { "-.->" } else { "-->" };
        let _ = writeln!(out, "  n{} {arrow}|{label}| n{}", link.from.0, link.to.0);
    }
    out
}
