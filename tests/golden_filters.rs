//! Contrast, sharpening, colour matching and noise against what Deforum's own code computed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

#[path = "support/golden.rs"]
mod golden;

use frameloom::frame::{Mask, Raster, Size};
use frameloom::kernel::color::{self, Space};
use frameloom::kernel::noise::{Clouds, Noise};
use frameloom::kernel::palette::{Method, Palette};
use frameloom::kernel::sharpen::{self, Sharpen};
use frameloom::kernel::{blur, noise, tone};
use golden::{Golden, number, psnr};
use serde_json::Value;

/// Red and blue exchanged: Deforum hands BGR to conversions that expect RGB, so its hues and Lab values are those of this picture.
fn exchanged(picture: &Raster) -> Raster {
    let planes = [2, 1, 0].map(|i| picture.plane(i));
    Raster::from_vec(picture.size(), 3, planes.concat())
}

#[test]
fn golden_color_match() {
    let Some(golden) = Golden::open("color_match", "deforum/filters/params.json") else { return };
    let mut count = 0;
    for case in golden.params["color_match"].as_array().unwrap() {
        let space = match case["mode"].as_str().unwrap() {
            "RGB" => Space::Rgb,
            "HSV" => Space::Hsv,
            _ => Space::Lab,
        };
        for prefix in ["", "degraded_"] {
            let file = |key: &str| case[format!("{prefix}{key}")].as_str().unwrap();
            let pictures = [file("source"), file("reference"), file("file")].map(|f| golden.picture(f));
            let [Some(source), Some(reference), Some(expected)] = pictures else { continue };
            let palette = Palette::of(&exchanged(&reference), space, Method::Histogram);
            let ours = exchanged(&palette.apply(&exchanged(&source), 1.0));
            let deforum = exchanged(&match_bytes(&exchanged(&source), &exchanged(&reference), space));
            assert_matches(&ours, &deforum, &expected, space, file("file"));
            count += 1;
        }
    }
    println!("golden color_match: {count} cases");
}

/// The scale and offset that `OpenCV` gives the three numbers of `space` when it keeps them in bytes.
fn bytes_of(space: Space) -> [(f32, f32); 3] {
    match space {
        Space::Hsv => [(180.0, 0.0), (255.0, 0.0), (255.0, 0.0)],
        Space::Lab => [(2.55, 0.0), (1.0, 128.0), (1.0, 128.0)],
        _ => [(255.0, 0.0); 3],
    }
}

/// The match as Deforum does it: in bytes of the space, and cut off to whole ones.
fn match_bytes(source: &Raster, reference: &Raster, space: Space) -> Raster {
    let bytes = |picture: &Raster| {
        if space == Space::Lab {
            return lab_bytes(picture);
        }
        let mut out = picture.clone();
        color::from_rgb(&mut out, space);
        for (plane, (scale, offset)) in out.planes_mut().zip(bytes_of(space)) {
            for v in plane.iter_mut() {
                *v = (*v * scale + offset).round().clamp(0.0, 255.0);
            }
        }
        out
    };
    let mut out = Palette::of(&bytes(reference), Space::Rgb, Method::Histogram).apply(&bytes(source), 1.0);
    for (plane, (scale, offset)) in out.planes_mut().zip(bytes_of(space)) {
        for v in plane.iter_mut() {
            *v = ((*v + 0.01).floor() - offset) / scale;
        }
    }
    color::to_rgb(&mut out, space);
    out
}

