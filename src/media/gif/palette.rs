//! 255 colours for a stretch of pictures.

/// Squared distances weigh green most, as the eye does.
const WEIGHTS: [f32; 3] = [2.0, 4.0, 1.5];
/// One index is left for transparency.
const COLORS: usize = 255;
/// Rounds of k-means that polish what the splitting found.
const ROUNDS: usize = 4;
const BINS: usize = 1 << 15;

fn bin(rgb: [u8; 3]) -> usize {
    rgb.iter().fold(0, |bin, v| bin << 5 | usize::from(v >> 3))
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    (0..3).map(|c| WEIGHTS[c] * (a[c] - b[c]) * (a[c] - b[c])).sum()
}

/// How often each colour, to five bits a channel, was seen, and what its exact colours came to.
pub(super) struct Histogram {
    bins: Vec<(u64, [u64; 3])>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: vec![(0, [0; 3]); BINS] }
    }
}

impl Histogram {
    /// Counts interleaved 8-bit R, G, B.
    pub(super) fn add(&mut self, rgb: &[u8]) {
        for pixel in rgb.as_chunks::<3>().0 {
            let (count, sums) = &mut self.bins[bin(*pixel)];
            *count += 1;
            sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += u64::from(*v));
        }
    }

    /// The colours seen: the mean of each bin, and how often.
    fn colors(&self) -> Vec<([f32; 3], f32)> {
        let seen = self.bins.iter().filter(|(count, _)| *count > 0);
        seen.map(|(count, sums)| (sums.map(|s| (s as f64 / *count as f64) as f32), *count as f32)).collect()
    }
}

/// Colours, and a quick way to the nearest of them.
pub(super) struct Palette {
    colors: Vec<[f32; 3]>,
    /// For each cell of colour space, once asked for, the colours that can be nearest to a point in it.
    candidates: Vec<Option<Box<[u8]>>>,
}

impl Palette {
    /// The colours that stand for `histogram` best.
    pub(super) fn of(histogram: &Histogram) -> Self {
        let seen = histogram.colors();
        let mut colors = split(seen.clone());
        for _ in 0..ROUNDS {
            refine(&mut colors, &seen);
        }
        for color in &mut colors {
            *color = color.map(f32::round);
        }
        Self { colors, candidates: vec![None; BINS] }
    }

    /// The mean squared distance of what was seen from its nearest colour.
    pub(super) fn error(&self, histogram: &Histogram) -> f32 {
        let seen = histogram.colors();
        let (mut total, mut count) = (0.0_f64, 0.0_f64);
        for (color, n) in &seen {
            let least = self.colors.iter().map(|c| distance(*c, *color)).fold(f32::MAX, f32::min);
            total += f64::from(least * n);
            count += f64::from(*n);
        }
        (total / count.max(1.0)) as f32
    }

    /// The nearest colour's index, and the colour.
    pub(super) fn nearest(&mut self, color: [f32; 3]) -> (u8, [f32; 3]) {
        let cell = bin(color.map(|v| v as u8));
        let colors = &self.colors;
        let near = self.candidates[cell].get_or_insert_with(|| candidates(colors, cell));
        let best = near.iter().min_by(|a, b| {
            let from = |i: u8| distance(colors[usize::from(i)], color);
            from(**a).total_cmp(&from(**b))
        });
        let index = best.copied().unwrap_or(0);
        (index, colors[usize::from(index)])
    }

    /// As 0xAARRGGBB, with full transparency last.
    pub(super) fn argb(&self) -> [u32; 256] {
        let mut out = [0xff00_0000; 256];
        for (to, color) in out.iter_mut().zip(&self.colors) {
            *to = color.iter().fold(0xff, |word, v| word << 8 | *v as u32);
        }
        out[255] = 0;
        out
    }
}

