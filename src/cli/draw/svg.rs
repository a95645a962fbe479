//! The graph as SVG: boxes with typed ports, curves coloured by type, loops drawn round below with their delay.

use std::fmt::Write;

use super::layout::{HEAD, Layout, PORT, WIDTH, height, layout};
use super::{color, note};
use crate::plan::{Sketch, SketchLink, SketchNode};

/// Room that one link around the outside takes.
const LANE: f64 = 16.0;
const FONT: &str = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

/// The graph as an SVG picture of its own.
#[must_use]
pub fn svg(sketch: &Sketch, title: &str) -> String {
    let layout = layout(sketch);
    let routes = route(sketch, &layout);
    let top = LANE * lanes(&routes, Route::Above) as f64;
    let (width, tall) = (layout.width, top + layout.bottom + 24.0 + LANE * lanes(&routes, Route::Below) as f64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 {:.0} {width:.0} {tall:.0}\" width=\"{width:.0}\" height=\"{tall:.0}\" font-family=\"{FONT}\">\n\
         <title>{}</title>\n<rect y=\"{:.0}\" width=\"100%\" height=\"100%\" rx=\"12\" fill=\"#f8fafc\"/>\n",
        -top,
        escape(title),
        -top
    );
    for (link, (way, lane)) in sketch.links.iter().zip(&routes) {
        match way {
            Route::Straight => straight(&mut out, &layout, link),
            Route::Above => round(&mut out, &layout, link, *lane, 14.0 - LANE * (*lane as f64)),
            Route::Below => round(&mut out, &layout, link, *lane, layout.bottom + 14.0 + LANE * (*lane as f64)),
        }
    }
    for (index, node) in sketch.nodes.iter().enumerate() {
        boxed(&mut out, node, layout.at[index], height(sketch, index));
    }
    out + "</svg>\n"
}

/// The way a link takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    /// To the next column.
    Straight,
    /// Over the nodes between.
    Above,
    /// Back, under all nodes.
    Below,
}

/// The way of every link, and its lane where it goes around: the first that no other link uses along the same stretch.
fn route(sketch: &Sketch, layout: &Layout) -> Vec<(Route, usize)> {
    let mut taken: Vec<(Route, usize, [usize; 2])> = Vec::new();
    let mut order: Vec<usize> = (0..sketch.links.len()).collect();
    let columns = |link: &SketchLink| (layout.column[link.from.0], layout.column[link.to.0]);
    order.sort_by_key(|&index| columns(&sketch.links[index]).0.abs_diff(columns(&sketch.links[index]).1));
    let mut routes = vec![(Route::Straight, 0); sketch.links.len()];
    for index in order {
        let (from, to) = columns(&sketch.links[index]);
        let way = if to <= from {
            Route::Below
        } else if to == from + 1 {
            continue;
        } else {
            Route::Above
        };
        let stretch = [from.min(to), from.max(to)];
        let free =
            |lane: usize| !taken.iter().any(|(other, at, [a, b])| *other == way && *at == lane && *a <= stretch[1] && stretch[0] <= *b);
        let lane = (0..=taken.len()).find(|lane| free(*lane)).unwrap_or(0);
        taken.push((way, lane, stretch));
        routes[index] = (way, lane);
    }
    routes
}

fn lanes(routes: &[(Route, usize)], way: Route) -> usize {
    routes.iter().filter(|(other, _)| *other == way).map(|(_, lane)| lane + 1).max().unwrap_or(0)
}

fn port_y(top: f64, port: usize) -> f64 {
    top + HEAD + PORT * (port as f64 + 0.5)
}

fn ends(layout: &Layout, link: &SketchLink) -> ((f64, f64), (f64, f64)) {
    let (from, to) = (layout.at[link.from.0], layout.at[link.to.0]);
    ((from.0 + WIDTH, port_y(from.1, link.from.1)), (to.0, port_y(to.1, link.to.1)))
}

fn stroke(link: &SketchLink) -> String {
    let dash = if link.initial {
        " stroke-dasharray=\"2 4\""
    } else if link.delay != 0 {
        " stroke-dasharray=\"7 4\""
    } else {
        ""
    };
    format!("fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linecap=\"round\"{dash}", color(link.ty))
}

