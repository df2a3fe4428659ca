"""The workloads in NumPy: as one writes them, and tuned.

Tuned: chains are the last axis, memory is reused, ufuncs write in place, matrix products take the
sums over components, chains go in blocks that fit the cache, and SFC64 makes the normals.
"""

import numpy as np

from problems import (
    MEANS, SETTINGS, STD, Contestant, ddpm_factors, digits, logistic, normals_of_a_turn, serve,
)

# Chains of a block of the tuned programs: about half a megabyte of what a step touches.
BLOCK = {"W1": 2048, "W2": 256, "W3": 2048, "W4": 64}


def natural_mixture(means):
    def score(x):
        away = means - x[:, None, :]
        exponent = -0.5 / STD**2 * (away**2).sum(-1)
        weight = np.exp(exponent - exponent.max(1, keepdims=True))
        weight /= weight.sum(1, keepdims=True)
        return (weight[:, :, None] * away).sum(1) / STD**2

    return score


def natural_logistic():
    features, labels = logistic()

    def score(x):
        p = 1.0 / (1.0 + np.exp(-x @ features.T))
        return (labels - p) @ features - x

    return score


def natural(workload, score, dim):
    s = SETTINGS[workload]
    h, shape = s["step"], (s["chains"], dim)

    def ula():
        rng = np.random.default_rng(1)
        x = np.zeros(shape)
        for _ in range(s["steps"]):
            x = x + h * score(x) + np.sqrt(2 * h) * rng.standard_normal(shape)
        return x

    def baoab():
        rng = np.random.default_rng(1)
        x, v = np.zeros(shape), rng.standard_normal(shape)
        keep = np.exp(-s["friction"] * h)
        force = score(x)
        for _ in range(s["steps"]):
            v = v + h / 2 * force
            x = x + h / 2 * v
            v = keep * v + np.sqrt(1 - keep**2) * rng.standard_normal(shape)
            x = x + h / 2 * v
            force = score(x)
            v = v + h / 2 * force
        return x

    return baoab if "friction" in s else ula


def tuned_mixture(means, block, dtype):
    scaled = (means / STD**2).astype(dtype)
    across = np.ascontiguousarray(scaled.T)
    offset = (-0.5 / STD**2 * (means**2).sum(1, keepdims=True)).astype(dtype)
    weight = np.empty((len(means), block), dtype)
    one = np.empty(block, dtype)
    precision = dtype(1 / STD**2)

    def score(x, out, spare):
        np.matmul(scaled, x, out=weight)
        np.add(weight, offset, out=weight)
        np.max(weight, axis=0, out=one)
        np.subtract(weight, one, out=weight)
        np.exp(weight, out=weight)
        np.sum(weight, axis=0, out=one)
        np.matmul(across, weight, out=out)
        np.divide(out, one, out=out)
        np.multiply(x, precision, out=spare)
        np.subtract(out, spare, out=out)

    return score


def tuned_logistic(block, dtype):
    features, labels = logistic()
    features = features.astype(dtype)
    across = np.ascontiguousarray(features.T)
    labels = labels[:, None].astype(dtype)
    p = np.empty((len(features), block), dtype)

    def score(x, out, spare):
        np.matmul(features, x, out=p)
        np.negative(p, out=p)
        np.exp(p, out=p)
        np.add(p, dtype(1), out=p)
        np.reciprocal(p, out=p)
        np.subtract(labels, p, out=p)
        np.matmul(across, p, out=out)
        np.subtract(out, x, out=out)

    return score


def tuned(workload, score, dim, dtype):
    s = SETTINGS[workload]
    h, block = s["step"], BLOCK[workload]
    shape = (dim, block)
    x, v, force, z, spare = (np.empty(shape, dtype) for _ in range(5))
    step, half, width = dtype(h), dtype(h / 2), dtype(np.sqrt(2 * h))
    keep = np.exp(-s.get("friction", 0.0) * h)
    kept, fresh = dtype(keep), dtype(np.sqrt(1 - keep**2))

    def add(to, factor, what):
        np.multiply(what, factor, out=spare)
        np.add(to, spare, out=to)

    def ula(rng):
        x.fill(0)
        for _ in range(s["steps"]):
            score(x, force, spare)
            add(x, step, force)
            rng.standard_normal(dtype=dtype, out=z)
            add(x, width, z)

    def baoab(rng):
        x.fill(0)
        rng.standard_normal(dtype=dtype, out=v)
        score(x, force, spare)
        for _ in range(s["steps"]):
            add(v, half, force)
            add(x, half, v)
            np.multiply(v, kept, out=v)
            rng.standard_normal(dtype=dtype, out=z)
            add(v, fresh, z)
            add(x, half, v)
            score(x, force, spare)
            add(v, half, force)

    one = baoab if "friction" in s else ula

    def run():
        rng = np.random.Generator(np.random.SFC64(1))
        out = np.empty((dim, s["chains"]), dtype)
        for start in range(0, s["chains"], block):
            one(rng)
            out[:, start : start + block] = x
        return out.T

    return run


def normals(dtype):
    s = SETTINGS["W0"]
    rng = np.random.Generator(np.random.SFC64(1))
    out = np.empty((s["chains"], s["dim"]), dtype)

    def run():
        for _ in range(s["steps"]):
            rng.standard_normal(dtype=dtype, out=out)
        return out

    return run


def diffusion():
    """DDPM on the digits by two matrix products a step, in place."""
    s, factors = SETTINGS["W5"], ddpm_factors().astype(np.float32)
    data = digits().astype(np.float32)
    across = np.ascontiguousarray(data.T)
    square = (data**2).sum(1)
    shape = (s["chains"], data.shape[1])
    weight = np.empty((s["chains"], len(data)), np.float32)
    mean, z = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def run():
        rng = np.random.Generator(np.random.SFC64(1))
        x = rng.standard_normal(shape, dtype=np.float32)
        for xm, mm, of_x, of_mean, of_z in factors:
            np.matmul(x, across, out=weight)
            np.multiply(weight, xm, out=weight)
            np.subtract(weight, mm * square, out=weight)
            np.subtract(weight, weight.max(1, keepdims=True), out=weight)
            np.exp(weight, out=weight)
            np.matmul(weight, data, out=mean)
            np.multiply(mean, of_mean / weight.sum(1, keepdims=True), out=mean)
            rng.standard_normal(dtype=np.float32, out=z)
            np.multiply(z, of_z, out=z)
            x *= of_x
            x += mean
            x += z
        return x

    return run


def contestants(workload):
    dtypes = [("f64", np.float64), ("f32", np.float32)]
    if workload == "W0":
        units = normals_of_a_turn()
        return [
            Contestant("W0", "NumPy", "in place, SFC64", name, normals(dtype), units)
            for name, dtype in dtypes
        ]
    if workload == "W5":
        return [Contestant("W5", "NumPy", "tuned", "f32", diffusion())]
    if workload not in BLOCK:
        return []
    if workload == "W4":
        dim, plain = 31, natural_logistic()
        fast = [tuned_logistic(BLOCK["W4"], dtype) for _, dtype in dtypes]
    else:
        means = MEANS[workload]()
        dim, plain = means.shape[1], natural_mixture(means)
        fast = [tuned_mixture(means, BLOCK[workload], dtype) for _, dtype in dtypes]
    out = [Contestant(workload, "NumPy", "natural", "f64", natural(workload, plain, dim))]
    for (name, dtype), score in zip(dtypes, fast):
        run = tuned(workload, score, dim, dtype)
        out.append(Contestant(workload, "NumPy", "tuned", name, run))
    return out


if __name__ == "__main__":
    serve(contestants)