/// The colours that can be nearest to some point of `cell`: no farther at their nearest than the best one at its farthest.
fn candidates(colors: &[[f32; 3]], cell: usize) -> Box<[u8]> {
    let low = [10, 5, 0].map(|shift| ((cell >> shift & 31) << 3) as f32);
    let nearest = |c: &[f32; 3]| distance(*c, std::array::from_fn(|i| c[i].clamp(low[i], low[i] + 8.0)));
    let farthest = |c: &[f32; 3]| distance(*c, std::array::from_fn(|i| if c[i] > low[i] + 4.0 { low[i] } else { low[i] + 8.0 }));
    let reach = colors.iter().map(farthest).fold(f32::MAX, f32::min);
    let near = colors.iter().enumerate().filter(|(_, c)| nearest(c) <= reach);
    near.map(|(i, _)| i as u8).collect()
}

/// Colours that are to share one entry.
struct Group {
    members: Vec<([f32; 3], f32)>,
    mean: [f32; 3],
    axis: usize,
    /// Weighted squared deviation along `axis`.
    spread: f32,
}

impl Group {
    fn new(members: Vec<([f32; 3], f32)>) -> Self {
        let count: f64 = members.iter().map(|(_, n)| f64::from(*n)).sum();
        let mean: [f64; 3] = std::array::from_fn(|c| members.iter().map(|(m, n)| f64::from(m[c] * n)).sum::<f64>() / count.max(1.0));
        let spreads: [f64; 3] = std::array::from_fn(|c| {
            let squares = members.iter().map(|(m, n)| (f64::from(m[c]) - mean[c]).powi(2) * f64::from(*n));
            squares.sum::<f64>() * f64::from(WEIGHTS[c])
        });
        let axis = (0..3).max_by(|a, b| spreads[*a].total_cmp(&spreads[*b])).unwrap_or(0);
        // The root keeps large even areas from taking all the colours and leaving small bright things without any.
        let spread = if members.len() < 2 { 0.0 } else { spreads[axis] / count.sqrt() };
        Self { mean: mean.map(|m| m as f32), axis, spread: spread as f32, members }
    }
}

/// Splits the group that is spread out most at its mean, until there are enough.
fn split(seen: Vec<([f32; 3], f32)>) -> Vec<[f32; 3]> {
    let mut groups = vec![Group::new(seen)];
    while groups.len() < COLORS {
        let widest = (0..groups.len()).max_by(|a, b| groups[*a].spread.total_cmp(&groups[*b].spread).then(b.cmp(a)));
        let Some(widest) = widest.filter(|w| groups[*w].spread > 0.0) else { break };
        let group = groups.swap_remove(widest);
        let (low, high): (Vec<_>, Vec<_>) = group.members.into_iter().partition(|(m, _)| m[group.axis] <= group.mean[group.axis]);
        if low.is_empty() || high.is_empty() {
            let mut rest = Group::new(if low.is_empty() { high } else { low });
            rest.spread = 0.0;
            groups.push(rest);
            continue;
        }
        groups.push(Group::new(low));
        groups.push(Group::new(high));
    }
    groups.into_iter().map(|g| g.mean).collect()
}

/// Moves each colour to the mean of what it stands for.
fn refine(colors: &mut [[f32; 3]], seen: &[([f32; 3], f32)]) {
    let mut sums = vec![([0.0_f64; 3], 0.0_f64); colors.len()];
    for (color, n) in seen {
        let nearest = (0..colors.len()).min_by(|a, b| distance(colors[*a], *color).total_cmp(&distance(colors[*b], *color)));
        let (sum, count) = &mut sums[nearest.unwrap_or(0)];
        sum.iter_mut().zip(color).for_each(|(s, v)| *s += f64::from(v * n));
        *count += f64::from(*n);
    }
    for (color, (sum, count)) in colors.iter_mut().zip(sums).filter(|(_, (_, count))| *count > 0.0) {
        *color = sum.map(|s| (s / count) as f32);
    }
}
