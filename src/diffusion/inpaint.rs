//! Repainting part of a picture: by models that are shown what is kept, and by all others.

use super::latent::{Latents, combine};
use super::level::Level;
use crate::frame::{Mask, Size};

/// From where on a mask says to repaint.
const HALF: f32 = 0.5;

/// What is put back after every step, for models that know nothing of masks: the picture under as much noise as the latents are.
pub(super) struct Keep {
    /// 1 where repainted, for each value of the latents.
    pub(super) mask: Vec<f32>,
    /// The picture's latents.
    pub(super) picture: Latents,
    /// The noise that the run began with.
    pub(super) noise: Vec<f32>,
}

impl Keep {
    /// Puts the kept part back into `latents`, which are at level `next`, or the last where there is no further step.
    pub(super) fn restore(&self, next: Option<Level>, latents: &mut Latents) {
        let mut kept = self.picture.data.clone();
        if let Some(next) = next {
            next.add_noise(&mut kept, &self.noise);
        }
        self.over(&mut kept, &latents.data);
        latents.data = kept;
    }

    /// Writes `painted` over `kept` where the mask says so.
    pub(super) fn over(&self, kept: &mut [f32], painted: &[f32]) {
        combine(kept, &self.mask, |k, m| (1.0 - m) * k);
        let mut part = painted.to_vec();
        combine(&mut part, &self.mask, |p, m| m * p);
        combine(kept, &part, |k, p| k + p);
    }
}

/// The mask for latents of `padded / factor`: each takes the pixel at its upper left, as PyTorch's "nearest" does. What was added by
/// padding is repainted; without a mask all is.
pub(super) fn latent_mask(mask: Option<&Mask>, padded: Size, factor: usize) -> Vec<f32> {
    let (width, height) = (padded.width / factor, padded.height / factor);
    let at = |x: usize, y: usize| mask.is_none_or(|mask| repainted(mask, x * factor, y * factor));
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| f32::from(u8::from(at(x, y)))).collect()
}

/// Makes planes from -1 to 1 grey where they are to be repainted: what inpainting models are shown of the picture.
pub(super) fn hide(planes: &mut [f32], padded: Size, mask: Option<&Mask>) {
    for plane in planes.chunks_exact_mut(padded.area().max(1)) {
        for (y, row) in plane.chunks_exact_mut(padded.width).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                if mask.is_none_or(|mask| repainted(mask, x, y)) {
                    *value = 0.0;
                }
            }
        }
    }
}

fn repainted(mask: &Mask, x: usize, y: usize) -> bool {
    let size = mask.size();
    x >= size.width || y >= size.height || mask.0.plane(0)[y * size.width + x] >= HALF
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Raster;

    #[test]
    fn half_is_repainted_and_so_is_what_padding_added() {
        let mask = Mask::new(Raster::from_vec(Size::new(2, 2), 1, vec![0.0, 0.5, 1.0, 0.49]));
        assert_eq!(latent_mask(Some(&mask), Size::new(3, 2), 1), [0.0, 1.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(latent_mask(Some(&mask), Size::new(4, 2), 2), [0.0, 1.0]);
        assert_eq!(latent_mask(None, Size::new(2, 2), 2), [1.0]);
        let mut planes = vec![0.7; 6];
        hide(&mut planes, Size::new(3, 2), Some(&mask));
        assert_eq!(planes, [0.7, 0.0, 0.0, 0.0, 0.7, 0.0]);
    }
}
