"""Losses of masks. PyTorch has none of them: the truth is autograd of their formulas, written here as the papers do.

thresholdedIou is a metric. It is defined by the float32 arithmetic of the published code, which PyTorch repeats here.
"""

import math
import random

import torch

from case import IGNORED, Case, floats, grids, ints


def flat(masks):
    """[images, pixels]; a mask of one dimension is one image."""
    return masks.flatten(1) if masks.dim() > 1 else masks[None]


def mask_case(name, formula, p, t, options, shape, grads=("pred",)):
    target = floats(t, shape) if isinstance(t, list) else t
    return Case(
        name, {"pred": floats(p, shape), "target": target}, options,
        lambda pred, target: formula(flat(pred), flat(target.to(pred.dtype)), options), grads=grads,
    )


def iou(p, t, options):
    s = options.get("smooth", 1e-6)
    i = (p * t).sum(dim=1)
    return 1 - (i + s) / (p.sum(dim=1) + t.sum(dim=1) - i + s)


def dice(p, t, options):
    s = options.get("smooth", 1e-6)
    return 1 - (2 * (p * t).sum(dim=1) + s) / (p.sum(dim=1) + t.sum(dim=1) + s)


def tversky(p, t, options):
    """(α·FP + β·FN) / (TP + α·FP + β·FN + s): what 1 − (TP + s) / … is, without its cancellation."""
    s, alpha, beta = options.get("smooth", 1e-6), options.get("alpha", 0.5), options.get("beta", 0.5)
    right, wrong = (p * t).sum(dim=1), alpha * (p * (1 - t)).sum(dim=1) + beta * (t * (1 - p)).sum(dim=1)
    return wrong / (right + wrong + s)


def focal_tversky(p, t, options):
    """The slope at 0 is 0 but for γ = 1; PyTorch's power has an infinite one for γ < 1."""
    gamma, base = options.get("gamma", 0.75), tversky(p, t, options)
    if gamma == 1:
        return base
    return torch.where(base > 0, torch.where(base > 0, base, 1.0) ** gamma, 0.0)


def mask_cases(formula, settings):
    """Cases of a loss with a value for each image; settings are its options to try."""
    rng = random.Random(21)
    shape = (3, 2, 2)
    p, soft = grids(rng, 12, 0, 1, 2**-6), grids(rng, 12, 0, 1, 2**-4)
    hard = [rng.randrange(2) for _ in range(12)]
    make = lambda name, p, t, more, s=shape: mask_case(name, formula, p, t, more, s)
    yield make("plain", p, hard, {})
    yield make("whole targets", p, ints(hard, shape), {})
    yield make("soft targets", p, soft, {})
    for setting in settings:
        yield make(", ".join(f"{k} {v}" for k, v in setting.items()), p, hard, setting)
    yield make("one image", p[:7], hard[:7], {}, (7,))
    yield make("one pixel", [0.5, 0.25], [1, 0], {}, (2, 1))
    yield make("both empty", [0] * 4, [0] * 4, {}, (1, 4))
    yield make("the target empty", [0.5, 0.25, 0, 1], [0] * 4, {"smooth": 1}, (1, 4))
    yield make("the prediction empty", [0] * 4, [0, 1, 1, 0], {}, (1, 4))
    yield make("right", [1, 1, 0, 0], [1, 1, 0, 0], {"smooth": 1}, (1, 4))
    yield make("no images", [], [], {}, (0, 4))
    yield make("weighted", p, hard, {"weight": [0.5, 0, 3]})
    yield make("upstream and divisor", p, hard, {"upstream": -2, "divisor": 5})
    many = [rng.randrange(2) for _ in range(38)]
    yield make("many pixels", grids(rng, 38, 0, 1, 2**-6), many, {}, (2, 19))


