#!/usr/bin/env bash
# What must hold of the feature `onnx`. Not part of scripts/check.sh: tract takes many minutes to build. Usage: scripts/onnx.sh
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; "$@"; }

# One profile and the same dev-dependencies everywhere, or tract is built again.
step cargo clippy --release -p langevin --all-targets --features onnx -- -D warnings
step cargo test --release -p langevin --features onnx --test files onnx::
step cargo test --release -p langevin --features onnx --doc onnx
RUSTDOCFLAGS="-D warnings" step cargo doc --release -p langevin --no-deps --features onnx

pictures=$(mktemp -d)
trap 'rm -rf "$pictures"' EXIT
step cargo run --quiet --release -p langevin --features onnx,plot --example onnx_network -- "$pictures/onnx.png"

printf '\nall checks of onnx passed\n'
