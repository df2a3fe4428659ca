"""The workloads in PyTorch, and the steps of schedulers of diffusers.

Natural: autograd of the log density, or softmax and matrix products. Tuned: chains are the last
axis, matrix products and updates write in place.
"""

import diffusers
import numpy as np
import torch

from problems import (
    MEANS, SETTINGS, STD, Contestant, congruence, ddpm_factors, digits, logistic, normals_of_a_turn,
    serve,
)

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
# Weights of far components are subnormal in f32, and slow.
torch.set_flush_denormal(True)
DTYPES = [("f64", torch.float64), ("f32", torch.float32)]
# Chains of a block of the tuned programs.
BLOCK = {"W1": 4096, "W2": 512, "W3": 4096, "W4": 512}


def log_density(workload, dtype):
    """Of points in rows."""
    if workload == "W4":
        features, labels = (torch.as_tensor(a, dtype=dtype) for a in logistic())

        def density(x):
            z = x @ features.T
            return z @ labels - torch.nn.functional.softplus(z).sum(1) - 0.5 * (x * x).sum(1)
    else:
        means = torch.as_tensor(MEANS[workload](), dtype=dtype)

        def density(x):
            square = ((x[:, None, :] - means) ** 2).sum(-1)
            return torch.logsumexp(-0.5 / STD**2 * square, 1)

    return density


def gradient(density):
    def score(x):
        x = x.detach().requires_grad_(True)
        return torch.autograd.grad(density(x).sum(), x)[0]

    return score


