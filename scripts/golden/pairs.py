"""Losses of pairs and triples of vectors.

From PyTorch: cosineEmbedding, triplet. It has no contrastive and gradientPenalty: the truth is autograd of their
formulas, with PyTorch's norm, whose slope at a zero vector is 0. PyTorch's cosineEmbedding holds the 1e-12 that it adds
to squared norms as a float32, which shows where vectors are small: those cases have its formula with the float64.
"""

import math
import random

import torch
import torch.nn.functional as F

from case import Case, floats, grids, ints


def vectors(rng, rows, columns):
    return grids(rng, rows * columns, -2, 2, 2**-5)


def pair_cases(formula, labels, margins, of_small=None):
    """
    Cases of formula(x1, x2, label, margin), where `margins` are the first one, the default, and others to try, and
    `of_small` is the formula where vectors are small.
    """
    rng = random.Random(25)
    shape = (4, 3)
    a, b, y = vectors(rng, *shape), vectors(rng, *shape), [labels[i] for i in (0, 1, 1, 0)]

    def make(name, x1, x2, label, options, s=shape, formula=formula):
        margin = options.get("margin", margins[0])
        label = floats(label) if isinstance(label, list) else label
        return Case(
            name, {"x1": floats(x1, s), "x2": floats(x2, s), "label": label},
            options, lambda x1, x2, label: formula(x1, x2, label.double(), float(margin)), grads=("x1", "x2"),
        )

    yield make("plain", a, b, y, {})
    yield make("whole labels", a, b, ints(y), {})
    for margin in margins[1:]:
        yield make(f"margin {margin}", a, b, y, {"margin": margin})
    yield make("one pair", a[:3], b[:3], [labels[1]], {"margin": margins[1]}, (1, 3))
    yield make("one dimension", [1, 2, -0.5], [1.5, -1, -1], [labels[0], labels[1], labels[0]], {}, (3, 1))
    yield make("equal vectors", a[:6], a[:6], [labels[0], labels[1]], {}, (2, 3))
    small = {"formula": of_small or formula}
    some = [labels[1], labels[0], labels[1]]
    yield make("zero vectors", [0, 0, 0, 0, 1, 2], [0, 0, 1, 2, 0, 0], some, {}, (3, 2), **small)
    yield make("no pairs", [], [], [], {}, (0, 3))
    yield make("weighted", a, b, y, {"weight": [0.5, 0, 3, 1]})
    yield make("upstream and divisor", a, b, y, {"upstream": -2, "divisor": 5, "margin": margins[1]})
    yield make("large and small", [2**20, 1, 2**-20, 0], [2**20, -1, 0, 2**-21], some[1:], {}, (2, 2), **small)
    long = vectors(rng, 1, 19), vectors(rng, 1, 19)
    yield make("many dimensions", *long, [labels[1]], {"margin": margins[-1]}, (1, 19))


def contrastive(x1, x2, label, margin):
    d = torch.linalg.vector_norm(x1 - x2, dim=1)
    return (1 - label) * d**2 + label * torch.relu(margin - d) ** 2


def contrastive_cases():
    yield from pair_cases(contrastive, (0, 1), (1, 4, 2, 16))
    make = lambda name, x1, x2, label, shape: Case(
        name, {"x1": floats(x1, shape), "x2": floats(x2, shape), "label": floats(label)}, {},
        lambda x1, x2, label: contrastive(x1, x2, label, 1), grads=("x1", "x2"),
    )
    yield make("at the margin", [1, 0, 0.5, 0], [0, 0, 0, 0], [1, 1], (2, 2))
    yield make("soft labels", [1, 0.25, 0.5, 0], [0.5, 0, 0, 0], [0.25, 0.75], (2, 2))


def cosine_embedding(x1, x2, label, margin, eps=1e-12):
    squared = lambda x: (x * x).sum(dim=1) + eps
    cos = (x1 * x2).sum(dim=1) / torch.sqrt(squared(x1) * squared(x2))
    return torch.where(label == 1, 1 - cos, torch.where(label == -1, (cos - margin).clamp(min=0), 0.0))


def cosine_cases():
    formula = lambda x1, x2, y, margin: F.cosine_embedding_loss(x1, x2, y, margin=margin, reduction="none")
    yield from pair_cases(formula, (1, -1), (0, 0.5, -0.75), cosine_embedding)
    x1, x2 = [3, 4, 3, 4, 1, 0, 0, 2], [4, 3, 3, 4, 0, 1, 0, -1]
    make = lambda name, label, options: Case(
        name, {"x1": floats(x1, (4, 2)), "x2": floats(x2, (4, 2)), "label": floats(label)}, options,
        lambda x1, x2, label: formula(x1, x2, label, float(options.get("margin", 0))), grads=("x1", "x2"),
    )
    yield make("other labels", [0, 1, -1, 2], {})
    yield make("dissimilar", [-1, -1, -1, -1], {})


