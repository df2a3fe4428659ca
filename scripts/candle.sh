#!/bin/sh
# Builds and runs the example with candle, in a target folder of its own. It takes minutes.
set -eu
cd "$(dirname "$0")/.."
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/candle}" \
    cargo run --manifest-path examples/candle/Cargo.toml
