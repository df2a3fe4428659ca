//! Splitting words on a harmonic oscillator: their exact stationary variances from the probe,
//! beside theory.
//!
//! ```text
//! cargo run --release --example harmonic_oscillator
//! ```
//!
//! The target is N(0, 1), and the velocity has variance 1. Nothing is simulated: the probe reads a
//! step off as matrices and solves for its stationary covariance. Theory: between two O a word is a
//! Verlet step, which conserves (1 − h²/4) x² + v² (kick first: BAB) or x² + (1 − h²/4) v² (move
//! first: ABA), and O keeps the velocity at variance 1. What the table says:
//!
//! - BAOAB and ABOBA have the positions exactly right at any step up to the limit h = 2, and pay
//!   with the velocity.
//! - OBABO has the velocity right and the positions too wide; OABAO, too narrow. All errors are of
//!   order h².
//! - The friction does not enter: it changes how fast, not where.
//! - BAO, the same parts in no symmetric order, has errors of first order, in the position and in
//!   its covariance with the velocity.
//! - Euler–Maruyama with exact linear part (`em`) is of first order and has no such law. It is here
//!   for comparison.

use langevin::prelude::*;
use langevin::probe::stationary_covariance;

const STEPS: [f64; 4] = [0.25, 0.5, 1.0, 1.5];

fn main() -> Result<()> {
    println!("stationary variances on the unit oscillator, friction 1\n");
    println!("word        h     position       theory     velocity       theory   covariance");
    let dynamics = Underdamped::new(1.0, 1.0)?;
    for word in ["BAOAB", "ABOBA", "OBABO", "OABAO", "BAO"] {
        let sampler = Splitting::new(dynamics, word.parse()?);
        for h in STEPS {
            let short = 1.0 - h * h / 4.0;
            let theory = match word {
                "BAOAB" => [1.0, short].map(digits),
                "ABOBA" => [1.0, 1.0 / short].map(digits),
                "OBABO" => [1.0 / short, 1.0].map(digits),
                "OABAO" => [short, 1.0].map(digits),
                _ => ["-", "-"].map(String::from),
            };
            line(word, h, &sampler, theory)?;
        }
    }
    for h in STEPS {
        line("em", h, &EulerMaruyama::new(dynamics), ["-", "-"].map(String::from))?;
    }

    println!("\nFriction, BAOAB at h = 1:");
    for friction in [1e-3, 0.1, 1.0, 10.0, 50.0] {
        let sampler = Splitting::new(Underdamped::new(friction, 1.0)?, "BAOAB".parse()?);
        let found = stationary_covariance(&sampler, 1.0, 1.0)?;
        let (position, contraction) = (found.covariance[[0, 0]], found.contraction);
        print!("  {friction:>6}: position {position:.12}, ");
        println!("second moments approach it by {contraction:.4} per step");
    }
    Ok(())
}

fn digits(value: f64) -> String {
    format!("{value:.9}")
}

/// Prints what the probe finds for one step length, beside the variances of theory.
fn line(name: &str, h: f64, sampler: &dyn Sampler<f64>, theory: [String; 2]) -> Result<()> {
    match stationary_covariance(sampler, h, 1.0) {
        Ok(found) => {
            let [x, v, xv] = [[0, 0], [1, 1], [0, 1]].map(|at| found.covariance[at]);
            let [in_x, in_v] = theory;
            print!("{name:<8} {h:>4}  {x:>11.9}  {in_x:>11}  {v:>11.9}  {in_v:>11}");
            println!("  {xv:>11.2e}");
        }
        Err(error @ Error::Unstable { .. }) => println!("{name:<8} {h:>4}  {error}"),
        Err(error) => return Err(error),
    }
    Ok(())
}
