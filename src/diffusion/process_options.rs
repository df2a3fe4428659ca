//! The options of processes as text. Each is named once.

use super::flow::Flow;
use super::noise_range::NoiseRange;
use super::process::{Process, ProcessKind};
use super::psld::Psld;
use super::schedule::{Beta, Schedule};
use crate::error::Result;
use crate::options::{self, Entry, KnownOptions, OptionInfo, OptionValue, Value, named_value};

named_value!(Schedule);
named_value!(Beta);

const SCHEDULE: OptionInfo = OptionInfo::new(
    "schedule",
    "SCHEDULE",
    "vp: linear | scaled-linear | cosine [default: linear]",
);
const LEVELS: OptionInfo = OptionInfo::new(
    "levels",
    "N",
    "Noise levels of the process; rates of a vp schedule are scaled by 1000/N [default: 1000]",
);
const BETA_RANGE: OptionInfo = OptionInfo::new(
    "beta-range",
    "LO,HI",
    "vp: rates of the first and the last level of a linear or scaled-linear schedule, not scaled",
);
const SHIFT: OptionInfo = OptionInfo::new(
    "shift",
    "S",
    "vp, flow: factor on the noise sigma of every level, as larger pictures need [default: 1]",
);
const SIGMA_MIN: OptionInfo = OptionInfo::new(
    "sigma-min",
    "S",
    "edm, ve: sigma of the least noised level [default: 0.002 for edm, 0.01 for ve]",
);
const SIGMA_MAX: OptionInfo = OptionInfo::new(
    "sigma-max",
    "S",
    "edm, ve: sigma of the noisiest level [default: 80 for edm, 50 for ve]",
);
const BETA: OptionInfo = OptionInfo::new(
    "beta",
    "B",
    "psld: the rate of noise, constant, or FIRST,LAST along a line [default: 8]",
);
const GAMMA: OptionInfo =
    OptionInfo::new("gamma", "G", "psld: noise in the position [default: 0.01]");
const NU: OptionInfo = OptionInfo::new("nu", "N", "psld: friction of the momentum [default: 4.01]");
const KAPPA: OptionInfo = OptionInfo::new(
    "kappa",
    "K",
    "psld: variance of the momentum of the data, in units of the mass [default: 0.04]",
);

/// Two numbers, joined by a comma or by `+`.
#[derive(Clone, Copy)]
struct Range([f64; 2]);

impl Value for Range {
    fn parse(text: &str) -> Result<Self, String> {
        let pair = text.split_once([',', '+']).and_then(|(first, last)| {
            Some(Self([first.trim().parse().ok()?, last.trim().parse().ok()?]))
        });
        pair.ok_or_else(|| "two numbers LO,HI, as 0.0001,0.02".into())
    }

    fn value(&self) -> OptionValue {
        let [first, last] = self.0;
        OptionValue::Text(format!("{first},{last}"))
    }
}

/// The options of all kinds.
#[derive(Default)]
struct Options {
    schedule: Option<Schedule>,
    levels: Option<usize>,
    beta_range: Option<Range>,
    shift: Option<f64>,
    sigma_min: Option<f64>,
    sigma_max: Option<f64>,
    beta: Option<Beta>,
    gamma: Option<f64>,
    nu: Option<f64>,
    kappa: Option<f64>,
}

impl Options {
    fn entries(&mut self, kind: ProcessKind) -> Vec<Entry<'_>> {
        match kind {
            ProcessKind::Vp => vec![
                Entry { info: &SCHEDULE, field: &mut self.schedule },
                Entry { info: &LEVELS, field: &mut self.levels },
                Entry { info: &BETA_RANGE, field: &mut self.beta_range },
                Entry { info: &SHIFT, field: &mut self.shift },
            ],
            ProcessKind::Flow => vec![
                Entry { info: &LEVELS, field: &mut self.levels },
                Entry { info: &SHIFT, field: &mut self.shift },
            ],
            ProcessKind::Edm | ProcessKind::Ve => vec![
                Entry { info: &LEVELS, field: &mut self.levels },
                Entry { info: &SIGMA_MIN, field: &mut self.sigma_min },
                Entry { info: &SIGMA_MAX, field: &mut self.sigma_max },
            ],
            ProcessKind::Psld => vec![
                Entry { info: &BETA, field: &mut self.beta },
                Entry { info: &GAMMA, field: &mut self.gamma },
                Entry { info: &NU, field: &mut self.nu },
                Entry { info: &KAPPA, field: &mut self.kappa },
            ],
        }
    }
}

