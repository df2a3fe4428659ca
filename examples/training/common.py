"""What the training scripts share: the digits, the networks, the two diffusions, averaged weights, saving and progress.

    not run by itself; see train_vp.py, train_psld.py, train_features.py and reference.py
"""
import json
import math
import pathlib
import time

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent
DATA = EXAMPLES / "data"
MODELS = EXAMPLES / "models"
DATA_DESCRIPTION = {"range": [-1.0, 1.0], "image": [8, 8]}


def load_digits():
    """The images, (1797, 64) f32 in [-1, 1], and their labels, (1797) i64."""
    ink = np.load(DATA / "digits_8x8_u8.npy").reshape(-1, 64)
    labels = np.load(DATA / "digits_labels_u8.npy")
    return torch.from_numpy(ink.astype(np.float32) / 8 - 1), torch.from_numpy(labels.astype(np.int64))


def sinusoidal(t, width, max_period=10000.0, scale=1.0):
    """[cos(scale t w_j), sin(scale t w_j)] with w_j = max_period^(-j/(width/2)); f64 in, f64 out, (n) to (n, width)."""
    half = width // 2
    w = max_period ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = scale * t.double()[:, None] * w
    return torch.cat([torch.cos(angle), torch.sin(angle)], dim=1)


class Block(nn.Module):
    """The inside of a residual: norm, up, + condition, silu, down. `down` starts at zero, so a block starts as nothing."""

    def __init__(self, width, condition_width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, width)
        self.condition = nn.Linear(condition_width, width)
        self.down = nn.Linear(width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, h, c):
        return self.down(nn.functional.silu(self.up(self.norm(h)) + self.condition(c)))


class Network(nn.Module):
    """A residual MLP that is told the time, and perhaps a label: (n, numbers), (n) and (n) to (n, numbers)."""

    def __init__(self, numbers, width, blocks, condition_width, time_width=64, time_scale=1.0, classes=0):
        super().__init__()
        self.numbers, self.time_width, self.time_scale, self.classes = numbers, time_width, time_scale, classes
        self.time = nn.ModuleDict({
            "up": nn.Linear(time_width, condition_width), "down": nn.Linear(condition_width, condition_width)})
        if classes:
            self.label = nn.Embedding(classes + 1, condition_width)
        self.first = nn.Linear(numbers, width)
        self.blocks = nn.ModuleList(Block(width, condition_width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, numbers)

    def forward(self, x, t, label=None):
        """`label` k is a class, `classes` (or None for the whole batch) stands for no label."""
        c = sinusoidal(t, self.time_width, scale=self.time_scale).to(x.dtype)
        c = self.time["down"](nn.functional.silu(self.time["up"](c)))
        if self.classes:
            if label is None:
                label = torch.full((len(x),), self.classes)
            c = c + self.label(label)
        h = self.first(x)
        for block in self.blocks:
            h = h + block(h, c)
        return self.last(nn.functional.silu(self.norm(h)))

    def description(self, prediction, process, time_input):
        """The same network in the words of docs/network-format.md."""
        layers = [{"linear": "first"}]
        for i, block in enumerate(self.blocks):
            name = f"blocks.{i}"
            layers.append({"residual": [
                {"norm": f"{name}.norm", "epsilon": block.norm.eps}, {"linear": f"{name}.up"},
                {"condition": f"{name}.condition"}, "silu", {"linear": f"{name}.down"}]})
        layers += [{"norm": "norm", "epsilon": self.norm.eps}, "silu", {"linear": "last"}]
        description = {
            "input": self.numbers, "prediction": prediction, "process": process,
            "time": {"input": time_input, "embedding": "sinusoidal", "width": self.time_width,
                     "max_period": 10000.0, "scale": self.time_scale},
            "condition": [{"linear": "time.up"}, "silu", {"linear": "time.down"}]}
        if self.classes:
            description["labels"] = {"table": "label", "classes": self.classes}
        return description | {"layers": layers, "data": DATA_DESCRIPTION}


def linear_alpha_bar(levels=1000):
    """alpha bar of the timesteps 0 .. levels-1 of the linear schedule, f64."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, levels, dtype=torch.float64), dim=0)


class Psld:
    """Phase-space Langevin diffusion, per coordinate, in the clock tau = beta t: z_t = exp(F tau) (x_0, 0) + L eps."""

    def __init__(self, beta=8.0, gamma=0.01, nu=4.01, kappa=0.04):
        self.beta, self.gamma, self.nu, self.kappa = beta, gamma, nu, kappa
        self.inverse_mass = (gamma - nu) ** 2 / 4
        self.mass = 1 / self.inverse_mass
        self.f = 0.5 * torch.tensor([[-gamma, self.inverse_mass], [-1.0, -nu]], dtype=torch.float64)

    def process(self):
        return {"kind": "psld", "beta": self.beta, "gamma": self.gamma, "nu": self.nu, "kappa": self.kappa}

    def propagator(self, t):
        """exp(F tau), (n, 2, 2); F has one double eigenvalue."""
        eigenvalue = -(self.gamma + self.nu) / 4
        tau = self.beta * t.double()[:, None, None]
        one = torch.eye(2, dtype=torch.float64)
        return torch.exp(eigenvalue * tau) * (one + tau * (self.f - eigenvalue * one))

    def kernel(self, t):
        """exp(F tau) and the covariance of the noise, position first: (n, 2, 2) each, f64."""
        a = self.propagator(t)
        end = torch.diag(torch.tensor([1.0, self.mass], dtype=torch.float64))
        start = torch.diag(torch.tensor([0.0, self.kappa * self.mass], dtype=torch.float64))
        return a, end - a @ (end - start) @ a.transpose(1, 2)


class AveragedWeights:
    """The exponential moving average of a model's weights, which is what the scripts export."""

    def __init__(self, model, decay):
        self.decay, self.steps = decay, 0
        self.weights = [p.detach().clone() for p in model.parameters()]

    def update(self, model):
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.weights, [p.detach() for p in model.parameters()], 1 - decay)

    def copy_to(self, model):
        with torch.no_grad():
            for p, w in zip(model.parameters(), self.weights):
                p.copy_(w)


def train(model, loss_of_batch, rows, steps, batch, rate, decay, seed):
    """AdamW, a short warm-up, a cosine to zero, averaged weights; returns the mean loss of the last 2,000 steps.

    `loss_of_batch(indices, generator)` is the loss on those rows of the data.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-4)
    warm_up = min(500, steps // 10)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1, (s + 1) / (warm_up + 1)) * 0.5 * (1 + math.cos(math.pi * s / steps)))
    average = AveragedWeights(model, decay)
    losses, begin = [], time.time()
    for step in range(1, steps + 1):
        loss = loss_of_batch(torch.randint(rows, (batch,), generator=generator), generator)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        average.update(model)
        losses.append(loss.item())
        if step % max(1, steps // 20) == 0:
            passed = time.time() - begin
            recent = np.mean(losses[-max(1, steps // 20):])
            print(f"step {step:6d}  loss {recent:.5f}  {passed:5.0f} s, {passed / step * (steps - step):5.0f} s left", flush=True)
    average.copy_to(model)
    return float(np.mean(losses[-2000:]))


def save(model, description, path):
    """One file as docs/network-format.md says."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().float().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, path, metadata={"langevin": "mlp/1", "model": json.dumps(description)})
    numbers = sum(tensor.numel() for tensor in tensors.values())
    print(f"{path}: {numbers} parameters, {path.stat().st_size} bytes")
