//! `NumPy`'s `SeedSequence`, which spreads a seed over as many well-mixed words as are wanted.

const INIT_A: u32 = 0x43b0_d7e5;
const MULT_A: u32 = 0x931e_8875;
const INIT_B: u32 = 0x8b51_f9dd;
const MULT_B: u32 = 0x58f3_8ded;
const MIX_L: u32 = 0xca01_f9dd;
const MIX_R: u32 = 0x4973_f715;

/// The first of the words that `SeedSequence(entropy, spawn_key=spawn_key, pool_size=pool)` generates.
#[must_use]
pub fn first_word(entropy: u64, spawn_key: &[u64], pool: usize) -> u32 {
    let mut words = words(entropy);
    if !spawn_key.is_empty() {
        words.resize(words.len().max(pool), 0);
        words.extend(spawn_key.iter().flat_map(|key| self::words(*key)));
    }
    let mut constant = INIT_A;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(MULT_A);
        fold(value.wrapping_mul(constant))
    };
    let mut state: Vec<u32> = (0..pool).map(|i| hash(words.get(i).copied().unwrap_or(0))).collect();
    for from in 0..pool {
        for to in (0..pool).filter(|to| *to != from) {
            state[to] = mix(state[to], hash(state[from]));
        }
    }
    for word in words.iter().skip(pool) {
        for to in &mut state {
            *to = mix(*to, hash(*word));
        }
    }
    fold((state[0] ^ INIT_B).wrapping_mul(INIT_B.wrapping_mul(MULT_B)))
}

/// The words of a number, the lowest first; 0 has one.
fn words(number: u64) -> Vec<u32> {
    let (low, high) = (number as u32, (number >> 32) as u32);
    if high == 0 { vec![low] } else { vec![low, high] }
}

fn mix(a: u32, b: u32) -> u32 {
    fold(a.wrapping_mul(MIX_L).wrapping_sub(b.wrapping_mul(MIX_R)))
}

fn fold(value: u32) -> u32 {
    value ^ (value >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_numpy() {
        // np.random.SeedSequence(…).generate_state(1)
        assert_eq!(first_word(0, &[], 4), 2_968_811_710);
        assert_eq!(first_word(42, &[], 24), 387_750_627);
        assert_eq!(first_word(1_234_567_890_123, &[5, 3], 24), 2_115_304_679);
    }
}
