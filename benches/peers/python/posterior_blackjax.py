"""NUTS of blackjax with its window adaptation, all at their defaults.

Usage: posterior_blackjax.py FOLDER SEED...

64 chains, 1000 steps of warm-up and 1000 draws each, 64-bit numbers. Writes the draws of each
target, (draws, chains, dim), into FOLDER, and one line of JSON about each to standard output.
Compilation is not in the seconds. There are as many CPU devices as threads, by pmap. LAYOUT says
how a device runs its chains: `vmap` (the default, two to three times faster on small targets)
together, where all wait for the longest trajectory of each draw, or `map` one after another, where
none waits, which is about as fast on the Gaussian.
`vmap,map` does both. TARGETS=banana,funnel selects targets.
"""

import json
import os
import pathlib
import sys
import time

CHAINS, DEVICES, WARM_UP, DRAWS = 64, 2, 1000, 1000
# Before JAX starts.
os.environ["XLA_FLAGS"] = (
    f"--xla_force_host_platform_device_count={DEVICES} {os.environ.get('XLA_FLAGS', '')}"
)
os.environ["JAX_PLATFORMS"] = "cpu"

import blackjax  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402
from blackjax.adaptation.base import get_filter_adapt_info_fn  # noqa: E402

from targets import targets  # noqa: E402

jax.config.update("jax_enable_x64", True)


def chain(log_density):
    """Warm-up and draws of one chain."""
    # Keeps nothing of the warm-up but the number of gradients.
    keep = get_filter_adapt_info_fn(info_keys={"num_integration_steps"})
    adaptation = blackjax.window_adaptation(
        blackjax.nuts, log_density, adaptation_info_fn=keep
    )

    def warm_up(key, position):
        (state, parameters), info = adaptation.run(key, position, num_steps=WARM_UP)
        return state, parameters, info.info.num_integration_steps.sum()

    def sample(key, state, parameters):
        kernel = blackjax.nuts(log_density, **parameters)

        def step(state, key):
            state, info = kernel.step(key, state)
            return state, (state.position, info.num_integration_steps, info.is_divergent)

        _, (positions, steps, divergent) = jax.lax.scan(
            step, state, jax.random.split(key, DRAWS)
        )
        return positions, steps.sum(), divergent.sum()

    return warm_up, sample


def over_chains(function, layout):
    """The function over (devices, chains of a device)."""
    if layout == "vmap":
        return jax.pmap(jax.vmap(function))
    return jax.pmap(lambda *arguments: jax.lax.map(lambda each: function(*each), arguments))


def compiled(function, *arguments):
    begin = time.perf_counter()
    function = function.lower(*arguments).compile()
    return function, time.perf_counter() - begin


def timed(function, *arguments):
    begin = time.perf_counter()
    result = jax.block_until_ready(function(*arguments))
    return result, time.perf_counter() - begin


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in sys.argv[2:]]
    selected = os.environ.get("TARGETS")
    layouts = os.environ.get("LAYOUT", "vmap").split(",")
    shape = (DEVICES, CHAINS // DEVICES)
    for name, dim, log_density in targets():
        if selected and name not in selected.split(","):
            continue
        for layout in layouts:
            warm_up, sample = (over_chains(f, layout) for f in chain(log_density))
            first = second = None
            for seed in seeds:
                keys = jax.random.split(jax.random.key(seed), 3)
                start = jax.random.normal(keys[0], (*shape, dim))
                warm_keys, sample_keys = (jax.random.split(key, shape) for key in keys[1:])
                if first is None:
                    first, compile_first = compiled(warm_up, warm_keys, start)
                (state, parameters, tuning), warm = timed(first, warm_keys, start)
                if second is None:
                    second, compile_second = compiled(sample, sample_keys, state, parameters)
                result, sampling = timed(second, sample_keys, state, parameters)
                positions, steps, divergent = result
                draws = np.asarray(positions).reshape(CHAINS, DRAWS, dim).transpose(1, 0, 2)
                path = folder / f"{name.replace(' ', '-')}-{layout}-{seed}.npy"
                np.save(path, np.ascontiguousarray(draws))
                line = {
                    "target": name,
                    "method": f"blackjax, {layout}",
                    "seed": seed,
                    "chains": CHAINS,
                    "gradients": int(tuning.sum() + steps.sum()),
                    "seconds": warm + sampling,
                    "sampling": sampling,
                    "compilation": compile_first + compile_second,
                    "divergences": int(divergent.sum()),
                    "verdict": None,
                    "draws": str(path),
                }
                print(json.dumps(line), flush=True)


main()
