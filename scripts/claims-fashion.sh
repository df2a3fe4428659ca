#!/usr/bin/env bash
# The tables of docs/claims.md on the networks of 28 x 28 pictures, examples/models/fashion-*.onnx.
# Usage: scripts/claims-fashion.sh [FOLDER]
#
# It takes about 35 hours on two cores of the CPU: SEEDS, CHAINS and METHODS make it shorter, and
# DEVICE=cuda:0 runs it in half an hour on a large GPU, where ORT_DYLIB_PATH names a library with that
# device. CSV files and pictures go to FOLDER (default: target/claims). The 60,000 pictures of
# Fashion-MNIST come from the Debian package dataset-fashion-mnist, or from the folder FASHION_MNIST
# with train-images-idx3-ubyte.gz.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-target/claims}
mkdir -p "$folder"
if [ -z "${ORT_DYLIB_PATH:-}" ]; then eval "$(scripts/engine.sh)"; fi

pictures=$folder/fashion-train.npy
if [ ! -f "$pictures" ]; then
    if [ -z "${FASHION_MNIST:-}" ]; then
        download=$(mktemp -d)
        trap 'rm -rf "$download"' EXIT
        (cd "$download" && apt-get download --quiet dataset-fashion-mnist && dpkg-deb -x ./*.deb .)
        FASHION_MNIST=$download/usr/share/datasets/fashion-mnist
    fi
    python3 - "$FASHION_MNIST/train-images-idx3-ubyte.gz" "$pictures" <<'PYTHON'
import gzip, sys
pixels = gzip.open(sys.argv[1]).read()[16:]
head = "{'descr': '|u1', 'fortran_order': False, 'shape': (60000, 784), }"
head += " " * (-(len(head) + 11) % 64) + "\n"
with open(sys.argv[2], "wb") as out:
    out.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + pixels)
PYTHON
fi

cargo build --quiet --release -p langevin-cli
langevin=target/release/langevin
against=(--reference "$pictures" --features examples/models/fashion-features.onnx --metric features
    --device "${DEVICE:-cpu}" --seeds "${SEEDS:-5}" --chains "${CHAINS:-2000}")

echo "== budgets from 10 to 80 evaluations"
"$langevin" compare --model examples/models/fashion-vp.onnx "${against[@]}" \
    --methods "${METHODS:-ddpm@1000,pmm2m,pmm2:form=noise,pmm2,pmm2:selection=importance,sde-dpmpp2m,dpmpp2m,ddim}" \
    --evaluations "${EVALUATIONS:-10,14,20,30,50,80}" \
    --csv "$folder/fashion.csv" --plot "$folder/fashion.svg" | tee "$folder/fashion.txt"

echo "== phase space: Euler-Maruyama, SSCS, splitting naive and reduced"
"$langevin" compare --model examples/models/fashion-psld.onnx "${against[@]}" \
    --methods "${PHASE_METHODS:-em@1000,em,sscs,oba,bao,obab,roba,rbao,robab}" \
    --evaluations "${PHASE_EVALUATIONS:-50,100,250}" \
    --csv "$folder/fashion-psld.csv" --plot "$folder/fashion-psld.svg" | tee "$folder/fashion-psld.txt"
