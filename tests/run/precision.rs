//! Runs in f32 lose nothing of small steps far from 0, and runs that rounding stops say so.

use langevin::ndarray::{Array2, array};
use langevin::prelude::*;

use crate::support::samplers::{is_adjusted, samplers};

const CHAINS: usize = 40;
const STEPS: usize = 1500;

/// N(m, diag(variances)), all chains at the mean at first, in both precisions with the same noise.
/// Returns the distances between the two, over the standard deviation of the coordinate, sorted.
fn distances(
    pair: (&dyn Sampler<f64>, &dyn Sampler<f32>),
    mean: [f64; 2],
    variances: [f64; 2],
) -> Vec<f64> {
    let means = array![[mean[0], mean[1]]];
    let target = GaussianMixture::diagonal(means.view(), array![variances].view()).unwrap();
    let grid = TimeGrid::uniform(1e-3, STEPS).unwrap();
    let wide = Run::new(pair.0, &target, grid.clone()).chains(CHAINS).start_at(&mean);
    let wide: Array2<f64> = wide.run().unwrap().positions().to_owned();
    let narrow = Run::<f32>::with_precision(pair.1, &target, grid).chains(CHAINS);
    let narrow = narrow.start_at(&mean.map(|x| x as f32)).run().unwrap();
    assert_eq!(narrow.rounded, 0);
    let mut distances: Vec<_> = wide
        .indexed_iter()
        .map(|((chain, j), x)| {
            let other = f64::from(narrow.positions()[[chain, j]]);
            (x - other).abs() / variances[j].sqrt()
        })
        .collect();
    distances.sort_by(f64::total_cmp);
    distances
}

/// The positions are numbers near 10⁵, where f32 has steps of 1/128. The increments of these steps
/// are 0.045 and less; their drifts are below 1/256. The drift pulls together what rounding of its
/// argument drives apart, so the two runs differ by about one of these steps.
#[test]
fn a_far_mean_and_a_short_step_lose_nothing_in_f32() {
    let wide = samplers::<f64>(super::reproducible::variants);
    let narrow = samplers::<f32>(super::reproducible::variants);
    for ((name, wide), (_, narrow)) in wide.iter().zip(&narrow) {
        for (mean, variances) in [([1e5, -1e5], [1.0, 1.0]), ([0.0, 1e5], [1.0, 1e10])] {
            let distances = distances((&**wide, &**narrow), mean, variances);
            let most = distances[distances.len() - 1];
            if is_adjusted(name) {
                // Densities at rounded points turn some coins: the two runs differ by a few steps.
                let median = distances[distances.len() / 2];
                assert!(median < 0.1, "{name}: {median}");
            } else {
                assert!(most < 0.03, "{name}, mean {mean:?}: {most}");
            }
        }
    }
}

/// At 10¹⁷ neighbours in f64 are 16 apart: a step of 0.45 changes nothing.
#[test]
fn increments_that_vanish_are_counted() {
    let target = GaussianMixture::isotropic(array![[1e17], [1e17]].view(), 1.0).unwrap();
    let near = GaussianMixture::isotropic(array![[0.0]].view(), 1.0).unwrap();
    let grid = TimeGrid::uniform(0.1, 20).unwrap();
    let em = EulerMaruyama::new(Overdamped);
    let rounded = |sampler: &dyn Sampler<f64>, target: &GaussianMixture, at: f64| {
        let run = Run::new(sampler, target, grid.clone()).chains(30).start_at(&[at]);
        run.run().unwrap().rounded
    };
    assert_eq!(rounded(&em, &target, 1e17), 30);
    assert_eq!(rounded(&em, &near, 0.0), 0);
    let baoab = Splitting::new(Underdamped::new(1.0, 1.0).unwrap(), "BAOAB".parse().unwrap());
    assert_eq!(rounded(&baoab, &target, 1e17), 30);
    assert_eq!(rounded(&baoab, &near, 0.0), 0);
    assert_eq!(rounded(&Mala::new(), &near, 0.0), 0);
}

/// 10³⁰ is a number in f32, a proposal of 10⁴⁰ is none. The density there is 0, so it is refused.
#[test]
fn mala_refuses_a_proposal_that_overflows() {
    let steep = PerRow::new(1, |_, x: &[f32], out: &mut [f32]| {
        out[0] = if x[0] == 0.0 { f32::MAX } else { -x[0] };
    });
    let density = |x: langevin::ndarray::ArrayView2<'_, f32>, out: &mut [f64]| {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = -0.5 * f64::from(*x).powi(2));
        Ok(())
    };
    let target = langevin::drift::WithDensity::new(steep, density);
    let grid = TimeGrid::uniform(10.0, 3).unwrap();
    let run = Run::<f32>::with_precision(Mala::new(), &target, grid).chains(4).start_at(&[0.0]);
    let samples = run.run().unwrap();
    assert_eq!(samples.acceptance(), Some(0.0));
    assert!(samples.positions().iter().all(|x| *x == 0.0));
}
