#!/usr/bin/env python3
"""Golden numbers for summaries of posteriors from the Python package ArviZ (0.23).

    python3 summary_reference.py > summary_reference.json

Traces are AR(1) series of uniforms from SplitMix64, or simple functions of them. Every operation on
them is exact IEEE arithmetic in the same order as in `src/metrics/posterior.rs`, so both sides have
the same bits.

R-hat is that of `arviz.rhat`. For an odd number of frames `arviz.summary` differs from it in the
last digits: its median counts the middle frame. For one chain ArviZ has no R-hat. The lines of its
function are then run without their check of the number of chains.
"""
import json
import sys

import arviz as az
import numpy as np
from arviz.stats import diagnostics

MASK = (1 << 64) - 1
PROBABILITIES = [0.05, 0.25, 0.5, 0.95]

#        seed, saved, chains, rho, shift, scale, kind
CASES = [
    (1, 100, 4, 0.0, 0.0, 0.0, "plain"),
    (2, 101, 3, 0.5, 0.0, 0.0, "plain"),
    (3, 60, 5, 0.95, 0.0, 0.0, "plain"),
    (4, 200, 2, -0.6, 0.0, 0.0, "plain"),
    (5, 50, 4, 0.3, 0.2, 0.0, "plain"),
    (6, 80, 4, 0.3, 0.0, 2.0, "plain"),
    (7, 120, 3, 0.2, 0.0, 0.0, "ties"),
    (8, 401, 1, 0.9, 0.0, 0.0, "plain"),
    (9, 301, 1, 0.8, 0.0, 0.0, "heavy"),
    (10, 1000, 4, 0.99, 0.0, 0.0, "plain"),
    (11, 250, 4, 0.5, 0.0, 0.0, "heavy"),
    (12, 333, 3, -0.9, 0.0, 0.0, "plain"),
    (13, 200, 4, 0.4, 0.0, 0.0, "binary"),
    (14, 20, 2, 0.1, 0.0, 0.0, "plain"),
    (15, 2001, 2, 0.7, 0.0, 0.0, "far"),
]


class SplitMix64:
    def __init__(self, state):
        self.state = state

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        return (z >> 11) * 2.0**-53


def trace(seed, saved, chains, rho, shift, scale, kind):
    """Shape (chains, saved), as ArviZ takes it."""
    generator = SplitMix64(seed)
    values = np.zeros((chains, saved))
    for chain in range(chains):
        x = 0.0
        for frame in range(saved):
            x = rho * x + (generator.uniform() - 0.5)
            value = x * (1.0 + scale * chain) + shift * chain
            if kind == "ties":
                value = np.floor(value * 4.0) * 0.25
            elif kind == "binary":
                value = 1.0 if value > 0.125 else 0.0
            elif kind == "heavy":
                # A density that falls like |x|^(-3/2), up to 1024.
                value = 1.0 / (value * value + 0.0009765625) * (1.0 if value > 0.0 else -1.0)
            elif kind == "far":
                value = value + 1000.0
            values[chain, frame] = value
    return values


def r_hat_of_halves(values):
    """`diagnostics._rhat_rank` without its check."""
    split = diagnostics._split_chains(values)
    folded = abs(split - np.median(split))
    return max(diagnostics._rhat(diagnostics._z_scale(x)) for x in (split, folded))


def statistics(values):
    quantile = lambda function: [float(function(p)) for p in PROBABILITIES]
    one = lambda x: float(np.asarray(x))
    several = values.shape[0] > 1
    summary = az.summary({"x": values}, round_to="none").iloc[0]
    row = {
        "mean": one(summary["mean"]),
        "sd": one(summary["sd"]),
        "quantiles": quantile(lambda p: diagnostics._quantile(values, p)[0]),
        "mcse_mean": one(az.mcse(values, method="mean")),
        "mcse_sd": one(az.mcse(values, method="sd")),
        "mcse_quantiles": quantile(lambda p: az.mcse(values, method="quantile", prob=p)),
        "ess_bulk": one(az.ess(values, method="bulk")),
        "ess_tail": one(az.ess(values, method="tail")),
        "ess_mean": one(az.ess(values, method="mean")),
        "ess_sd": one(az.ess(values, method="sd")),
        "ess_quantiles": quantile(lambda p: az.ess(values, method="quantile", prob=p)),
        "r_hat": one(az.rhat(values) if several else r_hat_of_halves(values)),
    }
    same = ["mcse_mean", "mcse_sd", "ess_bulk", "ess_tail"]
    if several and values.shape[1] % 2 == 0:
        same.append("r_hat")
    for name in same:
        assert abs(float(summary[name]) / row[name] - 1.0) < 1e-12, name
    return row


def main():
    cases = []
    for case in CASES:
        names = ("seed", "saved", "chains", "rho", "shift", "scale", "kind")
        cases.append({**dict(zip(names, case)), **statistics(trace(*case))})
    json.dump({"arviz": az.__version__, "probabilities": PROBABILITIES, "cases": cases}, sys.stdout,
              indent=1)
    print()


if __name__ == "__main__":
    main()
