//! Hashes of files, and numbers of bytes as people write them.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes that are read at once.
pub(super) const BLOCK: usize = 1 << 16;

/// The SHA-256 of a stream so far.
#[derive(Clone, Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    /// Takes in more.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash as 64 small hexadecimal digits.
    pub(super) fn hex(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Takes in all of a reader; `count` is told of every block. Gives how many bytes there were.
    pub(super) fn read(&mut self, mut from: impl Read, count: &mut dyn FnMut(u64)) -> io::Result<u64> {
        let (mut block, mut all) = (vec![0; BLOCK], 0);
        loop {
            let n = match from.read(&mut block) {
                Ok(0) => return Ok(all),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.add(&block[..n]);
            all += n as u64;
            count(all);
        }
    }
}

/// The length and SHA-256 of a file; `count` is told how many bytes were read.
pub(super) fn hash_file(path: &Path, count: &mut dyn FnMut(u64)) -> io::Result<(u64, String)> {
    let mut hasher = Hasher::default();
    let size = hasher.read(File::open(path)?, count)?;
    Ok((size, hasher.hex()))
}

/// Whether `text` is a SHA-256 in hexadecimal digits.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// So many bytes as people write it: `2.13 GB`.
#[must_use]
pub(super) fn bytes(count: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let (size, hash) = hash_file(&path, &mut |_| {}).unwrap();
        assert_eq!((size, hash.as_str()), (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        assert!(is_hash(&hash) && !is_hash("ba78"));
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([999, 1000, 12_345, 999_999, 2_132_856_622].map(bytes), ["999 bytes", "1.00 kB", "12.3 kB", "1.00 MB", "2.13 GB"]);
    }
}
