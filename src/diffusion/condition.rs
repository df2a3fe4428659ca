//! Data of which a part is known: the mask, the known part, and how a run is held to it.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, count};

/// How a run is held to the known part of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Inpainting {
    /// After every step the known part is replaced by the known data, noised to the level reached.
    #[default]
    Replacement,
    /// Replacement, with every stretch of `jump` steps taken `repeats` times: the run jumps up by
    /// fresh noise and comes down again (RePaint).
    Repaint {
        /// Steps of a stretch.
        jump: usize,
        /// How often each is taken.
        repeats: usize,
    },
    /// The known part of every prediction x̂₀ is replaced by the known data.
    Projection,
}

impl Inpainting {
    /// RePaint with these numbers. Its authors take 250 steps, a jump of 10 and 10 repeats.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a number is 0, or the repeats are more than 1000.
    pub fn repaint(jump: usize, repeats: usize) -> Result<Self> {
        const JUMP: &str = "a whole number from 1 to 4294967295";
        count("jump", jump, 1, u32::MAX as usize, JUMP)?;
        count("repeats", repeats, 1, 1000, "a whole number from 1 to 1000")?;
        Ok(Self::Repaint { jump, repeats })
    }
}

impl fmt::Display for Inpainting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replacement => f.write_str("replacement"),
            Self::Repaint { jump, repeats } => write!(f, "repaint:jump={jump}:repeats={repeats}"),
            Self::Projection => f.write_str("projection"),
        }
    }
}

impl FromStr for Inpainting {
    type Err = Error;

    /// Reads `replacement`, `projection` or `repaint[:jump=J][:repeats=U]`, both 10 by default.
    ///
    /// # Errors
    /// [`Error::Value`] for another text, and those of [`repaint`](Self::repaint).
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Value {
            option: "inpaint".into(),
            given: text.into(),
            expected: "replacement, projection or repaint:jump=10:repeats=10".into(),
        };
        let mut parts = text.split(':');
        match parts.next() {
            Some("replacement") if text == "replacement" => Ok(Self::Replacement),
            Some("projection") if text == "projection" => Ok(Self::Projection),
            Some("repaint") => {
                let mut jump = 10;
                let mut repeats = 10;
                for part in parts {
                    let (name, number) = part.split_once('=').ok_or_else(wrong)?;
                    let number = number.parse().map_err(|_| wrong())?;
                    match name {
                        "jump" => jump = number,
                        "repeats" => repeats = number,
                        _ => return Err(wrong()),
                    }
                }
                Self::repaint(jump, repeats)
            }
            _ => Err(wrong()),
        }
    }
}

/// The known part of the data, the same for all chains.
///
/// ```text
/// x ← m known + (1 − m) x               m: 1 where the data are known, 0 where they are not
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    mask: Vec<f64>,
    data: Vec<f64>,
}

impl Known {
    /// These data, where the mask is 1. A number of the mask between 0 and 1 mixes.
    ///
    /// # Errors
    /// [`Error::Shape`] if the two have different lengths, [`Error::Invalid`] if a number of the
    /// mask is not in [0, 1], [`Error::NonFinite`] if data are not finite.
    pub fn new(mask: Vec<f64>, data: Vec<f64>) -> Result<Self> {
        if mask.len() != data.len() {
            let given = format!("({})", data.len());
            let expected = format!("({}), the numbers of the mask", mask.len());
            return Err(Error::Shape { what: "known data", given, expected });
        }
        if let Some(given) = mask.iter().find(|m| !(0.0..=1.0).contains(*m)) {
            let expected = "1 where the data are known and 0 elsewhere";
            return Err(Error::Invalid { name: "mask", given: *given, expected });
        }
        if let Some(column) = data.iter().position(|x| !x.is_finite()) {
            return Err(Error::NonFinite { what: "known data", row: 0, column });
        }
        Ok(Self { mask, data })
    }

    /// The mask.
    pub fn mask(&self) -> &[f64] {
        &self.mask
    }

    /// The data.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// Refuses rows of another number of columns.
    pub(super) fn check(&self, columns: usize) -> Result<()> {
        if self.mask.len() == columns {
            return Ok(());
        }
        let given = format!("({})", self.mask.len());
        Err(Error::Shape {
            what: "mask",
            given,
            expected: format!("({columns}), as the data have"),
        })
    }
}
