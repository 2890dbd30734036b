// NEON of AArch64: 4 floats or 2 doubles in a register. There are no masked loads: a tail goes through a
// small array.
#pragma once

#include <arm_neon.h>

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <>
constexpr int native_lanes<float> = 4;
template <>
constexpr int native_lanes<double> = 2;

template <>
struct ivec<int32_t, 4> {
  int32x4_t v;
  ivec() = default;
  LOSSKIT_INLINE ivec(int32x4_t x) : v(x) {}
  LOSSKIT_INLINE ivec(int32_t x) : v(vdupq_n_s32(x)) {}
  LOSSKIT_INLINE void store(int32_t* p) const { vst1q_s32(p, v); }
  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return vaddq_s32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return vsubq_s32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return vandq_s32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return vorrq_s32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return veorq_s32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int n) { return vshlq_s32(a.v, vdupq_n_s32(n)); }
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int n) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.v), vdupq_n_s32(-n)));
  }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) {
    return vreinterpretq_s32_u32(vminq_u32(vreinterpretq_u32_s32(a.v), vreinterpretq_u32_s32(b.v)));
  }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) { return vmaxq_s32(a.v, b.v); }
};

template <>
struct ivec<int64_t, 2> {
  int64x2_t v;
  ivec() = default;
  LOSSKIT_INLINE ivec(int64x2_t x) : v(x) {}
  LOSSKIT_INLINE ivec(int64_t x) : v(vdupq_n_s64(x)) {}
  LOSSKIT_INLINE void store(int64_t* p) const { vst1q_s64(p, v); }
  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return vaddq_s64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return vsubq_s64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return vandq_s64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return vorrq_s64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return veorq_s64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int n) { return vshlq_s64(a.v, vdupq_n_s64(n)); }
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int n) {
    return vreinterpretq_s64_u64(vshlq_u64(vreinterpretq_u64_s64(a.v), vdupq_n_s64(-n)));
  }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) {
    return vbslq_s64(vcgtq_u64(vreinterpretq_u64_s64(a.v), vreinterpretq_u64_s64(b.v)), b.v, a.v);
  }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) { return vbslq_s64(vcgtq_s64(a.v, b.v), a.v, b.v); }
};

struct mask4 {
  uint32x4_t m;
  friend LOSSKIT_INLINE mask4 operator&(mask4 a, mask4 b) { return {vandq_u32(a.m, b.m)}; }
  friend LOSSKIT_INLINE mask4 operator|(mask4 a, mask4 b) { return {vorrq_u32(a.m, b.m)}; }
  friend LOSSKIT_INLINE bool any(mask4 a) { return vmaxvq_u32(a.m) != 0; }
};

struct mask2 {
  uint64x2_t m;
  friend LOSSKIT_INLINE mask2 operator&(mask2 a, mask2 b) { return {vandq_u64(a.m, b.m)}; }
  friend LOSSKIT_INLINE mask2 operator|(mask2 a, mask2 b) { return {vorrq_u64(a.m, b.m)}; }
  friend LOSSKIT_INLINE bool any(mask2 a) { return (vgetq_lane_u64(a.m, 0) | vgetq_lane_u64(a.m, 1)) != 0; }
};

template <>
struct vec<float, 4> {
  static constexpr int lanes = 4;
  using scalar = float;
  using ints = ivec<int32_t, 4>;
  using mask = mask4;
  float32x4_t v;

  vec() = default;
  LOSSKIT_INLINE vec(float32x4_t x) : v(x) {}
  LOSSKIT_INLINE vec(float x) : v(vdupq_n_f32(x)) {}

  static LOSSKIT_INLINE vec load(const float* p) { return vld1q_f32(p); }
  static LOSSKIT_INLINE vec load(const float* p, size_t n, float fill) {
    float a[4] = {fill, fill, fill, fill};
    for (size_t i = 0; i < n && i < 4; ++i) a[i] = p[i];
    return vld1q_f32(a);
  }
  LOSSKIT_INLINE void store(float* p) const { vst1q_f32(p, v); }
  LOSSKIT_INLINE void store(float* p, size_t n) const {
    float a[4];
    vst1q_f32(a, v);
    for (size_t i = 0; i < n && i < 4; ++i) p[i] = a[i];
  }
  LOSSKIT_INLINE void stream(float* p) const { vst1q_f32(p, v); }
  static LOSSKIT_INLINE vec from_bits(ints i) { return vreinterpretq_f32_s32(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return vreinterpretq_s32_f32(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return vaddq_f32(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return vsubq_f32(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return vmulq_f32(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return vdivq_f32(a.v, b.v); }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return vfmaq_f32(c.v, a.v, b.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return vsqrtq_f32(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {vcltq_f32(a.v, b.v)}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {vcleq_f32(a.v, b.v)}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {vceqq_f32(a.v, b.v)}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return vbslq_f32(m.m, a.v, b.v); }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v); }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v); }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return scale_by_two_powers(y, n); }
};

template <>
struct vec<double, 2> {
  static constexpr int lanes = 2;
  using scalar = double;
  using ints = ivec<int64_t, 2>;
  using mask = mask2;
  float64x2_t v;

