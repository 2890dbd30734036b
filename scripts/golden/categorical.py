"""Losses of rows of class scores.

From PyTorch: crossEntropy, nll, multiMargin, multilabelMargin, multilabelSoftMargin. It has no softmaxFocal, poly1
and multiclassHinge: the truth is autograd of their formulas. The first two are functions of
a = log Σ_{c≠y} exp(z_c) − z_y alone, for p_y = σ(−a), and so keep what confident rows have left; as softplus(a) does,
the cross-entropy of the confident rows here.
"""

import math
import random

import torch
import torch.nn.functional as F

from case import IGNORED, Case, ClassCase, floats, grids, ints, log_probabilities, option, softplus

# Class labels and probabilities: PyTorch's own functions


def row_case(name, function, key, shape, data, target, options, target_shape=None):
    """`target` is a list of labels, in the order of the positions, or of probabilities for every class."""
    kwargs = {}
    if "weight" in options:
        kwargs["weight"] = option(options["weight"])
    if "ignoreIndex" in options:
        kwargs["ignore_index"] = options["ignoreIndex"]
    if "labelSmoothing" in options:
        kwargs["label_smoothing"] = float(options["labelSmoothing"])
    axis = options.get("axis", 1)
    labels = target_shape != shape
    y = ints(target, target_shape or shape[:1]) if labels else floats(target, shape)
    second = lambda z: z.movedim(axis, 1).contiguous()

    def run(reduction):
        def of(**given):
            t = given["target"] if labels else second(given["target"])
            return function(second(given[key]), t, reduction=reduction, **kwargs)

        return of

    return ClassCase(name, {key: floats(data, shape), "target": y}, options, run("none"), run("mean"), (key,))


