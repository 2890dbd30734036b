"""Regression losses.

From PyTorch: mse, mae, huber, smoothL1. It has no mbe, logCosh, mape, msle, quantile and rmse: the truth is autograd of
their formulas, written here.
"""

import math
import random

import torch
import torch.nn.functional as F

from case import Case, floats, grids, ints
from elements import element_case

LN2 = math.log(2)


def regression(formula, options=None, positive=False, smooth=True, short=False):
    """
    Cases of a loss of elements. `positive` draws inputs that are never negative; `smooth` says that the value and the
    slope at infinities and NaN are plain arithmetic; `short` leaves out what another option would not change.
    """
    rng = random.Random(1)
    base = options or {}
    low = 0 if positive else -8
    xs, ts = grids(rng, 8, low, 8, 2**-6), grids(rng, 8, low, 8, 2**-6)
    weight = grids(rng, 8, 0, 4, 2**-3)
    inf, nan = math.inf, math.nan
    make = lambda name, x, t, more, shape=None: element_case(name, formula, x, t, {**base, **more}, shape)
    yield make("plain", xs, ts, {})
    yield make("weighted", xs, ts, {"weight": weight})
    if short:
        return
    yield make("one element", xs[:1], ts[:1], {})
    yield make("empty", [], [], {})
    yield make("equal", xs[:4], xs[:4], {})
    yield make("whole targets", xs[:6], ints([0, 1, 2, 3, 1, 0]), {})
    yield make("weighted by column", xs, ts, {"weight": weight[:2]}, (4, 2))
    yield make("weighted by row", xs, ts, {"weight": floats(weight[:4], (4, 1))}, (4, 2))
    yield make("weighted by channel", xs, ts, {"weight": floats(weight[:2], (2, 1, 1))}, (2, 2, 1, 2))
    yield make("upstream and divisor", xs, ts, {"upstream": -2.5, "divisor": 7})
    if smooth:
        yield make("large and small", [2**60, -(2**60), 2**-100, 1e9, 0], [0, 1, 0, -1e9, 2**-100], {})
        yield make("infinite", [inf, -inf, 1, 0], [0, 0, -inf, 0], {})
        yield make("not a number", [nan, 1, 2], [0, nan, 1], {})


def with_options(formula, name, values, **how):
    """Cases for several values of an option, all of them for the first; formula(x, t, value)."""
    for value in values:
        at = lambda x, t, value=value: formula(x, t, value)
        for case in regression(at, {name: value}, short=value != values[0], **how):
            case.name = f"{case.name}, {name} {value}"
            yield case


def huber(x, t, delta):
    return F.huber_loss(x, t, reduction="none", delta=float(delta))


def smooth_l1(x, t, beta):
    return F.smooth_l1_loss(x, t, reduction="none", beta=float(beta))


def huber_cases():
    yield from with_options(huber, "delta", (1, 2, 0.5))
    points = [-3, -2, -1, 0, 0.5, 2, 5]
    yield element_case("on the joints", lambda x, t: huber(x, t, 2), points, [0] * 7, {"delta": 2})


def smooth_l1_cases():
    yield from with_options(smooth_l1, "beta", (1, 2, 0.5))
    points = [-3, -2, -1, 0, 0.5, 2, 5]
    yield element_case("on the joints", lambda x, t: smooth_l1(x, t, 2), points, [0] * 7, {"beta": 2})
    yield element_case("beta 0 is mae", lambda x, t: F.l1_loss(x, t, reduction="none"), points, [0] * 7, {"beta": 0})


def log_cosh(x, t):
    """log cosh d, near 0 as log(1 + 2 sinh²(d/2)), which loses nothing there."""
    d = x - t
    a = d.abs()
    near = a < 1
    small, large = torch.where(near, d, 0.0), torch.where(near, 1.0, a)
    far = large + torch.log1p(torch.exp(-2 * large)) - LN2
    return torch.where(near, torch.log1p(2 * torch.sinh(small / 2) ** 2), far)


