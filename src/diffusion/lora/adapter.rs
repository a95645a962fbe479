//! What a LoRA file adds to one weight, in the forms that are found.
//!
//! Formulas: LoRA (arXiv 2106.09685), its convolutional form with a middle kernel (CP), `LoHa` (arXiv 2108.06098), `LoKr`, and `DoRA`
//! (arXiv 2402.09353), with the shapes and scales of kohya's scripts and `LyCORIS`.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2};

/// An array of the file: its axes and its numbers in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) data: Vec<f32>,
}

impl Array {
    /// As a matrix of the first axis and all others.
    fn matrix(&self) -> Option<ArrayView2<'_, f32>> {
        let rows = self.shape.first().copied().unwrap_or(1).max(1);
        ArrayView2::from_shape((rows, self.data.len() / rows), &self.data).ok()
    }

    fn axis(&self, at: usize) -> usize {
        self.shape.get(at).copied().unwrap_or(1)
    }

    /// The numbers of a kernel after its first two axes.
    fn kernel(&self) -> usize {
        self.shape.iter().skip(2).product()
    }
}

/// The arrays that a file has for one weight, by what they are: `lora_up`, `lora_down`, `alpha`…
pub(super) type Arrays = BTreeMap<&'static str, Array>;

/// Adds `strength` times what `arrays` say to `weight`, of `shape`: outputs first, then inputs, then a kernel.
///
/// # Errors
/// What does not fit, as a part of a sentence.
pub(super) fn apply(arrays: &Arrays, weight: &mut [f32], shape: &[usize], strength: f32) -> Result<(), String> {
    let mut change = change(arrays)?;
    if change.len() != weight.len() {
        return Err(format!("changes {} numbers where the weight has {shape:?}", change.len()));
    }
    if let Some(magnitude) = arrays.get("dora_scale") {
        decompose(&mut change, weight, shape, &magnitude.data)?;
    }
    for (value, change) in weight.iter_mut().zip(&change) {
        *value += strength * change;
    }
    Ok(())
}

/// The change at strength 1.
fn change(arrays: &Arrays) -> Result<Vec<f32>, String> {
    let get = |name: &str| arrays.get(name);
    let odd = || "has arrays whose shapes do not go together".to_owned();
    if let Some(whole) = get("diff") {
        return Ok(whole.data.clone());
    }
    let (mut change, rank) = if let (Some(up), Some(down)) = (get("lora_up"), get("lora_down")) {
        (low_rank(up, down, get("lora_mid")).ok_or_else(odd)?, Some(down.axis(0)))
    } else if let [Some(a1), Some(b1), Some(a2), Some(b2)] = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"].map(get) {
        let first = product(a1, b1, get("hada_t1")).ok_or_else(odd)?;
        let second = product(a2, b2, get("hada_t2")).ok_or_else(odd)?;
        if first.len() != second.len() {
            return Err(odd());
        }
        (first.iter().zip(&second).map(|(a, b)| a * b).collect(), Some(b1.axis(0)))
    } else if get("lokr_w1").or(get("lokr_w1_a")).is_some() {
        kronecker(arrays).ok_or_else(odd)?
    } else {
        let names: Vec<&str> = arrays.keys().copied().collect();
        return Err(format!("is of a kind that is not supported (it has {})", names.join(", ")));
    };
    // Without `alpha` the change is taken as it is.
    let alpha = get("alpha").and_then(|alpha| alpha.data.first().copied());
    if let (Some(alpha), Some(rank)) = (alpha, rank.filter(|rank| *rank > 0)) {
        for value in &mut change {
            *value *= alpha / rank as f32;
        }
    }
    Ok(change)
}

