// Elementary functions of a float in doubles: for losses that need digits a float has not, on their way to a
// result that is rounded to a float. What can be done on the float is done there, with twice the lanes. For
// float64 they are the functions of math.h.
#pragma once

#include "simd/math.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** log x, with the digits of a double. */
template <int N>
LOSSKIT_INLINE vec<double, N> wide_log(vec<float, N> x) {
  using V = vec<float, N>;
  using W = vec<double, N>;
  using C = Constants<double>;
  const V smallest(0x1p-126f);
  const auto is_normal = (x >= smallest) & (x < V(infinity<float>));
  V normal = select(is_normal, x, V(1)), added(0);
  // Rare: denormals are scaled, and what has no logarithm is added to that of 1.
  const bool rare = any(select(is_normal, V(0), V(1)) > V(0));
  if (rare) {
    const auto is_denormal = (x > V(0)) & (x < smallest);
    const V scaled = x * V(Constants<float>::denormal_scale);
    normal = select(is_denormal, scaled, normal);
    added = select(is_denormal, V(0), select(is_normal, V(0), log_or_special(x, V(0))));
  }
  V k = log_exponent(normal);
  const W r = widen(V::from_bits(bits(normal) - exponent_bits(k)) - V(1));
  if (rare) {
    const auto is_denormal = (x > V(0)) & (x < smallest);
    k = select(is_denormal, k - V(Constants<float>::denormal_exponent), k);
  }
  // k ln2 + 2 atanh(s) with s = r / (2 + r)
  const W s = r / (r + W(2)), s2 = s * s, q = polynomial<Coefficients<double>::atanh>(s2, s2 * s2);
  const W y = fma(widen(k), W(C::ln2_hi + C::ln2_lo), s * fma(s2, q, W(2)));
  return rare ? y + widen(added) : y;
}
template <int N>
LOSSKIT_INLINE vec<double, N> wide_log(vec<double, N> x) {
  return log(x);
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