SMOOTH = [{"smooth": 1}, {"smooth": 0}]
PRICES = [{"alpha": 0.75, "beta": 0.25}, {"alpha": 0, "beta": 1}, {"alpha": 1, "beta": 2, "smooth": 0}]
POWERS = [{"gamma": 1}, {"gamma": 2}, {"gamma": 0.5, "alpha": 0.25, "beta": 0.75}]


# Lovász


def lovasz_weights(sorted_targets):
    """What each pixel, in the order of descending errors, adds to the Jaccard loss."""
    total = sorted_targets.sum()
    kept = total - sorted_targets.cumsum(0)
    covered = total + (1 - sorted_targets).cumsum(0)
    jaccard = 1 - kept / covered
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])


def lovasz_flat(errors, t):
    """The extension at these errors; equal ones keep their order."""
    e, order = errors.sort(descending=True, stable=True)
    return torch.dot(e, lovasz_weights(t[order]))


def lovasz_hinge(p, t, options):
    def image(x, t):
        errors = torch.relu(1 - x * (2 * t - 1))
        # Sorting by what relu has cut off would make equals of errors that are not.
        order = (1 - x * (2 * t - 1)).sort(descending=True, stable=True).indices
        return torch.dot(errors[order], lovasz_weights(t[order]))

    if options.get("perImage", False):
        return torch.stack([image(x, y) for x, y in zip(p, t)]) if len(p) else p.sum(dim=1)
    return image(p.flatten(), t.flatten())[None]


def lovasz_hinge_cases():
    rng = random.Random(22)
    shape = (3, 2, 2)
    # Logits on distinct multiples of 2^-5, so that no errors are equal.
    x = [n * 2**-5 for n in rng.sample(range(-96, 97), 12)]
    t = [rng.randrange(2) for _ in range(12)]
    make = lambda name, x, t, more, s=shape: mask_case(name, lovasz_hinge, x, t, more, s)
    yield make("plain", x, t, {})
    yield make("whole targets", x, ints(t, shape), {})
    yield make("per image", x, t, {"perImage": True})
    yield make("one image", x[:7], t[:7], {}, (7,))
    yield make("one pixel", [0.5], [1], {}, (1, 1))
    yield make("no object", [0.5, -2, 1, -1.5], [0, 0, 0, 0], {}, (1, 4))
    yield make("nothing but the object", [0.5, -2, 1, 3], [1, 1, 1, 1], {}, (1, 4))
    yield make("right", [2, 3, -2, -4], [1, 1, 0, 0], {}, (1, 4))
    yield make("on the kink", [1, -1, 0.5, 2], [1, 0, 1, 0], {}, (1, 4))
    yield make("equal errors", [0.5, 0.5, -0.5, 0.25, -0.5, 0.5], [1, 1, 0, 1, 0, 1], {}, (1, 6))
    yield make("weighted, per image", x, t, {"perImage": True, "weight": [0.5, 0, 3]})
    yield make("upstream and divisor, per image", x, t, {"perImage": True, "upstream": -2, "divisor": 5})
    many = [n * 2**-6 for n in rng.sample(range(-192, 193), 38)]
    yield make("many pixels", many, [rng.randrange(2) for _ in range(38)], {}, (2, 19))


def lovasz_softmax(pred, target, options):
    ignored, classes = options.get("ignoreIndex", IGNORED), pred.shape[1]

    def image(p, y):
        """p [pixels, classes], y [pixels]"""
        p, y = p[y != ignored], y[y != ignored]
        losses = []
        for c in range(classes):
            t = (y == c).double()
            if t.any():
                losses.append(lovasz_flat((t - p[:, c]).abs(), t))
        return torch.stack(losses).mean() if losses else p.sum() * 0

    p, y = pred.reshape(len(pred), classes, -1).movedim(1, -1), target.reshape(len(target), -1)
    if options.get("perImage", False):
        return torch.stack([image(*one) for one in zip(p, y)])
    return image(p.reshape(-1, classes), y.flatten())[None]