def index_cases(function, key, smooth):
    rng = random.Random(4)
    rows, classes = 4, 4
    shape = (rows, classes)

    def numbers(shape, axis=1):
        data = grids(rng, math.prod(shape), -6, 6, 2**-5)
        return data if smooth else log_probabilities(floats(data, shape).torch(), axis)

    z = numbers(shape)
    labels = [2, 0, 3, 2]
    some = [2, IGNORED, 3, IGNORED]
    weight = [0.5, 2, 1, 3]
    inf, nan = math.inf, math.nan
    make = lambda name, z, y, more, s=shape, at=None: row_case(name, function, key, s, z, y, more, at)
    yield make("labels", z, labels, {})
    yield make("one row", z[:4], [3], {}, (1, classes))
    yield make("ignored rows", z, some, {})
    yield make("all rows ignored", z, [IGNORED] * rows, {})
    yield make("no rows", [], [], {}, (0, classes))
    yield make("weighted", z, labels, {"weight": weight})
    yield make("weighted with ignored rows", z, some, {"weight": weight})
    yield make("weightless classes", z, [1, 1, 0, 0], {"weight": [0, 0, 1, 1]})
    yield make("a valid class ignored", z, labels, {"ignoreIndex": 2})
    yield make("a valid class ignored, weighted", z, labels, {"ignoreIndex": 0, "weight": weight})
    yield make("upstream and divisor", z, some, {"upstream": -1.5, "divisor": 3, "weight": weight})

    # The class axis
    sequence, image = (2, 3, 4), (2, 3, 2, 3)
    y = [2, 0, 1, 1, 0, IGNORED, 2, 2]
    by_three = {"weight": weight[:3]}
    yield make("sequences", numbers(sequence), y, {"axis": 1}, sequence, (2, 4))
    yield make("sequences, weighted", numbers(sequence), y, {"axis": 1, **by_three}, sequence, (2, 4))
    yield make("images", numbers(image), [*y, 0, IGNORED, 1, 1], {"axis": 1, **by_three}, image, (2, 2, 3))
    last = (2, 2, 2, 3)
    labels_of_last = [2, 0, 1, IGNORED, 0, 2, 1, 0]
    yield make(
        "channels last", numbers(last, -1), labels_of_last, {"axis": -1, **by_three}, last, (2, 2, 2),
    )
    if not smooth:
        return
    yield make("smoothing 0.125", z, labels, {"labelSmoothing": 0.125})
    yield make("smoothing 0.125, ignored rows", z, some, {"labelSmoothing": 0.125})
    for smoothing in (0.125, 0.5, 1):
        yield make(
            f"smoothing {smoothing}, ignored rows, weighted",
            z, some, {"labelSmoothing": smoothing, "weight": weight},
        )
    yield make("smoothing 0.25, a valid class ignored", z, labels, {"labelSmoothing": 0.25, "ignoreIndex": 3})
    yield make("one class", [3, -2, 0], [0, 0, 0], {}, (3, 1))
    yield make("two classes", [3, -2, 0, 1, 5, 5], [0, 1, 1], {}, (3, 2))
    yield make("far apart", [30, 0, -30, 0, 50, 0, 700, 0, -700], [0, 1, 2], {}, (3, 3))
    confident = lambda z, y: softplus(others_over_label(z, y))
    scores = [20, 0, -3, 1, 30, -2, 0, 1, 60]
    yield labelled_case("confident", confident, (3, 3), scores, [0, 1, 2], {}).precisely()
    yield make("large and equal", [1e8, 1e8, -1e8, -1e8], [1, 0], {}, (2, 2))
    yield make("impossible classes", [-inf, 0, 1, 2, -inf, 0], [1, 0], {}, (2, 3))
    yield make("an impossible label", [-inf, 0, 1], [0], {}, (1, 3))
    yield make("rows that are not finite", [inf, 0, -inf, -inf, nan, 1, 1, 2], [0, 1, 0, 1], {}, (4, 2))
    yield make("an ignored row that is not a number", [nan, 1, 1, 2], [IGNORED, 1], {}, (2, 2))
    yield make("many classes", grids(rng, 35, -6, 6, 2**-5), [34], {}, (1, 35))
    yield make(
        "images, smoothing 0.25, upstream and divisor", numbers(image), [*y, 0, IGNORED, 1, 1],
        {"axis": 1, "labelSmoothing": 0.25, "upstream": 2, "divisor": 7, **by_three}, image, (2, 2, 3),
    )


def probability_cases():
    rng = random.Random(5)
    rows, classes = 3, 4
    shape = (rows, classes)
    z = grids(rng, rows * classes, -6, 6, 2**-5)
    free = grids(rng, rows * classes, 0, 1, 2**-6)
    sums_to_one = [0.5, 0.25, 0.125, 0.125, 0, 0, 1, 0, 0.0625, 0.4375, 0.5, 0]
    weight = [0.5, 2, 1, 3]
    make = lambda name, z, q, more, s=shape: row_case(name, F.cross_entropy, "logits", s, z, q, more, s)
    yield make("probabilities", z, sums_to_one, {})
    yield make("probabilities that do not sum to 1", z, free, {})
    yield make("probabilities, weighted", z, sums_to_one, {"weight": weight})
    yield make("probabilities, smoothing 0.125", z, free, {"labelSmoothing": 0.125})
    yield make("probabilities, smoothing 0.5, weighted", z, sums_to_one, {"labelSmoothing": 0.5, "weight": weight})
    yield make("probabilities, upstream and divisor", z, free, {"upstream": 2, "divisor": 10, "weight": weight})
    yield make("probabilities, no rows", [], [], {}, (0, classes))
    yield make("probabilities far apart", [40, 0, -40, 0, 50, 0], [0.5, 0.25, 0.25, 0, 1, 0], {}, (2, 3))
    yield make("probability 0 of an impossible class", [-math.inf, 0, 1, 2], [0, 1, 0.5, 0.5], {}, (2, 2))
    sequence, last = (2, 3, 2), (2, 2, 3)
    z, q = grids(rng, 12, -6, 6, 2**-5), grids(rng, 12, 0, 1, 2**-6)
    yield make("probabilities of sequences", z, q, {"axis": 1, "weight": weight[:3]}, sequence)
    yield make("probabilities, channels last", z, q, {"axis": -1, "labelSmoothing": 0.25}, last)


