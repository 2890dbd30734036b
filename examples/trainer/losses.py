"""Losses of device tensors, computed by losskit in a process of Node.js beside this one."""

import json
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).parents[2] / "python"))
import losskit_ipc


class Losses:
    """
    A loss of tensors that stay where they are. Their memory is kept, and must not be given up, until `close()`.

    `grad` names the tensors that receive the gradients, by the names that losskit gives them.
    """

    def __init__(self, loss, inputs, grad, options=None):
        self._kept = [*inputs, *grad.values()]
        program = pathlib.Path(__file__).with_name("losses.mjs")
        self._process = subprocess.Popen(
            ["node", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            self._ask(
                {
                    "loss": loss,
                    "options": options or {},
                    "inputs": [losskit_ipc.share(tensor) for tensor in inputs],
                    "grad": {name: losskit_ipc.share(tensor) for name, tensor in grad.items()},
                }
            )
        except BaseException:
            self.close()
            raise
        self._steps = 0

    def step(self):
        """The loss of what the tensors hold. All work on them must be done; when it returns the gradients are there."""
        self._steps += 1
        return self._ask({"step": self._steps})["value"]

    def close(self):
        """Ends the other process, which gives the memory back."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._kept.clear()

    def _ask(self, message):
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process of the losses has ended: what it wrote to stderr says why")
        told = json.loads(line)
        if "error" in told:
            raise RuntimeError(told["error"])
        return told

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
