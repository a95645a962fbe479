/// What a frame's numbers mean as light, as the code points of ITU-T H.273 (FFmpeg's enums have the same values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColorTags {
    /// Colour primaries: 1 BT.709, 9 BT.2020, 12 Display P3…
    pub primaries: u8,
    /// Transfer characteristics: 1 BT.709, 13 sRGB, 16 PQ, 18 HLG…
    pub transfer: u8,
    /// The `Y'CbCr` matrix that the source used and that an encoder should use again: 1 BT.709, 5/6 BT.601, 9 BT.2020; 0 RGB.
    pub matrix: u8,
    /// Whether the source coded black to white as 0 to 255 and not 16 to 235.
    pub full_range: bool,
    /// How the source stored its samples, by FFmpeg's name (`yuv420p`): what a lossless encoder uses again, so that a picture that
    /// was not changed comes out bit for bit.
    pub pixel: Option<&'static str>,
}

impl Default for ColorTags {
    /// BT.709 video in limited range.
    fn default() -> Self {
        Self { primaries: 1, transfer: 1, matrix: 1, full_range: false, pixel: None }
    }
}

impl ColorTags {
    /// A still picture: sRGB, full range.
    pub const SRGB: Self = Self { primaries: 1, transfer: 13, matrix: 0, full_range: true, pixel: None };
}
