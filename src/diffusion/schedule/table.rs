//! Discrete noise tables of DDPM-type chains, in f64.

use super::level::Level;
use crate::error::{Error, Result, count, positive};
use crate::options::by_name;

/// A named way in which the rates β of a table change from level to level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// β along a line from 1e-4 to 0.02, for 1000 levels (Ho et al. 2020).
    Linear,
    /// √β along a line from √8.5e-4 to √0.012, for 1000 levels (latent diffusion).
    ScaledLinear,
    /// ᾱ is a squared cosine (Nichol & Dhariwal 2021).
    Cosine,
}

impl Schedule {
    /// All schedules.
    pub const ALL: [Self; 3] = [Self::Linear, Self::ScaledLinear, Self::Cosine];

    /// The table of this schedule with n = `levels` noising steps.
    ///
    /// # Errors
    /// As for [`LevelTable::from_betas`].
    pub fn table(self, levels: usize) -> Result<LevelTable> {
        match self {
            Self::Linear => LevelTable::linear(levels),
            Self::ScaledLinear => LevelTable::scaled_linear(levels),
            Self::Cosine => LevelTable::cosine(levels),
        }
    }

    /// The table of this schedule with rates from `first` to `last` in place of its own, which are
    /// not scaled.
    ///
    /// # Errors
    /// [`Error::Clash`] for the cosine schedule, which has no such ends, and as for
    /// [`LevelTable::from_betas`].
    pub fn table_between(self, levels: usize, first: f64, last: f64) -> Result<LevelTable> {
        match self {
            Self::Linear => LevelTable::linear_between(levels, first, last),
            Self::ScaledLinear => LevelTable::scaled_linear_between(levels, first, last),
            Self::Cosine => Err(Error::Clash { options: "schedule cosine and beta-range" }),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::ScaledLinear => "scaled-linear",
            Self::Cosine => "cosine",
        }
    }
}

by_name!(Schedule, "schedule");

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
    schedule: Option<Schedule>,
}

impl LevelTable {
    /// The largest number of levels.
    pub const MAX_LEVELS: usize = 1_000_000;

    /// The table of these rates. The last one may be 1, if there are others: then level n is pure
    /// noise (a zero terminal signal-to-noise ratio). Methods begin below such a level.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are none or more than [`MAX_LEVELS`](Self::MAX_LEVELS), or one
    /// is not in (0, 1).
    pub fn from_betas(betas: Vec<f64>) -> Result<Self> {
        Self::check(betas.len())?;
        let last = betas.len() - 1;
        let is_rate = |(t, beta): (usize, f64)| {
            beta > 0.0 && (beta < 1.0 || beta == 1.0 && t == last && t > 0)
        };
        if let Some(&given) =
            betas.iter().enumerate().find(|(t, beta)| !is_rate((*t, **beta))).map(|(_, beta)| beta)
        {
            let expected = "a number in (0, 1), or 1 for the last one of several";
            return Err(Error::Invalid { name: "beta", given, expected });
        }
        let mut log_alpha_bar = 0.0;
        let mut levels = vec![Level::CLEAN];
        for beta in &betas {
            log_alpha_bar += libm::log1p(-beta);
            levels.push(Level::from_log_alpha_bar(log_alpha_bar)?);
        }
        Ok(Self { betas, levels, schedule: None })
    }

    /// The table of these levels, from the data to the noise: level 0 is clean, and each one is
    /// noisier than the one before. The last may be pure noise. So any list of levels is a table.
    ///
    /// ```
    /// use langevin::diffusion::{Level, LevelTable};
    /// let levels = [0.1, 1.0, 10.0].map(|sigma| Level::from_sigma(sigma).unwrap());
    /// let table = LevelTable::from_levels(levels)?;
    /// assert_eq!((table.len(), table.level(3)), (3, levels[2]));
    /// # Ok::<(), langevin::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are none or more than [`MAX_LEVELS`](Self::MAX_LEVELS), or one
    /// is not noisier than the one before.
    pub fn from_levels(noised: impl IntoIterator<Item = Level>) -> Result<Self> {
        let mut levels = vec![Level::CLEAN];
        levels.extend(noised);
        Self::check(levels.len() - 1)?;
        let mut betas = Vec::with_capacity(levels.len() - 1);
        for pair in levels.windows(2) {
            let noisier = pair[1].log_alpha_bar() < pair[0].log_alpha_bar();
            if !noisier || pair[0] == Level::PURE_NOISE {
                let given = pair[1].sigma();
                let expected = "levels that become noisier from one to the next";
                return Err(Error::Invalid { name: "sigma of a level", given, expected });
            }
            betas.push(-libm::expm1(pair[1].log_alpha_bar() - pair[0].log_alpha_bar()));
        }
        Ok(Self { betas, levels, schedule: None })
    }

