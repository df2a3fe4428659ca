"""The posteriors of rust/src/bin/posterior/targets.rs for JAX: (name, dimension, log density)."""

import pathlib

import jax.numpy as jnp
import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[3] / "examples" / "data"


def gaussian(dim=50):
    """A Gaussian of condition number 10^4 in turned coordinates, around (1, ..., 1)."""
    q = np.eye(dim)
    j = np.arange(dim)
    for k in range(5):
        v = np.sin((3 * k + 7 * j + j * j).astype(float))
        q -= 2.0 * np.outer(v, v @ q) / (v @ v)
    variance = 10.0 ** (-2.0 + 4.0 * j / (dim - 1))
    precision = jnp.asarray((q / variance) @ q.T)
    return lambda x: -0.5 * (1.0 - x) @ precision @ (1.0 - x)


Y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
SIGMA = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def schools(x):
    """mu, log tau and eight effects in units of tau."""
    mu, log_tau, effects = x[0], x[1], x[2:]
    tau = jnp.exp(log_tau)
    rest = (Y - mu - tau * effects) / SIGMA
    prior = -mu * mu / 50.0 + log_tau - jnp.log1p(tau * tau / 25.0)
    return prior - 0.5 * jnp.sum(rest * rest) - 0.5 * jnp.sum(effects * effects)


def centred_schools(x):
    """mu, log tau and eight effects."""
    mu, log_tau, effects = x[0], x[1], x[2:]
    tau = jnp.exp(log_tau)
    rest, t = (Y - effects) / SIGMA, (effects - mu) / tau
    prior = -mu * mu / 50.0 - 7.0 * log_tau - jnp.log1p(tau * tau / 25.0)
    return prior - 0.5 * jnp.sum(rest * rest) - 0.5 * jnp.sum(t * t)


def banana(x):
    return -0.5 * (x[0] ** 2 + (x[1] - x[0] ** 2) ** 2)


def student(x):
    """Two of Student's t with 5 degrees of freedom, in units of 30 and 0.03."""
    t = x / np.array([30.0, 0.03])
    return -3.0 * jnp.sum(jnp.log1p(t * t / 5.0))


def double_well(x):
    return -2.0 * (x[0] ** 2 - 1.0) ** 2 - 0.5 * x[1] ** 2


def funnel(x):
    return -x[0] ** 2 / 18.0 - 0.5 * jnp.sum(x[1:] ** 2) * jnp.exp(-x[0]) - 4.5 * x[0]


def logistic():
    """The breast cancer data: 30 standardised features and an intercept, with a prior N(0, 1)."""
    raw = np.load(DATA / "breast_cancer_x_f64.npy")
    labels = jnp.asarray(np.load(DATA / "breast_cancer_y_u8.npy").astype(float))
    standardised = (raw - raw.mean(0)) / raw.std(0)
    features = jnp.asarray(np.hstack([standardised, np.ones((len(raw), 1))]))

    def log_density(x):
        z = features @ x
        return labels @ z - jnp.sum(jnp.logaddexp(0.0, z)) - 0.5 * x @ x

    return log_density


def targets():
    """Call it after 64-bit numbers are switched on."""
    return [
        ("gaussian", 50, gaussian()),
        ("schools", 10, schools),
        ("logistic", 31, logistic()),
        ("banana", 2, banana),
        ("student", 2, student),
        ("double well", 2, double_well),
        ("centred schools", 10, centred_schools),
        ("funnel", 10, funnel),
    ]
