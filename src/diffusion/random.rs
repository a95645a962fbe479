//! PyTorch's random numbers, so that a seed means the same noise here as in diffusers and A1111.
//!
//! On a processor the generator is mt19937 seeded with the low 32 bits of the seed. Normal numbers come in three ways, as in PyTorch 2.x on
//! x86-64: fewer than 16 at once from a double precision Box–Muller that keeps its second value for the next small draw; 16
//! or more as `f32` in blocks of 16 through polynomial logarithm and sine ([`super::normal`]); and the same in half
//! precision, which half precision pipelines draw. On a graphics card it is Philox ([`super::philox`]).

pub mod brownian;
pub mod seed_sequence;

use super::normal::{box_muller_f16, box_muller_f32};
use super::philox::Philox;

const N: usize = 624;
const M: usize = 397;
/// From this many values on PyTorch uses the block method.
const BLOCK: usize = 16;

/// The 32-bit Mersenne Twister.
#[derive(Clone)]
struct Twister {
    state: [u32; N],
    next: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [0; N];
        state[0] = seed;
        for i in 1..N {
            let last = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: N }
    }

    fn refill(&mut self) {
        let state = &mut self.state;
        let mut turn = |k: usize, next: usize, far: usize| {
            let y = (state[k] & 0x8000_0000) | (state[next] & 0x7fff_ffff);
            state[k] = state[far] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 };
        };
        // In three parts, to spare remainders.
        (0..N - M).for_each(|k| turn(k, k + 1, k + M));
        (N - M..N - 1).for_each(|k| turn(k, k + 1, k + M - N));
        turn(N - 1, 0, M - 1);
        self.next = 0;
    }

    /// The next numbers, at least one and at most `most`; still to be tempered.
    fn some(&mut self, most: usize) -> &[u32] {
        if self.next >= N {
            self.refill();
        }
        let from = self.next;
        self.next = N.min(from + most);
        &self.state[from..self.next]
    }

    fn next_u32(&mut self) -> u32 {
        tempered(self.some(1)[0])
    }
}

fn tempered(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

/// Which of PyTorch's number streams a draw takes: pipelines draw noise in the precision of their model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// `torch.float32`.
    Single,
    /// `torch.float16`; the values are exactly representable in half precision.
    Half,
}

/// Whose random numbers noise is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NoiseSource {
    /// PyTorch's on a processor: diffusers with a generator for it, `ComfyUI`, and A1111 where its source is "CPU".
    #[default]
    Cpu,
    /// PyTorch's on a graphics card as A1111 emulates it: its source "NV", which is also what "GPU" paints there on such a card.
    Nv,
}

/// A seeded source of normal numbers.
#[derive(Clone)]
pub struct Generator(Kind);

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there are a few of them in a run, and most are the large ones")]
enum Kind {
    Cpu(CpuGenerator),
    Nv(Philox),
}

impl Generator {
    /// A generator on a processor; only the low 32 bits of `seed` matter.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::of(NoiseSource::Cpu, seed)
    }

    /// A generator of the given kind. On a graphics card all 64 bits of `seed` matter.
    #[must_use]
    pub fn of(source: NoiseSource, seed: u64) -> Self {
        Self(match source {
            NoiseSource::Cpu => Kind::Cpu(CpuGenerator::new(seed)),
            NoiseSource::Nv => Kind::Nv(Philox::new(seed)),
        })
    }

    /// `torch.randn(n)` in the given precision.
    pub fn randn(&mut self, n: usize, precision: Precision) -> Vec<f32> {
        match &mut self.0 {
            Kind::Cpu(generator) => generator.randn(n, precision),
            Kind::Nv(philox) => {
                let mut numbers = philox.normal(n);
                if precision == Precision::Half {
                    for x in &mut numbers {
                        *x = half::f16::from_f32(*x).to_f32();
                    }
                }
                numbers
            }
        }
    }
}

/// `torch.Generator("cpu").manual_seed(seed)`.
#[derive(Clone)]
pub struct CpuGenerator {
    twister: Twister,
    /// The sine half of the last small draw, waiting for the next one.
    kept: Option<f64>,
}

impl CpuGenerator {
    /// A generator; only the low 32 bits of `seed` matter, as in PyTorch.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { twister: Twister::new(seed as u32), kept: None }
    }

    /// The next raw 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.twister.next_u32()
    }

    /// `torch.rand(n)`: `n` single precision numbers in [0, 1).
    pub fn rand(&mut self, n: usize) -> Vec<f32> {
        self.uniform(n, 24)
    }

    /// `torch.randn(n)` in the given precision.
    pub fn randn(&mut self, n: usize, precision: Precision) -> Vec<f32> {
        let (bits, fill): (u32, fn(&mut [f32])) = match precision {
            Precision::Single => (24, box_muller_f32),
            Precision::Half => (11, box_muller_f16),
        };
        if n < BLOCK {
            let small = (0..n).map(|_| self.small_normal() as f32);
            return match precision {
                Precision::Single => small.collect(),
                Precision::Half => small.map(|x| half::f16::from_f32(x).to_f32()).collect(),
            };
        }
        let mut out = self.uniform(n, bits);
        let whole = n / BLOCK * BLOCK;
        fill(&mut out[..whole]);
        if whole < n {
            // The last 16 values are drawn anew, over part of the block before them.
            let mut tail = self.uniform(BLOCK, bits);
            fill(&mut tail);
            out[n - BLOCK..].copy_from_slice(&tail);
        }
        out
    }

    fn uniform(&mut self, n: usize, bits: u32) -> Vec<f32> {
        let mask = (1 << bits) - 1;
        let scale = 1.0 / (1_u32 << bits) as f32;
        let mut out = Vec::with_capacity(n);
        while out.len() < n {
            // As `i32`, from which there is a quick way to floats.
            out.extend(self.twister.some(n - out.len()).iter().map(|word| (tempered(*word) & mask) as i32 as f32 * scale));
        }
        out
    }

    fn uniform_f64(&mut self) -> f64 {
        let high = u64::from(self.twister.next_u32());
        let low = u64::from(self.twister.next_u32());
        ((high << 32 | low) & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64
    }

    fn small_normal(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let (u1, u2) = (self.uniform_f64(), self.uniform_f64());
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let angle = 2.0 * std::f64::consts::PI * u1;
        self.kept = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twister_gives_the_published_numbers() {
        let mut generator = CpuGenerator::new(5489);
        assert_eq!(generator.next_u32(), 3_499_211_612);
        assert_eq!((1..10_000).map(|_| generator.next_u32()).last(), Some(4_123_659_995));
    }

    #[test]
    fn only_the_low_half_of_a_seed_counts() {
        let draw = |seed| Generator::new(seed).randn(40, Precision::Single);
        assert_eq!(draw((1 << 32) + 42), draw(42));
        assert_ne!(draw(43), draw(42));
    }

    #[test]
    fn noise_has_the_moments_of_a_normal_distribution() {
        for precision in [Precision::Single, Precision::Half] {
            let noise = Generator::new(7).randn(1 << 16, precision);
            let n = noise.len() as f32;
            let mean = noise.iter().sum::<f32>() / n;
            let variance = noise.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
            assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        }
    }
}