def log_cosh_cases():
    yield from regression(log_cosh)
    points = [2**-13, 2**-20, -(2**-12), 0.5, 2, 15, 20, 100, -100, 1e6]
    yield element_case("near 0 and far out", log_cosh, points, [0] * len(points), {}).precisely()


def mape(x, t):
    return 100 * (t - x).abs() / t.abs().clamp(min=1e-7)


def mape_cases():
    yield from regression(mape, smooth=False)
    yield element_case("small and large targets", mape, [1, 0, 2**-30, 3, 2**20], [0, 0, 2**-30, 2**-40, -(2**30)], {})


def msle(x, t):
    log = lambda v: torch.log1p(v.clamp(min=1e-7))
    return (log(x) - log(t)) ** 2


def msle_cases():
    yield from regression(msle, positive=True, smooth=False)
    yield element_case("negative", msle, [-1, -0.5, 2, 0, -3], [1, -2, -1, 0, 0.5], {})
    yield element_case("near and far", msle, [1, 1 + 2**-20, 2**-12, 2**40, 2**-30], [1, 1, 2**-13, 1, 0], {})


def quantile(x, t, tau):
    """max(τu, (τ−1)u) with u = t − x, whose slope at u = 0 is 0: relu has that slope."""
    u = t - x
    return tau * torch.relu(u) + (1 - tau) * torch.relu(-u)


def quantile_cases():
    yield from with_options(quantile, "tau", (0.5, 0.125, 0.875), smooth=False)
    at = lambda x, t: quantile(x, t, 0.5)
    yield element_case("by default the median", at, [1, 2, 3], [3, 2, 1], {})
    ends = lambda name, tau: element_case(name, lambda x, t: quantile(x, t, tau), [1, 2, 3], [3, 2, 1], {"tau": tau})
    yield ends("a high quantile", 0.9375)
    yield ends("a low quantile", 0.0625)


def rmse_cases():
    """Its gradient where there is no error is 0, that of the norm; PyTorch's square root of a mean has NaN."""
    rng = random.Random(6)
    xs, ts = grids(rng, 8, -8, 8, 2**-6), grids(rng, 8, -8, 8, 2**-6)
    weight = grids(rng, 8, 0, 4, 2**-3)

    def make(name, x, t, options, shape=None):
        w = torch.tensor(options.get("weight", 1), dtype=torch.float64)

        def mean(pred, target):
            root = w.reshape(pred.shape) if w.numel() == pred.numel() > 1 else w
            return torch.linalg.vector_norm((pred - target) * root.sqrt()) / math.sqrt(len(x)) if x else pred.mean()

        return Case(name, {"pred": floats(x, shape), "target": floats(t, shape)}, options, None, mean, ("pred",))

    yield make("plain", xs, ts, {})
    yield make("one element", [3], [1], {})
    yield make("empty", [], [], {})
    yield make("equal", xs[:4], xs[:4], {})
    yield make("weighted", xs, ts, {"weight": weight})
    yield make("weighted by column", xs, ts, {"weight": weight[:2]}, (4, 2))
    yield make("upstream", xs, ts, {"upstream": -2.5})
    yield make("large and small", [2**60, 2**-40, 1], [0, 0, 2**50], {})
    yield make("small", [2**-40, 2**-42], [0, 0], {})
    yield make("not a number", [math.nan, 1], [0, 0], {})


LOSSES = {
    "mse": lambda: regression(lambda x, t: F.mse_loss(x, t, reduction="none")),
    "mbe": lambda: regression(lambda x, t: t - x),
    "mae": lambda: regression(lambda x, t: F.l1_loss(x, t, reduction="none")),
    "huber": huber_cases,
    "smoothL1": smooth_l1_cases,
    "logCosh": log_cosh_cases,
    "mape": mape_cases,
    "msle": msle_cases,
    "quantile": quantile_cases,
    "rmse": rmse_cases,
}
