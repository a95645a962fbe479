//! Reading reference data: `FRAMELOOM_GOLDEN` names its folder, `tests/golden` by default. What the folder lacks is skipped.
#![allow(clippy::expect_used, reason = "a test")]
#![allow(dead_code, missing_docs, reason = "every test program uses its part of this")]

use std::path::PathBuf;

use frameloom::frame::{Raster, Size};
use serde_json::Value;

/// The folder of one family of cases, and their description.
pub struct Golden {
    name: &'static str,
    pub params: Value,
}

fn root() -> PathBuf {
    std::env::var_os("FRAMELOOM_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from)
}

/// Where a file of Deforum's data lies.
pub fn path(file: &str) -> PathBuf {
    root().join("deforum").join(file)
}

impl Golden {
    /// The cases described by `params` (a path inside the folder), or nothing, said aloud, when the folder has none.
    pub fn open(name: &'static str, params: &str) -> Option<Self> {
        let path = root().join(params);
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("golden {name}: skipped, no {}", path.display());
            return None;
        };
        Some(Self { name, params: serde_json::from_str(&text).expect("golden parameters are JSON") })
    }

    fn find(&self, file: &str) -> Option<PathBuf> {
        let path = path(file);
        let found = path.is_file();
        if !found {
            println!("golden {}: skipped {file}, not in the folder", self.name);
        }
        found.then_some(path)
    }

    /// A PNG as three planes, 0 to 1.
    pub fn picture(&self, file: &str) -> Option<Raster> {
        let rgb = image::open(self.find(file)?).expect("golden pictures decode").to_rgb8();
        let size = Size::new(rgb.width() as usize, rgb.height() as usize);
        let plane = |c: usize| rgb.as_raw().iter().skip(c).step_by(3).map(|v| f32::from(*v) / 255.0);
        Some(Raster::from_vec(size, 3, (0..3).flat_map(plane).collect()))
    }

    /// A `NumPy` array of little-endian float16, float32 or float64 in C order.
    pub fn npy(&self, file: &str) -> Option<Npy> {
        let bytes = std::fs::read(self.find(file)?).expect("golden arrays are readable");
        let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = std::str::from_utf8(&bytes[10..10 + header_len]).expect("a version 1 header");
        assert!(header.contains("'fortran_order': False"), "{file}: {header}");
        let after = |key: &str| header.split_once(key).map(|(_, rest)| rest).expect("a NumPy header");
        let shape = after("'shape': (").split_once(')').expect("a shape").0;
        let shape = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
        let kind = after("'descr': '").split_once('\'').expect("a type").0.to_owned();
        let data = &bytes[10 + header_len..];
        let values = match kind.as_str() {
            "<f2" => data.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
            "<f4" => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            "<f8" => data.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
            other => panic!("{file}: arrays of {other} are not read"),
        };
        Some(Npy { shape, values })
    }
}

/// An array.
pub struct Npy {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Npy {
    /// A (height, width) array as one plane.
    pub fn raster(self) -> Raster {
        Raster::from_vec(Size::new(self.shape[1], self.shape[0]), 1, self.values)
    }
}

/// A number, whole or not.
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// Peak signal to noise ratio in decibels, of values held to 0..1.
pub fn psnr(a: &Raster, b: &Raster) -> f64 {
    assert_eq!((a.size(), a.planes()), (b.size(), b.planes()));
    let square = |(a, b): (&f32, &f32)| f64::from(a.clamp(0.0, 1.0) - b.clamp(0.0, 1.0)).powi(2);
    let mean = a.data().iter().zip(b.data()).map(square).sum::<f64>() / a.data().len() as f64;
    if mean == 0.0 { f64::INFINITY } else { -10.0 * mean.log10() }
}
