use super::*;

fn soft(size: Size, key: u32) -> Raster {
    let value = |i: usize| f32::from(((i as u32 + key).wrapping_mul(2_654_435_761) >> 24) as u8) / 255.0;
    Raster::from_vec(size, 1, (0..size.area()).map(value).collect())
}

fn point(size: Size, x: usize, y: usize) -> Raster {
    let mut raster = Raster::zeroed(size, 1);
    raster.data_mut()[y * size.width + x] = 1.0;
    raster
}

#[test]
fn logic_is_boolean_on_black_and_white() {
    let (a, b) =
        (Raster::from_vec(Size::new(4, 1), 1, vec![0.0, 0.0, 1.0, 1.0]), Raster::from_vec(Size::new(4, 1), 1, vec![0.0, 1.0, 0.0, 1.0]));
    let joined = |how| join(a.clone(), &b, how).data().to_vec();
    assert_eq!(joined(Join::And), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(joined(Join::Or), [0.0, 1.0, 1.0, 1.0]);
    assert_eq!(joined(Join::Xor), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(joined(Join::Minus), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(not(a.clone()).data(), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn the_laws_of_logic_hold_for_soft_masks() {
    let size = Size::new(40, 30);
    let (a, b) = (soft(size, 1), soft(size, 999));
    let same = |x: &Raster, y: &Raster| x.data().iter().zip(y.data()).all(|(x, y)| (x - y).abs() < 1e-6);
    assert!(same(&join(a.clone(), &a, Join::And), &a) && same(&join(a.clone(), &a, Join::Or), &a));
    assert!(same(&not(join(a.clone(), &b, Join::And)), &join(not(a.clone()), &not(b.clone()), Join::Or)));
    assert!(same(&join(a.clone(), &b, Join::Minus), &join(a.clone(), &not(b.clone()), Join::And)));
    let either = join(join(a.clone(), &b, Join::Minus), &join(b.clone(), &a, Join::Minus), Join::Or);
    assert!(same(&join(a, &b, Join::Xor), &either));
}

#[test]
fn ranges_are_closed_and_fade_beyond_their_ends() {
    let ramp = Raster::from_vec(Size::new(5, 1), 1, vec![0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(within(ramp.clone(), 0.25, 0.5, 0.0).data(), [0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(within(ramp, 0.5, f32::INFINITY, 0.5).data(), [0.0, 0.5, 1.0, 1.0, 1.0]);
}

#[test]
fn growing_is_the_greatest_within_a_disc() {
    let size = Size::new(70, 50);
    let mask = soft(size, 5);
    let grown = grow(&mask, 7.0);
    for (x, y) in [(0, 0), (35, 25), (69, 49), (3, 40), (60, 17), (20, 15), (20, 16)] {
        let near = |i: &usize| (i % 70).abs_diff(x).pow(2) + (i / 70).abs_diff(y).pow(2) <= 49;
        let expected = (0..size.area()).filter(near).map(|i| mask.data()[i]).fold(0.0, f32::max);
        assert_eq!(grown.data()[y * 70 + x], expected, "at {x}, {y}");
    }
}

#[test]
fn growing_is_smooth_undone_by_nothing_and_shrinking_is_its_mirror() {
    let size = Size::new(90, 90);
    let dot = point(size, 45, 45);
    let area = |pixels| grow(&dot, pixels).data().iter().sum::<f32>();
    assert_eq!([area(0.0), area(1.0), area(2.0)], [1.0, 5.0, 13.0]);
    assert!((area(1.5) - 9.0).abs() < 1e-4);
    let disc = std::f32::consts::PI * 40.0 * 40.0;
    assert!((area(40.0) / disc - 1.0).abs() < 0.03, "{} {disc}", area(40.0));
    assert_eq!(grow(&not(dot.clone()), -3.0).data(), not(grow(&dot, 3.0)).data());
    assert_eq!(grow(&dot, -1.0).data().iter().sum::<f32>(), 0.0);
    assert_eq!(grow(&dot, f32::NAN).data(), dot.data());
}

#[test]
fn a_key_takes_its_colour_in_light_and_shade() {
    let colors = [[0.0, 1.0, 0.0], [0.05, 0.8, 0.05], [0.9, 0.2, 0.2], [0.5, 0.5, 0.5]];
    let picture = Raster::from_vec(Size::new(4, 1), 3, (0..3).flat_map(|c| colors.map(|color| color[c])).collect());
    let key = color_key(&picture, [0.0, 1.0, 0.0], 0.15, 0.05);
    assert_eq!(key.data(), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn shapes_cover_what_they_say() {
    let size = Size::new(200, 100);
    let cover = |round, place| extent(&area(size, round, place));
    let box_ = cover(false, [0.25, 0.5, 0.5, 1.0, 0.0]);
    assert!((box_.share - 0.5).abs() < 0.01 && (box_.center[0] - 0.25).abs() < 0.01, "{box_:?}");
    let disc = cover(true, [0.5, 0.4, 0.25, 0.5, 0.0]);
    assert!((disc.share - std::f64::consts::PI * 0.25 * 0.5 / 4.0).abs() < 0.002 && (disc.center[1] - 0.4).abs() < 1e-3, "{disc:?}");
    assert!(cover(true, [0.5, 0.4, 0.25, 0.5, 0.2]).share > disc.share * 1.3);
}

#[test]
fn a_black_mask_has_no_extent_and_a_point_has_its_place() {
    let size = Size::new(10, 20);
    assert_eq!(extent(&Raster::zeroed(size, 1)), Extent { center: [0.5, 0.5], share: 0.0 });
    assert_eq!(extent(&point(size, 7, 3)), Extent { center: [0.75, 0.175], share: 0.005 });
}

/// A dark square on a bright ground.
fn square(size: Size) -> (Raster, Raster) {
    let inside = |i: usize| (20..44).contains(&(i % size.width)) && (16..40).contains(&(i / size.width));
    let plane: Vec<f32> = (0..size.area()).map(|i| if inside(i) { 0.1 } else { 0.8 }).collect();
    let mask = (0..size.area()).map(|i| if inside(i) { 1.0 } else { 0.0 }).collect();
    (Raster::from_vec(size, 3, plane.repeat(3)), Raster::from_vec(size, 1, mask))
}

#[test]
fn a_rough_mask_is_drawn_to_the_edge() {
    let size = Size::new(64, 56);
    let (picture, truth) = square(size);
    let rough = super::super::blur::gaussian(&truth, 4.0);
    let error = |mask: &Raster| mask.data().iter().zip(truth.data()).map(|(a, b)| (a - b).abs()).sum::<f32>();
    let (before, after) = (error(&rough), error(&refine(&rough, &picture, 8.0)));
    assert!(after < before / 3.0, "{before} {after}");
    assert_eq!(refine(&rough, &picture, 0.0).data(), rough.data());
}

#[test]
fn colours_of_the_edge_come_from_within() {
    let size = Size::new(64, 56);
    let (picture, truth) = square(size);
    let blurred = super::super::blur::gaussian(&picture, 2.0);
    let soft = super::super::blur::gaussian(&truth, 2.0);
    let clean = decontaminate(&blurred, &soft, 12.0);
    // On the outline the picture is half ground; cleaned, it is the square's own dark.
    let at = |raster: &Raster| raster.data()[28 * 64 + 20];
    assert!(at(&blurred) > 0.35 && at(&clean) < 0.16, "{} {}", at(&blurred), at(&clean));
    assert!((clean.data()[28 * 64 + 32] - 0.1).abs() < 0.01 && (clean.data()[2] - 0.8).abs() < 0.01);
}
