//! The matrix product: chains are lanes, a tile of outputs stays in registers, sums run over the
//! inputs in order.

use super::elementwise::silu;
use crate::math::aligned::Aligned;

/// Outputs whose weights stand together and whose sums are kept in registers: with two vectors of
/// lanes they fill those of AVX2, with four those of AVX-512.
pub(super) const TILE: usize = 6;

/// A linear layer, its weights by tile of outputs: (inputs, TILE).
#[derive(Clone)]
pub(super) struct Packed {
    pub inputs: usize,
    pub outputs: usize,
    weights: Aligned<f32>,
    bias: Vec<f32>,
}

/// What follows a product, while its sums are at hand, in this order.
#[derive(Clone, Copy)]
pub(super) struct Then<'a> {
    /// Adds the projected condition.
    pub condition: Projected<'a>,
    pub silu: bool,
    /// Adds to what stands in the output, and does not overwrite it; not together with `silu`.
    pub add: bool,
}

/// The projection of the condition that is added to a sum.
#[derive(Clone, Copy)]
pub(super) enum Projected<'a> {
    None,
    /// A number for each output, the same for all lanes.
    Shared(&'a [f32]),
    /// A layer, and the conditions of the lanes.
    Lanes(&'a Packed, &'a [f32]),
}

/// A number of rows that tiles fill.
pub(super) fn padded(outputs: usize) -> usize {
    outputs.next_multiple_of(TILE)
}

impl Packed {
    /// From `weight`, shape (outputs, inputs) row by row.
    pub(super) fn new(inputs: usize, outputs: usize, weight: &[f32], bias: &[f32]) -> Self {
        let mut weights = Aligned::new();
        weights.resize(padded(outputs) * inputs, 0.0);
        for (o, row) in weight.chunks_exact(inputs).enumerate() {
            for (i, w) in row.iter().enumerate() {
                weights[(o / TILE * inputs + i) * TILE + o % TILE] = *w;
            }
        }
        let mut padded_bias = vec![0.0; padded(outputs)];
        padded_bias[..outputs].copy_from_slice(bias);
        Self { inputs, outputs, weights, bias: padded_bias }
    }

    /// The number of weights.
    pub(super) fn size(&self) -> usize {
        self.inputs * self.outputs
    }

    /// Weights and biases of a tile.
    #[inline(always)]
    fn tile(&self, tile: usize) -> (&[[f32; TILE]], &[f32]) {
        let size = self.inputs * TILE;
        (self.weights[tile * size..][..size].as_chunks().0, &self.bias[tile * TILE..][..TILE])
    }
}

/// `out` = W `input` + b for lanes of V vectors, and what follows. `out` has room for whole tiles.
#[inline(always)]
pub(super) fn product<S: pulp::Simd, const V: usize>(
    simd: S,
    layer: &Packed,
    input: &[f32],
    out: &mut [f32],
    then: Then<'_>,
) {
    if V * S::F32_LANES == 1 {
        narrow(layer, input, out, then);
        return;
    }
    for (tile, out) in out.chunks_exact_mut(TILE * V * S::F32_LANES).enumerate() {
        let mut sums = dots::<S, V>(simd, layer, tile, input);
        match then.condition {
            Projected::None => (),
            Projected::Shared(numbers) => {
                let numbers = &numbers[tile * TILE..][..TILE];
                for t in 0..TILE {
                    let number = simd.splat_f32s(numbers[t]);
                    for v in 0..V {
                        sums[t][v] = simd.add_f32s(sums[t][v], number);
                    }
                }
            }
            Projected::Lanes(layer, condition) => {
                let numbers = dots::<S, V>(simd, layer, tile, condition);
                for t in 0..TILE {
                    for v in 0..V {
                        sums[t][v] = simd.add_f32s(sums[t][v], numbers[t][v]);
                    }
                }
            }
        }
        let (to, _) = S::as_mut_simd_f32s(out).0.as_chunks_mut::<V>();
        for (to, sum) in to.iter_mut().zip(&sums) {
            for v in 0..V {
                to[v] = if then.add { simd.add_f32s(to[v], sum[v]) } else { sum[v] };
            }
        }
        if then.silu {
            silu(out);
        }
    }
}

/// W `input` + b for a tile.
#[inline(always)]
fn dots<S: pulp::Simd, const V: usize>(
    simd: S,
    layer: &Packed,
    tile: usize,
    input: &[f32],
) -> [[S::f32s; V]; TILE] {
    let (weights, bias) = layer.tile(tile);
    let (input, _) = S::as_simd_f32s(input).0.as_chunks::<V>();
    let mut sums = [[simd.splat_f32s(0.0); V]; TILE];
    for t in 0..TILE {
        sums[t] = [simd.splat_f32s(bias[t]); V];
    }
    for (x, w) in input.iter().zip(weights) {
        for t in 0..TILE {
            let w = simd.splat_f32s(w[t]);
            for v in 0..V {
                sums[t][v] = simd.mul_add_f32s(w, x[v], sums[t][v]);
            }
        }
    }
    sums
}

/// The same for one row: the outputs of a tile are the lanes.
#[inline(always)]
fn narrow(layer: &Packed, input: &[f32], out: &mut [f32], then: Then<'_>) {
    for (tile, out) in out.as_chunks_mut::<TILE>().0.iter_mut().enumerate() {
        let mut sums = narrow_dots(layer, tile, input);
        let numbers = match then.condition {
            Projected::None => None,
            Projected::Shared(numbers) => numbers[tile * TILE..].first_chunk::<TILE>().copied(),
            Projected::Lanes(layer, condition) => Some(narrow_dots(layer, tile, condition)),
        };
        if let Some(numbers) = numbers {
            for t in 0..TILE {
                sums[t] += numbers[t];
            }
        }
        for t in 0..TILE {
            out[t] = if then.add { out[t] + sums[t] } else { sums[t] };
        }
        if then.silu {
            silu(out);
        }
    }
}

#[inline(always)]
fn narrow_dots(layer: &Packed, tile: usize, input: &[f32]) -> [f32; TILE] {
    let (weights, bias) = layer.tile(tile);
    let mut sums = [0.0; TILE];
    sums.copy_from_slice(bias);
    for (x, w) in input.iter().zip(weights) {
        for t in 0..TILE {
            sums[t] = w[t].mul_add(*x, sums[t]);
        }
    }
    sums
}
