#!/usr/bin/env bash
# Runs the program over the ranks of MPI, and compares what comes of it with one process and with
# merged shards, to the bit. Usage: scripts/mpi.sh [build | test]
#
# build: installs what is missing of Open MPI (Debian packages) and builds mpi/. test (the default):
# also runs everything with 1, 2 and 4 ranks: outputs, reports, resumed runs, windows, failures.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(libopenmpi-dev openmpi-bin libclang-dev)
if ! command -v mpicc > /dev/null || ! dpkg -s "${packages[@]}" > /dev/null 2>&1; then
    apt-get install -y "${packages[@]}"
fi
# PROFILE=dev builds in a minute, and runs slowly.
profile=${PROFILE:-release}
cargo build --profile "$profile" -p langevin-cli
cargo build --profile "$profile" --manifest-path mpi/Cargo.toml --target-dir target
[ "${1:-test}" = build ] && exit

built=$PWD/target/${profile/dev/debug}
langevin=$built/langevin
ranked=$built/langevin-mpi
models=$PWD/examples/models
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"weights": [1, 2, 1], "means": [[-2, 0], [2, 1], [0, 3]], "std": 0.3}' > g.json
echo '{"means": [[3, -1]], "variances": [[4, 0.01]]}' > n.json

fail() { echo "FAILED: $*" >&2; exit 1; }

# RANKS ARGUMENTS…: ranks that wait for one another must leave their core to the others.
ranks() {
    local count=$1
    shift
    timeout 300 mpirun -n "$count" --oversubscribe --allow-run-as-root \
        --mca mpi_yield_when_idle 1 --mca btl_vader_single_copy_mechanism none \
        -x RAYON_NUM_THREADS=1 "$ranked" "$@"
}

# A report without what the clock says.
timeless() { sed -E 's/"seconds":[^,}]*//'; }

# COMMAND…, which writes to one/ or to another folder in the place of @.
run() { local to=$1; shift; mkdir -p "$to"; "${@//@/$to}" --json 2> "$to.err" | timeless > "$to/report"; }

# The words of the report differ by the names of files alone.
same() {
    local to=$1 what=$2 of=$3
    sed -i "s#$to/##g" "$to/report"
    diff -r one "$to" > difference || fail "$what: $of: $(cat difference "$to.err")"
}

# COMMAND…: one process, and 1, 2 and 4 ranks.
compare() {
    local count
    rm -rf one* two*
    run one "$langevin" "$@"
    sed -i "s#one/##g" one/report
    for count in 1 2 4; do
        rm -rf two
        run two ranks "$count" "$@"
        same two "$*" "$count ranks"
    done
}

# COMMAND…: 5 shards, merged, against what `compare` has left of one process.
shards() {
    local index outs=()
    rm -rf parts two
    mkdir parts two
    for index in 1 2 3 4 5; do
        "$langevin" "${@//@/parts}" --json --shard "$index/5" --save-state "parts/$index.state" \
            --out "parts/$index.npy" > /dev/null 2> two.err
        outs+=("parts/$index.state" "parts/$index.npy")
    done
    "$langevin" merge "${outs[@]}" --out two/x.npy --json 2> two.err | timeless > two/report
    cmp one/x.npy two/x.npy || fail "$*: merged shards"
}

# COMMAND…, of a posterior with --tuned: the draws and the report of 5 shards, likewise.
posterior_shards() {
    local index states=()
    rm -rf parts two
    mkdir parts
    for index in 1 2 3 4 5; do
        "$langevin" "$@" --shard "$index/5" --save-state "parts/$index.state" > /dev/null
        states+=("parts/$index.state")
    done
    run two "$langevin" merge "${states[@]}" --draws @/d.npy
    same two "$*" "5 shards"
}

