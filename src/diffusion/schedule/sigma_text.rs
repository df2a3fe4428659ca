//! Grids by formulas for σ as text, `NAME[:PARAMETER=VALUE]..`, as in `karras:rho=7`.

use std::fmt;
use std::str::FromStr;

use super::sigma_grid::{SigmaGrid, SigmaRule};
use crate::error::{Error, Result};
use crate::options::{self, Entry, OptionInfo};

const RHO: OptionInfo = OptionInfo::new("rho", "R", "Exponent of the formula");
const ALPHA: OptionInfo = OptionInfo::new("alpha", "A", "First shape of the beta distribution");
const BETA: OptionInfo = OptionInfo::new("beta", "B", "Second shape of the beta distribution");
const SHIFT: OptionInfo = OptionInfo::new("shift", "S", "Factor on sigma");
const TERMINAL: OptionInfo = OptionInfo::new("terminal", "T", "The last t of the grid");
const SIGMA_MIN: OptionInfo = OptionInfo::new("sigma-min", "S", "Sigma of the last noised level");
const SIGMA_MAX: OptionInfo = OptionInfo::new("sigma-max", "S", "Sigma of the first level");

/// The customary exponent of Karras et al.
const KARRAS: f64 = 7.0;
/// The exponent of quadratic steps.
const QUADRATIC: f64 = 2.0;
/// The customary shape of both sides.
const SHAPE: f64 = 0.6;

impl SigmaRule {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Karras { .. } => "karras",
            Self::Exponential => "exponential",
            Self::Polyexponential { .. } => "polyexponential",
            Self::Beta { .. } => "beta",
            Self::BetaTimesteps { .. } => "beta-timesteps",
            Self::SgmUniform => "sgm-uniform",
            Self::Simple => "simple",
            Self::Power { .. } => "power",
            Self::Normal => "normal",
            Self::KlOptimal => "kl-optimal",
            Self::Shifted { .. } => "shifted",
            Self::FlowLinspace { .. } => "flow-linspace",
        }
    }
}

/// The parameters of a grid as text, each with what it is if not given.
#[derive(Default)]
struct Parameters {
    rho: Option<f64>,
    alpha: Option<f64>,
    beta: Option<f64>,
    shift: Option<f64>,
    terminal: Option<f64>,
    sigma_min: Option<f64>,
    sigma_max: Option<f64>,
}

impl Parameters {
    /// Those that a rule takes.
    fn entries(&mut self, rule: SigmaRule) -> Vec<Entry<'_>> {
        let mut all: Vec<Entry<'_>> = match rule {
            SigmaRule::Karras { .. }
            | SigmaRule::Polyexponential { .. }
            | SigmaRule::Power { .. } => {
                vec![Entry { info: &RHO, field: &mut self.rho }]
            }
            SigmaRule::Beta { .. } | SigmaRule::BetaTimesteps { .. } => vec![
                Entry { info: &ALPHA, field: &mut self.alpha },
                Entry { info: &BETA, field: &mut self.beta },
            ],
            SigmaRule::Shifted { .. } => vec![Entry { info: &SHIFT, field: &mut self.shift }],
            SigmaRule::FlowLinspace { .. } => {
                vec![Entry { info: &TERMINAL, field: &mut self.terminal }]
            }
            _ => Vec::new(),
        };
        let by_number = matches!(
            rule,
            SigmaRule::Karras { .. }
                | SigmaRule::Exponential
                | SigmaRule::Polyexponential { .. }
                | SigmaRule::Beta { .. }
                | SigmaRule::KlOptimal
        );
        if by_number {
            all.push(Entry { info: &SIGMA_MIN, field: &mut self.sigma_min });
            all.push(Entry { info: &SIGMA_MAX, field: &mut self.sigma_max });
        }
        all
    }

    /// The parameters of a grid that differ from the defaults.
    fn of(grid: &SigmaGrid) -> Self {
        let own = Self { sigma_min: grid.sigma_min, sigma_max: grid.sigma_max, ..Self::default() };
        let unless = |value: f64, usual: f64| (value != usual).then_some(value);
        match grid.rule {
            SigmaRule::Karras { rho } => Self { rho: unless(rho, KARRAS), ..own },
            SigmaRule::Polyexponential { rho } => Self { rho: unless(rho, 1.0), ..own },
            SigmaRule::Power { rho } => Self { rho: unless(rho, QUADRATIC), ..own },
            SigmaRule::Beta { alpha, beta } | SigmaRule::BetaTimesteps { alpha, beta } => {
                Self { alpha: unless(alpha, SHAPE), beta: unless(beta, SHAPE), ..own }
            }
            SigmaRule::Shifted { shift } => Self { shift, ..own },
            SigmaRule::FlowLinspace { terminal } => Self { terminal, ..own },
            _ => own,
        }
    }

    fn grid(&self, rule: SigmaRule) -> Result<SigmaGrid> {
        let exponent = |usual| shape("rho", self.rho.unwrap_or(usual));
        let shapes = || {
            let first = shape("alpha", self.alpha.unwrap_or(SHAPE))?;
            shape("beta", self.beta.unwrap_or(SHAPE)).map(|second| [first, second])
        };
        let rule = match rule {
            SigmaRule::Karras { .. } => SigmaRule::Karras { rho: exponent(KARRAS)? },
            SigmaRule::Polyexponential { .. } => SigmaRule::Polyexponential { rho: exponent(1.0)? },
            SigmaRule::Power { .. } => SigmaRule::Power { rho: exponent(QUADRATIC)? },
            SigmaRule::Beta { .. } => {
                shapes().map(|[alpha, beta]| SigmaRule::Beta { alpha, beta })?
            }
            SigmaRule::BetaTimesteps { .. } => {
                shapes().map(|[alpha, beta]| SigmaRule::BetaTimesteps { alpha, beta })?
            }
            SigmaRule::Shifted { .. } => SigmaRule::Shifted { shift: self.shift },
            SigmaRule::FlowLinspace { .. } => SigmaRule::FlowLinspace { terminal: self.terminal },
            other => other,
        };
        Ok(SigmaGrid { rule, sigma_min: self.sigma_min, sigma_max: self.sigma_max })
    }
}

