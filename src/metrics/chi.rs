//! The chi distribution (the length of a standard normal vector): distribution function, quantiles,
//! and the tail of the chi-square distribution.

use super::gamma::{Tail, gamma_upper, log_weight, lower_tail, upper_tail};
use super::normal;
use crate::error::{Error, Result, count};

/// P(χ² > `statistic`) for `degrees_of_freedom` k ≥ 1, which is Q(k/2, statistic/2). It is the
/// p-value of a chi-square test.
///
/// # Errors
/// [`Error::Invalid`] if there are no (or more than 2e8) degrees of freedom, or if the statistic is
/// negative or NaN.
pub fn chi_square_survival(statistic: f64, degrees_of_freedom: usize) -> Result<f64> {
    check_dim("degrees_of_freedom", degrees_of_freedom)?;
    if statistic.is_nan() || statistic < 0.0 {
        return Err(Error::Invalid { name: "statistic", given: statistic, expected: "at least 0" });
    }
    gamma_upper(degrees_of_freedom as f64 / 2.0, statistic / 2.0)
}

/// P(|z| ≤ `radius`) for a standard normal vector z of `dim` ≥ 1 coordinates, which is P(dim/2,
/// radius²/2).
///
/// The relative error is below 1e-12 down to 1e-300, even if radius² underflows.
///
/// # Errors
/// [`Error::Invalid`] if `dim` is 0 or above 2e8, or if the radius is negative or NaN.
pub fn chi_cdf(radius: f64, dim: usize) -> Result<f64> {
    check_dim("dim", dim)?;
    if radius.is_nan() || radius < 0.0 {
        return Err(Error::Invalid { name: "radius", given: radius, expected: "at least 0" });
    }
    Ok(libm::exp(lower(radius, dim).log_value))
}

/// The radius with P(|z| ≤ radius) = `probability`, for a standard normal vector z of `dim` ≥ 1
/// coordinates. For `dim` = 2 it is a quantile of Rayleigh's distribution.
///
/// The relative error is below 1e-12 for probabilities from 1e-300 to 1 − 1e-16 and dimensions from
/// 1 to 10⁴.
///
/// Newton's method is applied to the logarithm of the smaller tail in the variable ln(radius). That
/// tail is log-concave there, so the iteration converges from one side, whatever its start. The
/// start is that of Wilson & Hilferty, or the asymptote for small radii.
///
/// # Errors
/// [`Error::Invalid`] if `dim` is 0 or above 2e8, or if the probability is not strictly between 0
/// and 1.
pub fn chi_quantile(probability: f64, dim: usize) -> Result<f64> {
    check_dim("dim", dim)?;
    if !(probability > 0.0 && probability < 1.0) {
        return Err(Error::Invalid {
            name: "probability",
            given: probability,
            expected: "strictly between 0 and 1",
        });
    }
    Ok(quantile(probability, dim))
}

/// The largest dimension for which the sums of the tails are short.
const LARGEST_DIM: usize = 200_000_000;

pub(super) fn check_dim(name: &'static str, dim: usize) -> Result<()> {
    count(name, dim, 1, LARGEST_DIM, "a whole number from 1 to 2e8").map(|_| ())
}

/// [`chi_quantile`] without the checks.
pub(super) fn quantile(probability: f64, dim: usize) -> f64 {
    let mut radius = first_guess(probability, dim);
    // Four or five rounds suffice. The bound only stops a loop that rounding could keep going.
    for _ in 0..60 {
        let step = if probability <= 0.5 {
            let tail = lower(radius, dim);
            (libm::log(probability) - tail.log_value) / tail.slope
        } else {
            let tail = upper(radius, dim);
            // 1 − p is exact for p > ½ (Sterbenz).
            (tail.log_value - libm::log(1.0 - probability)) / tail.slope
        };
        // From the flat side a step may overshoot. A factor e per round is enough to come back.
        let step = step.clamp(-1.0, 1.0);
        radius *= libm::exp(step);
        // Convergence is quadratic. After so small a step the error is far below rounding.
        if step.abs() < 1e-10 {
            break;
        }
    }
    radius
}

/// The larger of two guesses: Wilson–Hilferty, radius² ≈ d (1 − 2/(9d) + z √(2/(9d)))³, and the
/// lower bound √2 (p Γ(d/2 + 1))^(1/d).
fn first_guess(probability: f64, dim: usize) -> f64 {
    let size = dim as f64;
    let variance = 2.0 / (9.0 * size);
    let cube_root = (1.0 - variance + normal::quantile(probability) * variance.sqrt()).max(0.0);
    let log_asymptote = (libm::log(probability) + libm::lgamma(size / 2.0 + 1.0)) / size;
    let asymptote = std::f64::consts::SQRT_2 * libm::exp(log_asymptote);
    (size * cube_root * cube_root * cube_root).sqrt().max(asymptote)
}

/// P(|z| ≤ radius), with the slope per ln(radius).
fn lower(radius: f64, dim: usize) -> Tail {
    per_radius(lower_tail(dim as f64 / 2.0, radius * radius / 2.0, chi_log_weight(radius, dim)))
}