  vec() = default;
  LOSSKIT_INLINE vec(float64x2_t x) : v(x) {}
  LOSSKIT_INLINE vec(double x) : v(vdupq_n_f64(x)) {}

  static LOSSKIT_INLINE vec load(const double* p) { return vld1q_f64(p); }
  static LOSSKIT_INLINE vec load(const double* p, size_t n, double fill) {
    double a[2] = {fill, fill};
    for (size_t i = 0; i < n && i < 2; ++i) a[i] = p[i];
    return vld1q_f64(a);
  }
  LOSSKIT_INLINE void store(double* p) const { vst1q_f64(p, v); }
  LOSSKIT_INLINE void store(double* p, size_t n) const {
    double a[2];
    vst1q_f64(a, v);
    for (size_t i = 0; i < n && i < 2; ++i) p[i] = a[i];
  }
  LOSSKIT_INLINE void stream(double* p) const { vst1q_f64(p, v); }
  static LOSSKIT_INLINE vec from_bits(ints i) { return vreinterpretq_f64_s64(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return vreinterpretq_s64_f64(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return vaddq_f64(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return vsubq_f64(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return vmulq_f64(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return vdivq_f64(a.v, b.v); }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return vfmaq_f64(c.v, a.v, b.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return vsqrtq_f64(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {vcltq_f64(a.v, b.v)}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {vcleq_f64(a.v, b.v)}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {vceqq_f64(a.v, b.v)}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return vbslq_f64(m.m, a.v, b.v); }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return vbslq_f64(vcltq_f64(a.v, b.v), a.v, b.v); }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v); }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return scale_by_two_powers(y, n); }
};

LOSSKIT_INLINE vec<double, 4> widen(vec<float, 4> a) {
  return {vcvt_f64_f32(vget_low_f32(a.v)), vcvt_high_f64_f32(a.v)};
}
LOSSKIT_INLINE vec<float, 4> narrow(vec<double, 4> a) {
  return vcombine_f32(vcvt_f32_f64(a.lo.v), vcvt_f32_f64(a.hi.v));
}

LOSSKIT_INLINE vec<float, 4> load_f16(const uint16_t* p, vec<float, 4>*) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
LOSSKIT_INLINE void store_f16(vec<float, 4> a, uint16_t* p) {
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a.v)));
}
LOSSKIT_INLINE ivec<int32_t, 4> load_u16(const uint16_t* p, ivec<int32_t, 4>*) {
  return vreinterpretq_s32_u32(vmovl_u16(vld1_u16(p)));
}
LOSSKIT_INLINE void store_u16(ivec<int32_t, 4> a, uint16_t* p) {
  vst1_u16(p, vmovn_u32(vreinterpretq_u32_s32(a.v)));
}

LOSSKIT_INLINE float greatest(vec<float, 4> a) { return vmaxvq_f32(a.v); }
LOSSKIT_INLINE double greatest(vec<double, 2> a) { return vmaxvq_f64(a.v); }
LOSSKIT_INLINE double sum_lanes(vec<double, 2> a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }
LOSSKIT_INLINE int32_t greatest(ivec<int32_t, 4> a) { return vmaxvq_s32(a.v); }
LOSSKIT_INLINE int64_t greatest(ivec<int64_t, 2> a) {
  const int64_t lo = vgetq_lane_s64(a.v, 0), hi = vgetq_lane_s64(a.v, 1);
  return lo > hi ? lo : hi;
}
LOSSKIT_INLINE int64_t sum_lanes(ivec<int64_t, 2> a) { return vaddvq_s64(a.v); }

/** The rows of a square become its columns. */
LOSSKIT_INLINE void transpose(vec<double, 2> (&rows)[2]) {
  const float64x2_t first = vzip1q_f64(rows[0].v, rows[1].v), second = vzip2q_f64(rows[0].v, rows[1].v);
  rows[0] = first;
  rows[1] = second;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
