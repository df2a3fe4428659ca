#!/usr/bin/env python3
"""Golden numbers for DDIM, DDPM and DPM-Solver++(2M) from the Python package `diffusers`.

    python3 diffusers_reference.py > diffusers_reference.json

A human summary goes to stderr.  No random numbers and no files are used.

The model is the EXACT noise prediction of a noised 2-D Gaussian mixture, in float64.  The schedulers'
float32 tables are replaced by float64 ones; everything else is diffusers' own code, reached like this:

* DDIM  - two runs per case.  "a": the unmodified `step`, whose previous time is
          `t - num_train_timesteps // num_inference_steps`.  "b": the same code, made to use the true next
          entry of `timesteps` (last step -> clean data, abar = 1).
* DDPM  - `randn_tensor` is replaced by a formula.  "a": unmodified.  "b": the last step adds no noise.
* DPM++ - the module's names `torch.float32` and `np.float32` are bound to float64 while it runs ("f64").
          The package as it comes is run as well ("final_f32").

A separate plain-numpy implementation (different code, noise prediction through the posterior mean)
re-computes every float64 case and must agree; see TOL.
"""
import json
import math
import sys
import warnings

import numpy as np
import torch
import diffusers
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from diffusers.schedulers import scheduling_ddpm as ddpm_module
from diffusers.schedulers import scheduling_dpmsolver_multistep as dpm_module

torch.set_num_threads(1)
warnings.filterwarnings("ignore")
diffusers.utils.logging.set_verbosity_error()

T = 1000  # training levels; 0-based training timesteps 0..999
SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2")
SPACINGS = ("leading", "trailing", "linspace")

# Agreement demanded between diffusers and the numpy re-implementation (absolute).  The cosine schedule
# has abar[999] = 2.4e-9, so forming x0 there multiplies rounding errors by 1/sqrt(abar) = 2e4.
TOL = {"linear": 1e-12, "scaled_linear": 1e-12, "squaredcos_cap_v2": 1e-10}

# ---------------------------------------------------------------- target and start rows
WEIGHTS = np.array([0.2, 0.5, 0.3])
MEANS = np.array([[1.0, 0.0], [-0.5, 0.8], [-0.3, -0.9]])
STD = 0.3

X_T = np.array([
    [0.4967141530112327, -0.13826430117118466],
    [0.6476885381006925, 1.5230298564080254],
    [-0.23415337472333597, -0.23413695694918055],
    [1.5792128155073915, 0.7674347291529088],
    [-0.4694743859349521, 0.5425600435859647],
    [-1.9132802446577978, -1.7249178325130328],
])
ROWS, DIM = X_T.shape


def noise(step):
    """The 'standard normal' draw of step `step` (0 = first step of the run); shape (ROWS, DIM)."""
    r, c = np.arange(ROWS)[:, None], np.arange(DIM)[None, :]
    return 1.2 * np.sin(0.37 * (step + 1) + 1.3 * r + 2.1 * c)


def epsilon(x, abar):
    """Exact noise prediction: -sqrt(1-abar) * score of sum_k w_k N(sqrt(abar) mu_k, abar s^2 + 1 - abar)."""
    v = abar * STD**2 + 1.0 - abar
    d = math.sqrt(abar) * MEANS[None] - x[:, None, :]  # (rows, comps, dim)
    logit = np.log(WEIGHTS) - (d**2).sum(-1) / (2 * v)
    r = np.exp(logit - logit.max(1, keepdims=True))
    r /= r.sum(1, keepdims=True)
    score = (r[:, :, None] * d).sum(1) / v
    return -math.sqrt(1.0 - abar) * score


# ---------------------------------------------------------------- float64 tables
def betas64(schedule):
    if schedule == "linear":
        return np.linspace(1e-4, 0.02, T)
    if schedule == "scaled_linear":
        return np.linspace(0.00085**0.5, 0.012**0.5, T) ** 2
    abar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    return np.array([min(1 - abar((i + 1) / T) / abar(i / T), 0.999) for i in range(T)])


