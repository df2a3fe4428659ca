//! The generation methods as one enum, which is read from text, printed, listed and planned.

use std::fmt;
use std::str::FromStr;

use super::methods::recipe::{Choice, Course, Recipe};
use super::methods::{
    Corrected, Ddim, Ddpm, DeisFlow, DpmSolver2M, Euler, ExtendedSde, HeunFlow, MethodInfo,
    MultistepDpm, Naive, Poisson, Randomized, Reduced, Sa, Symmetric, TwoStep, UnifiedPc,
};
use super::process::{Process, ProcessKind};
use super::schedule::SigmaGrid;
use crate::error::{Error, Result};
use crate::options::{self, KnownOptions, OptionInfo, OptionValue};
use crate::real::Real;
use crate::sampler::{Sampler, Selection};

/// Defines the enum, and `each!`, which runs code on whichever recipe a method holds.
macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident($recipe:ident),)*) => {
        /// A way to generate, with its options.
        ///
        /// As text it is its name and then its options, each behind a colon: `pmm2`,
        /// `ddim:eta=0.5:grid=equal`, `rm:windows=4:control-variate`. Lists are joined by `+`, as
        /// in `ddim:timesteps=999+500+0`.
        ///
        /// ```
        /// use langevin::prelude::*;
        /// let method: Method = "pmm2:grid=equal".parse()?;
        /// assert_eq!(method.name(), "pmm2");
        /// assert_eq!(method.to_string(), "pmm2:grid=equal");
        /// assert_eq!(method, Method::named("pmm2")?.with("grid", "equal")?);
        /// let error = "ddim:windows=3".parse::<Method>().unwrap_err().to_string();
        /// assert!(error.contains("which takes grid, timesteps, sigmas, eta"), "{error}");
        /// # Ok::<(), Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Method {
            $($(#[$doc])* $variant($recipe),)*
        }

        $(impl From<$recipe> for Method {
            fn from(recipe: $recipe) -> Self {
                Self::$variant(recipe)
            }
        })*

        impl Method {
            /// Every method with its default options.
            pub fn all() -> Vec<Self> {
                let mut all = Vec::new();
                $(all.extend($recipe::all().into_iter().map(Self::$variant));)*
                all
            }
        }

        macro_rules! each {
            ($method:expr, $own:ident => $body:expr) => {
                match $method {
                    $(Method::$variant($own) => $body,)*
                }
            };
        }
    };
}

methods! {
    /// DDPM.
    Ddpm(Ddpm),
    /// DDIM.
    Ddim(Ddim),
    /// DPM-Solver++(2M).
    DpmSolver2M(DpmSolver2M),
    /// SDE-DPM-Solver++, and DPM-Solver++(3M).
    MultistepDpm(MultistepDpm),
    /// SA-Solver.
    Sa(Sa),
    /// ER-SDE.
    ErSde(ExtendedSde),
    /// UniPC.
    UniPc(UnifiedPc),
    /// DEIS.
    Deis(DeisFlow),
    /// Heun's method on the probability flow.
    Heun(HeunFlow),
    /// Euler–Maruyama.
    Euler(Euler),
    /// The symmetric splitting SSCS.
    Symmetric(Symmetric),
    /// Naive splitting.
    Naive(Naive),
    /// Reduced splitting.
    Reduced(Reduced),
    /// The Poisson midpoint.
    Poisson(Poisson),
    /// The Poisson midpoint around a two-step base.
    TwoStep(TwoStep),
    /// The randomized midpoint.
    Randomized(Randomized),
    /// Predictor–corrector.
    Corrected(Corrected),
}

impl Method {
    /// The Poisson midpoint with this selection.
    pub fn poisson(selection: Selection) -> Self {
        Self::Poisson(Poisson::new(selection))
    }

    /// The methods that run on a kind of process, with their default options.
    pub fn on(kind: ProcessKind) -> Vec<Self> {
        Self::all().into_iter().filter(|method| method.info(kind).is_some()).collect()
    }

    /// The method of this name, with its default options.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is none.
    pub fn named(name: &str) -> Result<Self> {
        options::find("method", Self::all(), Self::name, name)
    }

