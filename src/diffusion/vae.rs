//! Pictures to latents and back.

use std::sync::Arc;

use super::DiffusionError;
use super::folder::{ModelFolder, VaeConfig};
use super::latent::{Latents, apply, combine};
use crate::frame::{Raster, Size};
use crate::kernel::resample::{Filter, resize};
use crate::model::{Session, SessionOptions, TensorRef};

/// One half of the picture coder.
struct Half {
    session: Arc<Session>,
    part: &'static str,
}

impl Half {
    fn open(folder: &ModelFolder, part: &'static str, options: &SessionOptions) -> Result<Self, DiffusionError> {
        Ok(Self { session: folder.networks.open(part, options)?, part })
    }

    fn run(&self, data: &[f32], shape: [usize; 4]) -> Result<Latents, DiffusionError> {
        let odd = |why: String| DiffusionError::Signature { part: self.part, why };
        let input = self.session.inputs().first().ok_or_else(|| odd("has no input".to_owned()))?;
        let tensor = TensorRef::of(data, &shape).ok_or_else(|| odd(format!("cannot be given {shape:?}")))?;
        let mut outputs = self.session.run(&[(&input.name, tensor)])?;
        let output = if outputs.is_empty() { None } else { Some(outputs.swap_remove(0).into_f32()) };
        let output = output.ok_or_else(|| odd("gave nothing".to_owned()))?;
        let &[n, c, h, w] = output.shape() else {
            return Err(odd(format!("gave an output of shape {:?}", output.shape())));
        };
        let (data, offset) = output.into_raw_vec_and_offset();
        let sound = offset.unwrap_or(0) == 0;
        Latents::new([n, c, h, w], data).filter(|_| sound).ok_or_else(|| odd("gave an output with holes".to_owned()))
    }
}

/// The encoder: pictures to latents.
pub struct VaeEncoder {
    half: Half,
    config: VaeConfig,
}

/// The decoder: latents to pictures.
pub struct VaeDecoder {
    half: Half,
    config: VaeConfig,
}

impl VaeEncoder {
    /// Loads `vae_encoder/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        Ok(Self { half: Half::open(folder, "vae_encoder", options)?, config: folder.vae.clone() })
    }

    /// The latents of one picture, given as three planes of size `padded` from -1 to 1; `noise` is asked for when the encoder gives a distribution to draw from.
    ///
    /// Exports differ: most give mean and logarithm of the variance (`latent_parameters`), some the drawn latents
    /// (`latent_sample`). The number of channels tells which.
    pub fn encode(&self, planes: &[f32], padded: Size, noise: &mut dyn FnMut(usize) -> Vec<f32>) -> Result<Latents, DiffusionError> {
        let mut coded = self.half.run(planes, [1, 3, padded.height, padded.width])?;
        let [n, channels, h, w] = coded.shape;
        let wanted = self.config.latent_channels;
        if channels == 2 * wanted {
            let mut deviation = coded.data.split_off(coded.data.len() / 2);
            apply(&mut deviation, |v| (0.5 * v.clamp(-30.0, 20.0)).exp());
            combine(&mut deviation, &noise(wanted * h * w), |d, n| d * n);
            combine(&mut coded.data, &deviation, |mean, d| mean + d);
            coded.shape = [n, wanted, h, w];
        } else if channels != wanted {
            let why = format!("gives {channels} channels where {wanted} or {} are expected", 2 * wanted);
            return Err(DiffusionError::Signature { part: "vae_encoder", why });
        }
        let (scale, shift) = (self.config.scaling_factor, self.config.shift_factor.unwrap_or(0.0));
        apply(&mut coded.data, |x| (x - shift) * scale);
        Ok(coded)
    }
}

impl VaeDecoder {
    /// Loads `vae_decoder/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        Ok(Self { half: Half::open(folder, "vae_decoder", options)?, config: folder.vae.clone() })
    }

    /// The pictures of all latents, each cut to its upper left `size`.
    pub fn decode(&self, latents: &Latents, size: Size) -> Result<Vec<Raster>, DiffusionError> {
        let [_, c, h, w] = latents.shape;
        let (scale, shift) = (self.config.scaling_factor, self.config.shift_factor.unwrap_or(0.0));
        // One at a time: decoding takes more memory than all else.
        let each = latents.data.chunks_exact(c * h * w);
        each.map(|one| {
            let mut one = one.to_vec();
            apply(&mut one, |x| x / scale + shift);
            let picture = self.half.run(&one, [1, c, h, w])?;
            let [_, channels, height, width] = picture.shape;
            if channels != 3 || height < size.height || width < size.width {
                let why = format!("gave {channels} planes of {width}x{height} where 3 of at least {size} are expected");
                return Err(DiffusionError::Signature { part: "vae_decoder", why });
            }
            Ok(from_network(&picture.data, Size::new(width, height), size))
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
            out.extend((0..padded.width).map(|x| map(row[reflect(x, size.width)].clamp(0.0, 1.0))));
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
