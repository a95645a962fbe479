//! The kind `image_output`.

use std::path::PathBuf;

use crate::frame::Frame;
use crate::media::{ImageFormat, ImageWriter};
use crate::node::{Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::PathParam;

node! {
    /// Writes every frame as a picture of its own.
    ///
    /// Each file appears under its name only when it is whole. Without a number in the path the same file is written again and
    /// again, so that the last frame stays.
    "image_output" => ImageOutput
    inputs {
        /// The pictures.
        image: Frame,
    }
    params {
        /// The files: `frames/%05d.png` is numbered with at least five digits. png, jpg, webp, tiff, exr.
        path: PathParam;
        /// Bits of a sample in PNG and TIFF: 8 or 16.
        bits: i64 = 8, in 8.0..=16.0;
        /// The quality of JPEG.
        quality: i64 = 95, in 1.0..=100.0;
        /// The number of the first frame.
        start: i64 = 0, in 0.0..=1e9;
    }
}

/// The kind `image_output`.
pub struct ImageOutput {
    writer: ImageWriter,
    start: u64,
}

impl Params {
    fn writer(&self) -> Result<ImageWriter, crate::media::MediaError> {
        let bits = if self.bits > 8 { 16 } else { 8 };
        let format = ImageFormat::of(self.path.path(), bits, u8::try_from(self.quality).unwrap_or(95))?;
        ImageWriter::new(self.path.path(), format)
    }
}

impl Node for ImageOutput {
    /// The files written: how many, and the last.
    type State = (u64, Option<PathBuf>);

    fn outlook(params: &Params, _cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        params.writer().map_err(|error| vec![Problem::error("path", error.to_string())])?;
        Ok(Outlook { writes: vec![params.path.path().to_path_buf()], ..Outlook::default() })
    }

    fn open(params: &Params, _cx: &Open<'_>) -> Result<(Self, Self::State), Fault> {
        let node = Self { writer: params.writer()?, start: params.start.unsigned_abs() };
        Ok((node, (0, None)))
    }

    fn fire(&self, (count, last): &mut Self::State, cx: &Tick<'_>, inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        let number = self.start + cx.count;
        *last = Some(self.writer.write(&inputs.image, number)?);
        *count += 1;
        Ok(Outputs {})
    }

    fn finish(&self, (count, last): &mut Self::State, _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(last.iter().map(|last| format!("wrote {count} pictures, the last {}", super::encoder::shown(last).display())).collect())
    }
}
