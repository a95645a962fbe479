//! Moving a camera past a surface: what is near hides what is far, and what nothing covers is known to be new.
//!
//! The depth of a picture is a mesh with a corner at every pixel. It is moved, cut where neighbouring corners come apart, and drawn
//! with a depth buffer; each pixel then knows from where in the picture it comes. Rotations are rigid whatever the proportions.

mod fill;
mod mesh;

use super::band;
use super::warp3d::Camera;
use crate::frame::{Mask, Motion, Raster};
use mesh::Mesh;

/// What a moved camera sees.
pub struct View {
    /// Where each pixel comes from. In places never seen before: where the farther side of the gap goes on, mirrored.
    pub motion: Motion,
    /// 1 where the picture cannot know: gaps behind what moved, what `near` and `far` cut off, and beyond the edge.
    pub revealed: Mask,
}

/// The view of the surface at `distance` (see [`distance`](super::warp3d::distance)) after the camera's step.
#[must_use]
pub fn view(distance: &Raster, camera: &Camera) -> View {
    let size = distance.size();
    let hard = mesh::harden(distance);
    let seen = Mesh::new(&hard, camera).draw(size);
    let (motion, revealed) = fill::fill(&seen);
    View { motion: Motion::new(motion), revealed: Mask::new(revealed) }
}

/// Planes of what was drawn: column and row in the old picture, and 1/distance, 0 where nothing is.
type Seen = Raster;

/// Each pixel of a new raster of `planes` planes, by `value`, which has one for each plane.
fn each_pixel<const N: usize>(size: crate::frame::Size, value: impl Fn(usize, usize) -> [f32; N] + Sync) -> Raster {
    let mut out = Raster::uninit(size, N);
    band::each(&mut out, |mut band| {
        let count = band.planes.first().map_or(0, |plane| plane.len());
        for i in 0..count {
            let values = value(i % size.width, band.top + i / size.width);
            for (plane, value) in band.planes.iter_mut().zip(values) {
                plane[i] = value;
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    const SIZE: Size = Size::new(96, 54);

    fn flat(z: impl Fn(usize, usize) -> f32) -> Raster {
        Raster::from_vec(SIZE, 1, (0..SIZE.area()).map(|i| z(i % SIZE.width, i / SIZE.width)).collect())
    }

    fn at(view: &View, x: usize, y: usize) -> (f32, f32, f32) {
        let i = y * SIZE.width + x;
        (view.motion.0.plane(0)[i], view.motion.0.plane(1)[i], view.revealed.0.data()[i])
    }

    #[test]
    fn a_still_camera_moves_nothing_and_reveals_nothing() {
        let view = view(&flat(|x, y| 1.0 + ((x * y) % 7) as f32 / 9.0), &Camera::default());
        assert!(view.motion.0.data().iter().all(|v| v.abs() < 1e-3));
        assert!(view.revealed.0.data().iter().all(|v| *v == 0.0));
    }

    #[test]
    fn a_roll_turns_the_picture_by_just_that_angle() {
        let view = view(&flat(|_, _| 1.4), &Camera { rotation: [0.0, 0.0, 5.0], ..Camera::default() });
        let (sin, cos) = 5.0_f32.to_radians().sin_cos();
        for (x, y) in [(48, 27), (60, 20), (30, 40), (20, 10)] {
            let (dx, dy, hidden) = at(&view, x, y);
            let (px, py) = (x as f32 - 47.5, y as f32 - 26.5);
            // The picture turns counter-clockwise, so a pixel comes from clockwise of it.
            let want = (cos * px - sin * py - px, sin * px + cos * py - py);
            assert!((dx - want.0).abs() < 1e-2 && (dy - want.1).abs() < 1e-2 && hidden == 0.0, "{x} {y}: {dx} {dy} {want:?}");
        }
    }

    #[test]
    fn signs_are_those_of_deforum() {
        let near = flat(|_, _| 1.0);
        let middle = |translation, rotation| at(&view(&near, &Camera { translation, rotation, ..Camera::default() }), 48, 27);
        assert!(middle([10.0, 0.0, 0.0], [0.0; 3]).0 > 0.5, "the picture moves left");
        assert!(middle([0.0, 10.0, 0.0], [0.0; 3]).1 < -0.5, "the picture moves down");
        assert!(middle([0.0; 3], [5.0, 0.0, 0.0]).1 < -0.5, "the picture moves down");
        assert!(middle([0.0; 3], [0.0, 5.0, 0.0]).0 > 0.5, "the picture moves left");
        let grown = view(&near, &Camera { translation: [0.0, 0.0, 20.0], ..Camera::default() });
        assert!((at(&grown, 0, 27).0 - 4.75).abs() < 0.02, "nine tenths of the picture are left: {:?}", at(&grown, 0, 27));
    }

    #[test]
    fn what_is_near_hides_what_is_far_and_the_gap_behind_it_is_revealed() {
        let block = flat(|x, _| if (40..56).contains(&x) { 1.0 } else { 2.0 });
        // 68 pixels are one unit at this field of view: near things move 13.7 pixels to the left, far ones half of it.
        let moved = view(&block, &Camera { translation: [40.0, 0.0, 0.0], ..Camera::default() });
        let step = 96.0 / 2.0 / 35.0_f32.to_radians().tan() * 0.2;
        for x in 0..SIZE.width {
            let (dx, dy, hidden) = at(&moved, x, 20);
            let x = x as f32;
            let (left, right) = (40.0 - step, 55.0 - step);
            if x > left + 1.0 && x < right - 1.0 {
                assert!((dx - step).abs() < 0.02 && dy.abs() < 0.02 && hidden == 0.0, "the block at {x}: {dx}");
            } else if x > right + 1.0 && x < 56.0 - step / 2.0 - 1.0 {
                assert_eq!(hidden, 1.0, "the gap at {x}");
            } else if x < left - 2.0 || (x > 57.0 - step / 2.0 && x < 95.0 - step / 2.0) {
                assert!((dx - step / 2.0).abs() < 0.02 && hidden == 0.0, "the ground at {x}: {dx}");
            }
        }
        assert_eq!(at(&moved, 95, 20).2, 1.0, "beyond the edge");
        let (dx, ..) = at(&moved, 45, 20);
        assert!(45.0 + dx > 55.5, "the gap is filled from the ground: {dx}");
    }

    #[test]
    fn near_and_far_cut() {
        let halves = flat(|x, _| if x < 48 { 1.0 } else { 2.0 });
        let still = |near, far| view(&halves, &Camera { near, far, ..Camera::default() });
        assert_eq!((at(&still(210.0, 1e4), 20, 20).2, at(&still(210.0, 1e4), 70, 20).2), (1.0, 0.0));
        assert_eq!((at(&still(1.0, 390.0), 20, 20).2, at(&still(1.0, 390.0), 70, 20).2), (0.0, 1.0));
    }
}
