"""Golden numbers for the Rust tests: what PyTorch makes of two tiny networks and of the trained ones.

    python3 reference.py [--only tiny|trained] [--out ../../tests/golden]

Writes tiny.safetensors, tiny-psld.safetensors and tiny.json (`tiny`), and networks.json (`trained`). No random numbers but the
seeded weights of the tiny networks and the seeded start of DDIM, which is in the file. In the JSON files a label is null where
there is none; "output_f32" is the forward pass in f32, "output_f64" the same weights and inputs in f64; times and their
embeddings are f64 in both. "ddim" holds the samples of DDIM with 50 steps on the quadratic grid from one start: without a
label, and guided by weight 2 to the labels given, eps = eps_unlabelled + weight (eps_labelled - eps_unlabelled).
"""
import argparse
import json
import math
import pathlib

import numpy as np
import torch
from safetensors import safe_open
from torch import nn

import common
from train_features import Classifier

silu = nn.functional.silu


class Tiny(nn.Module):
    """Every kind of layer, a residual within a residual, Fourier features of the log-snr, labels."""

    def __init__(self):
        super().__init__()
        self.time = nn.ModuleDict({"up": nn.Linear(8, 12), "down": nn.Linear(12, 6)})
        self.time.register_buffer("frequencies", torch.zeros(4))
        self.label = nn.Embedding(4, 6)
        self.first = nn.Linear(5, 8)
        self.outer = nn.ModuleDict({
            "norm": nn.LayerNorm(8, eps=1e-3), "up": nn.Linear(8, 8), "condition": nn.Linear(6, 8), "down": nn.Linear(8, 8)})
        self.inner = nn.ModuleDict({"norm": nn.LayerNorm(8), "up": nn.Linear(8, 10), "down": nn.Linear(10, 8)})
        self.condition = nn.Linear(6, 8)
        self.norm = nn.LayerNorm(8, eps=0.1)
        self.last = nn.Linear(8, 5)
        self.not_in_the_description = nn.Linear(2, 3)

    DESCRIPTION = {
        "input": 5, "prediction": "velocity", "process": {"kind": "vp", "schedule": "scaled-linear", "levels": 1000},
        "time": {"input": "log-snr", "embedding": "fourier", "frequencies": "time.frequencies"},
        "condition": [{"linear": "time.up"}, "silu", {"linear": "time.down"}],
        "labels": {"table": "label", "classes": 3},
        "layers": [
            {"linear": "first"},
            {"residual": [
                {"norm": "outer.norm", "epsilon": 1e-3}, {"linear": "outer.up"}, {"condition": "outer.condition"}, "silu",
                {"residual": [{"norm": "inner.norm", "epsilon": 1e-5}, {"linear": "inner.up"}, "silu", {"linear": "inner.down"}]},
                {"linear": "outer.down"}]},
            "silu", {"condition": "condition"}, {"norm": "norm", "epsilon": 0.1}, {"linear": "last"}]}

    def forward(self, x, log_snr, label):
        angle = 2 * math.pi * log_snr.double()[:, None] * self.time.frequencies.double()
        c = torch.cat([torch.cos(angle), torch.sin(angle)], dim=1).to(x.dtype)
        c = self.time["down"](silu(self.time["up"](c))) + self.label(label)
        h = self.first(x)
        g = silu(self.outer["up"](self.outer["norm"](h)) + self.outer["condition"](c))
        g = g + self.inner["down"](silu(self.inner["up"](self.inner["norm"](g))))
        h = silu(h + self.outer["down"](g))
        return self.last(self.norm(h + self.condition(c)))


