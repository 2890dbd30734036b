// A lane for each thread: sixteen neighbouring threads of a GPU make a vector.
//
// A formula over vec then reads as one of the thread's own number. Loads and stores go to the thread's place
// among the sixteen; sums across the lanes meet by shuffles, in the order in which a processor folds halves,
// so that the bits are the same: adding is commutative, and each step pairs the same lanes. All threads of a
// team must come to them together.
#pragma once

#include <cuda_runtime.h>

#include "simd/vec.h"

/** For what happens seldom: inlined into every kernel, it would be most of the library. */
#define LOSSKIT_SELDOM __device__ __attribute__((noinline))

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr int kTeam = 16;
LOSSKIT_INLINE size_t lane() { return threadIdx.x & (kTeam - 1); }

template <>
constexpr int native_lanes<float> = kTeam;
template <>
constexpr int native_lanes<double> = kTeam;

LOSSKIT_INLINE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
LOSSKIT_INLINE double fused(double a, double b, double c) { return __fma_rn(a, b, c); }
LOSSKIT_INLINE float square_root(float a) { return __fsqrt_rn(a); }
LOSSKIT_INLINE double square_root(double a) { return __dsqrt_rn(a); }

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit

#include "simd/lane.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** The threads of the thread's own team in its warp. */
LOSSKIT_INLINE unsigned team_mask() { return 0xffffu << (threadIdx.x & kTeam); }

/** Folds the lanes' upper half onto the lower until one number is left, in every lane. */
template <class X, class F>
LOSSKIT_INLINE X fold_team(X x, F f) {
  for (int distance = kTeam / 2; distance > 0; distance /= 2) {
    x = f(x, __shfl_xor_sync(team_mask(), x, distance));
  }
  return x;
}

template <class T>
LOSSKIT_INLINE T greatest(vec<T, kTeam> a) {
  return fold_team(a.v, [](T x, T y) { return x > y ? x : y; });
}
template <class T>
LOSSKIT_INLINE T sum_lanes(vec<T, kTeam> a) {
  return fold_team(a.v, [](T x, T y) { return x + y; });
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
