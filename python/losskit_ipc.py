"""Memory of a CUDA device, shared between a Python program and losskit in a Node.js process on the same machine.

    handle = losskit_ipc.share(tensor)       # plain data for `gpu.openIpc(handle)` in Node.js: send it as JSON
    memory = losskit_ipc.open(handle)        # what `tensor.ipcHandle()` gave in Node.js, as memory here
    tensor = memory.torch()                  # or cupy.asarray(memory)

Nothing is copied, and nothing is ordered: before either process tells the other to go on it has to wait for its own
work (`torch.cuda.synchronize()`, `await gpu.synchronize()`). Whoever shares memory keeps it, untouched by its allocator,
until the other has closed it (`dispose()` there, `close()` here).

A tensor is anything of PyTorch, or with `__cuda_array_interface__` as CuPy has it, dense and row-major. The other process
gets to see all of the allocation that it lies in, as allocators of frameworks cut theirs from large ones.

This file needs no package, and may be copied. It calls libcuda.so.1, the driver; LOSSKIT_LIBCUDA names another file.
"""

import base64
import contextlib
import ctypes
import os

__all__ = ["CudaError", "Memory", "open", "share"]

_HANDLE_BYTES = 64
_DEVICE_ORDINAL, _IPC_CAPABLE = 9, 10  # of CUpointer_attribute
_LAZY_ENABLE_PEER_ACCESS = 1

# What losskit calls the types of numbers, by what the array interface does. It has no bfloat16.
_NAMES = {
    "<f4": "float32", "<f8": "float64", "<f2": "float16", "|i1": "int8", "|u1": "uint8", "|b1": "uint8",
    "<i2": "int16", "<u2": "uint16", "<i4": "int32", "<u4": "uint32", "<i8": "int64",
}
_TYPESTRS = {name: code for code, name in _NAMES.items() if code != "|b1"} | {"bfloat16": "<u2"}


class CudaError(RuntimeError):
    """A call of the driver failed; `code` is the number of the error."""

    def __init__(self, code, name, text):
        super().__init__(f"{name} failed: {text} ({code})")
        self.code = code


class _IpcHandle(ctypes.Structure):
    _fields_ = [("reserved", ctypes.c_char * _HANDLE_BYTES)]


class _Uuid(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_ubyte * 16)]


_driver = None


def call(name, *arguments):
    """Calls a function of the driver, which is opened and initialised when it is first needed."""
    global _driver
    if _driver is None:
        library = ctypes.CDLL(os.environ.get("LOSSKIT_LIBCUDA") or "libcuda.so.1")
        _check(library, "cuInit", library.cuInit(0))
        _driver = library
    _check(_driver, name, getattr(_driver, name)(*arguments))


def _check(library, name, code):
    if code == 0:
        return
    text = ctypes.c_char_p()
    library.cuGetErrorString(code, ctypes.byref(text))
    raise CudaError(code, name, (text.value or b"unknown error").decode())


@contextlib.contextmanager
def on(device):
    """The context that frameworks use on a device, as that of this thread."""
    context = ctypes.c_void_p()
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)  # kept: the framework has it as long
    call("cuCtxPushCurrent_v2", context)
    try:
        yield
    finally:
        call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))


def _uuid_of(device):
    """As nvidia-smi -L writes it."""
    uuid = _Uuid()
    call("cuDeviceGetUuid_v2", ctypes.byref(uuid), device)
    digits = bytes(uuid.bytes).hex()
    return "GPU-" + "-".join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


def device_of(uuid):
    count = ctypes.c_int()
    call("cuDeviceGetCount", ctypes.byref(count))
    for device in range(count.value):
        if _uuid_of(device) == uuid:
            return device
    raise ValueError(f"no device of this process is {uuid}: CUDA_VISIBLE_DEVICES may hide it")


def _describe(tensor):
    """Where a tensor lies, the type of its numbers, its shape."""
    if type(tensor).__module__.partition(".")[0] == "torch":
        if not tensor.is_cuda:
            raise TypeError("the tensor does not lie on a CUDA device: give tensor.cuda()")
        if not tensor.is_contiguous():
            raise ValueError("the tensor is a view with strides: give tensor.contiguous()")
        name = str(tensor.dtype).removeprefix("torch.")
        return tensor.data_ptr(), "uint8" if name == "bool" else name, list(tensor.shape)
    interface = getattr(tensor, "__cuda_array_interface__", None)
    if interface is None:
        raise TypeError(f"{type(tensor).__name__} is no tensor of PyTorch, and has no __cuda_array_interface__")
    shape, typestr = list(interface["shape"]), interface["typestr"]
    size, dense = int(typestr[2:]), []
    for length in reversed(shape):
        dense.insert(0, size)
        size *= length
    if interface.get("strides") not in (None, tuple(dense)):
        raise ValueError("the tensor is a view with strides: copy it first")
    return interface["data"][0], _NAMES.get(typestr, typestr), shape


