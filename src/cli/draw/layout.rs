//! Where each node stands: columns by the longest path, rows by the mean of the neighbours (Sugiyama's method in small).

use crate::plan::Sketch;

/// Width of a node.
pub(super) const WIDTH: f64 = 132.0;
/// Height of the part with name and kind.
pub(super) const HEAD: f64 = 46.0;
/// Height of one port.
pub(super) const PORT: f64 = 20.0;
const COLUMN_GAP: f64 = 84.0;
const ROW_GAP: f64 = 30.0;
const MARGIN: f64 = 34.0;
/// Sweeps over the columns; the order settles in a few.
const SWEEPS: usize = 12;

/// Where everything stands.
pub(super) struct Layout {
    /// Left and top of each node.
    pub at: Vec<(f64, f64)>,
    /// The column of each node.
    pub column: Vec<usize>,
    /// The lower edge of each column's nodes.
    pub bottom: f64,
    pub width: f64,
}

pub(super) fn height(sketch: &Sketch, node: usize) -> f64 {
    let node = &sketch.nodes[node];
    HEAD + PORT * node.inputs.len().max(node.outputs.len()).max(1) as f64 + 8.0
}

pub(super) fn layout(sketch: &Sketch) -> Layout {
    let column = columns(sketch);
    let count = column.iter().max().map_or(0, |last| last + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (node, &column) in column.iter().enumerate() {
        rows[column].push(node);
    }
    order(sketch, &mut rows);
    let (at, bottom) = place(sketch, &rows);
    Layout { at, column, bottom, width: MARGIN * 2.0 + count as f64 * (WIDTH + COLUMN_GAP) - COLUMN_GAP }
}

/// The longest path from a source, over links that are read at their own tick.
fn columns(sketch: &Sketch) -> Vec<usize> {
    let mut column = vec![0; sketch.nodes.len()];
    for _ in 0..sketch.nodes.len() {
        for link in sketch.links.iter().filter(|link| link.delay >= 0) {
            column[link.to.0] = column[link.to.0].max((column[link.from.0] + 1).min(sketch.nodes.len()));
        }
    }
    // A source stands just before its first reader, not at the far left of a long graph.
    for node in 0..column.len() {
        let reads = sketch.links.iter().any(|link| link.to.0 == node && link.delay >= 0);
        let first = sketch.links.iter().filter(|link| link.from.0 == node && link.delay >= 0).map(|link| column[link.to.0]).min();
        if let (false, Some(first)) = (reads, first) {
            column[node] = first.saturating_sub(1);
        }
    }
    column
}

fn order(sketch: &Sketch, rows: &mut [Vec<usize>]) {
    let mut height_of = vec![0.0; sketch.nodes.len()];
    for sweep in 0..SWEEPS {
        for rows in rows.iter() {
            let middle = (rows.len() as f64 - 1.0) / 2.0;
            for (row, &node) in rows.iter().enumerate() {
                height_of[node] = row as f64 - middle;
            }
        }
        let forward = sweep % 2 == 0;
        for nodes in rows.iter_mut() {
            let key = |node: usize| {
                let near = sketch.links.iter().filter_map(|link| match (link.from.0, link.to.0) {
                    (from, to) if to == node && forward => Some(height_of[from] + link.from.1 as f64 * 0.1),
                    (from, to) if from == node && !forward => Some(height_of[to] + link.to.1 as f64 * 0.1),
                    _ => None,
                });
                let near: Vec<f64> = near.collect();
                if near.is_empty() { height_of[node] } else { near.iter().sum::<f64>() / near.len() as f64 }
            };
            nodes.sort_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
        }
    }
}

fn place(sketch: &Sketch, rows: &[Vec<usize>]) -> (Vec<(f64, f64)>, f64) {
    let tall = |nodes: &Vec<usize>| nodes.iter().map(|&node| height(sketch, node) + ROW_GAP).sum::<f64>() - ROW_GAP;
    let tallest = rows.iter().map(tall).fold(0.0, f64::max);
    let mut at = vec![(0.0, 0.0); sketch.nodes.len()];
    for (column, nodes) in rows.iter().enumerate() {
        let mut y = MARGIN + (tallest - tall(nodes)) / 2.0;
        for &node in nodes {
            at[node] = (MARGIN + column as f64 * (WIDTH + COLUMN_GAP), y);
            y += height(sketch, node) + ROW_GAP;
        }
    }
    (at, MARGIN + tallest)
}
