// As much of the driver's own interface, over the emulated runtime, as Python programs call to share memory
// with another process, and the benchmark to copy some: their libcuda.so.1 in tests.
#include <string.h>

#include "cuda/emulated/allocations.h"
#include "cuda/emulated/api.h"
#include "cuda/emulated/device.h"

using namespace losskit::emulated;

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;

namespace {

constexpr CUresult kNotMapped = 211, kInvalidValue = 1, kInvalidContext = 201;
constexpr int kDeviceOrdinal = 9, kIpcCapable = 10;

void* at(CUdeviceptr pointer) { return reinterpret_cast<void*>(pointer); }
CUdeviceptr address(const void* memory) { return reinterpret_cast<CUdeviceptr>(memory); }

/** A context is its device, counted from 1. */
CUcontext context_of(CUdevice device) { return reinterpret_cast<CUcontext>(uintptr_t(device) + 1); }

thread_local int pushed = 0;

/** The allocation of the device that a pointer lies in. */
bool find(CUdeviceptr pointer, Allocation* found) {
  return look_up(at(pointer), 1, found) == Standing::live && found->kind != Kind::pinned;
}

}  // namespace

extern "C" {

#define LOSSKIT_DRIVER __attribute__((visibility("default"))) CUresult

LOSSKIT_DRIVER cuInit(unsigned) {
  int count;
  return cudaGetDeviceCount(&count);
}

LOSSKIT_DRIVER cuDeviceGetCount(int* count) { return cudaGetDeviceCount(count); }

LOSSKIT_DRIVER cuDeviceGetUuid_v2(cudaUUID_t* uuid, CUdevice device) {
  cudaDeviceProp properties;
  const cudaError_t error = cudaGetDeviceProperties(&properties, device);
  if (error == cudaSuccess) *uuid = properties.uuid;
  return error;
}

LOSSKIT_DRIVER cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  if (!has_device(device)) return kInvalidValue;
  *context = context_of(device);
  return cudaSuccess;
}

LOSSKIT_DRIVER cuCtxPushCurrent_v2(CUcontext context) {
  ++pushed;
  return cudaSetDevice(static_cast<int>(reinterpret_cast<uintptr_t>(context)) - 1);
}

LOSSKIT_DRIVER cuCtxPopCurrent_v2(CUcontext* context) {
  if (pushed == 0) return kInvalidContext;
  --pushed;
  *context = nullptr;
  return cudaSuccess;
}

LOSSKIT_DRIVER cuPointerGetAttribute(void* value, int attribute, CUdeviceptr pointer) {
  Allocation found;
  if (!find(pointer, &found)) return kInvalidValue;
  if (attribute != kDeviceOrdinal && attribute != kIpcCapable) return kInvalidValue;
  // Either is four bytes: an ordinal, or a truth value.
  const int result = attribute == kDeviceOrdinal ? found.device : found.kind == Kind::plain;
  memcpy(value, &result, sizeof result);
  return cudaSuccess;
}

LOSSKIT_DRIVER cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* bytes, CUdeviceptr pointer) {
  if (pushed == 0) return kInvalidContext;
  Allocation found;
  if (!find(pointer, &found)) return kInvalidValue;
  *base = address(found.base);
  *bytes = found.bytes;
  return cudaSuccess;
}

LOSSKIT_DRIVER cuIpcGetMemHandle(cudaIpcMemHandle_t* handle, CUdeviceptr base) {
  return pushed == 0 ? kInvalidContext : static_cast<CUresult>(cudaIpcGetMemHandle(handle, at(base)));
}

LOSSKIT_DRIVER cuIpcOpenMemHandle_v2(CUdeviceptr* base, cudaIpcMemHandle_t handle, unsigned flags) {
  if (pushed == 0) return kInvalidContext;
  void* memory = nullptr;
  const cudaError_t error = cudaIpcOpenMemHandle(&memory, handle, flags);
  *base = address(memory);
  return error;
}

LOSSKIT_DRIVER cuIpcCloseMemHandle(CUdeviceptr base) {
  const cudaError_t error = pushed == 0 ? cudaSuccess : cudaIpcCloseMemHandle(at(base));
  return pushed == 0 ? kInvalidContext : error == cudaErrorInvalidValue ? kNotMapped : int(error);
}

LOSSKIT_DRIVER cuGetErrorName(CUresult code, const char** name) {
  *name = cudaGetErrorName(static_cast<cudaError_t>(code));
  return cudaSuccess;
}

LOSSKIT_DRIVER cuGetErrorString(CUresult code, const char** text) {
  *text = cudaGetErrorString(static_cast<cudaError_t>(code));
  return cudaSuccess;
}

// For programs that have no framework that would give out memory.

LOSSKIT_DRIVER cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  *pointer = address(memory);
  return error;
}

LOSSKIT_DRIVER cuMemFree_v2(CUdeviceptr pointer) { return cudaFree(at(pointer)); }

/** At once. */
LOSSKIT_DRIVER cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, void*) {
  memcpy(at(to), at(from), bytes);
  return cudaSuccess;
}

LOSSKIT_DRIVER cuCtxSynchronize() { return pushed == 0 ? kInvalidContext : static_cast<CUresult>(state()); }

LOSSKIT_DRIVER cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  memcpy(at(to), from, bytes);
  return cudaSuccess;
}

LOSSKIT_DRIVER cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  memcpy(to, at(from), bytes);
  return cudaSuccess;
}

}  // extern "C"
