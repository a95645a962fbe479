//! How steady the light of a clip is.

use crate::frame::Raster;
use crate::kernel::color;

/// Tiles along the longer side.
const TILES: usize = 32;
/// What turns B − Y and R − Y into the chroma of BT.709.
const CHROMA: [f32; 2] = [1.8556, 1.5748];

/// The mean brightness and chroma of square tiles, a thirty-second of the longer side each. Small enough that a flickering corner
/// shows, large enough that what moves through a tile changes it slowly.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiles(Vec<[f32; 3]>);

impl Tiles {
    /// The tiles of a picture given in red, green and blue.
    #[must_use]
    pub fn of(picture: &Raster) -> Self {
        let size = picture.size();
        let side = size.width.max(size.height).div_ceil(TILES).max(1);
        let columns = size.width.div_ceil(side);
        let mut tiles = vec![[0.0; 3]; columns * size.height.div_ceil(side)];
        for plane in 0..3 {
            for (y, row) in picture.plane(plane).chunks_exact(size.width.max(1)).enumerate() {
                let line = &mut tiles[y / side * columns..][..columns];
                for (tile, part) in line.iter_mut().zip(row.chunks(side)) {
                    // Rows of a tile are few and values near 1, so that plain floats keep six digits.
                    tile[plane] += part.iter().sum::<f32>() / part.len() as f32;
                }
            }
        }
        for (index, tile) in tiles.iter_mut().enumerate() {
            let top = index / columns * side;
            let rows = side.min(size.height - top) as f32;
            let [r, g, b] = tile.map(|sum| sum / rows);
            let y = color::luma([r, g, b]);
            *tile = [y, (b - y) / CHROMA[0], (r - y) / CHROMA[1]];
        }
        Self(tiles)
    }
}

/// The amplitude of what changes at the highest rate, from one frame to the next and back: the root mean square over all tiles, brightness
/// and chroma together, of (−1, 2, −1)/4 over three frames in a row. A steady change counts nothing, a flicker of ±x counts x.
#[must_use]
pub fn high_band(before: &Tiles, now: &Tiles, after: &Tiles) -> f64 {
    let energy = |((a, b), c): ((&[f32; 3], &[f32; 3]), &[f32; 3])| -> f64 {
        (0..3).map(|i| f64::from(a[i] - 2.0 * b[i] + c[i]) / 4.0).map(|v| v * v).sum()
    };
    let sum: f64 = before.0.iter().zip(&now.0).zip(&after.0).map(energy).sum();
    (sum / now.0.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn gray(value: f32) -> Tiles {
        Tiles::of(&Raster::from_vec(Size::new(101, 67), 3, vec![value; 3 * 101 * 67]))
    }

    #[test]
    fn flicker_counts_and_fading_does_not() {
        assert!((high_band(&gray(0.55), &gray(0.45), &gray(0.55)) - 0.05).abs() < 1e-6);
        assert!(high_band(&gray(0.4), &gray(0.5), &gray(0.6)) < 1e-7);
        assert_eq!(high_band(&gray(0.3), &gray(0.3), &gray(0.3)), 0.0);
    }

    #[test]
    fn chroma_flickers_too() {
        let tinted = |red: f32| {
            let mut raster = Raster::zeroed(Size::new(64, 64), 3);
            raster.plane_mut(0).fill(red);
            // Green makes up for the brightness.
            raster.plane_mut(1).fill(0.5 - 0.2126 / 0.7152 * red);
            Tiles::of(&raster)
        };
        assert!(high_band(&tinted(0.3), &tinted(0.5), &tinted(0.3)) > 0.05);
    }
}
