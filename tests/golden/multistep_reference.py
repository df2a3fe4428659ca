#!/usr/bin/env python3
"""Golden numbers for multistep solvers from the Python package `diffusers`.

    python3 multistep_reference.py > multistep_reference.json

The target, the start and the noise are those of `diffusers_reference.py`, and so is the way to
float64: the schedulers' float32 tables are replaced, and `torch.float32` and `np.float32` mean
float64 while they run. The package as it comes is run as well (`final_f32`).

* DPM++ - DPMSolverMultistep, orders 1 to 3, midpoint and heun (`exact` here). `sde-dpmsolver++` of order 3 has a
          sign wrong in diffusers: the reference replaces `- 0.5` by `+ 0.5` in its update, in the
          source text of the class.
* SA    - SASolver, several orders and tau. It stops at level 1: states before the last step only.
* UniPC - bh1 and bh2, orders 1 to 3.
* DEIS  - orders 1 to 3. It stops at level 1 as well.
"""
import inspect
import json
import sys
import textwrap

import numpy as np
import torch
from diffusers import (DEISMultistepScheduler, DPMSolverMultistepScheduler, SASolverScheduler,
                       UniPCMultistepScheduler)
from diffusers.schedulers import scheduling_deis_multistep as deis_module
from diffusers.schedulers import scheduling_dpmsolver_multistep as dpm_module
from diffusers.schedulers import scheduling_sasolver as sa_module
from diffusers.schedulers import scheduling_unipc_multistep as unipc_module

import diffusers_reference as base

SCHEDULES = ("linear", "squaredcos_cap_v2")


def corrected_third_order(module):
    """The third-order update of the class with the sign of the paper's code for the SDE."""
    cls = module.DPMSolverMultistepScheduler
    text = textwrap.dedent(inspect.getsource(cls.multistep_dpm_solver_third_order_update))
    wrong = "(1.0 - torch.exp(-2.0 * h) - 2.0 * h) / (2.0 * h) ** 2 - 0.5)"
    assert text.count(wrong) == 1, text
    text = text.replace(wrong, wrong.replace("- 0.5", "+ 0.5"))
    scope = dict(vars(module))
    exec(text, scope)
    return scope["multistep_dpm_solver_third_order_update"]


def run(cls, module, schedule, spacing, n, double, patch=None, **config):
    saved = module.torch, module.np
    try:
        s = base.make(cls, schedule, spacing, **config)
        if double:
            base.use_float64_tables(s, schedule)
            module.torch, module.np = base._Float64For(torch), base._Float64For(np)
        if patch:
            s.multistep_dpm_solver_third_order_update = patch(module).__get__(s)
        s.set_timesteps(n)
        dtype = torch.float64 if double else torch.float32
        grid = [int(t) for t in s.timesteps]
        x, states = torch.from_numpy(base.X_T).to(dtype), []
        original = module.randn_tensor if hasattr(module, "randn_tensor") else None
        for i, t in enumerate(grid):
            if original:
                module.randn_tensor = lambda *_, **__: torch.from_numpy(base.noise(i)).to(dtype)
            x = s.step(base.predict(s, x, t), t, x).prev_sample
            assert x.dtype == dtype, x.dtype
            states.append(x.numpy().copy())
        if original:
            module.randn_tensor = original
    finally:
        module.torch, module.np = saved
    return grid, states


def plans(n):
    """The methods as this crate calls them. Below 15 steps orders fall at the end in diffusers."""
    lower = ":lower-at-end" if n < 15 else ""
    for order, solver in ((1, "midpoint"), (2, "midpoint"), (2, "heun"), (3, "midpoint")):
        for kind in ("sde-dpmsolver++", "dpmsolver++"):
            if kind == "dpmsolver++" and order < 3:
                continue
            sde = kind.startswith("sde")
            name = ("sde-dpmpp%d" % order if sde else "dpmpp%d" % order) + "m" * (order > 1)
            name += ":rule=" + {"heun": "exact"}.get(solver, solver) if order > 1 else ""
            name += lower if order == 3 else ""
            patch = corrected_third_order if sde and order == 3 else None
            config = dict(algorithm_type=kind, solver_order=order, solver_type=solver)
            yield name, DPMSolverMultistepScheduler, dpm_module, patch, config, 0
    for p, q, tau in ((1, 1, 1.0), (2, 2, 1.0), (3, 4, 0.5), (4, 3, 1.0), (2, 1, 0.0), (4, 4, 0.0)):
        config = dict(predictor_order=p, corrector_order=q, tau_func=lambda t, tau=tau: tau)
        name = f"sa:predictor={p}:corrector={q}:tau={tau:g}:tau-interval=0+inf"
        yield name, SASolverScheduler, sa_module, None, config, 1
    yield "sa", SASolverScheduler, sa_module, None, dict(predictor_order=2, corrector_order=2), 1
    for variant in ("bh1", "bh2"):
        for order in (1, 2, 3):
            config = dict(solver_order=order, solver_type=variant)
            # bh1 is NaN at the clean end.
            last = 1 if variant == "bh1" else 0
            yield (f"unipc:order={order}:variant={variant}", UniPCMultistepScheduler, unipc_module,
                   None, config, last)
    for order in (1, 2, 3):
        config = dict(solver_order=order, algorithm_type="deis", solver_type="logrho")
        yield f"deis:order={order}{lower}", DEISMultistepScheduler, deis_module, None, config, 1


def rows(a, digits=17):
    return [[float(f"{v:.{digits}g}") for v in r] for r in a]


def main():
    cases = []
    for schedule in SCHEDULES:
        for spacing, n in (("linspace", 10), ("trailing", 25), ("leading", 10), ("leading", 20)):
            if schedule != "linear" and n == 20:
                continue
            for method, cls, module, patch, config, lost in plans(n):
                grid, wide = run(cls, module, schedule, spacing, n, True, patch, **config)
                _, narrow = run(cls, module, schedule, spacing, n, False, patch, **config)
                last = n - lost
                kept = sorted({1, 2, 3, n // 2, last})
                far = float(np.abs(wide[last - 1] - narrow[last - 1]).max())
                cases.append({
                    "method": method, "schedule": schedule, "spacing": spacing, "n": n,
                    "timesteps": grid, "after": {str(k): rows(wide[k - 1]) for k in kept},
                    "max_diff_f32": far, "final_f32": rows(narrow[last - 1], 9), "last": last,
                })
    dump = lambda v: json.dumps(v, separators=(",", ":"), allow_nan=False)
    sys.stdout.write("[\n" + ",\n".join(dump(case) for case in cases) + "\n]\n")
    worst = {}
    for case in cases:
        key = case["method"], case["schedule"]
        worst[key] = max(worst.get(key, 0.0), case["max_diff_f32"])
    for key, far in worst.items():
        print(*key, f"{far:.2g}", file=sys.stderr)


if __name__ == "__main__":
    main()
