// The device that a thread works with, and its streams, as the CUDA runtime knows them.
#pragma once

#include <cuda_runtime.h>

#include "cuda/abi.h"

namespace losskit::cuda {

inline cudaStream_t stream_of(Stream stream) { return reinterpret_cast<cudaStream_t>(stream); }

/** Of the current device; 0 where that cannot be told. */
inline int attribute_of_device(cudaDeviceAttr attribute) {
  int device = 0, value = 0;
  if (cudaGetDevice(&device) != cudaSuccess ||
      cudaDeviceGetAttribute(&value, attribute, device) != cudaSuccess)
    return 0;
  return value;
}

/** Makes a device the thread's own, until the end of the scope. */
class DeviceGuard {
 public:
  explicit DeviceGuard(int device) {
    code_ = cudaGetDevice(&before_);
    if (code_ == cudaSuccess && before_ != device) {
      code_ = cudaSetDevice(device);
      changed_ = true;
    }
  }
  ~DeviceGuard() {
    if (changed_) cudaSetDevice(before_);
  }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

  /** Why the device could not be made the thread's own, or 0. */
  Code code() const { return code_; }

 private:
  int before_ = 0;
  bool changed_ = false;
  Code code_;
};

}  // namespace losskit::cuda
