//! The blocks of a state: which there are, which the drift reads, and their names in files.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::real::Real;

/// What the second block of a state holds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Second {
    /// There is no second block.
    None,
    /// Momenta with this variance under the stationary distribution.
    Momentum(f64),
    /// What a multistep method keeps from so many steps before.
    Memory(u8),
}

/// The blocks of a state, and which of them the drift reads.
///
/// A block has `dim` columns. The columns of a state are `[position | momentum or memory |
/// carried]`. Only the position always exists. The drift reads the first [`inputs`](Self::inputs)
/// blocks and writes as many.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Layout {
    second: Second,
    joint: bool,
    carries: bool,
    #[cfg_attr(feature = "serde", serde(default))]
    keeps_low: bool,
}

impl Layout {
    /// A position alone.
    pub const POSITION: Self =
        Self { second: Second::None, joint: false, carries: false, keeps_low: false };

    /// A position, and a momentum with this variance under the stationary distribution. Momenta are
    /// drawn from it if only positions are given.
    pub const fn with_momentum(variance: f64) -> Self {
        Self { second: Second::Momentum(variance), ..Self::POSITION }
    }

    /// A position, and the memory of a multistep method. The memory is zero at the start.
    pub const fn with_memory() -> Self {
        Self { second: Second::Memory(1), ..Self::POSITION }
    }

    /// A position, and `blocks` blocks that a multistep method keeps, newest first: at least one.
    pub const fn with_memory_of(blocks: u8) -> Self {
        let blocks = if blocks == 0 { 1 } else { blocks };
        Self { second: Second::Memory(blocks), ..Self::POSITION }
    }

    /// The same layout with a drift that reads and writes both blocks.
    pub const fn joint(self) -> Self {
        Self { joint: !matches!(self.second, Second::None), ..self }
    }

    /// The same layout with or without a carried block, which comes last. In it a sampler keeps a
    /// drift that it needs again. The block adds no information. Without it a step evaluates the
    /// drift and gives the same bits.
    pub const fn carrying(self, carries: bool) -> Self {
        Self { carries, ..self }
    }

    /// The same layout for dynamics that add to the position, x⁺ = x + …, as Langevin dynamics do.
    ///
    /// In f32 a state then keeps the low part of its position: what rounding has cut off. The next
    /// update adds it to its own small terms, and their sum to the position. So a mean of 10⁵ with
    /// a step of 10⁻³ loses nothing. In f64 nothing changes.
    pub const fn keeping_low_part(self) -> Self {
        Self { keeps_low: true, ..self }
    }

    /// Whether a state in the precision `F` keeps the low part of its position.
    pub(crate) fn keeps_low<F: Real>(&self) -> bool {
        self.keeps_low && F::NAME == "f32"
    }

    /// The number of blocks that a step updates: 1, or more with a momentum or memory.
    pub const fn blocks(&self) -> usize {
        match self.second {
            Second::None => 1,
            Second::Momentum(_) => 2,
            Second::Memory(blocks) => 1 + blocks as usize,
        }
    }

    /// The number of blocks that the drift reads and writes.
    pub const fn inputs(&self) -> usize {
        if self.joint { 2 } else { 1 }
    }

    /// The number of carried blocks: 0 or 1.
    pub const fn carried(&self) -> usize {
        self.carries as usize
    }

    /// The variance of a momentum under the stationary distribution, or `None` without momenta.
    pub const fn momentum_variance(&self) -> Option<f64> {
        match self.second {
            Second::Momentum(variance) => Some(variance),
            _ => None,
        }
    }

    /// The number of columns of a state whose blocks have `dim` columns. At most the largest
    /// `usize`.
    pub const fn columns(&self, dim: usize) -> usize {
        (self.blocks() + self.carried()).saturating_mul(dim)
    }

    /// The number of columns of a state, or `None` if it is too large to count.
    pub(crate) fn checked_columns(&self, dim: usize) -> Option<usize> {
        (self.blocks() + self.carried()).checked_mul(dim)
    }

    /// The allowed numbers of columns of a start: positions, or positions and momenta.
    pub(crate) fn start_columns(&self, dim: usize) -> [usize; 2] {
        [dim, if self.momentum_variance().is_some() { 2 * dim } else { dim }]
    }
}

impl fmt::Display for Layout {
    /// The blocks by name, as in `position momentum=1 carried low`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("position")?;
        match self.second {
            Second::None => {}
            Second::Momentum(variance) => write!(f, " momentum={variance:e}")?,
            Second::Memory(1) => f.write_str(" memory")?,
            Second::Memory(blocks) => write!(f, " memory={blocks}")?,
        }
        let others = [(self.joint, " joint"), (self.carries, " carried"), (self.keeps_low, " low")];
        others.iter().filter(|(has, _)| *has).try_for_each(|(_, name)| f.write_str(name))
    }
}

impl FromStr for Layout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const EXPECTED: &str =
            "position, then momentum=VARIANCE, memory or memory=BLOCKS, joint, carried, low";
        let fail = || Error::Value {
            option: "layout".into(),
            given: text.into(),
            expected: EXPECTED.into(),
        };
        let mut words = text.split(' ');
        let mut layout = Self::POSITION;
        words.next().filter(|word| *word == "position").ok_or_else(fail)?;
        for word in words {
            layout = match (word, word.strip_prefix("momentum=")) {
                (_, Some(variance)) => Self::with_momentum(variance.parse().map_err(|_| fail())?),
                ("memory", _) => Self::with_memory(),
                (word, _) if word.starts_with("memory=") => {
                    Self::with_memory_of(word["memory=".len()..].parse().map_err(|_| fail())?)
                }
                ("joint", _) => layout.joint(),
                ("carried", _) => layout.carrying(true),
                ("low", _) => layout.keeping_low_part(),
                _ => return Err(fail()),
            };
        }
        // One text for each layout, so nothing is said twice or in another order.
        if layout.to_string() == text { Ok(layout) } else { Err(fail()) }
    }
}
