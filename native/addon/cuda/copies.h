// Copies between arrays of JavaScript and devices.
#pragma once

#include <napi.h>

#include "addon/cuda/device_memory.h"

namespace losskit {

/** An array's bytes. */
struct Bytes {
  void* data;
  uint64_t size;
};
Bytes read_bytes(napi_env env, napi_value array);

/** Puts a copy of the bytes into the stream. They may change at once, unless they are pinned. */
void upload(CudaStream& stream, DeviceMemory& to, const Bytes& from);

/** Fills an array, and promises `[code, whether the array still had its memory]`. */
napi_value download(napi_env env, CudaStream& stream, DeviceMemory& from, napi_value array);

}  // namespace losskit
