//! An interpreter of step tables: nothing but scaled additions, normals by address, and a model.

use langevin::advanced::{Address, Noise, Philox, Purpose};
use langevin::diffusion::{Combination, Evaluation, StepTable};
use langevin::ndarray::{Array2, Axis, concatenate, s};

/// The final state of a run by the table, chains × (blocks · dim).
pub fn interpret(
    table: &StepTable,
    shape: [usize; 2],
    seed: u64,
    model: impl Fn(&Evaluation, &Array2<f64>) -> Array2<f64>,
) -> Array2<f64> {
    let [chains, dim] = shape;
    let noise = Philox::new(seed);
    let normals = |address: Address, chain: u32, block: usize| -> Vec<f64> {
        let mut z = vec![0.0; (block + 1) * dim];
        noise.normals(address, &[chain], &mut z);
        z[block * dim..].to_vec()
    };
    let mut all = Array2::zeros((chains, table.blocks * dim));
    for chain in 0..chains {
        let mut state = Vec::new();
        for (block, scale) in table.start.iter().enumerate() {
            let purpose = if block == 0 { Purpose::Start } else { Purpose::Momentum };
            let z = normals(Address::new(0, purpose, 0), chain as u32, 0);
            state.push(z.iter().map(|z| z * scale).collect::<Vec<_>>());
        }
        for row in &table.steps {
            let mut u = [0.5];
            if row.coin {
                let address = Address::new(row.step, Purpose::Coin, 0);
                Noise::<f64>::uniforms(&noise, address, &[chain as u32], &mut u);
            }
            let outcome = row.outcomes.iter().find(|o| u[0] < o.below).unwrap();
            let z: Vec<_> = outcome
                .noise
                .iter()
                .map(|n| {
                    let address = Address::new(row.step, n.purpose, n.index);
                    normals(address, chain as u32, n.block)
                })
                .collect();
            let mut outputs: Vec<Vec<f64>> = Vec::new();
            for evaluation in &outcome.evaluations {
                let blocks: Vec<_> = evaluation
                    .input
                    .iter()
                    .map(|c| sum(c, [&state, &outputs, &z], dim))
                    .map(|block| Array2::from_shape_vec((1, dim), block).unwrap())
                    .collect();
                let views: Vec<_> = blocks.iter().map(|block| block.view()).collect();
                let out = model(evaluation, &concatenate(Axis(1), &views).unwrap());
                let blocks = out.ncols() / dim;
                outputs
                    .extend((0..blocks).map(|b| out.slice(s![0, b * dim..(b + 1) * dim]).to_vec()));
            }
            let new = outcome.update.iter().map(|c| sum(c, [&state, &outputs, &z], dim));
            state = new.collect();
        }
        all.row_mut(chain).iter_mut().zip(state.concat()).for_each(|(to, x)| *to = x);
    }
    all
}

fn sum(c: &Combination, parts: [&Vec<Vec<f64>>; 3], dim: usize) -> Vec<f64> {
    let mut total = vec![0.0; dim];
    for (factors, blocks) in [&c.state, &c.outputs, &c.noise].into_iter().zip(parts) {
        for (factor, block) in factors.iter().zip(blocks) {
            total.iter_mut().zip(block).for_each(|(t, x)| *t += factor * x);
        }
    }
    total
}
