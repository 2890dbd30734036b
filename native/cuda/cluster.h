// Blocks that run at the same time on neighbouring processors, and read each other's shared memory: clusters,
// which GPUs have from compute capability 9.0 on. Elsewhere a block is its own cluster.
#pragma once

#include <cuda_runtime.h>

namespace losskit::cuda {

/** Blocks of the cluster, and which of them this one is. */
__device__ __forceinline__ unsigned cluster_size() {
#if !defined(__CUDACC__)
  return emulated::cluster_size();
#elif __CUDA_ARCH__ >= 900
  unsigned size;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
  return size;
#else
  return 1;
#endif
}

__device__ __forceinline__ unsigned rank_in_cluster() {
#if !defined(__CUDACC__)
  return emulated::rank_in_cluster();
#elif __CUDA_ARCH__ >= 900
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
#else
  return 0;
#endif
}

/** Waits for all threads of the cluster; what they wrote before is seen by all of them. */
__device__ __forceinline__ void synchronize_cluster() {
#if !defined(__CUDACC__)
  emulated::synchronize_cluster();
#elif __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.aligned;\n\tbarrier.cluster.wait.aligned;" ::: "memory");
#else
  __syncthreads();
#endif
}

/** Waits for all warps of the block, each of which may be at another place of the code. */
__device__ __forceinline__ void meet_warps() {
#if defined(__CUDA_ARCH__)
  asm volatile("barrier.sync.aligned 1, %0;" ::"r"(blockDim.x) : "memory");
#else
  __syncthreads();
#endif
}

/** The same place in the shared memory of another block of the cluster. */
template <class T>
__device__ __forceinline__ T* in_block(T* shared, unsigned rank) {
#if !defined(__CUDACC__)
  return static_cast<T*>(emulated::in_block(shared, rank));
#elif __CUDA_ARCH__ >= 900
  T* there;
  asm("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"(shared), "r"(rank));
  return there;
#else
  return shared;
#endif
}

}  // namespace losskit::cuda
