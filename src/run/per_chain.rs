//! Sums for mean and variances or covariance, kept for every chain on its own.

use std::ops::Range;

use ndarray::ArrayView1;

use super::saved::{Saved, Saving, fail};
use crate::error::Result;
use crate::metrics::RunningMoments;

/// Running means and products of every chain (Welford 1962). Chains can so be left out afterwards.
#[derive(Clone, Debug)]
pub(super) struct PerChain {
    dim: usize,
    full: bool,
    counts: Vec<usize>,
    /// (chains, dim).
    means: Vec<f64>,
    /// (chains, dim), or (chains, dim²) with the upper triangles of the products.
    products: Vec<f64>,
}

impl PerChain {
    /// Sums of no positions yet: for covariances if `full`, else for variances.
    pub(super) fn new(chains: usize, dim: usize, full: bool) -> Self {
        let size = if full { dim * dim } else { dim };
        Self {
            dim,
            full,
            counts: vec![0; chains],
            means: vec![0.0; chains * dim],
            products: vec![0.0; chains * size],
        }
    }

    /// Adds the position of a chain.
    pub(super) fn push(&mut self, chain: usize, position: ArrayView1<'_, f64>) {
        self.counts[chain] += 1;
        let after = self.counts[chain] as f64;
        let dim = self.dim;
        let means = &mut self.means[chain * dim..(chain + 1) * dim];
        let size = if self.full { dim * dim } else { dim };
        let products = &mut self.products[chain * size..(chain + 1) * size];
        let scale = (after - 1.0) / after;
        if self.full {
            for i in 0..dim {
                let away = scale * (position[i] - means[i]);
                for j in i..dim {
                    products[i * dim + j] += away * (position[j] - means[j]);
                }
            }
        }
        for i in 0..dim {
            let away = position[i] - means[i];
            if !self.full {
                products[i] += scale * away * away;
            }
            means[i] += away / after;
        }
    }

    /// Adds the sums of a chain to those of others.
    pub(super) fn add_to(&self, joined: &mut RunningMoments, chain: usize) -> Result<()> {
        let dim = self.dim;
        let size = if self.full { dim * dim } else { dim };
        let mean = &self.means[chain * dim..][..dim];
        joined.merge_sums(self.counts[chain], mean, &self.products[chain * size..][..size])
    }

    pub(super) fn save(&self, to: &mut Saving) {
        to.word(self.dim as u64);
        to.word(u64::from(self.full));
        to.words(self.counts.iter().map(|count| *count as u64));
        to.numbers(&self.means);
        to.numbers(&self.products);
    }

    pub(super) fn restore(from: &mut Saved<'_>) -> Result<Self> {
        let dim = from.word()? as usize;
        let full = from.word()? == 1;
        let counts: Vec<_> = from.words()?.into_iter().map(|count| count as usize).collect();
        let means = from.numbers()?;
        let products = from.numbers()?;
        let chains = counts.len();
        let size = if full { dim.saturating_mul(dim) } else { dim };
        let sizes = [dim, size].map(|size| size.saturating_mul(chains));
        if [means.len(), products.len()] != sizes {
            return Err(fail("the sums that an observer saved do not fit each other"));
        }
        Ok(Self { dim, full, counts, means, products })
    }

    /// Adds the sums of further chains behind its own.
    pub(super) fn append(&mut self, other: Self) -> bool {
        let fits = (self.dim, self.full) == (other.dim, other.full);
        if fits {
            self.counts.extend(other.counts);
            self.means.extend(other.means);
            self.products.extend(other.products);
        }
        fits
    }

    /// The sums of some chains alone.
    pub(super) fn part(&self, chains: Range<usize>) -> Self {
        let dim = self.dim;
        let size = if self.full { dim * dim } else { dim };
        let numbers =
            |all: &[f64], each: usize| all[chains.start * each..chains.end * each].to_vec();
        Self {
            dim,
            full: self.full,
            counts: self.counts[chains.clone()].to_vec(),
            means: numbers(&self.means, dim),
            products: numbers(&self.products, size),
        }
    }

    /// The number of chains.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// The number of coordinates of a position.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }
}
