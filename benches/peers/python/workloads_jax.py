"""The workloads in JAX and diffrax. Usage: workloads_jax.py f32|f64

Natural: `grad` of the log density of a point, `vmap` over chains, `scan` over steps, and for diffrax
its `diffeqsolve` with a virtual Brownian tree. Tuned: chains are the last axis; sums over
components are unrolled (2 dimensions) or matrix products; one jitted scan.
"""

import functools
import sys

import jax

PRECISION = sys.argv[1]
jax.config.update("jax_enable_x64", PRECISION == "f64")

import diffrax
import jax.numpy as jnp
import lineax
import numpy as np

from problems import (
    MEANS, SETTINGS, STD, Contestant, ddpm_factors, digits, logistic, normals_of_a_turn, serve,
)

DTYPE = jnp.float64 if PRECISION == "f64" else jnp.float32


def log_density(workload):
    """Of one point."""
    if workload == "W4":
        features, labels = (jnp.asarray(a, DTYPE) for a in logistic())

        def density(x):
            z = features @ x
            return labels @ z - jnp.sum(jnp.logaddexp(0.0, z)) - 0.5 * x @ x
    else:
        means = jnp.asarray(MEANS[workload](), DTYPE)

        def density(x):
            square = jnp.sum((x - means) ** 2, 1)
            return jax.scipy.special.logsumexp(-0.5 / STD**2 * square)

    return density


def unrolled(means):
    """The score of a mixture in two dimensions, component by component."""
    means = means.tolist()

    def score(x):
        exponents = [
            (x[0] * m[0] + x[1] * m[1] - 0.5 * (m[0] ** 2 + m[1] ** 2)) / STD**2 for m in means
        ]
        largest = functools.reduce(jnp.maximum, exponents)
        weights = [jnp.exp(e - largest) for e in exponents]
        scale = 1.0 / (sum(weights) * STD**2)
        pull = [scale * sum(w * m[j] for w, m in zip(weights, means)) for j in range(2)]
        return jnp.stack(pull) - x / STD**2

    return score


def products(means):
    """The score of a mixture by matrix products."""
    scaled = jnp.asarray(means / STD**2, DTYPE)
    offset = jnp.asarray(-0.5 / STD**2 * (means**2).sum(1, keepdims=True), DTYPE)

    def score(x):
        weight = jax.nn.softmax(scaled @ x + offset, axis=0)
        return scaled.T @ weight - x / STD**2

    return score


def logistic_score():
    features, labels = (jnp.asarray(a, DTYPE) for a in logistic())
    return lambda x: features.T @ (labels[:, None] - jax.nn.sigmoid(features @ x)) - x


def langevin(workload, score, shape):
    """A jitted run of all chains, by ULA or BAOAB."""
    s = SETTINGS[workload]
    h = s["step"]
    keep = float(np.exp(-s.get("friction", 0.0) * h))

    def normal(key):
        return jax.random.normal(key, shape, DTYPE)

    def ula(x, key):
        return x + h * score(x) + (2 * h) ** 0.5 * normal(key), None

    def baoab(state, key):
        x, v, force = state
        v = v + h / 2 * force
        x = x + h / 2 * v
        v = keep * v + (1 - keep**2) ** 0.5 * normal(key)
        x = x + h / 2 * v
        force = score(x)
        return (x, v + h / 2 * force, force), None

    @jax.jit
    def run():
        first, rest = jax.random.split(jax.random.key(1))
        keys = jax.random.split(rest, s["steps"])
        x = jnp.zeros(shape, DTYPE)
        if "friction" in s:
            return jax.lax.scan(baoab, (x, normal(first), score(x)), keys)[0][0]
        return jax.lax.scan(ula, x, keys)[0]

    return run


def natural(workload, dim):
    score = jax.vmap(jax.grad(log_density(workload)))
    return langevin(workload, score, (SETTINGS[workload]["chains"], dim))


def tuned(workload, score, dim):
    run = langevin(workload, score, (dim, SETTINGS[workload]["chains"]))
    return lambda: run().T


def constant(x):
    """The diffusion of ULA."""
    return lineax.DiagonalLinearOperator(jnp.full_like(x, 2.0**0.5))