outputs() {
    local sample=(sample g.json --dynamics underdamped --step 0.1 --steps 60 --chains 23 --seed 5)
    compare "${sample[@]}" --method pmm1 --burn-in 10 --out @/x.npy --save-state @/s --plot @/p.svg
    shards "${sample[@]}" --method pmm1 --burn-in 10
    compare "${sample[@]}" --method baoab --precision f32 --every 4 --burn-in 3 --out @/x.npy \
        --trace @/t.zarr --save-state @/s
    shards "${sample[@]}" --method baoab --precision f32 --every 4 --burn-in 3
    compare "${sample[@]}" --method rm --rounds 6 --tolerance 1e-4 --every 4 --out @/x.csv
    compare "${sample[@]}" --method malt --first-chain 7 --every 5 --trace @/t.npy --out @/x.npy
    echo "sample: 1, 2 and 4 ranks and 5 shards are one process"
    local noise=(--chains 20 --seed 5)
    compare generate g.json --method pmm2 --evaluations 20 --every 5 "${noise[@]}" --out @/x.npy
    shards generate g.json --method pmm2 --evaluations 20 --every 5 "${noise[@]}"
    compare generate --model "$models/digits.safetensors" --method ddpm --evaluations 10 \
        --labels 0,1,2,3 "${noise[@]}" --out @/x.npy --grid-image @/g.png
    shards generate --model "$models/digits.safetensors" --method ddpm --evaluations 10 \
        --labels 0,1,2,3 "${noise[@]}"
    echo "generate: 1, 2 and 4 ranks and 5 shards are one process"
    compare posterior n.json --chains 50 --seed 3 --draws @/d.npy --save-tuned @/t.json
    compare posterior n.json --chains 30 --steps 200 --adjusted --draws @/d.npy
    "$langevin" posterior n.json --seed 3 --save-tuned t.json > /dev/null
    local tuned=(posterior n.json --tuned t.json --seed 5)
    compare "${tuned[@]}" --chains 50 --steps 600 --draws @/d.npy
    posterior_shards "${tuned[@]}" --chains 50 --steps 600
    compare "${tuned[@]}" --chains 37 --steps 800 --adjusted --draws @/d.npy
    posterior_shards "${tuned[@]}" --chains 37 --steps 800 --adjusted
    echo "posterior: 1, 2 and 4 ranks, and 5 shards with --tuned, are one process"
}

# Less chains than ranks: the rows of every call are shared out.
windows() {
    local noise=(--method ddpm --evaluations 100 --seed 5 --window 25)
    compare generate g.json "${noise[@]}" --chains 1 --out @/x.npy
    compare generate --model "$models/digits.safetensors" --label 3 --input-bits 12 "${noise[@]}" \
        --chains 2 --out @/x.npy
    compare sample g.json --dynamics underdamped --method rm --windows 16 --rounds 2 --step 0.5 \
        --steps 20 --chains 1 --every 2 --out @/x.npy --trace @/t.npy
    echo "windows: rows over 2 and 4 ranks are one process"
}

# The processes under one, from the last one on.
under() { local child; for child in $(pgrep -P "$1"); do under "$child"; echo "$child"; done; }

# Kills all ranks of a job once there is a checkpoint.
killed() {
    local job n
    "$@" > part.txt 2>&1 &
    job=$!
    for ((n = 0; n < 3000; n++)); do [ -e c ] && break; sleep 0.01; done
    sleep 0.2
    # The last ones are the ranks, before what waits for them.
    under "$job" | xargs -r kill -9 || true
    wait "$job" 2> /dev/null && fail "the job has ended before it was killed"
    [ -e c ] || fail "no checkpoint: $(cat part.txt)"
}

