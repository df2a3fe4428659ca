//! What samples are like: mean, spread and weights of modes, beside those of the target.

use std::fmt;

use ndarray::{Array1, Array2};

use super::moments::MomentsObserver;
use super::samples::Samples;
use crate::drift::GaussianMixture;
use crate::error::Result;
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
    /// The mean, (dim). `None` above [`MOST_DIMENSIONS`](Self::MOST_DIMENSIONS), or if a position
    /// is not finite.
    pub mean: Option<Array1<f64>>,
    /// The covariance, (dim, dim). `None` where the mean is, or with a single sample.
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
    /// The largest dimension with mean and covariance. A covariance has dim² numbers.
    pub const MOST_DIMENSIONS: usize = 4096;

    /// With mean and covariance of an observer, over many steps, instead of the final positions.
    pub fn with_moments(mut self, observer: &MomentsObserver) -> Self {
        self.mean = observer.mean();
        self.covariance = observer.covariance();
        self
    }

    fn coordinates(&self) -> Option<String> {
        if self.dim > Self::MOST_DIMENSIONS {
            let most = Self::MOST_DIMENSIONS;
            return Some(format!("mean and covariance are left out above {most} dimensions"));
        }
        let mean = self.mean.as_ref()?;
        let covariance = self.covariance.as_ref()?;
        let mut text = String::from("coordinate         mean");
        text += match self.target {
            Some(_) => "        target           sd        target",
            None => "           sd",
        };
        for j in 0..self.dim.min(SHOWN) {
            let mean = mean[j];
            let sd = covariance[[j, j]].sqrt();
            text += &match &self.target {
                Some(exact) => {
                    let exact_mean = exact.mean[j];
                    let exact_sd = exact.covariance[[j, j]].sqrt();
                    format!(
                        "\n  {j:<10} {mean:>12.5}  {exact_mean:>12.5} {sd:>12.5}  {exact_sd:>12.5}"
                    )
                }
                None => format!("\n  {j:<10} {mean:>12.5} {sd:>12.5}"),
            };
        }
        Some(text + &more(self.dim, SHOWN))
    }

    fn modes(&self) -> Option<String> {
        let found = self.mode_weights.as_ref().filter(|weights| weights.len() > 1)?;
        let exact = &self.target.as_ref()?.weights;
        let mut text = String::from("mode          weight        target");
        for (k, (weight, exact)) in found.iter().zip(exact).enumerate().take(2 * SHOWN) {
            text += &format!("\n  {k:<8} {weight:>9.5}     {exact:>9.5}");
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
        let moments = (dim <= Summary::MOST_DIMENSIONS).then(|| self.moments()).flatten();
        let few = target.filter(|target| target.components() <= MOST_MODES);
        let mode_weights =
            few.map(|few| few.mean_responsibilities(self.positions())).transpose()?;
        let expected = |target: &GaussianMixture| {
            // The covariance of a data set in all dimensions would cost more than the run.
            let first = target.marginal(&(0..dim.min(SHOWN)).collect::<Vec<_>>())?;
            let weights = target.weights().to_vec();
            Ok(Expected { mean: first.mean(), covariance: first.covariance(), weights })
        };
        Ok(Summary {
            dim,
            mean: moments.as_ref().and_then(|moments| moments.mean().ok()),
            covariance: moments.as_ref().and_then(|moments| moments.covariance().ok()),
            mode_weights: mode_weights.flatten(),
            target: target.map(expected).transpose()?,
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Summary {
    /// Writes `mean`, `covariance` and, for a target of few modes, `mode_weights`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let rows = |matrix: &Array2<f64>| matrix.outer_iter().map(|row| row.to_vec()).collect();
        let covariance: Option<Vec<Vec<f64>>> = self.covariance.as_ref().map(rows);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mean", &self.mean.as_ref().map(|mean| mean.to_vec()))?;
        map.serialize_entry("covariance", &covariance)?;
        if let Some(weights) = &self.mode_weights {
            map.serialize_entry("mode_weights", &weights.to_vec())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

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
        let observer = MomentsObserver::new(Every::new(1).unwrap());
        let summary = samples(array![[1.0], [3.0]]).summary(None).unwrap();
        assert_eq!(summary.mean, Some(array![2.0]));
        assert_eq!(summary.with_moments(&observer).mean, None);
    }
}
