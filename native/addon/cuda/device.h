// A device as the process knows it: whether it is lost, its default stream, what was let go without being
// disposed.
#pragma once

#include <atomic>
#include <mutex>
#include <stdexcept>

#include "addon/cuda/counted.h"
#include "addon/cuda/library.h"

namespace losskit {

class CudaStream;

/** A call of the library that failed. */
struct CudaFailure : std::exception {
  cuda::Code code;
  const char* doing;
  uint64_t requested;  // bytes of memory that this was about

  CudaFailure(cuda::Code failed, const char* what_for, uint64_t bytes = 0)
      : code(failed), doing(what_for), requested(bytes) {}
  const char* what() const noexcept override { return doing; }
};

class CudaDevice {
 public:
  explicit CudaDevice(int device);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  const int index;
  std::atomic<uint64_t> leaked{0}, leaked_bytes{0};

  /** The code after which the device computes nothing any more; 0 while it does. */
  cuda::Code lost() const { return lost_.load(std::memory_order_relaxed); }
  /** Throws where something is wrong, and remembers it where it stays so. */
  void succeed(cuda::Code code, const char* doing, uint64_t requested = 0);
  /** The same, where nobody is to be told. */
  void note(cuda::Code code);
  void require_alive(const char* doing) const {
    if (lost() != 0) throw CudaFailure(lost(), doing);
  }
  /** Made when it is first asked for, and kept. */
  Ref<CudaStream> default_stream();

 private:
  std::atomic<cuda::Code> lost_{0};
  std::mutex mutex_;
  Ref<CudaStream> default_stream_;
};

/** The device of that number, of the first 64 of the system. */
CudaDevice& cuda_device(int index);

}  // namespace losskit
