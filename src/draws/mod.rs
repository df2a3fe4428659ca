//! Named draws of several chains, and the files that hold them: `.npy` and `.csv` with a `.json`
//! beside it, and Zarr stores that xarray and ArviZ open.
//!
//! A [`Trace`](crate::run::Trace) keeps the positions of a run. [`Draws`] gives them names and
//! writes them. A [`Stream`] writes the same files as the run goes on, in bounded memory, and
//! [`Stored`] reads them in pieces.
//!
//! ```
//! use langevin::draws::Draws;
//! use langevin::prelude::*;
//!
//! let target = GaussianMixture::isotropic(ndarray::array![[0.0, 1.0]].view(), 1.0)?;
//! let sampler = Splitting::new(Underdamped::new(2.0, 1.0)?, "BAOAB".parse()?);
//! let mut trace = Trace::new(Every::new(5)?.after(50)).with_momenta();
//! let run = Run::new(&sampler, &target, TimeGrid::uniform(0.2, 250)?).chains(4).seed(7);
//! let samples = run.observe(&mut trace).run()?;
//! let draws = Draws::from_trace(&trace)?
//!     .with_names(["a", "b"])?
//!     .with_log_density(&target)?
//!     .with_run(&samples)
//!     .with_attribute("method", "baoab");
//! assert_eq!(draws.positions().dim(), (4, 40, 2));
//! # let folder = std::env::temp_dir().join(format!("langevin-draws-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # let path = folder.join("run.zarr");
//! draws.write_zarr(&path)?; // a path such as "run.zarr"
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), Error>(())
//! ```
//!
//! # The files
//!
//! [`Draws::write_npy`] writes the positions as one array (chain, draw, dim). The file beside it
//! has these entries:
//!
//! ```text
//! names        one name for each coordinate
//! dimensions   ["chain", "draw", "dim"]
//! chains       the numbers of the chains
//! steps        the step of each draw
//! attributes   what with_attribute and with_run have added
//! ```
//!
//! [`Draws::write_csv`] writes a table with one line for each draw and chain. The file beside it
//! has the entry `columns` in place of `dimensions`:
//!
//! ```text
//! step,chain,NAMES…,lp,energy,diverging,momentum[0],…
//! ```
//!
//! [`Draws::write_zarr`] writes a folder in version 3 of the Zarr format, with two groups. All
//! arrays are little-endian and not compressed. The chunks of the same draws have at most 32 MiB
//! together, or one draw:
//!
//! ```text
//! posterior/NAME            (chain, draw), for each name without an index
//! posterior/NAME            (chain, draw, NAME_dim_0), for names such as NAME[0] and NAME[1]
//! sample_stats/diverging    (chain, draw), whether a draw of a frozen or non-finite chain
//! sample_stats/step         (draw)
//! sample_stats/lp           (chain, draw), the log density, if known
//! sample_stats/momentum     (chain, draw, momentum_dim_0), if kept
//! sample_stats/energy       (chain, draw), −lp + |p|²/(2 u), if both are there
//! ```
//!
//! u is the variance of a momentum under the stationary distribution.
//!
//! Sources: the Zarr specification, version 3; the InferenceData schema of ArviZ [Kumar, Carroll,
//! Hartikainen & Martin 2019, "ArviZ a unified library for exploratory analysis of Bayesian models
//! in Python"].

mod array;
mod collection;
mod format;
mod frame;
mod members;
mod names;
mod npy;
mod place;
mod sink;
mod store;
mod stored;
mod stream;
mod table;
mod zarr;

pub use collection::Draws;
pub use format::{check_place, places};
pub use stored::Stored;
pub use stream::Stream;
