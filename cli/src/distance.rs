//! How far samples are from what they should be: the distances that `langevin compare` can take.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use langevin::metrics::{self, Estimate};
use langevin::ndarray::{Array2, ArrayView2, s};
use langevin::network::Network;

use crate::failure::Failure;
use crate::model::Model;
use crate::npy::{Accept, read_rows};
use crate::target;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// W2 of the distances to the nearest mode from their law, in standard deviations; for a target
    /// of few modes
    Radial,
    /// Sliced W2
    Sliced,
    /// Energy distance
    Energy,
    /// Squared Frechet distance of the numbers themselves
    Frechet,
    /// Squared Frechet distance of their features (needs --features)
    Features,
    /// Share of samples that are copies of a row of the reference: three times nearer to it than to
    /// any other
    Copies,
}

impl Metric {
    pub fn name(self) -> &'static str {
        match self {
            Self::Radial => "radial",
            Self::Sliced => "sliced",
            Self::Energy => "energy",
            Self::Frechet => "frechet",
            Self::Features => "features",
            Self::Copies => "copies",
        }
    }

    /// What stands beside the axis of a picture.
    pub fn label(self) -> &'static str {
        match self {
            Self::Radial => "W2 of distances to the nearest mode",
            Self::Sliced => "sliced W2",
            Self::Energy => "energy distance",
            Self::Frechet => "squared Fréchet distance",
            Self::Features => "squared Fréchet distance of features",
            Self::Copies => "share of copies",
        }
    }
}

/// What samples are measured by and against.
#[derive(Args)]
pub struct DistanceOptions {
    /// Distances to take; the first is drawn [default: radial for few modes, features with
    /// --features, else frechet]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub metric: Vec<Metric>,
    /// Data to compare with (.npy); mapped to the range of the model where it says one
    /// [default: as many exact samples of the target as there are chains]
    #[arg(long, value_name = "FILE.npy")]
    pub reference: Option<PathBuf>,
    /// Network whose features define the distance `features`
    #[arg(long, value_name = "FILE")]
    pub features: Option<PathBuf>,
}

/// Everything that is needed to measure samples.
pub struct Distances {
    pub metrics: Vec<Metric>,
    reference: Option<Array2<f64>>,
    features: Option<(Network, Array2<f64>)>,
}

impl Distances {
    pub fn new(options: &DistanceOptions, model: &Model, chains: usize) -> Result<Self, Failure> {
        let few =
            model.data().is_some_and(|data| data.components() <= 256 && data.dimension() <= 16);
        let metrics = match (&options.metric[..], &options.features) {
            ([], Some(_)) => vec![Metric::Features],
            ([], None) if few && options.reference.is_none() => vec![Metric::Radial],
            ([], None) => vec![Metric::Frechet],
            (given, _) => given.to_vec(),
        };
        if metrics.contains(&Metric::Radial) && !few {
            let message =
                "--metric radial: expected a target of at most 256 modes in at most 16 dimensions";
            return Err(Failure::Input(message.into()));
        }
        let reference = match &options.reference {
            Some(path) => Some(reference(path, model)?),
            None if metrics.iter().all(|metric| *metric == Metric::Radial) => None,
            None => match model.data() {
                // Another seed than any that chains could have: exact samples have a stream of
                // their own anyway.
                Some(data) => Some(data.sample(chains.max(1000), u64::MAX)?),
                None => {
                    let message = "--reference is missing: the data that the samples of a network are compared with";
                    return Err(Failure::Input(message.into()));
                }
            },
        };
        let features = match (&options.features, metrics.contains(&Metric::Features), &reference) {
            (Some(path), true, Some(reference)) => {
                let named =
                    |error| Failure::Input(format!("--features {}: {error}", path.display()));
                let network = Network::load(path).map_err(named)?;
                let features = network.features(reference.view()).map_err(named)?;
                Some((network, features))
            }
            (None, true, _) => {
                let message = "--metric features needs --features, the network that makes them";
                return Err(Failure::Input(message.into()));
            }
            (Some(_), false, _) => {
                return Err(Failure::Input(
                    "--features is not used by the metrics that are asked for".into(),
                ));
            }
            _ => None,
        };
        Ok(Self { metrics, reference, features })
    }

    /// All distances of these samples.
    pub fn measure(
        &self,
        model: &Model,
        samples: ArrayView2<'_, f64>,
    ) -> Result<Vec<Estimate>, Failure> {
        self.metrics.iter().map(|metric| self.one(*metric, model, samples)).collect()
    }

    fn one(
        &self,
        metric: Metric,
        model: &Model,
        samples: ArrayView2<'_, f64>,
    ) -> Result<Estimate, Failure> {
        let unmeasured = Estimate { value: f64::NAN, error: f64::NAN };
        if let (Metric::Radial, Some(data)) = (metric, model.data()) {
            let distances = data.distance_to_nearest_mode(samples)?.to_vec();
            return Ok(metrics::radial_wasserstein(&distances, data.dimension())?);
        }
        // `new` has made sure of a reference for all other metrics.
        let Some(reference) = &self.reference else { return Ok(unmeasured) };
        Ok(match metric {
            Metric::Radial => unmeasured,
            Metric::Sliced => metrics::sliced_wasserstein(samples, reference.view(), 128, 0)?,
            Metric::Energy => metrics::energy_distance(samples, reference.view())?,
            Metric::Frechet => metrics::frechet_distance(samples, reference.view())?,
            Metric::Features => match &self.features {
                Some((network, features)) => {
                    metrics::frechet_distance(network.features(samples)?.view(), features.view())?
                }
                None => unmeasured,
            },
            Metric::Copies => {
                let found = metrics::nearest_neighbours(samples, reference.view())?;
                let share = found.memorised_share;
                Estimate {
                    value: share,
                    error: (share * (1.0 - share) / samples.nrows() as f64).sqrt(),
                }
            }
        })
    }

    /// The distances of one half of the reference from the other: what samples as good as the data
    /// would have, were there so few of them.
    pub fn halves(&self) -> Option<Vec<(Metric, Estimate)>> {
        let reference = self.reference.as_ref()?;
        let even = reference.slice(s![..;2, ..]);
        let odd = reference.slice(s![1..;2, ..]);
        let take = |metric: &Metric| -> Option<(Metric, Estimate)> {
            let found = match metric {
                Metric::Radial | Metric::Copies => return None,
                Metric::Sliced => metrics::sliced_wasserstein(even, odd, 128, 0),
                Metric::Energy => metrics::energy_distance(even, odd),
                Metric::Frechet => metrics::frechet_distance(even, odd),
                Metric::Features => {
                    let features = &self.features.as_ref()?.1;
                    metrics::frechet_distance(
                        features.slice(s![..;2, ..]),
                        features.slice(s![1..;2, ..]),
                    )
                }
            };
            Some((*metric, found.ok()?))
        };
        Some(self.metrics.iter().filter_map(take).collect())
    }
}

/// The rows of a file, mapped to the range of the model.
fn reference(path: &Path, model: &Model) -> Result<Array2<f64>, Failure> {
    let mut rows = read_rows("--reference", path, Accept::Reals)?;
    if rows.ncols() != model.dimension() {
        let (given, expected) = (rows.ncols(), model.dimension());
        let message = format!(
            "--reference {}: given rows of {given} numbers, expected {expected}",
            path.display()
        );
        return Err(Failure::Input(message));
    }
    if let Some(range) = model.range {
        target::rescale("--reference", &mut rows, range)?;
    }
    Ok(rows)
}
