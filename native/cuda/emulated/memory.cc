// The functions of the runtime that give out memory and copy it.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/emulated/allocations.h"
#include "cuda/emulated/api.h"
#include "cuda/emulated/device.h"
#include "cuda/emulated/environment.h"
#include "cuda/emulated/stream.h"

namespace losskit::emulated {
namespace {

/** A pool is its device: none needs two. */
cudaMemPool_t pool_of(Device& device) { return reinterpret_cast<cudaMemPool_t>(&device); }
Device& device_of(cudaMemPool_t pool) { return *reinterpret_cast<Device*>(pool); }

/** Takes device memory, if there is so much. */
bool reserve(Device& device, Kind kind, uint64_t bytes) {
  const std::lock_guard lock(device.mutex);
  const uint64_t taken = device.plain + device.pool_used;
  if (bytes > environment().memory - std::min(taken, environment().memory)) return false;
  if (kind == Kind::plain) {
    device.plain += bytes;
    // What the pool holds in reserve gives way.
    device.pool_reserved = std::min(device.pool_reserved, environment().memory - device.plain);
  } else {
    device.pool_used += bytes;
    device.pool_reserved = std::max(device.pool_reserved, device.pool_used);
  }
  return true;
}

void unreserve(Device& device, Kind kind, uint64_t bytes) {
  const std::lock_guard lock(device.mutex);
  if (kind == Kind::plain) {
    device.plain -= bytes;
  } else {
    device.pool_used -= bytes;
    if (device.pool_reserved > device.pool_threshold) {
      device.pool_reserved = std::max(device.pool_used, device.pool_threshold);
    }
  }
}

cudaError_t take(void** memory, size_t bytes, Kind kind) {
  *memory = nullptr;
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  Device& device = current_device();
  if (kind != Kind::pinned && !reserve(device, kind, bytes)) return cudaErrorMemoryAllocation;
  static std::atomic<uint64_t> names{0};
  Allocation allocation{.kind = kind, .device = device.index, .base = nullptr, .bytes = bytes};
  allocation.name = static_cast<uint64_t>(getpid()) << 32 | ++names;
  if (!allocate(allocation)) {
    if (kind != Kind::pinned) unreserve(device, kind, bytes);
    return cudaErrorMemoryAllocation;
  }
  *memory = allocation.base;
  return cudaSuccess;
}

/** Marks an allocation as on its way out, which happens once; false where there is none. */
bool begin_release(void* memory, Kind kind, Allocation* allocation) {
  return change(memory, kind, [&](Allocation& a) {
    if (a.releasing) return false;
    a.releasing = true;
    *allocation = a;
    return true;
  });
}

int finish_release(void* memory) {
  if (release(memory)) return cudaSuccess;
  fprintf(stderr, "emulated CUDA: something was written beside the memory at %p\n", memory);
  return cudaErrorIllegalAddress;
}

cudaError_t release_now(void* memory, Kind kind) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  if (memory == nullptr) return cudaSuccess;
  Allocation allocation;
  if (!begin_release(memory, kind, &allocation)) return cudaErrorInvalidValue;
  Device& device = losskit::emulated::device(allocation.device);
  wait_for_all(device);
  if (kind != Kind::pinned) unreserve(device, kind, allocation.bytes);
  const int error = finish_release(memory);
  if (error != cudaSuccess) device.error = error;
  return static_cast<cudaError_t>(error);
}

/** Whether the range may be copied from or to now: what is on its way out may not. */
Standing standing(const void* at, size_t bytes, bool executing) {
  Allocation allocation;
  const Standing found = look_up(at, bytes, &allocation);
  return found == Standing::live && allocation.releasing && !executing ? Standing::wrong : found;
}

int refuse(const void* at, size_t bytes) {
  fprintf(stderr, "emulated CUDA: %zu bytes at %p are not, or no longer, one allocation\n", bytes, at);
  return cudaErrorIllegalAddress;
}

/** What a stream does to a range, which may have been freed since it was asked for. */
int checked(const void* at, size_t bytes) {
  return standing(at, bytes, true) == Standing::wrong ? refuse(at, bytes) : static_cast<int>(cudaSuccess);
}

struct Handle {
  uint64_t name, bytes;
  int process, file, device;
};
static_assert(sizeof(Handle) <= sizeof(cudaIpcMemHandle_t));

}  // namespace
}  // namespace losskit::emulated

using namespace losskit::emulated;

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  *memory = nullptr;
  return bytes == 0 ? state() : take(memory, bytes, Kind::plain);
}

cudaError_t cudaFree(void* memory) { return release_now(memory, Kind::plain); }

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  *memory = nullptr;
  return bytes == 0 ? state() : take(memory, bytes, Kind::pinned);
}

cudaError_t cudaFreeHost(void* memory) { return release_now(memory, Kind::pinned); }