/// Lab in bytes as `OpenCV` computes it: in integers, with its constants rounded, so that a third of all L differ by one.
fn lab_bytes(picture: &Raster) -> Raster {
    const ONE: i64 = 1 << 15;
    let linear = |v: f32| {
        let v = f64::from((v * 255.0).round()) / 255.0;
        (2040.0 * if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }).round() as i64
    };
    let root = |v: i64| {
        let v = v as f64 / 2040.0;
        (ONE as f64 * if v < 0.008_856 { v * 7.787 + 4.0 / 29.0 } else { v.cbrt() }).round() as i64
    };
    let weights = [
        [0.412_453 / 0.950_456, 0.357_580 / 0.950_456, 0.180_423 / 0.950_456],
        [0.212_671, 0.715_160, 0.072_169],
        [0.019_334 / 1.088_754, 0.119_193 / 1.088_754, 0.950_227 / 1.088_754],
    ]
    .map(|row: [f64; 3]| row.map(|weight| (weight * 4096.0).round() as i64));
    let mut out = picture.clone();
    for i in 0..picture.size().area() {
        let rgb = [0, 1, 2].map(|plane| linear(picture.plane(plane)[i]));
        let [x, y, z] = weights.map(|row| root((row.iter().zip(rgb).map(|(a, b)| a * b).sum::<i64>() + 2048) >> 12));
        let lab = [296 * y - (16 * 255 * ONE + 50) / 100, 500 * (x - y) + 128 * ONE, 200 * (y - z) + 128 * ONE];
        for (plane, value) in lab.into_iter().enumerate() {
            out.plane_mut(plane)[i] = ((value + ONE / 2) >> 15).clamp(0, 255) as f32;
        }
    }
    out
}

/// Deforum truncates to 8 bits, so our RGB lies 0 to 1 level above. What we compute as Deforum does, in bytes of Lab and HSV,
/// lies within a level or two but for single pixels, since `OpenCV`'s integer arithmetic sometimes falls on the next byte. What we
/// really do, without bytes, is held to a mean error: those bytes cost Deforum single pixels by up to a dozen levels.
fn assert_matches(ours: &Raster, deforum: &Raster, expected: &Raster, space: Space, name: &str) {
    if space == Space::Rgb {
        for (a, b) in ours.data().iter().zip(expected.data()) {
            let above = (a - b) * 255.0;
            assert!((-0.02..=1.02).contains(&above), "{name}: {above} levels above");
        }
        return;
    }
    let mut middle = expected.clone();
    middle.data_mut().iter_mut().for_each(|v| *v += 0.5 / 255.0);
    let quality = psnr(ours, &middle);
    let mut apart: Vec<f32> = deforum.data().iter().zip(expected.data()).map(|(a, b)| (a.clamp(0.0, 1.0) - b).abs() * 255.0).collect();
    apart.sort_by(f32::total_cmp);
    let [middle, most] = [0.5, 0.99].map(|share| apart[(apart.len() as f64 * share) as usize]);
    println!("  {name}: {quality:.1} dB; in bytes half lie within {middle:.2}, 99 % within {most:.2} levels");
    // Our hues go round at red and Deforum's do not, so pictures may differ.
    assert!(space == Space::Hsv || quality > 33.0, "{name}: {quality:.1} dB");
    let bound = if space == Space::Lab { 1.5 } else { 5.0 };
    assert!(middle < 0.5 && most < bound, "{name}: half within {middle}, 99 % within {most} levels");
}

/// Levels of 255 by which `ours` lies from what the file says, where `counts(plane, pixel)` holds.
fn worst(ours: &Raster, expected: &Raster, counts: impl Fn(usize) -> bool) -> f32 {
    let apart = ours.data().iter().zip(expected.data()).enumerate().filter(|(i, _)| counts(*i));
    apart.map(|(_, (a, b))| (a.clamp(0.0, 1.0) - b).abs() * 255.0).fold(0.0, f32::max)
}

#[test]
fn golden_contrast() {
    let Some(golden) = Golden::open("contrast", "deforum/filters/params.json") else { return };
    let Some(photo) = golden.picture("photo.png") else { return };
    let mut count = 0;
    for case in golden.params["contrast"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let Some(expected) = golden.picture(file) else { continue };
        let mut ours = photo.clone();
        tone::contrast(&mut ours, number(&case["contrast"]).unwrap() as f32, 0.0, None);
        // Deforum wraps around where it leaves 0..255: there is nothing to compare.
        let whole = |i: usize| (-0.5..255.5).contains(&(ours.data()[i] * 255.0));
        let apart = worst(&ours, &expected, whole);
        assert!(apart <= 0.501, "{file}: off by {apart} levels");
        count += 1;
    }
    println!("golden contrast: {count} cases");
}

