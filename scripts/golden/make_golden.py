#!/usr/bin/env python3
"""Writes test/golden/*.json: what PyTorch's float64 autograd gives for the losses of losskit.

Needs PyTorch 1.13 or newer (Debian: apt-get install python3-torch). From the root of the repository:

    python3 scripts/golden/make_golden.py

Every number in the files is a float64 in full precision. JSON has no NaN and no infinities, so these are strings.
Inputs are float32 numbers too, so that the same cases serve both types. Every case holds the inputs, the options by
losskit's names, and for each reduction the value and the gradient; "upstream" and "divisor" are applied outside of
PyTorch's function, as losskit defines them.
"""

import json
import math
import random
from pathlib import Path

import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parents[2] / "test" / "golden"

IGNORED = -100


def grid(rng, low, high, step):
    """A multiple of step, a power of two: exact in float32, and short in the file."""
    return rng.randrange(round(low / step), round(high / step) + 1) * step


def encode(number):
    number = float(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def encode_all(numbers):
    return [encode(number) for number in numbers]


def tensor(data, shape):
    return torch.tensor(data, dtype=torch.float64).reshape(shape)


class Case:
    """A function from the input to its per-sample losses, and what the mean divides their sum by."""

    def __init__(self, name, shape, data, target, options, samples, mean, integers=False, target_shape=None):
        self.name, self.shape, self.data, self.target = name, shape, data, target
        self.options, self.samples, self.mean, self.integers = options, samples, mean, integers
        self.target_shape = target_shape if target_shape is not None else shape

    def differentiate(self, reduce):
        x = tensor(self.data, self.shape).requires_grad_(True)
        y = reduce(x)
        upstream = self.options.get("upstream", 1)
        y.backward(torch.tensor(float(upstream), dtype=torch.float64))
        grad = x.grad if x.grad is not None else torch.zeros(self.shape)
        return {"value": encode(y.item()), "grad": encode_all(grad.flatten().tolist())}

    def record(self):
        x = tensor(self.data, self.shape)
        divisor = self.options.get("divisor")
        total = lambda x: self.samples(x).sum()
        mean = self.mean if divisor is None else lambda x: total(x) / divisor
        return {
            "name": self.name,
            "input": {"shape": list(self.shape), "data": encode_all(self.data)},
            "target": {
                "integers": self.integers,
                "shape": list(self.target_shape),
                "data": encode_all(self.target),
            },
            "options": {
                key: encode_all(value) if isinstance(value, list) else encode(value)
                for key, value in self.options.items()
            },
            "none": encode_all(self.samples(x).flatten().tolist()),
            "sum": self.differentiate(total),
            "mean": self.differentiate(mean),
        }


# Element losses


def element_case(name, formula, xs, ts, options, shape=None):
    shape = shape or (len(xs),)
    t = tensor(ts, shape)
    weight = options.get("weight")
    w = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    if w is not None and w.numel() == len(xs):
        w = w.reshape(shape)

    def samples(x):
        values = formula(x, t)
        return values if w is None else w * values

    return Case(name, shape, xs, ts, options, samples, lambda x: samples(x).mean())


def regression(formula, options=None):
    rng = random.Random(1)
    base = options or {}
    xs = [grid(rng, -8, 8, 2**-6) for _ in range(12)]
    ts = [grid(rng, -8, 8, 2**-6) for _ in range(12)]
    weight = [grid(rng, 0, 4, 2**-3) for _ in range(12)]
    inf, nan = math.inf, math.nan
    make = lambda name, x, t, more, shape=None: element_case(name, formula, x, t, {**base, **more}, shape)
    yield make("plain", xs, ts, {})
    yield make("one element", xs[:1], ts[:1], {})
    yield make("empty", [], [], {})
    yield make("equal", xs[:4], xs[:4], {})
    yield make("weighted", xs, ts, {"weight": weight})
    yield make("weighted by column", xs, ts, {"weight": weight[:3]}, (4, 3))
    yield make("upstream and divisor", xs, ts, {"upstream": -2.5, "divisor": 7})
    yield make("large and small", [2**60, -(2**60), 2**-100, 1e9, 0], [0, 1, 0, -1e9, 2**-100], {})
    yield make("infinite", [inf, -inf, 1, 0], [0, 0, -inf, 0], {})
    yield make("not a number", [nan, 1, 2], [0, nan, 1], {})


def huber_cases():
    for delta in (1, 2, 0.5):
        formula = lambda x, t, delta=delta: F.huber_loss(x, t, reduction="none", delta=float(delta))
        for case in regression(formula, {"delta": delta}):
            case.name = f"{case.name}, delta {delta}"
            yield case


def bce_cases():
    rng = random.Random(2)
    formula = lambda x, t: F.binary_cross_entropy(x, t, reduction="none")
    xs = [grid(rng, 2**-7, 1 - 2**-7, 2**-7) for _ in range(12)]
    hard = [rng.randrange(2) for _ in range(12)]
    soft = [grid(rng, 0, 1, 2**-5) for _ in range(12)]
    weight = [grid(rng, 0, 4, 2**-3) for _ in range(12)]
    make = lambda name, x, t, more, shape=None: element_case(name, formula, x, t, more, shape)
    yield make("labels", xs, hard, {})
    yield make("soft targets", xs, soft, {})
    yield make("empty", [], [], {})
    yield make("weighted", xs, soft, {"weight": weight})
    yield make("weighted by column", xs, soft, {"weight": weight[:4]}, (3, 4))
    yield make("upstream and divisor", xs, soft, {"upstream": 0.75, "divisor": 5})
    yield make("ends", [0, 0, 0, 1, 1, 1], [0, 1, 0.5, 0, 1, 0.25], {})
    yield make("near the ends", [2**-149, 2**-60, 2**-30, 1 - 2**-24, 1 - 2**-10], [1, 0, 1, 0, 1], {})


def logits_cases():
    rng = random.Random(3)
    xs = [grid(rng, -8, 8, 2**-6) for _ in range(12)]
    hard = [rng.randrange(2) for _ in range(12)]
    soft = [grid(rng, 0, 1, 2**-5) for _ in range(12)]
    weight = [grid(rng, 0, 4, 2**-3) for _ in range(12)]
    inf, nan = math.inf, math.nan

    def make(name, x, t, more, shape=None):
        pos = more.get("posWeight")
        pos = None if pos is None else torch.tensor(pos, dtype=torch.float64)
        formula = lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=pos, reduction="none")
        return element_case(name, formula, x, t, more, shape)

    yield make("labels", xs, hard, {})
    yield make("soft targets", xs, soft, {})
    yield make("empty", [], [], {})
    yield make("weighted", xs, soft, {"weight": weight})
    yield make("posWeight", xs, hard, {"posWeight": 3})
    yield make("posWeight and soft targets", xs, soft, {"posWeight": 0.25})
    yield make("posWeight by class", xs, soft, {"posWeight": [0.5, 2, 3, 1]}, (3, 4))
    yield make("weight and posWeight by class", xs, hard, {"weight": weight[:4], "posWeight": [0.5, 2, 3, 1]}, (3, 4))
    yield make("upstream and divisor", xs, soft, {"upstream": 3, "divisor": 0.5})
    yield make("far out", [30, -30, 100, -100, 700, -700, 1e9, -1e9], [1, 0, 0, 1, 1, 1, 0, 0], {})
    yield make("infinite and right", [inf, -inf, 0], [1, 0, 1], {})
    yield make("infinite and wrong", [inf, 0], [0, 1], {})
    yield make("not a number", [nan, 1, 2], [0, nan, 1], {})


