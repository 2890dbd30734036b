// Elementary functions, written once over vec<T, N>: the same operations in the same order, so the same bits,
// everywhere.
//
// Special values are those of IEEE 754 and C. Polynomials come from scripts/fit; docs/math-accuracy.md holds
// the largest error of each function over all float32 inputs.
#pragma once

#include "simd/coefficients.h"
#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
struct Constants;

template <>
struct Constants<float> {
  static constexpr float log2e = 0x1.715476p+0f;
  // ln 2 in two parts; the first has so few bits that its product with an exponent is exact
  static constexpr float ln2_hi = 0x1.62e400p-1f, ln2_lo = 0x1.7f7d1cp-20f;
  static constexpr float exp_overflow = 89.0f, exp_underflow = -104.0f;
  static constexpr float exp_flushes = -88.0f;  // n is -127
  static constexpr float expm1_is_minus_one = -18.0f;
  static constexpr float log1p_is_identity = 0x1p-26f;
  static constexpr float denormal_scale = 0x1p25f, denormal_exponent = 25;
  static constexpr float pi_hi = 0x1.921fb6p+1f, pi_lo = -0x1.777a5cp-24f;
};

template <>
struct Constants<double> {
  static constexpr double log2e = 0x1.71547652b82fep+0;
  static constexpr double ln2_hi = 0x1.62e42fee00000p-1, ln2_lo = 0x1.a39ef35793c76p-33;
  static constexpr double exp_overflow = 710.0, exp_underflow = -746.0;
  static constexpr double exp_flushes = -709.0;  // n is -1023
  static constexpr double expm1_is_minus_one = -38.0;
  static constexpr double log1p_is_identity = 0x1p-55;
  static constexpr double denormal_scale = 0x1p54, denormal_exponent = 54;
  static constexpr double pi_hi = 0x1.921fb54442d18p+1, pi_lo = 0x1.1a62633145c07p-53;
};

template <class T>
constexpr T infinity = static_cast<T>(__builtin_inf());
template <class T>
constexpr T not_a_number = static_cast<T>(__builtin_nan(""));

/** c[i] + c[i + 1] x + c[i + 2] x^2 + …, by Horner's rule. The numbers are arguments of the template, and so
 * constants wherever they are used: a GPU cannot see the arrays of its host. */
template <const auto& c, size_t i = 0, class V>
LOSSKIT_UNROLLED V polynomial(V x) {
  constexpr auto lowest = c[i];
  if constexpr (i + 1 == sizeof c / sizeof *c) {
    return V(lowest);
  } else {
    return fma(polynomial<c, i + 1>(x), x, V(lowest));
  }
}

/** The same, a step at a time by x and x^2, which the caller has: as many operations, but fewer that wait for
 * each other. */
template <const auto& c, size_t i = 0, class V>
LOSSKIT_UNROLLED V polynomial(V x, V x2) {
  constexpr size_t n = sizeof c / sizeof *c;
  constexpr auto lowest = c[i];
  if constexpr (i + 1 == n) {
    return V(lowest);
  } else {
    constexpr auto next = c[i + 1];
    const V two = fma(V(next), x, V(lowest));
    if constexpr (i + 2 == n) {
      return two;
    } else {
      return fma(polynomial<c, i + 2>(x, x2), x2, two);
    }
  }
}

/** r = x - n ln2. */
template <class V>
LOSSKIT_INLINE V rest_of(V x, V n) {
  using C = Constants<typename V::scalar>;
  return fma(n, V(-C::ln2_lo), fma(n, V(-C::ln2_hi), x));
}

/** e^r - 1 for |r| <= ln2 / 2. */
template <class V>
LOSSKIT_INLINE V expm1_of_rest(V r) {
  const V r2 = r * r;
  return fma(r2, polynomial<Coefficients<typename V::scalar>::expm1>(r, r2), r);
}

/** x = n ln2 + r, and e^r - 1. */
template <class V>
struct ReducedExp {
  V n, expm1;
};

template <class V>
LOSSKIT_INLINE ReducedExp<V> reduce_exp(V x) {
  using T = typename V::scalar;
  const V n = fma(x, V(Constants<T>::log2e), V(round_magic<T>)) - V(round_magic<T>);
  return {n, expm1_of_rest(rest_of(x, n))};
}

template <class V>
LOSSKIT_INLINE V exp(V x) {
  using C = Constants<typename V::scalar>;
  const auto e = reduce_exp(max(V(C::exp_underflow), min(V(C::exp_overflow), x)));
  return scale(e.expm1 + V(1), e.n);
}