    /// The table with the noise σ of every level multiplied by `shift`: the shift that larger
    /// pictures need.
    ///
    /// ```text
    /// σ′ = s σ        log-SNR′ = log-SNR − 2 log s
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if the shift is not finite and positive.
    pub fn shifted(&self, shift: f64) -> Result<Self> {
        positive("shift", shift)?;
        if shift == 1.0 {
            return Ok(self.clone());
        }
        let moved = |level: &Level| match *level {
            Level::PURE_NOISE => Ok(Level::PURE_NOISE),
            level => Level::from_log_snr(level.log_snr() - 2.0 * libm::log(shift)),
        };
        let levels: Vec<_> = self.levels[1..].iter().map(moved).collect::<Result<_>>()?;
        Self::from_levels(levels)
    }

    /// This table with the levels of another one between its own.
    pub(crate) fn refined(&self, other: &Self) -> Result<Self> {
        let mut all: Vec<Level> = self.levels[1..].to_vec();
        let noisiest = self.levels[self.len()];
        all.extend(other.levels[1..].iter().filter(|level| **level > noisiest));
        all.sort_by(|a, b| b.log_alpha_bar().total_cmp(&a.log_alpha_bar()));
        all.dedup();
        Self::from_levels(all)
    }

    /// The number of a level that is in the table.
    pub(crate) fn number_of(&self, level: Level) -> Option<usize> {
        let log = level.log_alpha_bar();
        let number = self.levels.partition_point(|known| known.log_alpha_bar() > log);
        (self.levels.get(number) == Some(&level)).then_some(number)
    }

    /// The level at a number between those of the table, with log σ along a line between two
    /// levels. Below level 1 it is level 1.
    pub(crate) fn between(&self, number: f64) -> Result<Level> {
        let below = (number.max(1.0) as usize).min(self.len());
        let part = number.max(1.0) - below as f64;
        if part <= 0.0 || below == self.len() {
            return Ok(self.levels[below]);
        }
        let [a, b] = [below, below + 1].map(|t| self.levels[t].log_snr());
        Level::from_log_snr(a + part * (b - a))
    }

    /// The 0-based training timestep of a level; between two levels of the table log σ is
    /// interpolated linearly. Levels beyond the ends count as the nearest end.
    pub fn timestep(&self, level: Level) -> f64 {
        let last = self.len();
        let log = |t: usize| self.levels[t].log_alpha_bar();
        let wanted = level.log_alpha_bar().clamp(log(last), log(1));
        // The last level that is no noisier.
        let below = 1 + self.levels[2..].partition_point(|known| known.log_alpha_bar() >= wanted);
        let whole = (below - 1) as f64;
        if below == last {
            return whole;
        }
        let [noisier, cleaner] = [below + 1, below].map(|t| self.levels[t].log_snr());
        let own = Level::from_log_alpha_bar(wanted).map_or(cleaner, |level| level.log_snr());
        whole + (cleaner - own) / (cleaner - noisier)
    }

    /// The table of [`Schedule::Linear`]: β from 0.1/n to 20/n, at most 0.999.
    ///
    /// The rates are those of 1000 levels times 1000/n. So the last level has about the same noise,
    /// whatever n.
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn linear(levels: usize) -> Result<Self> {
        Self::check(levels)?;
        let table = Self::from_betas(scaled(line(levels, 1e-4, 0.02)))?;
        Ok(Self { schedule: Some(Schedule::Linear), ..table })
    }

    /// β along a line from `first` to `last`.
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn linear_between(levels: usize, first: f64, last: f64) -> Result<Self> {
        Self::check(levels)?;
        Self::from_betas(line(levels, first, last))
    }

