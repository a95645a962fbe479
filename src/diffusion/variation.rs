//! From one noise towards another, as A1111's "variation seed" does it.

/// How alike two noises are, as the mean of their cosines, from where on turning would divide by next to nothing.
const ALIKE: f64 = 0.9995;

/// Turns `noise` towards `other` by `strength` (0 to 1), both batch, channels, height, width: each column on its own, along the great
/// circle between the two directions.
pub fn turn(noise: &mut [f32], other: &[f32], strength: f64, [_, _, height, width]: [usize; 4]) {
    let plane = (height * width).max(1);
    // One number per column of each plane.
    let columns = |index: usize| index / plane * width + index % width;
    let count = noise.len() / plane * width;
    let (mut a2, mut b2, mut ab) = (vec![0.0_f64; count], vec![0.0_f64; count], vec![0.0_f64; count]);
    for (index, (a, b)) in noise.iter().zip(other).enumerate() {
        let (column, a, b) = (columns(index), f64::from(*a), f64::from(*b));
        a2[column] += a * a;
        b2[column] += b * b;
        ab[column] += a * b;
    }
    let cosines: Vec<f64> = ab.iter().zip(a2.iter().zip(&b2)).map(|(ab, (a2, b2))| (ab / (a2 * b2).sqrt()).clamp(-1.0, 1.0)).collect();
    if cosines.iter().sum::<f64>() / count.max(1) as f64 > ALIKE {
        // A straight line, which A1111 walks from the other end.
        for (a, b) in noise.iter_mut().zip(other) {
            *a = (f64::from(*a) * strength + f64::from(*b) * (1.0 - strength)) as f32;
        }
        return;
    }
    for (index, (a, b)) in noise.iter_mut().zip(other).enumerate() {
        let angle = cosines[columns(index)].acos();
        let (from, to) = (((1.0 - strength) * angle).sin() / angle.sin(), (strength * angle).sin() / angle.sin());
        let turned = from * f64::from(*a) + to * f64::from(*b);
        // Two columns of one direction have no circle between them.
        if turned.is_finite() {
            *a = turned as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_kept_and_the_ends_are_met() {
        let (a, b) = (vec![3.0, 1.0, 0.0, 1.0], vec![0.0, 1.0, 3.0, -1.0]);
        let at = |strength: f64| {
            let mut noise = a.clone();
            turn(&mut noise, &b, strength, [1, 1, 2, 2]);
            noise
        };
        let close = |x: &[f32], y: &[f32]| x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-6);
        assert!(close(&at(0.0), &a) && close(&at(1.0), &b));
        let half = at(0.5);
        assert!((half[0].hypot(half[2]) - 3.0).abs() < 1e-6, "{half:?}");
        let mut same = a.clone();
        turn(&mut same, &a, 0.7, [1, 1, 2, 2]);
        assert_eq!(same, a);
    }
}
