//! Mixing of chains and the number of independent samples that they are worth: rank-normalised
//! split R̂ and bulk effective sample size.

use ndarray::{Array1, ArrayView2, ArrayView3, Axis};

use super::check;
use super::halves::{Halves, effective_size, r_hat};
use super::ranks::{Ranked, Scores};
use crate::error::{Error, Result};

/// Smallest number of saved frames. With fewer the half chains are too short.
const FEWEST_SAVED: usize = 4;

/// Rank-normalised split R̂ of each coordinate of `trace`, shape (saved ≥ 4, chains ≥ 1, dim). The
/// result has shape (dim). Below 1.01 is good.
///
/// ```text
/// R̂ = √((B/W + n − 1) / n)
/// n draws per half chain    W = mean variance within    B = n · variance of means
/// ```
///
/// Every chain is cut into two halves. The middle frame of an odd number is dropped. Values are
/// replaced by normal scores of their ranks. The result is the larger of two R̂: that of the values
/// (location) and that of their distances from the median (scale). Source: Vehtari, Gelman,
/// Simpson, Carpenter & Bürkner, Bayesian Analysis 16 (2021). ArviZ 0.23 gives the same numbers.
///
/// A coordinate that never moves has no R̂. The result is NaN if all chains agree, and infinity if
/// each chain stays at its own value.
///
/// # Errors
/// - [`Error::Shape`] for fewer than four saved frames, no chain or no coordinate.
/// - [`Error::NonFinite`] for a NaN or an infinity. Its row is saved index · chains + chain.
pub fn split_r_hat(trace: ArrayView3<'_, f64>) -> Result<Array1<f64>> {
    let scores = scores(trace);
    let hats = per_coordinate(trace, |coordinate| {
        let halves = Halves::new(coordinate);
        let ranked = halves.ranked();
        rank_hat(&halves.with(ranked.normalised(&scores)), &ranked, &scores)
    })?;
    Ok(hats.into())
}

/// The scores of the ranks in all half chains.
pub(super) fn scores(trace: ArrayView3<'_, f64>) -> Scores {
    let (saved, chains, _) = trace.dim();
    Scores::new(saved / 2 * 2 * chains)
}

/// The larger R̂ of location and scale, for normal scores and the order of the values.
pub(super) fn rank_hat(normalised: &Halves, ranked: &Ranked, scores: &Scores) -> f64 {
    let location = r_hat(normalised);
    let scale = r_hat(&normalised.with(ranked.folded().normalised(scores)));
    // A coordinate with two values has constant distances and only a location. f64::max takes the
    // one that is a number.
    location.max(scale)
}

/// Bulk effective sample size of each coordinate of `trace`, shape (saved ≥ 4, chains ≥ 1, dim).
/// The result has shape (dim).
///
/// ```text
/// ESS = draws / τ,   τ = −1 + 2 Σ_t P_t,   P_t = ρ(2t) + ρ(2t+1) while positive, made decreasing
/// ```
///
/// ρ(t) is the autocorrelation at lag t after rank normalisation. It is combined over half chains
/// and includes the spread of their means. The sum is Geyer's initial monotone sequence
/// (Statistical Science 7 (1992)), as in Vehtari et al. 2021, section 3. The mean over all chains
/// and frames has variance Var/ESS.
///
/// ArviZ 0.23 (bulk) gives the same numbers, with one exception. A coordinate that never moves
/// gives NaN here and the number of draws there. Draws that alternate can be worth more than their
/// number, at most by a factor log₁₀(draws).
///
/// All lags are computed together by the fast Fourier transform. Cost: O(draws · log draws).
///
/// # Errors
/// As for [`split_r_hat`].
pub fn effective_sample_size(trace: ArrayView3<'_, f64>) -> Result<Array1<f64>> {
    let scores = scores(trace);
    // The effective size of the normal scores of the ranks.
    let sizes = per_coordinate(trace, |coordinate| {
        let halves = Halves::new(coordinate);
        effective_size(&halves.with(halves.ranked().normalised(&scores)))
    })?;
    Ok(sizes.into())
}

