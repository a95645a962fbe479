//! Philox 4x32-10, the counter-based generator of graphics cards, as A1111 emulates it ("NV").

/// Numbers of one kind per use: `counter` goes on with each draw.
#[derive(Clone)]
pub(super) struct Philox {
    key: [u32; 2],
    counter: u32,
}

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: usize = 10;

impl Philox {
    pub(super) fn new(seed: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], counter: 0 }
    }

    /// The block of the value `index` of this draw.
    fn block(&self, index: u32) -> [u32; 4] {
        let mut block = [self.counter, 0, index, 0];
        let mut key = self.key;
        for round in 0..ROUNDS {
            if round > 0 {
                key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
            }
            let product = |of: usize| u64::from(block[of]) * u64::from(MULTIPLIERS[of / 2]);
            let (a, b) = (product(0), product(2));
            block = [(b >> 32) as u32 ^ block[1] ^ key[0], b as u32, (a >> 32) as u32 ^ block[3] ^ key[1], a as u32];
        }
        block
    }

    /// `n` normal numbers: one of each block's two by Box and Muller, with single precision constants in double precision sums.
    pub(super) fn normal(&mut self, n: usize) -> Vec<f32> {
        const SCALE: f64 = 2.328_306_4e-10_f32 as f64;
        const ANGLE: f64 = (2.328_306_4e-10_f32 * 6.283_185_5_f32) as f64;
        let one = |index: usize| {
            let [x, y, ..] = self.block(index as u32).map(f64::from);
            let radius = (-2.0 * (x * SCALE + SCALE / 2.0).ln()).sqrt();
            (radius * (y * ANGLE + ANGLE / 2.0).sin()) as f32
        };
        let numbers = (0..n).map(one).collect();
        self.counter = self.counter.wrapping_add(1);
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_of_the_published_test_vectors() {
        let zero = Philox { key: [0; 2], counter: 0 };
        assert_eq!(zero.block(0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    }
}