/** The greater of x and a number; NaN where x is NaN. */
template <class V>
LOSSKIT_INLINE V at_least(typename V::scalar limit, V x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  if constexpr (requires { x.lo; }) {
    return {at_least(limit, x.lo), at_least(limit, x.hi)};
  } else if constexpr (sizeof x == 4) {
    float greater;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(greater) : "f"(limit), "f"(x.v));
    return greater;
  }
#endif
  return max(V(limit), x);
}

/** The half of exp_flushed that comes first: e^x = power e^rest. A loop that has come so far with the numbers
 * of its next step has them wait for less of a chain. */
template <class V>
struct HalfExp {
  V power, rest;
};

template <class V>
LOSSKIT_INLINE HalfExp<V> begin_exp_flushed(V x) {
  using T = typename V::scalar;
  using B = Bits<T>;
  using C = Constants<T>;
  // The whole number n is read off with the bias of an exponent; where that is 0 the power of two is 0, and
  // anything below is as good.
  constexpr T magic = round_magic<T> + T(B::one >> B::mantissa);
  const V bounded = at_least(C::exp_flushes, x);
  const V biased = fma(bounded, V(C::log2e), V(magic)), n = biased - V(magic);
  return {V::from_bits(bits(biased) << B::mantissa), rest_of(bounded, n)};
}

template <class V>
LOSSKIT_INLINE V end_exp_flushed(HalfExp<V> e) {
  return fma(e.power, expm1_of_rest(e.rest), e.power);
}

/** exp for x <= 0. Results below 2^-126.5 (2^-1022.5 in float64) become 0, which saves a third of the work.
 */
template <class V>
LOSSKIT_INLINE V exp_flushed(V x) {
  return end_exp_flushed(begin_exp_flushed(x));
}

template <class V>
LOSSKIT_INLINE V expm1(V x) {
  using C = Constants<typename V::scalar>;
  const auto e = reduce_exp(max(V(C::expm1_is_minus_one), min(V(C::exp_overflow), x)));
  // Half of 2^n, because 2^n itself may be too large by one step.
  const V s = power_of_two(e.n - V(1));
  const V y = fma(s, e.expm1, s - V(typename V::scalar(0.5))) * V(2);
  // Where n is 0 the result is e^r - 1 itself, and a tiny or negative zero x must come back unrounded.
  return select(e.n == V(0), select(x == V(0), x, e.expm1), y);
}

/** log(1 + r) - r, 1 + r in [sqrt(1/2), sqrt(2)]. */
template <int N>
LOSSKIT_INLINE vec<float, N> log1p_minus(vec<float, N> r) {
  const auto q = polynomial<Coefficients<float>::log1p>(r);
  return (r * r) * fma(r, q, vec<float, N>(-0.5f));
}
template <int N>
LOSSKIT_INLINE vec<double, N> log1p_minus(vec<double, N> r) {
  using V = vec<double, N>;
  // 2 atanh(s) with s = r / (2 + r), where 2 s = r - s r
  const V s = r / (r + V(2)), s2 = s * s, half_square = V(0.5) * r * r;
  return fma(s, fma(s2, polynomial<Coefficients<double>::atanh>(s2, s2 * s2), half_square), -half_square);
}

/** k ln2 + log(1 + r + rest), the rounding of the first sum caught and added back. */
template <class V>
LOSSKIT_INLINE V log_of_parts(V k, V r, V rest) {
  using C = Constants<typename V::scalar>;
  const V high = k * V(C::ln2_hi), sum = high + r, lost = (high - sum) + r;
  return sum + (lost + (rest + fma(k, V(C::ln2_lo), log1p_minus(r))));
}

/** The exponent k for which x / 2^k lies in [sqrt(1/2), sqrt(2)); x normal and positive. */
template <class V>
LOSSKIT_INLINE V log_exponent(V x) {
  using T = typename V::scalar;
  using B = Bits<T>;
  using I = typename V::ints;
  constexpr typename B::type bias = B::one >> B::mantissa;
  // Biased so that it stays positive, then read off as the low bits of a float.
  constexpr typename B::type offset = (bias + 1) << B::mantissa;
  const I k = (bits(x) + I(offset - B::sqrt_half)) >> B::mantissa;
  constexpr T step = T(typename B::type(1) << B::mantissa);
  constexpr typename B::type step_bits = (bias + B::mantissa) << B::mantissa;
  return V::from_bits(k | I(step_bits)) - V(step + T(bias + 1));
}

