//! What a trained network predicts, of which process, and how the time is fed to it.

use super::problem::wrong;
use crate::diffusion::{InputScale, Level, LevelTable, Prediction, Process, ProcessKind};
use crate::error::Result;

/// Which number tells a network the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeInput {
    /// `timestep`: the 0-based timestep of a table of levels. Between two levels it is interpolated
    /// linearly in log σ. For flow matching it is t times the number of levels.
    Timestep,
    /// `log-snr`: log(ᾱ/(1−ᾱ)).
    LogSnr,
    /// `time`: t in (0, 1] of a phase-space diffusion or of flow matching.
    Time,
    /// `sigma`: σ = √((1−ᾱ)/ᾱ).
    Sigma,
    /// `log-sigma`: log σ.
    LogSigma,
    /// `quarter-log-sigma`: ¼ log σ, as networks of EDM.
    QuarterLogSigma,
}

/// What is known about a trained network beyond its weights.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Card {
    /// What the last layer predicts, or `None` for a network of features.
    pub prediction: Option<Prediction>,
    /// The process whose data it was trained on, or `None` for a network of features.
    pub process: Option<Process>,
    /// How time is fed to the network, or `None` if it takes no time.
    pub time: Option<TimeInput>,
    /// The smallest and the largest number of the data, if known.
    pub range: Option<[f64; 2]>,
    /// Height and width of a picture, if the data are pictures.
    pub image: Option<[usize; 2]>,
}

impl Card {
    /// A network that removes noise of this process.
    pub fn new(process: Process, prediction: Prediction, time: Option<TimeInput>) -> Self {
        let prediction = Some(prediction);
        let process = Some(process);
        Self { prediction, process, time, range: None, image: None }
    }

    /// A map of data to features, without time.
    pub fn features() -> Self {
        Self { prediction: None, process: None, time: None, range: None, image: None }
    }

    /// Refuses a prediction or a time that the process does not have, and an odd number of columns
    /// of position and momentum.
    pub(super) fn check(&self, columns: usize) -> Result<()> {
        let kind = self.process.as_ref().map(Process::kind);
        let times: &[Option<TimeInput>] = match kind {
            Some(ProcessKind::Vp) => &[None, Some(TimeInput::Timestep), Some(TimeInput::LogSnr)],
            Some(ProcessKind::Flow) => &[None, Some(TimeInput::Timestep), Some(TimeInput::Time)],
            Some(ProcessKind::Edm | ProcessKind::Ve) => &[
                None,
                Some(TimeInput::Sigma),
                Some(TimeInput::LogSigma),
                Some(TimeInput::QuarterLogSigma),
            ],
            Some(ProcessKind::Psld) => &[None, Some(TimeInput::Time)],
            None => &[None],
        };
        if !times.contains(&self.time) {
            let expected = format!("one of {times:?} for its process");
            return Err(wrong("time", format!("{:?}", self.time), expected));
        }
        let joint = self.prediction.map(Prediction::is_joint);
        let expected = match (kind, joint) {
            (None, None) | (Some(ProcessKind::Psld), Some(true)) => None,
            (None, _) => Some("features, without a process"),
            (Some(ProcessKind::Psld), _) => {
                Some("epsilon-lower, epsilon-upper or joint-score, for psld")
            }
            (Some(_), Some(false)) => None,
            (Some(_), _) => Some("epsilon, data, velocity, flow, edm or score, for data"),
        };
        if let Some(expected) = expected {
            let given = self.prediction.map_or("features", Prediction::name);
            return Err(wrong("prediction", given, expected));
        }
        match &self.process {
            Some(Process::Psld(_, beta)) if beta.rate().is_none() => {
                Err(wrong("process", format!("beta {beta}"), "a constant rate"))
            }
            Some(Process::Psld(..)) if columns % 2 == 1 => {
                let expected = "an even number, positions and momenta, for psld";
                Err(wrong("input", format!("{columns} columns"), expected))
            }
            _ => Ok(()),
        }
    }

