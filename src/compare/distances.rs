//! How far samples are from what they should be: metrics, and what they measure against.

use std::fmt;

use ndarray::{Array2, ArrayView2, Axis};

use super::metric::Metric;
use crate::drift::GaussianMixture;
use crate::error::{Error, Result};
use crate::metrics::{self, Estimate};

/// Maps data to features, (rows, columns) to (rows, features).
type Features<'d> = Box<dyn Fn(ArrayView2<'_, f64>) -> Result<Array2<f64>> + Send + Sync + 'd>;

/// Directions of the sliced distance.
const DIRECTIONS: usize = 128;
/// Modes and dimensions of a target up to which distances to the nearest mode make sense.
const MOST_MODES: usize = 256;
const MOST_DIMENSIONS: usize = 16;

/// Metrics, with the target, the reference data and the features that they need.
///
/// ```
/// use langevin::compare::{Distances, Metric};
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let target = GaussianMixture::isotropic(array![[0.0, 0.0]].view(), 1.0)?;
/// let distances = Distances::new(vec![Metric::Radial])?.target(&target)?;
/// let found = distances.measure(target.sample(1000, 1)?.view())?;
/// assert!(found[0].value < 0.2);
/// # Ok::<(), Error>(())
/// ```
pub struct Distances<'d> {
    metrics: Vec<Metric>,
    target: Option<&'d GaussianMixture>,
    reference: Option<Array2<f64>>,
    features: Option<Features<'d>>,
    reference_features: Option<Array2<f64>>,
}

impl<'d> Distances<'d> {
    /// These metrics. The first one is drawn.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is none.
    pub fn new(metrics: Vec<Metric>) -> Result<Self> {
        if metrics.is_empty() {
            return Err(Error::Missing { option: "metric", by: "a comparison".into() });
        }
        Ok(Self {
            metrics,
            target: None,
            reference: None,
            features: None,
            reference_features: None,
        })
    }

    /// Whether distances to the nearest mode make sense for a target: it has few modes and
    /// dimensions.
    pub fn has_few_modes(target: &GaussianMixture) -> bool {
        target.components() <= MOST_MODES && target.dimension() <= MOST_DIMENSIONS
    }

    /// With the distribution that samples should follow; `radial` needs it.
    ///
    /// # Errors
    /// [`Error::Value`] if `radial` is asked for and the target has too many modes or dimensions.
    pub fn target(mut self, target: &'d GaussianMixture) -> Result<Self> {
        if self.metrics.contains(&Metric::Radial) && !Self::has_few_modes(target) {
            let modes = target.components();
            let dim = target.dimension();
            let given = format!("a target of {modes} modes in {dim} dimensions");
            let most = format!("{MOST_MODES} modes in at most {MOST_DIMENSIONS} dimensions");
            let expected = format!("at most {most}");
            return Err(Error::Value { option: "radial".into(), given, expected });
        }
        self.target = Some(target);
        Ok(self)
    }

    /// With data that samples should resemble, shape (rows, dim); all metrics but `radial` need
    /// them.
    ///
    /// # Errors
    /// Whatever the features of the reference fail with.
    pub fn reference(mut self, reference: Array2<f64>) -> Result<Self> {
        if let Some(features) = &self.features {
            self.reference_features = Some(features(reference.view())?);
        }
        self.reference = Some(reference);
        Ok(self)
    }

    /// With a map of data to features, such as a trained network; `features` needs it.
    ///
    /// # Errors
    /// Whatever the map fails with on the reference.
    pub fn features(
        mut self,
        features: impl Fn(ArrayView2<'_, f64>) -> Result<Array2<f64>> + Send + Sync + 'd,
    ) -> Result<Self> {
        if let Some(reference) = &self.reference {
            self.reference_features = Some(features(reference.view())?);
        }
        self.features = Some(Box::new(features));
        Ok(self)
    }

    /// The metrics.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// Refuses metrics for which something is missing.
    pub(super) fn check(&self) -> Result<()> {
        for metric in &self.metrics {
            let missing = match metric {
                Metric::Radial if self.target.is_none() => "target",
                Metric::Radial => continue,
                _ if self.reference.is_none() => "reference",
                Metric::Features if self.features.is_none() => "features",
                _ => continue,
            };
            return Err(Error::Missing { option: missing, by: metric.name().into() });
        }
        Ok(())
    }

    /// All distances of samples, shape (samples, dim).
    ///
    /// # Errors
    /// [`Error::Missing`] for a metric without what it needs, and whatever the metrics refuse.
    pub fn measure(&self, samples: ArrayView2<'_, f64>) -> Result<Vec<Estimate>> {
        self.check()?;
        self.metrics.iter().map(|metric| self.one(*metric, samples)).collect()
    }

    fn one(&self, metric: Metric, samples: ArrayView2<'_, f64>) -> Result<Estimate> {
        if let (Metric::Radial, Some(target)) = (metric, self.target) {
            let distances = target.distance_to_nearest_mode(samples)?.to_vec();
            return metrics::radial_wasserstein(&distances, target.dimension());
        }
        let missing = Error::Missing { option: "reference", by: metric.name().into() };
        let reference = self.reference.as_ref().ok_or(missing)?.view();
        match (metric, &self.features, &self.reference_features) {
            (Metric::Features, Some(features), Some(known)) => {
                metrics::frechet_distance(features(samples)?.view(), known.view())
            }
            (Metric::Copies, ..) => {
                let share = metrics::nearest_neighbours(samples, reference)?.memorised_share;
                let error = (share * (1.0 - share) / samples.nrows() as f64).sqrt();
                Ok(Estimate { value: share, error })
            }
            _ => between(metric, samples, reference),
        }
    }

    /// The distances of one half of the reference from the other: what samples as good as the data
    /// would have, if there were so few of them.
    pub fn halves(&self) -> Vec<(Metric, Estimate)> {
        let half = |all: &Array2<f64>, first: usize| {
            let rows: Vec<usize> = (first..all.nrows()).step_by(2).collect();
            all.select(Axis(0), &rows)
        };
        let of = |metric: &Metric| {
            let all = match metric {
                Metric::Radial | Metric::Copies => return None,
                Metric::Features => self.reference_features.as_ref()?,
                _ => self.reference.as_ref()?,
            };
            let even = half(all, 0);
            let odd = half(all, 1);
            let metric = *metric;
            between(metric, even.view(), odd.view()).ok().map(|estimate| (metric, estimate))
        };
        self.metrics.iter().filter_map(of).collect()
    }
}

/// The distance between two sets of rows.
fn between(
    metric: Metric,
    samples: ArrayView2<'_, f64>,
    reference: ArrayView2<'_, f64>,
) -> Result<Estimate> {
    match metric {
        Metric::Sliced => metrics::sliced_wasserstein(samples, reference, DIRECTIONS, 0),
        Metric::Energy => metrics::energy_distance(samples, reference),
        Metric::Frechet | Metric::Features => metrics::frechet_distance(samples, reference),
        Metric::Radial | Metric::Copies => {
            Err(Error::Missing { option: "target", by: metric.name().into() })
        }
    }
}

impl fmt::Debug for Distances<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distances").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}
