// One number at a time: the fallback of every machine, and the form in which a single number is computed
// elsewhere.
//
// The baseline of x86-64 has no fused multiply-add, so this file makes one out of the operations it has: a
// float32 one through float64, rounded to odd so that the second rounding is harmless; a float64 one by the C
// library, or where there are too many of those to trust, on Windows, by whole numbers.
#pragma once

#include "simd/fused.h"
#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr int kTeam = 1;
constexpr size_t lane() { return 0; }

LOSSKIT_INLINE float fused(float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_fmaf(a, b, c);
#else
  const double product = static_cast<double>(a) * b;  // exact
  const double sum = product + c;
  const double part = sum - product;
  const double error = (product - (sum - part)) + (c - part);
  int64_t i = bit_copy<int64_t>(sum);
  if ((error > 0 || error < 0) && (i & 1) == 0) i += ((error > 0) == (sum > 0)) ? 1 : -1;
  return static_cast<float>(bit_copy<double>(i));
#endif
}
LOSSKIT_INLINE double fused(double a, double b, double c) {
#if defined(_WIN32) && !defined(__FMA__)
  return fused_by_integers(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}
LOSSKIT_INLINE float square_root(float a) { return __builtin_sqrtf(a); }
LOSSKIT_INLINE double square_root(double a) { return __builtin_sqrt(a); }

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit

#include "simd/lane.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
LOSSKIT_INLINE T greatest(vec<T, kTeam> a) {
  return a.v;
}
template <class T>
LOSSKIT_INLINE T sum_lanes(vec<T, kTeam> a) {
  return a.v;
}
template <class I>
LOSSKIT_INLINE I greatest(ivec<I, kTeam> a) {
  return a.v;
}
template <class I>
LOSSKIT_INLINE I sum_lanes(ivec<I, kTeam> a) {
  return a.v;
}

LOSSKIT_INLINE void transpose(vec<double, 1> (&)[1]) {}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
