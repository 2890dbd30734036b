// AVX-512 (F, BW, DQ, VL): 16 floats or 8 doubles in a register; tails by mask.
#pragma once

#include <immintrin.h>

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <>
constexpr int native_lanes<float> = 16;
template <>
constexpr int native_lanes<double> = 8;

template <>
struct ivec<int32_t, 16> {
  __m512i v;
  ivec() = default;
  LOSSKIT_INLINE ivec(__m512i x) : v(x) {}
  LOSSKIT_INLINE ivec(int32_t x) : v(_mm512_set1_epi32(x)) {}
  LOSSKIT_INLINE void store(int32_t* p) const { _mm512_storeu_si512(p, v); }
  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return _mm512_add_epi32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return _mm512_sub_epi32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return _mm512_and_si512(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return _mm512_or_si512(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return _mm512_xor_si512(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int n) { return _mm512_sll_epi32(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int n) { return _mm512_srl_epi32(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) { return _mm512_min_epu32(a.v, b.v); }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) { return _mm512_max_epi32(a.v, b.v); }
};

template <>
struct ivec<int64_t, 8> {
  __m512i v;
  ivec() = default;
  LOSSKIT_INLINE ivec(__m512i x) : v(x) {}
  LOSSKIT_INLINE ivec(int64_t x) : v(_mm512_set1_epi64(x)) {}
  LOSSKIT_INLINE void store(int64_t* p) const { _mm512_storeu_si512(p, v); }
  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return _mm512_add_epi64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return _mm512_sub_epi64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return _mm512_and_si512(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return _mm512_or_si512(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return _mm512_xor_si512(a.v, b.v); }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int n) { return _mm512_sll_epi64(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int n) { return _mm512_srl_epi64(a.v, _mm_cvtsi32_si128(n)); }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) { return _mm512_min_epu64(a.v, b.v); }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) { return _mm512_max_epi64(a.v, b.v); }
};

struct mask16 {
  __mmask16 k;
  friend LOSSKIT_INLINE mask16 operator&(mask16 a, mask16 b) { return {static_cast<__mmask16>(a.k & b.k)}; }
  friend LOSSKIT_INLINE mask16 operator|(mask16 a, mask16 b) { return {static_cast<__mmask16>(a.k | b.k)}; }
  friend LOSSKIT_INLINE bool any(mask16 m) { return m.k != 0; }
};

struct mask8 {
  __mmask8 k;
  friend LOSSKIT_INLINE mask8 operator&(mask8 a, mask8 b) { return {static_cast<__mmask8>(a.k & b.k)}; }
  friend LOSSKIT_INLINE mask8 operator|(mask8 a, mask8 b) { return {static_cast<__mmask8>(a.k | b.k)}; }
  friend LOSSKIT_INLINE bool any(mask8 m) { return m.k != 0; }
};

template <>
struct vec<float, 16> {
  static constexpr int lanes = 16;
  using scalar = float;
  using ints = ivec<int32_t, 16>;
  using mask = mask16;
  __m512 v;

  vec() = default;
  LOSSKIT_INLINE vec(__m512 x) : v(x) {}
  LOSSKIT_INLINE vec(float x) : v(_mm512_set1_ps(x)) {}

  static LOSSKIT_INLINE __mmask16 first(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }
  static LOSSKIT_INLINE vec load(const float* p) { return _mm512_loadu_ps(p); }
  static LOSSKIT_INLINE vec load(const float* p, size_t n, float fill) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), first(n), p);
  }
  LOSSKIT_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  LOSSKIT_INLINE void store(float* p, size_t n) const { _mm512_mask_storeu_ps(p, first(n), v); }
  LOSSKIT_INLINE void stream(float* p) const { _mm512_stream_ps(p, v); }
  static LOSSKIT_INLINE vec from_bits(ints i) { return _mm512_castsi512_ps(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return _mm512_castps_si512(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return _mm512_add_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return _mm512_sub_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return _mm512_mul_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return _mm512_div_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return _mm512_sqrt_ps(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return _mm512_mask_blend_ps(m.k, b.v, a.v); }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return _mm512_min_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return _mm512_max_ps(a.v, b.v); }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return _mm512_scalef_ps(y.v, n.v); }
};

template <>
struct vec<double, 8> {
  static constexpr int lanes = 8;
  using scalar = double;
  using ints = ivec<int64_t, 8>;
  using mask = mask8;
  __m512d v;

  vec() = default;
  LOSSKIT_INLINE vec(__m512d x) : v(x) {}
  LOSSKIT_INLINE vec(double x) : v(_mm512_set1_pd(x)) {}

  static LOSSKIT_INLINE __mmask8 first(size_t n) { return static_cast<__mmask8>((1u << n) - 1); }
  static LOSSKIT_INLINE vec load(const double* p) { return _mm512_loadu_pd(p); }
  static LOSSKIT_INLINE vec load(const double* p, size_t n, double fill) {
    return _mm512_mask_loadu_pd(_mm512_set1_pd(fill), first(n), p);
  }
  LOSSKIT_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
  LOSSKIT_INLINE void store(double* p, size_t n) const { _mm512_mask_storeu_pd(p, first(n), v); }
  LOSSKIT_INLINE void stream(double* p) const { _mm512_stream_pd(p, v); }
  static LOSSKIT_INLINE vec from_bits(ints i) { return _mm512_castsi512_pd(i.v); }
  friend LOSSKIT_INLINE ints bits(vec a) { return _mm512_castpd_si512(a.v); }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return _mm512_add_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return _mm512_sub_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return _mm512_mul_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return _mm512_div_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) { return _mm512_fmadd_pd(a.v, b.v, c.v); }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return _mm512_sqrt_pd(a.v); }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) { return _mm512_mask_blend_pd(m.k, b.v, a.v); }
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return _mm512_min_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return _mm512_max_pd(a.v, b.v); }
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return _mm512_scalef_pd(y.v, n.v); }
};

