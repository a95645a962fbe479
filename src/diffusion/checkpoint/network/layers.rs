//! The layers that the networks are made of.

use super::{Built, Net};
use crate::model::onnx::Setting::{Float, Int, Ints, Word};
use crate::model::onnx::Value;

/// Which sides of a plane a convolution may look beyond: above, left, below, right.
pub(super) type Pads = [i64; 4];

impl Net<'_> {
    pub(super) fn add(&mut self, a: &str, b: &str) -> Value {
        self.graph.add("Add", &[a, b], &[])
    }

    pub(super) fn mul(&mut self, a: &str, b: &str) -> Value {
        self.graph.add("Mul", &[a, b], &[])
    }

    /// `x · sigmoid(x)`.
    pub(super) fn silu(&mut self, x: &str) -> Value {
        let gate = self.graph.add("Sigmoid", &[x], &[]);
        self.mul(x, &gate)
    }

    /// `x · Φ(x)`, by the error function.
    pub(super) fn gelu(&mut self, x: &str) -> Value {
        let (root, one, half) = (self.graph.float(std::f32::consts::SQRT_2), self.graph.float(1.0), self.graph.float(0.5));
        let scaled = self.graph.add("Div", &[x, &root], &[]);
        let erf = self.graph.add("Erf", &[&scaled], &[]);
        let gate = self.add(&erf, &one);
        let twice = self.mul(x, &gate);
        self.mul(&twice, &half)
    }

    pub(super) fn reshape(&mut self, x: &str, shape: &[i64]) -> Value {
        let shape = self.graph.ints(shape);
        self.graph.add("Reshape", &[x, &shape], &[])
    }

    pub(super) fn transpose(&mut self, x: &str, order: &[i64]) -> Value {
        self.graph.add("Transpose", &[x], &[("perm", Ints(order))])
    }

    pub(super) fn concat(&mut self, parts: &[&str], axis: i64) -> Value {
        self.graph.add("Concat", parts, &[("axis", Int(axis))])
    }

    /// The lengths of the axes `from..to` of `x`.
    pub(super) fn lengths(&mut self, x: &str, from: i64, to: i64) -> Value {
        self.graph.add("Shape", &[x], &[("start", Int(from)), ("end", Int(to))])
    }

    pub(super) fn slice(&mut self, x: &str, from: i64, to: i64, axis: i64) -> Value {
        let (from, to, axis) = (self.graph.ints(&[from]), self.graph.ints(&[to]), self.graph.ints(&[axis]));
        self.graph.add("Slice", &[x, &from, &to, &axis], &[])
    }

    /// A matrix over the last axis, with its bias where it has one.
    pub(super) fn linear(&mut self, x: &str, name: &str) -> Built {
        let weight = format!("{name}.weight");
        let product = self.matrix(x, &weight)?;
        let bias = format!("{name}.bias");
        if !self.has(&bias) {
            return Ok(product);
        }
        let bias = self.weight(&bias)?;
        Ok(self.add(&bias, &product))
    }

    /// A matrix over the last axis.
    pub(super) fn matrix(&mut self, x: &str, weight: &str) -> Built {
        let stored = self.find(weight)?;
        let shape = stored.stored.shape.clone();
        let transposed = stored.transposed;
        // A convolution of one pixel is a matrix too.
        let (&[rows, columns] | &[rows, columns, 1, 1]) = shape.as_slice() else {
            return Err(super::BuildError::Shape { name: weight.to_owned(), shape });
        };
        let value = self.shaped(weight, &[rows, columns])?;
        let value = if transposed { value } else { self.transpose(&value, &[1, 0]) };
        Ok(self.graph.add("MatMul", &[x, &value], &[]))
    }

    /// A matrix over rows of numbers, with its bias.
    pub(super) fn rows(&mut self, x: &str, name: &str) -> Built {
        let (weight, bias) = (self.weight(&format!("{name}.weight"))?, self.weight(&format!("{name}.bias"))?);
        Ok(self.graph.add("Gemm", &[x, &weight, &bias], &[("transB", Int(1))]))
    }

    pub(super) fn conv(&mut self, x: &str, name: &str, stride: i64, pads: Pads) -> Built {
        let weight = format!("{name}.weight");
        let [_, _, height, width] = self.shape::<4>(&weight)?;
        let (weight, bias) = (self.weight(&weight)?, self.weight(&format!("{name}.bias"))?);
        let settings =
            [("kernel_shape", Ints(&[height as i64, width as i64])), ("pads", Ints(&pads)), ("strides", Ints(&[stride, stride]))];
        Ok(self.graph.add("Conv", &[x, &weight, &bias], &settings))
    }

    /// A convolution that keeps the size of the plane.
    pub(super) fn same(&mut self, x: &str, name: &str) -> Built {
        let [_, _, height, width] = self.shape::<4>(&format!("{name}.weight"))?;
        let (y, x_pad) = (height as i64 / 2, width as i64 / 2);
        self.conv(x, name, 1, [y, x_pad, y, x_pad])
    }

    /// Each group of channels is brought to mean 0 and deviation 1; then each channel has its own scale and offset. `axes` is how many
    /// axes follow the channels.
    pub(super) fn group_norm(&mut self, x: &str, name: &str, groups: usize, epsilon: f32, axes: usize) -> Built {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let [channels] = self.shape::<1>(&weight)?;
        let grouped = self.reshape(x, &[0, groups as i64, -1]);
        let (ones, zeros) = (self.graph.floats(&[groups], &vec![1.0; groups]), self.graph.floats(&[groups], &vec![0.0; groups]));
        let even = self.graph.add("InstanceNormalization", &[&grouped, &ones, &zeros], &[("epsilon", Float(epsilon))]);
        let shape = self.graph.add("Shape", &[x], &[]);
        let even = self.graph.add("Reshape", &[&even, &shape], &[]);
        let per_channel = [vec![channels], vec![1; axes]].concat();
        let (weight, bias) = (self.shaped(&weight, &per_channel)?, self.shaped(&bias, &per_channel)?);
        let scaled = self.mul(&even, &weight);
        Ok(self.add(&scaled, &bias))
    }

    pub(super) fn layer_norm(&mut self, x: &str, name: &str) -> Built {
        let (weight, bias) = (self.weight(&format!("{name}.weight"))?, self.weight(&format!("{name}.bias"))?);
        Ok(self.graph.add("LayerNormalization", &[x, &weight, &bias], &[("axis", Int(-1)), ("epsilon", Float(1e-5))]))
    }

    /// Attention of rows `q` to rows `k`, whose values are `v`, each of `width` numbers in `heads` equal parts; `mask` is added to
    /// the scores.
    pub(super) fn attention(&mut self, [q, k, v]: [&str; 3], heads: usize, width: usize, mask: Option<&str>) -> Value {
        let each = width / heads.max(1);
        let parts = [0, -1, heads as i64, each as i64];
        let q = self.reshape(q, &parts);
        let q = self.transpose(&q, &[0, 2, 1, 3]);
        let k = self.reshape(k, &parts);
        let k = self.transpose(&k, &[0, 2, 3, 1]);
        let v = self.reshape(v, &parts);
        let v = self.transpose(&v, &[0, 2, 1, 3]);
        // Half of the scaling on each side, as PyTorch has it: products stay in range. Exported text encoders have it as a constant, the
        // others take it from the tensors.
        let scale = (1.0 / (each as f32).sqrt()).sqrt();
        let scale = if mask.is_some() { self.graph.float(scale) } else { self.graph.lasting(scale) };
        let (q, k) = (self.mul(&q, &scale), self.mul(&k, &scale));
        let mut scores = self.graph.add("MatMul", &[&q, &k], &[]);
        if let Some(mask) = mask {
            scores = self.add(&scores, mask);
        }
        let shares = self.graph.add("Softmax", &[&scores], &[("axis", Int(-1))]);
        let mixed = self.graph.add("MatMul", &[&shares, &v], &[]);
        let mixed = self.transpose(&mixed, &[0, 2, 1, 3]);
        self.reshape(&mixed, &[0, -1, width as i64])
    }

    /// A plane `x` to the size of which `lengths` gives the last two axes, each pixel from its nearest.
    pub(super) fn enlarged(&mut self, x: &str, lengths: &str) -> Value {
        let head = self.lengths(x, 0, 2);
        let sizes = self.concat(&[&head, lengths], 0);
        let settings = [("mode", Word("nearest")), ("coordinate_transformation_mode", Word("asymmetric")), ("nearest_mode", Word("floor"))];
        self.graph.add("Resize", &[x, "", "", &sizes], &settings)
    }

    /// Two convolutions with a way past them; `time` is added between, where there is one.
    pub(super) fn resnet(&mut self, x: &str, time: Option<&str>, name: &str, groups: usize, epsilon: f32) -> Built {
        let h = self.group_norm(x, &format!("{name}.norm1"), groups, epsilon, 2)?;
        let h = self.silu(&h);
        let mut h = self.same(&h, &format!("{name}.conv1"))?;
        if let Some(time) = time {
            let time = self.rows(time, &format!("{name}.time_emb_proj"))?;
            let axes = self.graph.ints(&[2, 3]);
            let time = self.graph.add("Unsqueeze", &[&time, &axes], &[]);
            h = self.add(&h, &time);
        }
        let h = self.group_norm(&h, &format!("{name}.norm2"), groups, epsilon, 2)?;
        let h = self.silu(&h);
        let h = self.same(&h, &format!("{name}.conv2"))?;
        let shortcut = format!("{name}.conv_shortcut");
        let past = if self.has(&format!("{shortcut}.weight")) { self.same(x, &shortcut)? } else { x.to_owned() };
        Ok(self.add(&past, &h))
    }
}
