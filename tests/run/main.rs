mod reproducible;
#[path = "../support/mod.rs"]
mod support;
instruction_set_probe!();
