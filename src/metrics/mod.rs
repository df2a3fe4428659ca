//! Distances between samples and distributions, each with its statistical error.
//!
//! | question | function |
//! |---|---|
//! | what are mean and covariance? | [`moments`], or batch by batch [`RunningMoments`] |
//! | how far apart are two samples of one coordinate? | [`wasserstein_1d`] |
//! | how far apart are two samples? | [`sliced_wasserstein`], [`energy_distance`] |
//! | how far apart are their means and covariances? | [`frechet_distance`] |
//! | are samples copies of the data? | [`nearest_neighbours`] |
//! | are the modes found in the right proportions? | [`occupancy`] |
//! | is the shape inside a mode right? | [`radial_wasserstein`] |
//! | have the chains mixed? | [`split_r_hat`] |
//! | how many independent samples are the chains worth? | [`effective_sample_size`] |
//! | and the tails of the chains? | [`tail_effective_sample_size`] |
//! | how well are a mean, a spread, a quantile known? | [`Statistic`] |
//! | what is a posterior like, all in one table? | [`Posterior`] |
//! | tail probabilities for tests | [`chi_square_survival`], [`kolmogorov_survival`], … |
//!
//! Samples are arrays of shape (samples, dim), and traces have shape (saved, chains, dim), in any
//! memory layout. NaN and infinities are never skipped. Every function names the first one in
//! [`Error::NonFinite`](crate::Error::NonFinite).

mod autocovariance;
mod check;
mod chi;
mod draws;
mod energy;
mod estimate;
mod frechet;
mod gamma;
mod halves;
mod kolmogorov;
mod modes;
mod moments;
mod neighbours;
mod normal;
mod pairs;
mod posterior;
mod radial;
mod ranks;
mod running;
mod sliced;
mod traces;
mod wasserstein;

pub use chi::{chi_cdf, chi_quantile, chi_square_survival};
pub use draws::{Statistic, tail_effective_sample_size};
pub use energy::energy_distance;
pub use estimate::Estimate;
pub use frechet::{frechet_distance, frechet_distance_with};
pub use gamma::{gamma_lower, gamma_upper};
pub use kolmogorov::kolmogorov_survival;
pub use modes::{Occupancy, occupancy};
pub use moments::{Moments, moments};
pub use neighbours::{NearestNeighbours, nearest_neighbours};
pub use normal::normal_quantile;
pub(crate) use posterior::check_names;
pub use posterior::{Parameter, Posterior};
pub use radial::radial_wasserstein;
pub use running::RunningMoments;
pub use sliced::sliced_wasserstein;
pub use traces::{effective_sample_size, split_r_hat};
pub use wasserstein::wasserstein_1d;
