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
        hex(&self.0.finalize())
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

/// Bytes as small hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether `text` is a SHA-256 in hexadecimal digits.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// So many bytes as people write it: `2.1 GiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let value = count as f64;
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, power)| count >> power > 0);
    unit.map_or_else(|| format!("{count} B"), |(unit, power)| format!("{:.1} {unit}", value / f64::from(1_u32 << power)))
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
        assert_eq!([999, 1024, 12_345, 3_145_728, 2_132_856_622].map(bytes), ["999 B", "1.0 KiB", "12.1 KiB", "3.0 MiB", "2.0 GiB"]);
    }
}