    /// The table of [`Schedule::ScaledLinear`]: √β from √(0.85/n) to √(12/n), β at most 0.999.
    ///
    /// The rates are those of 1000 levels times 1000/n, as for [`linear`](Self::linear).
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn scaled_linear(levels: usize) -> Result<Self> {
        Self::check(levels)?;
        let table = Self::from_betas(scaled(squares_of_line(levels, 8.5e-4, 0.012)))?;
        Ok(Self { schedule: Some(Schedule::ScaledLinear), ..table })
    }

    /// √β along a line from √`first` to √`last`.
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn scaled_linear_between(levels: usize, first: f64, last: f64) -> Result<Self> {
        Self::check(levels)?;
        Self::from_betas(squares_of_line(levels, first, last))
    }

    /// The table of [`Schedule::Cosine`]: β_t = min(0.999, 1 − f(t)/f(t−1)) with
    /// f(t) = cos²(π/2 (t/n + 0.008)/1.008).
    ///
    /// # Errors
    /// As for [`from_betas`](Self::from_betas).
    pub fn cosine(levels: usize) -> Result<Self> {
        Self::check(levels)?;
        let f = |i: usize| {
            let angle = (i as f64 / levels as f64 + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2;
            libm::cos(angle) * libm::cos(angle)
        };
        let betas = (0..levels).map(|i| (1.0 - f(i + 1) / f(i)).min(MOST_BETA)).collect();
        Ok(Self { schedule: Some(Schedule::Cosine), ..Self::from_betas(betas)? })
    }

    fn check(levels: usize) -> Result<()> {
        const LEVELS: &str = "a whole number from 1 to 1000000";
        count("levels", levels, 1, Self::MAX_LEVELS, LEVELS).map(|_| ())
    }

    /// The schedule that the table was made of, if it has a name.
    pub fn schedule(&self) -> Option<Schedule> {
        self.schedule
    }

    /// The number n of noising steps; levels go from 0 to n.
    pub fn len(&self) -> usize {
        self.betas.len()
    }

    /// Never true: a table has at least one noising step.
    pub fn is_empty(&self) -> bool {
        self.betas.is_empty()
    }

    /// The rates β₁ … β_n.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// β of level `t`, from 1 to n.
    ///
    /// # Panics
    /// If `t` is 0 or above n.
    pub fn beta(&self, t: usize) -> f64 {
        assert!((1..=self.len()).contains(&t), "rate of level {t} of {}", self.len());
        self.betas[t - 1]
    }

    /// Level `t`, from 0 to n.
    ///
    /// # Panics
    /// If `t` is above n.
    pub fn level(&self, t: usize) -> Level {
        assert!(t <= self.len(), "level {t} of a table of {}", self.len());
        self.levels[t]
    }

    /// The table of the first `levels` levels, from 1 to n.
    ///
    /// # Panics
    /// If `levels` is 0 or above n.
    pub fn up_to(&self, levels: usize) -> Self {
        assert!((1..=self.len()).contains(&levels), "{levels} levels of {}", self.len());
        let schedule = self.schedule.filter(|_| levels == self.len());
        let betas = self.betas[..levels].to_vec();
        Self { betas, levels: self.levels[..=levels].to_vec(), schedule }
    }

    /// The number of the level at a time of a run, n − `time`, rounded.
    ///
    /// # Errors
    /// [`Error::Invalid`] if that is not from 0 to n.
    pub fn number_at(&self, time: f64) -> Result<usize> {
        let number = (self.len() as f64 - time).round();
        if !(number >= 0.0 && number <= self.len() as f64) {
            let expected = "a time from 0 to the number of levels of the table";
            return Err(Error::Invalid { name: "time", given: time, expected });
        }
        Ok(number as usize)
    }

    /// The times of a run through these levels, n − level.
    pub fn times(&self, levels: &[usize]) -> Vec<f64> {
        levels.iter().map(|level| self.len() as f64 - *level as f64).collect()
    }
}

/// The largest rate of a schedule.
const MOST_BETA: f64 = 0.999;
/// The number of levels for which the rates of schedules are stated.
const CUSTOMARY: f64 = 1000.0;

/// Rates for 1000 levels, scaled so that as many as these have the same noise in all.
fn scaled(betas: Vec<f64>) -> Vec<f64> {
    let factor = CUSTOMARY / betas.len() as f64;
    betas.into_iter().map(|beta| (factor * beta).min(MOST_BETA)).collect()
}

/// The squares of numbers from √`first` to √`last`.
fn squares_of_line(count: usize, first: f64, last: f64) -> Vec<f64> {
    line(count, first.sqrt(), last.sqrt()).into_iter().map(|root| root * root).collect()
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
        let linear = LevelTable::linear(1000).unwrap();
        assert_eq!((linear.len(), linear.beta(1), linear.beta(1000)), (1000, 1e-4, 0.02));
        assert!((linear.level(1000).alpha_bar() - 4.035829765375e-5).abs() < 1e-16);
        assert_eq!(linear.level(0), Level::CLEAN);
        let scaled = LevelTable::scaled_linear(1000).unwrap();
        assert!(
            (scaled.beta(1) - 8.5e-4).abs() < 1e-18 && (scaled.beta(1000) - 0.012).abs() < 1e-16
        );
        let cosine = LevelTable::cosine(1000).unwrap();
        assert_eq!(cosine.beta(1000), 0.999);
        for table in [linear, scaled, cosine] {
            assert!((0..1000).all(|t| table.level(t + 1) < table.level(t)));
            // 1 − ᾱ keeps its digits at the first level.
            assert!((table.level(1).one_minus_alpha_bar() / table.beta(1) - 1.0).abs() < 1e-14);
        }
        assert!("square".parse::<Schedule>().is_err() && LevelTable::linear(0).is_err());
        assert!(LevelTable::linear_between(10, 1e-4, 1.1).is_err());
        for bad in [vec![f64::NAN], vec![1.0], vec![0.1, 1.0, 0.1], vec![0.1, 1.1], vec![0.0]] {
            assert!(LevelTable::from_betas(bad).is_err());
        }
    }

