//! Everything that may stand in a mask expression besides the operators.

use super::super::PathParam;
use super::super::expr::Expr;
use super::tree::{Filter, Join, Linked, MaskTree, Measure};

type Tree = MaskTree<Expr>;

/// What stands first between a word's brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// Numbers at once.
    None,
    /// So many masks.
    Masks(usize),
    /// A file in quotes.
    Path,
    /// A colour.
    Color,
}

/// A number that a word takes: its name, and what it is when it is not written (`None` for one that must be).
pub type Number = (&'static str, Option<f64>);

/// A word.
pub struct Word {
    /// As it is written.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What stands first between its brackets.
    pub lead: Lead,
    /// The numbers that follow.
    pub numbers: &'static [Number],
    /// Whether it may stand without brackets.
    pub bare: bool,
    make: fn(Parts) -> Option<Tree>,
}

/// What stood between a word's brackets.
#[derive(Default)]
pub struct Parts {
    /// Whether there were brackets with something in them.
    pub given: bool,
    /// The masks.
    pub masks: Vec<Tree>,
    /// The file.
    pub path: Option<PathParam>,
    /// The colour.
    pub color: Option<[f32; 3]>,
    /// The numbers, all of them.
    pub numbers: Vec<Expr>,
}

impl Word {
    /// The word `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        all().find(|word| word.name == name)
    }

    /// How it is written: `luma(low = 0, high = 1, soft = 0)`.
    pub fn signature(&self) -> String {
        let lead = match self.lead {
            Lead::None => &[][..],
            Lead::Masks(1) => &["MASK"],
            Lead::Masks(_) => &["MASK", "MASK"],
            Lead::Path => &["\"FILE\""],
            Lead::Color => &["#RRGGBB"],
        };
        let numbers = self.numbers.iter().map(|(name, usual)| match usual {
            Some(usual) if usual.is_finite() => format!("{name} = {usual}"),
            Some(_) => format!("{name} = ∞"),
            None => (*name).to_owned(),
        });
        let inside: Vec<_> = lead.iter().map(|lead| (*lead).to_owned()).chain(numbers).collect();
        if inside.is_empty() { self.name.to_owned() } else { format!("{}({})", self.name, inside.join(", ")) }
    }

    /// The tree that it makes of `parts`.
    pub fn make(&self, parts: Parts) -> Option<Tree> {
        (self.make)(parts)
    }
}

const RANGE: &[Number] = &[("low", Some(0.0)), ("high", Some(f64::INFINITY)), ("soft", Some(0.0))];
const AREA: &[Number] = &[("x", Some(0.5)), ("y", Some(0.5)), ("width", Some(0.5)), ("height", Some(0.5)), ("soft", Some(0.0))];

macro_rules! measures {
    ($($name:literal, $of:ident, $about:literal;)*) => {
        [$(Word {
            name: $name,
            about: $about,
            lead: Lead::None,
            numbers: RANGE,
            bare: true,
            make: |parts| {
                let within = if parts.given { Some(<[Expr; 3]>::try_from(parts.numbers).ok()?) } else { None };
                Some(MaskTree::Measure { of: Measure::$of, within })
            },
        }),*]
    };
}

macro_rules! filters {
    ($($name:literal, $filter:ident, [$($number:expr),*], $about:literal;)*) => {
        [$(Word {
            name: $name,
            about: $about,
            lead: Lead::Masks(1),
            numbers: &[$($number),*],
            bare: false,
            make: |mut parts| Some(MaskTree::Filter(Filter::$filter, Box::new(parts.masks.pop()?), parts.numbers)),
        }),*]
    };
}

macro_rules! plain {
    ($($name:literal, $tree:expr, $about:literal;)*) => {
        [$(Word { name: $name, about: $about, lead: Lead::None, numbers: &[], bare: true, make: |_| Some($tree) }),*]
    };
}

static PLAIN: [Word; 7] = plain! {
    "everywhere", MaskTree::Fill(true), "the whole picture";
    "nowhere", MaskTree::Fill(false), "nothing at all";
    "a", MaskTree::Linked(Linked::A), "the mask linked to `a`";
    "b", MaskTree::Linked(Linked::B), "the mask linked to `b`";
    "c", MaskTree::Linked(Linked::C), "the mask linked to `c`";
    "d", MaskTree::Linked(Linked::D), "the mask linked to `d`";
    "video", MaskTree::Linked(Linked::Video), "the brightness of the pictures linked to `video`; Deforum's `{video_mask}`";
};

