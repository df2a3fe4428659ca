//! An observer that takes the mean and the variances, or the covariance.

use std::ops::{ControlFlow, Range};

use ndarray::{Array1, Array2};

use super::observe::{Every, Observer, Snapshot};
use super::per_chain::PerChain;
use super::saved::{Saved, Saving, apart, fail, of_another};
use crate::error::{BoxError, Result};
use crate::metrics::RunningMoments;
use crate::real::Real;

/// The largest dimension in which a covariance is taken without being asked for.
pub(super) const FEW_DIMENSIONS: usize = 8;

/// Sums for the mean, and for the covariance where it is asked for or has few numbers.
pub(super) fn sums(dim: usize, full: bool) -> Result<RunningMoments> {
    if full || dim <= FEW_DIMENSIONS {
        return RunningMoments::new(dim);
    }
    RunningMoments::variances(dim)
}

/// Mean and variances of the positions, over chains and observed steps. The sums are in f64. No
/// position is kept.
///
/// The covariance is taken too in up to 8 dimensions. In more, use [`full`](Self::full). It costs
/// dim² operations for every position.
///
/// A frozen chain is left out with all its steps, those before it froze too: a chain that explodes
/// is far away long before it is no longer finite. For this the sums are kept for every chain on
/// its own. A [`full`](Self::full) observer above 8 dimensions keeps one sum for all. It leaves out
/// a frozen chain from the step on at which it froze.
#[derive(Clone, Debug)]
pub struct MomentsObserver {
    every: Every,
    full: bool,
    sums: Option<Sums>,
    frozen: Vec<usize>,
    non_finite: usize,
}

#[derive(Clone, Debug)]
enum Sums {
    PerChain(PerChain),
    Together(RunningMoments),
}

impl MomentsObserver {
    /// An observer without positions yet.
    pub fn new(every: Every) -> Self {
        Self { every, full: false, sums: None, frozen: Vec::new(), non_finite: 0 }
    }

    /// An observer that takes the covariance in any dimension.
    pub fn full(every: Every) -> Self {
        Self { full: true, ..Self::new(every) }
    }

    /// The number of positions in the moments.
    pub fn count(&self) -> usize {
        self.joined().map_or(0, |moments| moments.count())
    }

    /// The number of positions left out because a coordinate was NaN or infinite. This can happen
    /// with [`NonFinite::Ignore`](crate::run::NonFinite::Ignore).
    pub fn non_finite(&self) -> usize {
        self.non_finite
    }

    /// The number of chains left out because they were frozen at the last look. This can happen
    /// with [`NonFinite::Freeze`](crate::run::NonFinite::Freeze).
    pub fn frozen(&self) -> usize {
        self.frozen.len()
    }

    /// The mean, (dim), or `None` without positions.
    pub fn mean(&self) -> Option<Array1<f64>> {
        self.joined().and_then(|moments| moments.mean().ok())
    }

    /// The variances, (dim), or `None` with fewer than two positions.
    pub fn variance(&self) -> Option<Array1<f64>> {
        self.joined().and_then(|moments| moments.variance().ok())
    }

    /// The covariance, (dim, dim), or `None` with fewer than two positions. `None` also above 8
    /// dimensions, unless the observer is [`full`](Self::full).
    pub fn covariance(&self) -> Option<Array2<f64>> {
        self.joined().and_then(|moments| moments.covariance().ok())
    }

    /// The moments of all chains that are not frozen, joined in the order of their numbers.
    pub(super) fn joined(&self) -> Option<RunningMoments> {
        match self.sums.as_ref()? {
            Sums::Together(moments) => Some(moments.clone()),
            Sums::PerChain(chains) => {
                let mut joined = sums(chains.dim(), self.full).ok()?;
                for chain in (0..chains.len()).filter(|c| self.frozen.binary_search(c).is_err()) {
                    chains.add_to(&mut joined, chain).ok()?;
                }
                Some(joined)
            }
        }
    }

    /// Adds the sums of the chains behind its own: those of the next part of a run. With the parts
    /// in the order of their chains, mean and variances are those of the whole run, to the last
    /// bit.
    ///
    /// # Errors
    /// [`Error::StateFile`](crate::Error::StateFile) if the parts were not observed alike, or if
    /// one of them is a [`full`](Self::full) observer above 8 dimensions, whose sums are not kept
    /// chain by chain.
    pub fn append(&mut self, next: Self) -> Result<()> {
        let fail = |reason: &str| Err(apart(reason));
        if (self.title(), self.full) != (next.title(), next.full) {
            return fail("their moments are of different steps");
        }
        match (&mut self.sums, next.sums) {
            (None, None) => {}
            (Some(Sums::PerChain(own)), Some(Sums::PerChain(next_sums))) => {
                let chains = own.len();
                if !own.append(next_sums) {
                    return fail("their moments have different dimensions");
                }
                self.frozen.extend(next.frozen.iter().map(|chain| chain + chains));
            }
            (Some(Sums::Together(_)), Some(Sums::Together(_))) => {
                return fail("their covariances are sums over all chains of each part");
            }
            _ => return fail("their moments are of different steps"),
        }
        self.non_finite += next.non_finite;
        Ok(())
    }

