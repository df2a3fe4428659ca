#!/usr/bin/env bash
# Damaged network files, by the hundred thousand: the reader may refuse them, never panic. Usage: scripts/fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
LANGEVIN_FUZZ_SECONDS=${1:-180} cargo test -p langevin --features mlp --test files no_bytes -- --nocapture
