"""Trains a small classifier of the digits and exports its 64 features, in which reports measure the Frechet distance.

    python3 train_features.py [--steps 4000] [--seed 0] [--threads 1] [--out ../models/digits-features.safetensors]

First on 1,500 pictures, for the accuracy on the other 297; then, from the start, on all 1,797, for the exported layers.
Each picture is shifted by up to a pixel and gets some noise, so that the features are smooth in the picture.
"""
import argparse

import torch
from torch import nn

import common


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 128)
        self.second = nn.Linear(128, 64)
        self.last = nn.Linear(64, 10)

    def features(self, x):
        return nn.functional.silu(self.second(nn.functional.silu(self.first(x))))

    def forward(self, x):
        return self.last(self.features(x))

    DESCRIPTION = {
        "input": 64, "prediction": "features", "process": {"kind": "none"},
        "layers": [{"linear": "first"}, "silu", {"linear": "second"}, "silu"], "data": common.DATA_DESCRIPTION}


def shifted(x, generator):
    """Each picture as it is (half of them) or moved by one of the eight steps to a neighbour, empty pixels moving in."""
    padded = nn.functional.pad(x.reshape(-1, 8, 8), (1, 1, 1, 1), value=-1.0)
    n = len(x)
    down, right = torch.randint(3, (2, n), generator=generator)
    stays = torch.rand(n, generator=generator) < 0.5
    down, right = torch.where(stays, 1, down), torch.where(stays, 1, right)
    side = torch.arange(8)
    rows, columns = (down[:, None] + side)[:, :, None], (right[:, None] + side)[:, None, :]
    return padded[torch.arange(n)[:, None, None], rows, columns].reshape(n, 64)


def trained(images, labels, options):
    """A classifier trained on these pictures, and its mean loss at the end."""
    torch.manual_seed(options.seed)
    model = Classifier()

    def loss_of_batch(rows, generator):
        x = shifted(images[rows], generator)
        x = x + 0.1 * torch.randn(x.shape, generator=generator)
        return nn.functional.cross_entropy(model(x), labels[rows], label_smoothing=0.05)

    loss = common.train(model, loss_of_batch, len(images), options.steps, options.batch, options.rate, 0.995, options.seed)
    return model, loss


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", default=common.MODELS / "digits-features.safetensors")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    images, labels = common.load_digits()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(options.seed))
    seen, unseen = order[:1500], order[1500:]
    model, _ = trained(images[seen], labels[seen], options)
    with torch.inference_mode():
        accuracy = (model(images[unseen]).argmax(1) == labels[unseen]).float().mean().item()
    print(f"accuracy on {len(unseen)} unseen pictures: {accuracy:.4f}")

    model, loss = trained(images, labels, options)
    with torch.inference_mode():
        accuracy = (model(images).argmax(1) == labels).float().mean().item()
    print(f"mean loss of the last 2,000 steps: {loss:.5f}; accuracy on all pictures, all seen: {accuracy:.4f}")
    del model.last
    common.save(model, Classifier.DESCRIPTION, options.out)
