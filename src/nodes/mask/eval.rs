//! A mask expression at one tick.

use std::path::PathBuf;

use super::{Inputs, MaskNode};
use crate::frame::{Frame, Mask, Raster, Size};
use crate::kernel::tone::{self, Grey};
use crate::kernel::{blur, color, mask};
use crate::node::Fault;
use crate::param::{Filter, Join, Linked, MaskTree, Measure};

/// What an expression is computed from.
pub struct Eval<'a> {
    pub node: &'a MaskNode,
    pub inputs: &'a Inputs,
    pub size: Size,
    pub tick: u64,
}

impl Eval<'_> {
    /// The mask that `tree` describes.
    pub fn tree(&self, tree: &MaskTree<f64>) -> Result<Raster, Fault> {
        Ok(match tree {
            MaskTree::Fill(all) => filled(self.size, if *all { 1.0 } else { 0.0 }),
            MaskTree::Linked(linked) => self.linked(*linked)?,
            MaskTree::Measure { of, within } => {
                let values = self.measure(*of)?;
                match within.map(|range| range.map(|v| v as f32)) {
                    Some([low, high, soft]) => mask::within(values, low, high, soft),
                    None => values,
                }
            }
            MaskTree::Color { rgb, range } => {
                mask::color_key(&self.image()?.raster, *rgb, range[0].max(0.0) as f32, range[1].max(0.0) as f32)
            }
            MaskTree::File(path) => self.node.files.at(path.path(), self.tick, self.size)?,
            MaskTree::Model { path, class } => {
                let key = path.as_ref().map_or_else(PathBuf::new, |path| path.path().to_path_buf());
                let model = self.node.models.get(&key).ok_or_else(|| Fault::new("the model for this mask is not loaded"))?;
                model.mask(&self.image()?.raster, class.max(0.0) as usize)?
            }
            MaskTree::Area { round, place } => mask::area(self.size, *round, place.map(|v| v as f32)),
            MaskTree::Not(inner) => mask::not(self.tree(inner)?),
            MaskTree::Join(join, both) => mask::join(self.tree(&both[0])?, &self.tree(&both[1])?, kernel(*join)),
            MaskTree::Mix(both, share) => mask::mix(self.tree(&both[0])?, &self.tree(&both[1])?, share.clamp(0.0, 1.0) as f32),
            MaskTree::Filter(filter, inner, numbers) => self.filter(*filter, self.tree(inner)?, numbers)?,
        })
    }

    fn filter(&self, filter: Filter, inner: Raster, numbers: &[f64]) -> Result<Raster, Fault> {
        let number = |index: usize| numbers.get(index).copied().unwrap_or_default();
        let (first, second) = (number(0) as f32, number(1) as f32);
        let mut inner = inner;
        Ok(match filter {
            Filter::Grow => mask::grow(&inner, first),
            Filter::Feather => blur::gaussian(&inner, first / 2.0),
            Filter::Refine => mask::refine(&inner, &self.image()?.raster, first),
            Filter::Threshold => mask::change(inner, |v| if v >= first { 1.0 } else { 0.0 }),
            Filter::Levels if first < second => mask::change(inner, |v| ((v - first) / (second - first)).clamp(0.0, 1.0)),
            Filter::Levels => mask::change(inner, |v| if v >= first { 1.0 } else { 0.0 }),
            Filter::Contrast => {
                let mean = tone::mean(inner.data());
                mask::change(inner, |v| (mean + first * (v - mean)).clamp(0.0, 1.0))
            }
            Filter::Autocontrast => {
                tone::stretch(inner.data_mut(), [number(0) / 100.0, number(1) / 100.0]);
                inner
            }
            Filter::Equalize => {
                tone::equalize(inner.data_mut());
                inner
            }
        })
    }

    fn linked(&self, linked: Linked) -> Result<Raster, Fault> {
        let Inputs { a, b, c, d, video, .. } = self.inputs;
        let of = |mask: &Option<Mask>| mask.as_ref().map(|mask| mask.0.clone());
        let found = match linked {
            Linked::A => of(a),
            Linked::B => of(b),
            Linked::C => of(c),
            Linked::D => of(d),
            Linked::Video => video.as_ref().map(|frame| brightness(&frame.raster)),
        };
        self.fits(linked.word(), found)
    }

    fn measure(&self, of: Measure) -> Result<Raster, Fault> {
        let channel = |index: usize| self.image().map(|image| plane(&image.raster, index));
        Ok(match of {
            Measure::Luma => brightness(&self.image()?.raster),
            Measure::Reference => brightness(&self.reference()?.raster),
            Measure::Red => channel(0)?,
            Measure::Green => channel(1)?,
            Measure::Blue => channel(2)?,
            Measure::Alpha if self.image()?.has_alpha() => channel(3)?,
            Measure::Alpha => filled(self.size, 1.0),
            Measure::Saturation => mask::measure(&self.image()?.raster, |rgb| color::rgb_to_hsv(rgb)[1]),
            Measure::Difference => mask::difference(&self.image()?.raster, &self.reference()?.raster),
            Measure::Depth => self.fits("depth", self.inputs.depth.as_ref().map(|depth| depth.0.clone()))?,
        })
    }

    fn image(&self) -> Result<&Frame, Fault> {
        self.frame("image", self.inputs.image.as_ref())
    }

    fn reference(&self) -> Result<&Frame, Fault> {
        self.frame("reference", self.inputs.reference.as_ref())
    }

    fn frame<'a>(&self, name: &str, frame: Option<&'a Frame>) -> Result<&'a Frame, Fault> {
        let frame = frame.ok_or_else(|| unlinked(name))?;
        if frame.size() == self.size { Ok(frame) } else { Err(differs(name, frame.size(), self.size)) }
    }

    fn fits(&self, name: &str, found: Option<Raster>) -> Result<Raster, Fault> {
        let found = found.ok_or_else(|| unlinked(name))?;
        if found.size() == self.size { Ok(found) } else { Err(differs(name, found.size(), self.size)) }
    }
}

fn unlinked(name: &str) -> Fault {
    Fault::new(format!("the expression reads `{name}`, but nothing is linked to it")).help(format!("add `{name}: NODE`"))
}

fn differs(name: &str, size: Size, expected: Size) -> Fault {
    Fault::new(format!("`{name}` is {size}, but the mask is {expected}")).help(format!("put a `resize` node before `{name}`"))
}

fn filled(size: Size, value: f32) -> Raster {
    let mut raster = Raster::uninit(size, 1);
    raster.data_mut().fill(value);
    raster
}

fn plane(picture: &Raster, index: usize) -> Raster {
    let mut out = Raster::uninit(picture.size(), 1);
    out.data_mut().copy_from_slice(picture.plane(index));
    out
}

/// The greys of a picture, held to 0..1; black where it is transparent.
pub fn brightness(picture: &Raster) -> Raster {
    let [r, g, b] = Grey::Bt601.weights();
    // From green on, so that greys come out exactly.
    let grey = mask::measure(picture, |[red, green, blue]| (green + r * (red - green) + b * (blue - green)).clamp(0.0, 1.0));
    debug_assert!((r + g + b - 1.0).abs() < 1e-6);
    if picture.planes() > 3 { mask::join(grey, &plane(picture, 3), mask::Join::And) } else { grey }
}

fn kernel(join: Join) -> mask::Join {
    match join {
        Join::And => mask::Join::And,
        Join::Or => mask::Join::Or,
        Join::Xor => mask::Join::Xor,
        Join::Minus => mask::Join::Minus,
        Join::Apart => mask::Join::Apart,
    }
}