    /// Its name, without options.
    pub fn name(&self) -> &'static str {
        each!(self, own => own.name())
    }

    /// What is known about it on this kind of process, or `None` if it does not run on it.
    pub fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        each!(self, own => own.info(kind))
    }

    /// The options it takes on this kind of process.
    pub fn options(&self, kind: ProcessKind) -> Vec<&'static OptionInfo> {
        let mut own = self.clone();
        let choices = own.choices();
        choices.iter().filter(|c| c.on.contains(&kind)).map(|c| c.entry.info).collect()
    }

    /// The methods that run on a kind of process, with their options, as text.
    pub fn overview(kind: ProcessKind) -> String {
        let entry = |method: Self| {
            let title = method.info(kind).map_or("", |info| info.title);
            let options: Vec<_> = method.options(kind).iter().map(|info| info.name).collect();
            let options = options.join(" --");
            format!("  {:<12} {title}\n{:15}options: --{options}", method.name(), "")
        };
        Self::on(kind).into_iter().map(entry).collect::<Vec<_>>().join("\n")
    }

    /// The fewest evaluations that it needs along a process, or `None` if it does not run on it.
    pub fn least_evaluations(&self, process: &Process) -> Option<usize> {
        match self.plan(process, 0) {
            Err(Error::TooFew { needed, .. }) => Some(needed),
            _ => None,
        }
    }

    /// Every option of any method, each once.
    pub fn all_options() -> Vec<&'static OptionInfo> {
        let mut all: Vec<&'static OptionInfo> = Vec::new();
        for mut method in Self::all() {
            for choice in method.choices() {
                if all.iter().all(|known| known.name != choice.entry.info.name) {
                    all.push(choice.entry.info);
                }
            }
        }
        all
    }

    /// The same method with an option set from text; an option without a value, such as
    /// `control-variate`, takes the empty text.
    ///
    /// # Errors
    /// [`Error::NotTaken`] if the method has no such option, [`Error::Value`] if the text is not a
    /// value of it, [`Error::Twice`] if the option has a value already.
    pub fn with(mut self, option: &str, value: &str) -> Result<Self> {
        let value = (!value.is_empty()).then_some(value);
        self.set(option, value)?;
        Ok(self)
    }

    /// The options that were given, with their values.
    pub fn given(&self) -> Vec<(&'static str, OptionValue)> {
        let mut own = self.clone();
        let choices = own.choices();
        let given = choices.iter().map(|c| (c.entry.info.name, c.entry.field.value()));
        given.filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The fewest steps from which on the variance of Gaussian data is right within a factor of 2,
    /// on all schedules and grids. A plan with fewer steps has a
    /// [`Warning`](super::Warning::FewSteps).
    pub fn enough_steps(&self, kind: ProcessKind) -> usize {
        each!(self, own => own.enough_steps(kind))
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        each!(self, own => own.choices())
    }

    fn set(&mut self, option: &str, value: Option<&str>) -> Result<()> {
        let name = self.name();
        if self.given().iter().any(|(given, _)| *given == option) {
            return Err(Error::Twice { what: option.into() });
        }
        let entries = self.choices().into_iter().map(|choice| choice.entry).collect();
        options::read(entries, name, option, value)
    }

    /// Refuses options that have no effect on this process.
    fn check(&self, process: &Process) -> Result<()> {
        let kind = process.kind();
        if self.info(kind).is_none() {
            let known: Vec<_> = Self::on(kind).iter().map(Self::name).collect();
            return Err(Error::Unknown {
                what: match kind {
                    ProcessKind::Vp => "method of the process vp",
                    ProcessKind::Flow => "method of the process flow",
                    ProcessKind::Edm => "method of the process edm",
                    ProcessKind::Ve => "method of the process ve",
                    ProcessKind::Psld => "method of the process psld",
                },
                given: self.name().into(),
                known: known.join(", "),
            });
        }
        let mut own = self.clone();
        for choice in own.choices() {
            if choice.entry.field.value().is_some() && !choice.on.contains(&kind) {
                return Err(Error::NotTaken {
                    option: choice.entry.info.name.into(),
                    by: format!("{} on the process {kind}", self.name()),
                    takes: options::takes(self.options(kind).into_iter()),
                });
            }
        }
        Ok(())
    }

    /// The course of a run.
    pub(super) fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        self.check(process)?;
        each!(self, own => own.course(process, evaluations))
    }

    /// The sampler of a run along a course.
    pub(super) fn sampler<F: Real>(
        &self,
        process: &Process,
        course: &Course,
    ) -> Result<Box<dyn Sampler<F>>> {
        each!(self, own => own.sampler(process, course))
    }
}

impl KnownOptions for Method {
    fn known_options() -> Vec<&'static OptionInfo> {
        Self::all_options()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        for (name, value) in self.given() {
            match value {
                OptionValue::Flag(_) => write!(f, ":{name}")?,
                value => write!(f, ":{name}={value}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Method {
    type Err = Error;

    /// Reads a name and its options, `NAME[:OPTION=VALUE]..`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name, [`Error::NotTaken`] for an option that the method does
    /// not take, [`Error::Value`] for a value that is none, [`Error::Twice`] for an option given
    /// twice.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(':').peekable();
        let mut method = Self::named(parts.next().unwrap_or_default().trim())?;
        while let Some(first) = parts.next() {
            let mut part = first.to_owned();
            // Parameters of a grid follow it, as in grid=karras:rho=7.
            while part.trim_start().starts_with("grid=")
                && let Some(more) = parts.next_if(|part| is_of_grid(part))
            {
                part = format!("{part}:{more}");
            }
            let (option, value) = match part.split_once('=') {
                Some((option, value)) => (option.trim(), Some(value)),
                None => (part.trim(), None),
            };
            if option.is_empty() {
                return Err(Error::Value {
                    option: method.name().into(),
                    given: text.into(),
                    expected: "an option behind every colon, as NAME:OPTION=VALUE".into(),
                });
            }
            method.set(option, value)?;
        }
        Ok(method)
    }
}

/// Whether this is a parameter of a grid.
fn is_of_grid(part: &str) -> bool {
    let name = part.split('=').next().unwrap_or_default().trim();
    SigmaGrid::PARAMETERS.contains(&name)
}

#[cfg(feature = "serde")]
impl serde::Serialize for Method {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Method {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overviews_and_least_evaluations_are_those_of_the_process() {
        let text = Method::overview(ProcessKind::Psld);
        assert!(text.contains("\n  roba ") && !text.contains("ddim"), "{text}");
        assert!(Method::overview(ProcessKind::Vp).starts_with("  ddpm "));
        let vp = Process::with_options(ProcessKind::Vp, []).unwrap();
        assert_eq!(Method::named("ddim").unwrap().least_evaluations(&vp), Some(1));
        assert_eq!(Method::named("roba").unwrap().least_evaluations(&vp), None);
    }
}