def share(tensor):
    """What `gpu.openIpc(handle)` takes, as a dict of plain data. The tensor must outlive the other process's use."""
    pointer, dtype, shape = _describe(tensor)
    if dtype not in _TYPESTRS:
        raise TypeError(f"losskit has no {dtype}")
    if not pointer:
        raise ValueError("the tensor is empty")
    device, is_capable = ctypes.c_int(), ctypes.c_int()
    address = ctypes.c_uint64(pointer)
    call("cuPointerGetAttribute", ctypes.byref(device), _DEVICE_ORDINAL, address)
    call("cuPointerGetAttribute", ctypes.byref(is_capable), _IPC_CAPABLE, address)
    if not is_capable.value & 0xFF:
        raise ValueError(
            "this memory cannot be shared: it comes from a pool of the driver, or from expandable segments. With PyTorch "
            "leave expandable_segments and backend:cudaMallocAsync out of PYTORCH_CUDA_ALLOC_CONF; with CuPy do not use "
            "MemoryAsyncPool"
        )
    with on(device.value):
        base, size, handle = ctypes.c_uint64(), ctypes.c_size_t(), _IpcHandle()
        call("cuMemGetAddressRange_v2", ctypes.byref(base), ctypes.byref(size), address)
        call("cuIpcGetMemHandle", ctypes.byref(handle), base)
    return {
        "uuid": _uuid_of(device.value),
        "handle": base64.b64encode(bytes(handle)).decode(),
        "offset": pointer - base.value,
        "dtype": dtype,
        "shape": shape,
    }


class Memory:
    """Memory of the other process, until `close()`. It has `__cuda_array_interface__`, in which bfloat16 is its 16 bits."""

    def __init__(self, device, base, handle):
        self._device, self._base = device, base
        self.dtype, self.shape = handle["dtype"], tuple(handle["shape"])
        self._pointer = base + handle["offset"]

    @property
    def __cuda_array_interface__(self):
        if self._base is None:
            raise ValueError("this memory was closed")
        return {
            "shape": self.shape,
            "typestr": _TYPESTRS[self.dtype],
            "data": (self._pointer, False),
            "strides": None,
            "version": 3,
        }

    def torch(self):
        """As a tensor of PyTorch over the same memory."""
        import torch

        if self.dtype != "bfloat16":
            return torch.as_tensor(self, device=f"cuda:{self._device}")
        bits = {**self.__cuda_array_interface__, "typestr": "<i2"}
        wrapped = type("Bits", (), {"__cuda_array_interface__": bits, "memory": self})()
        return torch.as_tensor(wrapped, device=f"cuda:{self._device}").view(torch.bfloat16)

    def close(self):
        """Gives the memory back to the other process; whoever still uses it here must be done. Once more does nothing."""
        if self._base is None:
            return
        base, self._base = self._base, None
        with on(self._device):
            call("cuIpcCloseMemHandle", ctypes.c_uint64(base))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def open(handle):
    """The memory that `tensor.ipcHandle()` described in another process: a dict, or its JSON as parsed."""
    missing = {"uuid", "handle", "offset", "dtype", "shape"} - set(handle)
    if missing:
        raise ValueError(f"this is no handle: it has no {', '.join(sorted(missing))}")
    if handle["dtype"] not in _TYPESTRS:
        raise ValueError(f"this is no handle: its dtype is {handle['dtype']!r}")
    raw = base64.b64decode(handle["handle"])
    if len(raw) != _HANDLE_BYTES:
        raise ValueError(f"this is no handle: it has {len(raw)} bytes, not {_HANDLE_BYTES}")
    device = device_of(handle["uuid"])
    with on(device):
        base = ctypes.c_uint64()
        given = _IpcHandle.from_buffer_copy(raw)
        call("cuIpcOpenMemHandle_v2", ctypes.byref(base), given, _LAZY_ENABLE_PEER_ACCESS)
    return Memory(device, base.value, handle)
