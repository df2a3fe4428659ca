//! The file of a part of a tuned run, and the draws of all parts as one.

use ndarray::{Array1, Array2, Array3, ArrayView3, Axis, concatenate};

use super::gathered::{Gathered, thinned};
use super::pair::{Pair, Path, State, acceptance, pairs};
use super::tuned::Tuned;
use crate::error::{Error, Result};
use crate::run::{Samples, Saved, Saving, Settings, StateFile, unreadable};
use crate::sampler::Cost;

const TITLE: &str = "part of a posterior";

/// What all parts of a run have begun with.
#[derive(PartialEq)]
pub(super) struct Beginning {
    pub chains: usize,
    pub dim: usize,
    pub steps: usize,
    pub seed: u64,
    pub adjusted: bool,
    /// A hash of coordinates, step and friction.
    pub tuned: u64,
    /// A hash of the positions of all chains.
    pub start: u64,
}

impl Beginning {
    fn words(&self) -> [(&'static str, u64); 7] {
        [
            ("chains", self.chains as u64),
            ("dimension", self.dim as u64),
            ("steps", self.steps as u64),
            ("seed", self.seed),
            ("adjusted", self.adjusted.into()),
            ("hash of the tuned settings", self.tuned),
            ("hash of the start", self.start),
        ]
    }
}

/// The file of a part whose first chain has this number.
pub(super) fn of(
    gathered: Gathered,
    first: usize,
    beginning: &Beginning,
    evaluations: u64,
) -> StateFile<f64> {
    let Pair { own, halved } = &gathered.pair;
    let mut to = Saving::of(TITLE);
    to.words(beginning.words().into_iter().map(|(_, word)| word));
    to.word(gathered.interval as u64);
    to.numbers(&own.kinetic.to_vec());
    put(&mut to, own.frames.view());
    put(&mut to, gathered.gradients.view());
    to.word(halved.is_some().into());
    halved.iter().for_each(|halved| put(&mut to, halved.frames.view()));
    let [proposed, accepted] = own.tests;
    let cost = Cost { evaluations, proposed, accepted, ..Cost::default() };
    let steps = (own.steps + beginning.steps / 2) as u64;
    let ends = own.end.positions.clone();
    let samples = Samples::of_positions(ends, first as u32, beginning.seed, steps, cost);
    let mut file = StateFile::new(samples, Settings::new());
    file.observers = Some(vec![Some(to.0)]);
    file
}

fn put(to: &mut Saving, frames: ArrayView3<'_, f64>) {
    to.word(frames.dim().0 as u64);
    frames.outer_iter().for_each(|frame| to.rows(frame));
}

/// Frames of so many chains, or of any number of them.
fn take(from: &mut Saved<'_>, chains: Option<usize>, dim: usize) -> Result<Array3<f64>> {
    let count = from.word()?;
    let frames = (0..count).map(|_| from.rows()).collect::<Result<Vec<Array2<f64>>>>()?;
    let chains = chains.unwrap_or_else(|| frames.first().map_or(0, |frame| frame.nrows()));
    if let Some(other) = frames.iter().find(|frame| frame.dim() != (chains, dim)) {
        let given = other.dim();
        return Err(unreadable(format!("a frame is {given:?}, expected {:?}", (chains, dim))));
    }
    let mut all = Array3::zeros((frames.len(), chains, dim));
    all.outer_iter_mut().zip(&frames).for_each(|(mut to, frame)| to.assign(frame));
    Ok(all)
}

/// What a file has.
struct Part {
    interval: usize,
    kinetic: Array1<f64>,
    frames: Array3<f64>,
    gradients: Array3<f64>,
    halved: Option<Array3<f64>>,
    samples: Samples<f64>,
}

impl Part {
    fn read(file: StateFile<f64>, beginning: &Beginning) -> Result<Self> {
        let StateFile { samples, observers, .. } = file;
        let first = samples.first_chain;
        let chains = samples.positions().nrows();
        let dim = beginning.dim;
        let observers = observers.unwrap_or_default();
        let [Some(saved)] = &observers[..] else {
            return Err(unreadable("it has no draws: it is not of a part of a posterior"));
        };
        let mut from = Saved::of(TITLE, saved)?;
        let found = from.words()?;
        for ((name, expected), found) in beginning.words().into_iter().zip(&found) {
            if *found != expected {
                let part = format!("the part from chain {first} on");
                let why = format!("{name}: {part} has {found}, expected {expected}");
                return Err(apart(&why));
            }
        }
        let interval = from.word()? as usize;
        let kinetic = Array1::from(from.numbers()?);
        let frames = take(&mut from, Some(chains), dim)?;
        let gradients = take(&mut from, Some(chains), dim)?;
        let halved = from.word()? == 1;
        let halved = halved.then(|| take(&mut from, None, dim)).transpose()?;
        from.end()?;
        let count = beginning.steps.div_ceil(interval.max(1));
        let is_whole = kinetic.len() == chains
            && samples.dim == dim
            && interval > 0
            && frames.dim().0 == count
            && found.len() == beginning.words().len()
            && gradients.dim() == thinned(frames.view()).dim()
            && halved.is_none() == beginning.adjusted
            && halved.as_ref().is_none_or(|halved| halved.dim().0 == count);
        if !is_whole {
            return Err(unreadable(format!("the draws from chain {first} on are not complete")));
        }
        Ok(Self { interval, kinetic, frames, gradients, halved, samples })
    }

