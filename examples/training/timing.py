"""Time of 1000 steps of DDPM for 1,024 digits with ../models/digits.safetensors in PyTorch: the counterpart of the Rust benchmark.

    python3 timing.py [--rows 1024] [--repeats 5] [--threads 1] [--check]

Prints seconds, and microseconds for each row and step, of every repeat, and their medians. No label. The loop is written for speed:
inference mode, f32, the coefficients of all steps and what the condition adds in every block computed before it, updates in
place. All of that is within the time measured, as it is in the benchmark of the crate; the training scripts and reference.py call
`Network` itself, which embeds the time of every row anew. With --check one pass of the loop is compared with `Network`.
"""
import argparse
import statistics
import time

import torch
from torch.nn import functional as F

import common
from reference import load

LEVELS = 1000


@torch.inference_mode()
def biases(model):
    """What is added to `up` of every block at every timestep, (levels, blocks, width): all rows share the time, and have no label."""
    c = common.sinusoidal(torch.arange(LEVELS), model.time_width, scale=model.time_scale).float()
    c = model.time["down"](F.silu(model.time["up"](c))) + model.label.weight[model.classes]
    return torch.stack([block.up.bias + block.condition(c) for block in model.blocks], dim=1)


def epsilon(model, x, bias):
    """The network with the biases of one timestep, (blocks, width)."""
    h = F.linear(x, model.first.weight, model.first.bias)
    for block, added in zip(model.blocks, bias):
        g = F.layer_norm(h, (h.shape[1],), block.norm.weight, block.norm.bias, block.norm.eps)
        g = F.silu(F.linear(g, block.up.weight, added), inplace=True)
        h = torch.add(h, F.linear(g, block.down.weight, block.down.bias))
    h = F.silu(F.layer_norm(h, (h.shape[1],), model.norm.weight, model.norm.bias, model.norm.eps), inplace=True)
    return F.linear(h, model.last.weight, model.last.bias)


@torch.inference_mode()
def ddpm(model, rows):
    """x <- (x - beta/sqrt(1 - alpha bar) eps)/sqrt(1 - beta) + sigma z, sigma^2 the posterior variance; (rows, numbers)."""
    alpha_bar = common.linear_alpha_bar(LEVELS)
    before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    beta = 1 - alpha_bar / before
    scale = (1 / (1 - beta).sqrt()).tolist()
    weight = (-beta / ((1 - beta) * (1 - alpha_bar)).sqrt()).tolist()
    sigma = (beta * (1 - before) / (1 - alpha_bar)).sqrt().tolist()
    bias = biases(model)
    x = torch.randn(rows, model.numbers)
    z = torch.empty_like(x)
    for t in reversed(range(LEVELS)):
        x.mul_(scale[t]).add_(epsilon(model, x, bias[t]), alpha=weight[t])
        if t > 0:
            x.add_(z.normal_(), alpha=sigma[t])
    return x


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="compare one pass with that of the training scripts, and stop")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = common.Network(64, 256, 3, condition_width=64, classes=10)
    load(model, common.MODELS / "digits.safetensors")
    model.eval()
    if options.check:
        with torch.inference_mode():
            x, bias = torch.randn(options.rows, model.numbers), biases(model)
            away = [(epsilon(model, x, bias[t]) - model(x, torch.full((len(x),), t))).abs().max().item() for t in (0, 1, 500, 999)]
        print(f"largest difference {max(away):.1e}")
        raise SystemExit(int(max(away) > 1e-4))
    runs = []
    for _ in range(options.repeats):
        begin = time.perf_counter()
        x = ddpm(model, options.rows)
        runs.append(time.perf_counter() - begin)
        each = 1e6 * runs[-1] / (options.rows * LEVELS)
        print(f"{runs[-1]:.2f} s, {each:.3f} us per row and step; samples have mean {x.mean():.3f}, deviation {x.std():.3f}", flush=True)
    median = statistics.median(runs)
    print(f"median {median:.2f} s, {1e6 * median / (options.rows * LEVELS):.3f} us per row and step: torch {torch.__version__}, "
          f"{options.threads} thread(s), {options.rows} rows, {LEVELS} steps")
