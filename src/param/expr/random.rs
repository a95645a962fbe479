//! Random numbers that depend on nothing but what they are asked for, so that a run can be repeated and resumed.

/// A well-mixed number for a pair: the finaliser of `SplitMix64` over both.
fn mix(a: u64, b: u64) -> u64 {
    let step = |x: u64| {
        let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    step(step(a) ^ b)
}

/// A number in 0..1 for a place and two seeds.
pub fn uniform(place: i64, seed: f64, run: i64) -> f64 {
    let bits = mix(mix(seed.to_bits(), run as u64), place as u64);
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Smooth noise between −1 and 1 that is 0 at every whole `x` (gradient noise in one dimension, quintic fade).
pub fn smooth(x: f64, seed: f64, run: i64) -> f64 {
    let cell = x.floor();
    let inside = x - cell;
    let slope = |offset: f64| uniform((cell + offset) as i64, seed, run) * 2.0 - 1.0;
    let fade = inside * inside * inside * (inside * (inside * 6.0 - 15.0) + 10.0);
    let (left, right) = (slope(0.0) * inside, slope(1.0) * (inside - 1.0));
    // Two opposed slopes meet at 0.5 in the middle; twice that fills the range.
    2.0 * (left + (right - left) * fade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_numbers_are_spread_and_repeatable() {
        let mean = (0..10_000).map(|place| uniform(place, 3.0, 7)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert_eq!(uniform(5, 1.0, 2).to_bits(), uniform(5, 1.0, 2).to_bits());
        assert_ne!(uniform(5, 1.0, 2), uniform(5, 1.0, 3));
    }

    #[test]
    fn noise_is_smooth_and_bounded() {
        let at = |step: i32| smooth(f64::from(step) / 100.0, 0.0, 0);
        assert!((0..10_000).all(|step| at(step).abs() <= 1.0 && (at(step + 1) - at(step)).abs() < 0.1));
        assert_eq!(smooth(4.0, 0.0, 0), 0.0);
    }
}
