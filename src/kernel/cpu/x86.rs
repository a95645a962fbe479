//! What is written by hand for x86-64.

use std::arch::x86_64 as arch;

use super::{GROUP, Group, Plain, Simd, Window, Work};

#[target_feature(enable = "avx2")]
pub(super) fn avx2(work: impl Work) {
    work.run(Plain);
}

#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
pub(super) fn avx512(work: impl Work) {
    work.run(Avx512(()));
}

/// Made by [`avx512`] only.
#[derive(Clone, Copy)]
struct Avx512(());

impl Simd for Avx512 {
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        // One instruction, as AVX-512 implies FMA.
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn window<const N: usize>(self, width: usize, x: &[i32; GROUP], y: &[i32; GROUP]) -> Option<Window> {
        // SAFETY: an `Avx512` exists only inside the function of that name, which runs only where its instructions are.
        unsafe { window::<N>(width, x, y) }
    }

    #[inline(always)]
    fn collect<const N: usize>(self, at: &Group<'_>, taps: &mut [[f32; GROUP]; 4]) -> bool {
        // SAFETY: as above.
        unsafe { collect::<N>(at, taps) }
    }

    #[inline(always)]
    fn weigh<const N: usize>(
        self,
        at: &Group<'_>,
        down: &[&[f32; GROUP]; N],
        columns: &mut [[f32; GROUP]; N],
        middle: &mut [[f32; GROUP]; 4],
    ) -> bool {
        // SAFETY: as above.
        unsafe { weigh::<N>(at, down, columns, middle) }
    }

    #[inline(always)]
    fn along(self, line: &[f32], first: &[i32; GROUP], weights: &[[f32; GROUP]], sums: &mut [f32; GROUP]) -> bool {
        // SAFETY: as above.
        unsafe { along(line, first, weights, sums) }
    }
}

/// Rows of a window: with more, one pixel after the other is as quick.
const ROWS: i32 = 12;
/// Pixels of a row that one instruction chooses from.
const WIDE: i32 = 32;
/// Pixels to the right of which the next ones are fetched: those of the next tile.
const AHEAD: usize = 128;

#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn window<const N: usize>(width: usize, x: &[i32; GROUP], y: &[i32; GROUP]) -> Option<Window> {
    let (x, y) = (load_whole(x), load_whole(y));
    let (left, right) = (arch::_mm512_reduce_min_epi32(x), arch::_mm512_reduce_max_epi32(x));
    let (top, bottom) = (arch::_mm512_reduce_min_epi32(y), arch::_mm512_reduce_max_epi32(y));
    let base = left.min(width as i32 - WIDE);
    let fits = base >= 0 && top >= 0 && bottom - top < ROWS && right + N as i32 - base <= WIDE;
    fits.then_some(Window { left: base as usize, top, bottom })
}

/// Where sixteen pixels read from a few rows of 32, one instruction a row picks all their taps.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn collect<const N: usize>(at: &Group<'_>, taps: &mut [[f32; GROUP]; 4]) -> bool {
    let y = load_whole(at.y);
    fetch::<N>(at);
    let picks = picks::<N>(at);
    let mut found = [arch::_mm512_setzero_ps(); 4];
    for row in at.window.top..at.window.bottom + N as i32 {
        let Some([low, high]) = line(at, row) else { return false };
        let picked = picks.map(|pick| arch::_mm512_permutex2var_ps(low, pick, high));
        for above in 0..N {
            let here = arch::_mm512_cmpeq_epi32_mask(y, arch::_mm512_set1_epi32(row - above as i32));
            for (column, picked) in picked.into_iter().enumerate() {
                let tap = above * N + column;
                found[tap] = arch::_mm512_mask_mov_ps(found[tap], here, picked);
            }
        }
    }
    for (tap, found) in taps.iter_mut().zip(found) {
        store(tap, found);
    }
    true
}

