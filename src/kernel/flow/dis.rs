//! Optical flow by dense inverse search with variational refinement (Kroeger, Timofte, Dai, Van Gool 2016), coarse to fine.

use super::pyramid::{Guess, cut, doubled, gray, halves};
use super::refine::{Terms, refine};
use super::search::{Effort, Lattice, PATCH, Target, densify, search};
use crate::frame::{Flow, Raster, Size};

/// How thorough the search is: Deforum's two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// Patches every 3 pixels at half the size of the picture, 25 steps; what is found is refined at full size.
    #[default]
    Medium,
    /// To full size; patches every 4 pixels, 192 steps.
    Fine,
}

impl Preset {
    fn effort(self) -> Effort {
        match self {
            Self::Medium => Effort { stride: 3, steps: 25, enough: 0.01 },
            Self::Fine => Effort { stride: 4, steps: 192, enough: 0.001 },
        }
    }

    /// Rounds of refinement after the search at each level.
    fn rounds(self) -> usize {
        match self {
            Self::Medium => 4,
            Self::Fine => 6,
        }
    }

    /// The finest level that is searched: 0 full size, 1 half.
    fn finest(self) -> usize {
        match self {
            Self::Medium => 1,
            Self::Fine => 0,
        }
    }
}

/// How many levels a picture has: the shorter side of the coarsest is two patches or a little more.
fn levels(size: Size) -> usize {
    let mut side = size.width.min(size.height);
    let mut count = 1;
    while side.div_ceil(2) >= 2 * PATCH {
        side = side.div_ceil(2);
        count += 1;
    }
    count
}

/// The flow from `from` to `to`, which have one size: the content at `p` of `from` lies at `p + flow(p)` in `to`. Planes are R, G, B, or
/// one of brightness; 0 black to 1 white.
///
/// `initial` is where the search begins, such as the flow a frame before; without it everything stands still at first.
#[must_use]
pub fn dis(from: &Raster, to: &Raster, preset: Preset, initial: Option<&Flow>) -> Flow {
    let size = from.size();
    debug_assert_eq!(size, to.size());
    if size.area() == 0 {
        return Flow::new(Raster::zeroed(size, 2));
    }
    let (from, to) = (gray(from, 2 * PATCH), gray(to, 2 * PATCH));
    let padded = from.size();
    let count = levels(padded).max(preset.finest() + 1);
    let (from, to) = (halves(from, count), halves(to, count));
    let mut flow: Option<Raster> = None;
    for level in (preset.finest()..count).rev() {
        let guess = match &flow {
            Some(coarser) => Guess { field: coarser, scale: 2.0 },
            None => match initial.filter(|flow| flow.size() == size) {
                Some(full) => Guess { field: &full.0, scale: 0.5_f32.powi(level as i32) },
                None => Guess { field: &from[level], scale: 0.0 },
            },
        };
        flow = Some(at_level(&from[level], &to[level], guess, preset));
    }
    let mut flow = flow.unwrap_or_else(|| Raster::zeroed(padded, 2));
    for level in (0..preset.finest()).rev() {
        flow = doubled(&flow, from[level].size());
        let terms = Terms { brightness: 15.0, gradient: 0.0, rounds: 1, sharp: false, ..Terms::default() };
        flow = refine(&from[level], &to[level], flow, &terms);
    }
    Flow::new(cut(flow, size))
}

fn at_level(from: &Raster, to: &Raster, guess: Guess<'_>, preset: Preset) -> Raster {
    let effort = preset.effort();
    let terms = Terms { rounds: preset.rounds(), sharp: preset == Preset::Fine, ..Terms::default() };
    let lattice = Lattice::new(from.size(), effort.stride);
    let target = Target::new(to);
    // The middle of a patch lies between its pixels.
    let middle = |at: usize| at as f32 + PATCH as f32 / 2.0;
    let places = (0..lattice.columns * lattice.rows).map(|i| lattice.place(i % lattice.columns, i / lattice.columns));
    let mut found: Vec<[f32; 2]> = places.map(|[x, y]| guess.at(middle(x), middle(y))).collect();
    search(from, &target, lattice, effort, &mut found);
    let flow = densify(from, &target, lattice, &found);
    refine(from, to, flow, &terms)
}
