//! Statistics of one coordinate of a trace, the number of draws that each of them is worth, and
//! its Monte Carlo error.

use ndarray::{Array1, ArrayView2, ArrayView3};

use super::halves::{Halves, effective_size};
use super::ranks::{Ranked, Scores};
use super::traces::{per_coordinate, rank_hat};
use crate::error::{Error, Result};
use crate::math::beta;

/// Probabilities of a normal deviate below −1 and below 1, with the digits of ArviZ.
const ONE_SIGMA: [f64; 2] = [0.1586553, 0.8413447];

/// A statistic of all draws of a coordinate, over frames and chains: its estimate, its effective
/// sample size and its Monte Carlo error.
///
/// The error says how far the estimate is from the value of infinitely many draws. It is one
/// standard deviation, and knows the correlation of draws. It is not the width of the
/// distribution.
///
/// ```
/// use langevin::metrics::Statistic;
/// use langevin::ndarray::Array3;
/// // A sequence of low discrepancy, as the draws of two chains.
/// let trace = Array3::from_shape_fn((500, 2, 1), |(i, c, _)| {
///     (0.618 * i as f64 + 0.3 * c as f64).fract()
/// });
/// let median = Statistic::Quantile(0.5);
/// let estimate = median.estimate(trace.view())?[0];
/// let error = median.error(trace.view())?[0];
/// assert!((estimate - 0.5).abs() < 5.0 * error);
/// # Ok::<(), langevin::Error>(())
/// ```
///
/// ArviZ 0.23 (`ess`, `mcse`) gives the same numbers. The differences are those of a coordinate
/// that does not move. Its effective sample size is NaN here and the number of draws there, also if
/// the coordinate moves by less than 1e-15. ArviZ 1 takes the effective sample size of the mean for
/// the error of the standard deviation. Here, as in 0.23, it is that of the squared deviations,
/// whose mean the variance is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Statistic {
    /// The mean over all draws.
    Mean,
    /// The standard deviation, with n − 1 in the denominator.
    Sd,
    /// The quantile of this probability, strictly between 0 and 1. It interpolates between draws
    /// (type 7 of Hyndman & Fan, The American Statistician 50 (1996)).
    Quantile(f64),
}

impl Statistic {
    /// The estimate for each coordinate of `trace`, shape (saved ≥ 4, chains ≥ 1, dim). The result
    /// has shape (dim).
    ///
    /// # Errors
    /// - [`Error::Shape`] for fewer than four saved frames, no chain or no coordinate.
    /// - [`Error::NonFinite`] for a NaN or an infinity. Its row is saved index · chains + chain.
    /// - [`Error::Invalid`] for a probability that is not strictly between 0 and 1.
    pub fn estimate(self, trace: ArrayView3<'_, f64>) -> Result<Array1<f64>> {
        self.each(trace, Draws::estimate)
    }

    /// The effective sample size of the statistic for each coordinate of `trace`. Shapes are those
    /// of [`estimate`](Self::estimate).
    ///
    /// | statistic | series whose autocorrelations count |
    /// |---|---|
    /// | `Mean` | x |
    /// | `Sd` | (x − mean)² |
    /// | `Quantile(p)` | 1 if x ≤ quantile, else 0 |
    ///
    /// The series are not rank-normalised. Their autocorrelations are summed as in
    /// [`effective_sample_size`](super::effective_sample_size) (Vehtari et al. 2021). A
    /// series that is constant though the coordinate moves counts all draws. A coordinate that
    /// never moves gives NaN.
    ///
    /// # Errors
    /// As for [`estimate`](Self::estimate).
    pub fn effective_sample_size(self, trace: ArrayView3<'_, f64>) -> Result<Array1<f64>> {
        self.each(trace, Draws::size)
    }

