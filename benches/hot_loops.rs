//! The hot loops one by one, under criterion: `cargo bench --bench hot_loops`.
//!
//! Times are per element (chain-step, normal or row), as criterion's throughput. `speed` has the
//! bars, as ratios.

mod common;

use std::hint::black_box;

use common::{STEP, circle, library, scalar_ula};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use langevin::advanced::{Address, Noise, Philox, Purpose};
use langevin::catalog::{self, Options, Pair};
use langevin::ndarray::{Array1, Array2, ShapeBuilder};
use langevin::prelude::*;

/// ULA on eight Gaussians: the loop written by hand, and the library.
fn ula(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ula_eight_gaussians");
    let (chains, steps, target) = (1024, 200, circle());
    let sampler = EulerMaruyama::new(Overdamped);
    group.throughput(Throughput::Elements((chains * steps) as u64));
    group.bench_function("scalar_f64", |b| b.iter(|| scalar_ula(chains, steps)));
    group.bench_function("library_f64", |b| {
        b.iter(|| library::<f64>(&sampler, &target, chains, steps, STEP))
    });
    group.bench_function("library_f32", |b| {
        b.iter(|| library::<f32>(&sampler, &target, chains, steps, STEP))
    });
    group.finish();
}

/// Every method on every dynamics, from the one list.
fn samplers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("samplers");
    let (chains, steps, target) = (1024, 50, circle());
    group.throughput(Throughput::Elements((chains * steps) as u64));
    for Pair { dynamics, method } in catalog::pairs() {
        let mut options = Options::default();
        if method.name == "splitting" {
            options = options.with("word", "OABAO").unwrap();
        }
        let sampler = catalog::sampler::<f64>(dynamics.name, method.name, &options).unwrap();
        let name = BenchmarkId::new(method.name, dynamics.name);
        group.bench_function(name, |b| {
            b.iter(|| library::<f64>(&*sampler, &target, chains, steps, 0.05))
        });
    }
    group.finish();
}

/// The coarse step of the Poisson midpoint must not depend on K.
fn poisson_substeps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("poisson_substeps");
    let (chains, steps, target) = (1024, 100, circle());
    group.throughput(Throughput::Elements((chains * steps) as u64));
    for substeps in [10, 100, 1000] {
        let options = Options::default().with("substeps", &substeps.to_string()).unwrap();
        let sampler = catalog::sampler::<f64>("underdamped", "pmm2", &options).unwrap();
        group.bench_function(BenchmarkId::from_parameter(substeps), |b| {
            b.iter(|| library::<f64>(&*sampler, &target, chains, steps, 0.1));
        });
    }
    group.finish();
}

fn normals<F: Real>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("normals_{}", F::NAME));
    let chains: Vec<u32> = (0..1024).collect();
    for dim in [2, 64] {
        let mut out = vec![F::zero(); chains.len() * dim];
        group.throughput(Throughput::Elements(out.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(dim), |b| {
            b.iter(|| {
                Philox::new(1).normals(
                    Address::new(3, Purpose::Increment, 0),
                    &chains,
                    black_box(&mut out),
                )
            });
        });
    }
    group.finish();
}

fn score<F: Real>(criterion: &mut Criterion, name: &str, drift: &dyn Drift<F>, dim: usize) {
    let mut group = criterion.benchmark_group(format!("score_{}", F::NAME));
    let rows = 256;
    let x = Array2::from_shape_fn((rows, dim).f(), |(i, j)| {
        F::from_f64(((i * 7 + j * 3) % 17) as f64 / 8.0 - 1.0)
    });
    let mut out = Array2::zeros((rows, dim).f());
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function(name, |b| {
        b.iter(|| drift.eval(Times::Shared(0.0), black_box(x.view()), out.view_mut()))
    });
    group.finish();
}

fn scores(criterion: &mut Criterion) {
    let target = circle();
    score::<f64>(criterion, "circle_8x2", &target, 2);
    score::<f32>(criterion, "circle_8x2", &target, 2);
    let features =
        Array2::from_shape_fn((569, 31), |(i, j)| ((i * 13 + j * 7) % 23) as f64 / 8.0 - 1.4);
    let labels = Array1::from_shape_fn(569, |i| (i % 2) as f64);
    let posterior = LogisticRegression::new(features.view(), labels.view(), 1.0).unwrap();
    score::<f64>(criterion, "logistic_569x31", &posterior, 31);
    score::<f32>(criterion, "logistic_569x31", &posterior, 31);
    let digits =
        Array2::from_shape_fn((1797, 64), |(i, j)| ((i * 31 + j * 17) % 16) as f64 / 8.0 - 1.0);
    let mixture = GaussianMixture::from_data(digits.view(), 0.5).unwrap();
    score::<f64>(criterion, "data_1797x64", &mixture, 64);
    score::<f32>(criterion, "data_1797x64", &mixture, 64);
}

fn noise(criterion: &mut Criterion) {
    normals::<f64>(criterion);
    normals::<f32>(criterion);
}

criterion_group!(benches, ula, samplers, poisson_substeps, noise, scores);
criterion_main!(benches);
