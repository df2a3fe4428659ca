#!/bin/sh
# Opens a store of draws with ArviZ and compares its numbers with those of the example `draws`.
# The first call installs ArviZ in target/arviz, and ends with 3 if that fails. Another Python:
#   PYTHON=path/to/python VENV=target/arviz-other scripts/arviz.sh
# DRAWS names the example if it is built already.
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
