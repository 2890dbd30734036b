// The words that CUDA adds to C++, and where a thread of a kernel stands.
#pragma once

#include <stdint.h>

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __grid_constant__
#define __align__(n) alignas(n)
/** One cluster runs at a time, whatever streams there are: memory that threads of the system had of their own
 * would be more than a library opened at run time may have. Blocks of a larger cluster have none but what the
 * launch gives them. */
#define __shared__ static

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

#define LOSSKIT_EMULATED_VECTOR(name, type, bytes)                    \
  struct alignas(2 * bytes) name##2 {                                 \
    type x, y;                                                        \
  };                                                                  \
  struct alignas(4 * bytes > 16 ? 16 : 4 * bytes) name##4 {           \
    type x, y, z, w;                                                  \
  };                                                                  \
  constexpr name##2 make_##name##2(type x, type y) { return {x, y}; } \
  constexpr name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
LOSSKIT_EMULATED_VECTOR(float, float, 4)
LOSSKIT_EMULATED_VECTOR(double, double, 8)
LOSSKIT_EMULATED_VECTOR(char, signed char, 1)
LOSSKIT_EMULATED_VECTOR(uchar, unsigned char, 1)
LOSSKIT_EMULATED_VECTOR(short, short, 2)
LOSSKIT_EMULATED_VECTOR(ushort, unsigned short, 2)
LOSSKIT_EMULATED_VECTOR(int, int, 4)
LOSSKIT_EMULATED_VECTOR(uint, unsigned, 4)
LOSSKIT_EMULATED_VECTOR(longlong, long long, 8)
LOSSKIT_EMULATED_VECTOR(ulonglong, unsigned long long, 8)
#undef LOSSKIT_EMULATED_VECTOR

// Reached through a call: a library whose locals are reached without one is refused by processes that open it
// at run time, for all its locals, __shared__ among them, then need room that was set aside when the process
// began.
#define LOSSKIT_EMULATED_LOCAL extern constinit thread_local
LOSSKIT_EMULATED_LOCAL uint3 threadIdx;
LOSSKIT_EMULATED_LOCAL uint3 blockIdx;
LOSSKIT_EMULATED_LOCAL dim3 blockDim;
LOSSKIT_EMULATED_LOCAL dim3 gridDim;
constexpr int warpSize = 32;

namespace losskit::emulated {

/** How many threads of a block came to a barrier, and how many of them said yes. */
struct Votes {
  int voters, yes;
};
Votes barrier(bool vote);

[[noreturn]] void trap(const char* why);

/** Of the block that runs. */
void* dynamic_shared();

/** Of the cluster that runs; see cuda/cluster.h. */
unsigned cluster_size();
unsigned rank_in_cluster();
void synchronize_cluster();
void* in_block(void* shared, unsigned rank);

}  // namespace losskit::emulated

inline void __syncthreads() { losskit::emulated::barrier(false); }
inline int __syncthreads_count(int vote) { return losskit::emulated::barrier(vote != 0).yes; }
inline int __syncthreads_or(int vote) { return losskit::emulated::barrier(vote != 0).yes != 0; }
inline int __syncthreads_and(int vote) {
  const auto votes = losskit::emulated::barrier(vote != 0);
  return votes.yes == votes.voters;
}
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
[[noreturn]] inline void __trap() { losskit::emulated::trap("__trap()"); }
