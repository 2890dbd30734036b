// Copies between arrays of JavaScript and devices.
#pragma once

#include <napi.h>

#include "addon/bytes.h"
#include "addon/cuda/device_memory.h"

namespace losskit {

/** Puts a copy of the bytes into the stream. They may change at once, unless they are pinned. */
void upload(CudaStream& stream, DeviceMemory& to, const Bytes& from);

/** Fills an array, and promises `[code, whether the array still had its memory]`. */
napi_value download(napi_env env, CudaStream& stream, DeviceMemory& from, napi_value array);

}  // namespace losskit
