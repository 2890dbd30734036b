#include "cuda/runtime.h"

#include <string.h>

#include <map>
#include <mutex>
#include <new>

#include "cuda/cublas.h"
#include "cuda/device.h"

namespace losskit::cuda {
namespace {

cudaEvent_t event_of(Event event) { return reinterpret_cast<cudaEvent_t>(event); }

/** Does what the function does with the device as the thread's own. */
template <class F>
Code on(int device, F body) {
  const DeviceGuard guard(device);
  return guard.code() != cudaSuccess ? guard.code() : body();
}

constexpr int kMostDevices = 128;

/** The device's pool of losskit alone, so that no other library's settings or use are mixed into it. It keeps
 * what is released, which allocating again would wait for. */
Code pool_of(int device, cudaMemPool_t* pool) {
  static std::mutex mutex;
  static cudaMemPool_t pools[kMostDevices];
  if (device < 0 || device >= kMostDevices) return cudaErrorInvalidDevice;
  const std::lock_guard lock(mutex);
  if (pools[device] == nullptr) {
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.handleTypes = cudaMemHandleTypeNone;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device;
    cudaMemPool_t made = nullptr;
    if (const Code code = cudaMemPoolCreate(&made, &properties); code != cudaSuccess) return code;
    uint64_t keep = UINT64_MAX;
    const Code code = cudaMemPoolSetAttribute(made, cudaMemPoolAttrReleaseThreshold, &keep);
    if (code != cudaSuccess) return code;
    pools[device] = made;
  }
  *pool = pools[device];
  return cudaSuccess;
}

/** Less than this may share its block of the driver with other memory, which processes would get to see with
 * it. */
constexpr uint64_t kSharedUnit = 2 << 20;

/** Where the memory for other processes begins and how much it is: they map it as a whole, and handles are of
 * its beginning. */
struct Shared {
  std::mutex mutex;
  std::map<const char*, uint64_t> bytes;

  /** Never destroyed, as threads may still release memory when the process ends. */
  static Shared& get() {
    static auto& shared = *new Shared;
    return shared;
  }
};

}  // namespace

void status(DriverStatus* status) {
  *status = {};
  cudaDriverGetVersion(&status->driver);
  cudaRuntimeGetVersion(&status->runtime);
  status->code = cudaGetDeviceCount(&status->devices);
  if (status->code != cudaSuccess) status->devices = 0;
}

Code describe(int device, DeviceInfo* info) {
  cudaDeviceProp properties;
  if (const Code code = cudaGetDeviceProperties(&properties, device); code != cudaSuccess) return code;
  static_assert(sizeof(info->name) == sizeof(properties.name) &&
                sizeof(info->uuid) == sizeof(properties.uuid));
  memcpy(info->name, properties.name, sizeof(info->name));
  memcpy(info->uuid, properties.uuid.bytes, sizeof(info->uuid));
  info->bytes = properties.totalGlobalMem;
  info->major = properties.major;
  info->minor = properties.minor;
  info->processors = properties.multiProcessorCount;
  return cudaSuccess;
}

const char* name_of(Code code) {
  return code >= kCublasCodes ? cublas_name_of(code) : cudaGetErrorName(static_cast<cudaError_t>(code));
}
const char* text_of(Code code) {
  return code >= kCublasCodes ? cublas_text_of(code) : cudaGetErrorString(static_cast<cudaError_t>(code));
}

Code create_stream(int device, Stream* stream) {
  return on(device, [&] {
    return cudaStreamCreateWithFlags(reinterpret_cast<cudaStream_t*>(stream), cudaStreamNonBlocking);
  });
}

Code destroy_stream(int device, Stream stream) {
  return on(device, [&] { return cudaStreamDestroy(stream_of(stream)); });
}

Code create_event(int device, Event* event) {
  return on(device, [&] {
    return cudaEventCreateWithFlags(reinterpret_cast<cudaEvent_t*>(event),
                                    cudaEventBlockingSync | cudaEventDisableTiming);
  });
}

Code destroy_event(int device, Event event) {
  return on(device, [&] { return cudaEventDestroy(event_of(event)); });
}

Code record(int device, Event event, Stream stream) {
  return on(device, [&] { return cudaEventRecord(event_of(event), stream_of(stream)); });
}

Code wait(int device, Stream stream, Event event) {
  return on(device, [&] { return cudaStreamWaitEvent(stream_of(stream), event_of(event), 0); });
}

Code query(int device, Event event) {
  return on(device, [&] { return cudaEventQuery(event_of(event)); });
}

Code synchronize(int device, Event event) {
  return on(device, [&] { return cudaEventSynchronize(event_of(event)); });
}

Code allocate(int device, Stream stream, uint64_t bytes, void** memory) {
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  return on(device, [&]() -> Code {
    cudaMemPool_t pool = nullptr;
    if (const Code code = pool_of(device, &pool); code != cudaSuccess) return code;
    return cudaMallocFromPoolAsync(memory, bytes, pool, stream_of(stream));
  });
}

Code release(int device, Stream stream, void* memory) {
  if (memory == nullptr) return cudaSuccess;
  return on(device, [&] { return cudaFreeAsync(memory, stream_of(stream)); });
}

Code allocate_shared(int device, uint64_t bytes, void** memory) {
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  return on(device, [&]() -> Code {
    if (bytes > UINT64_MAX - kSharedUnit) return cudaErrorMemoryAllocation;
    bytes = (bytes + kSharedUnit - 1) / kSharedUnit * kSharedUnit;
    if (const Code code = cudaMalloc(memory, bytes); code != cudaSuccess) return code;
    try {
      Shared& shared = Shared::get();
      const std::lock_guard lock(shared.mutex);
      shared.bytes.emplace(static_cast<const char*>(*memory), bytes);
    } catch (const std::bad_alloc&) {
      cudaFree(*memory);
      *memory = nullptr;
      return cudaErrorMemoryAllocation;
    }
    return cudaSuccess;
  });
}

Code release_shared(int device, void* memory) {
  if (memory == nullptr) return cudaSuccess;
  {
    Shared& shared = Shared::get();
    const std::lock_guard lock(shared.mutex);
    if (shared.bytes.erase(static_cast<const char*>(memory)) == 0) return cudaErrorInvalidValue;
  }
  return on(device, [&] { return cudaFree(memory); });
}

Code allocate_pinned(uint64_t bytes, void** memory) {
  *memory = nullptr;
  return bytes == 0 ? cudaSuccess : cudaHostAlloc(memory, bytes, cudaHostAllocPortable);
}

Code release_pinned(void* memory) { return memory == nullptr ? cudaSuccess : cudaFreeHost(memory); }

Code copy(int device, Stream stream, void* to, const void* from, uint64_t bytes) {
  return on(device, [&] { return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(stream)); });
}

