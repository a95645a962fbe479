//! Inner loops compiled for the instructions that the machine has.
//!
//! [`Level::run`] compiles the same source for each level, and Rust neither reorders nor contracts arithmetic, so all levels give
//! the same bits. What is done by hand in [`Simd`] does the same additions in the same order. A loop that is a plain function is
//! declared with [`wide`](super::wide), which asks the same [`Level`].
#![allow(unsafe_code, reason = "calls what is compiled for certain instructions; a `Level` is proof that the machine has them")]

/// A loop to be compiled for each level. Whatever it calls has to be inlined, or runs as compiled for any machine.
pub(crate) trait Work {
    /// Does it, with `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S);
}

/// Pixels that are read together.
pub(crate) const GROUP: usize = 16;

/// What is written by hand for a level: rounding once, which plain code does in many steps, and reading pixels for a group at once,
/// mostly the `N`×`N` whose first is at column `x`, row `y`.
pub(crate) trait Simd: Copy {
    /// `a * b + c`, rounded once.
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        super::maths::fma(a, b, c)
    }

    /// Where a group reads, if it is a part of a plane of this width from which [`Simd::collect`] and [`Simd::weigh`] are quick.
    #[inline(always)]
    fn window<const N: usize>(self, _width: usize, _x: &[i32; GROUP], _y: &[i32; GROUP]) -> Option<Window> {
        None
    }

    /// Copies the pixels, `N` at most 2, to `taps`: first all first pixels, and so on. Returns false, with nothing useful done, where it
    /// cannot.
    #[inline(always)]
    fn collect<const N: usize>(self, _at: &Group<'_>, _taps: &mut [[f32; GROUP]; 4]) -> bool {
        false
    }

    /// For each of the `N` columns the sum of the pixels weighed by `down`, row by row from the first; and the 2×2 pixels in the middle.
    /// Returns false, with nothing useful done, where it cannot.
    #[inline(always)]
    fn weigh<const N: usize>(
        self,
        _at: &Group<'_>,
        _down: &[&[f32; GROUP]; N],
        _columns: &mut [[f32; GROUP]; N],
        _middle: &mut [[f32; GROUP]; 4],
    ) -> bool {
        false
    }

    /// For each of a group the weighed sum of as many pixels of a line as there are `weights`, the first at `first`, which never goes
    /// back from one to the next. Returns false, with nothing useful done, where it cannot.
    #[inline(always)]
    fn along(self, _line: &[f32], _first: &[i32; GROUP], _weights: &[[f32; GROUP]], _sums: &mut [f32; GROUP]) -> bool {
        false
    }
}

/// Where a group reads.
pub(crate) struct Group<'a> {
    /// The plane.
    pub plane: Plane<'a>,
    /// The part of it.
    pub window: Window,
    /// The rows of the first pixels.
    pub y: &'a [i32; GROUP],
    /// Their columns.
    pub x: &'a [i32; GROUP],
}

/// A part of a plane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: i32,
    /// The last row in which one begins to read.
    pub bottom: i32,
}

/// One plane of a picture.
#[derive(Clone, Copy)]
pub(crate) struct Plane<'a> {
    /// Its pixels, row by row.
    pub pixels: &'a [f32],
    /// Pixels in a row.
    pub width: usize,
}

/// How much the machine can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(Set);

/// Sets of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
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
mod x86;

#[cfg(test)]
pub(super) mod tests;
