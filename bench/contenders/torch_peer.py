"""PyTorch on the processor."""

import os
import re

import torch

from peer_loop import Lacks, serve
from torch_losses import LOSSES

TYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
LABELS = {("crossEntropy", "target"), ("ctc", "targets"), ("ctc", "inputLengths"), ("ctc", "targetLengths")}


def read(path, dtype, shape):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    return torch.frombuffer(data, dtype=dtype).reshape(shape)


def prepare(request):
    name, shapes, gradients = request["loss"], request["shapes"], request["gradients"]
    if name not in LOSSES:
        raise Lacks(name)
    loss = LOSSES[name]
    sets = []
    for files in request["files"]:
        inputs = {}
        for key, path in files.items():
            if (name, key) in LABELS:
                inputs[key] = read(path, torch.int32, shapes[key]).long()
            else:
                inputs[key] = read(path, TYPES[request["dtype"]], shapes[key])
            inputs[key].requires_grad_(key in gradients)
        sets.append(inputs)

    def value(index):
        return loss(*sets[index].values(), reduction=request["reduction"]).item()

    def value_and_grad(index):
        for key in gradients:
            sets[index][key].grad = None
        result = loss(*sets[index].values(), reduction=request["reduction"])
        result.backward()
        return result.item()

    def write(folder):
        for key in gradients:
            grad = sets[0][key].grad.contiguous()
            bits = grad.view(torch.int16) if grad.element_size() == 2 else grad
            bits.numpy().tofile(f"{folder}/grad-{key}")

    return (value_and_grad if gradients else value), len(sets), write


threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
torch.set_num_threads(threads)
blas = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
serve({"version": torch.__version__, "threads": threads, "blas": blas[1] if blas else "unknown"}, prepare)
