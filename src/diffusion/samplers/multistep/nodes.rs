//! Which outputs a step interpolates, and the weights that follow: of predictors and of correctors.

use super::Rule;
use super::steps::Steps;
use super::two_nodes::TwoNodes;
use super::weights::{MOST_NODES, lagrange, moments};

/// Weights of the outputs of a step and of the output at its end, in units of the step.
pub(super) struct Weights {
    /// Of the output at the end; 0 for a predictor.
    pub end: f64,
    /// Of the output of the step, and of earlier ones.
    pub own: [f64; MOST_NODES],
}

/// Weights through `count` outputs of a step, and its end where it corrects.
pub(super) struct Choice {
    pub count: usize,
    pub corrects: bool,
    pub two_nodes: TwoNodes,
}

impl Choice {
    pub fn weights(&self, steps: &Steps, step: usize, y: f64) -> Weights {
        let moments = moments(y);
        let places = steps.places(step, self.count);
        let mut own = [0.0; MOST_NODES];
        if self.corrects && self.count == 0 {
            return Weights { end: moments[0], own };
        }
        if self.corrects && self.count == 1 {
            let slope = self.two_nodes.slope(y);
            own[0] = moments[0] - slope;
            return Weights { end: slope, own };
        }
        if !self.corrects && self.count == 2 {
            let slope = self.two_nodes.slope(y) / -places[1];
            own[0] = moments[0] + slope;
            own[1] = -slope;
            return Weights { end: 0.0, own };
        }
        if !self.corrects {
            return Weights { end: 0.0, own: lagrange(&places[..self.count], &moments) };
        }
        let mut nodes = [1.0; MOST_NODES];
        nodes[1..=self.count].copy_from_slice(&places[..self.count]);
        let all = lagrange(&nodes[..=self.count], &moments);
        own[..self.count].copy_from_slice(&all[1..=self.count]);
        Weights { end: all[0], own }
    }
}

/// Adds A e to a rule.
pub(super) fn add_correction(
    rule: &mut Rule,
    signal: f64,
    corrector: &Weights,
    predictor: &[f64; MOST_NODES],
) {
    let scale = rule.propagator * signal;
    rule.gains[0] += scale * corrector.end;
    for j in 0..MOST_NODES {
        rule.gains[j + 1] += scale * (corrector.own[j] - predictor[j]);
    }
}
