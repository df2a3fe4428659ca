//! What samples are like: mean, spread and weights of modes, beside those of the target.

use std::fmt;

use ndarray::{Array1, Array2};

use super::moments::{MomentsObserver, sums};
use super::samples::Samples;
use crate::drift::GaussianMixture;
use crate::error::Result;
use crate::math::digits::{number, scaled};
use crate::metrics::RunningMoments;
use crate::real::Real;

/// Coordinates listed, and half the modes.
const SHOWN: usize = 8;
/// Modes are not told apart where there are more: the target is a data set then.
const MOST_MODES: usize = 256;

/// What samples are like. It prints itself as tables.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Dimension of a position.
    pub dim: usize,
    /// The mean, (dim). `None` if a position is not finite.
    pub mean: Option<Array1<f64>>,
    /// The variances, (dim). `None` where the mean is, or with a single sample.
    pub variance: Option<Array1<f64>>,
    /// The covariance, (dim, dim). `None` where the variances are, or above 8 dimensions unless
    /// asked for: see [`with_covariance`](Self::with_covariance).
    pub covariance: Option<Array2<f64>>,
    /// The mean probability of each mode of the target, over the finite positions. `None` without a
    /// target, above 256 modes, or if no position is finite.
    pub mode_weights: Option<Array1<f64>>,
    /// What the target says about all this. `None` without one.
    pub target: Option<Expected>,
}

/// What a [`Summary`] should say, according to the target.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Expected {
    /// The mean of the first coordinates, at most 8.
    pub mean: Array1<f64>,
    /// The covariance of the first coordinates, at most 8.
    pub covariance: Array2<f64>,
    /// The weights of the modes.
    pub weights: Vec<f64>,
}

impl Summary {
    /// With mean, variances and covariance of an observer, over many steps, instead of the final
    /// positions.
    pub fn with_moments(mut self, observer: &MomentsObserver) -> Self {
        self.take(observer.joined().as_ref());
        self
    }

    /// With the covariance of the final positions in any dimension. It has dim² numbers and costs
    /// as many operations for each sample.
    pub fn with_covariance<F: Real>(mut self, samples: &Samples<F>) -> Self {
        self.take(samples.moments().as_ref());
        self
    }

    fn take(&mut self, moments: Option<&RunningMoments>) {
        self.mean = moments.and_then(|moments| moments.mean().ok());
        self.variance = moments.and_then(|moments| moments.variance().ok());
        self.covariance = moments.and_then(|moments| moments.covariance().ok());
    }

    fn coordinates(&self) -> Option<String> {
        let mean = self.mean.as_ref()?;
        let mut text = String::from("coordinate         mean");
        text += match self.target {
            Some(_) => "        target           sd        target",
            None => "           sd",
        };
        for j in 0..self.dim.min(SHOWN) {
            // A single sample has a mean and no spread.
            let sd = self.variance.as_ref().map(|variance| variance[j].sqrt());
            let found_mean = scaled(mean[j], sd.unwrap_or(mean[j].abs()));
            let found_sd = sd.map_or_else(|| "-".into(), number);
            text += &match &self.target {
                Some(exact) => {
                    let exact_sd = exact.covariance[[j, j]].sqrt();
                    let exact_mean = scaled(exact.mean[j], exact_sd);
                    let exact_sd = number(exact_sd);
                    let means = format!("{found_mean:>12}  {exact_mean:>12}");
                    format!("\n  {j:<10} {means} {found_sd:>12}  {exact_sd:>12}")
                }
                None => format!("\n  {j:<10} {found_mean:>12} {found_sd:>12}"),
            };
        }
        Some(text + &more(self.dim, SHOWN))
    }

    fn modes(&self) -> Option<String> {
        let found = self.mode_weights.as_ref().filter(|weights| weights.len() > 1)?;
        let exact = &self.target.as_ref()?.weights;
        let mut text = String::from("mode          weight        target");
        for (k, (weight, exact)) in found.iter().zip(exact).enumerate().take(2 * SHOWN) {
            text += &format!("\n  {k:<8} {:>9}     {:>9}", number(*weight), number(*exact));
        }
        Some(text + &more(found.len(), 2 * SHOWN))
    }
}

fn more(all: usize, shown: usize) -> String {
    if all > shown { format!("\n  ... and {} more", all - shown) } else { String::new() }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks: Vec<_> = [self.coordinates(), self.modes()].into_iter().flatten().collect();
        f.write_str(&blocks.join("\n\n"))
    }
}