BETAS = {s: betas64(s) for s in SCHEDULES}
ABAR = {s: np.cumprod(1.0 - BETAS[s]) for s in SCHEDULES}


def beta_range(schedule):
    return (0.00085, 0.012) if schedule == "scaled_linear" else (1e-4, 0.02)


def make(cls, schedule, spacing, **config):
    lo, hi = beta_range(schedule)
    return cls(num_train_timesteps=T, beta_start=lo, beta_end=hi, beta_schedule=schedule,
               timestep_spacing=spacing, prediction_type="epsilon", steps_offset=0, **config)


def use_float64_tables(s, schedule):
    """Replaces the scheduler's float32 tables, after checking that they are the same schedule."""
    assert np.abs(s.betas.double().numpy() - BETAS[schedule]).max() < 1e-6
    s.betas = torch.from_numpy(BETAS[schedule].copy())
    s.alphas = 1.0 - s.betas
    s.alphas_cumprod = torch.cumprod(s.alphas, dim=0)
    assert np.array_equal(s.alphas_cumprod.numpy(), ABAR[schedule])
    if hasattr(s, "final_alpha_cumprod"):
        s.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    if hasattr(s, "one"):
        s.one = torch.tensor(1.0, dtype=torch.float64)
    if hasattr(s, "lambda_t"):  # DPM-Solver
        s.alpha_t = torch.sqrt(s.alphas_cumprod)
        s.sigma_t = torch.sqrt(1 - s.alphas_cumprod)
        s.lambda_t = torch.log(s.alpha_t) - torch.log(s.sigma_t)
        s.sigmas = ((1 - s.alphas_cumprod) / s.alphas_cumprod) ** 0.5
    return s


def predict(s, x, t):
    """Model output at 0-based training timestep t, from the scheduler's own abar; same dtype as x."""
    e = epsilon(x.double().numpy(), float(s.alphas_cumprod[t]))
    return torch.from_numpy(e).to(x.dtype)


# ---------------------------------------------------------------- DDIM
class _Time(int):
    """A timestep whose `t - stride` is the true next grid entry, whatever the stride."""

    def __new__(cls, t, nxt):
        self = super().__new__(cls, t)
        self.nxt = nxt
        return self

    def __sub__(self, _stride):
        return self.nxt


class DDIMTrueNext(DDIMScheduler):
    """diffusers' own DDIM arithmetic, with prev_timestep = next entry of `timesteps` (-1 after the last)."""

    def step(self, model_output, timestep, sample, **kw):
        grid = [int(t) for t in self.timesteps]
        i = grid.index(int(timestep))
        nxt = grid[i + 1] if i + 1 < len(grid) else -1
        return super().step(model_output, _Time(timestep, nxt), sample, **kw)


def run_ddim(cls, schedule, spacing, n, eta):
    s = use_float64_tables(make(cls, schedule, spacing, clip_sample=False, set_alpha_to_one=True), schedule)
    s.set_timesteps(n)
    x, states = torch.from_numpy(X_T.copy()), []
    for i, t in enumerate(int(t) for t in s.timesteps):
        z = torch.from_numpy(noise(i)) if eta > 0 else None
        x = s.step(predict(s, x, t), t, x, eta=eta, variance_noise=z).prev_sample
        assert x.dtype == torch.float64
        states.append(x.numpy().copy())
    return [int(t) for t in s.timesteps], states


