//! Pictures of samples, densities and error curves as self-contained SVG text.
//!
//! Every function returns the whole SVG file as a `String`. So the caller decides where to write
//! it, and can write it atomically. Nothing is hidden. The caption under the title counts
//! non-finite samples and samples outside the frame, and reports thinning.
//!
//! ```
//! use langevin::plot::{Curve, curves};
//!
//! let curve = Curve {
//!     label: "Euler–Maruyama".into(),
//!     points: vec![(10.0, 0.3, Some(0.02)), (100.0, 0.03, Some(0.004)), (1000.0, 0.003, None)],
//! };
//! let svg = curves(&[curve], "drift evaluations", "W₂ error", "Eight Gaussians", true, true)?;
//! assert!(svg.starts_with("<svg"));
//! # Ok::<(), langevin::Error>(())
//! ```

mod axis;
mod canvas;
mod contour;
mod curves;
mod frame;
mod histogram;
mod range;
mod scatter;

pub use curves::{Curve, curves};
pub(crate) use histogram::histogram;
pub use histogram::histogram_over_density;
pub(crate) use scatter::scatter_over;
pub use scatter::{scatter, scatter_over_density};
