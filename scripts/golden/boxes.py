"""Losses of boxes x1, y1, x2, y2: torchvision's giou, diou and ciou; iou is autograd of its formula.

Where edges coincide, PyTorch's minimum and maximum give half of the slope to each box, and a box without a side gives
torchvision's ciou 0/0: those have an arctangent of two arguments in its place.
"""

import math
import random

import torch
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

from case import Case, floats, grids

APART, ASIDE, INSIDE = ([0, 0, 1, 1], [2, 2, 3, 3]), ([0, 0, 4, 1], [0, 0, 2, 2]), ([0, 0, 8, 6], [1, 2, 3, 5])
OVERLAPPING, TOUCHING, EQUAL = ([0, 0, 2, 2], [1, 1, 3, 3]), ([0, 0, 2, 2], [2, 0, 4, 3]), ([0, 0, 1, 1], [0, 0, 1, 1])


def overlap(a, b):
    """Intersection and union."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    sides = high - low
    # Where they do not overlap nothing moves the intersection, whatever the sides.
    meet = (sides > 0).all(dim=1)
    intersection = torch.where(meet, sides.prod(dim=1), 0.0)
    area = lambda c: (c[:, 2] - c[:, 0]) * (c[:, 3] - c[:, 1])
    return intersection, area(a) + area(b) - intersection


def iou(options):
    def values(a, b):
        intersection, union = overlap(a, b)
        quotient = intersection / union
        if options.get("form", "linear") == "linear":
            return 1 - quotient
        return -torch.log(quotient.clamp(min=options.get("eps", 1e-6)))

    return values


def box_case(name, formula, pairs, options):
    a = [x for pair in pairs for x in pair[0]]
    b = [x for pair in pairs for x in pair[1]]
    shape = (len(pairs), 4)
    return Case(
        name, {"pred": floats(a, shape), "target": floats(b, shape)}, options,
        lambda pred, target: formula(pred, target), grads=("pred",),
    )


def overlapping(rng, count):
    """Boxes no edges of which coincide."""
    pairs = []
    for _ in range(count):
        x, y, w, h = grids(rng, 4, 4, 8, 2**-5)
        dx, dy = grids(rng, 2, -3, 3, 2**-5)
        w2, h2 = grids(rng, 2, 4, 8, 2**-5)
        pairs.append(([x, y, x + w, y + h], [x + dx + 2**-7, y + dy + 2**-7, x + dx + w2, y + dy + h2]))
    return pairs


def box_cases(formula, options=None, short=False):
    """`short` leaves out what another option would not change."""
    rng = random.Random(20)
    base = options or {}
    boxes = overlapping(rng, 4)
    make = lambda name, pairs, more=None: box_case(name, formula, pairs, {**base, **(more or {})})
    yield make("overlapping", boxes)
    yield make("one box", [OVERLAPPING])
    yield make("one inside of the other", [INSIDE, INSIDE[::-1]])
    yield make("apart", [APART, ([0, 0, 3, 2], [5, 0.5, 6, 1]), ([0, 4, 1, 6], [0.25, 0, 2, 2])])
    yield make("touching", [TOUCHING])
    yield make("equal", [EQUAL, ([-3, 1, 5, 2], [-3, 1, 5, 2])])
    yield make("common edges", [ASIDE, ([0, 0, 2, 3], [0, 1, 2, 2])])
    large, small = ([0, 0, 2**20, 2**18], [2**10, 1, 2**19, 2**19]), ([0, 0, 2**-8, 2**-9], [2**-10, 0, 2**-8, 2**-7])
    yield make("large and small", [large, small])
    if short:
        return
    yield make("no boxes", [])
    yield make("weighted", boxes, {"weight": grids(rng, 4, 0, 4, 2**-3)})
    yield make("upstream and divisor", boxes, {"upstream": -2, "divisor": 5})


def iou_cases():
    for form in ("linear", "log"):
        options = {"form": form}
        for case in box_cases(iou(options), options, short=form == "log"):
            case.name = f"{form}, {case.name}"
            yield case
    yield box_case("by default", iou({}), [OVERLAPPING], {})
    eps = {"form": "log", "eps": 0.25}
    yield box_case("eps", iou(eps), [OVERLAPPING, ASIDE], eps)


def ciou(a, b):
    """torchvision's, and the same with atan2(w, h) for boxes that have no height."""
    return complete_box_iou_loss(a, b, reduction="none")


def ciou_of_flat(a, b, eps=1e-7):
    values, (i, u) = distance_box_iou_loss(a, b, reduction="none"), overlap(a, b)
    angle = lambda c: torch.atan2(c[:, 2] - c[:, 0], c[:, 3] - c[:, 1])
    v = 4 / math.pi**2 * (angle(b) - angle(a)) ** 2
    alpha = (v / (1 - i / (u + eps) + v + eps)).detach()
    return values + alpha * v


def ciou_cases():
    yield from box_cases(ciou)
    yield box_case("flat", ciou_of_flat, [([0, 0, 2, 0], [0.5, -1, 3, 1]), ([0, 0, 0, 2], [1, 1, 3, 4])], {})


def penalised(function):
    def cases():
        formula = lambda a, b: function(a, b, reduction="none")
        yield from box_cases(formula)
        yield box_case("flat", formula, [([0, 0, 2, 0], [0.5, -1, 3, 1]), ([0, 0, 0, 2], [1, 1, 3, 4])], {})

    return cases


LOSSES = {
    "iou": iou_cases,
    "giou": penalised(generalized_box_iou_loss),
    "diou": penalised(distance_box_iou_loss),
    "ciou": ciou_cases,
}
