//! Distances between samples and laws, each with its statistical error: the contents page.
//!
//! | question | function |
//! |---|---|
//! | mean and covariance, all at once or batch by batch | [`moments`], [`RunningMoments`] |
//! | how far apart are two samples? | [`wasserstein_1d`], [`sliced_wasserstein`], [`frechet_distance`], [`energy_distance`] |
//! | are samples copies of the data? | [`nearest_neighbours`] |
//! | are the modes found in the right proportions? | [`occupancy`] |
//! | is the shape inside a mode right? | [`radial_wasserstein`] |
//! | have the chains mixed, and what are they worth? | [`split_r_hat`], [`effective_sample_size`] |
//! | tail probabilities for tests | [`chi_square_survival`], [`kolmogorov_survival`], … |
//!
//! Samples are arrays of shape (samples, dim), traces of shape (saved, chains, dim), in any memory
//! layout. NaN and infinities are never skipped: every function names the first one in
//! [`Error::NonFinite`](crate::Error::NonFinite).

mod check;
mod chi;
mod energy;
mod estimate;
mod frechet;
mod gamma;
mod kolmogorov;
mod modes;
mod moments;
mod neighbours;
mod normal;
mod pairs;
mod radial;
mod ranks;
mod running;
mod sliced;
mod traces;
mod wasserstein;

pub use chi::{chi_cdf, chi_quantile, chi_square_survival};
pub use energy::energy_distance;
pub use estimate::Estimate;
pub use frechet::{frechet_distance, frechet_distance_with};
pub use gamma::{gamma_lower, gamma_upper};
pub use kolmogorov::kolmogorov_survival;
pub use modes::{Occupancy, occupancy};
pub use moments::{Moments, moments};
pub use neighbours::{NearestNeighbours, nearest_neighbours};
pub use normal::normal_quantile;
pub use radial::radial_wasserstein;
pub use running::RunningMoments;
pub use sliced::sliced_wasserstein;
pub use traces::{effective_sample_size, split_r_hat};
pub use wasserstein::wasserstein_1d;
