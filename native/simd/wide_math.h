// Elementary functions of a float in doubles: for losses that need digits a float has not, on their way to a
// result that is rounded to a float. What can be done on the float is done there, with twice the lanes. For
// float64 they are the functions of math.h.
#pragma once

#include "simd/math.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** The half of a logarithm, with the digits of a double, that comes first: log x = k ln2 + 2 atanh(s), and
 * more where x is rare. Of a double, s is the logarithm. */
template <class V>
struct HalfLog {
  V k;
  vec<double, V::lanes> s;
  bool is_rare;
};

template <int N>
LOSSKIT_INLINE HalfLog<vec<float, N>> begin_wide_log(vec<float, N> x) {
  using V = vec<float, N>;
  using W = vec<double, N>;
  const V smallest(0x1p-126f);
  const auto is_normal = (x >= smallest) & (x < V(infinity<float>));
  V normal = select(is_normal, x, V(1));
  // Denormals are scaled; what has no logarithm is added to that of 1.
  const bool is_rare = any(select(is_normal, V(0), V(1)) > V(0));
  if (is_rare) {
    const auto is_denormal = (x > V(0)) & (x < smallest);
    normal = select(is_denormal, x * V(Constants<float>::denormal_scale), normal);
  }
  V k = log_exponent(normal);
  const W r = widen(V::from_bits(bits(normal) - exponent_bits(k)) - V(1));
  if (is_rare) {
    const auto is_denormal = (x > V(0)) & (x < smallest);
    k = select(is_denormal, k - V(Constants<float>::denormal_exponent), k);
  }
  return {k, r / (r + W(2)), is_rare};
}
template <int N>
LOSSKIT_INLINE HalfLog<vec<double, N>> begin_wide_log(vec<double, N> x) {
  return {vec<double, N>(0), log(x), false};
}

template <int N>
LOSSKIT_INLINE vec<double, N> end_wide_log(const HalfLog<vec<float, N>>& half, vec<float, N> x) {
  using V = vec<float, N>;
  using W = vec<double, N>;
  using C = Constants<double>;
  const W s = half.s, s2 = s * s, q = polynomial<Coefficients<double>::atanh>(s2, s2 * s2);
  const W y = fma(widen(half.k), W(C::ln2_hi + C::ln2_lo), s * fma(s2, q, W(2)));
  if (!half.is_rare) return y;
  const auto has_logarithm = (x > V(0)) & (x < V(infinity<float>));
  return y + widen(select(has_logarithm, V(0), log_or_special(x, V(0))));
}
template <int N>
LOSSKIT_INLINE vec<double, N> end_wide_log(const HalfLog<vec<double, N>>& half, vec<double, N>) {
  return half.s;
}

/** exp for x <= 0, flushed as exp_flushed does; relative error 2^-28. */
template <int N>
LOSSKIT_INLINE vec<double, N> wide_exp_flushed(vec<float, N> x) {
  using V = vec<float, N>;
  using C = Constants<float>;
  constexpr float magic = round_magic<float> + 127;
  const V bounded = max(V(C::exp_flushes), x);
  const V biased = fma(bounded, V(C::log2e), V(magic)), n = biased - V(magic);
  const auto power = widen(V::from_bits(bits(biased) << Bits<float>::mantissa));
  constexpr double ln2 = Constants<double>::ln2_hi + Constants<double>::ln2_lo;
  const auto r = fma(widen(n), vec<double, N>(-ln2), widen(bounded)), r2 = r * r;
  return fma(power, fma(r2, polynomial<Coefficients<double>::expm1_brief>(r, r2), r), power);
}
template <int N>
LOSSKIT_INLINE vec<double, N> wide_exp_flushed(vec<double, N> x) {
  return exp_flushed(x);
}

/** log1p for t in [0, 1], for a result of type T; for a float's, relative error 2^-30. */
template <class T, int N>
LOSSKIT_INLINE vec<double, N> wide_log1p_unit(vec<double, N> t) {
  if constexpr (sizeof(T) == 8) {
    return log1p_unit(t);
  } else {
    const auto t2 = t * t;
    return fma(t2, polynomial<Coefficients<double>::log1p01_brief>(t, t2), t);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
