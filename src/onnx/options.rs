//! What an ONNX file does not say of its network: what it predicts, of which process, and how it is
//! told the time.

use super::wrong;
use crate::drift::{PhasePrediction, Prediction};
use crate::error::{Result, positive};
use crate::network::{NetworkPrediction, NetworkProcess, TimeInput};
use crate::schedule::{Factor, LevelTable, Psld};

/// What the file of an [`OnnxNetwork`](super::OnnxNetwork) does not say.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxOptions {
    /// What the output is.
    pub prediction: NetworkPrediction,
    /// The process whose data it was trained on.
    pub process: NetworkProcess,
    /// What number the input t is; none where there is no such input.
    pub time: Option<TimeInput>,
}

impl OnnxOptions {
    /// A network of a variance-preserving process with a schedule of [`LevelTable::named`], told
    /// the timestep or the log signal-to-noise ratio.
    pub fn vp(
        prediction: NetworkPrediction,
        schedule: impl Into<String>,
        levels: usize,
        time: TimeInput,
    ) -> Self {
        Self {
            prediction,
            process: NetworkProcess::Vp { schedule: schedule.into(), levels },
            time: Some(time),
        }
    }

    /// A network of a phase-space diffusion with rate β, told the time t = τ/β.
    pub fn psld(prediction: NetworkPrediction, beta: f64, process: Psld) -> Self {
        let (gamma, nu, kappa) = (process.gamma(), process.nu(), process.kappa());
        Self {
            prediction,
            process: NetworkProcess::Psld { beta, gamma, nu, kappa },
            time: Some(TimeInput::Time),
        }
    }

    /// A map of data to features, without time.
    pub fn features() -> Self {
        Self { prediction: NetworkPrediction::Features, process: NetworkProcess::None, time: None }
    }

    /// The options as one thing that makes sense, or the error that names the one that does not.
    pub(super) fn check(&self) -> Result<Kind> {
        use NetworkPrediction as Says;
        let (kind, expected, times) = match &self.process {
            NetworkProcess::Vp { schedule, levels } => {
                let prediction = match self.prediction {
                    Says::Epsilon => Some(Prediction::Epsilon),
                    Says::Data => Some(Prediction::Data),
                    Says::Velocity => Some(Prediction::Velocity),
                    Says::Score => Some(Prediction::Score),
                    _ => None,
                };
                let table = LevelTable::named(schedule, *levels)?;
                let kind = prediction.map(|prediction| Kind::Vp { table, prediction });
                let times: &[_] = &[None, Some(TimeInput::Timestep), Some(TimeInput::LogSnr)];
                (kind, "Epsilon, Data, Velocity or Score, for vp", times)
            }
            NetworkProcess::Psld { beta, gamma, nu, kappa } => {
                let prediction = match self.prediction {
                    Says::EpsilonLower => Some(PhasePrediction::Epsilon(Factor::Lower)),
                    Says::EpsilonUpper => Some(PhasePrediction::Epsilon(Factor::Upper)),
                    Says::Score => Some(PhasePrediction::Score),
                    _ => None,
                };
                let (process, beta) = (Psld::new(*gamma, *nu, *kappa)?, positive("beta", *beta)?);
                let kind = prediction.map(|prediction| Kind::Psld { process, beta, prediction });
                let times: &[_] = &[None, Some(TimeInput::Time)];
                (kind, "EpsilonLower, EpsilonUpper or Score, for psld", times)
            }
            NetworkProcess::None => {
                let kind = (self.prediction == Says::Features).then_some(Kind::Features);
                let times: &[_] = &[None];
                (kind, "Features, where there is no process", times)
            }
        };
        if !times.contains(&self.time) {
            let expected = format!("one of {times:?} for the process {:?}", self.process);
            return Err(wrong("options, time", format!("{:?}", self.time), expected));
        }
        kind.ok_or_else(|| wrong("options, prediction", format!("{:?}", self.prediction), expected))
    }
}

/// What a network is, in the terms of samplers.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Vp { table: LevelTable, prediction: Prediction },
    Psld { process: Psld, beta: f64, prediction: PhasePrediction },
    Features,
}

impl Kind {
    /// Whether it can have rows of this many numbers.
    pub(super) fn fits(&self, input: usize) -> Result<()> {
        match self {
            Self::Psld { .. } if input % 2 == 1 => Err(wrong(
                "x",
                format!("{input} columns"),
                "an even number, positions and momenta, for psld",
            )),
            _ => Ok(()),
        }
    }

    /// The smallest and the largest number that the network is told.
    pub(super) fn times(&self, input: Option<TimeInput>) -> [f64; 2] {
        match self {
            Self::Vp { table, .. } if input == Some(TimeInput::LogSnr) => {
                [table.level(table.len()).log_snr(), table.level(1).log_snr()]
            }
            Self::Vp { table, .. } => [0.0, (table.len() - 1) as f64],
            _ => [0.0, 1.0],
        }
    }
}
