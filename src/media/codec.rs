//! Codecs by the names that authors use, resolved to encoders of this FFmpeg and their options.

use std::str::FromStr;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Codec, Dictionary, encoder};

use super::container::Container;
use super::recipes::{FAMILIES, Quality, Recipe, Speed, UNKNOWN, X264_WORDS};
use super::{EncodeOptions, OutputError, pixels, sys};
use crate::frame::Size;

/// A codec that authors can name, for `frameloom doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecInfo {
    /// The name to write in a graph.
    pub name: &'static str,
    /// The FFmpeg encoder that is used, or `None` when this FFmpeg has none.
    pub encoder: Option<&'static str>,
    /// The encoders looked for, in order.
    pub candidates: Vec<&'static str>,
    /// The pixel formats that it takes and we can fill.
    pub pix_fmts: Vec<&'static str>,
}

/// Every codec we know by name, with what this FFmpeg has for it.
#[must_use]
pub fn available() -> Vec<CodecInfo> {
    FAMILIES
        .iter()
        .map(|family| {
            let found = family.recipes.iter().find(|r| find(r.encoder).is_some());
            CodecInfo {
                name: family.name,
                encoder: found.map(|r| r.encoder),
                candidates: family.recipes.iter().map(|r| r.encoder).collect(),
                pix_fmts: found.and_then(|r| find(r.encoder)).map(pixel_names).unwrap_or_default(),
            }
        })
        .collect()
}

/// A codec resolved to one of this FFmpeg's encoders.
#[derive(Debug)]
pub(super) struct Choice {
    /// The encoder's name.
    pub encoder: String,
    recipe: &'static Recipe,
}

impl Choice {
    /// Resolves `codec` (`None` or `auto`: the container's own) and checks that `container` holds it.
    pub(super) fn new(codec: Option<&str>, container: &'static Container) -> Result<Self, OutputError> {
        let name = codec.filter(|c| *c != "auto").map_or(container.codecs[0].to_owned(), str::to_ascii_lowercase);
        let Some(family) = FAMILIES.iter().find(|f| f.name == name || f.aliases.contains(&name.as_str())) else {
            return Self::by_encoder(&name, container);
        };
        if !container.codecs.contains(&family.name) {
            return Err(misfit(container, family.name));
        }
        let recipe = family.recipes.iter().find(|r| find(r.encoder).is_some());
        recipe.map(|recipe| Self { encoder: recipe.encoder.to_owned(), recipe }).ok_or_else(|| OutputError::NoEncoder {
            codec: family.name.to_owned(),
            wanted: family.recipes.iter().map(|r| r.encoder).collect::<Vec<_>>().join(", "),
            available: available_names(FAMILIES.iter().map(|f| f.name)),
        })
    }

    /// An encoder by FFmpeg's own name, such as `h264_nvenc`.
    fn by_encoder(name: &str, container: &'static Container) -> Result<Self, OutputError> {
        let Some(codec) = find(name) else {
            let known: Vec<_> = FAMILIES.iter().map(|f| f.name).collect();
            let others = sys::video_encoders();
            let near = crate::diag::nearest(name, others.iter().map(String::as_str)).map(|n| format!(" (or the FFmpeg encoder `{n}`)"));
            return Err(OutputError::UnknownCodec { codec: name.to_owned(), known: known.join(", ") + &near.unwrap_or_default() });
        };
        if !sys::muxer_takes(container.muxer, codec.id()) {
            return Err(misfit(container, name));
        }
        let recipe = FAMILIES.iter().flat_map(|f| f.recipes).find(|r| r.encoder == name).unwrap_or(&UNKNOWN);
        Ok(Self { encoder: name.to_owned(), recipe })
    }

    /// The same codec's first encoder that takes pictures of `size`, if there is one.
    pub(super) fn fit(self, size: Size) -> Self {
        let side = size.width.min(size.height);
        let family = FAMILIES.iter().find(|f| f.recipes.iter().any(|r| r.encoder == self.encoder));
        let other = family
            .filter(|_| side < self.recipe.least)
            .and_then(|f| f.recipes.iter().find(|r| side >= r.least && find(r.encoder).is_some()));
        other.map_or(self, |recipe| Self { encoder: recipe.encoder.to_owned(), recipe })
    }

    /// Whether odd sizes with subsampled chroma can be encoded as they are.
    pub(super) fn takes_odd(&self) -> bool {
        self.recipe.odd
    }

    /// The encoder.
    pub(super) fn codec(&self) -> Result<Codec, OutputError> {
        find(&self.encoder).ok_or_else(|| OutputError::UnknownCodec { codec: self.encoder.clone(), known: String::new() })
    }

    /// The pixel format to encode: the author's, checked; for a lossless codec the source's; or the default.
    pub(super) fn pixel(&self, wanted: Option<&str>, source: Option<&str>) -> Result<Pixel, OutputError> {
        let codec = self.codec()?;
        let supported = pixel_names(codec);
        let source = source.filter(|source| self.encoder == LOSSLESS && supported.contains(source));
        let wanted = wanted.or(source).unwrap_or(if supported.contains(&self.recipe.pix_fmt) || supported.is_empty() {
            self.recipe.pix_fmt
        } else {
            supported[0]
        });
        let pixel = Pixel::from_str(wanted).ok().filter(|p| supported.contains(&name(*p)));
        pixel.ok_or_else(|| OutputError::PixelFormat {
            encoder: self.encoder.clone(),
            pix_fmt: wanted.to_owned(),
            supported: supported.join(", "),
        })
    }

