// One number at a time: the fallback of every machine, and the form in which a single number is computed
// elsewhere.
//
// The baseline of x86-64 has no fused multiply-add, so this file makes one out of the operations it has: a
// float32 one through float64, rounded to odd so that the second rounding is harmless; a float64 one by the C
// library.
#pragma once

#include <string.h>

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class To, class From>
LOSSKIT_INLINE To bit_copy(From x) {
  To y;
  memcpy(&y, &x, sizeof y);
  return y;
}

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
LOSSKIT_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
LOSSKIT_INLINE float square_root(float a) { return __builtin_sqrtf(a); }
LOSSKIT_INLINE double square_root(double a) { return __builtin_sqrt(a); }

template <class I>
struct ivec<I, 1> {
  I v;
  ivec() = default;
  LOSSKIT_INLINE ivec(I x) : v(x) {}
  LOSSKIT_INLINE void store(I* p) const { *p = v; }
  static LOSSKIT_INLINE auto u(I x) {
    if constexpr (sizeof(I) == 4) {
      return static_cast<uint32_t>(x);
    } else {
      return static_cast<uint64_t>(x);
    }
  }
  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return static_cast<I>(u(a.v) + u(b.v)); }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return static_cast<I>(u(a.v) - u(b.v)); }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return a.v & b.v; }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return a.v | b.v; }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return a.v ^ b.v; }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int n) { return static_cast<I>(u(a.v) << n); }
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int n) { return static_cast<I>(u(a.v) >> n); }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) { return u(a.v) < u(b.v) ? a : b; }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) { return a.v > b.v ? a : b; }
};

struct mask1 {
  bool m;
  friend LOSSKIT_INLINE mask1 operator&(mask1 a, mask1 b) { return {a.m && b.m}; }
  friend LOSSKIT_INLINE mask1 operator|(mask1 a, mask1 b) { return {a.m || b.m}; }
  friend LOSSKIT_INLINE bool any(mask1 a) { return a.m; }
};

template <class T>
struct vec<T, 1> {
  static constexpr int lanes = 1;
  using scalar = T;
  using ints = ivec<typename Bits<T>::type, 1>;
  using mask = mask1;
  T v;

  vec() = default;
  LOSSKIT_INLINE vec(T x) : v(x) {}

  static LOSSKIT_INLINE vec load(const T* p) { return *p; }
  static LOSSKIT_INLINE vec load(const T* p, size_t n, T fill) { return n > 0 ? *p : fill; }
  LOSSKIT_INLINE void store(T* p) const { *p = v; }
  LOSSKIT_INLINE void store(T* p, size_t n) const {
    if (n > 0) *p = v;
  }
  LOSSKIT_INLINE void stream(T* p) const { *p = v; }
  static LOSSKIT_INLINE vec from_bits(ints i) { return bit_copy<T>(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return bit_copy<typename Bits<T>::type>(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return a.v + b.v; }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return a.v - b.v; }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return a.v * b.v; }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return a.v / b.v; }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return fused(a.v, b.v, c.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return square_root(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {a.v < b.v}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {a.v <= b.v}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {a.v == b.v}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return m.m ? a : b; }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return a.v < b.v ? a : b; }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return a.v > b.v ? a : b; }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return scale_by_two_powers(y, n); }
};

LOSSKIT_INLINE vec<double, 1> widen(vec<float, 1> a) { return static_cast<double>(a.v); }
LOSSKIT_INLINE vec<float, 1> narrow(vec<double, 1> a) { return static_cast<float>(a.v); }

LOSSKIT_INLINE vec<float, 1> load_f16(const uint16_t* p, vec<float, 1>*) {
  const uint32_t sign = (*p & 0x8000u) << 16, exponent = (*p >> 10) & 31u, mantissa = *p & 0x3ffu;
  if (exponent == 31)
    return bit_copy<float>(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0u));
  if (exponent != 0) return bit_copy<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return bit_copy<float>(sign | bit_copy<uint32_t>(magnitude));
}
LOSSKIT_INLINE void store_f16(vec<float, 1> a, uint16_t* p) {
  const uint32_t i = bit_copy<uint32_t>(a.v), sign = (i >> 16) & 0x8000u, magnitude = i & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | ((magnitude >> 13) & 0x3ffu);  // NaN, quiet
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;  // at least half a step beyond the largest number
  } else if (magnitude < 0x38800000u) {
    // Below the smallest normal number: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits.
    half = bit_copy<uint32_t>(bit_copy<float>(magnitude) + 0.5f) - 0x3f000000u;
  } else {
    half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  }
  *p = static_cast<uint16_t>(sign | half);
}
LOSSKIT_INLINE ivec<int32_t, 1> load_u16(const uint16_t* p, ivec<int32_t, 1>*) {
  return static_cast<int32_t>(*p);
}
LOSSKIT_INLINE void store_u16(ivec<int32_t, 1> a, uint16_t* p) { *p = static_cast<uint16_t>(a.v); }

template <class T>
LOSSKIT_INLINE T greatest(vec<T, 1> a) {
  return a.v;
}
template <class T>
LOSSKIT_INLINE T sum_lanes(vec<T, 1> a) {
  return a.v;
}
template <class I>
LOSSKIT_INLINE I greatest(ivec<I, 1> a) {
  return a.v;
}
template <class I>
LOSSKIT_INLINE I sum_lanes(ivec<I, 1> a) {
  return a.v;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
