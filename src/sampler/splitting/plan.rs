//! Plans a word: which letters are applied together, and where the drift is evaluated.

use super::word::Word;
use crate::dynamics::{Letter, PhaseSpace};

/// Letters that are applied as one map.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub letters: Vec<Letter>,
    /// If the drift is evaluated before these letters: the number of letters A before that
    /// evaluation. It sets the time of the evaluation.
    pub evaluate_after: Option<usize>,
    /// Whether a letter uses the drift.
    pub kicked: bool,
    /// The number of the O among the letters, if any.
    pub noise: Option<u32>,
}

/// The segments of a word.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub segments: Vec<Segment>,
    pub evaluations: usize,
    /// Whether a step's last evaluation serves the next step as its first.
    pub carries: bool,
    /// The number of blocks of normals that an O needs.
    pub noise_blocks: usize,
}

impl Plan {
    pub(super) fn new(dynamics: &dyn PhaseSpace, word: &Word, naive: bool) -> Self {
        let mut segments: Vec<Segment> = Vec::new();
        let mut moves = 0;
        let mut noises = 0;
        let mut evaluations = 0;
        // The number of letters A before the last evaluation of the drift.
        let mut evaluated_at = None;
        let mut first_at = None;
        for &letter in word.letters() {
            let takes = dynamics.takes_drift(letter);
            let stale = match evaluated_at {
                None => true,
                Some(at) => naive || (letter == Letter::B && at != moves),
            };
            let evaluate = takes && stale;
            let noisy = letter == Letter::O;
            let full = segments.last().is_none_or(|segment| noisy && segment.noise.is_some());
            if evaluate || full {
                let evaluate_after = evaluate.then_some(if naive { 0 } else { moves });
                segments.push(Segment {
                    letters: Vec::new(),
                    evaluate_after,
                    kicked: false,
                    noise: None,
                });
            }
            if evaluate {
                evaluations += 1;
                evaluated_at = Some(moves);
                first_at.get_or_insert(moves);
            }
            if let Some(segment) = segments.last_mut() {
                segment.letters.push(letter);
                segment.kicked |= takes;
                if noisy {
                    segment.noise = Some(noises);
                }
            }
            noises += u32::from(noisy);
            moves += usize::from(letter == Letter::A);
        }
        let of_position = dynamics.layout().inputs() == 1;
        let carries = of_position && !naive && first_at == Some(0) && evaluated_at == Some(moves);
        let noise_blocks = if dynamics.part(Letter::O, 1.0).covariance[0][0] > 0.0 { 2 } else { 1 };
        Self { segments, evaluations: evaluations - usize::from(carries), carries, noise_blocks }
    }
}
