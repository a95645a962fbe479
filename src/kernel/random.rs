//! Random numbers by counting: value `i` of stream `key` is the same whoever asks for it, in whatever order.

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
    ((bits >> 8) as f32 + 0.5) * (1.0 / 16_777_216.0)
}

/// Pairs that are made together, to vectorise.
const PAIRS: usize = 64;

/// Fills `out` with normal values (mean 0, deviation 1): those of the even index `start` of stream `key` and onwards.
///
/// Box-Muller with polynomials of our own, so that the bits are the same on every machine.
pub fn normals(key: u64, start: u64, out: &mut [f32]) {
    debug_assert!(start.is_multiple_of(2));
    for (chunk, out) in out.chunks_mut(2 * PAIRS).enumerate() {
        let first = start / 2 + (chunk * PAIRS) as u64;
        let (mut radius, mut turn) = ([0.5_f32; PAIRS], [0.0_f32; PAIRS]);
        for (i, (radius, turn)) in radius.iter_mut().zip(&mut turn).enumerate().take(out.len().div_ceil(2)) {
            let random = bits(key, first + i as u64);
            (*radius, *turn) = (unit((random >> 32) as u32), unit(random as u32));
        }
        for (radius, turn) in radius.iter_mut().zip(&mut turn) {
            let length = (-2.0 * ln(*radius)).sqrt();
            let (x, y) = direction(*turn);
            (*radius, *turn) = (length * x, length * y);
        }
        for (pair, (a, b)) in out.chunks_mut(2).zip(radius.into_iter().zip(turn)) {
            pair[0] = a;
            if let Some(second) = pair.get_mut(1) {
                *second = b;
            }
        }
    }
}

/// Natural logarithm of a normal positive number, to about 1e-7.
#[inline]
fn ln(v: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let shifted = v.to_bits().wrapping_add(0x3f80_0000 - ROOT_HALF);
    let exponent = (shifted >> 23) as i32 - 127;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff) + ROOT_HALF);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let t2 = t * t;
    let series = 2.0 * t * (1.0 + t2 * (1.0 / 3.0 + t2 * (0.2 + t2 * (1.0 / 7.0 + t2 / 9.0))));
    exponent as f32 * std::f32::consts::LN_2 + series
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
        normals(7, 300, &mut part);
        assert_eq!(all[300..400], part[..]);
        normals(8, 300, &mut part);
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