# ---------------------------------------------------------------- DDPM
def run_ddpm(schedule, spacing, n, variance, noise_in_last_step=True):
    s = use_float64_tables(make(DDPMScheduler, schedule, spacing, clip_sample=False, variance_type=variance), schedule)
    s.set_timesteps(n)
    grid = [int(t) for t in s.timesteps]
    x, states, drew = torch.from_numpy(X_T.copy()), [], []
    original = ddpm_module.randn_tensor
    try:
        for i, t in enumerate(grid):
            calls = []

            def formula(shape, generator=None, device=None, dtype=None, layout=None):
                assert tuple(shape) == (ROWS, DIM) and dtype == torch.float64
                calls.append(i)
                off = i == len(grid) - 1 and not noise_in_last_step
                return torch.from_numpy(noise(i) * (0.0 if off else 1.0))

            ddpm_module.randn_tensor = formula
            x = s.step(predict(s, x, t), t, x).prev_sample
            assert x.dtype == torch.float64
            states.append(x.numpy().copy())
            drew.append(len(calls))
    finally:
        ddpm_module.randn_tensor = original
    assert all(d == 1 for d in drew[:-1])
    last_std = float(s._get_variance(grid[-1])) ** 0.5 if drew[-1] else 0.0
    return grid, states, bool(drew[-1]), last_std


