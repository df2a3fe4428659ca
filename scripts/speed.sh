#!/bin/sh
# A quick guard of speed: ratios to a scalar loop by hand, with floors. A few seconds after the
# build. It fails and names the ratios below their floors. LANGEVIN_SIMD=avx2 or baseline guards
# a narrower instruction set.
set -eu
cd "$(dirname "$0")/.."
cargo bench -q -p langevin --bench speed -- guard
