//! Autocovariances of many series at all lags, by the fast Fourier transform.

use rustfft::FftPlannerScalar;
use rustfft::num_complex::Complex;

/// Σ over series and t of x(t) x(t + lag), for every lag below the length of a series.
///
/// `lines` holds the series side by side: one line for each time, `series` numbers each. Two real
/// series travel as one complex number z. The real part of the autocovariance of z is the sum of
/// their autocovariances. Zeros behind each series keep its end from meeting its beginning.
///
/// The transform uses no vector instructions, so every processor takes the same steps.
pub(super) fn autocovariances(lines: &[f64], series: usize) -> Vec<f64> {
    let times = lines.len() / series;
    let padded = (2 * times).next_power_of_two();
    let transform = FftPlannerScalar::new().plan_fft_forward(padded);
    let mut buffer = vec![Complex::new(0.0, 0.0); padded];
    let mut scratch = vec![Complex::new(0.0, 0.0); transform.get_inplace_scratch_len()];
    let mut power = vec![0.0; padded];
    for pair in (0..series).step_by(2) {
        buffer.fill(Complex::new(0.0, 0.0));
        for (z, line) in buffer.iter_mut().zip(lines.chunks_exact(series)) {
            *z = Complex::new(line[pair], line.get(pair + 1).copied().unwrap_or(0.0));
        }
        transform.process_with_scratch(&mut buffer, &mut scratch);
        power.iter_mut().zip(&buffer).for_each(|(sum, z)| *sum += z.norm_sqr());
    }
    // A spectrum is real. So the transform back has the same real part as another one forth.
    buffer.iter_mut().zip(&power).for_each(|(z, power)| *z = Complex::new(*power, 0.0));
    transform.process_with_scratch(&mut buffer, &mut scratch);
    buffer[..times].iter().map(|z| z.re / padded as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::splitmix::SplitMix64;

    #[test]
    fn sums_of_products_are_found() {
        for (times, series) in [(1, 1), (2, 2), (3, 1), (5, 3), (64, 4), (100, 2), (1000, 5)] {
            let mut generator = SplitMix64::new(times as u64);
            let lines: Vec<f64> =
                (0..times * series).map(|_| generator.normal_pair()[0] + 0.3).collect();
            let found = autocovariances(&lines, series);
            assert_eq!(found.len(), times);
            for (lag, found) in found.iter().enumerate() {
                let shifted = lines[lag * series..].iter();
                let direct: f64 = lines.iter().zip(shifted).map(|(x, y)| x * y).sum();
                let scale: f64 = lines.iter().map(|x| x * x).sum();
                assert!((found - direct).abs() < 1e-14 * scale, "{times} {series} {lag}");
            }
        }
    }
}
