use std::fmt;
use std::sync::Arc;

use super::pool::Buffer;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// `width` × `height`.
    #[must_use]
    pub const fn new(width: usize, height: usize) -> Self {
        Self { width, height }
    }

    /// Number of pixels.
    #[must_use]
    pub const fn area(self) -> usize {
        self.width * self.height
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Planes of `f32`, row by row without padding. A clone shares the storage; writing to a shared raster copies it first.
#[derive(Clone)]
pub struct Raster {
    size: Size,
    planes: usize,
    data: Arc<Buffer>,
}

impl Raster {
    /// Pooled storage with whatever was there before: for callers that write every value.
    #[must_use]
    pub fn uninit(size: Size, planes: usize) -> Self {
        Self { size, planes, data: Arc::new(Buffer::take(size.area() * planes)) }
    }

    /// All zeros.
    #[must_use]
    pub fn zeroed(size: Size, planes: usize) -> Self {
        let mut raster = Self::uninit(size, planes);
        raster.data_mut().fill(0.0);
        raster
    }

    /// Takes over `data`, which holds `planes` planes one after the other.
    ///
    /// # Panics
    /// When the length is not `size.area() * planes`.
    #[must_use]
    pub fn from_vec(size: Size, planes: usize, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), size.area() * planes, "data does not fit the size");
        Self { size, planes, data: Arc::new(Buffer::adopt(data)) }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// How many planes.
    #[must_use]
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Storage in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len() * size_of::<f32>()
    }

    /// All planes, one after the other.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All planes for writing; copies them first when they are shared.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut Arc::make_mut(&mut self.data).0
    }

    /// One plane.
    #[must_use]
    pub fn plane(&self, index: usize) -> &[f32] {
        let area = self.size.area();
        &self.data[index * area..(index + 1) * area]
    }

    /// One plane for writing; copies the storage first when it is shared.
    pub fn plane_mut(&mut self, index: usize) -> &mut [f32] {
        let area = self.size.area();
        &mut self.data_mut()[index * area..(index + 1) * area]
    }

    /// The planes in order, for writing.
    pub fn planes_mut(&mut self) -> std::slice::ChunksExactMut<'_, f32> {
        let area = self.size.area().max(1);
        self.data_mut().chunks_exact_mut(area)
    }

    /// Whether nobody else holds this storage, so that writing does not copy.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        Arc::strong_count(&self.data) == 1
    }
}

impl fmt::Debug for Raster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raster({}, {} planes)", self.size, self.planes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_to_a_shared_raster_leaves_the_other_alone() {
        let mut a = Raster::zeroed(Size::new(2, 2), 3);
        let b = a.clone();
        a.plane_mut(1)[3] = 5.0;
        assert_eq!(b.plane(1), [0.0; 4]);
        assert_eq!(a.plane(1), [0.0, 0.0, 0.0, 5.0]);
        assert!(a.is_unique() && b.is_unique());
    }
}