#[test]
fn golden_unsharp() {
    let Some(golden) = Golden::open("unsharp", "deforum/filters/params.json") else { return };
    let Some(photo) = golden.picture("photo.png") else { return };
    let mut count = 0;
    for case in golden.params["unsharp"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let Some(expected) = golden.picture(file) else { continue };
        let [taps, sigma, amount, threshold] = ["kernel", "sigma", "amount", "threshold"].map(|key| number(&case[key]).unwrap() as f32);
        let Some(mask) = case["mask"].as_str().map_or(Some(None), |file| golden.picture(file).map(Some)) else { continue };
        let mask = mask.map(|m| Mask::new(Raster::from_vec(m.size(), 1, m.plane(0).to_vec())));
        let ours = sharpen::sharpen(&photo, Sharpen { amount, taps: taps as usize, sigma, threshold: threshold / 255.0 }, mask.as_ref());
        let blurred = blur::gaussian_taps(&photo, taps as usize, sigma);
        let counts = |i: usize| {
            let difference = (photo.data()[i] - blurred.data()[i]) * 255.0;
            // Deforum's difference wraps around below 0, so that its threshold holds on the bright side of edges only; and it is
            // one of whole levels, so values at the threshold may fall on either side.
            let wrapped = threshold > 0.0 && difference < 0.5 && -difference < threshold + 1.0;
            let between = threshold > 0.0 && (difference.abs() - threshold).abs() < 1.0;
            // In half-masked places Deforum adds both pictures up.
            let half = mask.as_ref().is_some_and(|m| !matches!(m.0.data()[i % m.0.data().len()], 0.0 | 1.0));
            !wrapped && !between && !half
        };
        // Deforum rounds the result and the blurred picture, which OpenCV moreover makes with kernels of whole 256ths: a level apart.
        let apart = worst(&ours, &expected, counts);
        assert!(apart <= 0.51 + amount, "{file}: off by {apart} levels");
        let share = (0..photo.data().len()).filter(|i| counts(*i)).count() as f64 / photo.data().len() as f64;
        println!("  {file}: at most {apart:.2} levels apart on {:.0} % of the picture", share * 100.0);
        count += 1;
    }
    println!("golden unsharp: {count} cases");
}

#[test]
fn golden_perlin_field() {
    let Some(golden) = Golden::open("perlin_field", "deforum/filters/params.json") else { return };
    let (Some(angles), Some(field)) = (golden.npy("filters/perlin_angles_4x6.npy"), golden.npy("filters/perlin_field_64x96_res4x6.npy"))
    else {
        return;
    };
    let (corners, cells) = (angles.shape[1], [(angles.shape[0] - 1) as f64, (angles.shape[1] - 1) as f64]);
    let expected = field.raster();
    let mut out = Raster::zeroed(expected.size(), 1);
    noise::add_octave(&mut out, cells, 1.0, |row, column| angles.values[row * corners + column]);
    let worst = out.data().iter().zip(expected.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "off by {worst}");
    println!("golden perlin_field: 1 cases");
}

#[test]
fn golden_noise_blend() {
    let Some(golden) = Golden::open("noise_blend", "deforum/filters/params.json") else { return };
    let (Some(white), Some(photo)) = (golden.npy("filters/white_noise_3xHxW.npy"), golden.picture("photo.png")) else { return };
    // Planes of the array are blue, green, red.
    let white = exchanged(&Raster::from_vec(Size::new(white.shape[2], white.shape[1]), 3, white.values));
    let mut count = 0;
    for (amount, file) in golden.params["noise_blend"]["blends"].as_object().unwrap() {
        let Some(expected) = golden.picture(file.as_str().unwrap()) else { continue };
        let amount: f32 = amount.parse().unwrap();
        let ours = photo.data().iter().zip(white.data()).map(|(v, n)| noise::toward(*v, *n, amount));
        let worst = ours.zip(expected.data()).map(|(a, b)| (a - b).abs() * 255.0).fold(0.0, f32::max);
        // Deforum truncates the noise picture (up to `amount` of a level) and rounds the result (half a level).
        assert!(worst < 0.51 + amount, "amount {amount}: off by {worst} levels");
        count += 1;
    }
    println!("golden noise_blend: {count} cases");
}

/// The kind of noise that a case describes. Deforum's `perlin_w` counts the cells down the picture.
fn noise_of(case: &Value) -> Noise {
    let value = |key: &str| number(&case[key]).unwrap();
    match case["noise_type"].as_str().unwrap() {
        "uniform" => Noise::Uniform,
        _ => Noise::Perlin(Clouds {
            cells: [value("perlin_w"), value("perlin_h")],
            octaves: value("octaves") as u32,
            persistence: value("persistence"),
        }),
    }
}

