"""PyTorch's side of the benchmark: reads one JSON object a line, answers with one.

The timing is done here, so that talking between the processes costs nothing that is counted.
"""

import json
import os
import sys
import time

import torch
import torch.nn.functional as F

LOSSES = {
    "mse": F.mse_loss,
    "bceWithLogits": F.binary_cross_entropy_with_logits,
    "crossEntropy": F.cross_entropy,
}


def read(path, dtype, shape):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    return torch.frombuffer(data, dtype=dtype).reshape(shape)


def prepare(request):
    sets = []
    for pred_path, target_path in request["files"]:
        rows, classes = request["rows"], request["classes"]
        pred = read(pred_path, torch.float32, (rows, classes) if rows else (-1,))
        target = read(target_path, torch.int32 if rows else torch.float32, (-1,))
        sets.append((pred.requires_grad_(request["wantsGrad"]), target.long() if rows else target))
    loss = LOSSES[request["loss"]]

    def value(index):
        pred, target = sets[index]
        return loss(pred, target).item()

    def value_and_grad(index):
        pred, target = sets[index]
        pred.grad = None
        result = loss(pred, target)
        result.backward()
        return result.item()

    return (value_and_grad if request["wantsGrad"] else value), sets


def wait_until_idle():
    """The threads of OpenMP spin on for a while."""
    for _ in range(40):
        before = time.process_time()
        time.sleep(0.003)
        if time.process_time() - before < 0.0006:
            return


def main():
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(threads)
    say = lambda answer: print(json.dumps(answer), flush=True)
    say({"version": torch.__version__, "threads": threads})
    call, sets = None, []
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                call, sets = prepare(request)
                say({"ok": True})
            elif request["do"] == "check":
                value = call(0)
                if sets[0][0].grad is not None:
                    sets[0][0].grad.numpy().tofile(request["gradFile"])
                say({"value": value})
            elif request["do"] == "sample":
                start = time.perf_counter_ns()
                for i in range(request["repeat"]):
                    call((request["first"] + i) % len(sets))
                spent = time.perf_counter_ns() - start
                wait_until_idle()
                say({"ns": spent})
            elif request["do"] == "dispose":
                call, sets = None, []
                say({"ok": True})
        except Exception as error:  # the answer says what went wrong; the next case may work
            say({"error": f"{type(error).__name__}: {error}"})


main()
