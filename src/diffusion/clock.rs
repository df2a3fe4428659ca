//! Which noise level belongs to which time of a run.

use super::psld::Psld;
use super::schedule::{Level, LevelTable};
use crate::error::{Error, Result};

/// Which level belongs to which time of a run: sampling time starts at the noise and increases
/// towards the data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Clock {
    /// Time s is Ornstein–Uhlenbeck time `horizon` − s.
    Reverse {
        /// The OU time at which the run starts.
        horizon: f64,
    },
    /// Time s is level n − s of a table.
    Chain(LevelTable),
    /// Every time is this level: Langevin dynamics on a noised distribution.
    Frozen(Level),
    /// Time s is τ = `horizon` − s of a phase-space diffusion.
    Phase {
        /// The diffusion.
        process: Psld,
        /// τ at which the run starts.
        horizon: f64,
    },
}

/// Rounding may carry the last time of a run beyond its end by this much of the horizon.
const SLACK: f64 = 1e-12;

impl Clock {
    /// The level at a time.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the time is not one of the process: before its start, after its end,
    /// or, in phase space, at its end, where the score does not exist.
    pub fn level(&self, time: f64) -> Result<Level> {
        match self {
            Self::Reverse { horizon } => {
                let left = horizon - time;
                if !(left >= -SLACK * horizon.abs()) {
                    let expected = "a time from 0 to the horizon of the clock";
                    return Err(Error::Invalid { name: "time", given: time, expected });
                }
                Level::from_ou_time(left.max(0.0))
            }
            Self::Chain(table) => Ok(table.level(table.number_at(time)?)),
            Self::Frozen(level) => Ok(*level),
            Self::Phase { horizon, .. } => {
                let tau = horizon - time;
                if !(tau > 0.0) {
                    let expected = "a time before the end of the reverse process, \
                                    where the score still exists";
                    return Err(Error::Invalid { name: "tau", given: tau, expected });
                }
                Level::from_tau(tau)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_outside_the_process_are_errors() {
        let reverse = Clock::Reverse { horizon: 5.0 };
        assert_eq!(reverse.level(5.0).unwrap(), Level::CLEAN);
        assert_eq!(reverse.level(5.0 + 1e-13).unwrap(), Level::CLEAN);
        assert!(reverse.level(5.1).is_err() && reverse.level(f64::NAN).is_err());
        let chain = Clock::Chain(LevelTable::linear(10).unwrap());
        assert_eq!(chain.level(10.0).unwrap(), Level::CLEAN);
        for bad in [-1.0, 11.0, f64::NAN, f64::INFINITY] {
            assert!(chain.level(bad).is_err(), "{bad}");
        }
        let phase = Clock::Phase { process: Psld::PAPER, horizon: 8.0 };
        assert_eq!(phase.level(3.0).unwrap().tau(), 5.0);
        assert!(phase.level(8.0).unwrap_err().to_string().starts_with("tau: given 0"));
    }
}
