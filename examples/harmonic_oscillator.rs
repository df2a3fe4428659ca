//! Splitting words on a harmonic oscillator: their exact stationary variances by the probe, beside
//! theory.
//!
//! ```text
//! cargo run --release --example harmonic_oscillator
//! ```
//!
//! The target is N(0, 1), the velocity has variance 1. Nothing is simulated: the probe reads a step
//! off as matrices and solves for its stationary covariance. Theory: between two O a word is a
//! Verlet step, which conserves (1 − h²/4) x² + v² (kick first: BAB) or x² + (1 − h²/4) v² (move
//! first: ABA), and O keeps the velocity at variance 1. What the table says:
//!
//! - BAOAB and ABOBA have the positions exactly right at any step up to the limit h = 2, and pay
//!   with the velocity.
//! - OBABO has the velocity right and the positions too wide; OABAO, too narrow. All errors are of
//!   order h².
//! - The friction does not enter: it changes how fast, not where.
//! - BAO, the same parts in no symmetric order, has errors of first order, in the position and its
//!   covariance with the velocity.
//! - Euler–Maruyama with exact linear part (`em`) is of first order and has no such law; it is here
//!   for comparison.

use langevin::*;

const STEPS: [f64; 4] = [0.25, 0.5, 1.0, 1.5];

fn main() -> Result<()> {
    println!("stationary variances on the unit oscillator, friction 1\n");
    println!("word        h     position       theory     velocity       theory   covariance");
    for word in ["BAOAB", "ABOBA", "OBABO", "OABAO", "BAO"] {
        for h in STEPS {
            let sampler = Splitting::new(Underdamped::new(1.0, 1.0)?, word.parse()?);
            let found = probe::stationary_covariance(&sampler, h, 1.0)?.covariance;
            let short = 1.0 - h * h / 4.0;
            let theory = match word {
                "BAOAB" => Some((1.0, short)),
                "ABOBA" => Some((1.0, 1.0 / short)),
                "OBABO" => Some((1.0 / short, 1.0)),
                "OABAO" => Some((short, 1.0)),
                _ => None,
            };
            let expected = |pick: fn((f64, f64)) -> f64| {
                theory.map_or("-".into(), |both| format!("{:.9}", pick(both)))
            };
            println!(
                "{word:<8} {h:>4}  {:>11.9}  {:>11}  {:>11.9}  {:>11}  {:>11.2e}",
                found[[0, 0]],
                expected(|both| both.0),
                found[[1, 1]],
                expected(|both| both.1),
                found[[0, 1]]
            );
        }
    }
    for h in STEPS {
        match probe::stationary_covariance(&EulerMaruyama::new(Underdamped::new(1.0, 1.0)?), h, 1.0)
        {
            Ok(found) => {
                let [x, v, xv] = [[0, 0], [1, 1], [0, 1]].map(|at| found.covariance[at]);
                println!(
                    "{:<8} {h:>4}  {x:>11.9}  {:>11}  {v:>11.9}  {:>11}  {xv:>11.2e}",
                    "em", "-", "-"
                );
            }
            Err(error) => println!("{:<8} {h:>4}  {error}", "em"),
        }
    }
    println!("\nFriction, BAOAB at h = 1: ");
    for friction in [1e-3, 0.1, 1.0, 10.0, 50.0] {
        let sampler = Splitting::new(Underdamped::new(friction, 1.0)?, "BAOAB".parse()?);
        let found = probe::stationary_covariance(&sampler, 1.0, 1.0)?;
        println!(
            "  {friction:>6}: position {:.12}, second moments approach it by {:.4} per step",
            found.covariance[[0, 0]],
            found.contraction
        );
    }
    Ok(())
}
