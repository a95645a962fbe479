//! Where the noise of a request comes from.

use super::carried::Carried;
use super::random::brownian::Brownian;
use super::random::{Generator, NoiseSource, Precision};
use super::request::{Request, Seeds, Variation};
use super::sampler::Freshness;
use super::variation::turn;

/// The generators of a request.
pub(super) struct Source {
    generators: Vec<Generator>,
    /// As many more for the variation, and its strength. They draw what the others draw before the noise, so that at strength 1 the
    /// noise is that of the other seed.
    others: Option<(Vec<Generator>, f64)>,
    precision: Precision,
    seeds: Vec<u64>,
    kind: NoiseSource,
    /// The paths that fresh noise follows, where the sampler wants it to follow any.
    paths: Vec<Brownian>,
    /// What stands in for the generators where the noise follows a motion, and for those of the variation.
    carried: Option<[Carried; 2]>,
}

impl Source {
    /// The generators of `request`, and what stands in for them.
    pub(super) fn new(request: &Request<'_>, precision: Precision, carried: Option<[Carried; 2]>) -> Self {
        let generators: Vec<Generator> = match request.seeds {
            Seeds::One(seed) => vec![Generator::of(request.noise_source, seed)],
            Seeds::Each(seeds) => seeds.iter().map(|seed| Generator::of(request.noise_source, *seed)).collect(),
        };
        let others = request.variation.filter(|variation| variation.strength > 0.0);
        let others = others.map(|Variation { seed, strength }| {
            ((0..generators.len() as u64).map(|index| Generator::of(request.noise_source, seed.wrapping_add(index))).collect(), strength)
        });
        let seeds = match request.seeds {
            Seeds::One(seed) => vec![seed],
            Seeds::Each(seeds) => seeds.to_vec(),
        };
        Self { generators, others, precision, seeds, kind: request.noise_source, paths: Vec::new(), carried }
    }

    /// Makes ready for the fresh noise of a run: Brownian paths for each generator's share of `n` numbers, or generators anew from
    /// seeds that are higher by `delta` (A1111's "eta noise seed delta"), or nothing at all.
    ///
    /// Noise that follows a motion is one draw after the other in any case.
    pub(super) fn freshen(&mut self, freshness: Freshness, delta: i64, n: usize) {
        if self.carried.is_some() {
            return;
        }
        let share = n / self.seeds.len().max(1);
        match freshness {
            Freshness::Brownian { min, max } => {
                let path = |seed: &u64| Brownian::new(*seed, self.kind, share, (min, max));
                self.paths = self.seeds.iter().map(path).collect();
            }
            Freshness::Drawn if delta != 0 => {
                let again = |seed: &u64| Generator::of(self.kind, seed.wrapping_add_signed(delta));
                self.generators = self.seeds.iter().map(again).collect();
            }
            Freshness::Drawn => {}
        }
    }

    /// `n` fresh numbers for all pictures together, for a step between two sigmas.
    pub(super) fn fresh(&mut self, from: f64, to: f64, n: usize) -> Vec<f32> {
        if self.paths.is_empty() {
            return self.draw(n);
        }
        joined(self.paths.iter_mut().map(|path| path.noise(from, to)))
    }

    /// `n` numbers for all pictures together, an equal share from each generator.
    pub(super) fn draw(&mut self, n: usize) -> Vec<f32> {
        if let Some([carried, _]) = &mut self.carried {
            return carried.next();
        }
        draw(&mut self.generators, n, self.precision)
    }

    /// The noise that pictures of `shape` start from.
    pub(super) fn noise(&mut self, shape: [usize; 4]) -> Vec<f32> {
        let n = shape.iter().product();
        let mut noise = self.draw(n);
        if let Some((others, strength)) = &mut self.others {
            let other = self.carried.as_mut().map_or_else(|| draw(others, n, self.precision), |[_, other]| other.next());
            turn(&mut noise, &other, *strength, shape);
        }
        noise
    }

    /// `n` numbers for the picture `index`.
    pub(super) fn draw_for(&mut self, index: usize, n: usize) -> Vec<f32> {
        let last = self.generators.len().saturating_sub(1);
        if let Some(other) = self.others.as_mut().and_then(|(others, _)| others.get_mut(index.min(last))) {
            other.randn(n, self.precision);
        }
        self.generators.get_mut(index.min(last)).map_or_else(Vec::new, |generator| generator.randn(n, self.precision))
    }
}

fn draw(generators: &mut [Generator], n: usize, precision: Precision) -> Vec<f32> {
    let share = n / generators.len().max(1);
    joined(generators.iter_mut().map(|generator| generator.randn(share, precision)))
}

/// One after the other. Mostly there is one, which is not copied.
fn joined(mut parts: impl Iterator<Item = Vec<f32>>) -> Vec<f32> {
    let mut all = parts.next().unwrap_or_default();
    parts.for_each(|part| all.extend(part));
    all
}