LOSSKIT_INLINE vec<double, 16> widen(vec<float, 16> a) {
  return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))};
}
LOSSKIT_INLINE vec<float, 16> narrow(vec<double, 16> a) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a.lo.v)), _mm512_cvtpd_ps(a.hi.v), 1);
}

/** IEEE binary16, denormals kept, round to nearest even. */
LOSSKIT_INLINE vec<float, 16> load_f16(const uint16_t* p, vec<float, 16>*) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
LOSSKIT_INLINE void store_f16(vec<float, 16> a, uint16_t* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}
/** The low halves of 32-bit lanes to and from memory, for bfloat16. */
LOSSKIT_INLINE ivec<int32_t, 16> load_u16(const uint16_t* p, ivec<int32_t, 16>*) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
LOSSKIT_INLINE void store_u16(ivec<int32_t, 16> a, uint16_t* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a.v));
}

/** As in half.h, but with masks. */
LOSSKIT_INLINE ivec<int32_t, 16> round_to_bf16(vec<float, 16> a) {
  const __m512i i = _mm512_castps_si512(a.v), even = _mm512_add_epi32(i, _mm512_set1_epi32(0x7fff));
  const __mmask16 odd = _mm512_test_epi32_mask(i, _mm512_set1_epi32(0x10000));
  const __m512i rounded = _mm512_mask_add_epi32(even, odd, even, _mm512_set1_epi32(1));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  return _mm512_mask_or_epi32(rounded, nan, i, _mm512_set1_epi32(0x400000));
}

LOSSKIT_INLINE float greatest_of_4(__m128 a) {
  a = _mm_max_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_max_ss(a, _mm_shuffle_ps(a, a, 1)));
}
LOSSKIT_INLINE int32_t greatest_of_4(__m128i a) {
  a = _mm_max_epi32(a, _mm_unpackhi_epi64(a, a));
  return _mm_cvtsi128_si32(_mm_max_epi32(a, _mm_shuffle_epi32(a, 1)));
}
LOSSKIT_INLINE float greatest(vec<float, 16> a) {
  const __m256 b = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  return greatest_of_4(_mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1)));
}
LOSSKIT_INLINE double greatest(vec<double, 8> a) {
  const __m256d b = _mm256_max_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
  const __m128d c = _mm_max_pd(_mm256_castpd256_pd128(b), _mm256_extractf128_pd(b, 1));
  return _mm_cvtsd_f64(_mm_max_sd(c, _mm_unpackhi_pd(c, c)));
}
LOSSKIT_INLINE double sum_lanes(vec<double, 8> a) {
  const __m256d b = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
  const __m128d c = _mm_add_pd(_mm256_castpd256_pd128(b), _mm256_extractf128_pd(b, 1));
  return _mm_cvtsd_f64(_mm_add_sd(c, _mm_unpackhi_pd(c, c)));
}
LOSSKIT_INLINE int32_t greatest(ivec<int32_t, 16> a) {
  const __m256i b = _mm256_max_epi32(_mm512_castsi512_si256(a.v), _mm512_extracti64x4_epi64(a.v, 1));
  return greatest_of_4(_mm_max_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1)));
}
LOSSKIT_INLINE int64_t greatest(ivec<int64_t, 8> a) {
  const __m256i b = _mm256_max_epi64(_mm512_castsi512_si256(a.v), _mm512_extracti64x4_epi64(a.v, 1));
  const __m128i c = _mm_max_epi64(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
  return _mm_cvtsi128_si64(_mm_max_epi64(c, _mm_unpackhi_epi64(c, c)));
}
LOSSKIT_INLINE int64_t sum_lanes(ivec<int64_t, 8> a) {
  const __m256i b = _mm256_add_epi64(_mm512_castsi512_si256(a.v), _mm512_extracti64x4_epi64(a.v, 1));
  const __m128i c = _mm_add_epi64(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
  return _mm_cvtsi128_si64(_mm_add_epi64(c, _mm_unpackhi_epi64(c, c)));
}

/** The rows of a square become its columns. */
LOSSKIT_INLINE void transpose(vec<double, 8> (&rows)[8]) {
  __m512d pairs[8];  // of two rows, the numbers of the columns that are even, then odd
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm512_unpacklo_pd(rows[i].v, rows[i + 1].v);
    pairs[i + 1] = _mm512_unpackhi_pd(rows[i].v, rows[i + 1].v);
  }
  for (int odd = 0; odd < 2; ++odd) {
    constexpr int even_lanes = 0x88, odd_lanes = 0xdd;
    const __m512d* const p = pairs + odd;
    const __m512d a = _mm512_shuffle_f64x2(p[0], p[2], even_lanes);
    const __m512d b = _mm512_shuffle_f64x2(p[4], p[6], even_lanes);
    const __m512d c = _mm512_shuffle_f64x2(p[0], p[2], odd_lanes);
    const __m512d d = _mm512_shuffle_f64x2(p[4], p[6], odd_lanes);
    rows[odd] = _mm512_shuffle_f64x2(a, b, even_lanes);
    rows[odd + 2] = _mm512_shuffle_f64x2(c, d, even_lanes);
    rows[odd + 4] = _mm512_shuffle_f64x2(a, b, odd_lanes);
    rows[odd + 6] = _mm512_shuffle_f64x2(c, d, odd_lanes);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