# Class labels: formulas


def rows_of(z, axis):
    return z.movedim(axis, -1).reshape(-1, z.shape[axis])


def others_over_label(z, y):
    """a = log Σ_{c≠y} exp(z_c) − z_y of every row."""
    label = F.one_hot(y, z.shape[1]).bool()
    return torch.logsumexp(z.masked_fill(label, -math.inf), dim=1) - z.gather(1, y[:, None])[:, 0]


def labelled_case(name, formula, shape, data, target, options, target_shape=None):
    """formula(z, y) gives the values of rows [N, C] with labels [N]; rows with the label ignoreIndex have value 0."""
    ignored = options.get("ignoreIndex", IGNORED)

    def samples(logits, target):
        y = target.flatten()
        counts = y != ignored
        values = formula(rows_of(logits, options.get("axis", 1)), torch.where(counts, y, 0))
        return torch.where(counts, values, 0.0)

    return ClassCase(
        name, {"logits": floats(data, shape), "target": ints(target, target_shape)}, options, samples,
        lambda logits, target: samples(logits, target).sum() / (target != ignored).sum(), ("logits",),
    )


def confidence_cases(formula, name, values):
    """Cases of a loss of the probability of the label; formula(a, options)."""
    rng = random.Random(15)
    shape = (4, 3)
    z, y, some = grids(rng, 12, -4, 4, 2**-5), [2, 0, 1, 2], [2, IGNORED, 1, IGNORED]

    def make(name, z, y, options, s=shape, at=None):
        return labelled_case(name, lambda z, y: formula(others_over_label(z, y), options), s, z, y, options, at)

    yield make("labels", z, y, {})
    for value in values:
        yield make(f"{name} {value}", z, y, {name: value})
    yield make("one row", z[:3], [1], {}, (1, 3))
    yield make("ignored rows", z, some, {})
    yield make("all rows ignored", z, [IGNORED] * 4, {})
    yield make("a valid class ignored", z, y, {"ignoreIndex": 2})
    yield make("no rows", [], [], {}, (0, 5))
    yield make("upstream and divisor", z, some, {"upstream": -1.5, "divisor": 3})
    yield make("two classes", [3, -2, 0, 1, 5, 5], [0, 1, 1], {}, (3, 2))
    for value in values:
        far = make(f"far apart, {name} {value}", [30, 0, 50, 0, 0, 700], [0, 1, 0], {name: value}, (3, 2))
        # With epsilon -1 the terms of poly1 cancel.
        yield far if value == -1 else far.precisely()
    yield make("many classes", grids(rng, 35, -6, 6, 2**-5), [34], {}, (1, 35))
    image, last = (2, 3, 1, 2), (1, 2, 2, 3)
    z, y = grids(rng, 12, -4, 4, 2**-5), [2, 0, 1, IGNORED]
    yield make("images", z, y, {"axis": 1}, image, (2, 1, 2))
    yield make("channels last", z, y, {"axis": -1}, last, (1, 2, 2))


def softmax_focal(a, options):
    alpha, gamma = options.get("alpha", 0.25), options.get("gamma", 2)
    return alpha * torch.sigmoid(a) ** gamma * softplus(a)


def focal_cases():
    yield from confidence_cases(softmax_focal, "gamma", (0, 0.5, 1, 5))
    z, y = [1, 2, 3, 0, 0.5, -1], [0, 2]
    at = lambda options: lambda z, y: softmax_focal(others_over_label(z, y), options)
    yield labelled_case("alpha 1", at({"alpha": 1}), (2, 3), z, y, {"alpha": 1})