# ---------------------------------------------------------------- DPM-Solver++(2M)
class _Float64For:
    """Stands for a module (torch or numpy) in which `float32` means float64."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, "float64" if name == "float32" else name)


DPM_CONFIG = dict(algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint", final_sigmas_type="zero",
                  lower_order_final=True, use_karras_sigmas=False)


def run_dpm(schedule, spacing, n, double):
    saved = dpm_module.torch, dpm_module.np
    try:
        s = make(DPMSolverMultistepScheduler, schedule, spacing, **DPM_CONFIG)
        if double:
            use_float64_tables(s, schedule)
            dpm_module.torch, dpm_module.np = _Float64For(torch), _Float64For(np)
        s.set_timesteps(n)
        dtype = torch.float64 if double else torch.float32
        assert s.sigmas.dtype == dtype
        grid = [int(t) for t in s.timesteps]
        x, states = torch.from_numpy(X_T).to(dtype), []
        for t in grid:
            x = s.step(predict(s, x, t), t, x).prev_sample
            assert x.dtype == dtype
            states.append(x.numpy().copy())
    finally:
        dpm_module.torch, dpm_module.np = saved
    return grid, states


# ---------------------------------------------------------------- independent numpy implementation
def posterior_mean(x, abar):
    """E[x_0 | x_t = x], component by component (conjugate update)."""
    a, n = math.sqrt(abar), 1.0 - abar
    v = abar * STD**2 + n
    gain = a * STD**2 / v
    logp = np.stack([math.log(w) - ((x - a * m) ** 2).sum(1) / (2 * v) for w, m in zip(WEIGHTS, MEANS)])
    p = np.exp(logp - np.max(logp, axis=0))
    p = p / np.sum(p, axis=0)
    return sum(p[k][:, None] * (MEANS[k] + gain * (x - a * MEANS[k])) for k in range(len(WEIGHTS)))


def levels(schedule, grid):
    """Pairs (abar_t, abar_prev) over consecutive grid entries, the last going to clean data."""
    ab = [ABAR[schedule][t] for t in grid] + [1.0]
    return list(zip(ab[:-1], ab[1:]))


def np_ddim(schedule, grid, eta):
    """DDIM, equation (12) of arXiv:2010.02502, on the true grid (variant b)."""
    x, out = X_T, []
    for i, (at, ap) in enumerate(levels(schedule, grid)):
        x0 = posterior_mean(x, at)
        e = (x - math.sqrt(at) * x0) / math.sqrt(1 - at)
        sig = eta * math.sqrt((1 - ap) / (1 - at)) * math.sqrt(1 - at / ap)
        x = math.sqrt(ap) * x0 + math.sqrt(max(1 - ap - sig**2, 0.0)) * e + sig * noise(i)
        out.append(x)
    return out


def np_ddpm(schedule, grid, variance):
    """Re-spaced DDPM: exact posterior q(x_prev | x_t, x_0) between two grid levels; last step = x_0 (variant b)."""
    x, out = X_T, []
    for i, (at, ap) in enumerate(levels(schedule, grid)):
        x0 = posterior_mean(x, at)
        beta = 1 - at / ap
        if ap == 1.0:
            x = x0
        else:
            mean = (math.sqrt(ap) * beta * x0 + math.sqrt(at / ap) * (1 - ap) * x) / (1 - at)
            var = beta if variance == "fixed_large" else beta * (1 - ap) / (1 - at)
            x = mean + math.sqrt(var) * noise(i)
        out.append(x)
    return out


def np_dpm(schedule, grid):
    """DPM-Solver++(2M), Algorithm 2 of arXiv:2211.01095; first and last steps are first order."""
    x, out, old, h_old = X_T, [], None, None
    pairs = levels(schedule, grid)
    for i, (at, ap) in enumerate(pairs):
        x0 = posterior_mean(x, at)
        if ap == 1.0:
            x = x0
        else:
            lam = lambda a: 0.5 * (math.log(a) - math.log(1 - a))
            h = lam(ap) - lam(at)
            d = x0 if old is None else (1 + h / (2 * h_old)) * x0 - h / (2 * h_old) * old
            x = math.sqrt((1 - ap) / (1 - at)) * x - math.sqrt(ap) * math.expm1(-h) * d
            h_old = h
        old = x0
        out.append(x)
    return out


WORST = {}


def agree(kind, schedule, ours, theirs):
    d = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs))
    assert len(ours) == len(theirs) and d < TOL[schedule], (kind, schedule, d)
    key = f"{kind}/{schedule}"
    WORST[key] = max(WORST.get(key, 0.0), d)


# ---------------------------------------------------------------- JSON
GRIDS = {}  # "ddim/leading/10" -> timesteps; DDPM has DDIM's grids (asserted)


def rows(a):
    return [[float(v) for v in r] for r in a]  # Python's repr: shortest text that gives the float64 back


def rows32(a):
    return [[float(str(v)) for v in r] for r in a]  # shortest text that gives the float32 back


def keep_grid(kind, spacing, n, grid):
    key = f"{kind}/{spacing}/{n}"
    assert GRIDS.setdefault(key, grid) == grid
    return key


def picked(states, steps):
    """{number of steps done: state} for the wanted step counts that are not the final one."""
    return {str(k): rows(states[k - 1]) for k in sorted(set(steps)) if 1 <= k < len(states)}


def ddim_cases():
    plan = [(sch, sp, n, 0.0) for sch in SCHEDULES for sp in SPACINGS for n in (1, 2, 7, 10, 13, 50, 999)]
    plan += [(sch, sp, 10, eta) for sch in SCHEDULES for sp in SPACINGS for eta in (0.5, 1.0)]
    for sch, sp, n, eta in plan:
        grid, a = run_ddim(DDIMScheduler, sch, sp, n, eta)
        grid_b, b = run_ddim(DDIMTrueNext, sch, sp, n, eta)
        assert grid == grid_b
        agree("ddim", sch, np_ddim(sch, grid, eta), b)
        stride = T // n
        prev_a = [t - stride for t in grid]
        prev_b = grid[1:] + [-1]
        wrong = sum(max(p, -1) != q for p, q in zip(prev_a, prev_b))
        same = all(np.array_equal(p, q) for p, q in zip(a, b))
        assert same == (wrong == 0)
        case = {
            "name": f"ddim/{sch}/{sp}/N{n}/eta{eta:g}", "schedule": sch, "spacing": sp, "n": n, "eta": eta,
            "timesteps": keep_grid("ddim", sp, n, grid), "start": "x_T",
            "a_equals_b": same, "wrong_prev_steps": wrong, "max_diff_final": float(np.abs(a[-1] - b[-1]).max()),
            "b_after": picked(b, (1, 2, n // 2)), "b_final": rows(b[-1]),
        }
        if not same:
            case["a_last_prev"] = prev_a[-1]  # >= 0: (a) stops at that level and never reaches clean data
            case["a_final"] = rows(a[-1])
        yield case


def ddpm_cases():
    plan = [(sch, sp, n, v) for sch in SCHEDULES for sp in SPACINGS for n in (10, 50)
            for v in ("fixed_small", "fixed_large")]
    plan += [(sch, "leading", 1000, v) for sch in SCHEDULES for v in ("fixed_small", "fixed_large")]
    for sch, sp, n, v in plan:
        grid, a, drew, last_std = run_ddpm(sch, sp, n, v)
        _, b, _, _ = run_ddpm(sch, sp, n, v, noise_in_last_step=False)
        agree("ddpm", sch, np_ddpm(sch, grid, v), b)
        if v == "fixed_small" and n == 10:  # DDIM with eta = 1 is this chain
            agree("ddim_eta1_vs_ddpm", sch, np_ddim(sch, grid, 1.0), b)
        assert all(np.array_equal(p, q) for p, q in zip(a[:-1], b[:-1]))
        same = np.array_equal(a[-1], b[-1])
        case = {
            "name": f"ddpm/{sch}/{sp}/N{n}/{v}", "schedule": sch, "spacing": sp, "n": n, "variance": v,
            "timesteps": keep_grid("ddim", sp, n, grid), "start": "x_T",
            "last_step_draws_noise": drew, "last_step_noise_std": last_std, "a_equals_b": same,
        }
        if n < 1000:
            case["after"] = picked(a, (1, 2, 3))
        case["b_final"] = rows(b[-1])
        if not same:
            case["a_final"] = rows(a[-1])
        yield case


def dpm_cases():
    for sch in SCHEDULES:
        for sp in SPACINGS:
            for n in (2, 7, 10, 13, 20, 50):
                grid, f64 = run_dpm(sch, sp, n, True)
                grid32, f32 = run_dpm(sch, sp, n, False)
                assert grid == grid32
                agree("dpm", sch, np_dpm(sch, grid), f64)
                yield {
                    "name": f"dpm/{sch}/{sp}/N{n}", "schedule": sch, "spacing": sp, "n": n,
                    "timesteps": keep_grid("dpm", sp, n, grid), "start": "x_T",
                    "after": picked(f64, (1, 2, 3)), "final": rows(f64[-1]), "final_f32": rows32(f32[-1]),
                    "max_diff_f32": float(np.abs(f32[-1] - f64[-1]).max()),
                }


def grid_survey():
    """Every N from 1 to 1000: where a grid has the wrong length, repeats, or holds a negative time; and
    one checksum per (scheduler, spacing):  h = 0; for N = 1..1000, for t in grid: h = (h * 1000003 + t + 2) mod (2^61 - 1).
    """
    out = {}
    for kind, cls, cfg in (("ddim", DDIMScheduler, {}), ("dpm", DPMSolverMultistepScheduler, DPM_CONFIG)):
        for sp in SPACINGS:
            s = make(cls, "linear", sp, **cfg)
            odd = {"length_not_N": [], "repeated_times": [], "negative_time": []}
            h, errors = 0, {}
            for n in range(1, T + 1):
                try:
                    s.set_timesteps(n)
                except Exception as e:  # recorded, not hidden
                    errors[str(n)] = repr(e)
                    continue
                g = [int(t) for t in s.timesteps]
                if len(g) != n:
                    odd["length_not_N"].append(n)
                if len(set(g)) != len(g):
                    odd["repeated_times"].append(n)
                if min(g) < 0:
                    odd["negative_time"].append(n)
                for t in g:
                    h = (h * 1000003 + t + 2) % (2**61 - 1)
            out[f"{kind}/{sp}"] = {"checksum": str(h), "errors": errors,
                                   **{k: v if len(v) <= 70 else {"count": len(v), "first": v[:6], "last": v[-3:]}
                                      for k, v in odd.items()}}
    return out


def main():
    cases = {"ddim": list(ddim_cases()), "ddpm": list(ddpm_cases()), "dpm": list(dpm_cases())}
    doc = {
        "about": {
            "package": f"diffusers {diffusers.__version__}, torch {torch.__version__}, numpy {np.__version__}",
            "target": {"weights": WEIGHTS.tolist(), "means": MEANS.tolist(), "std": STD},
            "model": "eps(x,t) = -sqrt(1-abar_t) * grad log sum_k w_k N(x; sqrt(abar_t) mu_k, (abar_t std^2 + 1 - abar_t) I), exact, float64",
            "noise": "z(step,row,coordinate) = 1.2*sin(0.37*(step+1) + 1.3*row + 2.1*coordinate); step 0 = first step of the run",
            "numbers": "shortest decimal that gives the float64 (final_f32: float32) back exactly",
            "timesteps": "0-based training timesteps, see `grids`; abar index = timestep; the level after the last one is abar = 1",
            "after": "states after that many steps",
            "ddim": "a: unmodified step, prev = t - 1000 // N. b: prev = next grid entry, last -> clean. b_* is the right method; a_* only where it differs",
            "ddpm": "a: unmodified (noise whenever t > 0, so also in the last step of a trailing grid). b: no noise in the last step. Variance re-derived: beta = 1 - abar_t/abar_prev",
            "dpm": "DPM-Solver++(2M) midpoint; first and last steps first order. final: float64. final_f32: the package as it comes",
        },
        "x_T": rows(X_T),
        "noise_step0": rows(noise(0)),
        "eps_check": [{"schedule": s, "t": t, "eps_at_x_T": rows(epsilon(X_T, ABAR[s][t]))}
                      for s in SCHEDULES for t in (0, 500, 999)],
        "abar": {s: {str(t): float(ABAR[s][t]) for t in (0, 1, 2, 10, 100, 499, 500, 900, 998, 999)} for s in SCHEDULES},
        "numpy_agreement_max_abs": WORST,
        "grid_survey": grid_survey(),
        "grids": GRIDS,
        **cases,
    }
    # One line per case / grid keeps the file small and diffs readable.
    dump = lambda v: json.dumps(v, separators=(",", ":"), allow_nan=False)
    lines = []
    for k, v in doc.items():
        if isinstance(v, list) and isinstance(v[0], dict):
            body = "[\n" + ",\n".join(dump(c) for c in v) + "\n]"
        elif isinstance(v, dict):
            body = "{\n" + ",\n".join(f"{dump(a)}:{dump(b)}" for a, b in v.items()) + "\n}"
        else:
            body = dump(v)
        lines.append(f"{dump(k)}:{body}")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    json.loads(text)
    sys.stdout.write(text)

    err = lambda *p: print(*p, file=sys.stderr)
    err(doc["about"]["package"], f"{len(text)} bytes", {k: len(v) for k, v in cases.items()})
    err("numpy agreement:", WORST)
    for c in cases["ddim"]:
        if c["schedule"] == "linear":
            err(c["name"], "a==b" if c["a_equals_b"] else
                f"a!=b wrong_prev={c['wrong_prev_steps']} last_prev={c['a_last_prev']} diff={c['max_diff_final']:.3g}")
    for c in cases["ddpm"]:
        err(c["name"], "last step draws:", c["last_step_draws_noise"], "std", c["last_step_noise_std"])
    for sch in SCHEDULES:
        err("dpm f32 vs f64 max", sch, {sp: max(c["max_diff_f32"] for c in cases["dpm"]
                                                 if (c["schedule"], c["spacing"]) == (sch, sp)) for sp in SPACINGS})
    for k, v in doc["grid_survey"].items():
        err(k, v)


if __name__ == "__main__":
    main()
