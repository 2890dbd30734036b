// AVX2 with FMA and F16C: 8 floats or 4 doubles in a register; tails by maskload and blend.
#pragma once

#include <immintrin.h>

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <>
constexpr int native_lanes<float> = 8;
template <>
constexpr int native_lanes<double> = 4;

LOSSKIT_INLINE __m256i first_of_8(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
LOSSKIT_INLINE __m256i first_of_4(size_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(static_cast<int64_t>(n)), _mm256_setr_epi64x(0, 1, 2, 3));
}

template <>
struct ivec<int32_t, 8> {
  __m256i v;
  ivec() = default;
  LOSSKIT_INLINE ivec(__m256i x) : v(x) {}
  LOSSKIT_INLINE ivec(int32_t x) : v(_mm256_set1_epi32(x)) {}
  LOSSKIT_INLINE void store(int32_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return _mm256_add_epi32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return _mm256_sub_epi32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return _mm256_and_si256(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return _mm256_or_si256(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return _mm256_xor_si256(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int n) { return _mm256_sll_epi32(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int n) { return _mm256_srl_epi32(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) { return _mm256_min_epu32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) { return _mm256_max_epi32(a.v, b.v); }
};

template <>
struct ivec<int64_t, 4> {
  __m256i v;
  ivec() = default;
  LOSSKIT_INLINE ivec(__m256i x) : v(x) {}
  LOSSKIT_INLINE ivec(int64_t x) : v(_mm256_set1_epi64x(x)) {}
  LOSSKIT_INLINE void store(int64_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return _mm256_add_epi64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return _mm256_sub_epi64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return _mm256_and_si256(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return _mm256_or_si256(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return _mm256_xor_si256(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int n) { return _mm256_sll_epi64(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int n) { return _mm256_srl_epi64(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) {
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
    const __m256i greater = _mm256_cmpgt_epi64(_mm256_xor_si256(a.v, sign), _mm256_xor_si256(b.v, sign));
    return _mm256_blendv_epi8(a.v, b.v, greater);
  }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) {
    return _mm256_blendv_epi8(b.v, a.v, _mm256_cmpgt_epi64(a.v, b.v));
  }
};

struct mask8 {
  __m256 m;
  friend LOSSKIT_INLINE mask8 operator&(mask8 a, mask8 b) { return {_mm256_and_ps(a.m, b.m)}; }
  friend LOSSKIT_INLINE mask8 operator|(mask8 a, mask8 b) { return {_mm256_or_ps(a.m, b.m)}; }
  friend LOSSKIT_INLINE bool any(mask8 a) { return _mm256_movemask_ps(a.m) != 0; }
};

struct mask4 {
  __m256d m;
  friend LOSSKIT_INLINE mask4 operator&(mask4 a, mask4 b) { return {_mm256_and_pd(a.m, b.m)}; }
  friend LOSSKIT_INLINE mask4 operator|(mask4 a, mask4 b) { return {_mm256_or_pd(a.m, b.m)}; }
  friend LOSSKIT_INLINE bool any(mask4 a) { return _mm256_movemask_pd(a.m) != 0; }
};

template <>
struct vec<float, 8> {
  static constexpr int lanes = 8;
  using scalar = float;
  using ints = ivec<int32_t, 8>;
  using mask = mask8;
  __m256 v;

  vec() = default;
  LOSSKIT_INLINE vec(__m256 x) : v(x) {}
  LOSSKIT_INLINE vec(float x) : v(_mm256_set1_ps(x)) {}

  static LOSSKIT_INLINE vec load(const float* p) { return _mm256_loadu_ps(p); }
  static LOSSKIT_INLINE vec load(const float* p, size_t n, float fill) {
    const __m256i m = first_of_8(n);
    return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, m), _mm256_castsi256_ps(m));
  }
  LOSSKIT_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  LOSSKIT_INLINE void store(float* p, size_t n) const { _mm256_maskstore_ps(p, first_of_8(n), v); }
  LOSSKIT_INLINE void stream(float* p) const { _mm256_stream_ps(p, v); }
  static LOSSKIT_INLINE vec from_bits(ints i) { return _mm256_castsi256_ps(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return _mm256_castps_si256(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return _mm256_add_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return _mm256_sub_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return _mm256_mul_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return _mm256_div_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return _mm256_sqrt_ps(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return _mm256_blendv_ps(b.v, a.v, m.m); }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return _mm256_min_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return _mm256_max_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return scale_by_two_powers(y, n); }
};

template <>
struct vec<double, 4> {
  static constexpr int lanes = 4;
  using scalar = double;
  using ints = ivec<int64_t, 4>;
  using mask = mask4;
  __m256d v;

  vec() = default;
  LOSSKIT_INLINE vec(__m256d x) : v(x) {}
  LOSSKIT_INLINE vec(double x) : v(_mm256_set1_pd(x)) {}

  static LOSSKIT_INLINE vec load(const double* p) { return _mm256_loadu_pd(p); }
  static LOSSKIT_INLINE vec load(const double* p, size_t n, double fill) {
    const __m256i m = first_of_4(n);
    return _mm256_blendv_pd(_mm256_set1_pd(fill), _mm256_maskload_pd(p, m), _mm256_castsi256_pd(m));
  }
  LOSSKIT_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
  LOSSKIT_INLINE void store(double* p, size_t n) const { _mm256_maskstore_pd(p, first_of_4(n), v); }
  LOSSKIT_INLINE void stream(double* p) const { _mm256_stream_pd(p, v); }
  static LOSSKIT_INLINE vec from_bits(ints i) { return _mm256_castsi256_pd(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return _mm256_castpd_si256(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return _mm256_add_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return _mm256_sub_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return _mm256_mul_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return _mm256_div_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return _mm256_sqrt_pd(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return _mm256_blendv_pd(b.v, a.v, m.m); }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return _mm256_min_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return _mm256_max_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return scale_by_two_powers(y, n); }
};

LOSSKIT_INLINE vec<double, 8> widen(vec<float, 8> a) {
  return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v)), _mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))};
}
LOSSKIT_INLINE vec<float, 8> narrow(vec<double, 8> a) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(a.lo.v)), _mm256_cvtpd_ps(a.hi.v), 1);
}

LOSSKIT_INLINE vec<float, 8> load_f16(const uint16_t* p, vec<float, 8>*) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
LOSSKIT_INLINE void store_f16(vec<float, 8> a, uint16_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}
LOSSKIT_INLINE ivec<int32_t, 8> load_u16(const uint16_t* p, ivec<int32_t, 8>*) {
  return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
LOSSKIT_INLINE void store_u16(ivec<int32_t, 8> a, uint16_t* p) {
  const __m128i lo = _mm256_castsi256_si128(a.v), hi = _mm256_extracti128_si256(a.v, 1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packus_epi32(lo, hi));
}

LOSSKIT_INLINE float greatest_of_4(__m128 a) {
  a = _mm_max_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_max_ss(a, _mm_shuffle_ps(a, a, 1)));
}
LOSSKIT_INLINE int32_t greatest_of_4(__m128i a) {
  a = _mm_max_epi32(a, _mm_unpackhi_epi64(a, a));
  return _mm_cvtsi128_si32(_mm_max_epi32(a, _mm_shuffle_epi32(a, 1)));
}
LOSSKIT_INLINE float greatest(vec<float, 8> a) {
  return greatest_of_4(_mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1)));
}
LOSSKIT_INLINE double greatest(vec<double, 4> a) {
  const __m128d b = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_max_sd(b, _mm_unpackhi_pd(b, b)));
}
LOSSKIT_INLINE double sum_lanes(vec<double, 4> a) {
  const __m128d b = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(b, _mm_unpackhi_pd(b, b)));
}
LOSSKIT_INLINE int32_t greatest(ivec<int32_t, 8> a) {
  return greatest_of_4(_mm_max_epi32(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1)));
}
LOSSKIT_INLINE int64_t greatest(ivec<int64_t, 4> a) {
  a = max(a, ivec<int64_t, 4>(_mm256_permute4x64_epi64(a.v, 0x4e)));
  a = max(a, ivec<int64_t, 4>(_mm256_permute4x64_epi64(a.v, 0xb1)));
  return _mm_cvtsi128_si64(_mm256_castsi256_si128(a.v));
}
LOSSKIT_INLINE int64_t sum_lanes(ivec<int64_t, 4> a) {
  const __m128i b = _mm_add_epi64(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
  return _mm_cvtsi128_si64(_mm_add_epi64(b, _mm_unpackhi_epi64(b, b)));
}

/** The rows of a square become its columns. */
LOSSKIT_INLINE void transpose(vec<double, 4> (&rows)[4]) {
  const __m256d a = _mm256_unpacklo_pd(rows[0].v, rows[1].v), b = _mm256_unpackhi_pd(rows[0].v, rows[1].v);
  const __m256d c = _mm256_unpacklo_pd(rows[2].v, rows[3].v), d = _mm256_unpackhi_pd(rows[2].v, rows[3].v);
  rows[0] = _mm256_permute2f128_pd(a, c, 0x20);
  rows[1] = _mm256_permute2f128_pd(b, d, 0x20);
  rows[2] = _mm256_permute2f128_pd(a, c, 0x31);
  rows[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
