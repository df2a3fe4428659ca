//! A trained network of any format: the engine that runs it, and what is known about it.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder};

use super::card::Card;
use super::engine::{Conditions, Engine, Labels, NamedInput, Numbers, Values};
use super::problem::wrong;
use crate::diffusion::{LevelTable, Prediction, Process};
use crate::drift::Times;
use crate::error::{Error, Result};
use crate::real::Real;

/// A trained network. A clone shares the weights.
pub struct Trained<E> {
    engine: Arc<E>,
    card: Arc<Card>,
}

impl<E> Clone for Trained<E> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), card: Arc::clone(&self.card) }
    }
}

impl<E: Engine> Trained<E> {
    /// A network of an engine, with what its file does not say.
    ///
    /// # Errors
    /// [`Error::Network`] if the card contradicts itself or the engine.
    pub fn new(engine: E, card: Card) -> Result<Self> {
        card.check(engine.input_width())?;
        let input = engine.input_width();
        let output = engine.output_width();
        if card.prediction.is_some() && input != output {
            let expected = format!("{input}, as many as go in");
            return Err(wrong("layers", format!("{output} numbers at their end"), expected));
        }
        Ok(Self { engine: Arc::new(engine), card: Arc::new(card) })
    }

    /// The engine.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// What is known about the network.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Columns of a row that goes in: those of the data, and of the momenta for a psld process.
    pub fn input_width(&self) -> usize {
        self.engine.input_width()
    }

    /// Dimension of the data: without the momenta of a psld process.
    pub fn dimension(&self) -> usize {
        match self.process() {
            Some(Process::Psld(..)) => self.input_width() / 2,
            _ => self.input_width(),
        }
    }

    /// Columns of a row that comes out: as many as go in, except for features.
    pub fn output_width(&self) -> usize {
        self.engine.output_width()
    }

    /// What the network predicts, or `None` for a network of features.
    pub fn prediction(&self) -> Option<Prediction> {
        self.card.prediction
    }

    /// The process of the training, or `None` for a network of features.
    pub fn process(&self) -> Option<&Process> {
        self.card.process.as_ref()
    }

    /// The levels of a vp process, or `None` for another process.
    pub fn table(&self) -> Option<&LevelTable> {
        match self.process() {
            Some(Process::Vp(table)) => Some(table),
            _ => None,
        }
    }

    /// The number of classes that a label can name, or `None` without labels.
    pub fn classes(&self) -> Option<usize> {
        self.engine.classes()
    }

    /// The named inputs beside data, time and class.
    pub fn named_inputs(&self) -> &[NamedInput] {
        self.engine.named_inputs()
    }

    /// The smallest and the largest number of the data, if known.
    pub fn range(&self) -> Option<[f64; 2]> {
        self.card.range
    }

    /// Height and width of a picture, if the data are pictures.
    pub fn image(&self) -> Option<[usize; 2]> {
        self.card.image
    }

    /// The network itself: from `x`, shape (rows, input width), to `out`, shape (rows, output
    /// width), in any memory layout; column-major is fastest. Times are the numbers that are fed to
    /// the network: 0-based timesteps that need not be whole, log signal-to-noise ratios, or the
    /// time of a psld process in (0, 1]. A network that takes no time ignores them. Named inputs
    /// get no condition.
    ///
    /// # Errors
    /// [`Error::Shape`] for other shapes or another number of times, [`Error::Network`] for a label
    /// that is no class, and whatever the engine fails with.
    pub fn evaluate<F: Real>(
        &self,
        times: Times<'_>,
        label: Option<usize>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        self.check_label(label)?;
        let labels = Labels::Shared(label);
        let named = &vec![Values::Absent; self.named_inputs().len()];
        match times {
            Times::Shared(time) => {
                self.forward(Conditions { times: Numbers::Shared(time), labels, named }, x, out)
            }
            Times::PerRow(times) => {
                if times.len() != x.nrows() {
                    let given = format!("({})", times.len());
                    let expected = format!("({}), the rows of the batch", x.nrows());
                    return Err(Error::Shape { what: "times given to a network", given, expected });
                }
                let number = |row: usize| times[row];
                let times = Numbers::PerRow(&number);
                self.forward(Conditions { times, labels, named }, x, out)
            }
        }
    }

    /// The features of data: from shape (rows, input width) to (rows, output width).
    ///
    /// # Errors
    /// [`Error::Network`] if the network predicts something else, [`Error::Shape`] for another
    /// number of columns.
    pub fn features(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        if let Some(prediction) = self.prediction() {
            let given = format!("a network that predicts {prediction}");
            return Err(wrong("features", given, "one that predicts features"));
        }
        if x.ncols() != self.input_width() {
            let given = format!("{:?}", x.dim());
            let expected = format!("(rows, {})", self.input_width());
            let what = "data given to a network for features";
            return Err(Error::Shape { what, given, expected });
        }
        let mut out = Array2::zeros((x.nrows(), self.output_width()).f());
        self.evaluate(Times::Shared(0.0), None, x, out.view_mut())?;
        Ok(out)
    }

    /// Refuses a label that is no class.
    pub(super) fn check_label(&self, label: Option<usize>) -> Result<()> {
        match (label, self.classes()) {
            (Some(label), Some(classes)) if label >= classes => Err(wrong(
                "label",
                label,
                format!("a class from 0 to {}, or no label", classes - 1),
            )),
            (Some(label), None) => {
                Err(wrong("label", label, "no label: the network was trained without classes"))
            }
            _ => Ok(()),
        }
    }

    /// The forward pass, with its shapes checked.
    pub(super) fn forward<F: Real>(
        &self,
        conditions: Conditions<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        let input = self.input_width();
        let output = self.output_width();
        if x.ncols() != input || out.dim() != (x.nrows(), output) {
            let given = format!("{:?} -> {:?}", x.dim(), out.dim());
            let expected = format!("(rows, {input}) -> (rows, {output})");
            return Err(Error::Shape { what: "batch given to a network", given, expected });
        }
        self.engine.forward(conditions, x, out)
    }
}

impl<E: Engine> fmt::Debug for Trained<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trained")
            .field("input", &self.input_width())
            .field("output", &self.output_width())
            .field("classes", &self.classes())
            .field("prediction", &self.prediction())
            .field("process", &self.process().map(ToString::to_string))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::network::Network;

    #[test]
    fn the_dimension_is_that_of_the_data() {
        for (name, momenta) in [("digits", 0), ("digits-psld", 64)] {
            let path = format!("examples/models/{name}.safetensors");
            let network = Network::load(path).unwrap();
            assert_eq!((network.dimension(), network.input_width()), (64, 64 + momenta));
        }
    }
}
