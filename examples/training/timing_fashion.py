"""Milliseconds per row of PyTorch for the network fashion-vp, one thread, in batches of 16 and 256.

    python timing_fashion.py FOLDER

FOLDER has fashion-vp.safetensors, see fashion.py. Run it in turns with the measurement in
tests/files/fashion.rs, on a quiet machine.
"""

import sys
import time

import torch
from safetensors.torch import load_file

from fashion import UNet

torch.set_num_threads(1)
torch.set_grad_enabled(False)
model = UNet(1, 1.0)
model.load_state_dict(load_file(f"{sys.argv[1]}/fashion-vp.safetensors"), strict=False)
model.eval()
for layout in ("contiguous", "channels_last"):
    if layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
    for rows in (16, 256):
        x, t = torch.randn(rows, 784), torch.full((rows,), 500.0)
        label = torch.full((rows,), 8)
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            model(x, t, label)
            best = min(best, time.perf_counter() - started)
        print(f"{layout}, batches of {rows}: {1e3 * best / rows:.3f} ms per row")
