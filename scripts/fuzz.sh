#!/usr/bin/env bash
# Fuzzes everything that reads a file or a text: no panic, nothing above one second, no more memory
# than 4 times the input plus 64 MiB. Usage: scripts/fuzz.sh [SECONDS [TARGET…]]
#
# Every target of fuzz/targets runs for SECONDS (600). Needs the nightly toolchain and cargo-fuzz
# (cargo install cargo-fuzz). Inputs that were found stay in fuzz/corpus; one that fails is written
# to fuzz/artifacts, and its target is named at the end. The library has no unsafe code, so there is
# no sanitizer: without one there are three times as many inputs.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
shift || true
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    mapfile -t targets < <(cd fuzz/targets && printf '%s\n' *.rs | sed 's/\.rs$//')
fi

CARGO_INCREMENTAL=0 cargo +nightly fuzz build --sanitizer none
failed=()
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    log=fuzz/artifacts/$target/log
    options=(-max_total_time="$seconds" -timeout=1 -rss_limit_mb=1024 -max_len=65536
        -dict=fuzz/words.dict -artifact_prefix="fuzz/artifacts/$target/" -print_final_stats=1)
    if ! fuzz/target/*/release/"$target" "${options[@]}" "fuzz/corpus/$target" \
        "fuzz/seeds/$target" > "$log" 2>&1; then
        failed+=("$target")
        grep -m 3 -A 1 -E "panicked|ERROR|an allocation of" "$log" || true
    fi
    awk -v target="$target" '
        /stat::number_of_executed_units/ { runs = $2 }
        / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
        END { printf "%s: %d inputs, %d edges\n", target, runs, edges }' "$log"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}; the inputs are in fuzz/artifacts" >&2
    exit 1
fi