    /// The number that tells the network this level; 0 if it takes no time. Levels beyond the ends
    /// of a table, which the network has never seen, count as the nearest end.
    pub(super) fn number(&self, level: Level) -> f64 {
        match (self.time, &self.process) {
            (Some(input), Some(Process::Vp(table))) => number_in(table, input, level),
            (Some(input), Some(Process::Flow(flow))) => {
                let levels = flow.table().len() as f64;
                level.flow_time() * if input == TimeInput::Timestep { levels } else { 1.0 }
            }
            (Some(input), Some(Process::Edm(range) | Process::Ve(range))) => {
                let [low, high] = range.sigmas();
                let sigma = level.sigma().clamp(low, high);
                match input {
                    TimeInput::QuarterLogSigma => 0.25 * libm::log(sigma),
                    TimeInput::LogSigma => libm::log(sigma),
                    _ => sigma,
                }
            }
            // The rate of a network's process is constant: `check`.
            (Some(_), Some(Process::Psld(_, beta))) => level.tau() / beta.rate().unwrap_or(1.0),
            _ => 0.0,
        }
    }

    /// The variable that the network reads.
    pub(super) fn input(&self) -> InputScale {
        match (&self.process, self.prediction) {
            (Some(Process::Flow(_)), _) => InputScale::Flow,
            (Some(Process::Edm(_)), Some(Prediction::Edm { sigma_data })) => {
                InputScale::Edm { sigma_data }
            }
            (Some(Process::Edm(_) | Process::Ve(_)), _) => InputScale::Exploding,
            _ => InputScale::Preserving,
        }
    }

    /// The smallest and the largest number that tell the network the time.
    #[cfg(feature = "onnx")]
    pub(crate) fn ends(&self) -> [f64; 2] {
        match (&self.process, self.time) {
            (Some(Process::Vp(table)), Some(TimeInput::LogSnr)) => {
                [table.level(table.len()).log_snr(), table.level(1).log_snr()]
            }
            (Some(Process::Vp(table)), _) => [0.0, (table.len() - 1) as f64],
            (Some(process), _) => match process.table() {
                Some(table) => {
                    let [a, b] = [table.level(table.len()), table.level(1)].map(|l| self.number(l));
                    [a.min(b), a.max(b)]
                }
                None => [0.0, 1.0],
            },
            _ => [0.0, 1.0],
        }
    }
}

/// The number that tells a level of a table, or between two of them.
fn number_in(table: &LevelTable, input: TimeInput, level: Level) -> f64 {
    if input != TimeInput::LogSnr {
        return table.timestep(level);
    }
    let log = |t: usize| table.level(t).log_alpha_bar();
    let wanted = level.log_alpha_bar().clamp(log(table.len()), log(1));
    Level::from_log_alpha_bar(wanted).map_or(f64::NAN, |level| level.log_snr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::Schedule;

    #[test]
    fn levels_of_the_table_are_whole_timesteps() {
        for schedule in Schedule::ALL {
            for n in [1, 2, 37, 1000] {
                let table = schedule.table(n).unwrap();
                let number = |input, level| number_in(&table, input, level);
                for t in 1..=n {
                    let level = table.level(t);
                    assert_eq!(number(TimeInput::Timestep, level), (t - 1) as f64);
                    assert_eq!(number(TimeInput::LogSnr, level), level.log_snr());
                }
                for (level, t) in [(Level::CLEAN, 1), (Level::PURE_NOISE, n)] {
                    assert_eq!(number(TimeInput::Timestep, level), (t - 1) as f64);
                    assert_eq!(number(TimeInput::LogSnr, level), table.level(t).log_snr());
                }
            }
        }
    }

    #[test]
    fn between_two_levels_the_logarithm_of_sigma_is_interpolated() {
        let table = LevelTable::linear(1000).unwrap();
        for t in [1, 2, 500, 999] {
            let a = table.level(t).log_snr();
            let b = table.level(t + 1).log_snr();
            let mut before = (t - 1) as f64;
            for part in [0.001, 0.25, 0.5, 0.999] {
                let level = Level::from_log_snr(a + part * (b - a)).unwrap();
                let found = number_in(&table, TimeInput::Timestep, level);
                let wanted = (t - 1) as f64 + part;
                assert!((found - wanted).abs() < 1e-9 && found > before, "{wanted}: {found}");
                before = found;
            }
        }
    }
}
