//! The one file of the program with unsafe code: the two C functions of a target library.

#![allow(unsafe_code)]

use std::error::Error;
use std::ffi::c_int;
use std::path::Path;
use std::ptr::null_mut;

use libloading::Library;

type Dimension = unsafe extern "C" fn() -> usize;
type Gradient = unsafe extern "C" fn(usize, *const f64, *mut f64, *mut f64) -> c_int;

/// A loaded library with the functions `langevin_dimension` and `langevin_log_density_gradient`.
pub struct SharedObject {
    gradient: Gradient,
    dim: usize,
    // The functions are code of the library: it must stay loaded as long as they may be called.
    _library: Library,
}

impl SharedObject {
    /// Loads the library at an absolute path. This runs the code in it.
    pub fn load(path: &Path) -> Result<Self, String> {
        // SAFETY: The user names the library for the very purpose that its code be run. The docs
        // demand that loading it has no effect on the rest of the program.
        let library = unsafe { Library::new(path) };
        let library = library.map_err(|error| match error.source() {
            Some(source) => format!("cannot be loaded: {source}"),
            None => format!("cannot be loaded: {error}"),
        })?;
        let missing = |name| format!("there is no function {name} in it");
        // SAFETY: The docs demand this signature under this name; a library cannot tell its types.
        let dimension = unsafe { library.get::<Dimension>("langevin_dimension") };
        let dimension = *dimension.map_err(|_| missing("langevin_dimension"))?;
        // SAFETY: As above.
        let gradient = unsafe { library.get::<Gradient>("langevin_log_density_gradient") };
        let gradient = *gradient.map_err(|_| missing("langevin_log_density_gradient"))?;
        // SAFETY: The library is loaded, and the function takes nothing.
        let dim = unsafe { dimension() };
        Ok(Self { gradient, dim, _library: library })
    }

    /// What `langevin_dimension` returned.
    pub fn dimension(&self) -> usize {
        self.dim
    }

    /// Calls `langevin_log_density_gradient` for `rows` points, one after the other in `x`, and
    /// returns what it returned.
    ///
    /// # Panics
    /// If the length of an array is not that of `rows` points.
    pub fn gradient(
        &self,
        rows: usize,
        x: &[f64],
        gradient: &mut [f64],
        log_density: Option<&mut [f64]>,
    ) -> c_int {
        let numbers = rows.checked_mul(self.dim);
        assert_eq!((Some(x.len()), Some(gradient.len())), (numbers, numbers));
        let log_density = log_density.map_or(null_mut(), |values| {
            assert_eq!(values.len(), rows);
            values.as_mut_ptr()
        });
        // SAFETY: The library is loaded as long as `self` is there. The arrays have the lengths
        // that the docs state, as asserted above, overlap nowhere, and are initialised. The docs
        // demand that the function write to no other place and may run on several threads at once.
        unsafe { (self.gradient)(rows, x.as_ptr(), gradient.as_mut_ptr(), log_density) }
    }
}
