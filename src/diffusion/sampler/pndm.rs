use std::collections::VecDeque;

use super::course::{Course, noise};
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;
use crate::diffusion::schedule::Prediction;

/// Pseudo numerical methods (arXiv 2202.09778): linear multistep (PLMS) on the network's output, begun with Runge–Kutta steps or,
/// as in Stable Diffusion, with a second look at the first step.
pub struct Pndm {
    pub course: Course,
    /// What each call of the network is for.
    pub calls: Vec<Call>,
    /// Calls so far.
    pub done: usize,
    /// Outputs, the newest first.
    pub outputs: VecDeque<Vec<f32>>,
    /// What a step of several calls began with.
    pub begin: Option<Latents>,
    /// The weighted sum of a Runge–Kutta step's outputs.
    pub sum: Vec<f32>,
    /// Whether outputs are read as noise where they arise, as in A1111. diffusers first sums them and then reads the sum.
    pub reads_each: bool,
}

/// A call: from which level to which the sample goes with what it yields.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// What the network is told.
    pub at: Level,
    /// Where the sample, or that which the step began with, is.
    pub from: Level,
    /// Where it goes.
    pub to: Level,
    /// Whether it is part of a Runge–Kutta step.
    pub runge_kutta: bool,
}

impl Sampler for Pndm {
    fn steps(&self) -> usize {
        self.calls.len()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let call = self.calls[step];
        let mut output = network.predict(call.at, sample)?;
        let mut prediction = self.course.prediction;
        if self.reads_each {
            output = noise(prediction, call.at, &sample.data, output);
            prediction = Prediction::Epsilon;
        }
        let output = if call.runge_kutta { self.runge_kutta(sample, output) } else { self.multistep(sample, output) };
        let seen = noise(prediction, call.from, &sample.data, output);
        let kept = call.to.alpha / call.from.alpha;
        mix(&mut sample.data, kept, &[(call.to.sigma - call.from.sigma * kept, &seen)]);
        self.done += 1;
        Ok(())
    }
}

impl Pndm {
    /// Before its first call.
    pub fn new(course: Course, calls: Vec<Call>, reads_each: bool) -> Self {
        Self { course, calls, done: 0, outputs: VecDeque::new(), begin: None, sum: Vec::new(), reads_each }
    }

    /// Four calls a step, each from the step's beginning.
    fn runge_kutta(&mut self, sample: &mut Latents, output: Vec<f32>) -> Vec<f32> {
        let part = self.done % 4;
        if part == 0 {
            self.sum = vec![0.0; output.len()];
            self.outputs.push_front(output.clone());
            self.begin = Some(sample.clone());
        } else if let Some(begin) = &self.begin {
            sample.clone_from(begin);
        }
        let weight = if part == 0 || part == 3 { 1.0 / 6.0 } else { 1.0 / 3.0 };
        mix(&mut self.sum, 1.0, &[(weight, &output)]);
        if part == 3 { std::mem::take(&mut self.sum) } else { output }
    }

    /// One call a step; the second call of a run looks at the first step again.
    fn multistep(&mut self, sample: &mut Latents, mut output: Vec<f32>) -> Vec<f32> {
        if self.done == 1
            && let (Some(begin), Some(first)) = (self.begin.take(), self.outputs.front())
        {
            *sample = begin;
            mix(&mut output, 0.5, &[(0.5, first)]);
            return output;
        }
        if self.done == 0 {
            self.begin = Some(sample.clone());
        }
        self.outputs.push_front(output);
        self.outputs.truncate(4);
        // Adams–Bashforth.
        let weights: &[f64] = match self.outputs.len() {
            1 => &[1.0],
            2 => &[1.5, -0.5],
            3 => &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
            _ => &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
        };
        let mut sum = vec![0.0; sample.data.len()];
        let terms: Vec<(f64, &[f32])> = weights.iter().copied().zip(self.outputs.iter().map(Vec::as_slice)).collect();
        mix(&mut sum, 0.0, &terms);
        sum
    }
}