# Row losses


def row_case(name, function, shape, data, target, options, integers=True):
    kwargs = {}
    if "weight" in options:
        kwargs["weight"] = torch.tensor(options["weight"], dtype=torch.float64)
    if "ignoreIndex" in options:
        kwargs["ignore_index"] = options["ignoreIndex"]
    if "labelSmoothing" in options:
        kwargs["label_smoothing"] = float(options["labelSmoothing"])
    t = torch.tensor(target, dtype=torch.int64) if integers else tensor(target, shape)
    run = lambda x, reduction: function(x, t, reduction=reduction, **kwargs)
    return Case(
        name, shape, data, target, options,
        lambda x: run(x, "none"), lambda x: run(x, "mean"),
        integers, (shape[0],) if integers else shape,
    )


def index_cases(function, normalise, smooth):
    rng = random.Random(4)
    rows, classes = 4, 5
    shape = (rows, classes)

    def numbers(count):
        data = [grid(rng, -6, 6, 2**-5) for _ in range(count)]
        if not normalise:
            return data
        logs = F.log_softmax(tensor(data, (-1, classes)), dim=1).flatten()
        return logs.to(torch.float32).to(torch.float64).tolist()

    z = numbers(rows * classes)
    labels = [2, 0, 4, 2]
    some = [2, IGNORED, 4, IGNORED]
    weight = [0.5, 2, 1, 3, 0.25]
    inf, nan = math.inf, math.nan
    make = lambda name, z, y, more, s=shape: row_case(name, function, s, z, y, more)
    yield make("labels", z, labels, {})
    yield make("ignored rows", z, some, {})
    yield make("all rows ignored", z, [IGNORED] * rows, {})
    yield make("no rows", [], [], {}, (0, classes))
    yield make("weighted", z, labels, {"weight": weight})
    yield make("weighted with ignored rows", z, some, {"weight": weight})
    yield make("weightless classes", z, [1, 1, 0, 0], {"weight": [0, 0, 1, 1, 1]})
    yield make("a valid class ignored", z, labels, {"ignoreIndex": 2})
    yield make("a valid class ignored, weighted", z, labels, {"ignoreIndex": 0, "weight": weight})
    yield make("upstream and divisor", z, some, {"upstream": -1.5, "divisor": 3, "weight": weight})
    if smooth:
        for smoothing in (0.125, 0.5, 1):
            yield make(f"smoothing {smoothing}", z, labels, {"labelSmoothing": smoothing})
            yield make(f"smoothing {smoothing}, ignored rows", z, some, {"labelSmoothing": smoothing})
            yield make(
                f"smoothing {smoothing}, ignored rows, weighted",
                z, some, {"labelSmoothing": smoothing, "weight": weight},
            )
        yield make("smoothing 0.25, a valid class ignored", z, labels, {"labelSmoothing": 0.25, "ignoreIndex": 4})
        yield make("one class", [3, -2, 0], [0, 0, 0], {}, (3, 1))
        yield make("two classes", [3, -2, 0, 1, 5, 5], [0, 1, 1], {}, (3, 2))
        yield make("far apart", [30, 0, -30, 0, 50, 0, 700, 0, -700], [0, 1, 2], {}, (3, 3))
        yield make("large and equal", [1e8, 1e8, -1e8, -1e8], [1, 0], {}, (2, 2))
        yield make("impossible classes", [-inf, 0, 1, 2, -inf, 0], [1, 0], {}, (2, 3))
        yield make("an impossible label", [-inf, 0, 1], [0], {}, (1, 3))
        yield make("rows that are not finite", [inf, 0, -inf, -inf, nan, 1, 1, 2], [0, 1, 0, 1], {}, (4, 2))
        yield make("an ignored row that is not a number", [nan, 1, 1, 2], [IGNORED, 1], {}, (2, 2))
        yield make("many classes", [grid(rng, -6, 6, 2**-5) for _ in range(2 * 67)], [66, 13], {}, (2, 67))


