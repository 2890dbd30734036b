// Losses of a number predicted as a number.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

struct Mse : NoParams {
  static constexpr const char* name = "mse";
  static constexpr int inputs = 2;
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P&) {
    const V d = pred - target;
    return {d * d, d + d};
  }
};

/** Target minus prediction. */
struct Mbe : NoParams {
  static constexpr const char* name = "mbe";
  static constexpr int inputs = 2;
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P&) {
    return {target - pred, V(-1)};
  }
};

struct Mae : NoParams {
  static constexpr const char* name = "mae";
  static constexpr int inputs = 2;
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P&) {
    const V d = pred - target;
    return {abs(d), select(abs(d) > V(0), copysign(V(1), d), d)};  // 0 at the kink; NaN passes
  }
};

struct Huber {
  static constexpr const char* name = "huber";
  static constexpr Names params = {1, {"delta"}};
  static constexpr int inputs = 2;
  static constexpr bool light = true;
  template <class T>
  struct Params {
    T delta;
    explicit Params(const double* p) : delta(static_cast<T>(p[0])) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P& p) {
    const V d = pred - target, a = abs(d), delta = V(p.delta), half = V(typename V::scalar(0.5));
    const auto outer = a >= delta;
    return {select(outer, delta * (a - half * delta), half * d * d), select(outer, copysign(delta, d), d)};
  }
};

/** Huber / beta, and so a line of slope 1 beyond; with beta = 0 lines only. */
struct SmoothL1 {
  static constexpr const char* name = "smoothL1";
  static constexpr bool large = true;
  static constexpr Names params = {1, {"beta"}};
  static constexpr int inputs = 2;
  template <class T>
  struct Params {
    double beta, inverse;
    // Below the normal numbers there is no inverse, and hardly a parabola.
    explicit Params(const double* p) : beta(p[0] < 0x1p-1022 ? 0 : p[0]), inverse(beta == 0 ? 0 : 1 / beta) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P& p) {
    using W = Wide<V>;
    const W d = widen(pred) - widen(target), a = abs(d), slope = d * W(p.inverse), half = W(0.5);
    const auto outer = a >= W(p.beta);
    const W sign = select(a > W(0), copysign(W(1), d), d);
    return {rounded<V>(select(outer, a - half * W(p.beta), half * d * slope)),
            rounded<V>(select(outer, sign, slope))};
  }
};

/** log cosh d. A rounding of d counts up to twice in it, so it is put back, times about tanh d. */
struct LogCosh : NoParams {
  static constexpr const char* name = "logCosh";
  static constexpr bool large = true;
  static constexpr int inputs = 2;
  static constexpr bool is_halved = true;
  template <class V, class P>
  static LOSSKIT_INLINE V begin(V pred, V target, const P&) {
    return exp_flushed(V(-2) * abs(pred - target));
  }
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> end(V t, V pred, V target, const P&) {
    const V d = pred - target, one = V(1);
    const V lost = select(abs(d) < V(1000), lost_in_difference(pred, target, d), V(0));
    return {fma(lost, max(-one, min(one, d)), log_cosh(d, t)), tanh(d)};
  }
};

/** 100 |d| / max(|target|, 1e-7): in percent. */
struct Mape : NoParams {
  static constexpr const char* name = "mape";
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P&) {
    using T = typename V::scalar;
    const V d = pred - target, a = abs(d);
    const V percent = V(T(100)) / max(V(T(1e-7)), abs(target));
    return {a * percent, select(a > V(0), copysign(percent, d), d)};
  }
};

/** (log(1 + x) - log(1 + t))^2, both from 1e-7 on. The difference is one logarithm of 1 + a quotient that is
 * not negative, so it does not cancel. */
struct Msle : NoParams {
  static constexpr const char* name = "msle";
  static constexpr bool large = true;
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P&) {
    using W = Wide<V>;
    const W least = W(1e-7), raw = widen(pred), x = max(least, raw), t = max(least, widen(target));
    const W d = x - t, size = log1p(abs(d) / (W(1) + min(x, t)));
    const W slope = copysign(size + size, d) / (W(1) + x);
    return {rounded<V>(size * size), rounded<V>(select(raw <= least, W(0), slope))};
  }
};

/** tau d below the target, (1 - tau) d above it. */
struct Quantile {
  static constexpr const char* name = "quantile";
  static constexpr Names params = {1, {"tau"}};
  static constexpr int inputs = 2;
  static constexpr bool light = true;
  template <class T>
  struct Params {
    T below, above;
    explicit Params(const double* p) : below(static_cast<T>(p[0])), above(static_cast<T>(1 - p[0])) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P& p) {
    const V d = pred - target;
    const auto below = d < V(0);
    return {abs(d) * select(below, V(p.below), V(p.above)),
            select(below, V(-p.below), select(d > V(0), V(p.above), d))};  // 0 at the kink; NaN passes
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