/// One measure of every coordinate, shape (saved, chains), of a trace that is long enough and
/// finite.
pub(super) fn per_coordinate<T>(
    trace: ArrayView3<'_, f64>,
    measure: impl Fn(ArrayView2<'_, f64>) -> T,
) -> Result<Vec<T>> {
    check_trace(trace)?;
    Ok(trace.axis_iter(Axis(2)).map(measure).collect())
}

/// The same on all cores. A coordinate is the work of one of them, so the numbers are the same.
#[cfg(feature = "rayon")]
pub(super) fn per_coordinate_on_all_cores<T: Send>(
    trace: ArrayView3<'_, f64>,
    measure: impl Fn(ArrayView2<'_, f64>) -> T + Sync,
) -> Result<Vec<T>> {
    use rayon::prelude::*;

    check_trace(trace)?;
    let coordinates = 0..trace.len_of(Axis(2));
    Ok(coordinates.into_par_iter().map(|j| measure(trace.index_axis(Axis(2), j))).collect())
}

/// A trace that is long enough and finite.
fn check_trace(trace: ArrayView3<'_, f64>) -> Result<()> {
    let (saved, chains, dim) = trace.dim();
    if saved < FEWEST_SAVED || chains == 0 || dim == 0 {
        return Err(Error::Shape {
            what: "trace",
            given: format!("({saved}, {chains}, {dim})"),
            expected: format!("(saved >= {FEWEST_SAVED}, chains >= 1, dim >= 1)"),
        });
    }
    for (frame, rows) in trace.outer_iter().enumerate() {
        check::finite("trace", rows).map_err(|error| match error {
            Error::NonFinite { what, row, column } => {
                Error::NonFinite { what, row: frame * chains + row, column }
            }
            other => other,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::splitmix::{SplitMix64, raw};
    use ndarray::{Array3, ShapeBuilder};

    /// x ← rho·x + (u − ½) from 0, chain by chain from one SplitMix64 stream. Then chain c becomes
    /// x (1 + scale·c) + shift·c. The same few lines in Python made the table below. Every
    /// operation is exact IEEE, so the traces agree to the last bit.
    fn autoregression(
        seed: u64,
        (saved, chains): (usize, usize),
        rho: f64,
        shift: f64,
        scale: f64,
        round: bool,
    ) -> Array3<f64> {
        let mut generator = raw(seed);
        let mut trace = Array3::zeros((saved, chains, 1));
        for chain in 0..chains {
            let mut x = 0.0;
            for frame in 0..saved {
                x = rho * x + (generator.uniform() - 0.5);
                let value = x * (1.0 + scale * chain as f64) + shift * chain as f64;
                trace[[frame, chain, 0]] = if round { (value * 4.0).floor() * 0.25 } else { value };
            }
        }
        trace
    }

    #[test]
    fn same_numbers_as_arviz() {
        // (seed, saved, chains, rho, shift, scale, round, R̂, bulk ESS) from ArviZ 0.23.4
        // (diagnostics._rhat_rank, _ess_bulk).
        let table = [
            (1, 100, 4, 0.0, 0.0, 0.0, false, 1.0015360763919332, 376.0630754720232),
            (2, 101, 3, 0.5, 0.0, 0.0, false, 1.0053630048615172, 135.4167208296393),
            (3, 60, 5, 0.95, 0.0, 0.0, false, 1.252381442380096, 16.377748106285733),
            (4, 200, 2, -0.6, 0.0, 0.0, false, 0.9960679511105504, 1040.823996531185),
            (5, 50, 4, 0.3, 0.2, 0.0, false, 1.3067347071998985, 11.944011070073653),
            (6, 80, 4, 0.3, 0.0, 2.0, false, 1.3107810398825708, 174.8583436846149),
            (7, 120, 3, 0.2, 0.0, 0.0, true, 1.008074345481571, 235.32772945668722),
            (8, 4, 2, 0.0, 0.0, 0.0, false, 1.5174789646651496, 7.224719895935548),
            (9, 5, 1, 0.0, 0.0, 0.0, false, 2.557464426967157, 2.4082399653118496),
            (10, 8, 3, 0.5, 0.0, 0.0, false, 1.504213424322, 33.12506980107854),
            (11, 300, 1, 0.8, 0.0, 0.0, false, 1.029876664352648, 16.082487963957764),
            (12, 6, 4, 0.9, 1.0, 0.0, false, 2.870893833834367, 33.12506980107854),
            (13, 7, 2, -0.9, 0.0, 0.0, false, 1.2445915457831127, 12.9501749525715),
            (14, 1000, 4, 0.99, 0.0, 0.0, false, 1.1439132164521566, 39.91806911994695),
        ];
        for (seed, saved, chains, rho, shift, scale, round, hat, size) in table {
            let trace = autoregression(seed, (saved, chains), rho, shift, scale, round);
            let found = split_r_hat(trace.view()).unwrap()[0];
            assert!((found - hat).abs() < 1e-11, "R̂, seed {seed}: {found} against {hat}");
            let found = effective_sample_size(trace.view()).unwrap()[0];
            assert!((found / size - 1.0).abs() < 1e-10, "ESS, seed {seed}: {found} against {size}");
        }
    }

    #[test]
    fn the_effective_size_of_an_autoregression_is_known() {
        // Gaussian AR(1), 4 chains of 50 000: ESS = N (1−ρ)/(1+ρ). An estimate of τ with M lags has
        // relative std about √((4M+2)/N) (Sokal 1989). Geyer's sequence ends where ρ(t) meets its
        // noise of about 3e-3: M ≲ 10 for ρ = ½ (1.5 %), 60 for ρ = 0.9 (3.5 %). Five sigma: 6e-7
        // per check, 4e-6 for all six.
        for (rho, window) in [(0.5_f64, 0.075), (0.9, 0.175)] {
            for seed in [0, 1, u64::MAX] {
                let mut generator = SplitMix64::new(seed);
                let mut trace = Array3::zeros((50_000, 4, 1));
                for chain in 0..4 {
                    let mut x = generator.normal_pair()[0];
                    for frame in 0..50_000 {
                        x = rho * x + (1.0 - rho * rho).sqrt() * generator.normal_pair()[0];
                        trace[[frame, chain, 0]] = x;
                    }
                }
                let expected = 200_000.0 * (1.0 - rho) / (1.0 + rho);
                let found = effective_sample_size(trace.view()).unwrap()[0];
                assert!(
                    (found / expected - 1.0).abs() < window,
                    "ρ {rho}, seed {seed}: {found} against {expected}"
                );
                assert!(split_r_hat(trace.view()).unwrap()[0] < 1.01);
            }
        }
    }

    #[test]
    fn a_slow_chain_costs_no_more_than_a_fast_one() {
        // A random walk is worth a few draws, whatever its length. All of its 200 000 lags are
        // correlated: by direct sums, they would take minutes.
        let mut generator = SplitMix64::new(3);
        let mut trace = Array3::zeros((200_000, 2, 1));
        for chain in 0..2 {
            let mut x = 0.0;
            for frame in 0..200_000 {
                x += generator.normal_pair()[0];
                trace[[frame, chain, 0]] = x;
            }
        }
        let found = effective_sample_size(trace.view()).unwrap()[0];
        assert!((1.0..20.0).contains(&found), "{found}");
    }

    #[test]
    fn coordinates_are_separate_and_layout_and_units_do_not_matter() {
        let a = autoregression(5, (41, 3), 0.4, 0.1, 0.0, false);
        let b = autoregression(6, (41, 3), 0.8, 0.0, 1.0, false);
        let both = ndarray::concatenate![Axis(2), a, b];
        let mut reversed = Array3::zeros(both.dim().f());
        // A power of two, so that the middle two values stay exactly as far from the median.
        reversed.assign(&both.mapv(|x| 1024.0 * x));
        for measure in [split_r_hat, effective_sample_size] {
            let found = measure(both.view()).unwrap();
            assert_eq!(found[0], measure(a.view()).unwrap()[0]);
            assert_eq!(found[1], measure(b.view()).unwrap()[0]);
            assert_eq!(measure(reversed.view()).unwrap(), found);
        }
    }

    #[test]
    fn frozen_coordinates_are_not_hidden() {
        let frozen = Array3::from_elem((10, 3, 1), 0.1);
        assert!(split_r_hat(frozen.view()).unwrap()[0].is_nan());
        assert!(effective_sample_size(frozen.view()).unwrap()[0].is_nan());
        let stuck = Array3::from_shape_fn((200, 3, 1), |(_, chain, _)| 0.1 * chain as f64);
        assert_eq!(split_r_hat(stuck.view()).unwrap()[0], f64::INFINITY);
        assert!(effective_sample_size(stuck.view()).unwrap()[0] < 4.0);
    }

    #[test]
    fn bad_input_is_named() {
        for shape in [(3, 2, 1), (4, 0, 1), (4, 2, 0)] {
            assert!(matches!(
                split_r_hat(Array3::zeros(shape).view()),
                Err(Error::Shape { what: "trace", .. })
            ));
        }
        let mut trace = autoregression(1, (6, 4), 0.5, 0.0, 0.0, false);
        trace[[3, 2, 0]] = f64::NAN;
        assert!(matches!(
            split_r_hat(trace.view()),
            Err(Error::NonFinite { what: "trace", row: 14, column: 0 })
        ));
        assert!(matches!(
            effective_sample_size(trace.view()),
            Err(Error::NonFinite { what: "trace", row: 14, column: 0 })
        ));
    }
}