class TinyPsld(nn.Module):
    """Three coordinates and their momenta; the condition is the embedded time itself."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 9)
        self.condition = nn.Linear(8, 9)
        self.norm = nn.LayerNorm(9, eps=1e-4)
        self.last = nn.Linear(9, 6)

    DESCRIPTION = {
        "input": 6, "prediction": "epsilon-upper",
        "process": {"kind": "psld", "beta": 8.0, "gamma": 0.01, "nu": 4.01, "kappa": 0.04},
        "time": {"input": "time", "embedding": "sinusoidal", "width": 8, "max_period": 100.0, "scale": 50.0},
        "layers": [
            {"linear": "first"}, {"condition": "condition"}, "silu", {"norm": "norm", "epsilon": 1e-4}, {"linear": "last"}]}

    def forward(self, z, t):
        c = common.sinusoidal(t, 8, max_period=100.0, scale=50.0).to(z.dtype)
        return self.last(self.norm(silu(self.first(z) + self.condition(c))))


def fill(model, seed):
    """Seeded normal weights, one over the root of the inputs wide; norms near 1; Fourier frequencies near 0.1."""
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            value = random.normal(size=tuple(tensor.shape))
            if "norm.weight" in name:
                value = 1 + 0.3 * value
            elif "frequencies" in name:
                value = 0.1 * value
            elif tensor.dim() == 2:
                value = value / math.sqrt(tensor.shape[1])
            else:
                value = 0.3 * value
            tensor.copy_(torch.from_numpy(value))
    return model


def inputs(rows, columns):
    """A fixed formula, rounded to multiples of 1/64 so that f32 and f64 hold the same numbers: (rows, columns) f64."""
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return torch.from_numpy(np.round(64 * 1.6 * np.sin(1 + 0.9 * i + 0.37 * j + 0.011 * i * j)) / 64)


def both(model, x, *rest):
    """The forward pass in f32 and in f64."""
    with torch.inference_mode():
        single = model.float()(x.float(), *rest)
        double = model.double()(x, *rest)
        model.float()
    print(f"  largest difference of f32 and f64: {(single - double).abs().max():.1e}, of outputs up to {double.abs().max():.2f}")
    return single, double


def numbers(tensor):
    """Nested lists; f32 numbers with the nine digits that determine them."""
    if tensor.dtype == torch.float32:
        return [[float(f"{v:.9g}") for v in row] for row in tensor.tolist()]
    return tensor.tolist()


def log_alpha_bar(table, timestep):
    """log alpha bar at a timestep, between two of the table linearly in log alpha bar."""
    logs = torch.log(table)
    low = timestep.floor().long().clamp(0, len(table) - 2)
    part = timestep - low
    return (1 - part) * logs[low] + part * logs[low + 1]


def upper_score(psld, t, epsilon):
    """-U^{-T} eps with Sigma = U U^T, U upper triangular, per coordinate; (n, 2 d) with the momenta last."""
    sigma = psld.kernel(t)[1]
    corner = torch.sqrt(sigma[:, 1, 1])
    off = sigma[:, 0, 1] / corner
    first = torch.sqrt(sigma[:, 0, 0] - off * off)
    x, m = (part for part in epsilon.chunk(2, dim=1))
    # U^T = [[first, 0], [off, corner]] in front of s = -eps, solved from the top.
    s_x = -x / first[:, None]
    s_m = (-m - off[:, None] * s_x) / corner[:, None]
    return torch.cat([s_x, s_m], dim=1)


def lower_score(psld, t, epsilon):
    """-L^{-T} eps with Sigma = L L^T, L lower triangular."""
    sigma = psld.kernel(t)[1]
    first = torch.sqrt(sigma[:, 0, 0])
    off = sigma[:, 0, 1] / first
    corner = torch.sqrt(sigma[:, 1, 1] - off * off)
    x, m = (part for part in epsilon.chunk(2, dim=1))
    # L^T = [[first, off], [0, corner]], solved from the bottom.
    s_m = -m / corner[:, None]
    s_x = (-x - off[:, None] * s_m) / first[:, None]
    return torch.cat([s_x, s_m], dim=1)


def write(path, content):
    path.write_text(json.dumps(content) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


def tiny(out):
    model = fill(Tiny(), 1)
    common.save(model, Tiny.DESCRIPTION, out / "tiny.safetensors")
    timestep = torch.tensor([0, 1, 17, 500, 999, 16.25, 250, 998.5], dtype=torch.float64)
    labels = [0, 1, 2, None, 2, None, 0, 1]
    root = torch.linspace(math.sqrt(8.5e-4), math.sqrt(0.012), 1000, dtype=torch.float64)
    log_ab = log_alpha_bar(torch.cumprod(1 - root * root, dim=0), timestep)
    log_snr = log_ab - torch.log(-torch.expm1(log_ab))
    x = inputs(8, 5)
    single, velocity = both(model, x, log_snr, torch.tensor([3 if k is None else k for k in labels]))
    signal, noise = torch.exp(log_ab / 2)[:, None], torch.sqrt(-torch.expm1(log_ab))[:, None]
    epsilon = noise * x + signal * velocity
    vp = {"timestep": timestep.tolist(), "label": labels, "log_snr": log_snr.tolist(), "input": numbers(x),
          "output_f32": numbers(single), "output_f64": numbers(velocity),
          "epsilon_f64": numbers(epsilon), "data_f64": numbers(signal * x - noise * velocity),
          "score_f64": numbers(-epsilon / noise)}

    model = fill(TinyPsld(), 2)
    common.save(model, TinyPsld.DESCRIPTION, out / "tiny-psld.safetensors")
    t = torch.tensor([1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 1e-3, 1e-4], dtype=torch.float64)
    z = inputs(8, 6)
    single, epsilon = both(model, z, t)
    psld = {"time": t.tolist(), "input": numbers(z), "output_f32": numbers(single), "output_f64": numbers(epsilon),
            "score_f64": numbers(upper_score(common.Psld(), t, epsilon))}
    write(out / "tiny.json", {"tiny.safetensors": vp, "tiny-psld.safetensors": psld})


def load(model, path):
    """The tensors of a file into a network, and the description that it was saved with."""
    with safe_open(path, "pt") as file:
        model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})
        return json.loads(file.metadata()["model"])


def quadratic_levels(levels, steps):
    """round(levels (1 - j/steps)^2) for j = 0 .. steps, raised from the end on where two coincide."""
    grid = [round(levels * (1 - j / steps) ** 2) for j in range(steps + 1)]
    for j in reversed(range(steps)):
        grid[j] = max(grid[j], grid[j + 1] + 1)
    return grid


def ddim(epsilon_of, start, steps):
    """DDIM without noise over the quadratic grid; level n is timestep n - 1, level 0 is the data. Coefficients are f64."""
    alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), common.linear_alpha_bar()])
    x, grid = start, quadratic_levels(1000, steps)
    with torch.inference_mode():
        for level, following in zip(grid, grid[1:]):
            scale = torch.sqrt(alpha_bar[following] / alpha_bar[level]).item()
            weight = math.sqrt(1 - alpha_bar[following]) - scale * math.sqrt(1 - alpha_bar[level])
            t = torch.full((len(x),), level - 1, dtype=torch.float64)
            x = scale * x + weight * epsilon_of(x, t)
    return x


def trained(out):
    content = {}
    vp = common.Network(64, 256, 3, condition_width=64, classes=10)
    load(vp, common.MODELS / "digits.safetensors")
    timestep = torch.tensor([0, 1, 17, 500, 999, 250, 3, 16.25] * 2, dtype=torch.float64)
    labels = [None, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, None, None, None, 0, 9]
    x = inputs(16, 64)
    print("digits.safetensors")
    single, double = both(vp, x, timestep, torch.tensor([10 if k is None else k for k in labels]))
    content["digits.safetensors"] = {
        "timestep": timestep.tolist(), "label": labels, "input": numbers(x),
        "output_f32": numbers(single), "output_f64": numbers(double)}

    psld = common.Network(128, 256, 3, condition_width=64, time_scale=1000.0)
    load(psld, common.MODELS / "digits-psld.safetensors")
    t = torch.tensor([1.0, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01, 0.007, 0.004, 0.002, 0.0015, 0.001, 1e-4],
                     dtype=torch.float64)
    z = inputs(16, 128)
    print("digits-psld.safetensors")
    single, double = both(psld, z, t)
    content["digits-psld.safetensors"] = {
        "time": t.tolist(), "input": numbers(z), "output_f32": numbers(single), "output_f64": numbers(double),
        "score_f64": numbers(lower_score(common.Psld(), t, double))}

    features = Classifier()
    del features.last
    load(features, common.MODELS / "digits-features.safetensors")
    features.forward = features.features
    print("digits-features.safetensors")
    single, double = both(features, x)
    content["digits-features.safetensors"] = {
        "input": numbers(x), "output_f32": numbers(single), "output_f64": numbers(double)}

    start = torch.from_numpy(np.round(1024 * np.random.default_rng(3).normal(size=(16, 64))) / 1024)
    labels = [k % 10 for k in range(16)]

    def guided(x, t):
        without = vp(x, t)
        return without + 2.0 * (vp(x, t, torch.tensor(labels)) - without)

    content["ddim"] = {"steps": 50, "levels": quadratic_levels(1000, 50), "start": numbers(start), "label": labels, "weight": 2.0}
    for name, epsilon_of in [("unlabelled", vp), ("guided", guided)]:
        vp.float()
        single = ddim(epsilon_of, start.float(), 50)
        vp.double()
        double = ddim(epsilon_of, start, 50)
        print(f"ddim, {name}: largest difference of f32 and f64 {(single - double).abs().max():.1e}")
        content["ddim"] |= {f"{name}_f32": numbers(single), f"{name}_f64": numbers(double)}
    write(out / "networks.json", content)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["tiny", "trained"])
    parser.add_argument("--out", type=pathlib.Path, default=common.EXAMPLES.parent / "tests" / "golden")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.only != "trained":
        tiny(options.out)
    if options.only != "tiny":
        trained(options.out)
