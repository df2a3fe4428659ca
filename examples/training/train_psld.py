"""Trains the noise predictor of the digits for phase-space Langevin diffusion, by hybrid score matching.

    python3 train_psld.py [--steps 60000] [--batch 256] [--width 256] [--seed 0] [--threads 1] [--out FILE]

A row is a picture and its momentum, 128 numbers: z_t = exp(F tau) (x, 0) + L_t eps, the momentum at t = 0 integrated out.
Loss: mean square of network(z_t, t) - eps, t uniform in [1e-3, 1]; the score of z_t is then -L_t^{-T} eps, L_t the lower
Cholesky factor of the covariance of the noise.
"""
import argparse

import torch

import common

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", default=common.MODELS / "digits-psld.safetensors")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    images, _ = common.load_digits()
    psld = common.Psld()
    model = common.Network(128, options.width, options.blocks, condition_width=64, time_scale=1000.0)

    def loss_of_batch(rows, generator):
        t = 1e-3 + (1 - 1e-3) * torch.rand(len(rows), generator=generator, dtype=torch.float64)
        mean, covariance = psld.kernel(t)
        factor = torch.linalg.cholesky(covariance).float()
        mean = mean.float()
        x = images[rows]
        first, second = torch.randn(2, len(rows), 64, generator=generator)
        position = mean[:, :1, 0] * x + factor[:, :1, 0] * first
        momentum = mean[:, 1:, 0] * x + factor[:, 1:, 0] * first + factor[:, 1:, 1] * second
        epsilon = torch.cat([first, second], dim=1)
        return (model(torch.cat([position, momentum], dim=1), t) - epsilon).square().mean()

    loss = common.train(model, loss_of_batch, len(images), options.steps, options.batch, options.rate, 0.9995, options.seed)
    print(f"mean loss of the last 2,000 steps: {loss:.5f}")
    common.save(model, model.description("epsilon-lower", psld.process(), "time"), options.out)
