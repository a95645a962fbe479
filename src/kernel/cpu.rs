//! Inner loops compiled for the instructions that the machine has.
//!
//! [`Level::run`] compiles the same source for each level, and Rust neither reorders nor contracts arithmetic, so all levels give
//! the same bits. The one thing done by hand is [`Simd::collect`], which only moves values. A loop that is a plain function is
//! declared with [`wide`](super::wide), which asks the same [`Level`].
#![allow(unsafe_code, reason = "calls what is compiled for certain instructions; a `Level` is proof that the machine has them")]

/// A loop to be compiled for each level. Whatever it calls has to be inlined, or runs as compiled for any machine.
pub(super) trait Work {
    /// Does it, with `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S);
}

/// What is written by hand for a level.
pub(super) trait Simd: Copy {
    /// Copies the `N`×`N` pixels (`N` at most 2) whose first is at column `x`, row `y`, for each of a group, to `taps`: first all
    /// first pixels, and so on. Returns false, with nothing useful done, where this is not quicker than one pixel after the other.
    #[inline(always)]
    fn collect<const N: usize>(self, _plane: Plane<'_>, _x: &[i32; 16], _y: &[i32; 16], _taps: &mut [[f32; 16]; 4]) -> bool {
        false
    }
}

/// One plane of a picture.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    /// Its pixels, row by row.
    pub pixels: &'a [f32],
    /// Pixels in a row.
    pub width: usize,
}

/// How much the machine can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level(Set);

/// Sets of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// What every machine of its kind has.
    Plain,
    /// 256 bits.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512 bits: F, VL, DQ and BW.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Nothing by hand.
#[derive(Clone, Copy)]
struct Plain;

impl Simd for Plain {}

impl Level {
    /// The best of this machine.
    #[inline]
    pub fn best() -> Self {
        #[cfg(test)]
        if let Some(level) = tests::forced() {
            return level;
        }
        Self::all().last().unwrap_or(Self(Set::Plain))
    }

    /// The instructions: those of a level are there.
    #[inline]
    pub fn set(self) -> Set {
        self.0
    }

    /// All of this machine, the plainest first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let more = {
            let both = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
            let all = both && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512bw");
            [(is_x86_feature_detected!("avx2"), Set::Avx2), (all, Set::Avx512)]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let more: [(bool, Set); 0] = [];
        let more = more.into_iter().filter_map(|(there, set)| there.then_some(set));
        std::iter::once(Set::Plain).chain(more).map(Self)
    }

    /// Does `work` as compiled for this level.
    #[inline]
    pub fn run(self, work: impl Work) {
        match self.0 {
            Set::Plain => work.run(Plain),
            // SAFETY: these sets are made in `all` only, where the machine was seen to have them.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::avx512(work) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64 as arch;

    use super::{Plain, Plane, Simd, Work};

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
        fn collect<const N: usize>(self, plane: Plane<'_>, x: &[i32; 16], y: &[i32; 16], taps: &mut [[f32; 16]; 4]) -> bool {
            // SAFETY: an `Avx512` exists only inside the function of that name, which runs only where its instructions are.
            unsafe { collect::<N>(plane, x, y, taps) }
        }
    }

    /// Rows of a window: with more, one pixel after the other is as quick.
    const ROWS: i32 = 12;
    /// Pixels of a row that one instruction chooses from.
    const WIDE: i32 = 32;

    /// Pixels to the right of which the next ones are fetched: those of the next tile.
    const AHEAD: usize = 128;

    /// Where sixteen pixels read from a few rows of 32, one instruction a row picks all their taps.
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
    fn collect<const N: usize>(plane: Plane<'_>, x: &[i32; 16], y: &[i32; 16], taps: &mut [[f32; 16]; 4]) -> bool {
        // SAFETY: arrays of sixteen are what these read, at any alignment.
        let (x, y) = unsafe { (arch::_mm512_loadu_epi32(x.as_ptr()), arch::_mm512_loadu_epi32(y.as_ptr())) };
        let (left, right) = (arch::_mm512_reduce_min_epi32(x), arch::_mm512_reduce_max_epi32(x));
        let (top, bottom) = (arch::_mm512_reduce_min_epi32(y), arch::_mm512_reduce_max_epi32(y));
        let base = left.min(plane.width as i32 - WIDE);
        if base < 0 || top < 0 || bottom - top >= ROWS || right + N as i32 - base > WIDE {
            return false;
        }
        let next = plane.pixels.as_ptr().wrapping_add((bottom as usize + N - 1) * plane.width + base as usize + AHEAD);
        arch::_mm_prefetch::<{ arch::_MM_HINT_T0 }>(next.cast());
        let at = arch::_mm512_sub_epi32(x, arch::_mm512_set1_epi32(base));
        let mut found = [arch::_mm512_setzero_ps(); 4];
        for row in top..bottom + N as i32 {
            let start = row as usize * plane.width + base as usize;
            let Some(line) = plane.pixels.get(start..).and_then(<[f32]>::first_chunk::<32>) else { return false };
            // SAFETY: a line has 32 pixels.
            let (low, high) = unsafe { (arch::_mm512_loadu_ps(line.as_ptr()), arch::_mm512_loadu_ps(line[16..].as_ptr())) };
            let picked: [arch::__m512; N] = std::array::from_fn(|column| {
                let at = arch::_mm512_add_epi32(at, arch::_mm512_set1_epi32(column as i32));
                arch::_mm512_permutex2var_ps(low, at, high)
            });
            for above in 0..N {
                let here = arch::_mm512_cmpeq_epi32_mask(y, arch::_mm512_set1_epi32(row - above as i32));
                for (column, picked) in picked.into_iter().enumerate() {
                    let tap = above * N + column;
                    found[tap] = arch::_mm512_mask_mov_ps(found[tap], here, picked);
                }
            }
        }
        for (tap, found) in taps.iter_mut().zip(found) {
            // SAFETY: `tap` has room for sixteen.
            unsafe { arch::_mm512_storeu_ps(tap.as_mut_ptr(), found) };
        }
        true
    }
}

#[cfg(test)]
pub(super) mod tests;
