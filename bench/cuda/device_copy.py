"""How fast a device copies: its own memory into its own memory, by the driver, which is all that this needs.

    device_copy.py <uuid> <bytes> <times>

Prints one line of JSON: nanoseconds of each sample of a few copies, and the bytes that a copy reads and writes.
"""

import ctypes
import json
import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[2] / "python"))
from losskit_ipc import call, device_of, on

uuid, size, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
COPIES = 8


def allocate():
    memory = ctypes.c_uint64()
    call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(size))
    return memory


with on(device_of(uuid)):
    source, target = allocate(), allocate()
    samples = []
    for _ in range(times + 1):
        call("cuCtxSynchronize")
        start = time.perf_counter_ns()
        for _ in range(COPIES):
            call("cuMemcpyDtoDAsync_v2", target, source, ctypes.c_size_t(size), None)
        call("cuCtxSynchronize")
        samples.append((time.perf_counter_ns() - start) / COPIES)
    for memory in (source, target):
        call("cuMemFree_v2", memory)

# The first finds the memory untouched.
print(json.dumps({"ns": samples[1:], "bytes": 2 * size}))