impl<F: Real> Samples<F> {
    /// What the final positions are like, beside the target if it is known.
    ///
    /// ```
    /// use langevin::ndarray::array;
    /// use langevin::prelude::*;
    /// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 0.5)?;
    /// let grid = TimeGrid::uniform(0.1, 50)?;
    /// let samples = Run::new(EulerMaruyama::new(Overdamped), &target, grid).chains(100).run()?;
    /// let summary = samples.summary(Some(&target))?;
    /// assert_eq!(summary.mode_weights.as_ref().map(|weights| weights.len()), Some(2));
    /// println!("{summary}");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the target has another dimension.
    pub fn summary(&self, target: Option<&GaussianMixture>) -> Result<Summary> {
        let dim = self.dim;
        let moments = sums(dim, false).ok().and_then(|sums| self.add_to(sums));
        let few = target.filter(|target| target.components() <= MOST_MODES);
        let mode_weights =
            few.map(|few| few.mean_responsibilities(self.sound().view())).transpose()?;
        let expected = |target: &GaussianMixture| {
            // The covariance of a data set in all dimensions would cost more than the run.
            let first = target.marginal(&(0..dim.min(SHOWN)).collect::<Vec<_>>())?;
            let weights = target.weights().to_vec();
            Ok(Expected { mean: first.mean(), covariance: first.covariance(), weights })
        };
        let mut summary = Summary {
            dim,
            mean: None,
            variance: None,
            covariance: None,
            mode_weights: mode_weights.flatten(),
            target: target.map(expected).transpose()?,
        };
        summary.take(moments.as_ref());
        Ok(summary)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Summary {
    /// Writes `mean`, `variance`, `covariance` and, for a target of few modes, `mode_weights`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let rows = |matrix: &Array2<f64>| matrix.outer_iter().map(|row| row.to_vec()).collect();
        let covariance: Option<Vec<Vec<f64>>> = self.covariance.as_ref().map(rows);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mean", &self.mean.as_ref().map(|mean| mean.to_vec()))?;
        map.serialize_entry("variance", &self.variance.as_ref().map(|variance| variance.to_vec()))?;
        map.serialize_entry("covariance", &covariance)?;
        if let Some(weights) = &self.mode_weights {
            map.serialize_entry("mode_weights", &weights.to_vec())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, array};

    use crate::prelude::*;
    use crate::sampler::Cost;
    use crate::state::Layout;

    fn samples(state: Array2<f64>) -> Samples<f64> {
        let dim = state.ncols();
        let layout = Layout::POSITION;
        Samples {
            low: Array2::zeros((state.nrows(), 0)),
            state,
            dim,
            layout,
            steps: 1,
            first_chain: 0,
            seed: Some(0),
            cost: Cost::default(),
            rounded: 0,
            diverged: Vec::new(),
            calls: None,
        }
    }

    #[test]
    fn summaries_print_mean_spread_and_modes() {
        let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 1.0).unwrap();
        let summary = samples(array![[-2.0], [2.0]]).summary(Some(&target)).unwrap();
        assert_eq!(summary.mean, Some(array![0.0]));
        assert_eq!(summary.covariance, Some(array![[8.0]]));
        let lines = [
            "coordinate         mean        target           sd        target",
            "  0               0.00000       0.00000      2.82843       2.23607",
            "",
            "mode          weight        target",
            "  0          0.50000       0.50000",
            "  1          0.50000       0.50000",
        ];
        assert_eq!(summary.to_string(), lines.join("\n"));
    }

    #[test]
    fn summaries_leave_out_what_is_not_known() {
        let summary = samples(array![[f64::NAN; 9]]).summary(None).unwrap();
        assert!(summary.mean.is_none() && summary.mode_weights.is_none());
        assert_eq!(summary.to_string(), "");
        let wide = samples(Array2::zeros((2, 9))).summary(None).unwrap().to_string();
        assert!(wide.starts_with("coordinate         mean           sd\n"), "{wide}");
        assert!(wide.ends_with("\n  ... and 1 more"), "{wide}");
        assert_eq!(wide.lines().count(), 10);
        let observer = MomentsObserver::new(Every::new(1).unwrap());
        let summary = samples(array![[1.0], [3.0]]).summary(None).unwrap();
        assert_eq!(summary.mean, Some(array![2.0]));
        assert_eq!(summary.with_moments(&observer).mean, None);
    }

    #[test]
    fn a_covariance_is_made_where_it_is_small_or_asked_for() {
        for (dim, made) in [(1, true), (8, true), (9, false), (5000, false)] {
            let found = samples(Array2::from_shape_fn((3, dim), |(i, _)| i as f64));
            let summary = found.summary(None).unwrap();
            assert_eq!(summary.variance, Some(Array1::ones(dim)));
            assert_eq!(summary.covariance.is_some(), made, "{dim}");
            if dim <= 9 {
                let full = summary.with_covariance(&found);
                assert_eq!(full.covariance, Some(Array2::ones((dim, dim))));
            }
        }
    }

    #[test]
    fn small_units_have_digits_and_zeros_no_sign() {
        let target = GaussianMixture::isotropic(array![[-3e-9], [3e-9]].view(), 1e-9).unwrap();
        let summary = samples(array![[-3e-9], [3e-9], [-1e-26]]).summary(Some(&target)).unwrap();
        let text = summary.to_string();
        assert!(text.contains("3.0000e-9") && text.contains("3.1623e-9"), "{text}");
        assert!(!text.contains("0.00000 ") && !text.contains("-0"), "{text}");
        let far = samples(array![[100.00001], [100.00003]]).summary(None).unwrap().to_string();
        assert!(far.ends_with("100.000020000    1.4142e-5"), "{far}");
    }
}
