//! One row of one component between bytes and numbers (code values as `f32`; float formats: the values themselves).

use super::layout::{Component, Layout};

/// Reads the samples of `c` in `row` into `out`.
pub(super) fn read(layout: &Layout, c: &Component, row: &[u8], out: &mut [f32]) {
    if layout.bits {
        read_bits(layout, c, row, out);
        return;
    }
    let whole = c.shift == 0 && c.depth > 8 && c.step == 2 && !layout.big_endian;
    match Layout::word(c) {
        1 if c.step == 1 && c.depth == 8 => out.iter_mut().zip(&row[c.offset..]).for_each(|(v, &b)| *v = f32::from(b)),
        2 if whole && c.depth == 16 => {
            let pairs = row[c.offset..].chunks_exact(2);
            out.iter_mut().zip(pairs).for_each(|(v, b)| *v = f32::from(u16::from_le_bytes([b[0], b[1]])));
        }
        word => {
            let mask = mask(c);
            for (v, bytes) in out.iter_mut().zip(row[c.offset..].chunks(c.step)) {
                let raw = load(&bytes[..word], layout.big_endian);
                *v = if layout.float { f32::from_bits(raw) } else { ((raw >> c.shift) & mask) as f32 };
            }
        }
    }
}

/// Writes `values`, rounded to nearest and clipped to the depth, as the samples of `c` in `row`, beside the bits of other components
/// that may share its words (the row was zeroed before its first component).
pub(super) fn write(layout: &Layout, c: &Component, values: &[f32], row: &mut [u8]) {
    if layout.bits {
        write_bits(layout, c, values, row);
        return;
    }
    let top = mask(c) as f32;
    match Layout::word(c) {
        1 if c.step == 1 && c.depth == 8 => row[c.offset..].iter_mut().zip(values).for_each(|(b, &v)| *b = round(v, top) as u8),
        2 if c.shift == 0 && c.step == 2 && !layout.big_endian => {
            let pairs = row[c.offset..].chunks_exact_mut(2);
            pairs.zip(values).for_each(|(b, &v)| b.copy_from_slice(&(round(v, top) as u16).to_le_bytes()));
        }
        word => {
            for (&v, bytes) in values.iter().zip(row[c.offset..].chunks_mut(c.step)) {
                let raw = if layout.float { v.to_bits() } else { round(v, top) << c.shift };
                let bytes = &mut bytes[..word];
                let joined = load(bytes, layout.big_endian) | raw;
                store(bytes, joined, layout.big_endian);
            }
        }
    }
}

fn mask(c: &Component) -> u32 {
    if c.depth >= 32 { u32::MAX } else { (1 << c.depth) - 1 }
}

fn round(value: f32, top: f32) -> u32 {
    (value.clamp(0.0, top) + 0.5) as i32 as u32
}

fn load(bytes: &[u8], big_endian: bool) -> u32 {
    let join = |sum: u32, &b: &u8| sum << 8 | u32::from(b);
    if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
}

fn store(bytes: &mut [u8], value: u32, big_endian: bool) {
    let last = bytes.len() - 1;
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (value >> (8 * if big_endian { last - i } else { i })) as u8;
    }
}

/// Bit streams count from the top bit of each byte; their samples do not cross bytes.
fn place(c: &Component, x: usize) -> (usize, u32) {
    let bit = c.offset + x * c.step;
    (bit / 8, 8 - c.depth - (bit % 8) as u32)
}

fn read_bits(layout: &Layout, c: &Component, row: &[u8], out: &mut [f32]) {
    let flip = if layout.inverted { mask(c) } else { 0 };
    for (x, v) in out.iter_mut().enumerate() {
        let (byte, shift) = place(c, x);
        *v = (((u32::from(row[byte]) >> shift) & mask(c)) ^ flip) as f32;
    }
}

fn write_bits(layout: &Layout, c: &Component, values: &[f32], row: &mut [u8]) {
    let flip = if layout.inverted { mask(c) } else { 0 };
    for (x, &v) in values.iter().enumerate() {
        let (byte, shift) = place(c, x);
        row[byte] |= ((round(v, mask(c) as f32) ^ flip) << shift) as u8;
    }
}
