"""A trainer without a framework, for the test of losskit_ipc: its arrays lie on the emulated device."""

import ctypes
import json
import os
import pathlib
import sys

root = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(root / "python"), str(root / "examples/trainer")]
import losskit_ipc
from losses import Losses

driver = ctypes.CDLL(os.environ["LOSSKIT_LIBCUDA"])


class Array:
    """Numbers on the device, as CuPy shows them; `at` bytes after the beginning of their allocation."""

    def __init__(self, code, typestr, numbers, shape=None, at=256):
        self._type = code * len(numbers)
        memory = ctypes.c_uint64()
        assert driver.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(at + ctypes.sizeof(self._type))) == 0
        self.pointer = memory.value + at
        self.shape, self.typestr = tuple(shape or [len(numbers)]), typestr
        self.write(numbers)

    @property
    def __cuda_array_interface__(self):
        return {"shape": self.shape, "typestr": self.typestr, "data": (self.pointer, False), "version": 3}

    def write(self, numbers):
        size = ctypes.c_size_t(ctypes.sizeof(self._type))
        assert driver.cuMemcpyHtoD_v2(ctypes.c_uint64(self.pointer), self._type(*numbers), size) == 0

    def read(self):
        return read(self.pointer, self._type)


def read(pointer, array):
    numbers = array()
    assert driver.cuMemcpyDtoH_v2(numbers, ctypes.c_uint64(pointer), ctypes.c_size_t(ctypes.sizeof(array))) == 0
    return list(numbers)


def refusal(act):
    try:
        act()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def floats(numbers, **more):
    return Array(ctypes.c_float, "<f4", numbers, **more)


def train():
    """Gradient descent on logits, in turns with the process of the losses."""
    logits = floats([0.5, -0.25, 2, 1, 0, -1], shape=[2, 3])
    labels = Array(ctypes.c_int64, "<i8", [2, 0], at=0)
    gradient = floats([7] * 6, shape=[2, 3], at=512)
    values, first = [], None
    with Losses("crossEntropy", [logits, labels], {"logits": gradient}, {"labelSmoothing": 0.1}) as loss:
        for _ in range(3):
            values.append(loss.step())
            first = first or gradient.read()
            logits.write([x - g for x, g in zip(logits.read(), gradient.read())])
        labels.write([2, 5])
        wrong = refusal(loss.step)
        labels.write([2, 0])
        values.append(loss.step())
    return {"values": values, "first": first, "logits": logits.read(), "wrong": wrong}


def refuse():
    """What is no tensor, no handle, or not to be shared."""
    good = floats([1, 2])
    shared = losskit_ipc.share(good)
    host = (ctypes.c_float * 2)()

    class Like:
        def __init__(self, **interface):
            self.__cuda_array_interface__ = {**good.__cuda_array_interface__, **interface}

    class Tensor:
        """As PyTorch shows its own."""

        __module__ = "torch"

        def __init__(self, dtype, is_cuda=True, is_contiguous=True):
            self.dtype, self.is_cuda, self.shape = f"torch.{dtype}", is_cuda, (1, 2)
            self.is_contiguous = lambda: is_contiguous
            self.data_ptr = lambda: good.pointer

    torch = [losskit_ipc.share(Tensor(dtype)) for dtype in ("bfloat16", "bool", "int64")]
    return {
        "shared": shared,
        "torch": [[handle["dtype"], handle["shape"], handle["offset"]] for handle in torch],
        "refused": [
            refusal(lambda: losskit_ipc.share([1, 2])),
            refusal(lambda: losskit_ipc.share(Like(typestr=">f4"))),
            refusal(lambda: losskit_ipc.share(Tensor("complex64"))),
            refusal(lambda: losskit_ipc.share(Tensor("float32", is_cuda=False))),
            refusal(lambda: losskit_ipc.share(Tensor("float32", is_contiguous=False))),
            refusal(lambda: losskit_ipc.share(Like(strides=(8,)))),
            refusal(lambda: losskit_ipc.share(Like(data=(0, False)))),
            refusal(lambda: losskit_ipc.share(Like(data=(ctypes.addressof(host), False)))),
            refusal(lambda: losskit_ipc.open({"uuid": "GPU-0"})),
            refusal(lambda: losskit_ipc.open({**shared, "dtype": "float8"})),
            refusal(lambda: losskit_ipc.open({**shared, "handle": "AAAA"})),
            refusal(lambda: losskit_ipc.open({**shared, "uuid": "GPU-0"})),
            refusal(lambda: losskit_ipc.open(shared)),
            refusal(lambda: losskit_ipc.share(Like(strides=(4,)))),
        ],
    }


def look(handle):
    """Doubles the numbers of a float32 tensor that another process shares."""
    with losskit_ipc.open(json.loads(handle)) as memory:
        again = losskit_ipc.open(json.loads(handle))
        interface = memory.__cuda_array_interface__
        pointer, kind = interface["data"][0], ctypes.c_float * memory.shape[0]
        numbers = read(pointer, kind)
        again.close()
        again.close()
        doubled = kind(*[2 * x for x in numbers])
        assert driver.cuMemcpyHtoD_v2(ctypes.c_uint64(pointer), doubled, ctypes.c_size_t(ctypes.sizeof(kind))) == 0
    closed = refusal(lambda: memory.__cuda_array_interface__)
    return {"numbers": numbers, "interface": {**interface, "data": None}, "closed": closed}


print(json.dumps({"train": train, "refuse": refuse, "look": look}[sys.argv[1]](*sys.argv[2:])))