/// As [`collect`], adding up on the way.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn weigh<const N: usize>(
    at: &Group<'_>,
    down: &[&[f32; GROUP]; N],
    columns: &mut [[f32; GROUP]; N],
    middle: &mut [[f32; GROUP]; 4],
) -> bool {
    let (y, down) = (load_whole(at.y), down.map(|weights| load(weights)));
    fetch::<N>(at);
    let picks = picks::<N>(at);
    let mut sums = [arch::_mm512_setzero_ps(); N];
    let mut near = [arch::_mm512_setzero_ps(); 4];
    for row in at.window.top..at.window.bottom + N as i32 {
        let Some([low, high]) = line(at, row) else { return false };
        let (mut weights, mut read) = (arch::_mm512_setzero_ps(), 0);
        let mut here = [0; N];
        for above in 0..N {
            here[above] = arch::_mm512_cmpeq_epi32_mask(y, arch::_mm512_set1_epi32(row - above as i32));
            weights = arch::_mm512_mask_mov_ps(weights, here[above], down[above]);
            read |= here[above];
        }
        for (column, sum) in sums.iter_mut().enumerate() {
            let picked = arch::_mm512_permutex2var_ps(low, picks[column], high);
            *sum = arch::_mm512_mask_add_ps(*sum, read, *sum, arch::_mm512_mul_ps(weights, picked));
            if let Some(side) = column.checked_sub(N / 2 - 1).filter(|side| *side < 2) {
                near[side] = arch::_mm512_mask_mov_ps(near[side], here[N / 2 - 1], picked);
                near[2 + side] = arch::_mm512_mask_mov_ps(near[2 + side], here[N / 2], picked);
            }
        }
    }
    for (column, sum) in columns.iter_mut().zip(sums) {
        store(column, sum);
    }
    for (middle, near) in middle.iter_mut().zip(near) {
        store(middle, near);
    }
    true
}

/// Where all taps of sixteen pixels lie within 64, two instructions pick one of each.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn along(line: &[f32], first: &[i32; GROUP], weights: &[[f32; GROUP]], sums: &mut [f32; GROUP]) -> bool {
    let Some(base) = line.len().checked_sub(64).map(|last| last.min(first[0] as usize)) else { return false };
    let end = first[GROUP - 1] as usize + weights.len() - base;
    if end > 64 {
        return false;
    }
    let (parts, _) = line[base..base + 64].as_chunks::<GROUP>();
    let [a, b, c, d] = parts else { return false };
    let near = [load(a), load(b)];
    let far = if end > 32 { [load(c), load(d)] } else { near };
    let mut pick = arch::_mm512_sub_epi32(load_whole(first), arch::_mm512_set1_epi32(base as i32));
    let mut sum = arch::_mm512_setzero_ps();
    for weights in weights {
        let mut picked = arch::_mm512_permutex2var_ps(near[0], pick, near[1]);
        if end > 32 {
            let beyond = arch::_mm512_cmpgt_epi32_mask(pick, arch::_mm512_set1_epi32(31));
            picked = arch::_mm512_mask_mov_ps(picked, beyond, arch::_mm512_permutex2var_ps(far[0], pick, far[1]));
        }
        sum = arch::_mm512_add_ps(sum, arch::_mm512_mul_ps(load(weights), picked));
        pick = arch::_mm512_add_epi32(pick, arch::_mm512_set1_epi32(1));
    }
    store(sums, sum);
    true
}

/// Which of the 32 pixels of a line each column of taps is.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn picks<const N: usize>(at: &Group<'_>) -> [arch::__m512i; N] {
    let first = arch::_mm512_sub_epi32(load_whole(at.x), arch::_mm512_set1_epi32(at.window.left as i32));
    std::array::from_fn(|column| arch::_mm512_add_epi32(first, arch::_mm512_set1_epi32(column as i32)))
}

/// Asks for what the next tile will read.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn fetch<const N: usize>(at: &Group<'_>) {
    let next = (at.window.bottom as usize + N - 1) * at.plane.width + at.window.left + AHEAD;
    arch::_mm_prefetch::<{ arch::_MM_HINT_T0 }>(at.plane.pixels.as_ptr().wrapping_add(next).cast());
}

/// The 32 pixels of a row of the window.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn line(at: &Group<'_>, row: i32) -> Option<[arch::__m512; 2]> {
    let start = row as usize * at.plane.width + at.window.left;
    let (halves, _) = at.plane.pixels.get(start..start + WIDE as usize)?.as_chunks::<GROUP>();
    let [low, high] = halves else { return None };
    Some([load(low), load(high)])
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn load(from: &[f32; GROUP]) -> arch::__m512 {
    // SAFETY: sixteen are what it reads, at any alignment.
    unsafe { arch::_mm512_loadu_ps(from.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn load_whole(from: &[i32; GROUP]) -> arch::__m512i {
    // SAFETY: as above.
    unsafe { arch::_mm512_loadu_epi32(from.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn store(to: &mut [f32; GROUP], values: arch::__m512) {
    // SAFETY: there is room for sixteen.
    unsafe { arch::_mm512_storeu_ps(to.as_mut_ptr(), values) }
}
