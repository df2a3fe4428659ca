//! A softmax over components, lane by lane, with the largest exponent taken out.

use crate::real::Real;

/// Raises the largest exponent of every lane. NaN survives the comparison.
#[inline(always)]
pub(crate) fn raise<F: Real, const L: usize>(largest: &mut [F; L], exponent: &[F; L]) {
    for l in 0..L {
        let most = largest[l];
        let exponent = exponent[l];
        largest[l] = if most < exponent { exponent } else { most };
    }
}

/// Turns the exponents of all components into exp(exponent − largest) and returns their sums.
#[inline(always)]
pub(crate) fn weigh<F: Real, const L: usize>(exponents: &mut [[F; L]], largest: &[F; L]) -> [F; L] {
    let mut total = [F::zero(); L];
    for weights in exponents.iter_mut() {
        for l in 0..L {
            let weight = (weights[l] - largest[l]).exp_lane();
            weights[l] = weight;
            total[l] += weight;
        }
    }
    total
}
