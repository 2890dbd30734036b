"""Losses of all pairs.

linearCrossEntropy is PyTorch's cross_entropy of x·Wᵀ + b. PyTorch has no siameseTriplet, infoNce, ntXent and supCon:
the truth is autograd of their formulas, which hold the whole matrix of scores.
"""

import math
import random

import torch
import torch.nn.functional as F

from case import IGNORED, Case, ClassCase, floats, grids, ints, option, softplus


def siamese_cases():
    rng = random.Random(28)

    def make(name, p, n, options):
        return Case(
            name, {"positive": floats(p), "negative": floats(n)}, options,
            lambda positive, negative: softplus(negative[None, :] - positive[:, None]).mean(dim=1),
            grads=("positive", "negative"),
        )

    p, n = grids(rng, 7, -4, 4, 2**-5), grids(rng, 5, -4, 4, 2**-5)
    yield make("plain", p, n, {})
    yield make("of the paper", [1, 2], [0, -1, 0.5], {})
    yield make("one of each", [0.5], [0.25], {})
    yield make("far apart", [1000, 0, 40], [0, 1000, -30], {})
    yield make("well apart", [20, 30, 40], [-10, 0, -30], {}).precisely()
    yield make("upstream and divisor", p, n, {"upstream": -2, "divisor": 5})
    yield make("many", grids(rng, 19, -4, 4, 2**-5), grids(rng, 35, -4, 4, 2**-5), {})


def unit(x):
    """Rows of length 1; shorter ones than 1e-8 are divided by that, so a zero vector stays one."""
    return x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp(min=1e-8)


def info_nce_cases():
    rng = random.Random(29)

    def make(name, q, k, options, shape):
        temperature = options.get("temperature", 0.07)

        def samples(query, key):
            return F.cross_entropy(unit(query) @ unit(key).T / temperature, torch.arange(shape[0]), reduction="none")

        inputs = {"query": floats(q, shape), "key": floats(k, shape)}
        return Case(name, inputs, options, samples, grads=("query", "key"))

    shape = (3, 3)
    q, k = grids(rng, 9, -2, 2, 2**-5), grids(rng, 9, -2, 2, 2**-5)
    near = [x + d for x, d in zip(q, grids(rng, 9, -0.25, 0.25, 2**-5))]
    yield make("plain", q, k, {}, shape)
    yield make("keys near their queries", q, near, {}, shape)
    yield make("equal", q, q, {"temperature": 0.25}, shape)
    yield make("temperature 1", q, k, {"temperature": 1}, shape)
    yield make("temperature 0.5", q, near, {"temperature": 0.5}, shape)
    yield make("one pair", [3, 4], [4, 3], {}, (1, 2))
    yield make("a zero vector", [0, 0, 3, 4], [1, 2, 4, 3], {"temperature": 0.5}, (2, 2))
    yield make("scaled", [x * 2**20 for x in q], [x * 2**-20 for x in near], {"temperature": 0.5}, shape)
    yield make("upstream and divisor", q, near, {"upstream": -2, "divisor": 5}, shape)
    for name, shape in (("many dimensions", (2, 19)), ("many pairs", (19, 2))):
        yield make(name, grids(rng, 38, -2, 2, 2**-5), grids(rng, 38, -2, 2, 2**-5), {"temperature": 0.5}, shape)


def scores_of(embeddings, temperature):
    e = unit(embeddings)
    return e @ e.T / temperature


def nt_xent(embeddings, labels, temperature):
    """Every positive against itself and the negatives; averaged over the positives of the anchor."""
    s, values = scores_of(embeddings, temperature), []
    for i, label in enumerate(labels):
        same = labels == label
        negatives = s[i][~same]
        terms = [
            torch.logsumexp(torch.cat([s[i, p : p + 1], negatives]), dim=0) - s[i, p]
            for p in same.nonzero().flatten().tolist() if p != i
        ]
        values.append(torch.stack(terms).mean() if terms else s[i, i] * 0)
    return torch.stack(values)


def sup_con(embeddings, labels, temperature):
    """Every positive against all but the anchor; averaged over the positives of the anchor."""
    s, values, n = scores_of(embeddings, temperature), [], len(labels)
    for i, label in enumerate(labels):
        others = torch.arange(n) != i
        positives = (labels == label) & others
        if positives.any():
            values.append(torch.logsumexp(s[i][others], dim=0) - s[i][positives].mean())
        else:
            values.append(s[i, i] * 0)
    return torch.stack(values)


