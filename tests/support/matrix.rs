//! 2 × 2 matrices by hand, with nothing of the library's own.

pub type Matrix = [[f64; 2]; 2];

pub const ONE: Matrix = [[1.0, 0.0], [0.0, 1.0]];
pub const ZERO: Matrix = [[0.0; 2]; 2];

pub fn diagonal(a: f64, b: f64) -> Matrix {
    [[a, 0.0], [0.0, b]]
}

pub fn times(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
}

pub fn plus(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[i][j] + b[i][j]))
}

pub fn minus(a: &Matrix, b: &Matrix) -> Matrix {
    plus(a, &scale(b, -1.0))
}

pub fn scale(a: &Matrix, factor: f64) -> Matrix {
    a.map(|row| row.map(|x| factor * x))
}

pub fn transposed(a: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

/// a s aᵀ.
pub fn carried(a: &Matrix, s: &Matrix) -> Matrix {
    times(&times(a, s), &transposed(a))
}

/// exp(a) by scaling, a Taylor series and squaring. The library has a closed form.
pub fn exponential(a: &Matrix) -> Matrix {
    let small = scale(a, 1.0 / 1024.0);
    let mut sum = ONE;
    let mut term = ONE;
    for k in 1..20 {
        term = scale(&times(&term, &small), 1.0 / f64::from(k));
        sum = plus(&sum, &term);
    }
    for _ in 0..10 {
        sum = times(&sum, &sum);
    }
    sum
}

/// ∫₀ˡ f(s) ds by Simpson's rule on this even number of cells.
pub fn integral(f: impl Fn(f64) -> Matrix, length: f64, cells: u32) -> Matrix {
    let mut sum = ZERO;
    for i in 0..=cells {
        let weight = match i {
            _ if i == 0 || i == cells => 1.0,
            _ if i % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let value = f(length * f64::from(i) / f64::from(cells));
        sum = plus(&sum, &scale(&value, weight * length / (3.0 * f64::from(cells))));
    }
    sum
}

/// Whether all entries agree, relative to the largest entry of `b`.
pub fn near(a: &Matrix, b: &Matrix, tolerance: f64) -> bool {
    let largest = b.iter().flatten().fold(1e-300f64, |m, x| m.max(x.abs()));
    a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).abs() <= tolerance * largest)
}
