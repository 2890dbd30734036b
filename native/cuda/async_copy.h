// Copies from memory to shared memory that go on while the thread does something else; the device does so
// from compute capability 8.0 on, others copy at once.
#pragma once

#include <cuda_runtime.h>

namespace losskit::cuda {

/** Begins a copy of a T of 8 or 16 bytes, which is aligned to its size. */
template <class T>
__device__ __forceinline__ void begin_copy(T* shared, const T* from) {
  static_assert(sizeof(T) == 8 || sizeof(T) == 16);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  if constexpr (sizeof(T) == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from));
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(to), "l"(from));
  }
#else
  *shared = *from;
#endif
}

/** Waits for the copies that this thread began. */
__device__ __forceinline__ void finish_copies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

}  // namespace losskit::cuda