fn straight(out: &mut String, layout: &Layout, link: &SketchLink) {
    let ((x0, y0), (x1, y1)) = ends(layout, link);
    let bend = ((x1 - x0) / 2.0).clamp(30.0, 120.0);
    let _ =
        writeln!(out, "<path d=\"M{x0:.1} {y0:.1} C{:.1} {y0:.1} {:.1} {y1:.1} {x1:.1} {y1:.1}\" {}/>", x0 + bend, x1 - bend, stroke(link));
    if let Some(text) = note(link) {
        tag(out, (f64::midpoint(x0, x1), f64::midpoint(y0, y1)), &text, color(link.ty));
    }
}

/// Out of the right side, up or down to `y`, along it, and in from the left. Links on other lanes turn at other places.
fn round(out: &mut String, layout: &Layout, link: &SketchLink, lane: usize, y: f64) {
    let ((x0, y0), (x1, y1)) = ends(layout, link);
    let turn = 12.0 + 5.0 * (lane % 6) as f64;
    let (right, left, r) = (x0 + turn, x1 - turn, 6.0);
    let down = if y > y0 { r } else { -r };
    let along = if left > right { r } else { -r };
    let _ = writeln!(
        out,
        "<path d=\"M{x0:.1} {y0:.1} H{:.1} Q{right:.1} {y0:.1} {right:.1} {:.1} V{:.1} Q{right:.1} {y:.1} {:.1} {y:.1} H{:.1} Q{left:.1} {y:.1} {left:.1} {:.1} V{:.1} Q{left:.1} {y1:.1} {:.1} {y1:.1} H{x1:.1}\" {}/>",
        right - r,
        y0 + down,
        y - down,
        right + along,
        left - along,
        y - down,
        y1 + down,
        left + r,
        stroke(link)
    );
    if let Some(text) = note(link) {
        tag(out, (f64::midpoint(x0, x1), y), &text, color(link.ty));
    }
}

fn tag(out: &mut String, (x, y): (f64, f64), text: &str, color: &str) {
    let wide = 10.0 + 6.6 * text.chars().count() as f64;
    let _ = writeln!(
        out,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"16\" rx=\"8\" fill=\"#ffffff\" stroke=\"{color}\"/><text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"11\" text-anchor=\"middle\" fill=\"#334155\">{}</text>",
        x - wide / 2.0,
        y - 8.0,
        y + 4.0,
        escape(text)
    );
}

fn boxed(out: &mut String, node: &SketchNode, (x, y): (f64, f64), tall: f64) {
    let accent = node.outputs.first().or(node.inputs.first()).map_or("#94a3b8", |(_, ty)| color(*ty));
    let _ = writeln!(
        out,
        "<g><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{tall:.1}\" rx=\"10\" fill=\"#ffffff\" stroke=\"#cbd5e1\"/>\
         <path d=\"M{x:.1} {:.1} v-{:.1} q0 -10 10 -10 h{:.1} q10 0 10 10 v{:.1} z\" fill=\"{accent}\" fill-opacity=\"0.10\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"14\" font-weight=\"600\" fill=\"#0f172a\">{}</text>\
         <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#64748b\">{}</text>",
        y + HEAD - 6.0,
        HEAD - 16.0,
        WIDTH - 20.0,
        HEAD - 16.0,
        x + 12.0,
        y + 18.0,
        escape(&node.name),
        x + 12.0,
        y + 33.0,
        escape(&node.kind)
    );
    if let Some(clock) = &node.clock {
        tag(out, (x + WIDTH - 34.0, y + 14.0), clock, "#94a3b8");
    }
    for (index, (name, ty)) in node.inputs.iter().enumerate() {
        port(out, (x, port_y(y, index)), name, color(*ty), "start", 10.0);
    }
    for (index, (name, ty)) in node.outputs.iter().enumerate() {
        port(out, (x + WIDTH, port_y(y, index)), name, color(*ty), "end", -10.0);
    }
    out.push_str("</g>\n");
}

fn port(out: &mut String, (x, y): (f64, f64), name: &str, color: &str, anchor: &str, shift: f64) {
    let _ = write!(
        out,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{color}\" stroke=\"#ffffff\" stroke-width=\"1.5\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" text-anchor=\"{anchor}\" fill=\"#334155\">{}</text>",
        x + shift,
        y + 4.0,
        escape(name)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
