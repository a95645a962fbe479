//! Random numbers by counting: value `i` of stream `key` is the same whoever asks for it, in whatever order.

use super::maths::ln;
use super::wide::wide;

/// Spreads a counter over 64 bits: the finaliser of `SplitMix64` (Steele, Lea, Flood 2014).
#[inline]
#[must_use]
pub fn bits(key: u64, index: u64) -> u64 {
    let value = key.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Uniform in 0..1, never 0 or 1, with 24 bits.
#[inline]
#[must_use]
pub fn unit(bits: u32) -> f32 {
    ((bits >> 8) as i32 as f32 + 0.5) * (1.0 / 16_777_216.0)
}

/// Pairs that are made together, to vectorise.
const PAIRS: usize = 64;

/// [`normals`] begins at multiples of this.
pub const GROUP: usize = 2 * PAIRS;

wide! {
    /// Fills `out` with normal values (mean 0, deviation 1): those of index `start` (a multiple of [`GROUP`]) of stream `key` and onwards.
    ///
    /// Box-Muller with polynomials of our own, so that the bits are the same on every machine. The first values of all pairs of a
    /// group come before the second ones, so that nothing has to be interleaved.
    pub fn normals(key: u64, start: u64, out: &mut [f32]) {
        debug_assert!(start.is_multiple_of(GROUP as u64));
        for (group, out) in out.chunks_mut(2 * PAIRS).enumerate() {
            let first = start / 2 + (group * PAIRS) as u64;
            let mut pairs = [0.0_f32; 2 * PAIRS];
            let (left, right) = pairs.split_at_mut(PAIRS);
            for (i, (left, right)) in left.iter_mut().zip(right).enumerate() {
                (*left, *right) = pair(bits(key, first + i as u64));
            }
            out.copy_from_slice(&pairs[..out.len()]);
        }
    }
}

wide! {
    /// Fills `left` and `right` with normal values (mean 0, deviation 1), a pair for each of `indices` of stream `key`.
    pub fn normals_of(key: u64, indices: &[u64], left: &mut [f32], right: &mut [f32]) {
        for (index, (left, right)) in indices.iter().zip(left.iter_mut().zip(right)) {
            (*left, *right) = pair(bits(key, *index));
        }
    }
}

/// Two independent normal values of 64 random bits (Box and Muller 1958).
#[inline]
fn pair(random: u64) -> (f32, f32) {
    let length = (-2.0 * ln(unit((random >> 32) as u32))).sqrt();
    let (x, y) = direction(unit(random as u32));
    (length * x, length * y)
}

/// The unit vector at a whole turn times `turn` (0..1), up to a constant rotation.
#[inline]
fn direction(turn: f32) -> (f32, f32) {
    let quarter = (turn * 4.0) as i32;
    let a = (turn * 4.0 - quarter as f32 - 0.5) * std::f32::consts::FRAC_PI_2;
    let a2 = a * a;
    let sin = a * (1.0 - a2 * (1.0 / 6.0 - a2 * (1.0 / 120.0 - a2 / 5040.0)));
    let cos = 1.0 - a2 * (0.5 - a2 * (1.0 / 24.0 - a2 * (1.0 / 720.0 - a2 / 40320.0)));
    let (x, y) = if quarter & 1 == 0 { (cos, sin) } else { (-sin, cos) };
    if quarter & 2 == 0 { (x, y) } else { (-x, -y) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_the_moments_of_a_normal_distribution() {
        let mut values = vec![0.0; 400_001];
        normals(42, 0, &mut values);
        let n = values.len() as f64;
        let moment = |p: i32| values.iter().map(|v| f64::from(*v).powi(p)).sum::<f64>() / n;
        assert!(moment(1).abs() < 0.006 && (moment(2) - 1.0).abs() < 0.01, "{} {}", moment(1), moment(2));
        assert!(moment(3).abs() < 0.03 && (moment(4) - 3.0).abs() < 0.06, "{} {}", moment(3), moment(4));
        let lag = values.windows(2).map(|w| f64::from(w[0] * w[1])).sum::<f64>() / n;
        assert!(lag.abs() < 0.006);
    }

    #[test]
    fn a_value_depends_only_on_key_and_index() {
        let (mut all, mut part) = (vec![0.0; 1000], vec![0.0; 100]);
        normals(7, 0, &mut all);
        normals(7, 384, &mut part);
        assert_eq!(all[384..484], part[..]);
        normals(8, 384, &mut part);
        assert_ne!(all[300..400], part[..]);
    }

    #[test]
    fn the_polynomials_are_accurate() {
        for i in 1..1000 {
            let v = i as f32 / 1000.0;
            assert!((ln(v) - v.ln()).abs() < 2e-6, "{v}");
            let (x, y) = direction(v);
            assert!((x.hypot(y) - 1.0).abs() < 1e-5);
        }
    }
}
