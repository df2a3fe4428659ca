//! Parameters of a mixture that a precision cannot hold.

use super::{Precision, Tables};
use crate::real::Real;

impl<F: Real> Tables<F> {
    /// The first mean that this precision cannot hold, in words.
    pub(in super::super) fn overflow_of_means(&self) -> Option<String> {
        let at = first_non_finite(&self.means)?;
        let component = at / self.dim;
        let column = at % self.dim;
        let place = format!("the mean of component {component}, column {column}");
        Some(format!("{place}, is too large for {}; use f64, or other units", F::NAME))
    }

    /// The first inverse variance that this precision cannot hold, in words.
    pub(in super::super) fn overflow_of_precisions(&self) -> Option<String> {
        let (numbers, each): (&[F], usize) = match &self.precision {
            Precision::Isotropic(p) => (std::slice::from_ref(p), 1),
            Precision::Diagonal(p) => (p, self.dim),
            Precision::Full(p) => (p, self.dim * (self.dim + 1) / 2),
        };
        let component = first_non_finite(numbers)? / each;
        let place = format!("the inverse of the variance of component {component}");
        Some(format!("{place} is too large for {}; use f64, or other units", F::NAME))
    }
}

fn first_non_finite<F: Real>(numbers: &[F]) -> Option<usize> {
    numbers.iter().position(|x| !x.is_finite())
}