/** The bits that, subtracted from those of x, divide it by 2^k. */
template <class V>
LOSSKIT_INLINE typename V::ints exponent_bits(V k) {
  using T = typename V::scalar;
  return bits(k + V(round_magic<T>)) << Bits<T>::mantissa;
}

/** x = 2^k (1 + r), 1 + r in [sqrt(1/2), sqrt(2)); x positive, a denormal too. */
template <class V>
struct ReducedLog {
  V k, r;
};

template <class V>
LOSSKIT_INLINE ReducedLog<V> reduce_log(V x) {
  using T = typename V::scalar;
  using C = Constants<T>;
  constexpr T smallest = sizeof(T) == 4 ? T(0x1p-126) : T(0x1p-1022);
  const auto denormal = x < V(smallest);
  const V normal = select(denormal, x * V(C::denormal_scale), x);
  const V k = log_exponent(normal);
  const V r = V::from_bits(bits(normal) - exponent_bits(k)) - V(1);
  return {select(denormal, k - V(C::denormal_exponent), k), r};
}

/** y = log x where x is a positive number; -inf, inf or NaN where it is not. */
template <class V>
LOSSKIT_INLINE V log_or_special(V x, V y) {
  using T = typename V::scalar;
  const V special = select(x == V(0), V(-infinity<T>), V(not_a_number<T>));
  return select(x > V(0), select(x == V(infinity<T>), x, y), special);
}

template <class V>
LOSSKIT_INLINE V log(V x) {
  const auto [k, r] = reduce_log(x);
  return log_or_special(x, log_of_parts(k, r, V(0)));
}

template <class V>
LOSSKIT_INLINE V log1p(V x) {
  using T = typename V::scalar;
  const V sum = x + V(1);
  // r = (1 + x) / 2^k - 1, from x itself so that the rounding of 1 + x does no harm; in quarters, because
  // 2^-k alone may lie below the normal numbers.
  const V k = log_exponent(sum);
  const V s = power_of_two(V(2) - k);
  const V quarter = x * V(T(0.25)), rest_of_one = s * V(T(0.25)) - V(1);
  const V r = fma(quarter, s, rest_of_one);
  const V y = log_of_parts(k, r, fma(quarter, s, rest_of_one - r));
  const V special = select(sum == V(0), V(-infinity<T>), V(not_a_number<T>));
  const auto unchanged = (abs(x) < V(Constants<T>::log1p_is_identity)) | (x == V(infinity<T>));
  return select(sum > V(0), select(unchanged, x, y), special);
}

/** log1p for t in [0, 1]. */
template <int N>
LOSSKIT_INLINE vec<float, N> log1p_unit(vec<float, N> t) {
  const auto t2 = t * t;
  return fma(t2, polynomial<Coefficients<float>::log1p01>(t, t2), t);
}
template <int N>
LOSSKIT_INLINE vec<double, N> log1p_unit(vec<double, N> t) {
  return log1p(t);
}

/** (1 - t) / (1 + t) with t = e^-2|x|; beyond 0.6 as 1 - 2 t / (1 + t), where the rounding of t weighs less.
 */
template <class V>
LOSSKIT_INLINE V tanh(V x) {
  using T = typename V::scalar;
  const V a = abs(x);
  const auto e = reduce_exp(max(V(Constants<T>::expm1_is_minus_one), V(-2) * a));
  const V s = power_of_two(e.n), t = fma(s, e.expm1, s);
  const V t_minus_one = select(e.n == V(0), e.expm1, fma(s, e.expm1, s - V(1)));
  const auto far = a > V(T(0.6));
  const V q = select(far, t + t, -t_minus_one) / (V(2) + t_minus_one);
  return copysign(select(far, V(1) - q, q), x);
}

/** log(1 + e^x) */
template <class V>
LOSSKIT_INLINE V softplus(V x) {
  return max(V(0), x) + log1p_unit(exp(-abs(x)));
}

/** log1p for t in [0, e^-2], where only its part in a sum of more than 0.4 counts. */
template <int N>
LOSSKIT_INLINE vec<float, N> log1p_small(vec<float, N> t) {
  const auto t2 = t * t;
  return fma(t2, polynomial<Coefficients<float>::log1p_small>(t, t2), t);
}
template <int N>
LOSSKIT_INLINE vec<double, N> log1p_small(vec<double, N> t) {
  return t + log1p_minus(t);
}

