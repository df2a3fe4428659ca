//! Processes as plain numbers, for reading and writing.

use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::noise_range::NoiseRange;
use super::process::Process;
use super::psld::Psld;
use super::schedule::{Beta, LevelTable, Schedule};
use crate::error::{Error, Result};

/// The fields of a process; a table without a named schedule is given by its rates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Form {
    Vp {
        #[serde(skip_serializing_if = "Option::is_none")]
        schedule: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        levels: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        betas: Option<Vec<f64>>,
    },
    Flow {
        levels: usize,
        shift: f64,
    },
    Edm {
        levels: usize,
        sigmas: [f64; 2],
    },
    Ve {
        levels: usize,
        sigmas: [f64; 2],
    },
    Psld {
        beta: String,
        gamma: f64,
        nu: f64,
        kappa: f64,
    },
}

impl TryFrom<Form> for Process {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        match form {
            Form::Vp { schedule: Some(schedule), levels: Some(levels), betas: None } => {
                Ok(Self::vp(schedule.parse::<Schedule>()?.table(levels)?))
            }
            Form::Vp { schedule: None, levels: None, betas: Some(betas) } => {
                Ok(Self::vp(LevelTable::from_betas(betas)?))
            }
            Form::Vp { .. } => Err(Error::Value {
                option: "vp".into(),
                given: "another set of fields".into(),
                expected: "schedule and levels, or betas".into(),
            }),
            Form::Flow { levels, shift } => Flow::new(levels, shift).map(Self::Flow),
            Form::Edm { levels, sigmas } => NoiseRange::edm(sigmas, levels).map(Self::Edm),
            Form::Ve { levels, sigmas } => NoiseRange::ve(sigmas, levels).map(Self::Ve),
            Form::Psld { beta, gamma, nu, kappa } => {
                Ok(Self::psld(Psld::new(gamma, nu, kappa)?, beta.parse::<Beta>()?))
            }
        }
    }
}

impl From<&Process> for Form {
    fn from(process: &Process) -> Self {
        match process {
            Process::Vp(table) => match table.schedule() {
                Some(schedule) => Self::Vp {
                    schedule: Some(schedule.to_string()),
                    levels: Some(table.len()),
                    betas: None,
                },
                None => {
                    Self::Vp { schedule: None, levels: None, betas: Some(table.betas().to_vec()) }
                }
            },
            Process::Flow(flow) => Self::Flow { levels: flow.table().len(), shift: flow.shift() },
            Process::Edm(range) => {
                Self::Edm { levels: range.table().len(), sigmas: range.sigmas() }
            }
            Process::Ve(range) => Self::Ve { levels: range.table().len(), sigmas: range.sigmas() },
            Process::Psld(process, beta) => Self::Psld {
                beta: beta.to_string(),
                gamma: process.gamma(),
                nu: process.nu(),
                kappa: process.kappa(),
            },
        }
    }
}

impl Serialize for Process {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        form.try_into().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_lead_back() {
        for process in [
            Process::vp(LevelTable::cosine(50).unwrap()),
            Process::vp(LevelTable::from_betas(vec![0.1, 0.3]).unwrap()),
            Process::psld(Psld::PAPER, Beta::linear(0.1, 20.0).unwrap()),
            Process::flow(3.0).unwrap(),
            Process::edm(NoiseRange::EDM).unwrap(),
            Process::ve(NoiseRange::VE).unwrap(),
        ] {
            let text = serde_json::to_string(&process).unwrap();
            assert_eq!(serde_json::from_str::<Process>(&text).unwrap(), process, "{text}");
        }
        let bad = r#"{"kind": "psld", "beta": "8", "gamma": -1.0, "nu": 4.0, "kappa": 0.0}"#;
        assert!(serde_json::from_str::<Process>(bad).unwrap_err().to_string().contains("gamma"));
        assert!(serde_json::from_str::<Process>(r#"{"kind": "vp", "levels": 5}"#).is_err());
    }
}
