"""Likelihoods and divergences: poissonNll, gaussianNll, klDiv. All are PyTorch's."""

import math
import random

import torch
import torch.nn.functional as F

from case import Case, floats, grids, ints, log_probabilities
from elements import element_case


def poisson(options):
    kwargs = {
        "log_input": options.get("logInput", True),
        "full": options.get("full", False),
        "eps": float(options.get("eps", 1e-8)),
    }
    return lambda x, t: F.poisson_nll_loss(x, t, reduction="none", **kwargs)


def poisson_cases():
    rng = random.Random(7)
    logs, rates = grids(rng, 8, -3, 3, 2**-5), grids(rng, 8, 0, 6, 2**-5)
    counts = [rng.randrange(6) for _ in range(8)]
    real = grids(rng, 8, 0, 6, 2**-4)
    weight = grids(rng, 8, 0, 4, 2**-3)
    make = lambda name, x, t, options, shape=None: element_case(name, poisson(options), x, t, options, shape)
    yield make("logarithms of rates", logs, real, {})
    yield make("whole targets", logs, ints(counts), {})
    yield make("rates", rates, real, {"logInput": False})
    yield make("full", logs, [0, 0.5, 1, 1 + 2**-10, 2, 17, 1e4, 1.5], {"full": True})
    yield make("full, of rates", rates, real, {"full": True, "logInput": False})
    yield make("eps", [0, 0, 1, 4], [0, 1, 2, 0], {"logInput": False, "eps": 0.5})
    yield make("rate 0", [0, 0, 2**-30], [0, 1, 1], {"logInput": False})
    yield make("empty", [], [], {})
    yield make("one element", [1], [2], {})
    yield make("weighted", logs, real, {"weight": weight, "full": True})
    yield make("weighted by row", logs, real, {"weight": floats(weight[:4], (4, 1))}, (4, 2))
    yield make("upstream and divisor", logs, real, {"upstream": 3, "divisor": 5})
    yield make("far out", [-200, -90, 50, 80], [1, 0, 3, 2], {})
    yield make("not a number", [math.nan, 1], [1, math.nan], {})


def gaussian_case(name, mean, target, variance, options, shape=None):
    kwargs = {"full": options.get("full", False), "eps": float(options.get("eps", 1e-6))}
    inputs = {"mean": floats(mean, shape), "target": floats(target, shape), "variance": floats(variance, shape)}
    of = lambda mean, target, variance: F.gaussian_nll_loss(mean, target, variance, reduction="none", **kwargs)
    return Case(name, inputs, options, of, grads=("mean", "variance"))


def gaussian_cases():
    rng = random.Random(8)
    mean, target = grids(rng, 8, -4, 4, 2**-5), grids(rng, 8, -4, 4, 2**-5)
    variance = grids(rng, 8, 2**-3, 4, 2**-3)
    weight = grids(rng, 8, 0, 4, 2**-3)
    make = lambda name, options, shape=None: gaussian_case(name, mean, target, variance, options, shape)
    yield make("plain", {})
    yield make("full", {"full": True})
    yield make("eps", {"eps": 1})
    yield gaussian_case("variance below eps", [1, 0, 2, 0], [0, 0, 2, 0.5], [0, 0, 2**-30, 2**-21], {})
    yield gaussian_case("variance of eps", [1, 0, 2], [0, 0, 0], [0.25, 0.125, 0.5], {"eps": 0.25})
    yield gaussian_case("large and small", [2**20, 2**-20, 1], [0, 0, 1], [2**40, 2**-10, 2**60], {})
    yield gaussian_case("one element", [1], [3], [2], {})
    yield gaussian_case("empty", [], [], [], {})
    yield make("weighted", {"weight": weight})
    yield make("weighted by column", {"weight": weight[:2]}, (4, 2))
    yield make("upstream and divisor", {"upstream": -2, "divisor": 9})


def kl_case(name, x, t, options, shape):
    of = lambda pred, target: F.kl_div(pred, target, reduction="none", log_target=options.get("logTarget", False))
    return Case(
        name, {"pred": floats(x, shape), "target": floats(t, shape)}, options, of, grads=("pred",),
        more={"batchmean": lambda pred, target: weighted(of(pred, target), options).sum() / shape[0]},
    )


def weighted(values, options):
    weight = options.get("weight")
    if weight is None:
        return values
    w = torch.tensor(weight, dtype=torch.float64)
    return values * (w.reshape(values.shape) if w.numel() == values.numel() else w)


def kl_cases():
    rng = random.Random(9)
    shape = (2, 4)
    logs = lambda: log_probabilities(floats(grids(rng, 8, -3, 3, 2**-4), shape).torch(), 1)
    x, log_t = logs(), logs()
    t = [0.5, 0.25, 0.125, 0.125, 0, 0.0625, 0.9375, 0]
    weight = grids(rng, 8, 0, 4, 2**-3)
    make = lambda name, t, options, s=shape: kl_case(name, x, t, options, s)
    yield make("probabilities", t, {})
    yield make("probabilities of one row", t, {}, (1, 8))
    yield make("logarithms of probabilities", log_t, {"logTarget": True})
    yield kl_case("equal", log_t, log_t, {"logTarget": True}, shape)
    yield make("weighted", t, {"weight": weight})
    yield make("weighted by column", log_t, {"weight": weight[:4], "logTarget": True})
    yield make("upstream", t, {"upstream": 1.5})
    yield kl_case("not normalised", [-3, 2, 0, -100], [2, 0.5, 3, 1], {}, (2, 2))
    yield kl_case("far out", [-300, -1e6, 0, -700], [0.5, 0.25, 0, 2**-100], {}, (4, 1))
    yield kl_case("impossible targets", [-1, -2], [-math.inf, -1], {"logTarget": True}, (1, 2))


LOSSES = {"poissonNll": poisson_cases, "gaussianNll": gaussian_cases, "klDiv": kl_cases}
