"""A loop of one's own in PyTorch, from the table that `langevin plan --table` prints.

    langevin plan --methods pmm2 --evaluations 20 --table --json > table.json
    python run_table.py table.json target.json --chains 200 --seed 7 --out own.npy
    langevin generate target.json --method pmm2 --evaluations 20 --chains 200 --seed 7 --out ours.npy
    python run_table.py table.json target.json --chains 200 --seed 7 --compare ours.npy

A step is a few scaled additions of tensors. The normals are those of the library: Philox4x32-10 by
address, as docs/reproducibility.md describes it. So the samples are the same, up to rounding. With
`torch.randn` in their place the distribution is the same.

The model here is the exact noise of a Gaussian mixture. Put a network in its place: `model` is
called with what it reads, and with the number that tells it the level.
"""

import argparse
import json

import numpy as np
import torch

COIN, START, MOMENTUM = 2, 4, 3


def philox(counter, seed):
    """Philox4x32-10 of Salmon et al. 2011: four arrays of 32 random bits each, as uint64."""
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    c = [np.asarray(word, dtype=np.uint64) for word in counter]
    key = [np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)]
    for _ in range(10):
        products = [c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)]
        c = [
            (products[1] >> shift) ^ c[1] ^ key[0],
            products[1] & low,
            (products[0] >> shift) ^ c[3] ^ key[1],
            products[0] & low,
        ]
        key = [(key[0] + np.uint64(0x9E3779B9)) & low, (key[1] + np.uint64(0xBB67AE85)) & low]
    return c


def unit(high, low):
    """The upper 52 of 64 bits, as the middle of a cell of (0, 1)."""
    bits = ((high << np.uint64(32)) | low) >> np.uint64(12)
    return (bits.astype(np.float64) + 0.5) * 2.0**-52


def normals(seed, chains, step, purpose, index, first, dim):
    """Normals of these chains, coordinates from `first` on, by Box-Muller: two from each block."""
    pairs = np.arange(first // 2, (first + dim + 1) // 2)
    chain, pair = np.meshgrid(chains, pairs, indexing="ij")
    tag = np.full(chain.shape, (purpose << 24) | index)
    w = philox([chain, np.full(chain.shape, step), pair, tag], seed)
    radius = np.sqrt(-2.0 * np.log(unit(w[0], w[1])))
    turns = ((w[2] << np.uint64(20)) | (w[3] >> np.uint64(12))).astype(np.float64) * 2.0**-52
    both = np.stack([radius * np.cos(2 * np.pi * turns), radius * np.sin(2 * np.pi * turns)], -1)
    start = first - 2 * (first // 2)
    return torch.from_numpy(both.reshape(len(chains), -1)[:, start : start + dim].copy())


def uniforms(seed, chains, step, purpose, index):
    same = np.ones_like(chains)
    w = philox([chains, same * step, same * 0xFFFFFFFF, same * ((purpose << 24) | index)], seed)
    return unit(w[0], w[1])


def combine(factors, state, outputs, noise, rows):
    """The sum of factor times tensor over the blocks of the state, the outputs and the noise."""
    terms = zip(factors["state"] + factors["outputs"] + factors["noise"], state + outputs + noise)
    total = torch.zeros_like(state[0][rows])
    for factor, block in terms:
        if factor != 0.0:
            total = total + factor * (block[rows] if len(block) != len(rows) else block)
    return total


def run(table, model, chains, dim, seed):
    numbers = np.arange(chains)
    state = []
    for block, scale in enumerate(table["start"]):
        purpose = START if block == 0 else MOMENTUM
        state.append(scale * normals(seed, numbers, 0, purpose, 0, 0, dim))
    for row in table["steps"]:
        ends = np.array([outcome["below"] for outcome in row["outcomes"]])
        chosen = np.zeros(chains, dtype=int)
        if row["coin"]:
            chosen = np.searchsorted(ends, uniforms(seed, numbers, row["step"], COIN, 0), side="right")
        groups = []
        for at in np.unique(chosen):
            outcome, rows = row["outcomes"][at], np.flatnonzero(chosen == at)
            draw = lambda z: normals(
                seed, rows, row["step"], z["purpose"], z["index"], z["block"] * dim, dim
            )
            own = [block[rows] for block in state]
            groups.append([outcome, rows, own, [], [draw(z) for z in outcome["noise"]]])
        most = max(len(group[0]["evaluations"]) for group in groups)
        for k in range(most):
            # One call of the model for all chains, whatever their coins.
            active = [group for group in groups if len(group[0]["evaluations"]) > k]
            inputs, levels = [], []
            for outcome, rows, own, outputs, noise in active:
                evaluation = outcome["evaluations"][k]
                everything = np.arange(len(rows))
                blocks = [
                    combine(block, own, outputs, noise, everything)
                    for block in evaluation["input"]
                ]
                inputs.append(torch.cat(blocks, 1))
                levels += [(evaluation["number"], evaluation["alpha_bar"])] * len(rows)
            told, alpha_bars = torch.tensor(levels, dtype=torch.float64).T
            answers = model(torch.cat(inputs), told, alpha_bars)
            for group, answer in zip(active, answers.split([len(group[1]) for group in active])):
                group[3] += list(answer.split(dim, 1))
        new = [torch.empty_like(block) for block in state]
        for outcome, rows, own, outputs, noise in groups:
            for block, factors in zip(new, outcome["update"]):
                block[rows] = combine(factors, own, outputs, noise, np.arange(len(rows)))
        state = new
    return state[0]


def mixture(target):
    """The exact noise of a mixture of isotropic Gaussians, E[eps | x]."""
    means = torch.tensor(target["means"], dtype=torch.float64)
    std = torch.tensor(target["std"], dtype=torch.float64).expand(len(means))
    weights = torch.tensor(target.get("weights", [1.0] * len(means)), dtype=torch.float64)

    def model(x, number, alpha_bar):
        signal, noise = alpha_bar.sqrt()[:, None], (1 - alpha_bar).sqrt()[:, None]
        variance = alpha_bar[:, None] * std**2 + (1 - alpha_bar)[:, None]
        away = x[:, None] - signal[:, :, None] * means
        logs = weights.log() - 0.5 * (away**2).sum(-1) / variance
        logs = logs - 0.5 * means.shape[1] * variance.log()
        shares = torch.softmax(logs, -1) / variance
        return noise * (shares[:, :, None] * away).sum(1)

    return model, means.shape[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("target")
    parser.add_argument("--chains", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out")
    parser.add_argument("--compare", help="samples of `langevin generate` with the same seed")
    arguments = parser.parse_args()
    with open(arguments.table) as file:
        printed = json.load(file)
    if printed["predicts"] != "epsilon" or printed["reads"] != "the state":
        parser.error("the model of this script predicts epsilon from the state: --table epsilon")
    with open(arguments.target) as file:
        model, dim = mixture(json.load(file))
    samples = run(printed["table"], model, arguments.chains, dim, arguments.seed).numpy()
    if arguments.out:
        np.save(arguments.out, samples)
    if arguments.compare:
        away = np.abs(samples - np.load(arguments.compare)).max()
        print(f"{printed['method']}: largest difference {away:.1e}")
        raise SystemExit(0 if away < 1e-5 else 1)


main()
