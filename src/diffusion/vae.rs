//! Pictures to latents and back.

use std::sync::{Arc, OnceLock};

use super::DiffusionError;
use super::folder::{ModelFolder, VaeConfig};
use super::latent::{Latents, apply, combine};
use super::networks::Networks;
use super::tiles::{Planes, tiled};
use crate::frame::{Raster, Size};
use crate::kernel::resample::{Filter, resize};
use crate::model::{Session, SessionOptions, TensorRef, first_bad};

/// Pictures of more pixels than this are coded in tiles where nothing is said: beyond, the coder takes gigabytes.
const WHOLE: usize = 1_600_000;
/// The side of those tiles in pixels.
const TILE: usize = 1024;

/// One half of the picture coder.
struct Half {
    session: Arc<Session>,
    part: &'static str,
    config: VaeConfig,
    networks: Arc<dyn Networks>,
    options: SessionOptions,
    /// The same in single precision, opened when half precision has failed.
    wide: OnceLock<Option<Arc<Session>>>,
}

impl Half {
    fn open(folder: &ModelFolder, part: &'static str, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let session = folder.networks.open(part, options)?;
        let (config, networks) = (folder.vae.clone(), Arc::clone(&folder.networks));
        Ok(Self { session, part, config, networks, options: options.clone(), wide: OnceLock::new() })
    }

    /// What the network makes of `input`. Where half precision gives numbers that are none (SDXL's coder is known for it), single
    /// precision is tried; each picture anew, so that none depends on those before it.
    fn run(&self, input: &Planes) -> Result<Planes, DiffusionError> {
        let made = self.run_on(&self.session, input)?;
        if first_bad(&made.data).is_none() {
            return Ok(made);
        }
        let wide = match self.wide.get() {
            Some(wide) => wide,
            None => {
                let opened = self.networks.open_widened(self.part, &self.options)?;
                tracing::warn!("{}: not a number in half precision; single precision is used", self.session.path().display());
                self.wide.get_or_init(|| opened)
            }
        };
        let made = wide.as_ref().map(|wide| self.run_on(wide, input)).transpose()?;
        let sound = made.filter(|made| first_bad(&made.data).is_none());
        sound.ok_or(DiffusionError::Broken { part: self.part, retried: wide.is_some() })
    }

    fn run_on(&self, session: &Session, input: &Planes) -> Result<Planes, DiffusionError> {
        let odd = |why: String| DiffusionError::Signature { part: self.part, why };
        let name = session.inputs().first().ok_or_else(|| odd("has no input".to_owned()))?;
        let shape = [1, input.channels, input.height, input.width];
        let tensor = TensorRef::of(&input.data, &shape).ok_or_else(|| odd(format!("cannot be given {shape:?}")))?;
        let mut outputs = session.run(&[(&name.name, tensor)])?;
        let output = if outputs.is_empty() { None } else { Some(outputs.swap_remove(0).into_f32()) };
        let output = output.ok_or_else(|| odd("gave nothing".to_owned()))?;
        let &[1, channels, height, width] = output.shape() else {
            return Err(odd(format!("gave an output of shape {:?}", output.shape())));
        };
        let (data, offset) = output.into_raw_vec_and_offset();
        if offset.unwrap_or(0) != 0 || data.len() != channels * height * width {
            return Err(odd("gave an output with holes".to_owned()));
        }
        Ok(Planes { channels, height, width, data })
    }

    /// [`Half::run`] for pictures of `pixels`, in tiles of `tile` pixels (0 for none) where they are larger than that, or where nothing
    /// is said and they are very large. `scales` is by how much lengths are multiplied, and divided.
    fn run_tiled(&self, input: &Planes, pixels: usize, tile: Option<usize>, scales: (usize, usize)) -> Result<Planes, DiffusionError> {
        let tile = tile.unwrap_or(if pixels > WHOLE { TILE } else { 0 });
        let factor = self.config.factor();
        // Less than eight latents leave no picture between the seams.
        let side = (tile / factor).max(8) * scales.1;
        if tile == 0 || (input.height <= side && input.width <= side) {
            self.run(input)
        } else {
            tiled(input, side, scales, |part| self.run(&part))
        }
    }
}

/// The encoder: pictures to latents.
pub struct VaeEncoder {
    half: Half,
}

/// The decoder: latents to pictures.
pub struct VaeDecoder {
    half: Half,
}