#[allow(clippy::needless_pass_by_value, reason = "a view is a pointer with a shape")]
fn dot(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> Option<Vec<f32>> {
    (a.ncols() == b.nrows()).then(|| a.dot(&b).into_raw_vec_and_offset().0)
}

/// `up · down`, where a kernel belongs to `down`; with a middle kernel `Σ mid[n, m] up[o, n] down[m, i]`.
fn low_rank(up: &Array, down: &Array, mid: Option<&Array>) -> Option<Vec<f32>> {
    match mid {
        None => dot(up.matrix()?, down.matrix()?),
        Some(mid) => core(mid, up.matrix()?, down.matrix()?),
    }
}

/// `a · b`; with a core `Σ core[i, j] a[i, o] b[j, p]`.
fn product(a: &Array, b: &Array, t: Option<&Array>) -> Option<Vec<f32>> {
    match t {
        None => dot(a.matrix()?, b.matrix()?),
        Some(t) => core(t, a.matrix()?.reversed_axes(), b.matrix()?),
    }
}

/// `Σ core[n, m, k] left[o, n] right[m, i]` as `[o, i, k]`.
#[allow(clippy::needless_pass_by_value, reason = "a view is a pointer with a shape")]
fn core(core: &Array, left: ArrayView2<'_, f32>, right: ArrayView2<'_, f32>) -> Option<Vec<f32>> {
    let (n, m, kernel) = (core.axis(0), core.axis(1), core.kernel());
    if left.ncols() != n || right.nrows() != m {
        return None;
    }
    let (outputs, inputs) = (left.nrows(), right.ncols());
    let mut out = vec![0.0; outputs * inputs * kernel];
    for k in 0..kernel {
        let slice = Array2::from_shape_fn((n, m), |(i, j)| core.data[(i * m + j) * kernel + k]);
        let part = left.dot(&slice).dot(&right);
        for (at, value) in part.iter().enumerate() {
            out[at * kernel + k] = *value;
        }
    }
    Some(out)
}

/// The Kronecker product of two factors, each whole or as a product itself, and the rank that `alpha` is divided by.
fn kronecker(arrays: &Arrays) -> Option<(Vec<f32>, Option<usize>)> {
    let get = |name: &str| arrays.get(name);
    let factor = |whole: &str, a: &str, b: &str, t: Option<&str>| -> Option<(Array, Option<usize>)> {
        if let Some(whole) = get(whole) {
            return Some((whole.clone(), None));
        }
        let (a, b, t) = (get(a)?, get(b)?, t.and_then(get));
        let data = product(a, b, t)?;
        let outputs = if t.is_some() { a.axis(1) } else { a.axis(0) };
        let kernel = t.map_or(b.kernel(), Array::kernel).max(1);
        let inputs = data.len() / outputs.max(1) / kernel;
        Some((Array { shape: vec![outputs, inputs, kernel], data }, Some(b.axis(0))))
    };
    let (first, first_rank) = factor("lokr_w1", "lokr_w1_a", "lokr_w1_b", None)?;
    let (second, second_rank) = factor("lokr_w2", "lokr_w2_a", "lokr_w2_b", Some("lokr_t2"))?;
    let (o1, i1, o2, i2, kernel) = (first.axis(0), first.axis(1), second.axis(0), second.axis(1), second.kernel().max(1));
    let mut out = Vec::with_capacity(first.data.len() * second.data.len());
    for (a, b) in (0..o1).flat_map(|a| (0..o2).map(move |b| (a, b))) {
        for (c, d) in (0..i1).flat_map(|c| (0..i2).map(move |d| (c, d))) {
            let scale = first.data.get(a * i1 + c)?;
            let from = (b * i2 + d) * kernel;
            out.extend(second.data.get(from..from + kernel)?.iter().map(|value| value * scale));
        }
    }
    Some((out, first_rank.or(second_rank)))
}

/// Turns a change of the weight into one of its direction alone, whose length is `magnitude`: for each output, or for each input where
/// there are as many magnitudes as inputs.
fn decompose(change: &mut [f32], weight: &[f32], shape: &[usize], magnitude: &[f32]) -> Result<(), String> {
    let (outputs, inputs) = (shape.first().copied().unwrap_or(1), shape.get(1).copied().unwrap_or(1));
    let kernel: usize = shape.iter().skip(2).product();
    let by_output = magnitude.len() == outputs;
    if !by_output && magnitude.len() != inputs {
        return Err(format!("has {} magnitudes for a weight of {shape:?}", magnitude.len()));
    }
    let whose = |at: usize| if by_output { at / (inputs * kernel) } else { at / kernel % inputs };
    let mut squares = vec![0.0_f64; magnitude.len()];
    for (at, (weight, change)) in weight.iter().zip(change.iter()).enumerate() {
        squares[whose(at)] += f64::from(weight + change).powi(2);
    }
    let lengths: Vec<f32> = squares.iter().map(|square| (square.sqrt() as f32).max(f32::MIN_POSITIVE)).collect();
    for (at, (weight, change)) in weight.iter().zip(change.iter_mut()).enumerate() {
        let whose = whose(at);
        *change = (weight + *change) / lengths[whose] * magnitude[whose] - weight;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays(list: &[(&'static str, &[usize], &[f32])]) -> Arrays {
        list.iter().map(|(name, shape, data)| (*name, Array { shape: shape.to_vec(), data: data.to_vec() })).collect()
    }

    fn applied(list: &[(&'static str, &[usize], &[f32])], shape: &[usize], strength: f32) -> Result<Vec<f32>, String> {
        let mut weight = vec![0.0; shape.iter().product()];
        apply(&arrays(list), &mut weight, shape, strength).map(|()| weight)
    }

    #[test]
    fn low_ranks_are_multiplied_and_scaled_by_alpha() {
        let up = ("lora_up", &[2, 1][..], &[1.0, 2.0][..]);
        let down = ("lora_down", &[1, 3][..], &[1.0, 10.0, 100.0][..]);
        assert_eq!(applied(&[up, down], &[2, 3], 1.0).unwrap(), [1.0, 10.0, 100.0, 2.0, 20.0, 200.0]);
        assert_eq!(applied(&[up, down, ("alpha", &[], &[0.5])], &[2, 3], 2.0).unwrap(), [1.0, 10.0, 100.0, 2.0, 20.0, 200.0]);
        let kernel = ("lora_down", &[1, 1, 1, 3][..], &[1.0, 10.0, 100.0][..]);
        assert_eq!(applied(&[up, kernel], &[2, 1, 1, 3], 1.0).unwrap()[3..], [2.0, 20.0, 200.0]);
        assert!(applied(&[up, down], &[2, 4], 1.0).unwrap_err().contains("changes 6 numbers"));
    }

    #[test]
    fn a_middle_kernel_lies_between() {
        let mid = ("lora_mid", &[1, 1, 1, 2][..], &[3.0, 5.0][..]);
        let list = [("lora_up", &[2, 1, 1, 1][..], &[1.0, 2.0][..]), ("lora_down", &[1, 2, 1, 1][..], &[1.0, 10.0][..]), mid];
        assert_eq!(applied(&list, &[2, 2, 1, 2], 1.0).unwrap(), [3.0, 5.0, 30.0, 50.0, 6.0, 10.0, 60.0, 100.0]);
    }

    #[test]
    fn hadamard_and_kronecker_products() {
        let hada = [
            ("hada_w1_a", &[2, 1][..], &[1.0, 2.0][..]),
            ("hada_w1_b", &[1, 2][..], &[1.0, 3.0][..]),
            ("hada_w2_a", &[2, 1][..], &[1.0, 1.0][..]),
            ("hada_w2_b", &[1, 2][..], &[5.0, 7.0][..]),
        ];
        assert_eq!(applied(&hada, &[2, 2], 1.0).unwrap(), [5.0, 21.0, 10.0, 42.0]);
        let kron = [("lokr_w1", &[1, 2][..], &[1.0, 10.0][..]), ("lokr_w2", &[2, 1][..], &[3.0, 4.0][..]), ("alpha", &[], &[9.0])];
        assert_eq!(applied(&kron, &[2, 2], 1.0).unwrap(), [3.0, 30.0, 4.0, 40.0], "whole factors know no rank");
        let split = [
            ("lokr_w1", &[1, 2][..], &[1.0, 10.0][..]),
            ("lokr_w2_a", &[2, 1][..], &[3.0, 4.0][..]),
            ("lokr_w2_b", &[1, 1][..], &[1.0][..]),
        ];
        assert_eq!(applied(&split, &[2, 2], 1.0).unwrap(), [3.0, 30.0, 4.0, 40.0]);
    }

    #[test]
    fn magnitudes_set_the_length_of_each_row_or_column() {
        let list = [("diff", &[2, 2][..], &[0.0; 4][..]), ("dora_scale", &[2, 1][..], &[10.0, 1.0][..])];
        let mut weight = vec![3.0, 4.0, 0.0, 2.0];
        apply(&arrays(&list), &mut weight, &[2, 2], 1.0).unwrap();
        assert_eq!(weight, [6.0, 8.0, 0.0, 1.0]);
    }

    #[test]
    fn unknown_kinds_are_named() {
        let told = applied(&[("oft_blocks", &[1], &[1.0])], &[1], 1.0).unwrap_err();
        assert!(told.contains("oft_blocks"), "{told}");
    }
}
