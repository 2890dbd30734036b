// Memory of a device, and the order of those who use it.
//
// Streams run side by side, so each use waits for what it depends on in other streams: a reader for the last
// writer, a writer for all before it. Within a stream the order is that of the calls, and nothing waits.
#pragma once

#include <vector>

#include "addon/cuda/stream.h"

namespace losskit {

/** Where memory comes from, and so how it is let go. */
enum class Origin { pool, shared, imported, foreign };

class DeviceMemory {
 public:
  /** From the pool of the device, or such that other processes can map. Empty memory has no place. */
  static DeviceMemory allocate(Ref<CudaStream> stream, uint64_t bytes, Origin origin);
  /** That of another process, from `base` on, or of someone else in this one. */
  DeviceMemory(Ref<CudaStream> stream, Origin origin, void* base, uint64_t offset, uint64_t bytes);
  DeviceMemory(DeviceMemory&&) = default;
  DeviceMemory& operator=(DeviceMemory&&) = delete;
  ~DeviceMemory() { release(); }

  CudaDevice& device() const { return device_; }
  void* data() const;
  uint64_t bytes() const { return bytes_; }
  Origin origin() const { return origin_; }
  bool is_released() const { return !owner_; }
  /** Whether the garbage collector should know how large it is. */
  bool is_own() const { return origin_ == Origin::pool || origin_ == Origin::shared; }

  /** To be said before the stream is given work that reads, or writes. */
  void read_on(CudaStream& stream);
  void write_on(CudaStream& stream);
  /** Lets it go when all who use it are done. */
  void release();

 private:
  CudaDevice& device_;
  Ref<CudaStream> owner_;  // none once it is released
  void* base_;
  uint64_t offset_, bytes_;
  Origin origin_;
  Ref<CudaStream> writer_;
  std::vector<Ref<CudaStream>> readers_;

  void wait_for_users();
};

}  // namespace losskit
