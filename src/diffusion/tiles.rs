//! Large pictures in overlapping tiles: the memory that the coder takes grows with the square of the picture.

use std::ops::Range;

/// How much of a tile it shares with its neighbour on either side: a quarter, as in diffusers.
const SHARED: usize = 4;

/// How `n` is covered by equally long pieces of at most `tile` that share at least a quarter with their neighbours.
fn spans(n: usize, tile: usize) -> Vec<Range<usize>> {
    if n <= tile {
        return std::iter::once(0..n).collect();
    }
    let step = (tile - tile / SHARED).max(1);
    let last = (n - tile).div_ceil(step);
    (0..=last).map(|i| i * (n - tile) / last).map(|start| start..start + tile).collect()
}

/// How much position `at` of `n` counts in a piece: from 0 to 1 over what it shares with a neighbour, 1 between and at the outer edges.
fn weight(spans: &[Range<usize>], index: usize, at: usize) -> f32 {
    let span = &spans[index];
    let ramp = |shared: usize, inside: usize| ((inside as f32 + 0.5) / shared.max(1) as f32).min(1.0);
    let before = index.checked_sub(1).map_or(1.0, |i| ramp(spans[i].end - span.start, at - span.start));
    let after = spans.get(index + 1).map_or(1.0, |next| ramp(span.end - next.start, span.end - 1 - at));
    before * after
}

/// A stack of planes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Planes {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) data: Vec<f32>,
}

impl Planes {
    fn cut(&self, rows: &Range<usize>, columns: &Range<usize>) -> Self {
        let mut data = Vec::with_capacity(self.channels * rows.len() * columns.len());
        for plane in self.data.chunks_exact(self.height * self.width) {
            for y in rows.clone() {
                data.extend_from_slice(&plane[y * self.width..][columns.clone()]);
            }
        }
        Self { channels: self.channels, height: rows.len(), width: columns.len(), data }
    }
}

/// What `code` makes of `input`, put together from tiles of at most `tile` rows and columns. Lengths go over by `grow` (multiplied) and
/// `shrink` (divided); `tile` is a multiple of `shrink`.
pub(super) fn tiled<E>(
    input: &Planes,
    tile: usize,
    (grow, shrink): (usize, usize),
    mut code: impl FnMut(Planes) -> Result<Planes, E>,
) -> Result<Planes, E> {
    // Cut on the coarser of the two grids, so that every tile begins at a whole latent.
    let cuts = |n: usize| spans(n / shrink, (tile / shrink).max(1));
    let (rows, columns) = (cuts(input.height), cuts(input.width));
    let (height, width) = (input.height * grow / shrink, input.width * grow / shrink);
    let fine = |spans: &[Range<usize>], by: usize| spans.iter().map(|s| s.start * by..s.end * by).collect::<Vec<_>>();
    let (out_rows, out_columns) = (fine(&rows, grow), fine(&columns, grow));
    let mut out = Planes { channels: 0, height, width, data: Vec::new() };
    for (r, from_rows) in fine(&rows, shrink).iter().enumerate() {
        for (c, from_columns) in fine(&columns, shrink).iter().enumerate() {
            let made = code(input.cut(from_rows, from_columns))?;
            if out.data.is_empty() {
                out.channels = made.channels;
                out.data = vec![0.0; made.channels * height * width];
            }
            let across: Vec<f32> = out_columns[c].clone().map(|x| weight(&out_columns, c, x)).collect();
            let tiles = made.data.chunks_exact((made.height * made.width).max(1));
            for (plane, tile) in out.data.chunks_exact_mut(height * width).zip(tiles) {
                for (y, from) in out_rows[r].clone().zip(tile.chunks_exact(made.width)) {
                    let down = weight(&out_rows, r, y);
                    for ((to, from), across) in plane[y * width..][out_columns[c].clone()].iter_mut().zip(from).zip(&across) {
                        *to += from * down * across;
                    }
                }
            }
        }
    }
    level(&mut out, &out_rows, &out_columns);
    Ok(out)
}

/// Divides by the sum of the weights where tiles overlap.
fn level(out: &mut Planes, rows: &[Range<usize>], columns: &[Range<usize>]) {
    let sums = |spans: &[Range<usize>], n: usize| {
        let mut sums = vec![0.0_f32; n];
        for (index, span) in spans.iter().enumerate() {
            span.clone().for_each(|at| sums[at] += weight(spans, index, at));
        }
        sums
    };
    let (down, across) = (sums(rows, out.height), sums(columns, out.width));
    for plane in out.data.chunks_exact_mut((out.height * out.width).max(1)) {
        for (row, down) in plane.chunks_exact_mut(out.width).zip(&down) {
            row.iter_mut().zip(&across).for_each(|(value, across)| *value /= down * across);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_everything_and_overlap_by_a_quarter() {
        for n in 1..200 {
            let spans = spans(n, 16);
            assert_eq!((spans[0].start, spans[spans.len() - 1].end), (0, n));
            assert!(spans.windows(2).all(|w| w[0].end >= w[1].start + 4 && w[0].len() == w[1].len()), "{spans:?}");
        }
    }

    #[test]
    fn what_does_not_look_around_is_the_same_in_tiles() {
        let input = Planes { channels: 2, height: 20, width: 36, data: (0..2 * 20 * 36).map(|v| v as f32).collect() };
        let same = tiled(&input, 8, (1, 1), Ok::<_, ()>).unwrap();
        assert!(same.data.iter().zip(&input.data).all(|(a, b)| (a - b).abs() < 1e-2), "{:?}", &same.data[..9]);
        let halved = |p: Planes| {
            let data = p.data.chunks_exact(2 * p.width).flat_map(|rows| rows[..p.width].iter().step_by(2).copied()).collect();
            Ok::<_, ()>(Planes { height: p.height / 2, width: p.width / 2, data, ..p })
        };
        let (whole, parts) = (halved(input.clone()).unwrap(), tiled(&input, 8, (1, 2), halved).unwrap());
        assert_eq!((parts.height, parts.width), (10, 18));
        assert!(whole.data.iter().zip(&parts.data).all(|(a, b)| (a - b).abs() < 1e-2));
    }
}