Code memory(int device, MemoryInfo* info) {
  return on(device, [&]() -> Code {
    cudaMemPool_t pool = nullptr;
    if (const Code code = pool_of(device, &pool); code != cudaSuccess) return code;
    size_t free = 0, total = 0;
    Code code = cudaMemGetInfo(&free, &total);
    if (code == cudaSuccess) code = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &info->used);
    if (code == cudaSuccess)
      code = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &info->reserved);
    info->free = free;
    info->total = total;
    return code;
  });
}

Code trim(int device) {
  return on(device, [&]() -> Code {
    cudaMemPool_t pool = nullptr;
    const Code code = pool_of(device, &pool);
    return code != cudaSuccess ? code : cudaMemPoolTrimTo(pool, 0);
  });
}

Code device_of(const void* memory, int* device) {
  *device = -1;
  cudaPointerAttributes attributes;
  const Code code = cudaPointerGetAttributes(&attributes, memory);
  if (code == cudaSuccess && attributes.type == cudaMemoryTypeDevice) *device = attributes.device;
  return code;
}

Code export_memory(int device, void* memory, IpcHandle* handle, uint64_t* offset) {
  char* base = static_cast<char*>(memory);
  {
    Shared& shared = Shared::get();
    const std::lock_guard lock(shared.mutex);
    auto after = shared.bytes.upper_bound(base);
    if (after == shared.bytes.begin()) return cudaErrorInvalidValue;
    --after;
    *offset = static_cast<uint64_t>(base - after->first);
    if (*offset >= after->second) return cudaErrorInvalidValue;
  }
  base -= *offset;
  cudaIpcMemHandle_t made;
  static_assert(sizeof(made) == sizeof(*handle));
  const Code code = on(device, [&] { return cudaIpcGetMemHandle(&made, base); });
  if (code == cudaSuccess) memcpy(handle, &made, sizeof(made));
  return code;
}

Code import_memory(int device, const IpcHandle* handle, void** memory) {
  *memory = nullptr;
  cudaIpcMemHandle_t given;
  memcpy(&given, handle, sizeof(given));
  return on(device, [&] { return cudaIpcOpenMemHandle(memory, given, cudaIpcMemLazyEnablePeerAccess); });
}

Code close_memory(int device, void* memory) {
  return on(device, [&] { return cudaIpcCloseMemHandle(memory); });
}

}  // namespace losskit::cuda
