//! The check of a gradient, and the largest curvature.

use langevin::ndarray::{Array2, ArrayView2, array};
use langevin::posterior::{check_gradient, largest_curvature};
use langevin::prelude::*;

use crate::targets::{Turned, banana, drift};

#[test]
fn curvatures_are_eigenvalues() {
    let target = Turned::new(6);
    let points = Array2::from_shape_fn((4, 6), |(i, j)| (i * 5 + j) as f64 / 3.0);
    let curvatures = largest_curvature(&target.drift(), points.view()).unwrap();
    for curvature in curvatures {
        assert!((curvature / 100.0 - 1.0).abs() < 2e-3, "{curvature}");
    }
    // The matrix of second derivatives of the banana at (x, y) is ((1 + 6x² − 2y, −2x), (−2x, 1)).
    let points = array![[0.0, 0.0], [1.0, 2.0], [2.0, -1.0]];
    let curvatures = largest_curvature(&banana(), points.view()).unwrap();
    for (point, curvature) in points.rows().into_iter().zip(curvatures) {
        let a = 1.0 + 6.0 * point[0] * point[0] - 2.0 * point[1];
        let b = -2.0 * point[0];
        let root = (0.25 * (a - 1.0) * (a - 1.0) + b * b).sqrt();
        let want = (0.5 * (a + 1.0) + root).abs().max((0.5 * (a + 1.0) - root).abs());
        assert!((curvature / want - 1.0).abs() < 2e-3, "{curvature} {want}");
    }
    let none = largest_curvature(&banana(), Array2::zeros((0, 2)).view()).unwrap_err();
    assert!(none.to_string().contains("points: given shape (0, 2)"), "{none}");
    let broken = drift(1, |_, out| out[0] = f64::NAN);
    assert!(largest_curvature(&broken, array![[1.0]].view()).is_err());
}

fn checked(wrong: f64, point: &[f64]) -> Result<()> {
    let gradient = drift(2, move |x, out| {
        out[0] = -x[0] * 1e4 + x[1].cos();
        out[1] = -x[0] * x[1].sin() + wrong;
    });
    let density = |x: ArrayView2<'_, f64>, out: &mut [f64]| -> std::result::Result<(), BoxError> {
        let log = |x: f64, y: f64| -0.5e4 * x * x + x * y.cos() + 3e5;
        x.rows().into_iter().zip(out).for_each(|(x, out)| *out = log(x[0], x[1]));
        Ok(())
    };
    check_gradient(&WithDensity::new(gradient, density), point)
}

#[test]
fn wrong_gradients_are_found() {
    for point in [[0.01, 1.0], [-3.0, 0.2], [20.0, -5.0]] {
        checked(0.0, &point).unwrap();
        let error = checked(0.1 * (1.0 + 1e4 * point[0].abs()), &point).unwrap_err().to_string();
        assert!(error.contains("coordinate 1 of the gradient: given"), "{error}");
    }
    assert!(checked(f64::NAN, &[0.01, 1.0]).is_err());
    let error = check_gradient(&banana(), &[0.0, 1.0]).unwrap_err().to_string();
    assert!(error.contains("check_gradient needs the log density"), "{error}");
}
