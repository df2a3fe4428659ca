#!/bin/sh
# A loop in PyTorch from printed tables, compared with the program. Needs numpy and torch:
#   PYTHON=path/to/python scripts/torch.sh
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cargo build -q -p langevin-cli
program=target/debug/langevin
target=examples/eight_gaussians.json
for method in ddim ddpm dpmpp2m sde-dpmpp2m unipc er-sde heun pmm2; do
    "$program" plan --methods "$method" --evaluations 20 --table --json > "$work/table.json"
    "$program" generate "$target" --method "$method" --evaluations 20 --chains 200 --seed 7 \
        --out "$work/ours.npy" > /dev/null
    "$python" examples/torch/run_table.py "$work/table.json" "$target" --chains 200 --seed 7 \
        --compare "$work/ours.npy"
done