def poly1_cases():
    of = lambda a, options: softplus(a) + options.get("epsilon", 2) * torch.sigmoid(a)
    yield from confidence_cases(of, "epsilon", (0, -1, 4))


# Margins


def multi_margin_cases():
    rng = random.Random(16)
    shape = (4, 3)
    z, y = grids(rng, 12, -2, 2, 2**-4), [2, 0, 1, 2]
    weight = [0.5, 2, 3]

    def make(name, z, y, options, s=shape, at=None):
        weight = options.get("weight")
        formula = lambda z, y: F.multi_margin_loss(
            z, y, p=options.get("p", 1), margin=float(options.get("margin", 1)),
            weight=None if weight is None else option(weight), reduction="none",
        )
        return labelled_case(name, formula, s, z, y, options, at)

    for p in (1, 2):
        yield make(f"p {p}", z, y, {"p": p})
        yield make(f"p {p}, margin 2", z, y, {"p": p, "margin": 2})
        yield make(f"p {p}, weighted", z, y, {"p": p, "weight": weight})
        yield make(f"p {p}, on the kink", [1, 0, 2, 0, 1, 1], [0, 2], {"p": p}, (2, 3))
    yield make("by default", z, y, {})
    yield make("weightless classes", z, y, {"weight": [0, 1, 0]})
    yield make("a negative margin", z, y, {"margin": -0.5})
    yield make("one row", [0.125, 0.25, 0.5, 0.75], [3], {}, (1, 4))
    yield make("one class", [1, -1], [0, 0], {}, (2, 1))
    # PyTorch refuses scores without rows here.
    yield labelled_case("no rows", lambda z, y: z.sum(dim=1), (0, 5), [], [], {})
    yield make("large and small", [2**40, 0, -(2**40), 0, 2**-20, 1], [1, 0], {}, (2, 3))
    yield make("upstream and divisor", z, y, {"upstream": -2, "divisor": 3, "weight": weight})
    yield make("many classes", grids(rng, 35, -2, 2, 2**-4), [34], {"p": 2}, (1, 35))
    image, z = (2, 3, 2, 2), grids(rng, 24, -2, 2, 2**-4)
    yield make("images", z, [2, 0, 1, 1, 0, 0, 2, 1], {"axis": 1, "weight": weight[:3]}, image, (2, 2, 2))


def multiclass_hinge(z, y):
    """[1 + max_{c≠y} z_c − z_y]₊: of equal scores the first has the slope, and none at the kink."""
    others = z.masked_fill(F.one_hot(y, z.shape[1]).bool(), -math.inf)
    first = (others == others.max(dim=1, keepdim=True).values).long().argmax(dim=1)
    at = lambda c: z.gather(1, c[:, None])[:, 0]
    return torch.relu(1 + at(first) - at(y))


def multiclass_hinge_cases():
    rng = random.Random(17)
    shape = (4, 5)
    z, y = grids(rng, 20, -2, 2, 2**-4), [2, 0, 4, 2]
    make = lambda name, z, y, more, s=shape, at=None: labelled_case(name, multiclass_hinge, s, z, y, more, at)
    yield make("plain", z, y, {})
    yield make("one row", [0.125, 0.25, 0.5, 0.75], [3], {}, (1, 4))
    yield make("on the kink", [1, 0, -1, 0, 1, 2], [0, 2], {}, (2, 3))
    yield make("equal scores", [1, 1, 1, 0, 2, 2, 3, 3, 3], [0, 0, 1], {}, (3, 3))
    yield make("far below", [0, -5, -7, -30, -20, 0], [0, 2], {}, (2, 3))
    yield labelled_case("no rows", lambda z, y: z.sum(dim=1), (0, 5), [], [], {})
    yield make("large and small", [2**40, 0, -(2**40), 0, 2**-20, 1], [1, 0], {}, (2, 3))
    yield make("upstream and divisor", z, y, {"upstream": -2, "divisor": 3})
    yield make("many classes", grids(rng, 35, -2, 2, 2**-4), [34], {}, (1, 35))
    image, z = (2, 3, 2, 2), grids(rng, 24, -2, 2, 2**-4)
    yield make("images", z, [2, 0, 1, 1, 0, 0, 2, 1], {"axis": 1}, image, (2, 2, 2))


