//! The samplers by name: for programs that let their users choose a method.
//!
//! [`METHODS`] and [`DYNAMICS`] describe all methods and dynamics for sampling a density, and
//! [`sampler()`] builds one from names and [`Options`]. If you know the method when you write the
//! program, use its type instead, such as [`Splitting`](crate::Splitting). The methods for
//! diffusion models are a [`Method`](crate::diffusion::Method).
//!
//! ```
//! use langevin::catalog::{self, METHODS, Options};
//! use langevin::ndarray::array;
//! use langevin::prelude::*;
//!
//! for method in METHODS {
//!     println!("{:10} {} evaluations per step", method.name, method.evaluations);
//! }
//! let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 0.5)?;
//! let options = Options::default().with("friction", "1.5")?;
//! let sampler = catalog::sampler::<f64>("underdamped", "baoab", &options)?;
//! let samples = Run::new(sampler, &target, TimeGrid::uniform(0.2, 100)?).chains(50).run()?;
//! assert_eq!(samples.positions().dim(), (50, 1));
//! # Ok::<(), Error>(())
//! ```

mod build;
mod list;
mod options;

pub use build::{sampler, settings};
pub use list::{
    ALIASES, Alias, DYNAMICS, DynamicsEntry, METHODS, MethodEntry, Pair, alias, dynamics, method,
    overview, pairs,
};
pub use options::Options;
