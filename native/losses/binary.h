// Losses of a yes or no predicted as a probability or as a logit.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** -[t log p + (1 - t) log(1 - p)], logarithms no less than -100. */
struct Bce : NoParams {
  static constexpr const char* name = "bce";
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V p, V t, const P&) {
    using T = typename V::scalar;
    const V q = V(1) - p, no = V(1) - t;
    const V value = V(0) - (t * max(V(-100), log(p)) + no * max(V(-100), log1p(-p)));
    return {value, (p - t) / max(V(T(1e-12)), q * p)};
  }
  static constexpr unsigned checked = 0b11;
  template <int input, class V, class P>
  static LOSSKIT_INLINE typename V::mask outside(V x, const P&) {
    const V in = select((x >= V(0)) & (x <= V(1)), V(0), V(1));  // a NaN is outside
    return in > V(0);
  }
};

// With t = e^-|x|, every term of the value is at least 0, so nothing cancels, and the gradient of a confident
// element keeps its digits where sigmoid(x) - y would be exactly 0.

/** log(1 + e^x) - y x */
struct BceWithLogits : NoParams {
  static constexpr const char* name = "bceWithLogits";
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, V y, const P&) {
    const V a = abs(x), t = exp_flushed(-a), no = V(1) - y;
    const auto positive = x >= V(0);
    const V weight = select(positive, no, y);
    const V linear =
        select(weight == V(0), V(0), a * weight);  // an infinite logit on the right side costs nothing
    return {linear + log1p_unit(t), select(positive, no - t * y, t * no - y) / (V(1) + t)};
  }
};

/** (1 - y) log(1 + e^x) + w y log(1 + e^-x): positives weigh w times as much. */
struct BceWithLogitsPosWeight : NoParams {
  static constexpr const char* name = "bceWithLogits+posWeight";
  static constexpr int inputs = 3;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, V y, V w, const P&) {
    const V a = abs(x), t = exp_flushed(-a), no = V(1) - y, yes = w * y;
    const auto positive = x >= V(0);
    const V weight = select(positive, no, yes);
    const V linear = select(weight == V(0), V(0), a * weight);
    return {fma(no + yes, log1p_unit(t), linear), select(positive, no - t * yes, t * no - yes) / (V(1) + t)};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
