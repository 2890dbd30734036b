// What JavaScript has handles of: memory, streams, events, results of losses.
#pragma once

#include <napi.h>

#include "addon/cuda/device_memory.h"
#include "addon/cuda/handles.h"
#include "addon/outcome.h"

namespace losskit {

/** The garbage collector sees nothing of a device, so it is told what comes and goes. */
void tell_weight(napi_env env, const DeviceMemory& memory, int sign);

struct MemoryHandle {
  static constexpr napi_type_tag kTag = {0x6c6f73736b697401, 0x6d656d6f72790001};
  DeviceMemory memory;

  explicit MemoryHandle(DeviceMemory&& held) : memory(std::move(held)) {}
  void made(napi_env env) { tell_weight(env, memory, 1); }
  /** Nobody disposed of it. */
  void dropped(napi_env env);
  /** Now, not when the garbage collector comes by. */
  void dispose(napi_env env);
};

struct StreamHandle {
  static constexpr napi_type_tag kTag = {0x6c6f73736b697402, 0x73747265616d0001};
  Ref<CudaStream> stream;  // none once it is disposed of

  explicit StreamHandle(Ref<CudaStream> held) : stream(std::move(held)) {}
  void made(napi_env) {}
  void dropped(napi_env) {}
};

struct EventHandle {
  static constexpr napi_type_tag kTag = {0x6c6f73736b697403, 0x6576656e74000001};
  CudaDevice& device;
  cuda::Event event = nullptr;

  /** All that is in the stream now. */
  explicit EventHandle(CudaStream& stream);
  EventHandle(const EventHandle&) = delete;
  EventHandle& operator=(const EventHandle&) = delete;
  ~EventHandle();
  void made(napi_env) {}
  void dropped(napi_env) {}
};

/** The result of a loss on the device, and how its value is made of it. */
struct OutcomeHandle {
  static constexpr napi_type_tag kTag = {0x6c6f73736b697404, 0x6f7574636f6d6501};
  DeviceMemory memory;
  Ref<CudaStream> stream;
  bool in_double;
  HowToReduce how;

  void made(napi_env env) { tell_weight(env, memory, 1); }
  void dropped(napi_env env) { tell_weight(env, memory, -1); }
  /** From a copy of the memory. Adds the sums to a state where one is given, and only if nothing was wrong.
   */
  Outcome read(const void* copy, uint8_t* state) const;
};

/** Memory that has not been released. */
DeviceMemory& read_memory(napi_env env, napi_value value);
Ref<CudaStream> read_stream(napi_env env, napi_value value);

}  // namespace losskit