    /// The sums of these rows of the chains, from which [`append`](Self::append) makes the whole
    /// again. What is counted over all chains stays with the first rows.
    pub(super) fn part(&self, rows: Range<usize>) -> Result<Self> {
        let sums = match &self.sums {
            None => None,
            Some(Sums::PerChain(chains)) if rows.end <= chains.len() => {
                Some(Sums::PerChain(chains.part(rows.clone())))
            }
            Some(Sums::PerChain(_)) => return Err(apart("their moments are of fewer chains")),
            Some(Sums::Together(_)) => {
                return Err(apart("their covariances are sums over all chains"));
            }
        };
        let frozen = self.frozen.iter().filter(|chain| rows.contains(chain));
        Ok(Self {
            sums,
            frozen: frozen.map(|chain| chain - rows.start).collect(),
            non_finite: if rows.start == 0 { self.non_finite } else { 0 },
            ..self.clone()
        })
    }

    fn title(&self) -> String {
        let full = if self.full { "full " } else { "" };
        format!("{full}moments {}", self.every.words())
    }

    pub(super) fn saved(&self) -> Vec<u8> {
        let mut to = Saving::of(&self.title());
        to.words(self.frozen.iter().map(|chain| *chain as u64));
        to.word(self.non_finite as u64);
        match &self.sums {
            None => to.word(0),
            Some(Sums::PerChain(chains)) => {
                to.word(1);
                chains.save(&mut to);
            }
            Some(Sums::Together(moments)) => {
                let (count, mean, products) = moments.sums();
                to.word(2);
                to.word(count as u64);
                to.numbers(mean);
                to.numbers(products);
            }
        }
        to.0
    }

    pub(super) fn take_up(&mut self, saved: &[u8]) -> Result<()> {
        let mut from = Saved::of(&self.title(), saved)?;
        self.frozen = from.words()?.into_iter().map(|chain| chain as usize).collect();
        self.non_finite = from.word()? as usize;
        self.sums = match from.word()? {
            0 => None,
            1 => Some(Sums::PerChain(PerChain::restore(&mut from)?)),
            _ => {
                let count = from.word()? as usize;
                let mean = from.numbers()?;
                let products = from.numbers()?;
                let wrong = || fail("the sums that an observer saved do not fit each other");
                // A dimension that is only claimed asks for no memory.
                if mean.len().checked_mul(mean.len()) != Some(products.len()) {
                    return Err(wrong());
                }
                let moments = sums(mean.len(), true)?.with_sums(count, &mean, &products);
                Some(Sums::Together(moments.ok_or_else(wrong)?))
            }
        };
        from.end()
    }

    fn begin(&self, chains: usize, dim: usize) -> Result<Sums> {
        if self.full && dim > FEW_DIMENSIONS {
            return Ok(Sums::Together(sums(dim, true)?));
        }
        Ok(Sums::PerChain(PerChain::new(chains, dim, dim <= FEW_DIMENSIONS)))
    }
}

impl<F: Real> Observer<F> for MomentsObserver {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        let positions = snapshot.positions();
        let mut sums = match self.sums.take() {
            Some(sums) => sums,
            None => self.begin(positions.nrows(), snapshot.dim)?,
        };
        if let Sums::PerChain(chains) = &sums
            && (chains.len(), chains.dim()) != positions.dim()
        {
            let given = (chains.len(), chains.dim());
            return Err(of_another(given, positions.dim()).into());
        }
        let first = u64::from(snapshot.first_chain);
        self.frozen.clear();
        self.frozen.extend(snapshot.frozen.iter().map(|frozen| (frozen.chain - first) as usize));
        let mut row = Array2::zeros((1, snapshot.dim));
        for (chain, position) in positions.rows().into_iter().enumerate() {
            if self.frozen.binary_search(&chain).is_ok() {
                continue;
            }
            row.iter_mut().zip(position).for_each(|(to, from)| *to = from.widen());
            if !row.iter().all(|x| x.is_finite()) {
                self.non_finite += 1;
                continue;
            }
            match &mut sums {
                Sums::PerChain(chains) => chains.push(chain, row.row(0)),
                Sums::Together(moments) => moments.push_rows(row.view())?,
            }
        }
        self.sums = Some(sums);
        Ok(ControlFlow::Continue(()))
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(Some(self.saved()))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        Ok(self.take_up(saved)?)
    }
}