def label_cases(formula, temperature):
    def cases():
        rng = random.Random(30)
        shape = (6, 2)
        e, y = grids(rng, 12, -2, 2, 2**-5), [0, 1, 0, 2, 1, 0]

        def make(name, e, y, options, s=shape):
            t = options.get("temperature", temperature)

            def mean(embeddings, labels):
                counts = (labels[:, None] == labels[None, :]).sum(dim=1) > 1
                total = formula(embeddings, labels, t).sum()
                # Without an anchor that counts the gradient is 0, as it is where all rows are ignored.
                return total / counts.sum() if counts.any() else total * 0 + math.nan

            return Case(
                name, {"embeddings": floats(e, s), "labels": ints(y)}, options,
                lambda embeddings, labels: formula(embeddings, labels, t), mean, ("embeddings",),
            )

        yield make("plain", e, y, {})
        yield make("temperature 1", e, y, {"temperature": 1})
        yield make("temperature 0.5", e, y, {"temperature": 0.5})
        yield make("two views", e, [0, 1, 2, 0, 1, 2], {"temperature": 0.5})
        yield make("anchors without a positive", e, [0, 1, 0, 2, 3, 2], {"temperature": 0.5})
        yield make("no positives", e, [0, 1, 2, 3, 4, 5], {"temperature": 0.5})
        yield make("no negatives", e, [3] * 6, {"temperature": 0.5})
        yield make("labels of any size", e, [-5, 2**31 - 1, -5, 7, 2**31 - 1, -5], {"temperature": 0.5})
        yield make("a zero vector", [0, 0, 3, 4, 4, 3, 1, -2], [0, 0, 1, 1], {"temperature": 0.5}, (4, 2))
        yield make("upstream and divisor", e, y, {"upstream": -2, "divisor": 5, "temperature": 0.5})
        labels = [rng.randrange(4) for _ in range(19)]
        yield make("many", grids(rng, 19 * 2, -2, 2, 2**-5), labels, {"temperature": 0.5}, (19, 2))
        yield make("many dimensions", grids(rng, 3 * 19, -2, 2, 2**-5), [0, 1, 0], {"temperature": 0.5}, (3, 19))

    return cases


def linear_cases():
    rng = random.Random(31)
    n, d, v = 4, 2, 5
    x, w = grids(rng, n * d, -2, 2, 2**-4), grids(rng, v * d, -2, 2, 2**-4)
    labels, some = [2, 0, 4, 2], [2, IGNORED, 4, IGNORED]
    bias, weight = floats(grids(rng, v, -1, 1, 2**-4)), [0.5, 2, 1, 3, 0.25]

    def make(name, x, w, y, options, sizes=(n, d, v)):
        n, d, v = sizes
        kwargs = {
            "ignore_index": options.get("ignoreIndex", IGNORED),
            "label_smoothing": float(options.get("labelSmoothing", 0)),
        }
        if "weight" in options:
            kwargs["weight"] = option(options["weight"])

        def run(reduction):
            return lambda input, linearWeight, target, bias=None: F.cross_entropy(
                F.linear(input, linearWeight, bias), target, reduction=reduction, **kwargs
            )

        inputs = {"input": floats(x, (n, d)), "linearWeight": floats(w, (v, d)), "target": ints(y)}
        grads = ("input", "linearWeight", "bias") if "bias" in options else ("input", "linearWeight")
        return ClassCase(name, inputs, options, run("none"), run("mean"), grads)

    yield make("plain", x, w, labels, {})
    yield make("bias", x, w, labels, {"bias": bias})
    yield make("ignored rows", x, w, some, {"bias": bias})
    yield make("all rows ignored", x, w, [IGNORED] * n, {})
    yield make("a valid class ignored", x, w, labels, {"ignoreIndex": 2})
    yield make("weighted", x, w, some, {"weight": weight})
    yield make("smoothing 1", x, w, labels, {"labelSmoothing": 1})
    yield make("smoothing 0.125, weighted, bias", x, w, some, {"labelSmoothing": 0.125, "weight": weight, "bias": bias})
    yield make("one row", x[:2], w, [1], {"bias": bias}, (1, d, v))
    yield make("one feature", [1, -2, 0.5], [1, -1], [0, 1, 1], {}, (3, 1, 2))
    yield make("far apart", [30, 1, -30, 2], [10, 0, -10, 1], [0, 1], {}, (2, 2, 2))
    yield make("no rows", [], w, [], {}, (0, d, v))
    yield make("upstream and divisor", x, w, some, {"upstream": -2, "divisor": 5, "bias": bias, "weight": weight})
    yield make("many classes", grids(rng, 2, -2, 2, 2**-4), grids(rng, 35, -2, 2, 2**-4), [34, 13], {}, (2, 1, 35))
    yield make("many features", grids(rng, 19, -1, 1, 2**-4), grids(rng, 38, -1, 1, 2**-4), [1], {}, (1, 19, 2))


LOSSES = {
    "siameseTriplet": siamese_cases,
    "infoNce": info_nce_cases,
    "ntXent": label_cases(nt_xent, 0.07),
    "supCon": label_cases(sup_con, 0.1),
    "linearCrossEntropy": linear_cases,
}