def triplet_cases():
    rng = random.Random(26)
    shape = (3, 3)
    a, p, n = vectors(rng, *shape), vectors(rng, *shape), vectors(rng, *shape)

    def make(name, anchor, positive, negative, options, s=shape):
        kwargs = {
            "margin": float(options.get("margin", 1)), "p": options.get("p", 2),
            "eps": float(options.get("eps", 1e-6)), "swap": options.get("swap", False),
        }
        inputs = {"anchor": floats(anchor, s), "positive": floats(positive, s), "negative": floats(negative, s)}
        of = lambda anchor, positive, negative: F.triplet_margin_loss(
            anchor, positive, negative, reduction="none", **kwargs
        )
        return Case(name, inputs, options, of, grads=tuple(inputs))

    yield make("plain", a, p, n, {})
    for power in (1, 2, 3, 1.5, math.inf):
        yield make(f"p {power}, margin 2", a, p, n, {"p": power, "margin": 2})
    for power in (1, 2, math.inf):
        yield make(f"p {power}, swap", a, p, n, {"p": power, "swap": True, "margin": 4})
    yield make("margin 0", a, p, n, {"margin": 0})
    yield make("eps 0", a, p, n, {"eps": 0})
    yield make("eps 0.5", a, p, n, {"eps": 0.5})
    yield make("one triple", [1, 2, 3], [1, 2, 2], [4, 2, 3], {"margin": 3}, (1, 3))
    yield make("one triple, swap", [1, 2, 3], [1, 2, 2], [4, 2, 3], {"margin": 3, "swap": True}, (1, 3))
    yield make("one dimension", [1, 2, -0.5], [1.5, -1, -1], [0, 2, 3], {}, (3, 1))
    yield make("equal vectors", a[:3], a[:3], a[:3], {}, (1, 3))
    yield make("equal vectors, eps 0", a[:3], a[:3], a[:3], {"eps": 0}, (1, 3))
    yield make("on the kink", [0, 0], [3, 4], [6, 0], {"eps": 0}, (1, 2))
    yield make("no triples", [], [], [], {}, (0, 3))
    yield make("weighted", a, p, n, {"weight": [0.5, 0, 3]})
    yield make("upstream and divisor", a, p, n, {"upstream": -2, "divisor": 5, "margin": 3})
    many = [vectors(rng, 1, 19) for _ in range(3)]
    yield make("many dimensions", *many, {"margin": 8}, (1, 19))


def penalty(options):
    """λ(‖g‖/target − 1)², or of the part of the bracket that is positive."""
    strength, target = options.get("lambda", 10), options.get("target", 1)

    def values(gradients):
        excess = torch.linalg.vector_norm(gradients, dim=1) / target - 1
        return strength * (torch.relu(excess) if options.get("oneSided", False) else excess) ** 2

    return values


def penalty_cases():
    rng = random.Random(27)
    shape = (4, 3)
    g = grids(rng, 12, -1, 1, 2**-5)
    make = lambda name, g, options, s=shape: Case(
        name, {"gradients": floats(g, s)}, options, penalty(options), grads=("gradients",),
    )
    yield make("plain", g, {})
    yield make("lambda 1", g, {"lambda": 1})
    yield make("target 2", g, {"target": 2})
    yield make("one-sided", g, {"oneSided": True})
    yield make("one-sided, target 2, lambda 0.5", [2 * x for x in g], {"oneSided": True, "target": 2, "lambda": 0.5})
    yield make("one vector", [3, 4], {}, (1, 2))
    yield make("of length 1", [1, 0, 0, -1], {}, (2, 2))
    yield make("zero vector", [0, 0, 3, 4], {}, (2, 2))
    yield make("no vectors", [], {}, (0, 3))
    yield make("weighted", g, {"weight": [0.5, 0, 3, 1]})
    yield make("upstream and divisor", g, {"upstream": -2, "divisor": 5})
    yield make("large and small", [2**20, 0, 2**-20, 2**-21], {}, (2, 2))
    yield make("many dimensions", grids(rng, 19, -1, 1, 2**-5), {}, (1, 19))


LOSSES = {
    "contrastive": contrastive_cases,
    "cosineEmbedding": cosine_cases,
    "triplet": triplet_cases,
    "gradientPenalty": penalty_cases,
}