resumed() {
    # The job must last longer than it takes to kill it.
    local chains=300
    [ "$profile" = dev ] || chains=6000
    local sample=(sample g.json --dynamics underdamped --step 0.05 --method pmm1 --chains $chains)
    sample+=(--steps 6000 --seed 5 --every 100 --burn-in 50)
    local durable=("${sample[@]}" --checkpoint c --checkpoint-every 0.1 --resume c)
    rm -rf one* two*
    run one "$langevin" "${sample[@]}" --out @/x.npy --trace @/t.npy --save-state @/s
    sed -i "s#one/##g" one/report
    for after in 2 0 1 4; do
        rm -rf two c c.frames
        mkdir two
        local files=(--out two/x.npy --trace two/t.npy --save-state two/s)
        killed ranks 4 "${durable[@]}" "${files[@]}"
        if [ "$after" = 0 ]; then
            run two "$langevin" "${durable[@]}" "${files[@]}"
        else
            run two ranks "$after" "${durable[@]}" "${files[@]}"
        fi
        same two "resumed" "on $after ranks"
        [ ! -e c ] && [ ! -e c.frames ] || fail "the checkpoint is still there"
    done
    # One process, killed, goes on on 4 ranks.
    rm -rf two c c.frames
    mkdir two
    "$langevin" "${durable[@]}" "${files[@]}" > part.txt 2>&1 &
    local job=$!
    while [ ! -e c ]; do sleep 0.01; done
    kill -9 "$job"
    wait "$job" 2> /dev/null || true
    run two ranks 4 "${durable[@]}" "${files[@]}"
    same two "resumed" "one process on 4 ranks"
    echo "resumed: 4 ranks killed go on on 2, 1 and 4, and in one process; one process on 4"
}

# CODE TEXT COMMAND…: ends with this exit code and one error that says this.
refused() {
    local code=$1 text=$2 found=0
    shift 2
    "$@" > out.txt 2> err.txt || found=$?
    [ "$found" = "$code" ] || fail "$*: exit code $found, expected $code: $(cat err.txt)"
    [ "$(grep -c "^error: " err.txt)" = 1 ] || fail "$*: $(cat err.txt)"
    grep -q "^error: .*$text" err.txt || fail "$*: $(cat err.txt)"
}

failures() {
    local sample=(sample n.json --dynamics overdamped --method em --step 0.01 --steps 2000 --chains 8)
    # Chain 6 is on rank 3 of 4, and its first step is too long for any number.
    for ((n = 0; n < 8; n++)); do [ "$n" = 6 ] && echo 1e308,1e308 || echo 1,1; done > start.csv
    refused 1 "rank 3 of 4: chain 6 is no longer finite" \
        ranks 4 sample n.json --dynamics overdamped --method em --step 10 --steps 50 --chains 8 --start start.csv
    refused 2 "rank 0 of 4: .*--out nowhere/x.npy" ranks 4 "${sample[@]}" --out nowhere/x.npy
    refused 1 "rank 0 of 4: .*No space left" ranks 4 "${sample[@]}" --every 1 --out /dev/full
    refused 2 "unexpected argument" ranks 4 "${sample[@]}" --nonsense
    refused 2 "steps: given 0" ranks 4 sample n.json --dynamics overdamped --method em --step 0.1 --steps 0 --chains 8
    refused 2 "leave it out" ranks 2 "${sample[@]}" --shard 1/2 --save-state s
    refused 2 "leave it out" ranks 2 posterior n.json --tuned t.json --shard 1/2 --save-state s
    refused 2 "chains: given 3" ranks 4 posterior n.json --chains 3
    # Another target in one rank.
    cat > ranked.sh <<'END'
#!/usr/bin/env bash
[ "$OMPI_COMM_WORLD_RANK" = 2 ] && target=g.json || target=n.json
exec "$1" sample "$target" --dynamics overdamped --method em --step 0.01 --steps 20 --chains 8 --save-state s
END
    chmod +x ranked.sh
    local plain=$ranked
    ranked=./ranked.sh refused 2 "rank 2 has other options" ranks 4 "$plain"
    echo "failures: the error of one rank ends the job, once and without a wait"
}

outputs
windows
resumed
failures
