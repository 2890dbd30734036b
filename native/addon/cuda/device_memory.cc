#include "addon/cuda/device_memory.h"

#include <algorithm>

namespace losskit {

DeviceMemory::DeviceMemory(Ref<CudaStream> stream, Origin origin, void* base, uint64_t offset, uint64_t bytes)
    : device_(stream->device),
      owner_(std::move(stream)),
      base_(base),
      offset_(offset),
      bytes_(bytes),
      origin_(origin) {}

DeviceMemory DeviceMemory::allocate(Ref<CudaStream> stream, uint64_t bytes, Origin origin) {
  CudaDevice& device = stream->device;
  device.require_alive("allocating device memory");
  const cuda::Library& library = *cuda_library();
  const auto ask = [&](void** memory) {
    return origin == Origin::shared ? library.allocate_shared(device.index, bytes, memory)
                                    : library.allocate(device.index, stream->handle, bytes, memory);
  };
  void* memory = nullptr;
  if (bytes != 0) {
    cuda::Code code = ask(&memory);
    // What the pool keeps for later may be what is missing.
    if (code == cuda::kOutOfMemory && library.trim(device.index) == 0) code = ask(&memory);
    device.succeed(code, "allocating device memory", bytes);
  }
  return DeviceMemory(std::move(stream), origin, memory, 0, bytes);
}

void* DeviceMemory::data() const {
  static char nothing[64];  // what is empty has a place all the same, where nobody looks
  return bytes_ == 0 ? nothing : static_cast<char*>(base_) + offset_;
}

void DeviceMemory::read_on(CudaStream& stream) {
  if (writer_) stream.follow(*writer_);
  const bool is_known = std::any_of(readers_.begin(), readers_.end(),
                                    [&](const Ref<CudaStream>& reader) { return reader.get() == &stream; });
  if (!is_known) readers_.emplace_back(&stream);
}

void DeviceMemory::write_on(CudaStream& stream) {
  if (writer_) stream.follow(*writer_);
  for (const Ref<CudaStream>& reader : readers_) stream.follow(*reader);
  readers_.clear();
  writer_ = Ref<CudaStream>(&stream);
}

/** For what is not let go in the order of a stream. */
void DeviceMemory::wait_for_users() {
  const cuda::Library& library = *cuda_library();
  write_on(*owner_);
  cuda::Event event;
  device_.succeed(library.create_event(device_.index, &event), "making an event");
  cuda::Code code = library.record(device_.index, event, owner_->handle);
  if (code == 0) code = library.synchronize(device_.index, event);
  device_.note(library.destroy_event(device_.index, event));
  device_.succeed(code, "waiting for the users of memory");
}

void DeviceMemory::release() {
  if (is_released()) return;
  try {
    const cuda::Library& library = *cuda_library();
    if (bytes_ != 0 && origin_ == Origin::pool) {
      write_on(*owner_);
      device_.note(library.release(device_.index, owner_->handle, base_));
    } else if (bytes_ != 0 && origin_ == Origin::shared) {
      wait_for_users();
      device_.note(library.release_shared(device_.index, base_));
    } else if (origin_ == Origin::imported) {
      wait_for_users();
      device_.note(library.close_memory(device_.index, base_));
    }
  } catch (const CudaFailure&) {
    // The device is lost, and its memory with it.
  }
  readers_.clear();
  writer_ = {};
  owner_ = {};
}

}  // namespace losskit