impl Options {
    /// The process of a kind.
    fn process(&self, kind: ProcessKind) -> Result<Process> {
        let levels = self.levels.unwrap_or(1000);
        let shift = self.shift.unwrap_or(1.0);
        let sigmas =
            |[low, high]: [f64; 2]| [self.sigma_min.unwrap_or(low), self.sigma_max.unwrap_or(high)];
        match kind {
            ProcessKind::Vp => {
                let schedule = self.schedule.unwrap_or(Schedule::Linear);
                let table = match self.beta_range {
                    Some(Range([first, last])) => schedule.table_between(levels, first, last)?,
                    None => schedule.table(levels)?,
                };
                Ok(Process::vp(table.shifted(shift)?))
            }
            ProcessKind::Flow => Flow::new(levels, shift).map(Process::Flow),
            ProcessKind::Edm => NoiseRange::edm(sigmas(NoiseRange::EDM), levels).map(Process::Edm),
            ProcessKind::Ve => NoiseRange::ve(sigmas(NoiseRange::VE), levels).map(Process::Ve),
            ProcessKind::Psld => {
                let paper = Psld::PAPER;
                let psld = Psld::new(
                    self.gamma.unwrap_or(paper.gamma()),
                    self.nu.unwrap_or(paper.nu()),
                    self.kappa.unwrap_or(paper.kappa()),
                )?;
                Ok(Process::psld(psld, self.beta.map_or_else(|| Beta::constant(8.0), Ok)?))
            }
        }
    }
}

impl ProcessKind {
    /// The options of a process of this kind.
    pub fn options(self) -> Vec<&'static OptionInfo> {
        Options::default().entries(self).iter().map(|entry| entry.info).collect()
    }
}

impl KnownOptions for ProcessKind {
    fn known_options() -> Vec<&'static OptionInfo> {
        let mut all: Vec<&'static OptionInfo> = Vec::new();
        for info in Self::ALL.into_iter().flat_map(Self::options) {
            if all.iter().all(|known| known.name != info.name) {
                all.push(info);
            }
        }
        all
    }
}

impl Process {
    /// The process of a kind with options as pairs of name and text. An option that is not given
    /// has the default that its help names.
    ///
    /// ```
    /// use langevin::diffusion::ProcessKind;
    /// use langevin::prelude::*;
    /// let process = Process::with_options(ProcessKind::Vp, [("levels", "100")])?;
    /// assert_eq!(process, Process::vp(LevelTable::linear(100)?));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::NotTaken`](crate::Error::NotTaken) for an option of another kind.
    /// - [`Error::Value`](crate::Error::Value) for a text that is not a value of its option.
    /// - The errors of [`Schedule::table`] and [`Psld::new`].
    pub fn with_options<'o>(
        kind: ProcessKind,
        given: impl IntoIterator<Item = (&'o str, &'o str)>,
    ) -> Result<Self> {
        let mut options = Options::default();
        let by = format!("the process {kind}");
        for (name, text) in given {
            options::read(options.entries(kind), &by, name, Some(text))?;
        }
        options.process(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::super::schedule::LevelTable;
    use super::*;
    use crate::error::Error;

    #[test]
    fn processes_are_made_of_their_options() {
        let names = |kind: ProcessKind| kind.options().iter().map(|o| o.name).collect::<Vec<_>>();
        assert_eq!(names(ProcessKind::Vp), ["schedule", "levels", "beta-range", "shift"]);
        assert_eq!(names(ProcessKind::Flow), ["levels", "shift"]);
        assert_eq!(names(ProcessKind::Edm), ["levels", "sigma-min", "sigma-max"]);
        assert_eq!(names(ProcessKind::Psld), ["beta", "gamma", "nu", "kappa"]);
        let all: Vec<_> = ProcessKind::known_options().iter().map(|o| o.name).collect();
        let data = ["schedule", "levels", "beta-range", "shift", "sigma-min", "sigma-max"];
        let expected: Vec<_> = data.into_iter().chain(["beta", "gamma", "nu", "kappa"]).collect();
        assert_eq!(all, expected);
        let psld = |given: &[(&'static str, &'static str)]| {
            Process::with_options(ProcessKind::Psld, given.iter().copied())
        };
        let eight = Beta::constant(8.0).unwrap();
        assert_eq!(psld(&[]).unwrap(), Process::psld(Psld::PAPER, eight));
        let given = [("nu", "3"), ("beta", "0.1,20"), ("gamma", "0.5"), ("kappa", "0")];
        let process = Psld::new(0.5, 3.0, 0.0).unwrap();
        let line = Beta::linear(0.1, 20.0).unwrap();
        assert_eq!(psld(&given).unwrap(), Process::psld(process, line));
        assert!(matches!(psld(&[("levels", "3")]), Err(Error::NotTaken { .. })));
        assert!(matches!(psld(&[("beta", "-1")]), Err(Error::Value { .. })));
        let vp = |given: [(&'static str, &'static str); 2]| {
            Process::with_options(ProcessKind::Vp, given)
        };
        let table = LevelTable::linear_between(50, 1e-3, 0.5).unwrap();
        let process = vp([("levels", "50"), ("beta-range", "0.001,0.5")]).unwrap();
        assert_eq!(process, Process::vp(table));
        assert!(matches!(vp([("levels", "5"), ("beta-range", "1")]), Err(Error::Value { .. })));
        let clash = vp([("schedule", "cosine"), ("beta-range", "0.001,0.5")]).unwrap_err();
        assert!(clash.to_string().contains("only one of"), "{clash}");
        let error = Process::with_options(ProcessKind::Vp, [("schedule", "x")]).unwrap_err();
        assert!(error.to_string().contains("one of linear"), "{error}");
    }
}
