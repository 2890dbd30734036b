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

namespace {

template <class T>
Outcome read_sums(void (*read)(const void*, Sums<T>*), const void* copy, const HowToReduce& how,
                  uint8_t* state) {
  Sums<T> sums{};
  read(copy, &sums);
  if (state != nullptr && sums.fault.status == Status::ok) add_to_state(state, sums, how.by_weights);
  return outcome_of(sums, how);
}

}  // namespace

Outcome OutcomeHandle::read(const void* copy, uint8_t* state) const {
  const cuda::Library& library = *cuda_library();
  return in_double ? read_sums(library.read_double, copy, how, state)
                   : read_sums(library.read_float, copy, how, state);
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
