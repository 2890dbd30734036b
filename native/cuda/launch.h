// Launching kernels, the same with CUDA's compiler as in emulation, where there is no <<<…>>>.
#pragma once

#include <cuda_runtime.h>

#include <tuple>
#include <utility>

#include "cuda/device.h"

namespace losskit::cuda {

/** As much shared memory as a block may have without asking. */
constexpr size_t kPlainShared = 48 << 10;

/** The shared memory whose size the launch gave; aligned to 16 bytes. */
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#ifdef __CUDACC__
  extern __shared__ __align__(16) unsigned char losskit_shared[];
  return reinterpret_cast<T*>(losskit_shared);
#else
  return static_cast<T*>(emulated::dynamic_shared());
#endif
}

/** Puts a kernel of one-dimensional blocks into the stream, on the current device. */
template <class... P, class... A>
Code launch(void (*kernel)(P...), unsigned grid, unsigned block, size_t shared, Stream stream, A... args) {
#ifdef __CUDACC__
  const void* function = reinterpret_cast<const void*>(kernel);
  if (shared > kPlainShared) {
    const auto attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
    const Code code = cudaFuncSetAttribute(function, attribute, static_cast<int>(shared));
    if (code != cudaSuccess) return code;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream_of(stream);
  std::tuple<P...> parameters(args...);
  return std::apply(
      [&](P&... each) {
        void* pointers[] = {static_cast<void*>(&each)..., nullptr};
        return cudaLaunchKernelExC(&config, function, pointers);
      },
      parameters);
#else
  struct Launched {
    void (*kernel)(P...);
    std::tuple<P...> parameters;
  };
  return emulated::launch(
      grid, block, shared, stream_of(stream),
      [](void* launched) {
        const Launched& l = *static_cast<Launched*>(launched);
        std::apply(l.kernel, l.parameters);
      },
      new Launched{kernel, std::tuple<P...>(args...)},
      [](void* launched) { delete static_cast<Launched*>(launched); });
#endif
}

}  // namespace losskit::cuda
