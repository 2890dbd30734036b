"""Binary cross-entropies and focal loss: PyTorch's bce and bceWithLogits, torchvision's sigmoidFocal.

torchvision takes 1 - p_t from 1, which leaves nothing of it for confident logits. Cases far out have the same formula
of the logit, σ(−z)^γ·softplus(−z) with z the logit of the label. Confident cases of bceWithLogits are softplus too,
for PyTorch's own formula has lost them already.
"""

import math
import random

import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

from case import floats, grids, ints, softplus
from elements import element_case


def bce_cases():
    rng = random.Random(2)
    formula = lambda x, t: F.binary_cross_entropy(x, t, reduction="none")
    xs = grids(rng, 8, 2**-7, 1 - 2**-7, 2**-7)
    hard = [rng.randrange(2) for _ in range(8)]
    soft = grids(rng, 8, 0, 1, 2**-5)
    weight = grids(rng, 8, 0, 4, 2**-3)
    make = lambda name, x, t, more, shape=None: element_case(name, formula, x, t, more, shape)
    yield make("labels", xs, hard, {})
    yield make("whole targets", xs, ints(hard), {})
    yield make("soft targets", xs, soft, {})
    yield make("empty", [], [], {})
    yield make("weighted", xs, soft, {"weight": weight})
    yield make("weighted by column", xs, soft, {"weight": weight[:4]}, (2, 4))
    yield make("weighted by row", xs, soft, {"weight": floats(weight[:2], (2, 1))}, (2, 4))
    yield make("upstream and divisor", xs, soft, {"upstream": 0.75, "divisor": 5})
    yield make("ends", [0, 0, 0, 1, 1, 1], [0, 1, 0.5, 0, 1, 0.25], {})
    yield make("near the ends", [2**-149, 2**-60, 2**-30, 1 - 2**-24, 1 - 2**-10], [1, 0, 1, 0, 1], {})


def logits_cases():
    rng = random.Random(3)
    xs = grids(rng, 8, -8, 8, 2**-6)
    hard = [rng.randrange(2) for _ in range(8)]
    soft = grids(rng, 8, 0, 1, 2**-5)
    weight = grids(rng, 8, 0, 4, 2**-3)
    inf, nan = math.inf, math.nan

    def make(name, x, t, more, shape=None):
        pos = more.get("posWeight")
        if pos is not None:
            pos = pos.torch() if hasattr(pos, "torch") else torch.tensor(pos, dtype=torch.float64)
        formula = lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=pos, reduction="none")
        return element_case(name, formula, x, t, more, shape)

    classes = [0.5, 2, 3, 1]
    yield make("labels", xs, hard, {})
    yield make("whole targets", xs, ints(hard), {})
    yield make("soft targets", xs, soft, {})
    yield make("empty", [], [], {})
    yield make("weighted", xs, soft, {"weight": weight})
    yield make("weighted by row", xs, soft, {"weight": floats(weight[:2], (2, 1))}, (2, 4))
    yield make("posWeight", xs, hard, {"posWeight": 3})
    yield make("posWeight and soft targets", xs, soft, {"posWeight": 0.25})
    yield make("posWeight by class", xs, soft, {"posWeight": classes}, (2, 4))
    yield make("posWeight by channel", xs, soft, {"posWeight": floats(classes[:2], (2, 1, 1))}, (2, 2, 1, 2))
    yield make("weight and posWeight by class", xs, hard, {"weight": weight[:4], "posWeight": classes}, (2, 4))
    yield make("upstream and divisor", xs, soft, {"upstream": 3, "divisor": 0.5})
    yield make("far out", [30, -30, 100, -100, 700, -700, 1e9, -1e9], [1, 0, 0, 1, 1, 1, 0, 0], {})
    confident = lambda x, t: (1 - t) * softplus(x) + t * softplus(-x)
    yield element_case("confident", confident, [20, -20, 30, -40, 80, -80, 0.5], [1, 0, 1, 0, 1, 0, 1], {}).precisely()
    yield make("infinite and right", [inf, -inf, 0], [1, 0, 1], {})
    yield make("infinite and wrong", [inf, 0], [0, 1], {})
    yield make("not a number", [nan, 1, 2], [0, nan, 1], {})


def focal(alpha, gamma):
    return lambda x, t: sigmoid_focal_loss(x, t, alpha=alpha, gamma=gamma, reduction="none")


def focal_of_labels(alpha, gamma):
    def at(x, t):
        z = (2 * t - 1) * x
        # Beyond 700 the softplus is 0, and the slope of the power must not be infinite.
        values = torch.sigmoid(-z.clamp(max=700)) ** gamma * softplus(-z)
        return values if alpha < 0 else (alpha * t + (1 - alpha) * (1 - t)) * values

    return at


def focal_cases():
    rng = random.Random(10)
    xs = grids(rng, 8, -4, 4, 2**-6)
    hard = [rng.randrange(2) for _ in range(8)]
    soft = grids(rng, 8, 0, 1, 2**-5)
    weight = grids(rng, 8, 0, 4, 2**-3)

    def make(name, x, t, more, shape=None, of=focal):
        return element_case(name, of(more.get("alpha", 0.25), more.get("gamma", 2)), x, t, more, shape)

    yield make("labels", xs, hard, {})
    yield make("whole targets", xs, ints(hard), {})
    yield make("soft targets", xs, soft, {})
    for gamma in (0, 0.5, 1, 1.5, 3):
        yield make(f"gamma {gamma}", xs, hard, {"gamma": gamma})
    yield make("gamma 0.5, soft targets", xs, soft, {"gamma": 0.5})
    yield make("gamma 3, soft targets", xs, soft, {"gamma": 3})
    yield make("no alpha", xs, hard, {"alpha": -1})
    yield make("no alpha, soft targets", xs, soft, {"alpha": -1, "gamma": 1})
    yield make("alpha 0.75", xs, soft, {"alpha": 0.75})
    yield make("alpha 0", xs, hard, {"alpha": 0})
    yield make("empty", [], [], {})
    yield make("one element", [0], [1], {})
    yield make("weighted", xs, soft, {"weight": weight})
    yield make("weighted by row", xs, hard, {"weight": floats(weight[:2], (2, 1))}, (2, 4))
    yield make("upstream and divisor", xs, hard, {"upstream": -2, "divisor": 5})
    far, labels = [12, -12, 30, -30, 100, -100, 800, -800, 5, -3], [1, 0, 0, 1, 1, 1, 1, 1, 0, 1]
    for gamma in (0, 0.5, 2):
        yield make(f"far out, gamma {gamma}", far, labels, {"gamma": gamma}, of=focal_of_labels).precisely()


LOSSES = {"bce": bce_cases, "bceWithLogits": logits_cases, "sigmoidFocal": focal_cases}
