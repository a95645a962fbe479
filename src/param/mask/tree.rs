//! What a mask expression means.

use super::super::PathParam;

/// A mask expression whose numbers are of type `N`: expressions as written, or their values at one tick.
#[derive(Debug, Clone, PartialEq)]
pub enum MaskTree<N> {
    /// Everywhere, or nowhere.
    Fill(bool),
    /// A mask, or the brightness of pictures, that is linked.
    Linked(Linked),
    /// Something about each pixel, as it is or `within` a range.
    Measure {
        /// What.
        of: Measure,
        /// Lowest, highest, and how far beyond either it fades.
        within: Option<[N; 3]>,
    },
    /// What has a colour (display-referred red, green, blue).
    Color {
        /// The colour.
        rgb: [f32; 3],
        /// How far from it still counts fully, and how far beyond that it fades.
        range: [N; 2],
    },
    /// A picture's brightness.
    File(PathParam),
    /// What a segmentation model finds.
    Model {
        /// The model, where it is not the node's.
        path: Option<PathParam>,
        /// Which of its classes.
        class: N,
    },
    /// Within a rectangle or an ellipse.
    Area {
        /// Whether it is round.
        round: bool,
        /// Its centre, width and height as fractions of the picture, and how far beyond its edge it fades, as a fraction of the height.
        place: [N; 5],
    },
    /// The opposite.
    Not(Box<Self>),
    /// Two joined.
    Join(Join, Box<[Self; 2]>),
    /// A blend of two: the second's share.
    Mix(Box<[Self; 2]>, N),
    /// One changed.
    Filter(Filter, Box<Self>, Vec<N>),
}

/// A linked input that is a mask itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// The input `a`.
    A,
    /// The input `b`.
    B,
    /// The input `c`.
    C,
    /// The input `d`.
    D,
    /// The brightness of the input `video`.
    Video,
}

impl Linked {
    /// The input's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
            Self::D => "d",
            Self::Video => "video",
        }
    }
}

/// What can be measured about each pixel, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The brightness of `image`.
    Luma,
    /// The brightness of `reference`.
    Reference,
    /// The red of `image`.
    Red,
    /// The green of `image`.
    Green,
    /// The blue of `image`.
    Blue,
    /// The saturation of `image`.
    Saturation,
    /// The opacity of `image`.
    Alpha,
    /// How far `image` lies from `reference`.
    Difference,
    /// How near it is.
    Depth,
}

/// How two masks are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// In both: the lesser.
    And,
    /// In any: the greater.
    Or,
    /// In one and not the other.
    Xor,
    /// In the first and not in the second.
    Minus,
    /// How far they lie apart.
    Apart,
}

/// How a mask is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Grown by so many pixels.
    Grow,
    /// Softened over so many pixels.
    Feather,
    /// Drawn to the edges of `image` within so many pixels.
    Refine,
    /// White from a threshold on.
    Threshold,
    /// Stretched from a range to 0..1.
    Levels,
    /// Contrast about its mean.
    Contrast,
    /// Stretched between two percentiles.
    Autocontrast,
    /// Every brightness made equally frequent.
    Equalize,
}

impl<N> MaskTree<N> {
    /// Calls `see` with this and everything in it.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match self {
            Self::Not(inner) | Self::Filter(_, inner, _) => inner.visit(see),
            Self::Join(_, both) | Self::Mix(both, _) => both.iter().for_each(|one| one.visit(see)),
            _ => {}
        }
    }

    /// The numbers of this alone, without what is in it.
    pub fn numbers(&self) -> &[N] {
        match self {
            Self::Measure { within: Some(numbers), .. } => numbers,
            Self::Color { range, .. } => range,
            Self::Model { class, .. } => std::slice::from_ref(class),
            Self::Area { place, .. } => place,
            Self::Mix(_, share) => std::slice::from_ref(share),
            Self::Filter(_, _, numbers) => numbers,
            _ => &[],
        }
    }

    /// The same with other numbers.
    pub fn map<M>(&self, to: &impl Fn(&N) -> M) -> MaskTree<M> {
        let both = |both: &[Self; 2]| Box::new(both.each_ref().map(|one| one.map(to)));
        match self {
            Self::Fill(all) => MaskTree::Fill(*all),
            Self::Linked(linked) => MaskTree::Linked(*linked),
            Self::Measure { of, within } => MaskTree::Measure { of: *of, within: within.as_ref().map(|range| range.each_ref().map(to)) },
            Self::Color { rgb, range } => MaskTree::Color { rgb: *rgb, range: range.each_ref().map(to) },
            Self::File(path) => MaskTree::File(path.clone()),
            Self::Model { path, class } => MaskTree::Model { path: path.clone(), class: to(class) },
            Self::Area { round, place } => MaskTree::Area { round: *round, place: place.each_ref().map(to) },
            Self::Not(inner) => MaskTree::Not(Box::new(inner.map(to))),
            Self::Join(join, pair) => MaskTree::Join(*join, both(pair)),
            Self::Mix(pair, share) => MaskTree::Mix(both(pair), to(share)),
            Self::Filter(filter, inner, numbers) => MaskTree::Filter(*filter, Box::new(inner.map(to)), numbers.iter().map(to).collect()),
        }
    }
}