/// An exponent or a shape: other numbers would overflow, or never end.
fn shape(name: &'static str, given: f64) -> Result<f64> {
    if (0.01..=100.0).contains(&given) {
        return Ok(given);
    }
    Err(Error::Invalid { name, given, expected: "a number from 0.01 to 100" })
}

impl SigmaGrid {
    /// Names of parameters, which a method reads as parts of its grid.
    pub(crate) const PARAMETERS: [&'static str; 7] =
        ["rho", "alpha", "beta", "shift", "terminal", "sigma-min", "sigma-max"];

    /// One of each rule, with its customary parameters.
    pub fn defaults() -> [Self; 12] {
        [
            SigmaRule::Karras { rho: KARRAS },
            SigmaRule::Exponential,
            SigmaRule::Polyexponential { rho: 1.0 },
            SigmaRule::Beta { alpha: SHAPE, beta: SHAPE },
            SigmaRule::BetaTimesteps { alpha: SHAPE, beta: SHAPE },
            SigmaRule::SgmUniform,
            SigmaRule::Simple,
            SigmaRule::Power { rho: QUADRATIC },
            SigmaRule::Normal,
            SigmaRule::KlOptimal,
            SigmaRule::Shifted { shift: None },
            SigmaRule::FlowLinspace { terminal: None },
        ]
        .map(Self::new)
    }

    /// Whether a rule has this name.
    pub(crate) fn is_named(name: &str) -> bool {
        Self::defaults().iter().any(|grid| grid.rule.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for SigmaGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule.name())?;
        for entry in Parameters::of(self).entries(self.rule) {
            if let Some(value) = entry.field.value() {
                write!(f, ":{}={value}", entry.info.name)?;
            }
        }
        Ok(())
    }
}

impl FromStr for SigmaGrid {
    type Err = Error;

    /// Reads a name and parameters, as `karras:rho=7:sigma-min=0.002`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name, [`Error::NotTaken`] for a parameter that the rule does
    /// not take, [`Error::Value`] and [`Error::Invalid`] for a value that is none.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let rule = options::find("grid", Self::defaults(), |grid| grid.rule.name(), name)?.rule;
        let mut parameters = Parameters::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value)),
                None => (part.trim(), None),
            };
            let by = format!("the grid {}", rule.name());
            options::read(parameters.entries(rule), &by, name, value)?;
        }
        parameters.grid(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Spacing;

    #[test]
    fn grids_lead_back() {
        for text in [
            "karras",
            "karras:rho=5",
            "karras:rho=5:sigma-min=0.002:sigma-max=80",
            "polyexponential:rho=1.5",
            "beta:alpha=0.7",
            "shifted:shift=3",
            "flow-linspace:terminal=0.1",
            "sgm-uniform",
        ] {
            let grid: Spacing = text.parse().unwrap();
            assert_eq!(grid.to_string(), text);
        }
        for grid in SigmaGrid::defaults() {
            assert_eq!(grid.to_string().parse::<SigmaGrid>().unwrap(), grid);
        }
        let given: Spacing = "Karras:rho=7".parse().unwrap();
        assert_eq!(given.to_string(), "karras");
        let refusal = |text: &str| text.parse::<Spacing>().unwrap_err().to_string();
        assert!(refusal("karras:alpha=1").contains("takes rho, sigma-min, sigma-max"));
        assert!(refusal("karras:rho=0").starts_with("rho: given 0"));
        assert!(refusal("karras:rho=x").contains("a number"));
        assert!(refusal("fibonacci").contains("karras"));
    }
}
