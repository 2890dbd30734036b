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

/** A grid of one-dimensional blocks, the bytes of memory that the threads of each share, and how many blocks
 * make a cluster. */
struct Geometry {
  unsigned grid, block;
  size_t shared = 0;
  unsigned cluster = 1;
};

/** As many blocks of a cluster as any device that has clusters takes; more must be asked for. */
constexpr unsigned kPlainCluster = 8;

#ifdef __CUDACC__
/** A launch as the runtime takes it. */
struct Launch {
  cudaLaunchConfig_t config{};
  cudaLaunchAttribute cluster{};

  Launch(const Geometry& geometry, Stream stream) {
    config.gridDim = geometry.grid;
    config.blockDim = geometry.block;
    config.dynamicSmemBytes = geometry.shared;
    config.stream = stream_of(stream);
    if (geometry.cluster == 1) return;
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim = {geometry.cluster, 1, 1};
    config.attrs = &cluster;
    config.numAttrs = 1;
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
};

/** Lets a kernel have what it must ask for. */
inline Code allow(const void* kernel, const Geometry& geometry) {
  Code code = cudaSuccess;
  if (geometry.shared > kPlainShared) {
    const auto attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
    code = cudaFuncSetAttribute(kernel, attribute, static_cast<int>(geometry.shared));
  }
  if (code == cudaSuccess && geometry.cluster > kPlainCluster)
    code = cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
  return code;
}
#endif

/** Whether blocks of a kernel can be clusters on the current device: its code has to be for such devices.
 * What a driver translates from older code, for a device that came later, knows of none. */
template <class... P>
bool has_clusters(void (*kernel)(P...)) {
#ifdef __CUDACC__
  cudaFuncAttributes attributes;
  const Code code = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel));
  return code == cudaSuccess && attributes.ptxVersion >= 90;
#else
  static_cast<void>(kernel);
  return attribute_of_device(cudaDevAttrComputeCapabilityMajor) >= 9;
#endif
}

/** How many clusters of such blocks the current device runs at once. */
template <class... P>
Code clusters_at_once(void (*kernel)(P...), const Geometry& geometry, int processors, int* count) {
#ifdef __CUDACC__
  const void* function = reinterpret_cast<const void*>(kernel);
  if (const Code code = allow(function, geometry); code != cudaSuccess) return code;
  if (geometry.cluster > 1) {
    const Launch asked(geometry, nullptr);
    return cudaOccupancyMaxActiveClusters(count, function, &asked.config);
  }
  int each = 0;
  const Code code = cudaOccupancyMaxActiveBlocksPerMultiprocessor(
      &each, function, static_cast<int>(geometry.block), geometry.shared);
  *count = each * processors;
  return code;
#else
  static_cast<void>(kernel);
  static_cast<void>(geometry);
  *count = processors;
  return cudaSuccess;
#endif
}

/** Puts a kernel into the stream, on the current device. */
template <class... P, class... A>
Code launch(void (*kernel)(P...), const Geometry& geometry, Stream stream, A... args) {
#ifdef __CUDACC__
  const void* function = reinterpret_cast<const void*>(kernel);
  if (const Code code = allow(function, geometry); code != cudaSuccess) return code;
  const Launch wanted(geometry, stream);
  std::tuple<P...> parameters(args...);
  return std::apply(
      [&](P&... each) {
        void* pointers[] = {static_cast<void*>(&each)..., nullptr};
        return cudaLaunchKernelExC(&wanted.config, function, pointers);
      },
      parameters);
#else
  struct Launched {
    void (*kernel)(P...);
    std::tuple<P...> parameters;
  };
  return emulated::launch(
      {geometry.grid, geometry.block, geometry.shared, geometry.cluster}, stream_of(stream),
      [](void* launched) {
        const Launched& l = *static_cast<Launched*>(launched);
        std::apply(l.kernel, l.parameters);
      },
      new Launched{kernel, std::tuple<P...>(args...)},
      [](void* launched) { delete static_cast<Launched*>(launched); });
#endif
}

template <class... P, class... A>
Code launch(void (*kernel)(P...), unsigned grid, unsigned block, size_t shared, Stream stream, A... args) {
  return launch(kernel, Geometry{grid, block, shared}, stream, args...);
}

}  // namespace losskit::cuda
