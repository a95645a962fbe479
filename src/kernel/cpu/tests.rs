//! All levels must give the same bits: here for the kernels declared with `wide!`, beside the warps' own test.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Level;
use crate::frame::{Raster, Size};
use crate::kernel::blend::{self, Mode};
use crate::kernel::color::{self, Space};
use crate::kernel::flow::{self, Preset};
use crate::kernel::metrics;
use crate::kernel::noise::{self, Clouds, Noise};
use crate::kernel::pattern::{self, Pattern};
use crate::kernel::resample::{self, Filter};
use crate::kernel::sharpen::{self, Sharpen};
use crate::kernel::smear::{self, Smear};
use crate::kernel::tone::{self, Auto, Grey, Levels};
use crate::kernel::{blur, mask};

/// One more than the place in [`Level::all`] of the level that all take; 0 leaves them the best. (Other tests that run meanwhile
/// take it too; it must not matter to them.)
static FORCED: AtomicUsize = AtomicUsize::new(0);

pub(in crate::kernel) fn forced() -> Option<Level> {
    FORCED.load(Ordering::Relaxed).checked_sub(1).and_then(|index| Level::all().nth(index))
}

const SIZE: Size = Size::new(131, 57);

type Kernel = (&'static str, fn(&Raster, &Raster) -> Vec<f32>);

fn changed(picture: &Raster, change: impl Fn(&mut Raster)) -> Vec<f32> {
    let mut picture = picture.clone();
    change(&mut picture);
    picture.data().to_vec()
}

const KERNELS: [Kernel; 21] = [
    ("hsv", |a, _| changed(a, |a| color::from_rgb(a, Space::Hsv))),
    ("from hsv", |a, _| changed(a, |a| color::to_rgb(a, Space::Hsv))),
    ("lab", |a, _| changed(a, |a| color::from_rgb(a, Space::Lab))),
    ("from oklab", |a, _| changed(a, |a| color::to_rgb(a, Space::Oklab))),
    ("levels", |a, _| changed(a, |a| tone::levels(a, Levels { gamma: 1.7, saturation: 1.2, ..Levels::default() }, None))),
    ("contrast", |a, _| changed(a, |a| tone::contrast(a, 1.3, 0.4, None))),
    ("equalize", |a, _| changed(a, |a| tone::automatic(a, Auto::Equalize, false, None))),
    ("grey", |a, _| tone::grey(a, Grey::Bt709).data().to_vec()),
    ("gaussian", |a, _| blur::gaussian(a, 2.3).data().to_vec()),
    ("mean", |a, _| blur::mean(a, 4.5).data().to_vec()),
    ("smear", |a, _| smear::smear(a, Smear::Line([11.5, -4.25])).data().to_vec()),
    ("larger", |a, _| resample::resize(a, Size::new(190, 77), Filter::Bicubic).data().to_vec()),
    ("smaller", |a, _| resample::resize(a, Size::new(70, 20), Filter::Lanczos).data().to_vec()),
    ("psnr", |a, b| vec![metrics::psnr(a, b) as f32]),
    ("sharpen", |a, _| sharpen::sharpen(a, Sharpen { amount: 0.8, taps: 5, sigma: 1.0, threshold: 0.01 }, None).data().to_vec()),
    ("gaussian noise", |a, _| changed(a, |a| noise::add(a, None, Noise::Gaussian, 0.1, 3))),
    ("perlin noise", |a, _| {
        let clouds = Clouds { cells: [4.0; 2], octaves: 3, persistence: 0.5 };
        changed(a, |a| noise::add(a, None, Noise::Perlin(clouds), 0.1, 3))
    }),
    ("blend", |a, b| blend::blend(a, b, None, 0.3, Mode::Overlay).data().to_vec()),
    ("colour key", |a, _| mask::color_key(a, [0.2, 0.7, 0.1], 0.1, 0.2).data().to_vec()),
    ("dis", |a, b| flow::dis(a, b, Preset::Medium, None).0.data().to_vec()),
    ("ssim", |a, b| metrics::ssim(a.plane(0), b.plane(0), SIZE).map_or(Vec::new(), |s| vec![s.index as f32])),
];

#[test]
fn all_levels_give_the_same_bits() {
    let (a, b) = (pattern::draw(Pattern::ZoomPlate, SIZE, 3, 2.0, 1), pattern::draw(Pattern::MovingBars, SIZE, 3, 2.0, 1));
    for (name, kernel) in KERNELS {
        let at = |index| {
            FORCED.store(index + 1, Ordering::Relaxed);
            let bits: Vec<u32> = kernel(&a, &b).into_iter().map(f32::to_bits).collect();
            FORCED.store(0, Ordering::Relaxed);
            bits
        };
        let plain = at(0);
        for index in 1..Level::all().count() {
            assert!(at(index) == plain, "{name} differs on level {index}");
        }
    }
}
