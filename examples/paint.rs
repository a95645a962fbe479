//! Paints over a picture with a Stable Diffusion model, or from a prompt alone where no picture is given.
//!
//! `cargo run --example paint -- MODEL_FOLDER "oil painting" out.png [photo.png] [strength] [seed]`

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use frameloom::diffusion::{Picture, Pipeline, Request, SamplerKind, Seeds, StrengthReading};
use frameloom::frame::{ColorTags, Frame, Raster, Size};
use frameloom::model::SessionOptions;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, prompt, out, rest @ ..] = args.as_slice() else {
        return Err("usage: paint MODEL_FOLDER PROMPT OUT [PHOTO] [STRENGTH] [SEED]".into());
    };
    let number = |at: usize, usual: f64| rest.get(at).map_or(Ok(usual), |text| text.parse());
    let photo = rest.first().map(|path| read(Path::new(path))).transpose()?;

    let start = Instant::now();
    let pipeline = Pipeline::open(Path::new(model), &SessionOptions::default())?;
    println!("loaded in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);

    let start = Instant::now();
    let request = Request {
        pictures: &[Picture { image: photo.as_ref(), ..Picture::of(prompt) }],
        size: Size::new(512, 288),
        steps: 4,
        strength: number(1, 0.4)?,
        reading: StrengthReading::Exact,
        guidance: 1.0,
        sampler: SamplerKind::from_name("lcm").ok_or("no sampler `lcm`")?,
        seeds: Seeds::One(number(2, 7.0)? as u64),
        ..Request::default()
    };
    let painted = pipeline.paint(&request, &mut |progress| println!("step {} of {}", progress.done, progress.steps))?;
    println!("painted in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    write(&painted[0], Path::new(out))
}

fn read(path: &Path) -> Result<Frame, Box<dyn Error>> {
    let rgb = image::open(path)?.to_rgb32f();
    let size = Size::new(rgb.width() as usize, rgb.height() as usize);
    let plane = |c: usize| rgb.as_raw().iter().skip(c).step_by(3).copied();
    Ok(Frame::new(Raster::from_vec(size, 3, (0..3).flat_map(plane).collect()), ColorTags::SRGB))
}

fn write(raster: &Raster, path: &Path) -> Result<(), Box<dyn Error>> {
    let size = raster.size();
    let pixel = |i: usize| [0, 1, 2].map(|c| (raster.plane(c)[i] * 255.0).round() as u8);
    let bytes = (0..size.area()).flat_map(pixel).collect();
    let picture = image::RgbImage::from_raw(size.width as u32, size.height as u32, bytes).ok_or("the picture is too large")?;
    Ok(picture.save(path)?)
}
