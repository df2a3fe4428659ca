#!/usr/bin/env bash
# The tables of docs/claims.md, from the trained networks in examples/models.
# Usage: scripts/claims.sh [FOLDER]
#
# It takes about an hour and a half on two cores, a quarter of it for the first table. CSV files and pictures
# go to FOLDER (default: target/claims). SEEDS, CHAINS and PHASE_CHAINS make it shorter.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-target/claims}
mkdir -p "$folder"
cargo build --quiet --release -p langevin-cli
langevin=target/release/langevin
against=(--reference examples/data/digits_8x8_u8.npy --reference-range 0,16 --features examples/models/digits-features.safetensors)

echo "== DDPM with 1000 evaluations against fewer"
"$langevin" compare --model examples/models/digits.safetensors "${against[@]}" --metric features,frechet,energy,copies \
    --methods ddpm@1000,ddpm,ddpm:grid=equal,ddim,dpmpp2m,pmm2:form=noise,pmm2:form=noise:grid=equal --evaluations 20,40,50,60,80 \
    --seeds "${SEEDS:-5}" --chains "${CHAINS:-10000}" --csv "$folder/ddpm.csv" --plot "$folder/ddpm.svg" | tee "$folder/ddpm.txt"

echo "== budgets from 10 to 80 evaluations"
"$langevin" compare --model examples/models/digits.safetensors "${against[@]}" --metric features,frechet \
    --methods ddpm@1000,pmm2m,pmm2m:selection=uniform,pmm2,pmm2:form=velocity+data,pmm2:selection=importance,pmm1,sde-dpmpp2m,sde-dpmpp2m:rule=exact,sde-dpmpp3m,sa,er-sde,ddpm,unipc,dpmpp2m,deis,ddim,heun \
    --evaluations 10,14,20,30,40,50,80 --seeds "${SEEDS:-5}" --chains "${CHAINS:-10000}" \
    --csv "$folder/budgets.csv" --plot "$folder/budgets.svg" | tee "$folder/budgets.txt"

echo "== the scale of the position noise, at 50 evaluations and other seeds: 0 is none"
methods=
for word in roba rbao robab; do
    for scale in 0 0.5 1 2 4; do methods+=,$word:lambda-s=$scale; done
done
"$langevin" compare --model examples/models/digits-psld.safetensors "${against[@]}" \
    --metric frechet,features --methods "${methods#,}" --evaluations 50 --seed 100 --seeds 2 \
    --chains "${PHASE_CHAINS:-3000}" --csv "$folder/lambda.csv" | tee "$folder/lambda.txt"

echo "== phase space: Euler-Maruyama, SSCS, splitting naive and reduced"
"$langevin" compare --model examples/models/digits-psld.safetensors "${against[@]}" --metric frechet,features \
    --methods em,sscs,oba,bao,obab,roba,rbao,robab,roba:lambda-s=0,rbao:lambda-s=0,robab:lambda-s=0 \
    --evaluations 50,100,250,500,1000 --seeds "${PHASE_SEEDS:-3}" --chains "${PHASE_CHAINS:-3000}" \
    --csv "$folder/phase.csv" --plot "$folder/phase.svg" | tee "$folder/phase.txt"
