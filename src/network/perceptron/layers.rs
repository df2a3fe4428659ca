//! The layers of a perceptron, as a description names them.

/// A layer, with the name of its tensors.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Layer {
    Linear(String),
    Silu,
    Norm(String, f64),
    Condition(String),
    Residual(Vec<Layer>),
}

impl Layer {
    /// This layer and those inside it.
    pub(super) fn count(&self) -> usize {
        if let Self::Residual(inside) = self {
            1 + inside.iter().map(Self::count).sum::<usize>()
        } else {
            1
        }
    }

    pub(super) fn has_linear(&self) -> bool {
        match self {
            Self::Linear(_) => true,
            Self::Residual(inside) => inside.iter().any(Self::has_linear),
            _ => false,
        }
    }
}
