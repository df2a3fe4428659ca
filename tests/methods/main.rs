//! Methods: one file for each, with the same rows (probe value, coefficients, cost, distribution of
//! a Gaussian, errors), and files for what goes through all of them.

// Samplers of a density.
mod euler_maruyama;
mod mala;
mod malt;
mod poisson_midpoint;
mod randomized_midpoint;
mod splitting;

// Generation methods of diffusion models.
mod ddim;
mod ddpm;
mod dpm_solver;
mod euler;
mod heun;
mod multistep;
mod naive;
mod poisson;
mod predictor_corrector;
mod randomized;
mod reduced;
mod symmetric;
mod two_step;

// Tests that go through many methods.
mod catalog;
mod coefficients;
mod diffusers;
mod diffusers_multistep;
mod faces;
mod flow;
mod forecast;
mod forms;
mod grids;
mod guidance;
mod inpainting;
mod joint_score;
mod models;
mod outside;
mod phase_space;
mod plans;
mod posterior_page;
mod probe;
mod step_table;
mod strength;
mod tables;
mod variances;
mod warnings;
mod windowed;

#[path = "../support/mod.rs"]
mod support;
