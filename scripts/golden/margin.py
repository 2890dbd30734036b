"""Margin losses of elements.

From PyTorch: softMargin, hingeEmbedding, marginRanking. It has no hinge and squaredHinge: the truth is autograd of
their formulas, with relu, whose slope at the kink is 0. PyTorch's softMargin overflows; the case far out has softplus
instead.
"""

import random

import torch
import torch.nn.functional as F

from case import Case, floats, grids, ints, softplus
from elements import element_case


def signed(formula):
    """Cases of a loss whose target is -1 or 1, or 0 or 1 by an option."""

    def cases():
        rng = random.Random(11)
        xs = grids(rng, 8, -3, 3, 2**-5)
        ts = [rng.choice((-1, 1)) for _ in range(8)]
        weight = grids(rng, 8, 0, 4, 2**-3)
        make = lambda name, x, t, more, shape=None: element_case(name, formula, x, t, more, shape)
        yield make("plain", xs, ts, {})
        yield make("whole targets", xs, ints(ts), {})
        yield element_case(
            "targets of 0 and 1", lambda x, t: formula(x, 2 * t - 1), xs, [(t + 1) // 2 for t in ts], {"labels": "01"},
        )
        yield make("on the kink", [1, -1, 1, -1], [1, -1, -1, 1], {})
        yield make("large and small", [2**60, -(2**60), 2**-60, 1 - 2**-24], [1, 1, -1, 1], {})
        yield make("empty", [], [], {})
        yield make("one element", [0.5], [1], {})
        yield make("weighted", xs, ts, {"weight": weight})
        yield make("weighted by row", xs, ts, {"weight": floats(weight[:4], (4, 1))}, (4, 2))
        yield make("upstream and divisor", xs, ts, {"upstream": 0.5, "divisor": 3})

    return cases


def soft_margin_cases():
    rng = random.Random(12)
    formula = lambda x, t: F.soft_margin_loss(x, t, reduction="none")
    stable = lambda x, t: softplus(-t * x)
    xs = grids(rng, 8, -6, 6, 2**-5)
    ts = [rng.choice((-1, 1)) for _ in range(8)]
    weight = grids(rng, 8, 0, 4, 2**-3)
    make = lambda name, x, t, more, shape=None: element_case(name, formula, x, t, more, shape)
    yield make("plain", xs, ts, {})
    yield make("whole targets", xs, ints(ts), {})
    yield make("any targets", xs, grids(rng, 8, -2, 2, 2**-3), {})
    yield make("empty", [], [], {})
    yield make("one element", [0], [1], {})
    yield make("weighted", xs, ts, {"weight": weight})
    yield make("weighted by column", xs, ts, {"weight": weight[:4]}, (2, 4))
    yield make("upstream and divisor", xs, ts, {"upstream": -1, "divisor": 4})
    far = [20, 40, 100, -100, 700, -1e9, 1e9]
    yield element_case("far out", stable, far, [1, 1, -1, 1, 1, 1, 1], {}).precisely()


def embedding_cases():
    rng = random.Random(13)
    xs = grids(rng, 8, -1, 3, 2**-5)
    labels = [rng.choice((-1, 1)) for _ in range(8)]
    weight = grids(rng, 8, 0, 4, 2**-3)

    def make(name, x, t, more, shape=None):
        formula = lambda x, t: F.hinge_embedding_loss(x, t, margin=float(more.get("margin", 1)), reduction="none")
        return element_case(name, formula, x, t, more, shape, ("input",), ("input", "label"))

    yield make("plain", xs, labels, {})
    yield make("whole labels", xs, ints(labels), {})
    yield make("margin 2", xs, labels, {"margin": 2})
    yield make("margin 0", xs, labels, {"margin": 0})
    yield make("on the kink", [1, 1, 1], [-1, 1, 0], {})
    yield make("other labels", [0.25, 0.5, 2, -1], [0, 2, 0, 0.5], {})
    yield make("empty", [], [], {})
    yield make("one element", [0.5], [-1], {})
    yield make("weighted", xs, labels, {"weight": weight})
    yield make("weighted by row", xs, labels, {"weight": floats(weight[:2], (2, 1))}, (2, 4))
    yield make("upstream and divisor", xs, labels, {"upstream": 2, "divisor": 5})


def ranking_cases():
    rng = random.Random(14)
    a, b = grids(rng, 8, -3, 3, 2**-5), grids(rng, 8, -3, 3, 2**-5)
    labels = [rng.choice((-1, 1)) for _ in range(8)]
    weight = grids(rng, 8, 0, 4, 2**-3)

    def make(name, x1, x2, t, more, shape=None):
        margin = float(more.get("margin", 0))
        label = t if not isinstance(t, list) else floats(t, shape)
        return Case(
            name, {"x1": floats(x1, shape), "x2": floats(x2, shape), "label": label}, more,
            lambda x1, x2, label: F.margin_ranking_loss(x1, x2, label.double(), margin=margin, reduction="none"),
            grads=("x1", "x2"),
        )

    yield make("plain", a, b, labels, {})
    yield make("whole labels", a, b, ints(labels), {})
    yield make("margin 1", a, b, labels, {"margin": 1})
    yield make("a negative margin", a, b, labels, {"margin": -0.5})
    yield make("on the kink", [1, 2, 3], [1, 1, 4], [1, 1, -1], {"margin": 1})
    yield make("equal", [1, 2], [1, 2], [1, -1], {})
    yield make("empty", [], [], [], {})
    yield make("one element", [0.5], [1], [1], {})
    yield make("weighted", a, b, labels, {"weight": weight, "margin": 0.5})
    yield make("weighted by column", a, b, labels, {"weight": weight[:4]}, (2, 4))
    yield make("upstream and divisor", a, b, labels, {"upstream": -3, "divisor": 2, "margin": 0.25})


LOSSES = {
    "hinge": signed(lambda x, t: torch.relu(1 - t * x)),
    "squaredHinge": signed(lambda x, t: torch.relu(1 - t * x) ** 2),
    "softMargin": soft_margin_cases,
    "hingeEmbedding": embedding_cases,
    "marginRanking": ranking_cases,
}
