//! Discrete noise tables of DDPM-type chains, in f64.

use super::Level;
use crate::error::{Error, Result, count};

/// The levels 0 … n of a discrete chain: level 0 is clean, level t follows t noising steps with
/// rates β₁ … β_t.
///
/// ```text
/// ᾱ_t = Π_{i≤t} (1 − β_i)
/// ```
///
/// Other software numbers the training timesteps from 0: timestep t is level t + 1 here.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelTable {
    betas: Vec<f64>,
    levels: Vec<Level>,
}

impl LevelTable {
    /// The table of these rates.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are none or more than 10⁶, or one is not in (0, 1).
    pub fn from_betas(betas: Vec<f64>) -> Result<Self> {
        count("levels", betas.len(), 1, 1_000_000, "a whole number from 1 to 1000000")?;
        if let Some(&given) = betas.iter().find(|beta| !(**beta > 0.0 && **beta < 1.0)) {
            return Err(Error::Invalid { name: "beta", given, expected: "a number in (0, 1)" });
        }
        let mut log_alpha_bar = 0.0;
        let mut levels = vec![Level::CLEAN];
        for beta in &betas {
            log_alpha_bar += libm::log1p(-beta);
            levels.push(Level::from_log_alpha_bar(log_alpha_bar)?);
        }
        Ok(Self { betas, levels })
    }

    /// β along a line from `first` to `last`; Ho et al. 2020 use 1e-4 and 0.02 with 1000 levels.
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn linear(levels: usize, first: f64, last: f64) -> Result<Self> {
        count("levels", levels, 1, 1_000_000, "a whole number from 1 to 1000000")?;
        Self::from_betas(line(levels, first, last))
    }

    /// √β along a line from √`first` to √`last`; latent diffusion uses 8.5e-4 and 0.012 with 1000
    /// levels.
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn scaled_linear(levels: usize, first: f64, last: f64) -> Result<Self> {
        count("levels", levels, 1, 1_000_000, "a whole number from 1 to 1000000")?;
        Self::from_betas(
            line(levels, first.sqrt(), last.sqrt()).into_iter().map(|root| root * root).collect(),
        )
    }

    /// The cosine schedule of Nichol & Dhariwal 2021: β_t = min(0.999, 1 − f(t)/f(t−1)), f(t) =
    /// cos²(π/2 (t/n + 0.008)/1.008).
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn cosine(levels: usize) -> Result<Self> {
        count("levels", levels, 1, 1_000_000, "a whole number from 1 to 1000000")?;
        let f = |i: usize| {
            let angle = (i as f64 / levels as f64 + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2;
            libm::cos(angle) * libm::cos(angle)
        };
        Self::from_betas((0..levels).map(|i| (1.0 - f(i + 1) / f(i)).min(0.999)).collect())
    }

    /// The table of this name with its customary numbers: `linear`, `scaled-linear` or `cosine`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name, and as for [`from_betas`](Self::from_betas).
    pub fn named(name: &str, levels: usize) -> Result<Self> {
        match name {
            "linear" => Self::linear(levels, 1e-4, 0.02),
            "scaled-linear" => Self::scaled_linear(levels, 8.5e-4, 0.012),
            "cosine" => Self::cosine(levels),
            _ => {
                let known = "linear, scaled-linear, cosine".into();
                Err(Error::Unknown { what: "schedule", given: name.into(), known })
            }
        }
    }

    /// The number n of noising steps; levels go from 0 to n.
    pub fn len(&self) -> usize {
        self.betas.len()
    }

    /// Never true: a table has at least one noising step.
    pub fn is_empty(&self) -> bool {
        self.betas.is_empty()
    }

    /// β of level `t`, 1 to n; beyond that, of the nearest one.
    pub fn beta(&self, t: usize) -> f64 {
        self.betas[t.clamp(1, self.len()) - 1]
    }

    /// The number of the level at a time of a run, n − `time`; before the start the last, past the
    /// end the clean one.
    pub fn number_at(&self, time: f64) -> usize {
        (self.len() as f64 - time).round().max(0.0) as usize
    }

    /// The times of a run through these levels, n − level.
    pub fn times(&self, levels: &[usize]) -> Vec<f64> {
        levels.iter().map(|level| self.len() as f64 - *level as f64).collect()
    }

    /// Level `t`, 0 to n; beyond that, the last.
    pub fn level(&self, t: usize) -> Level {
        self.levels[t.min(self.len())]
    }
}

/// Numbers from `first` to exactly `last`, as numpy's linspace makes them.
fn line(count: usize, first: f64, last: f64) -> Vec<f64> {
    let step = (last - first) / (count.max(2) - 1) as f64;
    (0..count)
        .map(|i| if i + 1 == count && count > 1 { last } else { first + step * i as f64 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_the_customary_ends() {
        let linear = LevelTable::named("linear", 1000).unwrap();
        assert_eq!((linear.len(), linear.beta(1), linear.beta(1000)), (1000, 1e-4, 0.02));
        assert!((linear.level(1000).alpha_bar() - 4.035829765375e-5).abs() < 1e-16);
        assert_eq!(linear.level(0), Level::CLEAN);
        let scaled = LevelTable::named("scaled-linear", 1000).unwrap();
        assert!(
            (scaled.beta(1) - 8.5e-4).abs() < 1e-18 && (scaled.beta(1000) - 0.012).abs() < 1e-16
        );
        let cosine = LevelTable::named("cosine", 1000).unwrap();
        assert_eq!(cosine.beta(1000), 0.999);
        for table in [linear, scaled, cosine] {
            assert!((0..1000).all(|t| table.level(t + 1) < table.level(t)));
            // 1 − ᾱ keeps its digits at the first level.
            assert!((table.level(1).one_minus_alpha_bar() / table.beta(1) - 1.0).abs() < 1e-14);
        }
        assert!(
            LevelTable::named("square", 10).is_err() && LevelTable::linear(0, 1e-4, 0.02).is_err()
        );
        assert!(
            LevelTable::linear(10, 1e-4, 1.0).is_err()
                && LevelTable::from_betas(vec![f64::NAN]).is_err()
        );
    }
}
