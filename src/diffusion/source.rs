//! Where the noise of a request comes from.

use super::random::{Generator, Precision};
use super::request::{Request, Seeds, Variation};
use super::variation::turn;

/// The generators of a request.
pub(super) struct Source {
    generators: Vec<Generator>,
    /// As many more for the variation, and its strength. They draw what the others draw before the noise, so that at strength 1 the
    /// noise is that of the other seed.
    others: Option<(Vec<Generator>, f64)>,
    precision: Precision,
}

impl Source {
    pub(super) fn new(request: &Request<'_>, precision: Precision) -> Self {
        let generators: Vec<Generator> = match request.seeds {
            Seeds::One(seed) => vec![Generator::of(request.noise_source, seed)],
            Seeds::Each(seeds) => seeds.iter().map(|seed| Generator::of(request.noise_source, *seed)).collect(),
        };
        let others = request.variation.filter(|variation| variation.strength > 0.0);
        let others = others.map(|Variation { seed, strength }| {
            ((0..generators.len() as u64).map(|index| Generator::of(request.noise_source, seed.wrapping_add(index))).collect(), strength)
        });
        Self { generators, others, precision }
    }

    /// `n` numbers for all pictures together, an equal share from each generator.
    pub(super) fn draw(&mut self, n: usize) -> Vec<f32> {
        draw(&mut self.generators, n, self.precision)
    }

    /// The noise that pictures of `shape` start from.
    pub(super) fn noise(&mut self, shape: [usize; 4]) -> Vec<f32> {
        let n = shape.iter().product();
        let mut noise = self.draw(n);
        if let Some((others, strength)) = &mut self.others {
            let other = draw(others, n, self.precision);
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
    generators.iter_mut().flat_map(|generator| generator.randn(share, precision)).collect()
}
