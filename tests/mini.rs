//! The models that ship paint what they painted: pictures against small stored ones, by SSIM.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test mini` writes the stored pictures anew; look at them before they are committed.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use frameloom::Loom;
use frameloom::exec::{self, RunOptions, StopFlag};
use frameloom::frame::Raster;
use frameloom::kernel::metrics::{Metric, MetricSet, Picture, pair, psnr};

/// What stored pictures, JPEG files of quality 92, and other processors' arithmetic may take from an SSIM of 1.
const ALIKE: f64 = 0.96;

/// File, prompt: the styles, words that combine and weigh, and none.
const PAINTINGS: [(&str, &str); 21] = [
    ("glass", "stained glass"),
    ("mosaic", "mosaic"),
    ("pointillism", "pointillism"),
    ("oil", "oil painting"),
    ("impression", "impressionism"),
    ("watercolor", "watercolour"),
    ("pencil", "pencil sketch"),
    ("crayon", "crayon"),
    ("ink", "ink"),
    ("engraving", "engraving"),
    ("comic", "comic"),
    ("anime", "anime"),
    ("popart", "pop art"),
    ("neon", "neon"),
    ("candy", "candy"),
    ("abstract", "cubism"),
    ("pixel", "pixel art"),
    ("blueprint", "blueprint"),
    ("oil_night", "oil painting, night"),
    ("half_neon", "(neon:0.5)"),
    ("nothing", ""),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the nodes, given as YAML, on the picture of a cat at 256x160; their names in `files` are the pictures that come back.
fn run(nodes: &str, files: &[&str]) -> Vec<Raster> {
    let folder = tempfile::tempdir().unwrap();
    let mut text = format!(
        "frameloom: 1\ntimeline: {{ size: [256, 160], length: 1 }}\nnodes:\n  photo: {{ kind: image_input, path: \"{}\" }}\n{nodes}",
        root().join("assets/cat.jpg").display()
    );
    for (index, name) in files.iter().enumerate() {
        writeln!(text, "  file_{index}: {{ kind: image_output, image: {name}, path: {index}.png }}").unwrap();
    }
    let plan = Loom::new().plan_text(&text, folder.path(), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
    exec::run(&plan, &RunOptions { depth: 2, from: 0 }, &|_: &exec::Event| {}, &StopFlag::default())
        .unwrap_or_else(|error| panic!("{error}"));
    (0..files.len()).map(|index| read(&folder.path().join(format!("{index}.png")))).collect()
}

fn read(path: &Path) -> Raster {
    frameloom::media::read_image(path).unwrap_or_else(|error| panic!("{error}")).raster.clone()
}

fn stored(name: &str) -> PathBuf {
    root().join("tests/pictures").join(format!("{name}.jpg"))
}

/// SSIM.
fn likeness(a: &Raster, b: &Raster) -> f64 {
    let wanted: MetricSet = [Metric::Ssim].into_iter().collect();
    pair(&Picture::new(a.clone(), wanted), &Picture::new(b.clone(), wanted), wanted)[Metric::Ssim].unwrap()
}

/// Every picture of `made` is like the stored one of its name.
fn assert_stored(made: &[(&str, &Raster)]) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        for (name, raster) in made {
            store(&stored(name), raster);
        }
    }
    let unlike: Vec<String> = made
        .iter()
        .map(|(name, raster)| (name, likeness(raster, &read(&stored(name)))))
        .filter(|(_, alike)| *alike < ALIKE)
        .map(|(name, alike)| format!("{name}: SSIM {alike:.4}"))
        .collect();
    assert!(unlike.is_empty(), "not as stored in tests/pictures: {unlike:?}");
}

fn store(path: &Path, raster: &Raster) {
    let size = raster.size();
    let byte = |plane: usize, at: usize| (raster.plane(plane.min(raster.planes() - 1))[at] * 255.0).round() as u8;
    let picture = image::RgbImage::from_fn(size.width as u32, size.height as u32, |x, y| {
        image::Rgb([0, 1, 2].map(|plane| byte(plane, y as usize * size.width + x as usize)))
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92).encode_image(&picture).unwrap();
    fs::write(path, bytes).unwrap();
}

fn mean(raster: &Raster) -> f64 {
    raster.data().iter().map(|v| f64::from(*v)).sum::<f64>() / raster.data().len() as f64
}

#[test]
fn mini_paints_its_styles_as_they_are_stored() {
    let node = |(name, prompt): &(&str, &str)| {
        format!("  {name}: {{ kind: diffusion, image: photo, model: mini, prompt: \"{prompt}\", strength: 0.45 }}\n")
    };
    let nodes: String = PAINTINGS.iter().map(node).collect();
    let names: Vec<&str> = PAINTINGS.iter().map(|(name, _)| *name).chain(["photo"]).collect();
    let made = run(&nodes, &names);
    let of = |name: &str| &made[names.iter().position(|n| *n == name).unwrap()];

    let photo = of("photo");
    let painted: Vec<(&str, &Raster)> = PAINTINGS.iter().map(|(name, _)| (*name, of(name))).collect();
    assert_stored(&painted);
    assert!(psnr(of("nothing"), photo) > 28.0, "no prompt returns the picture: {}", psnr(of("nothing"), photo));
    for (name, painting) in &painted[..18] {
        assert!(psnr(painting, photo) < 27.0, "{name} is a style of its own");
    }
    assert!(mean(of("oil_night")) < 0.6 * mean(of("oil")), "words combine");
    let away = |name: &str| frameloom::kernel::metrics::mean_distance(of(name), photo);
    assert!((0.2..0.8).contains(&(away("half_neon") / away("neon"))), "words weigh: {} of {}", away("half_neon"), away("neon"));
}

#[test]
fn mini_takes_any_size() {
    let made = run(
        "  odd: { kind: resize, image: photo, size: [187, 113] }\n  \
           painted: { kind: diffusion, image: odd, model: mini, prompt: watercolor, strength: 0.45 }\n",
        &["odd", "painted"],
    );
    assert_eq!(made[1].size(), made[0].size());
    assert!(likeness(&made[0], &made[1]) > 0.4, "{}", likeness(&made[0], &made[1]));
}

#[test]
fn mini_depth_sees_what_it_saw() {
    let made = run(
        "  near:  { kind: depth, image: photo, model: mini-depth }\n  depth: { kind: mask, depth: near, from: depth }\n",
        &["depth.image"],
    );
    assert_stored(&[("depth", &made[0])]);
    let at = |x: usize, y: usize| made[0].plane(0)[y * made[0].size().width + x];
    assert!(at(150, 90) > at(245, 60) + 0.3, "the nose is nearer than what lies behind: {} and {}", at(150, 90), at(245, 60));
}
