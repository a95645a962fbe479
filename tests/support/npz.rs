//! Reading `.npz` archives of reference data: a zip of `NumPy` arrays, stored or deflated.
#![allow(dead_code, missing_docs, reason = "every test program uses its part of this")]

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder of the diffusion goldens, under `FRAMELOOM_GOLDEN` (default `tests/golden`).
pub fn diffusion() -> PathBuf {
    std::env::var_os("FRAMELOOM_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from).join("diffusion")
}

/// A JSON file of that folder, or nothing, said aloud, when it is not there.
pub fn json(name: &str, file: &str) -> Option<serde_json::Value> {
    let path = diffusion().join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("golden {name}: skipped, no {}", path.display());
        return None;
    };
    // Python writes numbers that JSON has not.
    let text = text.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
    Some(serde_json::from_str(&text).expect("golden parameters are JSON"))
}

/// An array; integers become floats.
#[derive(Debug, Clone)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
    /// Unsigned integers as they are.
    pub integers: Vec<u32>,
}

/// An archive of arrays by name.
pub struct Npz(HashMap<String, Array>);

impl Npz {
    /// The archive `file` of the diffusion goldens, or nothing, said aloud, when it is not there.
    pub fn open(name: &str, file: &str) -> Option<Self> {
        let path = diffusion().join(file);
        if !path.is_file() {
            println!("golden {name}: skipped, no {}", path.display());
            return None;
        }
        Some(Self(read(&path)))
    }

    pub fn get(&self, name: &str) -> Option<&Array> {
        self.0.get(name)
    }

    /// Every array with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Array)> {
        self.0.iter()
    }

    /// The values of an array that must be there.
    pub fn values(&self, name: &str) -> &[f32] {
        &self.0.get(name).unwrap_or_else(|| panic!("no array {name}")).values
    }
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn read(path: &Path) -> HashMap<String, Array> {
    let bytes = std::fs::read(path).expect("golden arrays are readable");
    let end = bytes.windows(4).rposition(|w| w == b"PK\x05\x06").expect("a zip file");
    let (count, mut at) = (u16_at(&bytes, end + 10), u32_at(&bytes, end + 16));
    let mut arrays = HashMap::new();
    for _ in 0..count {
        let (method, packed) = (u16_at(&bytes, at + 10), u32_at(&bytes, at + 20));
        let (name_len, extra, comment) = (u16_at(&bytes, at + 28), u16_at(&bytes, at + 30), u16_at(&bytes, at + 32));
        let local = u32_at(&bytes, at + 42);
        let name = std::str::from_utf8(&bytes[at + 46..at + 46 + name_len]).unwrap().trim_end_matches(".npy").to_owned();
        let start = local + 30 + u16_at(&bytes, local + 26) + u16_at(&bytes, local + 28);
        let data = &bytes[start..start + packed];
        let mut plain = Vec::new();
        match method {
            0 => plain.extend_from_slice(data),
            8 => drop(flate2::read::DeflateDecoder::new(data).read_to_end(&mut plain).expect("deflated data")),
            other => panic!("{name}: zip method {other} is not read"),
        }
        arrays.insert(name.clone(), array(&name, &plain));
        at += 46 + name_len + extra + comment;
    }
    arrays
}

fn array(name: &str, bytes: &[u8]) -> Array {
    let (start, len) = if bytes[6] == 1 { (10, u16_at(bytes, 8)) } else { (12, u32_at(bytes, 8)) };
    let header = std::str::from_utf8(&bytes[start..start + len]).expect("a NumPy header");
    assert!(header.contains("'fortran_order': False"), "{name}: {header}");
    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest).expect("a NumPy header");
    let shape = after("'shape': (").split_once(')').expect("a shape").0;
    let shape = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let data = &bytes[start + len..];
    let mut integers = Vec::new();
    let values = match after("'descr': '").split_once('\'').expect("a type").0 {
        "<f2" => data.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
        "<f4" => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        "<f8" => data.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        "<i8" => data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as f32).collect(),
        "<u4" => {
            integers = data.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
            integers.iter().map(|n| *n as f32).collect()
        }
        other => panic!("{name}: arrays of {other} are not read"),
    };
    Array { shape, values, integers }
}

/// The largest difference, and the largest magnitude of `expected`.
pub fn difference(ours: &[f32], expected: &[f32]) -> (f32, f32) {
    assert_eq!(ours.len(), expected.len());
    // A value that is not a number differs infinitely.
    let gap = |(a, b): (&f32, &f32)| if (a - b).is_nan() { f32::INFINITY } else { (a - b).abs() };
    let worst = ours.iter().zip(expected).map(gap).fold(0.0, f32::max);
    (worst, expected.iter().fold(0.0, |m, x| m.max(x.abs())))
}
