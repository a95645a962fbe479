//! Successive over-relaxation of the system that [`super::refine`] builds, several sweeps in one pass over memory.

use rayon::prelude::*;

use super::refine::{PIECE, Planes, lines};
use super::wide::wide;

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
    let shift = if round % 2 == 0 { GROUP } else { GROUP / 2 };
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
    let rows = u.len() / pitch;
    for step in 0..rows + 2 * sweeps {
        for half in 0..2 * sweeps {
            let Some(row) = step.checked_sub(half).filter(|row| *row < rows) else { continue };
            let y = top + row;
            let own = lines(system, y);
            // Above the first row nothing pulls: any row will do there.
            let above = if y > 0 { system.row(1, y - 1) } else { system.row(0, 0) };
            let (u, v) = (around(u, &edges[0], row, pitch), around(v, &edges[1], row, pitch));
            let first_is_odd = (y + half) % 2 == 1;
            relax_row(u, v, own, above, y > 0, first_is_odd, system.width, omega);
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

wide! {
    /// Relaxes every second pixel of a row.
    fn relax_row(u: Around<'_>, v: Around<'_>, own: Lines<'_>, above: &[f32], pulled_up: bool, first_is_odd: bool, width: usize, omega: f32) {
        let up = f32::from(u8::from(pulled_up));
        let chosen: [f32; PIECE] = std::array::from_fn(|i| f32::from(u8::from((i % 2 == 1) == first_is_odd)) * omega);
        for left in (1..=width).step_by(PIECE) {
            let at = |line: &[f32], shift: isize| -> [f32; PIECE] {
                let from = left.wrapping_add_signed(shift);
                let mut piece = [0.0; PIECE];
                piece.copy_from_slice(&line[from..from + PIECE]);
                piece
            };
            let (wr, wl, wb, wa) = (at(own.right, 0), at(own.right, -1), at(own.below, 0), at(above, 0));
            let mixed = at(own.mixed, 0);
            let (mut new_u, mut new_v) = (at(u.row, 0), at(v.row, 0));
            let pull = |field: &Around<'_>| -> [f32; PIECE] {
                let (l, r, a, b) = (at(field.row, -1), at(field.row, 1), at(field.above, 0), at(field.below, 0));
                std::array::from_fn(|i| (wl[i] * l[i] + wr[i] * r[i]) + (up * wa[i] * a[i] + wb[i] * b[i]))
            };
            let (pull_u, inverse, rhs) = (pull(&u), at(own.inverse[0], 0), at(own.rhs[0], 0));
            for i in 0..PIECE {
                let value = (rhs[i] - mixed[i] * new_v[i] + pull_u[i]) * inverse[i];
                new_u[i] += chosen[i] * (value - new_u[i]);
            }
            let (pull_v, inverse, rhs) = (pull(&v), at(own.inverse[1], 0), at(own.rhs[1], 0));
            for i in 0..PIECE {
                let value = (rhs[i] - mixed[i] * new_u[i] + pull_v[i]) * inverse[i];
                new_v[i] += chosen[i] * (value - new_v[i]);
            }
            u.row[left..left + PIECE].copy_from_slice(&new_u);
            v.row[left..left + PIECE].copy_from_slice(&new_v);
        }
    }
}
