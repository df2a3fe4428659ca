//! What a run on a posterior needs beside its drift: coordinates, step and friction.

use std::fmt;

use ndarray::Array1;

use crate::drift::Scale;
use crate::error::{Result, positive};
use crate::math::digits::number;

/// Coordinates, step and friction of a run, found by [`Sampling`](super::Sampling) or given by
/// hand. With the feature `serde` it is stored and read with the same bits. Step
/// and friction belong to the coordinates y of the scale, where the inverse mass is 1.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::form::Form", into = "super::form::Form"))]
pub struct Tuned {
    scale: Scale,
    step: f64,
    friction: f64,
}

impl Tuned {
    /// These coordinates, with a step h and a friction γ.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the step or the friction is not finite and
    /// positive.
    pub fn new(scale: Scale, step: f64, friction: f64) -> Result<Self> {
        let step = positive("step", step)?;
        Ok(Self { scale, step, friction: positive("friction", friction)? })
    }

    /// A step and a friction in the coordinates of the drift.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and [`Error::Shape`](crate::Error::Shape) if `dim` is 0.
    pub fn plain(dim: usize, step: f64, friction: f64) -> Result<Self> {
        let center = Array1::zeros(dim);
        let scale = Scale::diagonal(center.view(), Array1::ones(dim).view())?;
        Self::new(scale, step, friction)
    }

    /// The coordinates.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// The step h.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// The friction γ.
    pub fn friction(&self) -> f64 {
        self.friction
    }

    /// The same with another step.
    pub(super) fn with_step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// The same with half the step.
    pub(super) fn halved(mut self) -> Self {
        self.step *= 0.5;
        self
    }
}

impl fmt::Display for Tuned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scales = self.scale.scales();
        let least = scales.fold(f64::INFINITY, |a, b| a.min(*b));
        let most = scales.fold(0.0, |a: f64, b| a.max(*b));
        let kind = if self.scale.covariance().is_some() { "dense" } else { "diagonal" };
        write!(f, "step {}, friction {}, ", number(self.step), number(self.friction))?;
        write!(f, "{kind} scale from {least:.3e} to {most:.3e}")
    }
}
