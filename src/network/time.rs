//! The number that tells a network the time, and the vector made of it.

use super::description::{self, TimeInput};
use super::tensors::Tensors;
use crate::error::Result;
use crate::schedule::{Level, LevelTable};

/// [cos(ω₀ t), …, sin(ω₀ t), …], computed in f64 and rounded last.
#[derive(Clone)]
pub(super) struct Embedding {
    rates: Vec<f64>,
}

impl Embedding {
    pub(super) fn new(
        embedding: &description::Embedding,
        tensors: &mut Tensors<'_>,
    ) -> Result<Self> {
        let rates = match embedding {
            description::Embedding::Sinusoidal { width, max_period, scale } => {
                let half = width / 2;
                let rate =
                    |j: usize| scale * libm::exp(-libm::log(*max_period) * j as f64 / half as f64);
                (0..half).map(rate).collect()
            }
            description::Embedding::Fourier { tensor } => {
                let (_, numbers) = tensors.read(tensor, &[None], "(W/2), the frequencies")?;
                numbers.iter().map(|f| std::f64::consts::TAU * f64::from(*f)).collect()
            }
        };
        Ok(Self { rates })
    }

    pub(super) fn width(&self) -> usize {
        2 * self.rates.len()
    }

    /// Writes entry j to `out[j * stride]`.
    pub(super) fn write(&self, number: f64, out: &mut [f32], stride: usize) {
        let half = self.rates.len();
        for (j, rate) in self.rates.iter().enumerate() {
            let (sin, cos) = libm::sincos(rate * number);
            out[j * stride] = cos as f32;
            out[(half + j) * stride] = sin as f32;
        }
    }
}

/// What a network is told of a level; beyond the first and the last noised level of the table, what
/// it is told there.
pub(crate) fn number(input: TimeInput, table: &LevelTable, level: Level) -> f64 {
    let last = table.len();
    let log = |t: usize| table.level(t).log_alpha_bar();
    let wanted = level.log_alpha_bar().clamp(log(last), log(1));
    if input == TimeInput::LogSnr {
        return Level::from_log_alpha_bar(wanted).map_or(f64::NAN, |level| level.log_snr());
    }
    // The last level that is no noisier.
    let (mut below, mut above) = (1, last + 1);
    while above - below > 1 {
        let middle = below.midpoint(above);
        if log(middle) >= wanted { below = middle } else { above = middle }
    }
    let whole = (below - 1) as f64;
    if below == last {
        whole
    } else {
        whole + (log(below) - wanted) / (log(below) - log(below + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_the_table_are_whole_timesteps() {
        for name in ["linear", "scaled-linear", "cosine"] {
            for n in [1, 2, 37, 1000] {
                let table = LevelTable::named(name, n).unwrap();
                for t in 1..=n {
                    assert_eq!(number(TimeInput::Timestep, &table, table.level(t)), (t - 1) as f64);
                    let log_snr = number(TimeInput::LogSnr, &table, table.level(t));
                    assert_eq!(log_snr, table.level(t).log_snr());
                }
                for (level, t) in [(Level::CLEAN, 1), (Level::PURE_NOISE, n)] {
                    assert_eq!(number(TimeInput::Timestep, &table, level), (t - 1) as f64);
                    assert_eq!(number(TimeInput::LogSnr, &table, level), table.level(t).log_snr());
                }
            }
        }
    }

    #[test]
    fn between_two_levels_the_logarithm_is_interpolated() {
        let table = LevelTable::named("linear", 1000).unwrap();
        for t in [1, 2, 500, 999] {
            let (a, b) = (table.level(t).log_alpha_bar(), table.level(t + 1).log_alpha_bar());
            let mut before = (t - 1) as f64;
            for part in [0.001, 0.25, 0.5, 0.999] {
                let level = Level::from_log_alpha_bar(a + part * (b - a)).unwrap();
                let found = number(TimeInput::Timestep, &table, level);
                assert!(
                    (found - ((t - 1) as f64 + part)).abs() < 1e-9 && found > before,
                    "{t} + {part}: {found}"
                );
                before = found;
            }
        }
    }
}
