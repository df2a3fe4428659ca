#!/bin/sh
# Opens stores of draws with ArviZ and compares its numbers with those of the example `draws`, and
# its summary with that of `langevin sample`, which streams its draws to the store.
# The first call installs ArviZ in target/arviz, and ends with 3 if that fails. Another Python:
#   PYTHON=path/to/python VENV=target/arviz-other scripts/arviz.sh
# DRAWS names the example and LANGEVIN the program if they are built already.
set -eu
cd "$(dirname "$0")/.."
venv="${VENV:-target/arviz}"
if ! "$venv/bin/python" -c 'import arviz, xarray, zarr' 2> /dev/null; then
    if ! { "${PYTHON:-python3}" -m venv "$venv" && "$venv/bin/pip" install -q arviz xarray zarr; }
    then
        echo "ArviZ could not be installed in $venv" >&2
        exit 3
    fi
fi
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
if [ -n "${DRAWS:-}" ]; then
    "$DRAWS" "$work/draws.zarr" > "$work/said.txt"
else
    cargo run -q -p langevin --features serde --example draws -- "$work/draws.zarr" \
        > "$work/said.txt"
fi
"$venv/bin/python" scripts/arviz_compare.py "$work/draws.zarr" "$work/said.txt"

cat > "$work/g.json" << 'JSON'
{"means": [[1, -2, 0.5]], "covariances": [[[1, 0.6, 0.3], [0.6, 1, 0.5], [0.3, 0.5, 2]]]}
JSON
set -- sample "$work/g.json" --method baoab --step 0.3 --steps 2500 --chains 4 --every 5 --seed 7 \
    --trace "$work/run.zarr" --names "mu,theta[0],theta[1]" --json
if [ -n "${LANGEVIN:-}" ]; then
    "$LANGEVIN" "$@" > "$work/run.json"
else
    cargo run -q -p langevin-cli -- "$@" > "$work/run.json"
fi
"$venv/bin/python" scripts/arviz_compare.py "$work/run.zarr" "$work/run.json"
