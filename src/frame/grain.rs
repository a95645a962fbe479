use std::sync::Arc;

use super::Size;

/// Which cell of a noise lies under each pixel.
///
/// Noise is a function of a key and a cell, so that one grain serves any number of independent noises, and no cell lies under
/// two pixels, so that each of them is white.
#[derive(Debug, Clone)]
pub struct Grain {
    size: Size,
    cells: Arc<Vec<u64>>,
}

impl Grain {
    /// Wraps the cells of a picture of `size`, row by row.
    #[must_use]
    pub fn new(size: Size, cells: Vec<u64>) -> Self {
        debug_assert_eq!(cells.len(), size.area());
        Self { size, cells: Arc::new(cells) }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The cells, row by row.
    #[must_use]
    pub fn cells(&self) -> &[u64] {
        &self.cells
    }
}
