//! A banana as a target of `langevin sample`: x ~ N(0, 1), and y ~ N(x², 1/4) given x.

use std::slice::{from_raw_parts, from_raw_parts_mut};

#[unsafe(no_mangle)]
extern "C" fn langevin_dimension() -> usize {
    2
}

/// # Safety
/// The arrays have `rows` times 2, `rows` times 2 and `rows` numbers. The last may be null.
#[unsafe(no_mangle)]
unsafe extern "C" fn langevin_log_density_gradient(
    rows: usize,
    x: *const f64,
    gradient: *mut f64,
    log_density: *mut f64,
) -> i32 {
    let x = unsafe { from_raw_parts(x, 2 * rows) };
    let gradient = unsafe { from_raw_parts_mut(gradient, 2 * rows) };
    for (row, (x, gradient)) in x.chunks(2).zip(gradient.chunks_mut(2)).enumerate() {
        let miss = x[1] - x[0] * x[0];
        gradient[0] = -x[0] + 8.0 * miss * x[0];
        gradient[1] = -4.0 * miss;
        if !log_density.is_null() {
            unsafe { *log_density.add(row) = -0.5 * x[0] * x[0] - 2.0 * miss * miss };
        }
    }
    0
}
