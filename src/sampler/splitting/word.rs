//! Words over A, B and O: the order in which a step solves the parts of phase-space dynamics.

use std::fmt;
use std::str::FromStr;

use crate::dynamics::Letter;
use crate::error::{Error, Result};

/// The most letters of a word.
const LONGEST: usize = 64;

/// A word such as BAOAB. It gives the order of the parts, from left to right.
///
/// A letter that occurs k times takes 1/k of the step each time. A word without O has neither
/// friction nor noise. It conserves energy and samples nothing.
///
/// ```
/// use langevin::sampler::Word;
/// let word: Word = "baoab".parse()?;
/// assert_eq!(word.to_string(), "BAOAB");
/// assert!(word.is_palindrome());
/// assert!("BAD".parse::<Word>().unwrap_err().to_string().contains("letter 3"));
/// # Ok::<(), langevin::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(Vec<Letter>);

impl Word {
    /// The letters.
    pub fn letters(&self) -> &[Letter] {
        &self.0
    }

    /// How often a letter occurs.
    pub fn count(&self, letter: Letter) -> usize {
        self.0.iter().filter(|own| **own == letter).count()
    }

    /// Whether the word reads the same backwards. Such words have order 2 if every part is solved
    /// exactly.
    pub fn is_palindrome(&self) -> bool {
        self.0.iter().eq(self.0.iter().rev())
    }
}

impl FromStr for Word {
    type Err = Error;

    /// Reads the letters A, B and O in upper or lower case.
    ///
    /// # Errors
    /// - [`Error::Letter`] for any other letter, with its position.
    /// - [`Error::Word`] if there is no A, no B, or more than 64 letters.
    fn from_str(text: &str) -> Result<Self> {
        let mut letters = Vec::new();
        for (i, letter) in text.chars().enumerate() {
            letters.push(match letter {
                'A' | 'a' => Letter::A,
                'B' | 'b' => Letter::B,
                'O' | 'o' => Letter::O,
                _ => return Err(Error::Letter { word: shortened(text), letter, position: i + 1 }),
            });
            if letters.len() > LONGEST {
                let expected = "at most 64 letters";
                return Err(Error::Word {
                    word: shortened(text),
                    length: text.chars().count(),
                    expected,
                });
            }
        }
        let word = Self(letters);
        for (letter, expected) in [
            (Letter::B, "at least one B, as nothing else pushes the momentum"),
            (Letter::A, "at least one A, as nothing else moves the position"),
        ] {
            if word.count(letter) == 0 {
                return Err(Error::Word { word: text.into(), length: word.0.len(), expected });
            }
        }
        Ok(word)
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        text.into()
    } else {
        text.chars().take(LONGEST).chain("...".chars()).collect()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{letter:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_words_are_named() {
        let message = |text: &str| text.parse::<Word>().unwrap_err().to_string();
        assert_eq!(
            message("BAXAB"),
            "word `BAXAB`: letter 3 is `X`; \
             expected A (position), B (momentum) and O (friction and noise)"
        );
        assert!(message("ΓAB").contains("letter 1 is `Γ`"));
        assert!(message("OAO").contains("of 3 letters; expected at least one B"));
        assert!(message("BOB").contains("expected at least one A"));
        assert!(message("").contains("of 0 letters; expected at least one B"));
        assert!(message(&"AB".repeat(1000)).contains("of 2000 letters; expected at most 64"));
        assert!("AB".parse::<Word>().is_ok() && "OBABO".parse::<Word>().unwrap().is_palindrome());
    }
}