/// Mean, deviation and the shares of 0 and 255 of a plane in whole levels, cut off as Deforum does it.
fn statistics(planes: &[Raster], plane: usize) -> [f64; 4] {
    let levels: Vec<f64> = planes.iter().flat_map(|r| r.plane(plane)).map(|v| f64::from((v * 255.0).floor())).collect();
    let n = levels.len() as f64;
    let mean = levels.iter().sum::<f64>() / n;
    let deviation = (levels.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let share = |level: f64| levels.iter().filter(|v| **v == level).count() as f64 / n;
    [mean, deviation, share(0.0), share(255.0)]
}

#[test]
fn golden_noise_statistics() {
    let Some(golden) = Golden::open("noise_statistics", "deforum/filters/params.json") else { return };
    let mut count = 0;
    for case in golden.params["noise"].as_array().unwrap() {
        let size = Size::new(number(&case["width"]).unwrap() as usize, number(&case["height"]).unwrap() as usize);
        let amount = number(&case["amount"]).unwrap_or(1.0) as f32;
        let noisy = |seed| {
            let mut picture = Raster::from_vec(size, 3, vec![128.0 / 255.0; size.area() * 3]);
            noise::add(&mut picture, None, noise_of(case), amount, seed);
            picture
        };
        let ours: Vec<Raster> = (0..16).map(noisy).collect();
        let expected = &case["noise_image_stats"];
        // Where Deforum crashes, as on odd sizes, there is noise all the same.
        let Some(means) = expected["mean"].as_array() else {
            assert!((statistics(&ours, 0)[1] - 91.6).abs() < 1.0);
            continue;
        };
        for plane in 0..3 {
            let [mean, deviation, low, high] = statistics(&ours, plane);
            let told = [number(&means[plane]), number(&expected["std"][plane]), number(&expected["frac0"]), number(&expected["frac255"])];
            let told = told.map(Option::unwrap);
            // Eight fields of clouds are few: large cells vary the most.
            assert!((mean - told[0]).abs() < 0.6, "{case}: mean {mean}");
            assert!((deviation - told[1]).abs() < 1.3, "{case}: deviation {deviation}");
            assert!((low - told[2]).abs() < 0.006 && (high - told[3]).abs() < 0.006, "{case}: {low} black, {high} white");
        }
        count += 1;
    }
    println!("golden noise_statistics: {count} cases");
}

/// Where the mask is white Deforum's noise and ours have the same statistics; where it is black Deforum greys the picture and we
/// leave it alone.
#[test]
fn golden_noise_mask() {
    let Some(golden) = Golden::open("noise_mask", "deforum/filters/params.json") else { return };
    let case = &golden.params["noise_mask"];
    let files = ["photo.png", case["mask"].as_str().unwrap(), case["file"].as_str().unwrap()].map(|file| golden.picture(file));
    let [Some(photo), Some(mask), Some(expected)] = files else { return };
    let mask = Mask::new(Raster::from_vec(mask.size(), 1, mask.plane(0).to_vec()));
    let mut ours = photo.clone();
    noise::add(&mut ours, Some(&mask), Noise::Uniform, 0.3, 5);
    let change = |out: &Raster, plane: usize| {
        let rows = out.plane(plane).iter().zip(photo.plane(plane)).zip(mask.0.data());
        let changes: Vec<f64> = rows.filter(|(_, m)| **m == 1.0).map(|((a, b), _)| f64::from(a - b) * 255.0).collect();
        let mean = changes.iter().sum::<f64>() / changes.len() as f64;
        (mean, (changes.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / changes.len() as f64).sqrt())
    };
    for plane in 0..3 {
        let ((mean, deviation), (told, spread)) = (change(&ours, plane), change(&expected, plane));
        println!("  noise_mask: mean {mean:.2} and deviation {deviation:.2}, in Deforum {told:.2} and {spread:.2}");
        assert!((mean - told).abs() < 2.5);
        let outside = mask.0.data().iter().zip(ours.plane(plane)).zip(photo.plane(plane)).filter(|((m, _), _)| **m == 0.0);
        outside.for_each(|((_, a), b)| assert_eq!(a, b));
    }
    println!("golden noise_mask: 1 cases");
}
