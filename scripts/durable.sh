#!/usr/bin/env bash
# Kills runs with checkpoints at random moments, and compares what comes of them with runs that are
# left alone; then measures what checkpoints cost. Usage: scripts/durable.sh [KILLS [SEED]]. With
# KILLS 0 it measures alone. LANGEVIN names a program that is built already.
#
# sample, twice, generate and compare are each killed KILLS times (50), every second time while a checkpoint
# is being written. After each kill the file must be whole: the next part begins from it.
set -euo pipefail
cd "$(dirname "$0")/.."
kills=${1:-50}
RANDOM=${2:-1}

[ -n "${LANGEVIN:-}" ] || cargo build --release -p langevin-cli
langevin=${LANGEVIN:-$PWD/target/release/langevin}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"means": [[0, 0], [4, 4]], "std": 1}' > g.json

fail() { echo "FAILED: $*" >&2; exit 1; }

# A report without what the clock says.
timeless() { python3 -c '
import json, sys
report = json.load(sys.stdin)
for part in [report, *report.get("rows", [])]:
    part.pop("seconds", None)
print(json.dumps(report, sort_keys=True))'; }

# Waits until a checkpoint is being written, for at most two seconds.
writing() { local n; for ((n = 0; n < 2000; n++)); do [ -e c.tmp ] && return; sleep 0.001; done; }

# NAME OUTPUT COMMAND…
check() {
    local name=$1 output=$2 done=0 ended=0 child
    shift 2
    "$langevin" "$@" --json 2> part.txt | timeless > whole.json
    mv "$output" "whole.$output"
    local durable=("$@" --checkpoint c --checkpoint-every 0.02 --resume c --json)
    while ((done < kills)); do
        "$langevin" "${durable[@]}" > part.json 2> part.txt &
        child=$!
        if ((done % 2)); then writing; else sleep "0.$(printf '%03d' $((RANDOM % 300)))"; fi
        if kill -9 "$child" 2> /dev/null; then
            done=$((done + 1))
        else
            ended=$((ended + 1))
        fi
        wait "$child" 2> /dev/null || ! grep -q "^error" part.txt || fail "$name: $(cat part.txt)"
        # A run that has ended is begun again.
        if [ ! -e c ] && [ -e "$output" ]; then
            cmp "$output" "whole.$output" || fail "$name: $output"
            rm "$output"
        fi
    done
    "$langevin" "${durable[@]}" 2> part.txt | timeless > joined.json
    cmp whole.json joined.json || fail "$name: the report"
    cmp "$output" "whole.$output" || fail "$name: $output"
    [ ! -e c ] && [ ! -e c.frames ] || fail "$name: the checkpoint is still there"
    rm -f .langevin.*.tmp
    echo "$name: $done kills, $ended ends in between: the same bits"
}

if ((kills)); then
check sample x.npy sample g.json --dynamics underdamped --method pmm1 --step 0.1 --steps 100000 \
    --chains 200 --every 100 --burn-in 50 --out x.npy --quiet
check draws t.csv sample g.json --dynamics underdamped --method pmm1 --step 0.1 --steps 100000 \
    --chains 200 --every 100 --burn-in 50 --trace t.csv --quiet
check generate x.npy generate g.json --method ddpm --evaluations 1000 --chains 20000 \
    --precision f64 --every 100 --out x.npy --quiet
# The times in a table are those of the clock: a picture has none.
check compare x.svg compare g.json --methods ddpm,ddim,pmm2 --evaluations 20,40,80,160,320 \
    --seeds 5 --chains 10000 --metric radial,sliced --plot x.svg --quiet
fi

# The cost: the same run with a checkpoint every second and without, in turn, on one thread. The best
# of each counts: what other programs do to the clock is not the cost of checkpoints.
cost() {
    python3 - "$langevin" "$@" << 'PYTHON'
import os, resource, subprocess, sys, time
program, name, *command = sys.argv[1:]
best = {}
for _ in range(8):
    for kind, more in [("without", []), ("with", ["--checkpoint", "c", "--checkpoint-every", "1"])]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.monotonic()
        subprocess.run([program, *command, *more], check=True, stdout=subprocess.DEVNULL)
        clock = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        old = best.get(kind, (clock, busy))
        best[kind] = (min(old[0], clock), min(old[1], busy))
for i, what in enumerate(["clock", "processor"]):
    without, with_ = best["without"][i], best["with"][i]
    print(f"{name}, {what}: {without:.3f} s, with checkpoints {with_:.3f} s: {100 * (with_ / without - 1):+.2f} %")
PYTHON
}

cost "1,000 chains in 2 dimensions, moments of all steps" sample g.json --method baoab --step 0.1 \
    --steps 60000 --chains 1000 --burn-in 10 --threads 1 --quiet
cost "100,000 chains in 2 dimensions" sample g.json --method baoab --step 0.1 --steps 2000 \
    --chains 100000 --threads 1 --quiet