    fn range(&self) -> [usize; 2] {
        let first = self.samples.first_chain as usize;
        [first, first + self.samples.positions().nrows()]
    }
}

/// The draws of all parts in the order of their chains, and the evaluations of all.
pub(super) fn joined(
    files: Vec<StateFile<f64>>,
    tuned: &Tuned,
    beginning: &Beginning,
) -> Result<(Gathered, u64)> {
    let parts = files.into_iter().map(|file| Part::read(file, beginning));
    let mut parts = parts.collect::<Result<Vec<_>>>()?;
    parts.sort_by_key(Part::range);
    let mut next = 0;
    for [first, end] in parts.iter().map(Part::range) {
        if first != next {
            return Err(apart(&format!("a part begins at chain {first}, expected {next}")));
        }
        next = end;
    }
    if next != beginning.chains {
        let chains = beginning.chains;
        return Err(apart(&format!("chains end at {next}, expected {chains} of them")));
    }
    let shape = |part: &Part| (part.interval, part.frames.dim().0);
    let Some(first) = parts.first() else { return Err(apart("there are none")) };
    let all = shape(first);
    if let Some(other) = parts.iter().find(|part| shape(part) != all) {
        let given =
            format!("interval and frames {:?} from chain {}", shape(other), other.range()[0]);
        return Err(apart(&format!("{given}, but {all:?} from chain 0")));
    }
    let again: usize = parts.iter().filter_map(|part| Some(part.halved.as_ref()?.dim().1)).sum();
    let expected = if beginning.adjusted { 0 } else { pairs(beginning.chains) };
    if again != expected {
        return Err(apart(&format!("{again} chains have a second run, expected {expected}")));
    }
    let mut cost = Cost::default();
    parts.iter().for_each(|part| cost += part.samples.cost);
    let path = |frames: Array3<f64>, kinetic: Array1<f64>, positions: Array2<f64>| Path {
        frames,
        kinetic,
        acceptance: acceptance([cost.proposed, cost.accepted]),
        tests: [cost.proposed, cost.accepted],
        steps: all.0.saturating_mul(all.1),
        end: State { positions, momenta: None },
    };
    let kinetic = parts.iter().flat_map(|part| part.kinetic.iter().copied()).collect();
    let ends: Vec<_> = parts.iter().map(|part| part.samples.positions()).collect();
    let ends = concatenate(Axis(0), &ends).expect("equal columns");
    let own = path(beside(&parts, |part| Some(part.frames.view())), kinetic, ends);
    let halved = (!beginning.adjusted).then(|| {
        let frames = beside(&parts, |part| Some(part.halved.as_ref()?.view()));
        path(frames, Array1::zeros(0), Array2::zeros((0, beginning.dim)))
    });
    let gradients = beside(&parts, |part| Some(part.gradients.view()));
    let pair = Pair { own, halved };
    Ok((Gathered::with_gradients(tuned, pair, all.0, gradients), cost.evaluations))
}

/// The chains of all parts, in frames that all have.
fn beside<'p>(
    parts: &'p [Part],
    of: impl Fn(&'p Part) -> Option<ArrayView3<'p, f64>>,
) -> Array3<f64> {
    let all: Vec<_> = parts.iter().filter_map(of).collect();
    concatenate(Axis(1), &all).expect("equal frames")
}

fn apart(why: &str) -> Error {
    unreadable(format!("the parts do not belong together: {why}"))
}
