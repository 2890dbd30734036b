// One number at a time: the vector of a thread that computes one lane.
//
// On a processor the lane is the whole vector (scalar.h). On a GPU sixteen threads make a vector, a lane each
// (cuda.h): constructed from a number, it holds that of its thread. What includes this says how many lanes
// there are, `kTeam`, which of them is the thread's own, `lane()`, and how one number is computed: `fused`,
// `square_root`.
#pragma once

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class I>
struct ivec<I, kTeam> {
  I v;
  ivec() = default;
  LOSSKIT_INLINE ivec(I x) : v(x) {}
  LOSSKIT_INLINE void store(I* p) const { p[lane()] = v; }
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

struct lane_mask {
  bool m;
  LOSSKIT_INLINE lane_mask(bool x) : m(x) {}
  friend LOSSKIT_INLINE lane_mask operator&(lane_mask a, lane_mask b) { return a.m && b.m; }
  friend LOSSKIT_INLINE lane_mask operator|(lane_mask a, lane_mask b) { return a.m || b.m; }
  friend LOSSKIT_INLINE bool any(lane_mask a) { return a.m; }
};

template <class T>
struct vec<T, kTeam> {
  static constexpr int lanes = kTeam;
  using scalar = T;
  using ints = ivec<typename Bits<T>::type, kTeam>;
  using mask = lane_mask;
  T v;

  vec() = default;
  LOSSKIT_INLINE vec(T x) : v(x) {}

  static LOSSKIT_INLINE vec load(const T* p) { return p[lane()]; }
  static LOSSKIT_INLINE vec load(const T* p, size_t n, T fill) { return lane() < n ? p[lane()] : fill; }
  LOSSKIT_INLINE void store(T* p) const { p[lane()] = v; }
  LOSSKIT_INLINE void store(T* p, size_t n) const {
    if (lane() < n) p[lane()] = v;
  }
  LOSSKIT_INLINE void stream(T* p) const { store(p); }
  static LOSSKIT_INLINE vec from_bits(ints i) { return bit_copy<T>(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return bit_copy<typename Bits<T>::type>(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return a.v + b.v; }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return a.v - b.v; }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return a.v * b.v; }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return a.v / b.v; }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return fused(a.v, b.v, c.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return square_root(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return a.v < b.v; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return a.v <= b.v; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return a.v == b.v; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return m.m ? a : b; }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return a.v < b.v ? a : b; }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return a.v > b.v ? a : b; }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return scale_by_two_powers(y, n); }
};

LOSSKIT_INLINE vec<double, kTeam> widen(vec<float, kTeam> a) { return static_cast<double>(a.v); }
LOSSKIT_INLINE vec<float, kTeam> narrow(vec<double, kTeam> a) { return static_cast<float>(a.v); }

/** One float16 by its bits. */
LOSSKIT_INLINE float from_half(uint32_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31u, mantissa = half & 0x3ffu;
  if (exponent == 31)
    return bit_copy<float>(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0u));
  if (exponent != 0) return bit_copy<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return bit_copy<float>(sign | bit_copy<uint32_t>(magnitude));
}
LOSSKIT_INLINE uint16_t to_half(float x) {
  const uint32_t i = bit_copy<uint32_t>(x), sign = (i >> 16) & 0x8000u, magnitude = i & 0x7fffffffu;
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
  return static_cast<uint16_t>(sign | half);
}
LOSSKIT_INLINE vec<float, kTeam> load_f16(const uint16_t* p, vec<float, kTeam>*) {
  return from_half(p[lane()]);
}
LOSSKIT_INLINE void store_f16(vec<float, kTeam> a, uint16_t* p) { p[lane()] = to_half(a.v); }
LOSSKIT_INLINE ivec<int32_t, kTeam> load_u16(const uint16_t* p, ivec<int32_t, kTeam>*) {
  return static_cast<int32_t>(p[lane()]);
}
LOSSKIT_INLINE void store_u16(ivec<int32_t, kTeam> a, uint16_t* p) { p[lane()] = static_cast<uint16_t>(a.v); }

/** The thread's own, which on a GPU need not be the first: what is asked for is the same in all. */
template <class T>
LOSSKIT_INLINE T first_lane(vec<T, kTeam> a) {
  return a.v;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