impl VaeEncoder {
    /// Loads `vae_encoder/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        Ok(Self { half: Half::open(folder, "vae_encoder", options)? })
    }

    /// The latents of one picture, given as three planes of size `padded` from -1 to 1; `noise` is asked for when the encoder gives a
    /// distribution to draw from. `tile` is the side of tiles in pixels, 0 for none; see [`Request::tile`](super::Request::tile).
    ///
    /// Exports differ: most give mean and logarithm of the variance (`latent_parameters`), some the drawn latents
    /// (`latent_sample`). The number of channels tells which.
    pub fn encode(
        &self,
        planes: Vec<f32>,
        padded: Size,
        tile: Option<usize>,
        noise: &mut dyn FnMut(usize) -> Vec<f32>,
    ) -> Result<Latents, DiffusionError> {
        let config = &self.half.config;
        let input = Planes { channels: 3, height: padded.height, width: padded.width, data: planes };
        let mut coded = self.half.run_tiled(&input, padded.area(), tile, (1, config.factor()))?;
        let wanted = config.latent_channels;
        if coded.channels == 2 * wanted {
            let mut deviation = coded.data.split_off(coded.data.len() / 2);
            apply(&mut deviation, |v| (0.5 * v.clamp(-30.0, 20.0)).exp());
            combine(&mut deviation, &noise(wanted * coded.height * coded.width), |d, n| d * n);
            combine(&mut coded.data, &deviation, |mean, d| mean + d);
        } else if coded.channels != wanted {
            let why = format!("gives {} channels where {wanted} or {} are expected", coded.channels, 2 * wanted);
            return Err(DiffusionError::Signature { part: "vae_encoder", why });
        }
        let (scale, shift) = (config.scaling_factor, config.shift_factor.unwrap_or(0.0));
        apply(&mut coded.data, |x| (x - shift) * scale);
        Ok(Latents { shape: [1, wanted, coded.height, coded.width], data: coded.data })
    }
}

impl VaeDecoder {
    /// Loads `vae_decoder/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        Ok(Self { half: Half::open(folder, "vae_decoder", options)? })
    }

    /// The pictures of all latents, each cut to its upper left `size`. `tile` as for [`VaeEncoder::encode`].
    pub fn decode(&self, latents: &Latents, size: Size, tile: Option<usize>) -> Result<Vec<Raster>, DiffusionError> {
        let [_, channels, height, width] = latents.shape;
        let config = &self.half.config;
        let (scale, shift) = (config.scaling_factor, config.shift_factor.unwrap_or(0.0));
        let factor = config.factor();
        // One at a time: decoding takes more memory than all else.
        let each = latents.data.chunks_exact(channels * height * width);
        each.map(|one| {
            let mut input = Planes { channels, height, width, data: one.to_vec() };
            apply(&mut input.data, |x| x / scale + shift);
            let made = self.half.run_tiled(&input, height * width * factor * factor, tile, (factor, 1))?;
            if made.channels != 3 || made.height < size.height || made.width < size.width {
                let why =
                    format!("gave {} planes of {}x{} where 3 of at least {size} are expected", made.channels, made.width, made.height);
                return Err(DiffusionError::Signature { part: "vae_decoder", why });
            }
            Ok(from_network(&made.data, Size::new(made.width, made.height), size))
        })
        .collect()
    }
}

/// The colour planes stretched to `size` where they are of another, each value limited to 0..1 and mapped by `map`, continued to `padded`
/// on the right and below by reflection.
pub(super) fn planes(raster: &Raster, size: Size, padded: Size, map: impl Fn(f32) -> f32) -> Vec<f32> {
    let stretched = (raster.size() != size).then(|| resize(raster, size, Filter::Bicubic));
    let raster = stretched.as_ref().unwrap_or(raster);
    let mut out = Vec::with_capacity(3 * padded.area());
    for plane in 0..3 {
        let plane = raster.plane(plane);
        for y in 0..padded.height {
            let row = &plane[reflect(y, size.height) * size.width..][..size.width];
            out.extend(row.iter().map(|v| map(v.clamp(0.0, 1.0))));
            out.extend((size.width..padded.width).map(|x| map(row[reflect(x, size.width)].clamp(0.0, 1.0))));
        }
    }
    out
}

/// The colour planes as the coder reads them, -1 to 1, continued to `padded`.
pub(super) fn to_network(raster: &Raster, padded: Size) -> Vec<f32> {
    planes(raster, raster.size(), padded, |v| 2.0 * v - 1.0)
}

/// The upper left `size` of the coder's picture, 0 to 1.
fn from_network(data: &[f32], full: Size, size: Size) -> Raster {
    let mut raster = Raster::uninit(size, 3);
    for (plane, from) in raster.planes_mut().zip(data.chunks_exact(full.area())) {
        for (row, from) in plane.chunks_exact_mut(size.width).zip(from.chunks_exact(full.width)) {
            for (to, from) in row.iter_mut().zip(from) {
                *to = (from / 2.0 + 0.5).clamp(0.0, 1.0);
            }
        }
    }
    raster
}

/// `at` folded back into `0..len` at the edges, without repeating the edge itself.
fn reflect(at: usize, len: usize) -> usize {
    if len < 2 {
        return 0;
    }
    let period = 2 * (len - 1);
    let at = at % period;
    at.min(period - at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_padded_by_reflection_and_cut_back() {
        let raster = Raster::from_vec(Size::new(3, 1), 3, (0..9).map(|v| v as f32 / 8.0).collect());
        let padded = Size::new(6, 2);
        let input = to_network(&raster, padded);
        let first: Vec<f32> = input[..6].iter().map(|v| (v + 1.0) * 4.0).collect();
        assert_eq!(first, [0.0, 1.0, 2.0, 1.0, 0.0, 1.0]);
        assert_eq!(input[..6], input[6..12]);
        assert_eq!(from_network(&input, padded, raster.size()).data(), raster.data());
    }
}
