//! The metrics by name.

use std::ops::{Index, IndexMut};

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better: the worst frame is the one with the least.
    More,
    /// Less is better: the worst frame is the one with the most.
    Less,
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $better:ident;)*) => {
        /// A number that is measured at every frame.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Metric { $($(#[doc = $doc])* $variant),* }

        impl Metric {
            /// All of them, in the order in which they are shown.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Its name in tables, reports and gates.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Which way is good.
            #[must_use]
            pub fn better(self) -> Better {
                match self { $(Self::$variant => Better::$better),* }
            }
        }
    };
}

metrics! {
    /// Peak signal-to-noise ratio against the reference, in dB; 100 for the same picture.
    Psnr = "psnr", More;
    /// Structural similarity of brightness (BT.709 luma) to the reference; 1 for the same.
    Ssim = "ssim", More;
    /// Structural similarity to the reference, the mean of red, green and blue.
    SsimRgb = "ssim_rgb", More;
    /// Structural similarity of brightness at five scales.
    MsSsim = "ms_ssim", More;
    /// How far the picture has been edited from its source: the mean distance in Oklab.
    Edit = "edit", Less;
    /// The mean squared error between a frame and the one before, brought over by the source's motion.
    WarpError = "warp_error", Less;
    /// The warp error over that of the source itself.
    WarpRatio = "warp_ratio", Less;
    /// The amplitude of light and colour that change back and forth from frame to frame.
    Flicker = "flicker", Less;
    /// One minus the mean change from the frame before: `VBench`'s score of temporal flickering, meant for clips in which little moves.
    Steadiness = "steadiness", More;
    /// How far the colours have wandered from those of the first frame.
    Drift = "drift", Less;
    /// How far the amount of detail has wandered from that of the first frame, in octaves.
    DriftStructure = "drift_structure", Less;
}

impl Metric {
    /// The metric of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// What it counts as where it has no value yet: at first frames, which have none before them.
    #[must_use]
    pub fn at_rest(self) -> f64 {
        match self {
            Self::Psnr => 100.0,
            Self::Ssim | Self::SsimRgb | Self::MsSsim | Self::Steadiness | Self::WarpRatio => 1.0,
            Self::Edit | Self::WarpError | Self::Flicker | Self::Drift | Self::DriftStructure => 0.0,
        }
    }

    /// Whether it compares two pictures: there must be a reference, or a source.
    #[must_use]
    pub fn compares(self) -> bool {
        matches!(self, Self::Psnr | Self::Ssim | Self::SsimRgb | Self::MsSsim | Self::Edit | Self::WarpRatio)
    }

    /// Whether it needs to know how the source moved.
    #[must_use]
    pub fn needs_motion(self) -> bool {
        matches!(self, Self::WarpError | Self::WarpRatio)
    }
}

/// Some of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetricSet(u16);

impl MetricSet {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Metric::ALL.into_iter().collect()
    }

    /// Whether `metric` is among them.
    #[must_use]
    pub fn contains(self, metric: Metric) -> bool {
        self.0 & (1 << metric as u16) != 0
    }

    /// Whether any of `metrics` is among them.
    #[must_use]
    pub fn any(self, metrics: &[Metric]) -> bool {
        metrics.iter().any(|metric| self.contains(*metric))
    }

    /// These, and the warp error where its ratio is among them.
    #[must_use]
    pub fn with_ratio(self) -> Self {
        let more = self.contains(Metric::WarpRatio).then_some(Metric::WarpError);
        self.iter().chain(more).collect()
    }

    /// Those that `keep` keeps.
    #[must_use]
    pub fn filter(self, keep: impl Fn(Metric) -> bool) -> Self {
        self.iter().filter(|metric| keep(*metric)).collect()
    }

    /// One after the other, in the order in which they are shown.
    pub fn iter(self) -> impl Iterator<Item = Metric> {
        Metric::ALL.into_iter().filter(move |metric| self.contains(*metric))
    }
}

impl FromIterator<Metric> for MetricSet {
    fn from_iter<T: IntoIterator<Item = Metric>>(iter: T) -> Self {
        Self(iter.into_iter().fold(0, |set, metric| set | 1 << metric as u16))
    }
}

/// What was measured at one frame; a metric that compares with frames before has no value at first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Values([Option<f64>; Metric::ALL.len()]);

impl Values {
    /// The values of `metrics` alone.
    #[must_use]
    pub fn only(self, metrics: MetricSet) -> Self {
        Metric::ALL.into_iter().filter(|metric| !metrics.contains(*metric)).fold(self, |mut values, metric| {
            values[metric] = None;
            values
        })
    }

    /// These values, and those of `other` where there are none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].or(other.0[i])))
    }
}

/// Added to both warp errors before one is divided by the other: a quarter of a step of 8 bits, squared. So what stands perfectly still has
/// a ratio of 1 and none is infinite.
const STILL: f64 = 1e-6;

impl Values {
    /// These values, and the ratio of their warp error to that of `source`.
    #[must_use]
    pub fn over(mut self, source: &Self) -> Self {
        let errors = self[Metric::WarpError].zip(source[Metric::WarpError]);
        self[Metric::WarpRatio] = errors.map(|(own, source)| (own + STILL) / (source + STILL));
        self
    }
}

impl Index<Metric> for Values {
    type Output = Option<f64>;
    fn index(&self, metric: Metric) -> &Option<f64> {
        &self.0[metric as usize]
    }
}

impl IndexMut<Metric> for Values {
    fn index_mut(&mut self, metric: Metric) -> &mut Option<f64> {
        &mut self.0[metric as usize]
    }
}