    /// The encoder's private options for the quality and speed that `wanted` asks for.
    pub(super) fn options(&self, wanted: &EncodeOptions, pixel: Pixel) -> Result<Dictionary<'static>, OutputError> {
        // A fixed number: x264 codes the same frames differently on another number of threads.
        let mut options: Dictionary = [("threads", "8")].into_iter().chain(self.recipe.options.iter().copied()).collect();
        if self.encoder.starts_with("libvpx") && pixels::has_alpha(pixel) {
            // libvpx refuses alpha beside its hidden reference frames.
            options.set("auto-alt-ref", "0");
        }
        self.set_quality(wanted.crf, &mut options)?;
        let draft = (wanted.draft && self.recipe.has_speeds()).then_some("veryfast");
        self.set_speed(wanted.preset.as_deref().or(draft), pixel, &mut options)?;
        Ok(options)
    }

    fn set_quality(&self, crf: Option<f64>, options: &mut Dictionary) -> Result<(), OutputError> {
        let refuse = |crf, help: String| Err(OutputError::Quality { encoder: self.encoder.clone(), crf, help });
        match (self.recipe.quality, crf) {
            (Quality::Number { key, default, max }, _) => {
                let value = crf.unwrap_or(default);
                if !(0.0..=max).contains(&value) {
                    return refuse(value, format!("write a number from 0 (best) to {max}"));
                }
                // Most of these options are whole numbers, and FFmpeg reads `18` as either.
                options.set(key, &value.to_string());
            }
            (Quality::None, Some(crf)) if self.recipe.encoder.is_empty() => options.set("crf", &crf.to_string()),
            (Quality::None, Some(crf)) => return refuse(crf, "leave it out: this encoder has no such setting".to_owned()),
            (Quality::None, None) => {}
        }
        Ok(())
    }

    fn set_speed(&self, preset: Option<&str>, pixel: Pixel, options: &mut Dictionary) -> Result<(), OutputError> {
        let refuse = |help: String| {
            let preset = preset.unwrap_or_default().to_owned();
            Err(OutputError::Preset { encoder: self.encoder.clone(), preset, help })
        };
        match self.recipe.speed {
            Speed::Words { key, words, default } => {
                let word = preset.unwrap_or(default);
                if !words.contains(&word) {
                    return refuse(format!("write one of {}", words.join(", ")));
                }
                options.set(key, if word == "auto" { prores_profile(pixel) } else { word });
            }
            Speed::Number { key, default, max } => {
                let by_word = |word: &str| X264_WORDS.iter().position(|w| *w == word).map(|at| at as u32 * max / 9);
                let number = preset.map_or(Some(default), |p| by_word(p).or_else(|| p.parse().ok()).filter(|n| *n <= max));
                let Some(number) = number else {
                    return refuse(format!("write a number from 0 (slow) to {max} (fast), or one of {}", X264_WORDS.join(", ")));
                };
                options.set(key, &number.to_string());
            }
            Speed::None => match preset {
                Some(preset) if self.recipe.encoder.is_empty() => options.set("preset", preset),
                Some(_) => return refuse("leave it out: this encoder has none".to_owned()),
                None => {}
            },
        }
        Ok(())
    }
}

fn prores_profile(pixel: Pixel) -> &'static str {
    if name(pixel).contains("444") { "4444" } else { "hq" }
}

fn misfit(container: &Container, codec: &str) -> OutputError {
    OutputError::Container {
        extension: container.extension().to_owned(),
        codec: codec.to_owned(),
        fitting: available_names(container.codecs.iter().copied()),
    }
}

fn available_names(of: impl Iterator<Item = &'static str>) -> String {
    let all = available();
    let has = |name: &&str| all.iter().any(|c| c.name == *name && c.encoder.is_some());
    of.filter(has).collect::<Vec<_>>().join(", ")
}

fn find(encoder: &str) -> Option<Codec> {
    // The wrapper would panic on a NUL.
    if encoder.is_empty() || encoder.contains('\0') { None } else { encoder::find_by_name(encoder).filter(Codec::is_video) }
}

/// The encoder whose pictures come back bit for bit.
const LOSSLESS: &str = "ffv1";

/// The pixel formats that `codec` takes and we can fill.
fn pixel_names(codec: Codec) -> Vec<&'static str> {
    let Some(formats) = codec.video().ok().and_then(|v| v.formats()) else { return Vec::new() };
    formats.filter(|p| *p == Pixel::PAL8 || pixels::supported(*p)).map(name).collect()
}

/// FFmpeg's name of `pixel`.
pub(super) fn name(pixel: Pixel) -> &'static str {
    pixel.descriptor().map_or("none", |d| d.name())
}
