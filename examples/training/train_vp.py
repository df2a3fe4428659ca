"""Trains the noise predictor of the digits: discrete variance-preserving diffusion, linear schedule, 1000 levels, labels.

    python3 train_vp.py [--steps 50000] [--batch 256] [--width 256] [--seed 0] [--threads 1] [--out FILE]

Loss: mean square of network(sqrt(ab) x + sqrt(1 - ab) eps, timestep, label) - eps, the timestep uniform, the label dropped
for three pictures in ten so that the same network answers without one.
"""
import argparse

import torch

import common

CLASSES = 10

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", default=common.MODELS / "digits.safetensors")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    images, labels = common.load_digits()
    alpha_bar = common.linear_alpha_bar()
    signal, noise = alpha_bar.sqrt().float(), (1 - alpha_bar).sqrt().float()
    model = common.Network(64, options.width, options.blocks, condition_width=64, classes=CLASSES)

    def loss_of_batch(rows, generator):
        timestep = torch.randint(len(alpha_bar), (len(rows),), generator=generator)
        epsilon = torch.randn(len(rows), 64, generator=generator)
        dropped = torch.rand(len(rows), generator=generator) < 0.3
        label = torch.where(dropped, CLASSES, labels[rows])
        x = signal[timestep, None] * images[rows] + noise[timestep, None] * epsilon
        return (model(x, timestep, label) - epsilon).square().mean()

    loss = common.train(model, loss_of_batch, len(images), options.steps, options.batch, options.rate, 0.9995, options.seed)
    print(f"mean loss of the last 2,000 steps: {loss:.5f}")
    process = {"kind": "vp", "schedule": "linear", "levels": len(alpha_bar)}
    common.save(model, model.description("epsilon", process, "timestep"), options.out)
