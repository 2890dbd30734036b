// Losses of a number predicted as a number.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

struct Mse : NoParams {
  static constexpr const char* name = "mse";
  static constexpr int inputs = 2;
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
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V pred, V target, const P&) {
    return {target - pred, V(-1)};
  }
};

struct Mae : NoParams {
  static constexpr const char* name = "mae";
  static constexpr int inputs = 2;
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

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
