#!/usr/bin/env bash
# Everything that must hold before a change lands, from a clean clone. Usage: scripts/check.sh
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; "$@"; }

step cargo fmt --all --check
step cargo clippy --all-targets --features cli -- -D warnings
step cargo clippy --all-targets --no-default-features -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --no-deps --features cli

# The test command of the README: unit, integration and documentation tests.
step cargo test --features cli
# The core without any feature: one thread, same bits.
step cargo test --no-default-features --test reproducible --test probe --test cost

# Examples: built with and without pictures, and run; each takes seconds.
step cargo build --release --examples
step cargo build --release --examples --features cli
pictures=$(mktemp -d)
trap 'rm -rf "$pictures"' EXIT
for example in manual_stepping custom_drift gaussian_mixture logistic_regression digits \
    reverse_diffusion digits_diffusion picking_a_method parallel_rounds; do
    step cargo run --quiet --release --features cli --example "$example" -- "$pictures/$example.svg" > "$pictures/$example.txt"
    tail -n 3 "$pictures/$example.txt"
done

# The main job of the README, into a folder of its own.
step cargo run --quiet --release --features cli -- sample examples/eight_gaussians.json \
    --dynamics underdamped --method pmm2 --step 0.2 --steps 400 --chains 10000 \
    --out "$pictures/samples.npy" --plot "$pictures/samples.svg"

step cargo run --quiet --release --features cli -- generate --data examples/data/digits_8x8_u8.npy --scale=-1,1 \
    --bandwidth 0.1 --method pmm2 --evaluations 50 --chains 100 --grid-image "$pictures/digits.png" --image-shape 8x8

step cargo bench --no-run --features cli

# The stated minimum version, where that toolchain is installed.
msrv=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if command -v rustup >/dev/null && rustup toolchain list | grep -q "^$msrv"; then
    step cargo "+$msrv" check --features cli
else
    printf '\n== minimum Rust version %s: toolchain not installed, not checked\n' "$msrv"
fi
printf '\nall checks passed\n'
