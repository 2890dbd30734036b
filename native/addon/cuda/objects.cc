#include "addon/cuda/objects.h"

namespace losskit {

void tell_weight(napi_env env, const DeviceMemory& memory, int sign) {
  if (!memory.is_own()) return;
  int64_t total;
  napi_adjust_external_memory(env, sign * static_cast<int64_t>(memory.bytes()), &total);
}

void MemoryHandle::dispose(napi_env env) {
  if (memory.is_released()) return;
  memory.release();
  tell_weight(env, memory, -1);
}

void MemoryHandle::dropped(napi_env env) {
  if (memory.is_released()) return;
  if (memory.is_own()) {
    memory.device().leaked.fetch_add(1, std::memory_order_relaxed);
    memory.device().leaked_bytes.fetch_add(memory.bytes(), std::memory_order_relaxed);
  }
  dispose(env);
}

EventHandle::EventHandle(CudaStream& stream) : device(stream.device) {
  const cuda::Library& library = *cuda_library();
  device.require_alive("recording an event");
  device.succeed(library.create_event(device.index, &event), "making an event");
  const cuda::Code code = library.record(device.index, event, stream.handle);
  if (code == 0) return;
  library.destroy_event(device.index, event);
  device.succeed(code, "recording an event");
}

EventHandle::~EventHandle() { device.note(cuda_library()->destroy_event(device.index, event)); }

Outcome OutcomeHandle::read(const void* copy) const {
  const cuda::Library& library = *cuda_library();
  if (in_double) {
    Sums<double> sums{};
    library.read_double(copy, &sums);
    return outcome_of(sums, how);
  }
  Sums<float> sums{};
  library.read_float(copy, &sums);
  return outcome_of(sums, how);
}

DeviceMemory& read_memory(napi_env env, napi_value value) {
  DeviceMemory& memory = read_handle<MemoryHandle>(env, value, "not device memory").memory;
  require(!memory.is_released(), "device memory that was released");
  return memory;
}

Ref<CudaStream> read_stream(napi_env env, napi_value value) {
  const Ref<CudaStream>& stream = read_handle<StreamHandle>(env, value, "not a stream").stream;
  require(static_cast<bool>(stream), "a stream that was disposed of");
  return stream;
}

}  // namespace losskit
