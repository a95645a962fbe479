//! Successive over-relaxation of the system that [`super::refine`] builds, several sweeps in one pass over memory.

use rayon::prelude::*;

use super::super::wide::wide;
use super::piece::{PIECE, Piece, piece};
use super::refine::{Planes, lines};

/// Rows that are relaxed together while those beyond stand still. Where one group ends changes from round to round, so that no
/// seam stays.
const GROUP: usize = 64;

/// One row of the system. Rows begin before their first pixel.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    /// How much the pixel to the right pulls.
    pub right: &'a [f32],
    /// How much the pixel below pulls.
    pub below: &'a [f32],
    /// How much the two components of a pixel pull on each other.
    pub mixed: &'a [f32],
    /// The inverse of the diagonal, for each component.
    pub inverse: [&'a [f32]; 2],
    /// The right side, for each component.
    pub rhs: [&'a [f32]; 2],
}

/// Relaxes `field` (two planes) `sweeps` times.
pub(super) fn relax(field: &mut Planes, system: &Planes, sweeps: usize, omega: f32, round: usize) {
    let (pitch, height) = (field.pitch, field.height);
    let shift = if round.is_multiple_of(2) { GROUP } else { GROUP / 2 };
    // The groups' first rows; those that lie beside a group stand still meanwhile.
    let mut tops = vec![0];
    tops.extend((0..).map(|k| shift + k * GROUP).take_while(|top| *top < height));
    let edges = |plane: usize| -> Vec<[Vec<f32>; 2]> {
        let row = |y: Option<usize>| y.filter(|y| *y < height).map_or_else(|| vec![0.0; pitch], |y| field.row(plane, y).to_vec());
        tops.iter().enumerate().map(|(i, top)| [row(top.checked_sub(1)), row(tops.get(i + 1).copied())]).collect()
    };
    let edges: Vec<[[Vec<f32>; 2]; 2]> = edges(0).into_iter().zip(edges(1)).map(|(u, v)| [u, v]).collect();
    let [mut u, mut v] = field.split::<2>();
    let mut groups = Vec::new();
    for (i, top) in tops.iter().enumerate() {
        let rows = tops.get(i + 1).unwrap_or(&height) - top;
        let (u_here, u_rest) = u.split_at_mut(rows * pitch);
        let (v_here, v_rest) = v.split_at_mut(rows * pitch);
        (u, v) = (u_rest, v_rest);
        groups.push((*top, [u_here, v_here]));
    }
    groups.into_par_iter().zip(edges).for_each(|((top, field), edges)| relax_group(field, &edges, system, top, sweeps, omega));
}

/// Relaxes the rows from `top` on. A row may be relaxed the `k`-th time as soon as its neighbours have been `k − 1` times, so each step
/// down the picture takes all sweeps along, while what they read is still near.
fn relax_group([u, v]: [&mut [f32]; 2], edges: &[[Vec<f32>; 2]; 2], system: &Planes, top: usize, sweeps: usize, omega: f32) {
    let pitch = system.pitch;
    let nothing = vec![0.0; pitch];
    let rows = u.len() / pitch;
    for step in 0..rows + 2 * sweeps {
        for half in 0..2 * sweeps {
            let Some(row) = step.checked_sub(half).filter(|row| *row < rows) else { continue };
            let y = top + row;
            let own = lines(system, y);
            let above = if y > 0 { system.row(1, y - 1) } else { &nothing };
            let (u, v) = (around(u, &edges[0], row, pitch), around(v, &edges[1], row, pitch));
            let first_is_odd = (y + half) % 2 == 1;
            relax_row(u, v, own, above, first_is_odd, system.width, omega);
        }
    }
}

/// A row for writing between its neighbours.
struct Around<'a> {
    above: &'a [f32],
    row: &'a mut [f32],
    below: &'a [f32],
}

fn around<'a>(plane: &'a mut [f32], edges: &'a [Vec<f32>; 2], row: usize, pitch: usize) -> Around<'a> {
    let (before, rest) = plane.split_at_mut(row * pitch);
    let (own, after) = rest.split_at_mut(pitch);
    let above = if row > 0 { &before[(row - 1) * pitch..] } else { &edges[0][..] };
    let below = after.get(..pitch).unwrap_or(&edges[1]);
    Around { above, row: own, below }
}

/// How much the four neighbours of each pixel pull: their values, `l` those on the left, times the weights left, right, above and below.
#[inline(always)]
#[allow(clippy::inline_always, reason = "so that it is compiled with its caller's instructions")]
fn pull(field: &Around<'_>, l: &Piece, weights: &[Piece; 4], left: usize) -> Piece {
    let r = piece(field.row, left + 1);
    let (a, b) = (piece(field.above, left), piece(field.below, left));
    let [wl, wr, wa, wb] = weights;
    let mut sum = [0.0; PIECE];
    for i in 0..PIECE {
        sum[i] = (wl[i] * l[i] + wr[i] * r[i]) + (wa[i] * a[i] + wb[i] * b[i]);
    }
    sum
}

wide! {
    /// Relaxes every second pixel of a row.
    fn relax_row(u: Around<'_>, v: Around<'_>, own: Lines<'_>, above: &[f32], first_is_odd: bool, width: usize, omega: f32) {
        let mut chosen = [0.0; PIECE];
        for (i, chosen) in chosen.iter_mut().enumerate() {
            *chosen = if (i % 2 == 1) == first_is_odd { omega } else { 0.0 };
        }
        // The neighbours on the left are read before the piece that holds them is written: they are not of the pixels that change, and
        // reading what was just written in other parts would wait for it.
        let (mut left_u, mut left_v) = (piece(u.row, 0), piece(v.row, 0));
        for left in (1..=width).step_by(PIECE) {
            let weights = [piece(own.right, left - 1), piece(own.right, left), piece(above, left), piece(own.below, left)];
            let mixed = piece(own.mixed, left);
            let (mut new_u, mut new_v) = (piece(u.row, left), piece(v.row, left));
            let (pull_u, inverse, rhs) = (pull(&u, &left_u, &weights, left), piece(own.inverse[0], left), piece(own.rhs[0], left));
            for i in 0..PIECE {
                let value = (rhs[i] - mixed[i] * new_v[i] + pull_u[i]) * inverse[i];
                new_u[i] += chosen[i] * (value - new_u[i]);
            }
            let (pull_v, inverse, rhs) = (pull(&v, &left_v, &weights, left), piece(own.inverse[1], left), piece(own.rhs[1], left));
            for i in 0..PIECE {
                let value = (rhs[i] - mixed[i] * new_u[i] + pull_v[i]) * inverse[i];
                new_v[i] += chosen[i] * (value - new_v[i]);
            }
            if left + PIECE <= width {
                (left_u, left_v) = (piece(u.row, left + PIECE - 1), piece(v.row, left + PIECE - 1));
            }
            u.row[left..left + PIECE].copy_from_slice(&new_u);
            v.row[left..left + PIECE].copy_from_slice(&new_v);
        }
    }
}