    /// The Monte Carlo standard error of the estimate for each coordinate of `trace`. Shapes are
    /// those of [`estimate`](Self::estimate).
    ///
    /// ```text
    /// Mean          sd / √ESS
    /// Sd            √( mean of ((x − mean)² − v)² / (4 v ESS) ),   v = mean of (x − mean)²
    /// Quantile(p)   half the distance between the order statistics at the 16 % and 84 % points
    ///               of Beta(p ESS + 1, (1 − p) ESS + 1)
    /// ```
    ///
    /// ESS is that of the statistic. The error of a standard deviation is that of v, divided by
    /// 2√v. It requires four moments. The error of a quantile is that of Vehtari et al. 2021.
    ///
    /// # Errors
    /// As for [`estimate`](Self::estimate).
    pub fn error(self, trace: ArrayView3<'_, f64>) -> Result<Array1<f64>> {
        self.each(trace, Draws::error)
    }

    fn each(
        self,
        trace: ArrayView3<'_, f64>,
        measure: impl Fn(&Draws, Self) -> f64,
    ) -> Result<Array1<f64>> {
        if let Self::Quantile(given) = self
            && !(given > 0.0 && given < 1.0)
        {
            let expected = "strictly between 0 and 1";
            return Err(Error::Invalid { name: "probability", given, expected });
        }
        let measure = |coordinate: ArrayView2<'_, f64>| measure(&Draws::new(coordinate), self);
        Ok(per_coordinate(trace, measure)?.into())
    }
}

/// Tail effective sample size of each coordinate of `trace`, shape (saved ≥ 4, chains ≥ 1, dim):
/// the smaller one of those of the 5 % and the 95 % quantile. The result has shape (dim).
///
/// It says whether the ends of intervals are known, as
/// [`effective_sample_size`](super::effective_sample_size) says it of the middle. Source: Vehtari
/// et al. 2021. ArviZ 0.23 (`tail`) gives the same numbers, except for a coordinate that never
/// moves, which gives NaN here.
///
/// # Errors
/// As for [`split_r_hat`](super::split_r_hat).
pub fn tail_effective_sample_size(trace: ArrayView3<'_, f64>) -> Result<Array1<f64>> {
    Ok(per_coordinate(trace, |coordinate| Draws::new(coordinate).tail_size())?.into())
}

/// All draws of one coordinate, in units of a power of two, so that no square overflows and no bit
/// changes.
pub(super) struct Draws {
    /// The half chains. They lack the middle frame of an odd number.
    halves: Halves,
    /// Every draw, in increasing order.
    sorted: Ranked,
    /// Number of saved frames.
    saved: usize,
    /// The mean of all draws.
    mean: f64,
    /// Squared distances of all draws from the mean.
    squares: Vec<f64>,
    /// Power of two of the unit.
    exponent: i32,
}

impl Draws {
    pub(super) fn new(coordinate: ArrayView2<'_, f64>) -> Self {
        let largest = coordinate.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let exponent = libm::frexp(largest).1;
        let unit = libm::ldexp(1.0, -exponent);
        // The product has the same bits and is faster, but the unit can be out of its range.
        let values = coordinate.mapv(|value| match unit.is_normal() {
            true => value * unit,
            false => libm::ldexp(value, -exponent),
        });
        let mean = mean(values.iter().copied());
        let squares = values.iter().map(|value| (value - mean) * (value - mean)).collect();
        let halves = Halves::new(values.view());
        let sorted = Ranked::new(values.iter().copied());
        Self { halves, sorted, saved: coordinate.nrows(), mean, squares, exponent }
    }

    /// A length in the unit of the trace.
    fn length(&self, scaled: f64) -> f64 {
        libm::ldexp(scaled, self.exponent)
    }

    pub(super) fn estimate(&self, statistic: Statistic) -> f64 {
        self.length(match statistic {
            Statistic::Mean => self.mean,
            Statistic::Sd => self.sd(),
            Statistic::Quantile(probability) => self.quantile(probability),
        })
    }

    pub(super) fn size(&self, statistic: Statistic) -> f64 {
        if self.halves.constant() {
            return f64::NAN;
        }
        let series = match statistic {
            Statistic::Mean => return effective_size(&self.halves),
            Statistic::Sd => self.halves.each(|x| (x - self.mean) * (x - self.mean)),
            Statistic::Quantile(probability) => {
                let quantile = self.quantile(probability);
                self.halves.each(|x| if x <= quantile { 1.0 } else { 0.0 })
            }
        };
        if series.constant() { series.count() } else { effective_size(&series) }
    }

