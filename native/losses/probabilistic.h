// Losses that are the negative logarithm of a likelihood, or a divergence. Their terms cancel, so they are
// computed in doubles.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr double kLog2Pi = 0x1.d67f1c864beb5p+0;

/** e^x - t x, or x - t log(x + eps) of the rate itself; `full` adds Stirling's log t! for t > 1. */
struct PoissonNll {
  static constexpr const char* name = "poissonNll";
  static constexpr bool large = true;
  static constexpr Names params = {3, {"logInput", "full", "eps"}};
  static constexpr int inputs = 2;
  template <class T>
  struct Params {
    bool log_input, full;
    double eps;
    explicit Params(const double* p) : log_input(p[0] != 0), full(p[1] != 0), eps(p[2]) {}
  };
  static constexpr bool is_halved = true;
  template <class V, class P>
  static LOSSKIT_INLINE Wide<V> begin(V pred, V, const P& p) {
    const Wide<V> x = widen(pred);
    return p.log_input ? exp(x) : log(x + Wide<V>(p.eps));
  }
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> end(Wide<V> begun, V pred, V target, const P& p) {
    using W = Wide<V>;
    const W x = widen(pred), t = widen(target), none = W(0);
    W value, grad;
    if (p.log_input) {
      const W rate = begun, inf = W(infinity<double>);
      // No events leave the rate alone, even where its logarithm is infinite; nothing makes up for an
      // infinite rate.
      const W gain = select((t == none) & (abs(x) == inf), none, t * x);
      value = select(rate == inf, inf, rate - gain);
      grad = rate - t;
    } else {
      const W rate = x + W(p.eps);
      const auto nothing = (t == none) & (rate == none);
      value = x - select(nothing, none, t * begun);
      grad = W(1) - select(nothing, none, t / rate);
    }
    if (p.full) {
      const W log_t = log(t), stirling = fma(t, log_t - W(1), W(0.5) * (log_t + W(kLog2Pi)));
      value = value + select(t > W(1), stirling, none);
    }
    return {rounded<V>(value), rounded<V>(grad)};
  }
};

/** (log v + d^2 / v) / 2 with v = max(variance, eps), through which the gradient flows all the same; `full`
 * adds log(2 pi) / 2. */
struct GaussianNll {
  static constexpr const char* name = "gaussianNll";
  static constexpr bool large = true;
  static constexpr Names params = {2, {"full", "eps"}};
  static constexpr int inputs = 3;
  static constexpr Gradients gradients = {2, {0, 2}};
  template <class T>
  struct Params {
    double constant, eps;
    explicit Params(const double* p) : constant(p[0] != 0 ? kLog2Pi : 0), eps(p[1]) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out2<V> at(V mean, V target, V variance, const P& p) {
    using W = Wide<V>;
    const W d = widen(mean) - widen(target), v = max(W(p.eps), widen(variance)), half = W(0.5);
    const W inverse = W(1) / v, slope = d * inverse;
    return {rounded<V>(half * ((log(v) + d * slope) + W(p.constant))), rounded<V>(slope),
            rounded<V>(half * fma(-slope, slope, inverse))};
  }
  static constexpr unsigned checked = 0b100;
  template <int input, class V, class P>
  static LOSSKIT_INLINE typename V::mask outside(V variance, const P&) {
    return variance < V(0);
  }
};

/** t (log t - x), or e^t (t - x) of logarithms; 0 where the target has no mass. */
struct KlDiv {
  static constexpr const char* name = "klDiv";
  static constexpr bool large = true;
  static constexpr Names params = {1, {"logTarget"}};
  static constexpr int inputs = 2;
  template <class T>
  struct Params {
    bool log_target;
    explicit Params(const double* p) : log_target(p[0] != 0) {}
  };
  static constexpr bool is_halved = true;
  template <class V, class P>
  static LOSSKIT_INLINE HalfLog<V> begin(V, V target, const P& p) {
    if (p.log_target) return {V(0), exp(widen(target)), false};
    return begin_wide_log(target);
  }
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> end(const HalfLog<V>& half, V pred, V target, const P& p) {
    using W = Wide<V>;
    const W x = widen(pred), t = widen(target), none = W(0);
    // Without mass only a NaN counts.
    if (p.log_target) {
      const W mass = half.s;
      const W gap = select(mass == none, select(abs(x) == W(infinity<double>), none, x), t - x);
      return {rounded<V>(fma(mass, gap, none)), rounded<V>(-mass)};
    }
    const V value = rounded<V>(t * (end_wide_log(half, target) - x)),
            nothing = select(pred == pred, V(0), pred);
    return {select(target == V(0), nothing, value), -target};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
