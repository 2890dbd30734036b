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
  static constexpr bool is_halved = true;
  template <class V, class P>
  static LOSSKIT_INLINE V begin(V x, V, const P&) {
    return exp_flushed(-abs(x));
  }
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> end(V t, V x, V y, const P&) {
    const V a = abs(x), no = V(1) - y;
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
  static constexpr bool is_halved = true;
  template <class V, class P>
  static LOSSKIT_INLINE V begin(V x, V, V, const P&) {
    return exp_flushed(-abs(x));
  }
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> end(V t, V x, V y, V w, const P&) {
    const V a = abs(x), no = V(1) - y, yes = w * y;
    const auto positive = x >= V(0);
    const V weight = select(positive, no, yes);
    const V linear = select(weight == V(0), V(0), a * weight);
    return {fma(no + yes, log1p_unit(t), linear), select(positive, no - t * yes, t * no - yes) / (V(1) + t)};
  }
};

/** a_t u^gamma BCE(x, t) with u = p + t - 2 p t, the probability of being wrong, and a_t = alpha t + (1 -
 * alpha)(1 - t), or 1 where alpha is negative. In doubles, for a power multiplies errors. */
struct SigmoidFocal {
  static constexpr const char* name = "sigmoidFocal";
  static constexpr bool large = true;
  static constexpr bool lone = true;
  static constexpr Names params = {2, {"alpha", "gamma"}};
  static constexpr int inputs = 2;
  template <class T>
  struct Params {
    double positive, negative, gamma;
    explicit Params(const double* p)
        : positive(p[0] < 0 ? 1 : p[0]), negative(p[0] < 0 ? 1 : 1 - p[0]), gamma(p[1]) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Wide<V> focus(Wide<V> u, const P& p) {
    if (p.gamma == 2) return u * u;
    if (p.gamma == 1) return u;
    if (p.gamma == 0) return Wide<V>(1);
    if (p.gamma == 0.5) return sqrt(u);
    const Wide<V> gamma(p.gamma);
    if constexpr (sizeof(typename V::scalar) == 8) return pow_positive(u, gamma);
    return exp(gamma * log(u));  // with digits to spare
  }
  static constexpr bool is_halved = true;
  template <class V, class P>
  static LOSSKIT_INLINE Wide<V> begin(V logit, V, const P&) {
    return wide_exp_flushed(-abs(logit));
  }
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> end(Wide<V> e, V logit, V target, const P& p) {
    using W = Wide<V>;
    const W x = widen(logit), t = widen(target), no = W(1) - t, a = abs(x);
    const auto positive = x >= W(0);
    const W wrong = select(positive, no, t), right = select(positive, t, no);
    const W over = W(1) / (W(1) + e), weight = fma(e, right, wrong), u = weight * over;
    const W linear = select(wrong == W(0), W(0), a * wrong);  // an infinite logit on the right side
    const W power = focus<V>(u, p) * fma(W(p.positive), t, W(p.negative) * no);

    // d u / d x over u is (1 - 2t) p (1 - p) / u, where nothing is raised to gamma - 1. Beyond a of 1000 it
    // is 0, also times an infinite loss.
    const W ratio = select(weight == W(0), W(0), e * over / weight);
    const W soft = wide_log1p_unit<typename V::scalar>(e);
    const W loss = select(linear > W(1000), W(1000), linear) + soft;
    const W error = select(positive, fma(-e, right, wrong), fma(e, right, -wrong)) * over;
    const W grad = fma(W(p.gamma) * (no - t), ratio * loss, error);
    return {rounded<V>(power * (linear + soft)), rounded<V>(power * grad)};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
