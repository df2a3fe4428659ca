#!/usr/bin/env bash
# Fetches ONNX Runtime into target/onnxruntime, unless it is there, and says where it is.
# Usage: eval "$(scripts/engine.sh)"
#
# The library comes from the Python package `onnxruntime`, which pip downloads; nothing is
# installed. LANGEVIN_ENGINE_VERSION chooses another version.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${LANGEVIN_ENGINE_VERSION:-1.32.0}
folder=$PWD/target/onnxruntime/$version

library() { find "$folder" -name 'libonnxruntime.so.*' -o -name 'libonnxruntime.*dylib' -o -name 'onnxruntime.dll' 2> /dev/null | sort | head -n 1; }

if [ -z "$(library)" ]; then
    python=$(command -v python3 || command -v python)
    download=$(mktemp -d)
    trap 'rm -rf "$download"' EXIT
    echo "fetching onnxruntime $version" >&2
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$download" "onnxruntime==$version" >&2
    mkdir -p "$folder"
    "$python" -m zipfile -e "$download"/onnxruntime-*.whl "$download/wheel"
    find "$download/wheel/onnxruntime/capi" -name 'libonnxruntime*' -exec cp {} "$folder" \; \
        -o -name 'onnxruntime*.dll' -exec cp {} "$folder" \;
    cp "$download"/wheel/onnxruntime/{LICENSE,ThirdPartyNotices.txt} "$folder" 2> /dev/null || true
fi
found=$(library)
if [ -z "$found" ]; then
    echo "the package onnxruntime $version has no library for this machine" >&2
    exit 1
fi
echo "export ORT_DYLIB_PATH='$found'"
