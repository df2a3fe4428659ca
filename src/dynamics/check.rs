//! The coefficients of a dynamics, checked before a run.

use super::linear::LinearDynamics;
use crate::error::{Error, Result};
use crate::grid::{Interval, TimeGrid};
use crate::math::block::cholesky;

/// The most steps that are looked at, evenly over the grid.
const MOST: usize = 1000;

/// Refuses a dynamics whose coefficients are not finite in some step, or whose noise has no
/// covariance there.
pub(crate) fn check_coefficients(dynamics: &dyn LinearDynamics, grid: &TimeGrid) -> Result<()> {
    let steps = grid.steps();
    let stride = steps.div_ceil(MOST);
    let looks = (0..steps).step_by(stride).chain([steps - 1]);
    looks.map(|index| grid.interval(index)).try_for_each(|interval| check(dynamics, interval))
}

fn check(dynamics: &dyn LinearDynamics, interval: Interval) -> Result<()> {
    let Interval { index, start, length, .. } = interval;
    let transition = dynamics.transition(start, length);
    let finite = |block: &[[f64; 2]; 2]| block.iter().flatten().all(|x| x.is_finite());
    let what = if !(finite(&transition.propagator) && finite(&transition.gain)) {
        "a coefficient is not finite, or underflows"
    } else if !finite(&cholesky(&transition.covariance)) {
        "the covariance of its noise is not positive semidefinite"
    } else {
        return Ok(());
    };
    Err(Error::Coefficients { step: u64::from(index) + 1, time: start, length, what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn constants_out_of_all_proportion_are_refused() {
        let grid = TimeGrid::uniform(0.1, 3).unwrap();
        for (friction, mass, good) in [
            (1.0, 1.0, true),
            (1e-300, 1.0, true),
            (1e100, 1e-3, true),
            (1e110, 1.0, false),
            (1e300, 1.0, false),
            (1.0, 1e-320, false),
            (1e200, 1e200, false),
        ] {
            let dynamics = Underdamped::new(friction, mass).unwrap();
            let found = check_coefficients(&dynamics, &grid);
            assert_eq!(found.is_ok(), good, "{friction:e} {mass:e} {found:?}");
        }
        assert!(check_coefficients(&Overdamped, &grid).is_ok());
        let target = GaussianMixture::isotropic(ndarray::array![[0.0]].view(), 1.0).unwrap();
        let sampler = EulerMaruyama::new(Underdamped::new(1e110, 1.0).unwrap());
        let error = Run::new(sampler, &target, grid).chains(2).run().unwrap_err();
        assert!(matches!(error, Error::Coefficients { step: 1, .. }), "{error}");
    }
}
