//! A target in a shared library: its log density and the gradient, as C functions.

use std::fs;
use std::path::Path;

use langevin::ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis, Zip};
use langevin::prelude::{Drift, LogDensity, Real, Times};
use langevin::{BoxError, plot};

use crate::failure::{Failure, refuse};
use crate::shared_object::SharedObject;

/// More dimensions than this are −1 or an address taken for a number.
const MOST: usize = i32::MAX as usize;

/// A target that C functions compute, in f64 whatever the precision of the run.
pub struct Library {
    functions: SharedObject,
    file: String,
}

impl Library {
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let fail = |why: String| Failure::Input(format!("--target-library {file}: {why}"));
        // A name without a folder would be searched for among the libraries of the system.
        let whole = fs::canonicalize(path);
        let whole = whole.map_err(|error| fail(format!("cannot be read: {error}")))?;
        if !whole.is_file() {
            return Err(fail("not a file".into()));
        }
        let functions = SharedObject::load(&whole).map_err(fail)?;
        let dim = functions.dimension();
        if !(1..=MOST).contains(&dim) {
            return refuse(format!(
                "--target-library {file}: langevin_dimension returned {dim}, expected 1 to {MOST}"
            ));
        }
        Ok(Self { functions, file })
    }

    pub fn dimension(&self) -> usize {
        self.functions.dimension()
    }

    /// The gradient at every row of `x`, row by row, and the log density, if there is a place.
    fn gradient<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        log_density: Option<&mut [f64]>,
    ) -> Result<Vec<f64>, BoxError> {
        let rows = x.nrows();
        // Runs are column-major, and the functions take row after row.
        let points: Vec<f64> = x.iter().map(|x| x.widen()).collect();
        // A number that the function does not write must not pass for a gradient of 0.
        let mut gradient = vec![f64::NAN; points.len()];
        match self.functions.gradient(rows, &points, &mut gradient, log_density) {
            0 => Ok(gradient),
            code => {
                let name = "langevin_log_density_gradient";
                Err(format!("{}: {name} returned the error {code}", self.file).into())
            }
        }
    }
}

impl Library {
    /// Final positions as the bytes of an SVG file: over the density in one or two dimensions, and
    /// the first two coordinates alone in more.
    pub fn draw<F: Real>(
        &self,
        positions: ArrayView2<'_, F>,
        title: &str,
    ) -> Result<Vec<u8>, Failure> {
        let samples = positions.mapv(F::widen);
        let svg = match self.dimension() {
            1 => {
                let density = |x: f64| self.at(&[x]);
                plot::histogram_over_density(&samples.column(0).to_vec(), density, title)?
            }
            2 => plot::scatter_over_density(samples.view(), |x| self.at(x), title)?,
            _ => plot::scatter(samples.view(), title)?,
        };
        Ok(svg.into_bytes())
    }

    /// The log density at one point for a picture, which leaves out what is NaN.
    fn at(&self, x: &[f64]) -> f64 {
        let mut value = [f64::NAN];
        let done = self.gradient(ArrayView1::from(x).insert_axis(Axis(0)), Some(&mut value));
        done.map_or(f64::NAN, |_| value[0])
    }
}

impl<F: Real> Drift<F> for Library {
    fn eval(
        &self,
        _: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let gradient = self.gradient(x, None)?;
        let gradient = ArrayView2::from_shape(x.raw_dim(), &gradient)?;
        Zip::from(&mut out).and(gradient).for_each(|out, &number| *out = F::from_f64(number));
        Ok(())
    }

    fn columns(&self) -> Option<usize> {
        Some(self.dimension())
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        Some(self)
    }
}

impl<F: Real> LogDensity<F> for Library {
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        out.fill(f64::NAN);
        self.gradient(x, Some(out)).map(|_| ())
    }
}
