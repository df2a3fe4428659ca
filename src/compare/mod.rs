//! Compares methods for diffusion models: methods × budgets × seeds, as a table, as CSV and as a
//! picture.
//!
//! A [`Comparison`] runs every [`Entry`] with every seed on one model. [`Distances`] measure how
//! far the samples are from a target or from data. The result is a [`Table`].
//!
//! ```
//! use langevin::compare::{Comparison, Distances, Metric};
//! use langevin::ndarray::array;
//! use langevin::prelude::*;
//!
//! let target = GaussianMixture::isotropic(array![[-1.0], [1.0]].view(), 0.1)?;
//! let model = DiffusedMixture::new(target.clone());
//! let process = Process::vp(LevelTable::linear(1000)?);
//! let distances = Distances::new(vec![Metric::Radial])?.target(&target)?;
//! let comparison = Comparison::<f64>::new(&process, &model, distances).seeds(0, 2).chains(200);
//! let table = comparison.with("pmm2:grid=equal".parse()?, &[40])?.run()?;
//! println!("{table}");
//! assert!(table.to_csv().starts_with("method,budget,seed"));
//! # Ok::<(), Error>(())
//! ```

mod comparison;
mod distances;
mod entry;
#[cfg(feature = "serde")]
mod form;
mod metric;
mod record;
mod table;

pub use comparison::{Comparison, Progress};
pub use distances::Distances;
pub use entry::Entry;
pub use metric::Metric;
pub use record::Record;
pub use table::{Row, Single, Table};