/** log(cosh(x)), t = e^-2|x|: up to 1 as x^2 / 2 - …, beyond as |x| - ln2 + log(1 + t). */
template <class V>
LOSSKIT_INLINE V log_cosh(V x, V t) {
  using T = typename V::scalar;
  using C = Constants<T>;
  const V a = abs(x), z = x * x, z2 = z * z;
  // x^2 / 2 unrounded, inside the fma
  const V near = fma(V(T(0.5)) * x, x, z2 * polynomial<Coefficients<T>::log_cosh>(z, z2));
  const V far = (a - V(C::ln2_hi)) + (log1p_small(t) - V(C::ln2_lo));
  return select(a < V(1), near, far);
}

/** 1 / (1 + e^-x) */
template <class V>
LOSSKIT_INLINE V sigmoid(V x) {
  const V t = exp(-abs(x));
  return select(x >= V(0), V(1), t) / (V(1) + t);
}

/** The angle of the point (x, y), in (-pi, pi]. */
template <class V>
LOSSKIT_INLINE V atan2(V y, V x) {
  using T = typename V::scalar;
  using C = Constants<T>;
  const auto steep = abs(y) > abs(x), left = copysign(V(1), x) < V(0);
  // The angle from the nearer axis has a tangent of at most 1. 0 / 0 is to be 0, and inf / inf 1.
  const V shorter = select(steep, abs(x), abs(y)), longer = select(steep, abs(y), abs(x));
  const V divisor = select(longer == V(0), V(1), longer);
  const V tangent = select(shorter == divisor, V(1), shorter / divisor);
  const V q = copysign(tangent, select(steep, -x, x)), z = q * q;
  const V half_turns = select(steep, V(T(0.5)), select(left, V(1), V(0)));
  const V rest = fma(q * z, polynomial<Coefficients<T>::atan>(z, z * z), half_turns * V(C::pi_lo));
  return copysign(fma(half_turns, V(C::pi_hi), q + rest), y);
}

/** log x as a sum of two numbers, about 57 bits together; the second means nothing where the first is not
 * finite. */
template <class V>
struct LogParts {
  V high, low;
};

template <int N>
LOSSKIT_INLINE LogParts<vec<double, N>> log_parts(vec<double, N> x) {
  using V = vec<double, N>;
  using C = Constants<double>;
  const auto [k, r] = reduce_log(x);
  // 2 atanh(s) with s = r / (2 + r), and what the roundings of 2 + r and of s left
  const V d = r + V(2), d_rest = r - (d - V(2)), inverse = V(1) / d;
  const V s = r * inverse, s_rest = (fma(-s, d, r) - s * d_rest) * inverse;
  const V s2 = s * s, rest = fma(s * s2, polynomial<Coefficients<double>::atanh>(s2), s_rest + s_rest);
  const V high = k * V(C::ln2_hi), twice = s + s, sum = high + twice, lost = (high - sum) + twice;
  const V low = lost + fma(k, V(C::ln2_lo), rest), total = sum + low;
  return {log_or_special(x, total), (sum - total) + low};
}

/** x^y for x >= 0, where -0 counts as 0; for other x NaN, or 1 if y is 0. With a log in one part the error
 * would be 65 units in the last place at |y log x| = 40. */
template <int N>
LOSSKIT_INLINE vec<double, N> pow_positive(vec<double, N> x, vec<double, N> y) {
  using V = vec<double, N>;
  using C = Constants<double>;
  const auto l = log_parts(x);
  const V p = y * l.high;
  // Beyond the range of exp p may be infinite, and then this is NaN.
  const V p_rest = select(abs(p) < V(-C::exp_underflow), fma(y, l.low, fma(y, l.high, -p)), V(0));
  const auto e = reduce_exp(max(V(C::exp_underflow), min(V(C::exp_overflow), p)));
  const V power = scale(fma(p_rest, e.expm1 + V(1), e.expm1) + V(1), e.n);
  return select((y == V(0)) | (x == V(1)), V(1), power);
}
/** float64 has the digits to spare. */
template <int N>
LOSSKIT_INLINE vec<float, N> pow_positive(vec<float, N> x, vec<float, N> y) {
  const auto power = exp(widen(y) * log(widen(x)));
  return select((y == vec<float, N>(0)) | (x == vec<float, N>(1)), vec<float, N>(1), narrow(power));
}

/** Applies an elementary function to one number. */
template <class F>
LOSSKIT_INLINE double of_one(double x, F f) {
  return first_lane(f(vec<double, native_lanes<double>>(x)));
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