cudaError_t cudaMallocFromPoolAsync(void** memory, size_t bytes, cudaMemPool_t pool, cudaStream_t handle) {
  *memory = nullptr;
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (&stream->device != &device_of(pool) || &stream->device != &current_device() || bytes == 0) {
    return cudaErrorInvalidValue;
  }
  return take(memory, bytes, Kind::pool);
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t handle) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  Allocation allocation;
  if (!begin_release(memory, Kind::pool, &allocation)) return cudaErrorInvalidValue;
  Device& device = losskit::emulated::device(allocation.device);
  unreserve(device, Kind::pool, allocation.bytes);
  stream->put([memory, &device] {
    const int error = finish_release(memory);
    if (error != cudaSuccess) device.error = error;
  });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t handle) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (bytes == 0) return cudaSuccess;
  const Standing source = standing(from, bytes, false), target = standing(to, bytes, false);
  if (source == Standing::wrong || target == Standing::wrong) return cudaErrorInvalidValue;
  // As with CUDA, memory that is not pinned is free to change when the call returns; written, it is complete.
  std::shared_ptr<std::vector<char>> staged;
  if (source == Standing::unknown) {
    const char* begin = static_cast<const char*>(from);
    staged = std::make_shared<std::vector<char>>(begin, begin + bytes);
  }
  const cudaError_t error = put_work(*stream, [=] {
    const void* origin = staged != nullptr ? staged->data() : from;
    int code = checked(origin, bytes);
    if (code == cudaSuccess) code = checked(to, bytes);
    if (code == cudaSuccess) memmove(to, origin, bytes);
    return code;
  });
  if (error == cudaSuccess && target == Standing::unknown) return cudaStreamSynchronize(handle);
  return error;
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t handle) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (bytes == 0) return cudaSuccess;
  if (standing(to, bytes, false) != Standing::live) return cudaErrorInvalidValue;
  return put_work(*stream, [=] {
    const int code = checked(to, bytes);
    if (code == cudaSuccess) memset(to, value, bytes);
    return code;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  Device& device = current_device();
  const std::lock_guard lock(device.mutex);
  *total = environment().memory;
  *free = *total - device.plain - device.pool_reserved;
  return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  if (!has_device(properties->location.id)) return cudaErrorInvalidValue;
  *pool = pool_of(device(properties->location.id));
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  if (attribute != cudaMemPoolAttrReleaseThreshold) return cudaErrorInvalidValue;
  Device& device = device_of(pool);
  const std::lock_guard lock(device.mutex);
  device.pool_threshold = *static_cast<uint64_t*>(value);
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  Device& device = device_of(pool);
  const std::lock_guard lock(device.mutex);
  uint64_t& out = *static_cast<uint64_t*>(value);
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold:
      out = device.pool_threshold;
      return cudaSuccess;
    case cudaMemPoolAttrReservedMemCurrent:
      out = device.pool_reserved;
      return cudaSuccess;
    case cudaMemPoolAttrUsedMemCurrent:
      out = device.pool_used;
      return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  Device& device = device_of(pool);
  const std::lock_guard lock(device.mutex);
  device.pool_reserved = std::min(device.pool_reserved, std::max<uint64_t>(device.pool_used, bytes));
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  *attributes = {cudaMemoryTypeUnregistered, -2, nullptr, const_cast<void*>(memory)};
  Allocation allocation;
  if (look_up(memory, 1, &allocation) == Standing::live) {
    attributes->type = allocation.kind == Kind::pinned ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
    attributes->device = allocation.device;
    attributes->devicePointer = const_cast<void*>(memory);
    if (allocation.kind != Kind::pinned) attributes->hostPointer = nullptr;
  }
  return cudaSuccess;
}

cudaError_t cudaIpcGetMemHandle(cudaIpcMemHandle_t* handle, void* memory) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const bool exported = change(memory, Kind::plain, [&](const Allocation& a) {
    const Handle made{a.name, a.bytes, getpid(), a.file, a.device};
    memset(handle, 0, sizeof(*handle));
    memcpy(handle, &made, sizeof(made));
    return true;
  });
  return exported ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaIpcOpenMemHandle(void** memory, cudaIpcMemHandle_t handle, unsigned) {
  *memory = nullptr;
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  Handle h;
  memcpy(&h, &handle, sizeof(h));
  if (h.process == getpid()) return cudaErrorDeviceUninitialized;
  *memory = reopen(h.name);
  if (*memory != nullptr) return cudaSuccess;
  const std::string path = "/proc/" + std::to_string(h.process) + "/fd/" + std::to_string(h.file);
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return cudaErrorInvalidResourceHandle;
  void* mapped = mmap(nullptr, h.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return cudaErrorMemoryAllocation;
  Allocation allocation{.kind = Kind::imported,
                        .device = current_device().index,
                        .base = static_cast<char*>(mapped),
                        .bytes = h.bytes};
  allocation.name = h.name;
  adopt(allocation);
  *memory = mapped;
  return cudaSuccess;
}

cudaError_t cudaIpcCloseMemHandle(void* memory) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  bool last = false;
  const bool known = change(memory, Kind::imported, [&](Allocation& a) {
    last = --a.opened == 0;
    return true;
  });
  if (!known) return cudaErrorInvalidValue;
  if (last) {
    wait_for_all(current_device());
    finish_release(memory);
  }
  return cudaSuccess;
}