def diffrax_natural(workload, dim):
    """Euler for ULA. Underdamped dynamics: QUICSORT, the solver that its pages advise."""
    s = SETTINGS[workload]
    h, end = s["step"], s["step"] * s["steps"]
    score = jax.grad(log_density(workload))
    is_under = "friction" in s

    def chain(key):
        noise, start = jax.random.split(key)
        levy = diffrax.SpaceTimeTimeLevyArea if is_under else diffrax.BrownianIncrement
        shape = jax.ShapeDtypeStruct((dim,), DTYPE)
        path = diffrax.VirtualBrownianTree(0.0, end, h / 2, shape, noise, levy_area=levy)
        x = jnp.zeros(dim, DTYPE)
        if is_under:
            gamma, u = (jnp.full(dim, c, DTYPE) for c in (s["friction"], 1.0))
            force = diffrax.UnderdampedLangevinDriftTerm(gamma, u, lambda x, _: -score(x))
            shake = diffrax.UnderdampedLangevinDiffusionTerm(gamma, u, path)
            solver, y0 = diffrax.QUICSORT(0.01), (x, jax.random.normal(start, (dim,), DTYPE))
        else:
            force = diffrax.ODETerm(lambda t, x, _: score(x))
            shake = diffrax.ControlTerm(lambda t, x, _: constant(x), path)
            solver, y0 = diffrax.Euler(), x
        out = diffrax.diffeqsolve(
            diffrax.MultiTerm(force, shake), solver, 0.0, end, h, y0, max_steps=s["steps"] + 2
        )
        return out.ys[0][-1] if is_under else out.ys[-1]

    run = jax.jit(jax.vmap(chain))
    keys = jax.random.split(jax.random.key(1), s["chains"])
    return lambda: run(keys)


def diffrax_tuned(workload, score, dim):
    """All chains as one state, and increments of a path that nobody asks for twice."""
    s = SETTINGS[workload]
    h, shape = s["step"], (dim, s["chains"])

    @jax.jit
    def run(key):
        path = diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct(shape, DTYPE), key)
        shake = diffrax.ControlTerm(lambda t, x, _: constant(x), path)
        terms = diffrax.MultiTerm(diffrax.ODETerm(lambda t, x, _: score(x)), shake)
        out = diffrax.diffeqsolve(
            terms, diffrax.Euler(), 0.0, h * s["steps"], h, jnp.zeros(shape, DTYPE),
            adjoint=diffrax.DirectAdjoint(), max_steps=s["steps"] + 2,
        )
        return out.ys[-1].T

    return lambda: run(jax.random.key(1))


def normals(bits):
    s = SETTINGS["W0"]
    draw = jax.jit(lambda key: jax.random.normal(key, (s["chains"], s["dim"]), DTYPE))
    keys = jax.random.split(jax.random.key(1, impl=bits), s["steps"])

    def run():
        for key in keys:
            out = draw(key).block_until_ready()
        return out

    return run


def diffusion():
    """DDPM on the digits by two matrix products a step."""
    s, factors = SETTINGS["W5"], jnp.asarray(ddpm_factors(), DTYPE)
    data = jnp.asarray(digits(), DTYPE)
    square = (data**2).sum(1)
    shape = (s["chains"], data.shape[1])

    def step(x, of):
        key, (xm, mm, of_x, of_mean, of_z) = of
        weight = jax.nn.softmax(xm * (x @ data.T) - mm * square, axis=1)
        z = jax.random.normal(key, shape, DTYPE)
        return of_x * x + of_mean * (weight @ data) + of_z * z, None

    @jax.jit
    def run():
        first, rest = jax.random.split(jax.random.key(1))
        x = jax.random.normal(first, shape, DTYPE)
        return jax.lax.scan(step, x, (jax.random.split(rest, s["steps"]), factors))[0]

    return run


def contestants(workload):
    def new(peer, variant, run, units=None):
        return Contestant(workload, peer, variant, PRECISION, run, units)

    if workload == "W0":
        return [
            new("JAX", bits, normals(bits), normals_of_a_turn())
            for bits in ("threefry2x32", "rbg")
        ]
    if workload == "W5":
        return [new("JAX", "tuned", diffusion())] if PRECISION == "f32" else []
    if workload == "W4":
        dim, score = 31, logistic_score()
    elif workload in MEANS:
        means = MEANS[workload]()
        dim = means.shape[1]
        score = unrolled(means) if dim == 2 else products(means)
    else:
        return []
    out = [
        new("JAX", "natural", natural(workload, dim)),
        new("JAX", "tuned", tuned(workload, score, dim)),
    ]
    if workload in ("W1", "W2"):
        out.append(new("diffrax", "natural", diffrax_natural(workload, dim)))
        out.append(new("diffrax", "tuned", diffrax_tuned(workload, score, dim)))
    if workload == "W3":
        name = "natural, QUICSORT, 2 evaluations"
        out.append(new("diffrax", name, diffrax_natural(workload, dim)))
    return out


if __name__ == "__main__":
    serve(contestants, jax.block_until_ready)