    pub(super) fn error(&self, statistic: Statistic) -> f64 {
        let size = self.size(statistic);
        self.length(match statistic {
            Statistic::Mean => self.sd() / size.sqrt(),
            Statistic::Sd => {
                let variance = mean(self.squares.iter().copied());
                let away = self.squares.iter().map(|square| square - variance);
                (mean(away.map(|away| away * away)) / size / variance / 4.0).sqrt()
            }
            Statistic::Quantile(probability) => self.quantile_error(probability, size),
        })
    }

    pub(super) fn tail_size(&self) -> f64 {
        // Both are NaN or none is.
        self.size(Statistic::Quantile(0.05)).min(self.size(Statistic::Quantile(0.95)))
    }

    /// The bulk effective size and R̂.
    pub(super) fn of_ranks(&self, scores: &Scores) -> [f64; 2] {
        let ranked = self.sorted.moved(|index| self.halves.place(self.saved, index));
        let normalised = self.halves.with(ranked.normalised(scores));
        [effective_size(&normalised), rank_hat(&normalised, &ranked, scores)]
    }

    fn sd(&self) -> f64 {
        let sum: f64 = self.squares.iter().sum();
        (sum / (self.squares.len() as f64 - 1.0)).sqrt()
    }

    /// Type 7 of Hyndman & Fan, in the operations of SciPy's `mquantiles`: an indicator must not
    /// depend on the rounding of the place.
    fn quantile(&self, probability: f64) -> f64 {
        let count = self.sorted.count();
        let place = count as f64 * probability + (1.0 - probability);
        let whole = place.clamp(1.0, count as f64 - 1.0).floor();
        let part = (place - whole).clamp(0.0, 1.0);
        let below = self.sorted.value(whole as usize - 1);
        let above = self.sorted.value(whole as usize);
        // The sum below could fall short of two equal numbers.
        if below == above { below } else { (1.0 - part) * below + part * above }
    }

    fn quantile_error(&self, probability: f64, size: f64) -> f64 {
        if size.is_nan() {
            return f64::NAN;
        }
        let count = self.sorted.count() as f64;
        let [a, b] = [size * probability + 1.0, size * (1.0 - probability) + 1.0];
        let [low, high] = ONE_SIGMA.map(|share| beta::quantile(a, b, share) * count - 1.0);
        let low = self.sorted.value(low.max(0.0).floor() as usize);
        let high = self.sorted.value(high.clamp(0.0, count - 1.0).ceil() as usize);
        (high - low) / 2.0
    }
}

