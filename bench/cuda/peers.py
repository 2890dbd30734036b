"""PyTorch as it is, PyTorch compiled, and Liger-Kernel, on a device. Reads one JSON object a line, answers with one.

    peers.py <device>      cuda:0; or cpu, to try this file out

Times are taken as those of losskit: calls are put into the stream, and the time is that until all are done.
"""

import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[1] / "contenders"))
from torch_losses import LOSSES

DEVICE = torch.device(sys.argv[1])
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def synchronize():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize(DEVICE)


def make_set(case):
    dtype, rows, columns = TYPES[case["dtype"]], case["rows"], case["columns"]
    shape = (rows, columns) if rows > 1 else (columns,)
    pred = torch.randn(shape, device=DEVICE, dtype=dtype)
    if case["loss"] == "linearCrossEntropy":
        classes = torch.randn(case["classes"], columns, device=DEVICE, dtype=dtype) / columns**0.5
        return pred, classes, torch.randint(case["classes"], (rows,), device=DEVICE)
    if case["loss"] == "crossEntropy":
        return pred, torch.randint(columns, (rows,), device=DEVICE)
    if case["loss"] == "klDiv":
        return torch.log_softmax(pred, -1), torch.softmax(torch.randn_like(pred), -1)
    return pred, torch.rand_like(pred)


def linear(pred, classes, target):
    return F.cross_entropy(F.linear(pred, classes), target)


def eager(case):
    if case["loss"] == "linearCrossEntropy":
        return linear
    loss = LOSSES[case["loss"]]
    return lambda pred, target: loss(pred, target, reduction="mean")


def compiled(case):
    if not hasattr(torch, "compile"):
        raise RuntimeError("this PyTorch has no torch.compile")
    return torch.compile(eager(case), dynamic=False)


def liger(case):
    """Its cross entropy writes the gradient over the logits, which other ways then find there: times do not depend on them."""
    from liger_kernel import transformers

    names = {
        "crossEntropy": "LigerCrossEntropyLoss",
        "klDiv": "LigerKLDIVLoss",
        "linearCrossEntropy": "LigerFusedLinearCrossEntropyLoss",
    }
    if case["loss"] not in names:
        raise RuntimeError(f"it has no {case['loss']}")
    loss = getattr(transformers, names[case["loss"]])()
    if case["loss"] == "linearCrossEntropy":
        return lambda pred, classes, target: loss(classes, pred, target)
    return loss


def gemms(case):
    """The products of a linear layer and of its gradients alone: what its loss cannot take less than."""
    pred, classes, _ = sets[0]
    with torch.no_grad():
        logits, by_pred, by_classes = pred @ classes.T, torch.empty_like(pred), torch.empty_like(classes)

    def products(pred, classes, _):
        with torch.no_grad():
            torch.mm(pred, classes.T, out=logits)
            if case["form"] != "value":
                torch.mm(logits, classes, out=by_pred)
                torch.mm(logits.T, pred, out=by_classes)

    return products


WAYS = {"PyTorch": eager, "torch.compile": compiled, "Liger-Kernel": liger}
calls, sets = {}, []


def prepare(case):
    """Makes the ways that run the case, each of which has run once; why others do not."""
    wants_grad, reasons = case["form"] != "value", {}
    sets.extend(make_set(case) for _ in range(case["sets"]))
    for *given, _ in sets:
        for tensor in given:
            tensor.requires_grad_(wants_grad)
    ways = {**WAYS, "GEMMs": gemms} if case["loss"] == "linearCrossEntropy" else WAYS
    for name, make in ways.items():
        try:
            loss = make(case)

            def call(index, loss=loss):
                *given, target = sets[index]
                for tensor in given:
                    tensor.grad = None
                with torch.set_grad_enabled(wants_grad):
                    value = loss(*given, target)
                if value is not None and wants_grad:
                    value.backward()

            call(0)
            synchronize()
            calls[name] = call
        except Exception as error:  # the others may run
            reasons[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return {"ways": list(calls), "reasons": reasons}


def sample(way, first, repeat):
    call = calls[way]
    synchronize()
    start = time.perf_counter_ns()
    for i in range(repeat):
        call((first + i) % len(sets))
    synchronize()
    return {"ns": time.perf_counter_ns() - start}


def dispose():
    calls.clear()
    sets.clear()
    if hasattr(torch, "compile"):
        torch._dynamo.reset()  # otherwise the next shape would be compiled for any shape
    if DEVICE.type == "cuda":
        torch.cuda.empty_cache()
    return {"ok": True}


def hello():
    name = torch.cuda.get_device_name(DEVICE) if DEVICE.type == "cuda" else "processor"
    return {"version": torch.__version__, "device": name}


def main():
    say = lambda answer: print(json.dumps(answer), flush=True)
    say(hello())
    for line in sys.stdin:
        request = json.loads(line)
        action = request.pop("do")
        try:
            say({"prepare": prepare, "sample": sample, "dispose": dispose}[action](**request))
        except Exception as error:  # the answer says what went wrong; the next case may work
            say({"error": f"{type(error).__name__}: {error}"})


main()
