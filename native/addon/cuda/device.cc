#include "addon/cuda/device.h"

#include "addon/cuda/stream.h"
#include "addon/guard.h"

namespace losskit {
namespace {

constexpr int kMostDevices = 64;

/** Errors after which the driver fails every call of the process on that device. */
bool is_sticky(cuda::Code code) {
  return code == 226 || code == 700 || code == 702 || code == 710 || (code >= 714 && code <= 719) ||
         code == 721 || code == 810 || code == 911;
}

}  // namespace

CudaDevice::CudaDevice(int device) : index(device) {}

CudaDevice::~CudaDevice() = default;

void CudaDevice::note(cuda::Code code) {
  cuda::Code none = 0;
  if (is_sticky(code)) lost_.compare_exchange_strong(none, code, std::memory_order_relaxed);
}

void CudaDevice::succeed(cuda::Code code, const char* doing, uint64_t requested) {
  if (code == 0) return;
  note(code);
  throw CudaFailure(code, doing, requested);
}

Ref<CudaStream> CudaDevice::default_stream() {
  std::lock_guard lock(mutex_);
  if (!default_stream_) default_stream_ = CudaStream::create(*this);
  return default_stream_;
}

CudaDevice& cuda_device(int index) {
  require(index >= 0 && index < kMostDevices, "device");
  static std::atomic<CudaDevice*> devices[kMostDevices];
  CudaDevice* found = devices[index].load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  // Never deleted: threads that wait for a device outlive what ends a process.
  auto* const made = new CudaDevice(index);
  if (devices[index].compare_exchange_strong(found, made, std::memory_order_acq_rel)) return *made;
  delete made;
  return *found;
}

}  // namespace losskit
