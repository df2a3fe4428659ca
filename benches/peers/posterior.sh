#!/bin/sh
# Posteriors by our sampler and by NUTS (nuts-rs, blackjax), each with its defaults: a table of
# gradients and seconds per effective sample. It takes a quarter of an hour or more,
# most of it blackjax on the Gaussian and the logistic regression. Usage: posterior.sh [SEED…]
#
# Results: target/peers/posterior.jsonl and posterior.md. TARGETS=banana,funnel selects targets.
# PYTHON names another Python, VENV an environment that exists.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out="$here/../../target/peers"
mkdir -p "$out"
out=$(cd "$out" && pwd)
venv="${VENV:-$out/venv}"
[ $# -gt 0 ] || set -- 0 1 2
if ! "$venv/bin/python" -c 'import blackjax' 2> /dev/null; then
    "${PYTHON:-python3}" -m venv "$venv"
fi
"$venv/bin/pip" install -q -r "$here/python/requirements.txt"
# No __pycache__ beside the scripts.
export PYTHONDONTWRITEBYTECODE=1
export RUSTFLAGS="${RUSTFLAGS:--C target-cpu=native}"
export CARGO_TARGET_DIR="$out/rust"
cargo build -q --release --locked --manifest-path "$here/rust/Cargo.toml" --bin posterior
posterior="$out/rust/release/posterior"

"$here/facts.sh" "$venv/bin/python" > "$out/facts.md"
# One seed after the other, so that a disturbance does not hit all runs of a method.
"$posterior" run "$@" > "$out/rust.jsonl"
rm -rf "$out/draws"
"$venv/bin/python" "$here/python/posterior_blackjax.py" "$out/draws" "$@" > "$out/blackjax.jsonl"
"$posterior" read "$out/blackjax.jsonl" > "$out/blackjax-measured.jsonl"
cat "$out/rust.jsonl" "$out/blackjax-measured.jsonl" > "$out/posterior.jsonl"
{
    cat "$out/facts.md"
    echo
    "$venv/bin/python" "$here/python/posterior_table.py" "$out/posterior.jsonl"
} | tee "$out/posterior.md"