def multilabel_margin_cases():
    rng = random.Random(18)
    shape = (3, 4)
    z = grids(rng, 12, -2, 2, 2**-4)
    y = [3, 0, -1, 1, 1, -1, -1, -1, 0, 1, 2, 3]

    def make(name, z, y, options, s=shape):
        return Case(
            name, {"pred": floats(z, s), "target": ints(y, s)}, options,
            lambda pred, target: F.multilabel_margin_loss(pred, target, reduction="none"), grads=("pred",),
        )

    yield make("plain", z, y, {})
    yield make("one row", [0.125, 0.25, 0.5, 0.75], [3, 0, -1, 1], {}, (1, 4))
    yield make("no label", z[:4], [-1, 0, 1, 2], {}, (1, 4))
    yield make("a label twice", z, [2, 2, -1, 0, 1, 0, 1, -1, 3, 3, 3, 3], {})
    yield make("on the kink", [1, 0, 2, 0, 1, 0], [0, -1, -1, 1, 2, -1], {}, (2, 3))
    yield make("one class", [0.5, 2], [0, -1], {}, (2, 1))
    yield make("large and small", [2**40, 0, -(2**40), 2**-20], [1, 3, -1, -1], {}, (1, 4))
    yield make("upstream and divisor", z, y, {"upstream": -2, "divisor": 5})
    yield make("many classes", grids(rng, 35, -2, 2, 2**-4), [34, 13, 0, *[-1] * 32], {}, (1, 35))


def multilabel_soft_margin_cases():
    rng = random.Random(19)
    shape = (3, 4)
    z, hard, soft = grids(rng, 12, -6, 6, 2**-5), [rng.randrange(2) for _ in range(12)], grids(rng, 12, 0, 1, 2**-5)

    def make(name, z, t, options, s=shape):
        weight = options.get("weight")
        w = None if weight is None else option(weight)
        target = t if not isinstance(t, list) else floats(t, s)
        return ClassCase(
            name, {"pred": floats(z, s), "target": target}, options,
            lambda pred, target: F.multilabel_soft_margin_loss(pred, target.double(), weight=w, reduction="none"),
            grads=("pred",),
        )

    yield make("labels", z, hard, {})
    yield make("whole targets", z, ints(hard, shape), {})
    yield make("soft targets", z, soft, {})
    yield make("weighted", z, hard, {"weight": [0.5, 2, 0, 3]})
    yield make("one row", z[:4], hard[:4], {}, (1, 4))
    yield make("one class", [0, -2], [1, 1], {}, (2, 1))
    yield make("no rows", [], [], {}, (0, 4))
    yield make("far out", [30, -30, 100, -700, 700, -1e9], [1, 0, 0, 1, 1, 1], {}, (2, 3))
    yield make("upstream and divisor", z, soft, {"upstream": -2, "divisor": 5})
    yield make("many classes", grids(rng, 35, -6, 6, 2**-5), [rng.randrange(2) for _ in range(35)], {}, (1, 35))


LOSSES = {
    "crossEntropy": lambda: [*index_cases(F.cross_entropy, "logits", True), *probability_cases()],
    "nll": lambda: index_cases(F.nll_loss, "logProbs", False),
    "softmaxFocal": focal_cases,
    "poly1": poly1_cases,
    "multiMargin": multi_margin_cases,
    "multiclassHinge": multiclass_hinge_cases,
    "multilabelMargin": multilabel_margin_cases,
    "multilabelSoftMargin": multilabel_soft_margin_cases,
}
