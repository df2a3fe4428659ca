#!/bin/sh
# Our samplers and their peers on the workloads of README.md: a table of times. It takes about ten
# minutes after the installation. Usage: workloads.sh [W1 W3…], all of W0 to W7 if none is named.
#
# Results: target/peers/workloads.jsonl and workloads.md. LANGEVIN_SIMD=avx2 or baseline measures
# a narrower instruction set, for all. CORE is the number of the core, by default the last one.
# SECONDS_EACH (45) is about what a workload takes. OURS=1 leaves out the peers in Python. PYTHON
# names another Python, VENV an environment that exists.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out="$here/../../target/peers"
mkdir -p "$out"
out=$(cd "$out" && pwd)
venv="${VENV:-$out/venv}"
[ $# -gt 0 ] || set -- W0 W1 W2 W3 W4 W5 W6 W7
"$venv/bin/python" -c '' 2> /dev/null || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install -q -r "$here/python/requirements.txt" \
    -r "$here/python/requirements-workloads.txt"
# No __pycache__ beside the scripts.
export PYTHONDONTWRITEBYTECODE=1

# One core, one thread, and for all the same instructions.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 RAYON_NUM_THREADS=1
export JAX_PLATFORMS=cpu CUDA_VISIBLE_DEVICES=
XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
cpu=native
case "${LANGEVIN_SIMD:-}" in
avx2)
    cpu=x86-64-v3
    XLA_FLAGS="$XLA_FLAGS --xla_cpu_max_isa=AVX2"
    export ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 OPENBLAS_CORETYPE=Haswell
    export ONEDNN_MAX_CPU_ISA=AVX2
    wide="AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
    ;;
baseline)
    cpu=x86-64
    XLA_FLAGS="$XLA_FLAGS --xla_cpu_max_isa=SSE4_2"
    export ATEN_CPU_CAPABILITY=default MKL_ENABLE_INSTRUCTIONS=SSE4_2 OPENBLAS_CORETYPE=Nehalem
    export ONEDNN_MAX_CPU_ISA=SSE41
    wide="AVX2 FMA3 X86_V3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL X86_V4"
    ;;
"") wide= ;;
*)
    echo "LANGEVIN_SIMD=$LANGEVIN_SIMD is not known: avx2, baseline or nothing" >&2
    exit 1
    ;;
esac
export XLA_FLAGS RUSTFLAGS="${RUSTFLAGS:--C target-cpu=$cpu}"
if [ -n "$wide" ]; then
    # NumPy is told only of features that it has found.
    found=$("$venv/bin/python" -c '
import sys
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(*(name for name in sys.argv[1].split()
        if name in __cpu_dispatch__ and __cpu_features__.get(name)))' "$wide")
    [ -z "$found" ] || export NPY_DISABLE_CPU_FEATURES="$found"
fi
export CARGO_TARGET_DIR="$out/rust"
cargo build -q --release --locked --manifest-path "$here/rust/Cargo.toml" --bin workloads

{
    "$here/facts.sh" "$venv/bin/python"
    echo "- LANGEVIN_SIMD=${LANGEVIN_SIMD:-}"
} > "$out/facts.md"
"$venv/bin/python" "$here/python/workloads.py" "$out/rust/release/workloads" "$out" \
    "${SECONDS_EACH:-45}" "$@"
{
    cat "$out/facts.md"
    echo
    "$venv/bin/python" "$here/python/workloads_table.py" "$out/workloads.jsonl"
} | tee "$out/workloads.md"
