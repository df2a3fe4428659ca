"""PyTorch's outputs for the networks examples/models/fashion-*.onnx: fashion_reference.json.

    pip install torch numpy safetensors
    python fashion_reference.py FOLDER

FOLDER has the files fashion-*.safetensors of examples/training/fashion.py. Tensors of 64 numbers
and more are rounded to f16, as examples/training/half_onnx.py does. Rows are multiples of small
integers, so a test makes them again; outputs are sums over a row and some numbers of it. A DDIM run
of 50 steps in f64 around the f32 network gives its end.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "examples" / "training"))
from fashion import Features, UNet, linear_alpha_bar  # noqa: E402


def network(kind):
    model = {"vp": lambda: UNet(1, 1.0), "psld": lambda: UNet(2, 1000.0), "features": Features}[kind]()
    tensors = load_file(pathlib.Path(sys.argv[1]) / f"fashion-{kind}.safetensors")
    model.load_state_dict({n: w.half().float() if w.numel() >= 64 else w for n, w in tensors.items()})
    return model.eval()


def rows(count, width):
    """Numbers in [-2, 2) that are exact in f32."""
    k = np.arange(count * width, dtype=np.int64) * 37 % 997
    return torch.from_numpy((k / 256.0 - 2.0).astype(np.float32).reshape(count, width))


def main():
    torch.set_grad_enabled(False)
    out = {}
    for kind in ("vp", "psld", "features"):
        model = network(kind)
        x = rows(6, 1568 if kind == "psld" else 784)
        if kind == "features":
            y = model(x)
        else:
            t = [0, 1, 250, 500, 998, 999] if kind == "vp" else [0.001, 0.1, 0.25, 0.5, 0.9, 1.0]
            label = torch.tensor([0, 9, 10, 3, 10, 5])
            y = model(x, torch.tensor(t, dtype=torch.float32), label)
        y = y.double().numpy()
        out[kind] = {"first": y[:, :8].tolist(), "middle": y[:, y.shape[1] // 2 :][:, :8].tolist(),
                     "sums": y.sum(1).tolist(), "squares": (y * y).sum(1).tolist()}
    # DDIM, eta 0, 50 steps of the grid `equal`: the levels 1000, 980, ..., 20, then the data.
    model = network("vp")
    ab = np.concatenate([[1.0], linear_alpha_bar().numpy()])
    x = rows(2, 784).double().numpy()
    label = torch.tensor([9, 10])
    for level in range(1000, 0, -20):
        t = torch.full((2,), float(level - 1))
        e = model(torch.from_numpy(x.astype(np.float32)), t, label).double().numpy()
        a, b = ab[level], ab[level - 20]
        x = np.sqrt(b / a) * (x - np.sqrt(1 - a) * e) + np.sqrt(1 - b) * e
    out["ddim"] = {"first": x[:, :8].tolist(), "middle": x[:, 392:400].tolist(),
                   "sums": x.sum(1).tolist(), "squares": (x * x).sum(1).tolist()}
    text = json.dumps(out, indent=1)
    (HERE / "fashion_reference.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