/// The mean relative to the first value, so that that of equal values is exact, corrected by the
/// mean of what is left.
fn mean(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let count = values.len() as f64;
    let Some(first) = values.clone().next() else { return f64::NAN };
    let rough = first + values.clone().map(|value| value - first).sum::<f64>() / count;
    rough + values.map(|value| value - rough).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::splitmix::SplitMix64;
    use ndarray::{Array3, ShapeBuilder};

    /// Gaussian AR(1) of unit variance, chain by chain.
    fn autoregression(seed: u64, (saved, chains): (usize, usize), rho: f64) -> Array3<f64> {
        let mut generator = SplitMix64::new(seed);
        let mut trace = Array3::zeros((saved, chains, 1));
        for chain in 0..chains {
            let mut x = generator.normal_pair()[0];
            for frame in 0..saved {
                x = rho * x + (1.0 - rho * rho).sqrt() * generator.normal_pair()[0];
                trace[[frame, chain, 0]] = x;
            }
        }
        trace
    }

    fn all() -> [Statistic; 5] {
        let quantiles = [0.05, 0.5, 0.95].map(Statistic::Quantile);
        [Statistic::Mean, Statistic::Sd, quantiles[0], quantiles[1], quantiles[2]]
    }

    #[test]
    fn errors_of_an_autoregression_are_known() {
        // Gaussian AR(1), N = 200 000: x has correlations ρ^t, (x − mean)² has ρ^(2t). So the
        // errors are √((1+ρ)/(1−ρ)/N) and √((1+ρ²)/(1−ρ²)/(2N)). τ of each has a relative std of
        // at most 3.5 % (as in traces.rs), its root half of that. Variance and fourth moment add
        // less than 1 %. Five sigma of 2 %: 6e-7 per check, 4e-6 for all six.
        let rho = 0.9_f64;
        let square = rho * rho;
        for seed in [0, 1, u64::MAX] {
            let trace = autoregression(seed, (50_000, 4), rho);
            let mean = ((1.0 + rho) / (1.0 - rho) / 200_000.0).sqrt();
            let sd = ((1.0 + square) / (1.0 - square) / 400_000.0).sqrt();
            for (statistic, expected) in [(Statistic::Mean, mean), (Statistic::Sd, sd)] {
                let found = statistic.error(trace.view()).unwrap()[0];
                assert!((found / expected - 1.0).abs() < 0.1, "{seed}: {found} against {expected}");
            }
        }
    }

    #[test]
    fn estimates_by_hand() {
        // 1 … 8 in two chains: mean 4.5, variance 6, 5 % at place 0.35 of 7.
        let trace = Array3::from_shape_fn((4, 2, 1), |(i, c, _)| (1 + 2 * i + c) as f64);
        let found = all().map(|statistic| statistic.estimate(trace.view()).unwrap()[0]);
        for (found, expected) in found.into_iter().zip([4.5, 6.0_f64.sqrt(), 1.35, 4.5, 7.65]) {
            assert!((found - expected).abs() < 1e-14, "{found} against {expected}");
        }
    }

    #[test]
    fn units_and_layout_do_not_matter() {
        let trace = autoregression(3, (41, 3), 0.4);
        for unit in [2f64.powi(-990), 2f64.powi(1000)] {
            let mut other = Array3::zeros(trace.dim().f());
            other.assign(&(unit * &trace));
            for statistic in all() {
                let estimate = statistic.estimate(trace.view()).unwrap();
                assert_eq!(statistic.estimate(other.view()).unwrap(), unit * estimate);
                let error = statistic.error(trace.view()).unwrap();
                assert_eq!(statistic.error(other.view()).unwrap(), unit * error);
                let size = statistic.effective_sample_size(trace.view()).unwrap();
                assert_eq!(statistic.effective_sample_size(other.view()).unwrap(), size);
            }
            let size = tail_effective_sample_size(trace.view()).unwrap();
            assert_eq!(tail_effective_sample_size(other.view()).unwrap(), size);
        }
    }

    #[test]
    fn frozen_coordinates_are_not_hidden() {
        let frozen = Array3::from_elem((10, 3, 1), 0.1);
        for statistic in all() {
            let estimate = statistic.estimate(frozen.view()).unwrap()[0];
            assert_eq!(estimate, if statistic == Statistic::Sd { 0.0 } else { 0.1 });
            assert!(statistic.error(frozen.view()).unwrap()[0].is_nan());
            assert!(statistic.effective_sample_size(frozen.view()).unwrap()[0].is_nan());
        }
        assert!(tail_effective_sample_size(frozen.view()).unwrap()[0].is_nan());
        // The squared distances of a balanced coin never change, and so its spread is known.
        let coin = Array3::from_shape_fn((10, 2, 1), |(i, c, _)| [-1.0, 1.0][(i / 2 + c) % 2]);
        assert_eq!(Statistic::Sd.effective_sample_size(coin.view()).unwrap()[0], 20.0);
        assert_eq!(Statistic::Sd.error(coin.view()).unwrap()[0], 0.0);
    }

    #[test]
    fn bad_input_is_named() {
        let trace = autoregression(4, (8, 2), 0.0);
        for given in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
            let quantile = Statistic::Quantile(given);
            let found = [
                quantile.estimate(trace.view()),
                quantile.error(trace.view()),
                quantile.effective_sample_size(trace.view()),
            ];
            for found in found {
                assert!(matches!(found, Err(Error::Invalid { name: "probability", .. })));
            }
        }
        let short = Statistic::Mean.error(Array3::zeros((3, 2, 1)).view());
        assert!(matches!(short, Err(Error::Shape { what: "trace", .. })));
        let mut trace = trace;
        trace[[3, 1, 0]] = f64::INFINITY;
        assert!(matches!(
            tail_effective_sample_size(trace.view()),
            Err(Error::NonFinite { what: "trace", row: 7, column: 0 })
        ));
    }
}