def natural(workload, dim, dtype):
    s = SETTINGS[workload]
    h, shape = s["step"], (s["chains"], dim)
    score = gradient(log_density(workload, dtype))

    def ula():
        torch.manual_seed(1)
        x = torch.zeros(shape, dtype=dtype)
        for _ in range(s["steps"]):
            x = x + h * score(x) + (2 * h) ** 0.5 * torch.randn(shape, dtype=dtype)
        return x

    def baoab():
        torch.manual_seed(1)
        x, v = torch.zeros(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
        keep = float(np.exp(-s["friction"] * h))
        force = score(x)
        for _ in range(s["steps"]):
            v = v + h / 2 * force
            x = x + h / 2 * v
            v = keep * v + (1 - keep**2) ** 0.5 * torch.randn(shape, dtype=dtype)
            x = x + h / 2 * v
            force = score(x)
            v = v + h / 2 * force
        return x

    return baoab if "friction" in s else ula


def tuned_mixture(means, block, dtype):
    scaled = torch.as_tensor(means / STD**2, dtype=dtype)
    across = scaled.T.contiguous()
    offset = torch.as_tensor(-0.5 / STD**2 * (means**2).sum(1, keepdims=True), dtype=dtype)
    weight = torch.empty((len(means), block), dtype=dtype)

    def score(x, out):
        torch.addmm(offset, scaled, x, out=weight)
        weight.sub_(weight.amax(0)).exp_()
        torch.mm(across, weight, out=out)
        out.div_(weight.sum(0)).sub_(x, alpha=1 / STD**2)

    return score


def tuned_logistic(block, dtype):
    features, labels = logistic()
    features = torch.as_tensor(features, dtype=dtype)
    across = features.T.contiguous()
    labels = torch.as_tensor(labels[:, None], dtype=dtype)
    p = torch.empty((len(features), block), dtype=dtype)

    def score(x, out):
        torch.mm(features, x, out=p)
        torch.sub(labels, p.sigmoid_(), out=p)
        torch.mm(across, p, out=out)
        out.sub_(x)

    return score


def tuned(workload, score, dim, dtype):
    s = SETTINGS[workload]
    h, block = s["step"], BLOCK[workload]
    x, v, force, z = (torch.empty((dim, block), dtype=dtype) for _ in range(4))
    keep = float(np.exp(-s.get("friction", 0.0) * h))

    def ula():
        x.zero_()
        for _ in range(s["steps"]):
            score(x, force)
            x.add_(force, alpha=h).add_(z.normal_(), alpha=(2 * h) ** 0.5)

    def baoab():
        x.zero_()
        v.normal_()
        score(x, force)
        for _ in range(s["steps"]):
            v.add_(force, alpha=h / 2)
            x.add_(v, alpha=h / 2)
            v.mul_(keep).add_(z.normal_(), alpha=(1 - keep**2) ** 0.5)
            x.add_(v, alpha=h / 2)
            score(x, force)
            v.add_(force, alpha=h / 2)

    one = baoab if "friction" in s else ula

    def run():
        torch.manual_seed(1)
        out = torch.empty((dim, s["chains"]), dtype=dtype)
        for start in range(0, s["chains"], block):
            one()
            out[:, start : start + block] = x
        return out.T

    return torch.inference_mode()(run)


def normals(dtype):
    s = SETTINGS["W0"]
    out = torch.empty((s["chains"], s["dim"]), dtype=dtype)

    def run():
        torch.manual_seed(1)
        for _ in range(s["steps"]):
            out.normal_()
        return out

    return run


def diffusion_natural():
    s, factors = SETTINGS["W5"], ddpm_factors().tolist()
    data = torch.as_tensor(digits(), dtype=torch.float32)
    square = (data**2).sum(1)
    shape = (s["chains"], data.shape[1])

    def run():
        torch.manual_seed(1)
        x = torch.randn(shape)
        for xm, mm, of_x, of_mean, of_z in factors:
            weight = torch.softmax(xm * (x @ data.T) - mm * square, 1)
            x = of_x * x + of_mean * (weight @ data) + of_z * torch.randn(shape)
        return x

    return torch.inference_mode()(run)


def diffusion_tuned():
    s, factors = SETTINGS["W5"], ddpm_factors().tolist()
    data = torch.as_tensor(digits(), dtype=torch.float32)
    across = data.T.contiguous()
    square = (data**2).sum(1)
    x, z = (torch.empty((s["chains"], data.shape[1])) for _ in range(2))
    weight = torch.empty((s["chains"], len(data)))

    def run():
        torch.manual_seed(1)
        x.normal_()
        for xm, mm, of_x, of_mean, of_z in factors:
            torch.addmm(square, x, across, beta=-mm, alpha=xm, out=weight)
            torch.softmax(weight, 1, out=weight)
            x.addmm_(weight, data, beta=of_x, alpha=of_mean).add_(z.normal_(), alpha=of_z)
        return x

    return torch.inference_mode()(run)


def scheduler(name):
    """A scheduler's steps. The output of the model is there, two tensors in turn."""
    s = SETTINGS["W7"]
    config = s["schedulers"][name]
    shape = (s["chains"], 3, 32, 32)
    assert s["dim"] == 3 * 32 * 32
    start, *outputs = (
        torch.as_tensor(congruence(s["chains"] * s["dim"], seed).reshape(shape)).float()
        for seed in (1, 2, 3)
    )
    made = getattr(diffusers, config["_class_name"]).from_config(config)

    def run():
        made.set_timesteps(s["steps"])
        x = start * made.init_noise_sigma
        for i, t in enumerate(made.timesteps):
            made.scale_model_input(x, t)
            x = made.step(outputs[i % 2], t, x, return_dict=False)[0]
        return x.reshape(len(x), -1)

    return torch.inference_mode()(run)


def contestants(workload):
    s = SETTINGS[workload]
    if workload == "W0":
        units = normals_of_a_turn()
        return [
            Contestant("W0", "PyTorch", "in place", name, normals(dtype), units)
            for name, dtype in DTYPES
        ]
    if workload == "W5":
        return [
            Contestant("W5", "PyTorch", "natural", "f32", diffusion_natural()),
            Contestant("W5", "PyTorch", "tuned", "f32", diffusion_tuned()),
        ]
    if workload == "W7":
        units = s["chains"] * s["dim"] * s["steps"]
        return [
            Contestant(f"W7 {name}", "diffusers", "natural", "f32", scheduler(name), units)
            for name in s["schedulers"]
        ]
    if workload not in BLOCK:
        return []
    out = []
    for name, dtype in DTYPES:
        if workload == "W4":
            dim, score = 31, tuned_logistic(BLOCK[workload], dtype)
        else:
            means = MEANS[workload]()
            dim, score = means.shape[1], tuned_mixture(means, BLOCK[workload], dtype)
        run = natural(workload, dim, dtype)
        out.append(Contestant(workload, "PyTorch", "natural", name, run))
        run = tuned(workload, score, dim, dtype)
        out.append(Contestant(workload, "PyTorch", "tuned", name, run))
    return out


if __name__ == "__main__":
    serve(contestants)