def probability_cases():
    rng = random.Random(5)
    rows, classes = 3, 5
    shape = (rows, classes)
    z = [grid(rng, -6, 6, 2**-5) for _ in range(rows * classes)]
    free = [grid(rng, 0, 1, 2**-6) for _ in range(rows * classes)]
    sums_to_one = [0.5, 0.25, 0.125, 0.125, 0, 0, 0, 1, 0, 0, 0.0625, 0.4375, 0.25, 0.25, 0]
    weight = [0.5, 2, 1, 3, 0.25]
    make = lambda name, z, q, more, s=shape: row_case(name, F.cross_entropy, s, z, q, more, integers=False)
    yield make("probabilities", z, sums_to_one, {})
    yield make("probabilities that do not sum to 1", z, free, {})
    yield make("probabilities, weighted", z, sums_to_one, {"weight": weight})
    yield make("probabilities, smoothing 0.125", z, free, {"labelSmoothing": 0.125})
    yield make("probabilities, smoothing 0.5, weighted", z, sums_to_one, {"labelSmoothing": 0.5, "weight": weight})
    yield make("probabilities, upstream and divisor", z, free, {"upstream": 2, "divisor": 10, "weight": weight})
    yield make("probabilities, no rows", [], [], {}, (0, classes))
    yield make("probabilities far apart", [40, 0, -40, 0, 50, 0], [0.5, 0.25, 0.25, 0, 1, 0], {}, (2, 3))
    yield make("probability 0 of an impossible class", [-math.inf, 0, 1, 2], [0, 1, 0.5, 0.5], {}, (2, 2))


LOSSES = {
    "mse": lambda: regression(lambda x, t: F.mse_loss(x, t, reduction="none")),
    "mbe": lambda: regression(lambda x, t: t - x),
    "mae": lambda: regression(lambda x, t: F.l1_loss(x, t, reduction="none")),
    "huber": huber_cases,
    "bce": bce_cases,
    "bceWithLogits": logits_cases,
    "crossEntropy": lambda: [*index_cases(F.cross_entropy, False, True), *probability_cases()],
    "nll": lambda: index_cases(F.nll_loss, True, False),
}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for loss, cases in LOSSES.items():
        lines = [json.dumps(case.record(), allow_nan=False) for case in cases()]
        head = json.dumps({"loss": loss, "torch": torch.__version__.split("+")[0]})[:-1]
        text = head + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"
        (OUT / f"{loss}.json").write_text(text)


if __name__ == "__main__":
    main()
