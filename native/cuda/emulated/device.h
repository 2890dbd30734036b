// A device of the emulated machine: what is wrong with it, and how much of its memory is taken.
#pragma once

#include <stdint.h>

#include <atomic>
#include <mutex>

#include "cuda/emulated/api.h"

namespace losskit::emulated {

struct Device {
  int index;
  /** Once something went wrong while a kernel ran, every call says so. */
  std::atomic<int> error{cudaSuccess};

  std::mutex mutex;  // of all below
  uint64_t plain = 0, pool_used = 0, pool_reserved = 0, pool_threshold = 0;
};

/** The error that any call would give on this thread's device now. */
cudaError_t state();

Device& current_device();
Device& device(int index);
bool has_device(int index);

/** Whether a real device never works again after this. */
bool is_lasting(int code);

}  // namespace losskit::emulated
