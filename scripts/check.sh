#!/usr/bin/env bash
# Everything that must hold before a change lands. Usage: scripts/check.sh [fast | all]
#
# fast: format, lints (benches too), tests; minutes. all (the default): also the structure of the
# sources, the documentation, the library without features, examples, draws in ArviZ, the commands of
# the README, links.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; "$@"; }

features=mlp,onnx,plot,progress,serde

# ONNX Runtime, for the tests of networks from ONNX files. With it none of them may be skipped.
engine() {
    local said
    printf '\n== scripts/engine.sh\n'
    if said=$(scripts/engine.sh); then
        eval "$said"
        export LANGEVIN_REQUIRE_ENGINE=1
        echo "$ORT_DYLIB_PATH"
    else
        printf '\n!! ONNX Runtime could not be fetched: the tests of ONNX networks are SKIPPED\n\n'
    fi
}

fast() {
    step cargo fmt --all --check
    step cargo clippy --workspace --all-targets -- -D warnings
    # The test command of the README: unit, integration and documentation tests.
    step cargo test --workspace
}

documentation() {
    RUSTDOCFLAGS="-D warnings" step cargo doc -p langevin --no-deps
    RUSTDOCFLAGS="-D warnings" step cargo doc -p langevin --no-deps --features "$features"
    step scripts/links.sh
}

# The core without any feature: one thread, the same bits.
bare() {
    step cargo clippy -p langevin --lib --tests --no-default-features -- -D warnings
    step cargo test -p langevin --no-default-features --test run
}

# Examples are checked without pictures, built with them, and run. Each takes seconds.
examples() {
    local folder=$1 name
    step cargo check -p langevin --examples
    step cargo build --release -p langevin --examples --features "$features"
    for path in examples/*.rs; do
        name=$(basename "$path" .rs)
        if [ "$name" = onnx_network ] && [ -z "${ORT_DYLIB_PATH:-}" ]; then continue; fi
        printf '\n== example %s\n' "$name"
        "target/release/examples/$name" "$folder/$name.svg" > "$folder/$name.txt"
        tail -n 3 "$folder/$name.txt"
    done
}

# The recipe for ArviZ, with its numbers, where Python can make an environment and pip download.
arviz() {
    local code=0
    printf '\n== scripts/arviz.sh\n'
    DRAWS=target/release/examples/draws LANGEVIN=target/debug/langevin scripts/arviz.sh || code=$?
    case $code in
    0) ;;
    3) printf '\n!! ArviZ could not be installed: its recipe is NOT CHECKED\n\n' ;;
    *) return "$code" ;;
    esac
}

# The commands of the README and the guides, with their results in a folder.
commands() {
    local folder=$1
    step cargo run --quiet --release -p langevin-cli -- sample examples/eight_gaussians.json \
        --dynamics underdamped --method pmm2 --step 0.2 --steps 400 --chains 10000 \
        --out "$folder/samples.npy" --plot "$folder/samples.svg"
    local langevin=target/release/langevin
    step "$langevin" generate --data examples/data/digits_8x8_u8.npy --scale=-1,1 --bandwidth 0.1 \
        --method pmm2 --evaluations 50 --chains 100 \
        --grid-image "$folder/digits.png" --image-shape 8x8
    step "$langevin" generate --model examples/models/digits.safetensors --method pmm2 \
        --evaluations 50 --chains 100 --grid-image "$folder/network.png"
    step "$langevin" compare --model examples/models/digits-psld.safetensors \
        --reference examples/data/digits_8x8_u8.npy --reference-range 0,16 --methods roba,oba --evaluations 50 \
        --seeds 2 --chains 500 --csv "$folder/compare.csv" --plot "$folder/compare.svg"
    if [ -n "${ORT_DYLIB_PATH:-}" ]; then
        step "$langevin" generate --model examples/models/fashion-vp.onnx \
            --labels 0,1,2,3,4,5,6,7,8,9 --method pmm2m --evaluations 10 --chains 20 \
            --grid-image "$folder/fashion.png"
    fi
    if command -v cc > /dev/null; then
        step cc -O2 -Wall -Werror -shared -fPIC -o "$folder/eight_schools.so" \
            examples/target-library/eight_schools.c -lm
        step "$langevin" sample --target-library "$folder/eight_schools.so" --method baoab \
            --friction 0.6 --step 0.25 --steps 800 --burn-in 300 --chains 2000 \
            --plot "$folder/schools.svg"
    fi
    for shell in bash zsh fish; do "$langevin" completions "$shell" > "$folder/$shell"; done
    bash -n "$folder/bash"
    "$langevin" man > "$folder/langevin.1"
}

# The stated minimum version, where that toolchain is installed.
minimum() {
    local version
    version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if command -v rustup > /dev/null && rustup toolchain list | grep -q "^$version"; then
        step cargo "+$version" check --workspace
    else
        printf '\n== minimum Rust version %s: toolchain not installed, not checked\n' "$version"
    fi
}

case ${1:-all} in
fast)
    engine
    fast
    ;;
all)
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    step python3 scripts/structure.py
    engine
    fast
    documentation
    bare
    examples "$folder"
    arviz
    commands "$folder"
    minimum
    ;;
*)
    echo "usage: scripts/check.sh [fast | all]" >&2
    exit 2
    ;;
esac
printf '\nall checks passed\n'
