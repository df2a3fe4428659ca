#!/bin/sh
# Facts about the machine and the programs, as a Markdown list. Usage: facts.sh PYTHON
set -eu
python="$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
cd "$(dirname "$0")"
model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2> /dev/null | head -n 1)
echo "- Processor: ${model:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN) logical cores"
flags=$(grep -m 1 '^flags' /proc/cpuinfo 2> /dev/null | tr ' ' '\n' |
    grep -E '^(avx2|avx512f|fma)$' | tr '\n' ' ' || true)
echo "- Instruction sets: ${flags:-unknown}"
echo "- System: $(uname -sr), load average at the start $(cut -d ' ' -f 1-3 /proc/loadavg)"
echo "- Date: $(date -u +%Y-%m-%d)"
echo "- Rust: $(rustc --version), RUSTFLAGS=${RUSTFLAGS:-}"
echo "- langevin: $(git rev-parse --short HEAD 2> /dev/null || echo unknown)$(
    git diff --quiet HEAD -- ../../src 2> /dev/null || echo ', changed')"
for crate in $(sed -n 's/^name = "\(differential-equations\|nuts-rs\|pathwise-core\)"$/\1/p' \
    rust/Cargo.lock); do
    version=$(grep -A 1 "^name = \"$crate\"" rust/Cargo.lock | sed -n 's/^version = "\(.*\)"/\1/p')
    echo "- $crate: $version"
done
echo "- Python: $("$python" --version | cut -d ' ' -f 2), $("$python" -m pip freeze |
    grep -E '^(blackjax|diffrax|diffusers|jax|jaxlib|numpy|torch)==' | tr '\n' ' ' | sed 's/==/ /g')"