def lovasz_softmax_cases():
    rng = random.Random(23)
    shape, of_labels = (2, 3, 2, 2), (2, 2, 2)
    # They need not add up to 1. No errors are equal, for 1 - p lies on another grid than p.
    p = [(n + 0.25) * 2**-7 for n in rng.sample(range(128), 24)]
    y = [2, 0, 1, 1, 0, 2, 0, 0]

    def make(name, p, y, options, s=shape, at=of_labels):
        return Case(
            name, {"pred": floats(p, s), "target": ints(y, at)}, options,
            lambda pred, target: lovasz_softmax(pred, target, options), grads=("pred",),
        )

    some = [IGNORED if i % 5 == 1 else label for i, label in enumerate(y)]
    yield make("plain", p, y, {})
    yield make("per image", p, y, {"perImage": True})
    yield make("ignored pixels", p, some, {})
    yield make("ignored pixels, per image", p, some, {"perImage": True})
    yield make("a valid class ignored", p, y, {"ignoreIndex": 1})
    yield make("all pixels ignored", p, [IGNORED] * 8, {})
    yield make("a class is absent", p, [0 if label == 2 else label for label in y], {})
    yield make("rows", p[:12], [2, 0, 1, 1], {}, (4, 3), (4,))
    yield make("one class", p[:4], [0, 0, 0, 0], {}, (4, 1), (4,))
    yield make("equal errors", [0.5, 0.5, 0.25, 0.75, 0.5, 0.5, 0.75, 0.25], [0, 1, 0, 0], {}, (4, 2), (4,))
    yield make("right", [1, 0, 0, 1, 1, 0], [0, 1, 0], {}, (3, 2), (3,))
    yield make("weighted, per image", p, y, {"perImage": True, "weight": [0.5, 3]})
    yield make("upstream and divisor, per image", p, y, {"perImage": True, "upstream": -2, "divisor": 5})


# The metric


def thresholded_iou(p, t, _options):
    """As it is published: every step in float32, the last division too."""
    i, u = (p * t).sum(dim=1).float(), torch.maximum(p, t).sum(dim=1).float()
    steps = torch.clamp(20 * ((i + 1e-6) / (u + 1e-6) - 0.5), 0, 10).ceil()
    return (steps / 10).double()


def thresholded_iou_cases():
    rng = random.Random(24)
    shape = (4, 3, 4)
    hard = lambda count: [rng.randrange(2) for _ in range(count)]
    near = lambda mask, flips: [1 - m if i in flips else m for i, m in enumerate(mask)]
    make = lambda name, p, t, more, s=shape: mask_case(name, thresholded_iou, p, t, more, s, grads=())
    p = hard(48)
    yield make("plain", p, near(p, {1, 7, 13, 30}), {})
    yield make("whole targets", p, ints(near(p, {1, 7, 13, 30}), shape), {})
    yield make("random", p, hard(48), {})
    yield make("both empty", [0] * 4, [0] * 4, {}, (1, 4))
    yield make("disjoint", [1, 1, 0, 0], [0, 0, 1, 1], {}, (1, 4))
    yield make("equal", [1, 1, 0, 0], [1, 1, 0, 0], {}, (1, 4))
    yield make("weighted", p, near(p, {1, 7, 13, 30}), {"weight": [0.5, 0, 3, 1]})
    for union in (20, 100):
        kept = range(union // 2, union + 1, union // 20)
        target = [int(i < k) for k in kept for i in range(union)]
        yield make(f"on the steps, of {union} pixels", [1] * len(target), target, {}, (len(kept), union))


LOSSES = {
    "maskIou": lambda: mask_cases(iou, SMOOTH),
    "dice": lambda: mask_cases(dice, SMOOTH),
    "tversky": lambda: mask_cases(tversky, SMOOTH + PRICES),
    "focalTversky": lambda: mask_cases(focal_tversky, SMOOTH + PRICES + POWERS),
    "lovaszHinge": lovasz_hinge_cases,
    "lovaszSoftmax": lovasz_softmax_cases,
    "thresholdedIou": thresholded_iou_cases,
}
