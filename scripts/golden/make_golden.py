#!/usr/bin/env python3
"""Writes test/golden/*.json: what PyTorch's float64 autograd gives for the losses of losskit.

Needs PyTorch 1.13 and torchvision 0.14 or newer (Debian: apt-get install python3-torch python3-torchvision). From
the root of the repository:

    python3 scripts/golden/make_golden.py [loss …]

There is one file of cases for each family of losses here, and one golden file for each loss. Every number is a float64
in full precision; JSON has no NaN and no infinities, so these are strings. Inputs are float32 numbers too, so that the
same cases serve both types. A case holds its inputs in order, its options by losskit's names, the values of the
samples, and for every reduction the value and the gradients. "upstream" and "divisor" are applied outside of PyTorch's
function, as losskit defines them.

Where PyTorch and torchvision have no such loss, the truth is autograd of its formula, which the family's file writes
down and says so. "precise" cases are right to the last digits of results however small.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import torch

import all_pairs
import binary
import boxes
import categorical
import gan
import margin
import masks
import pairs
import probabilistic
import regression
import sequence

OUT = Path(__file__).resolve().parents[2] / "test" / "golden"

FAMILIES = [
    regression, probabilistic, binary, margin, categorical, boxes, masks, pairs, all_pairs, gan, sequence,
]


def main(only):
    # With several threads PyTorch adds in another order.
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    for loss, cases in ((loss, cases) for family in FAMILIES for loss, cases in family.LOSSES.items()):
        if only and loss not in only:
            continue
        lines = [json.dumps(case.record(), allow_nan=False, separators=(",", ":")) for case in cases()]
        head = json.dumps({"loss": loss, "torch": torch.__version__.split("+")[0]})[:-1]
        text = head + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"
        (OUT / f"{loss}.json").write_text(text)


if __name__ == "__main__":
    main(set(sys.argv[1:]))