/// P(|z| > radius), with the slope per ln(radius).
fn upper(radius: f64, dim: usize) -> Tail {
    per_radius(upper_tail(dim as f64 / 2.0, radius * radius / 2.0, chi_log_weight(radius, dim)))
}

/// Converts the slope: d ln x / d ln radius = 2 for x = radius²/2.
fn per_radius(tail: Tail) -> Tail {
    Tail { slope: 2.0 * tail.slope, ..tail }
}

/// ln(x^(d/2) e^(−x) / Γ(d/2 + 1)) with x = radius²/2. If the square of the radius would underflow,
/// it is computed from the radius.
fn chi_log_weight(radius: f64, dim: usize) -> f64 {
    let shape = dim as f64 / 2.0;
    let x = radius * radius / 2.0;
    if radius < 1e-100 {
        return dim as f64 * libm::log(radius * std::f64::consts::FRAC_1_SQRT_2)
            - libm::lgamma(shape + 1.0);
    }
    log_weight(shape, x)
}

/// Distribution function, density and derivative of the density at `radius` > 0.
pub(super) fn value_and_derivatives(radius: f64, dim: usize) -> [f64; 3] {
    let density = dim as f64 * libm::exp(chi_log_weight(radius, dim)) / radius;
    let slope = density * ((dim as f64 - 1.0) / radius - radius);
    [libm::exp(lower(radius, dim).log_value), density, slope]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities of the table below. The last one is the largest number below 1.
    const PROBABILITIES: [f64; 9] =
        [1e-300, 1e-100, 1e-16, 1e-3, 0.3, 0.5, 0.9, 0.999999, 1.0 - f64::EPSILON / 2.0];

    /// From mpmath 1.3 with 40 digits. scipy 1.17 agrees to 1e-12, except at (1, 1e-300), where it
    /// returns 0.
    const QUANTILES: [(usize, [f64; 9]); 10] = [
        (
            1,
            [
                1.2533141373155002e-300,
                1.2533141373155002e-100,
                1.2533141373155002e-16,
                0.0012533144654325544,
                0.3853204664075676,
                0.6744897501960817,
                1.6448536269514729,
                4.891638475692932,
                8.292361075813595,
            ],
        ),
        (
            2,
            [
                1.4142135623730952e-150,
                1.414213562373095e-50,
                1.414213562373095e-8,
                0.04473254594997994,
                0.8446004309005914,
                1.1774100225154747,
                2.145966026289347,
                5.256521769751462,
                8.571674348652905,
            ],
        ),
        (
            3,
            [
                1.5549880806696574e-100,
                7.2176153116372485e-34,
                7.2176153116748476e-6,
                0.15587682898908592,
                1.1931689918177053,
                1.5381722544550522,
                2.500277710809406,
                5.537585187259359,
                8.797517575465301,
            ],
        ),
        (
            7,
            [
                2.7900181848660947e-43,
                1.0400054265471342e-14,
                0.010400116759764556,
                0.7736237796082641,
                2.1613260857587115,
                2.519089358383604,
                3.466559767807347,
                6.365676023339133,
                9.49889836427582,
            ],
        ),
        (
            19,
            [
                4.7828923780302205e-16,
                1.6069649273132062e-5,
                0.42553052153223425,
                2.325256118710753,
                3.918119480389192,
                4.282248579514794,
                5.2157042697373885,
                7.979790240701859,
                10.954355064235129,
            ],
        ),
        (
            20,
            [
                3.0095609939380743e-15,
                3.0095609940000266e-5,
                0.4794809586201351,
                2.4333188746005976,
                4.03309514951145,
                4.397434391713907,
                5.330288977560751,
                8.088305201645746,
                11.054808019052365,
            ],
        ),
        (
            40,
            [
                1.288748323276453e-7,
                0.01288750871439195,
                1.6776302959419807,
                4.2327800008094005,
                5.9052467625791,
                6.271789604778793,
                7.197573008543749,
                9.881951093532626,
                12.743642060025982,
            ],
        ),
        (
            100,
            [
                0.006242317145110104,
                0.6254296395471766,
                4.843504027413938,
                7.868795283074571,
                9.59838238136493,
                9.966650853520878,
                10.88567884015793,
                13.495435417926542,
                16.236935539636438,
            ],
        ),
        (
            1000,
            [
                10.161973143826113,
                17.970363665976127,
                25.98824817411166,
                29.452997854331855,
                31.242176480805146,
                31.61223516936727,
                32.52266750101556,
                35.030735378910876,
                37.58417946172029,
            ],
        ),
        (
            10000,
            [
                75.0496865407955,
                85.35081473647553,
                94.24025248764922,
                97.81957112507685,
                99.626091009509,
                99.99666665061963,
                100.90422000010891,
                103.37644717181007,
                105.85674628104519,
            ],
        ),
    ];

    #[test]
    fn quantiles_to_twelve_digits() {
        let mut worst: f64 = 0.0;
        for (dim, radii) in QUANTILES {
            for (probability, expected) in PROBABILITIES.into_iter().zip(radii) {
                let error = chi_quantile(probability, dim).unwrap() / expected - 1.0;
                assert!(error.abs() < 1e-12, "dim {dim}, p {probability}: {error:e}");
                worst = worst.max(error.abs());
            }
        }
        assert!(worst < 2e-13, "{worst:e}");
    }

    #[test]
    fn the_distribution_function_inverts_the_quantile() {
        for dim in (1..60).chain([99, 1000, 9999, 10_000]) {
            for probability in [1e-300, 1e-200, 1e-77, 1e-9, 0.01, 0.2, 0.49999, 0.50001, 0.8] {
                let radius = chi_quantile(probability, dim).unwrap();
                let error = chi_cdf(radius, dim).unwrap() / probability - 1.0;
                // One rounding of the radius changes the probability by slope · 2⁻⁵³.
                let slope = lower(radius, dim).slope;
                assert!(error.abs() < 5e-13 + 4e-16 * slope, "{dim} {probability}: {error:e}");
            }
        }
    }

    #[test]
    fn closed_forms() {
        for p in [1e-200_f64, 1e-9, 0.01, 0.5, 0.99, 1.0 - 1e-12] {
            // Rayleigh: p = 1 − exp(−r²/2).
            let rayleigh = (-2.0 * (-p).ln_1p()).sqrt();
            assert!((chi_quantile(p, 2).unwrap() / rayleigh - 1.0).abs() < 1e-13);
            // One dimension: the half-normal distribution.
            let half_normal = -normal::quantile((1.0 - p) / 2.0);
            assert!(p < 0.01 || (chi_quantile(p, 1).unwrap() / half_normal - 1.0).abs() < 1e-13);
        }
        assert!((chi_square_survival(3.0, 2).unwrap() - (-1.5_f64).exp()).abs() < 1e-15);
        // The textbook 5 % points.
        for (statistic, degrees) in
            [(3.841_458_820_694_124, 1), (11.070497693516351, 5), (124.34211340400408, 100)]
        {
            assert!((chi_square_survival(statistic, degrees).unwrap() - 0.05).abs() < 1e-14);
        }
    }

    #[test]
    fn derivatives_are_derivatives() {
        for (dim, radius) in [(1, 0.3), (2, 1.0), (7, 3.0), (400, 20.3)] {
            let step = 1e-4;
            let [above, here, below] =
                [radius + step, radius, radius - step].map(|r| value_and_derivatives(r, dim));
            assert!(((above[0] - below[0]) / (2.0 * step) - here[1]).abs() < 1e-7);
            assert!(((above[1] - below[1]) / (2.0 * step) - here[2]).abs() < 1e-7);
        }
    }

    #[test]
    fn no_argument_gives_a_number_that_is_none() {
        let numbers = [
            0.0,
            -0.0,
            5e-324,
            1e-310,
            1e-300,
            1e-160,
            1e-100,
            1e-20,
            1e-8,
            0.1,
            0.5,
            0.9,
            1.0,
            3.0,
            40.0,
            1e3,
            1e8,
            1e9,
            1e100,
            1e155,
            1e200,
            f64::MAX,
            f64::INFINITY,
            -1.0,
            -f64::MAX,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        let dims = [0, 1, 2, 3, 19, 20, 21, 1000, 10_000, 1_000_000, LARGEST_DIM, usize::MAX];
        let sound = |found: Result<f64>, most: f64| {
            found.is_err() || found.is_ok_and(|x| x >= 0.0 && x <= most)
        };
        for x in numbers {
            for dim in dims {
                assert!(sound(chi_cdf(x, dim), 1.0), "{x:e} {dim}: {:?}", chi_cdf(x, dim));
                let tail = chi_square_survival(x, dim);
                assert!(sound(tail, 1.0), "{x:e} {dim}");
                let quantile = chi_quantile(x, dim);
                assert!(sound(quantile, f64::MAX), "{x:e} {dim}");
            }
            for shape in numbers {
                use super::super::gamma::gamma_lower;
                let found = [gamma_lower(shape, x), gamma_upper(shape, x)];
                for found in found {
                    assert!(sound(found, 1.0), "{shape:e} {x:e}");
                }
            }
        }
    }

    #[test]
    fn bad_arguments_are_refused() {
        assert!(
            chi_quantile(0.5, 0).is_err()
                && chi_cdf(1.0, 0).is_err()
                && chi_square_survival(1.0, 0).is_err()
        );
        for bad in [0.0, 1.0, -0.5, 2.0, f64::NAN] {
            assert!(matches!(
                chi_quantile(bad, 3),
                Err(Error::Invalid { name: "probability", .. })
            ));
        }
        for bad in [-1e-9, f64::NAN] {
            assert!(matches!(chi_cdf(bad, 3), Err(Error::Invalid { name: "radius", .. })));
            assert!(matches!(
                chi_square_survival(bad, 3),
                Err(Error::Invalid { name: "statistic", .. })
            ));
        }
        assert_eq!(chi_cdf(0.0, 3).unwrap(), 0.0);
        assert_eq!(chi_cdf(f64::INFINITY, 3).unwrap(), 1.0);
        assert_eq!(chi_square_survival(f64::INFINITY, 3).unwrap(), 0.0);
    }
}
