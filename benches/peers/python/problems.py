"""The workloads of workloads.json for peers in Python, and the loop that answers for them."""

import functools
import json
import pathlib
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[2] / "examples" / "data"
SETTINGS = json.loads((HERE.parent / "workloads.json").read_text())
# Standard deviation of a Gaussian of both mixtures.
STD = 0.5


@functools.cache
def congruence(count, seed=1):
    """Numbers in [-1, 1) of a small linear congruence."""
    out, word = np.empty(count), seed
    for i in range(count):
        word = (word * 1664525 + 1013904223) % 2**32
        out[i] = (word >> 8) / 2**23 - 1.0
    return out


def circle():
    """Means of eight Gaussians on a circle of radius 4."""
    angle = 2 * np.pi * np.arange(8) / 8
    return 4.0 * np.stack([np.cos(angle), np.sin(angle)], 1)


def sixteen():
    """Means of sixteen Gaussians in 64 dimensions."""
    return congruence(16 * 64).reshape(16, 64)


MEANS = {"W1": circle, "W2": sixteen, "W3": circle}


def logistic():
    """The breast cancer data, 30 standardised features and an intercept; and the labels."""
    raw = np.load(DATA / "breast_cancer_x_f64.npy")
    labels = np.load(DATA / "breast_cancer_y_u8.npy").astype(float)
    standardised = (raw - raw.mean(0)) / raw.std(0)
    return np.hstack([standardised, np.ones((len(raw), 1))]), labels


def digits():
    """The real digits in [-1, 1]."""
    return np.load(DATA / "digits_8x8_u8.npy").reshape(-1, 64) / 8.0 - 1.0


def ddpm():
    """The steps of DDPM from the noisiest level on, as dictionaries of numbers.

    With x0 and the noise predicted: x <- data x0 + noise eps + width z. `scale`, `variance` say
    what a point of the data is at this level: N(scale m, variance).
    """
    steps, bandwidth = SETTINGS["W5"]["steps"], SETTINGS["W5"]["bandwidth"]
    alpha_bar = np.concatenate([[1.0], np.cumprod(1.0 - np.linspace(1e-4, 0.02, steps))])
    for t in range(steps, 0, -1):
        a, b = alpha_bar[t], alpha_bar[t - 1]
        width = np.sqrt((1.0 - b) / (1.0 - a) * (1.0 - a / b))
        yield {
            "scale": np.sqrt(a),
            "variance": a * bandwidth**2 + 1.0 - a,
            "sigma": np.sqrt(1.0 - a),
            # Of m in the mean of the data given x, the rest being a share of x / scale.
            "shrink": a * bandwidth**2 / (a * bandwidth**2 + 1.0 - a),
            "data": np.sqrt(b),
            "noise": np.sqrt(max(0.0, 1.0 - b - width**2)),
            "width": width,
        }


def ddpm_factors():
    """Rows (logit of x m, logit of |m|^2, of x, of the mean of m, of z) of the steps of DDPM.

    With w the softmax of `xm` x m - `mm` |m|^2 and M = w m: x <- `x` x + `m` M + `z` z.
    """
    rows = []
    for s in ddpm():
        # x0 = (1 - shrink) M + shrink x / scale, eps = (x - scale x0) / sigma
        data = s["data"] - s["noise"] * s["scale"] / s["sigma"]
        rows.append([
            s["scale"] / s["variance"],
            0.5 * s["scale"] ** 2 / s["variance"],
            s["noise"] / s["sigma"] + data * s["shrink"] / s["scale"],
            data * (1.0 - s["shrink"]),
            s["width"],
        ])
    return np.array(rows)


def normals_of_a_turn():
    """Numbers that a turn of W0 draws."""
    s = SETTINGS["W0"]
    return s["chains"] * s["dim"] * s["steps"]


class Contestant:
    """One of those who take turns. `run()` returns the positions, (chains, dim), or a promise."""

    def __init__(self, workload, peer, variant, precision, run, units=None):
        settings = SETTINGS[workload.split()[0]]
        self.described = {
            "workload": workload, "peer": peer, "variant": variant, "precision": precision,
            "units": units or settings["chains"] * settings["steps"],
        }
        self.run = run


def serve(contestants, finish=lambda x: x):
    """Answers lines of the input. `contestants(workload)` makes a list; `finish` waits."""
    have = []
    for line in sys.stdin:
        words = line.split()
        if words[0] == "list":
            have = contestants(words[1])
            reply = [contestant.described for contestant in have]
        elif words[0] == "turn":
            run = have[int(words[1])].run
            wall, cpu = time.perf_counter(), time.process_time()
            finish(run())
            reply = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        else:
            positions = finish(have[int(words[1])].run())
            np.save(words[2], np.asarray(positions, dtype=np.float64))
            reply = {"saved": True}
        print(json.dumps(reply), flush=True)
