"""Losses of adversarial training. PyTorch has none of them: the truth is autograd of their formulas.

Probabilities are PyTorch's binary_cross_entropy, whose logarithms end at -100. A discriminator has the mean of the real
and the mean of the fake samples, which may be of different number, and adds them up.
"""

import random

import torch
import torch.nn.functional as F

from case import Case, floats, grids, softplus


def log_of(p, t):
    """-log p for t = 1, -log(1 - p) for t = 0."""
    return F.binary_cross_entropy(p, torch.full_like(p, t), reduction="none")


MINIMAX_D = lambda real, fake, o: (
    {"real": log_of(real, 1.0), "fake": log_of(fake, 0.0)} if o.get("inputs") == "probabilities"
    else {"real": softplus(-real), "fake": softplus(fake)}
)
MINIMAX_G = lambda fake, o: -log_of(fake, 0.0) if o.get("inputs") == "probabilities" else -softplus(fake)
NON_SATURATING_G = lambda fake, o: log_of(fake, 1.0) if o.get("inputs") == "probabilities" else softplus(-fake)
LS_D = lambda real, fake, o: {
    "real": (real - o.get("real", 1)) ** 2 / 2, "fake": (fake - o.get("fake", 0)) ** 2 / 2,
}
LS_G = lambda fake, o: (fake - o.get("target", 1)) ** 2 / 2
HINGE_D = lambda real, fake, o: {"real": torch.relu(1 - real), "fake": torch.relu(1 + fake)}
WASSERSTEIN_D = lambda real, fake, o: {"real": -real, "fake": +fake}
MINUS = lambda fake, o: -fake


def discriminator(formula, settings=(), probabilities=False):
    def cases():
        rng = random.Random(32)
        real, fake = grids(rng, 7, -3, 3, 2**-5), grids(rng, 5, -3, 3, 2**-5)
        make = lambda name, real, fake, options: Case(
            name, {"real": floats(real), "fake": floats(fake)}, options,
            lambda real, fake: formula(real, fake, options), grads=("real", "fake"),
        )
        yield make("plain", real, fake, {})
        yield make("one of each", [2], [-1], {})
        yield make("on the kink", [1, 0, 2], [-1, 1, -2], {})
        yield make("far out", [1000, -1000, 40, -40], [1000, -1000, -40, 40], {}).precisely()
        yield make("upstream", real, fake, {"upstream": -2})
        for setting in settings:
            yield make(", ".join(f"{k} {v}" for k, v in setting.items()), real, fake, setting)
        if probabilities:
            yield make(
                "probabilities", grids(rng, 7, 2**-6, 1 - 2**-6, 2**-6), grids(rng, 5, 2**-6, 1 - 2**-6, 2**-6),
                {"inputs": "probabilities"},
            )

    return cases


def generator(formula, settings=(), probabilities=False):
    def cases():
        rng = random.Random(33)
        fake, weight = grids(rng, 7, -3, 3, 2**-5), grids(rng, 7, 0, 4, 2**-3)
        make = lambda name, fake, options: Case(
            name, {"fake": floats(fake)}, options, lambda fake: formula(fake, options), grads=("fake",),
        )
        yield make("plain", fake, {})
        yield make("one sample", [-1], {})
        yield make("empty", [], {})
        yield make("far out", [1000, -1000, -40, 40], {}).precisely()
        yield make("weighted", fake, {"weight": weight})
        yield make("upstream and divisor", fake, {"upstream": -2, "divisor": 5})
        for setting in settings:
            yield make(", ".join(f"{k} {v}" for k, v in setting.items()), fake, setting)
        if probabilities:
            yield make("probabilities", grids(rng, 7, 2**-6, 1 - 2**-6, 2**-6), {"inputs": "probabilities"})

    return cases


LOSSES = {
    "minimaxGan.discriminator": discriminator(MINIMAX_D, probabilities=True),
    "minimaxGan.generator": generator(MINIMAX_G, probabilities=True),
    "nonSaturatingGan.discriminator": discriminator(MINIMAX_D, probabilities=True),
    "nonSaturatingGan.generator": generator(NON_SATURATING_G, probabilities=True),
    "lsGan.discriminator": discriminator(LS_D, [{"real": 0.75}, {"real": 2, "fake": -1}]),
    "lsGan.generator": generator(LS_G, [{"target": 0}]),
    "hingeGan.discriminator": discriminator(HINGE_D),
    "hingeGan.generator": generator(MINUS),
    "wassersteinGan.discriminator": discriminator(WASSERSTEIN_D),
    "wassersteinGan.generator": generator(MINUS),
}