    /// A last rate of 1 leaves nothing of the data.
    #[test]
    fn a_last_rate_of_one_is_pure_noise() {
        let table = LevelTable::from_betas(vec![0.1, 0.5, 1.0]).unwrap();
        assert_eq!(table.level(3), Level::PURE_NOISE);
        assert!(table.level(2).alpha_bar() > 0.4);
    }

    /// The noise of the last level is nearly the same for any number of levels, within 20 %
    /// from 50 on, and the rates of 1000 levels are the customary ones to the last bit.
    #[test]
    fn rates_scale_with_the_number_of_levels() {
        for schedule in [Schedule::Linear, Schedule::ScaledLinear] {
            let time = |levels| schedule.table(levels).unwrap().level(levels).ou_time();
            for levels in [50, 100, 300, 4000, 10_000] {
                let ratio = time(levels) / time(1000);
                assert!((ratio - 1.0).abs() < 0.2, "{schedule} {levels}: {ratio}");
            }
            for levels in [1, 2, 5, 10, 20] {
                assert!(schedule.table(levels).unwrap().betas().iter().all(|b| *b <= 0.999));
            }
        }
        let linear = LevelTable::linear(1000).unwrap();
        assert_eq!(linear.betas(), LevelTable::linear_between(1000, 1e-4, 0.02).unwrap().betas());
        let roots = LevelTable::scaled_linear_between(1000, 8.5e-4, 0.012).unwrap();
        assert_eq!(LevelTable::scaled_linear(1000).unwrap().betas(), roots.betas());
        let unscaled = Schedule::Linear.table_between(100, 1e-4, 0.02).unwrap();
        assert!(unscaled.level(100).alpha_bar() > 0.3);
        assert!(Schedule::Cosine.table_between(100, 1e-4, 0.02).is_err());
    }

    #[test]
    fn times_and_levels_outside_the_table_are_seen() {
        let table = LevelTable::linear(10).unwrap();
        assert_eq!(table.number_at(10.0).unwrap(), 0);
        assert!(table.number_at(10.6).is_err() && table.number_at(-0.6).is_err());
        assert!(table.number_at(f64::NAN).is_err());
        assert!(std::panic::catch_unwind(|| table.level(11)).is_err());
        assert!(std::panic::catch_unwind(|| table.beta(0)).is_err());
    }
}
