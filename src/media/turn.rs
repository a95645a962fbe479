//! Upright pictures: phones store the sensor's picture and say how to turn it.

use rayon::prelude::*;

use crate::frame::{Frame, Raster, Size};

/// One of the eight ways to lay a rectangle down: first reverse the stored rows or columns, then swap them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// Rows become columns.
    pub transpose: bool,
    /// Stored columns run from right to left.
    pub flip_x: bool,
    /// Stored rows run from bottom to top.
    pub flip_y: bool,
}

impl Turn {
    /// From a container's display matrix: nine native-endian 32-bit numbers, of which the first two rows' first two say where
    /// the stored axes point (`x' = a·x + c·y`, `y' = b·x + d·y`). Other angles count as the nearest right one.
    pub(super) fn from_matrix(bytes: &[u8]) -> Self {
        let entry = |i: usize| bytes.get(4 * i..4 * i + 4).and_then(|b| b.try_into().ok()).map_or(0, i32::from_ne_bytes);
        let [a, b, c, d] = [0, 1, 3, 4].map(|i| i64::from(entry(i)));
        if a.abs() + d.abs() >= b.abs() + c.abs() {
            Self { transpose: false, flip_x: a < 0, flip_y: d < 0 }
        } else {
            Self { transpose: true, flip_x: b < 0, flip_y: c < 0 }
        }
    }

    /// The size after turning.
    #[must_use]
    pub fn size(self, stored: Size) -> Size {
        if self.transpose { Size::new(stored.height, stored.width) } else { stored }
    }

    /// The picture, turned.
    #[must_use]
    pub fn apply(self, frame: Frame) -> Frame {
        if self == Self::default() {
            return frame;
        }
        let (from, to) = (frame.size(), self.size(frame.size()));
        let mut raster = Raster::uninit(to, frame.raster.planes());
        for (index, plane) in raster.planes_mut().enumerate() {
            let stored = frame.raster.plane(index);
            plane.par_chunks_exact_mut(to.width).enumerate().for_each(|(y, row)| self.row(stored, from, y, row));
        }
        Frame::new(raster, frame.tags)
    }

    fn row(self, stored: &[f32], from: Size, y: usize, row: &mut [f32]) {
        let column = |x: usize| if self.flip_x { from.width - 1 - x } else { x };
        let line = |y: usize| if self.flip_y { from.height - 1 - y } else { y };
        for (x, value) in row.iter_mut().enumerate() {
            let (sx, sy) = if self.transpose { (column(y), line(x)) } else { (column(x), line(y)) };
            *value = stored[sy * from.width + sx];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::ColorTags;

    fn turned(matrix: [i32; 4]) -> (Size, Vec<f32>) {
        let [a, b, c, d] = matrix.map(|v| v << 16);
        let bytes: Vec<u8> = [a, b, 0, c, d, 0, 0, 0, 1 << 30].iter().flat_map(|v: &i32| v.to_ne_bytes()).collect();
        let plane = [1., 2., 3., 4., 5., 6.];
        let raster = Raster::from_vec(Size::new(3, 2), 3, [plane, plane, plane].concat());
        let frame = Turn::from_matrix(&bytes).apply(Frame::new(raster, ColorTags::SRGB));
        (frame.size(), frame.raster.plane(2).to_vec())
    }

    #[test]
    fn the_stored_picture_is_laid_down_as_its_matrix_says() {
        assert_eq!(turned([1, 0, 0, 1]), (Size::new(3, 2), vec![1., 2., 3., 4., 5., 6.]));
        // A quarter to the right: the first stored row becomes the last column.
        assert_eq!(turned([0, 1, -1, 0]), (Size::new(2, 3), vec![4., 1., 5., 2., 6., 3.]));
        assert_eq!(turned([0, -1, 1, 0]), (Size::new(2, 3), vec![3., 6., 2., 5., 1., 4.]));
        assert_eq!(turned([-1, 0, 0, -1]), (Size::new(3, 2), vec![6., 5., 4., 3., 2., 1.]));
        assert_eq!(turned([-1, 0, 0, 1]), (Size::new(3, 2), vec![3., 2., 1., 6., 5., 4.]));
    }
}
