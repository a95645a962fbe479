//! `frameloom draw`: a graph as a picture.

mod layout;
mod svg;
mod text;

pub use svg::svg;
pub use text::{dot, mermaid};

use crate::node::PortType;

/// One colour for each type of port, the same in every format.
fn color(ty: PortType) -> &'static str {
    match ty {
        PortType::Frame => "#3b82f6",
        PortType::Depth => "#8b5cf6",
        PortType::Mask => "#64748b",
        PortType::Flow => "#0d9488",
        PortType::Motion => "#d97706",
        PortType::Scalar => "#16a34a",
        PortType::Audio => "#db2777",
        PortType::Subtitles => "#a16207",
        PortType::Latents => "#4338ca",
        PortType::Grain => "#78716c",
    }
}

/// What is written on a link: its delay, or that it only begins a loop.
fn note(link: &crate::plan::SketchLink) -> Option<String> {
    match link.delay {
        _ if link.initial => Some("initial".into()),
        0 => None,
        delay if delay < 0 => Some(format!("@{delay}")),
        delay => Some(format!("@+{delay}")),
    }
}
