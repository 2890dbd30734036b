"""Losses of sequences: PyTorch's ctc, whose gradient is that of the logits under a log-softmax."""

import random

import torch.nn.functional as F

from case import Case, floats, grids, ints, log_probabilities, option


def ctc_case(name, logs, shape, targets, steps, lengths, options):
    samples = shape[1]
    kwargs = {"blank": options.get("blank", 0), "zero_infinity": options.get("zeroInfinity", False)}

    def run(logProbs, targets, inputLengths, targetLengths):
        return F.ctc_loss(logProbs, targets, inputLengths, targetLengths, reduction="none", **kwargs)

    def mean(**given):
        """A mean of values per label; the weights of samples stay out of its divisor."""
        values = run(**given) / given["targetLengths"].clamp(min=1)
        return (values * option(options["weight"]) if "weight" in options else values).mean()

    inputs = {
        "logProbs": floats(logs, shape),
        "targets": ints(targets, (samples, len(targets) // samples)),
        "inputLengths": ints(steps), "targetLengths": ints(lengths),
    }
    return Case(name, inputs, options, run, mean, ("logProbs",))


def ctc_cases():
    rng = random.Random(34)

    def logs(shape, spread=3):
        z = floats(grids(rng, shape[0] * shape[1] * shape[2], -spread, spread, 2**-4), shape)
        return log_probabilities(z.torch(), 2)

    def make(name, shape, targets, steps, lengths, options, given=None):
        return ctc_case(name, logs(shape) if given is None else given, shape, targets, steps, lengths, options)

    yield make("one sample", (4, 1, 3), [1, 2], [4], [2], {})
    yield make("one step", (1, 1, 3), [2], [1], [1], {})
    yield make("a repeated label", (5, 1, 3), [1, 1, 2], [5], [3], {})
    yield make("barely enough steps", (4, 1, 3), [1, 1, 2], [4], [3], {})
    yield make("two samples", (5, 2, 4), [1, 2, 3, 3, 1, 2], [5, 5], [3, 3], {})
    yield make("lengths", (5, 3, 3), [1, 2, 1, 2, 1, 1, 2, 1, 1], [5, 3, 4], [3, 2, 1], {})
    yield make("no labels", (4, 2, 3), [1, 2, 2, 1], [4, 3], [0, 2], {})
    yield make("blank 2", (5, 2, 4), [0, 1, 3, 3], [5, 4], [2, 2], {"blank": 2})
    yield make("the last class is the blank", (5, 1, 3), [0, 1], [5], [2], {"blank": 2})
    yield make("too many labels", (2, 1, 3), [1, 2, 1], [2], [3], {})
    yield make("too many labels, zeroInfinity", (2, 1, 3), [1, 2, 1], [2], [3], {"zeroInfinity": True})
    crowded = (3, 2, 3), [1, 1, 1, 2, 1, 1], [3, 3], [3, 2]
    yield make("no room for a blank", *crowded, {})
    yield make("no room for a blank, zeroInfinity", *crowded, {"zeroInfinity": True})
    yield make("weighted", (4, 3, 3), [1, 2, 2, 1, 1, 1], [4, 3, 2], [2, 1, 1], {"weight": [0.5, 0, 3]})
    yield make("upstream", (4, 2, 3), [1, 2, 2, 1], [4, 4], [2, 2], {"upstream": -2})
    confident = logs((4, 1, 3), 40)
    yield make("far apart", (4, 1, 3), [1, 2], [4], [2], {}, confident)
    labels = [1 + rng.randrange(3) for _ in range(6)]
    yield make("many steps", (16, 1, 4), labels, [16], [6], {})


LOSSES = {"ctc": ctc_cases}