static MEASURES: [Word; 9] = measures! {
    "luma", Luma, "how bright `image` is, or where that lies within a range";
    "reference", Reference, "how bright `reference` is, or where that lies within a range";
    "red", Red, "the red of `image`, or where it lies within a range";
    "green", Green, "the green of `image`, or where it lies within a range";
    "blue", Blue, "the blue of `image`, or where it lies within a range";
    "saturation", Saturation, "how colourful `image` is, or where that lies within a range";
    "alpha", Alpha, "how opaque `image` is, or where that lies within a range";
    "depth", Depth, "how near it is by the input `depth` (1 the nearest), or where that lies within a range";
    "difference", Difference, "how far `image` is from `reference`, by the channel that differs most; or where that lies within a range";
};

static SOURCES: [Word; 6] = [
    Word {
        name: "color",
        about: "what has this colour: fully up to `tolerance` from it, fading over `soft` (distances in Oklab; lightness counts a third)",
        lead: Lead::Color,
        numbers: &[("tolerance", Some(0.1)), ("soft", Some(0.05))],
        bare: false,
        make: |parts| Some(MaskTree::Color { rgb: parts.color?, range: parts.numbers.try_into().ok()? }),
    },
    Word {
        name: "file",
        about: "the brightness of a picture, of numbered pictures (`mask_%04d.png`) or of a video",
        lead: Lead::Path,
        numbers: &[],
        bare: false,
        make: |parts| parts.path.map(MaskTree::File),
    },
    Word {
        name: "person",
        about: "the people in `image`, as the model of the parameter `model` sees them",
        lead: Lead::None,
        numbers: &[],
        bare: true,
        make: |_| Some(MaskTree::Model { path: None, class: Expr::constant(1.0) }),
    },
    Word {
        name: "model",
        about: "what a segmentation model (ONNX) finds in `image`: of several classes, the one with this number",
        lead: Lead::Path,
        numbers: &[("class", Some(1.0))],
        bare: false,
        make: |mut parts| Some(MaskTree::Model { path: Some(parts.path?), class: parts.numbers.pop()? }),
    },
    Word {
        name: "rectangle",
        about: "a rectangle: its centre and size as fractions of the picture; it fades over `soft`, a fraction of the height",
        lead: Lead::None,
        numbers: AREA,
        bare: true,
        make: |parts| Some(MaskTree::Area { round: false, place: parts.numbers.try_into().ok()? }),
    },
    Word {
        name: "ellipse",
        about: "an ellipse: its centre and size as fractions of the picture; it fades over `soft`, a fraction of the height",
        lead: Lead::None,
        numbers: AREA,
        bare: true,
        make: |parts| Some(MaskTree::Area { round: true, place: parts.numbers.try_into().ok()? }),
    },
];

static PAIRS: [Word; 2] = [
    Word {
        name: "mix",
        about: "a blend of two masks: `share` of the second",
        lead: Lead::Masks(2),
        numbers: &[("share", Some(0.5))],
        bare: false,
        make: |mut parts| Some(MaskTree::Mix(Box::new(parts.masks.try_into().ok()?), parts.numbers.pop()?)),
    },
    Word {
        name: "apart",
        about: "how far two masks lie apart",
        lead: Lead::Masks(2),
        numbers: &[],
        bare: false,
        make: |parts| Some(MaskTree::Join(Join::Apart, Box::new(parts.masks.try_into().ok()?))),
    },
];

static FILTERS: [Word; 8] = filters! {
    "grow", Grow, [("pixels", None)], "grown by so many pixels; shrunk below 0";
    "feather", Feather, [("pixels", None)], "with an edge that fades over so many pixels on either side";
    "refine", Refine, [("pixels", Some(8.0))], "drawn to the edges that `image` has within so many pixels (a guided filter)";
    "threshold", Threshold, [("level", Some(0.5))], "white from `level` on, black below";
    "levels", Levels, [("low", Some(0.0)), ("high", Some(1.0))], "stretched: black up to `low`, white from `high` on";
    "contrast", Contrast, [("factor", None)], "spread about its mean";
    "autocontrast", Autocontrast, [("low", Some(0.0)), ("high", Some(100.0))], "stretched between two percentiles";
    "equalize", Equalize, [], "with every brightness equally frequent";
};

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Word> {
    PLAIN.iter().chain(&MEASURES).chain(&SOURCES).chain(&PAIRS).chain(&FILTERS)
}
