//! The FFmpeg encoders behind our codec names, and the settings each of them understands.

/// How an encoder is told the quality.
#[derive(Debug, Clone, Copy)]
pub(super) enum Quality {
    /// A number under this option; smaller is better.
    Number { key: &'static str, default: f64, max: f64 },
    /// It has no such setting: lossless, or ruled by the preset.
    None,
}

/// How an encoder is told to trade speed for size.
#[derive(Debug, Clone, Copy)]
pub(super) enum Speed {
    /// One of these words under this option.
    Words { key: &'static str, words: &'static [&'static str], default: &'static str },
    /// A whole number under this option, greater is faster; x264's words are understood too.
    Number { key: &'static str, default: u32, max: u32 },
    /// It has no such setting.
    None,
}

/// One encoder of FFmpeg and what we know about driving it.
#[derive(Debug)]
pub(super) struct Recipe {
    /// FFmpeg's name for it; empty for an encoder that the author named and we know nothing of.
    pub encoder: &'static str,
    pub quality: Quality,
    pub speed: Speed,
    /// The default pixel format.
    pub pix_fmt: &'static str,
    /// Options that are always set.
    pub options: &'static [(&'static str, &'static str)],
    /// The least width and height it takes.
    pub least: usize,
    /// Whether it takes odd sizes with subsampled chroma.
    pub odd: bool,
}

impl Recipe {
    /// Whether x264's words for speed mean something to it.
    pub(super) fn has_speeds(&self) -> bool {
        match self.speed {
            Speed::Words { words, .. } => words == X264_WORDS,
            Speed::Number { .. } => true,
            Speed::None => false,
        }
    }
}

/// A codec by the name that authors use, with its encoders, the preferred first.
pub(super) struct Family {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub recipes: &'static [Recipe],
}

/// From slow to fast is right to left: the index divides the numeric ranges of other encoders.
pub(super) const X264_WORDS: &[&str] =
    &["placebo", "veryslow", "slower", "slow", "medium", "fast", "faster", "veryfast", "superfast", "ultrafast"];
const PRORES_WORDS: &[&str] = &["auto", "proxy", "lt", "standard", "hq", "4444", "4444xq"];

const H264: &[Recipe] = &[
    Recipe {
        encoder: "libx264",
        quality: Quality::Number { key: "crf", default: 18.0, max: 51.0 },
        speed: Speed::Words { key: "preset", words: X264_WORDS, default: "medium" },
        pix_fmt: "yuv420p",
        options: &[],
        least: 1,
        odd: false,
    },
    Recipe {
        encoder: "libopenh264",
        quality: Quality::None,
        speed: Speed::None,
        pix_fmt: "yuv420p",
        options: &[("b", "12000000")],
        least: 16,
        odd: false,
    },
];

const HEVC: &[Recipe] = &[Recipe {
    encoder: "libx265",
    quality: Quality::Number { key: "crf", default: 20.0, max: 51.0 },
    speed: Speed::Words { key: "preset", words: X264_WORDS, default: "medium" },
    pix_fmt: "yuv420p",
    options: &[("x265-params", "log-level=error"), ("threads", "3")],
    least: 16,
    odd: false,
}];

const AV1: &[Recipe] = &[
    Recipe {
        encoder: "libsvtav1",
        quality: Quality::Number { key: "crf", default: 24.0, max: 63.0 },
        speed: Speed::Number { key: "preset", default: 7, max: 12 },
        pix_fmt: "yuv420p10le",
        options: &[("g", "120")],
        least: 64,
        odd: false,
    },
    Recipe {
        encoder: "libaom-av1",
        quality: Quality::Number { key: "crf", default: 22.0, max: 63.0 },
        speed: Speed::Number { key: "cpu-used", default: 5, max: 8 },
        pix_fmt: "yuv420p10le",
        options: &[("row-mt", "1"), ("b", "0"), ("tile-columns", "1"), ("g", "120")],
        least: 1,
        odd: true,
    },
    Recipe {
        encoder: "librav1e",
        quality: Quality::Number { key: "qp", default: 70.0, max: 255.0 },
        speed: Speed::Number { key: "speed", default: 7, max: 10 },
        pix_fmt: "yuv420p10le",
        options: &[("g", "120")],
        least: 16,
        odd: true,
    },
];

const VP9: &[Recipe] = &[Recipe {
    encoder: "libvpx-vp9",
    quality: Quality::Number { key: "crf", default: 22.0, max: 63.0 },
    speed: Speed::Number { key: "cpu-used", default: 3, max: 8 },
    pix_fmt: "yuv420p",
    options: &[("row-mt", "1"), ("b", "0"), ("deadline", "good"), ("tile-columns", "2"), ("g", "120")],
    least: 1,
    odd: true,
}];

const PRORES: &[Recipe] = &[
    Recipe {
        encoder: "prores_ks",
        quality: Quality::None,
        speed: Speed::Words { key: "profile", words: PRORES_WORDS, default: "auto" },
        pix_fmt: "yuv422p10le",
        options: &[("vendor", "apl0")],
        least: 1,
        odd: true,
    },
    Recipe { encoder: "prores", quality: Quality::None, speed: Speed::None, pix_fmt: "yuv422p10le", options: &[], least: 1, odd: false },
];

// Every 8-bit RGB colour survives the way to 10-bit 4:4:4 Y'CbCr and back.
const FFV1: &[Recipe] = &[Recipe {
    encoder: "ffv1",
    quality: Quality::None,
    speed: Speed::None,
    pix_fmt: "yuv444p10le",
    options: &[("level", "3"), ("g", "1"), ("slicecrc", "1")],
    least: 1,
    odd: true,
}];

const GIF: &[Recipe] =
    &[Recipe { encoder: "gif", quality: Quality::None, speed: Speed::None, pix_fmt: "pal8", options: &[], least: 1, odd: true }];

pub(super) const FAMILIES: &[Family] = &[
    Family { name: "h264", aliases: &["avc", "x264"], recipes: H264 },
    Family { name: "hevc", aliases: &["h265", "x265"], recipes: HEVC },
    Family { name: "av1", aliases: &[], recipes: AV1 },
    Family { name: "vp9", aliases: &[], recipes: VP9 },
    Family { name: "prores", aliases: &[], recipes: PRORES },
    Family { name: "ffv1", aliases: &[], recipes: FFV1 },
    Family { name: "gif", aliases: &[], recipes: GIF },
];

/// For an encoder that the author named himself: his settings are handed on under their usual names.
pub(super) const UNKNOWN: Recipe =
    Recipe { encoder: "", quality: Quality::None, speed: Speed::None, pix_fmt: "yuv420p", options: &[], least: 1, odd: false };
