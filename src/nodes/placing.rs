//! How sources fit their pictures to the timeline.

use crate::frame::{Frame, Size};
use crate::kernel::resample::{self, Filter, Pad};

pub use super::resize::Fit;

/// `frame`, which is meant to be seen at `shown` (its pixels may not be square), fitted to `size`.
#[must_use]
pub fn place(frame: Frame, shown: Size, size: Size, fit: Fit) -> Frame {
    if frame.size() == size && shown == size {
        return frame;
    }
    let filter = |from: Size| if from.area() > size.area() { Filter::Area } else { Filter::Bicubic };
    // Pixels are squared and fitted in one go when the proportions need nothing else.
    if fit == Fit::Stretch || shown.width * size.height == shown.height * size.width {
        return resample::resize_frame(&frame, size, filter(frame.size()), resample::Fit::Stretch, Pad::BLACK);
    }
    let square = if frame.size() == shown {
        frame
    } else {
        resample::resize_frame(&frame, shown, Filter::Bicubic, resample::Fit::Stretch, Pad::BLACK)
    };
    resample::resize_frame(&square, size, filter(shown), fit.into(), Pad::BLACK)
}
