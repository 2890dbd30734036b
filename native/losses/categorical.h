// Losses of one class among many, as functions of one number of the row: the label's negative log-probability
// under the softmax, or the label's own score.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** -log softmax(z)_y */
struct CrossEntropy : NoParams {
  static constexpr bool distributions = true;
  static constexpr const char* name = "crossEntropy";
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V nll, const P&) {
    return {nll, V(1)};
  }
};

/** -alpha (1 - p)^gamma log p, p the softmax at the label. */
struct SoftmaxFocal {
  static constexpr const char* name = "softmaxFocal";
  static constexpr Names params = {2, {"alpha", "gamma"}};
  static constexpr int inputs = 2;
  template <class T>
  struct Params {
    T alpha, gamma;
    explicit Params(const double* p) : alpha(static_cast<T>(p[0])), gamma(static_cast<T>(p[1])) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V nll, const P& given) {
    const V alpha(given.alpha), gamma(given.gamma);
    const V q = V(0) - expm1(-nll), p = V(1) - q;
    const V focus = alpha * pow_positive(q, gamma);
    // The derivative of q^gamma as q^gamma (gamma p / q): nll / q stays finite where q is 0, q^(gamma - 1)
    // not.
    const V ratio = select(q == V(0), V(1), select(p == V(0), V(0), p * nll) / q);
    return {focus * nll, fma(focus * gamma, ratio, focus)};
  }
};

/** -log p + epsilon (1 - p), p the softmax at the label. */
struct Poly1 {
  static constexpr const char* name = "poly1";
  static constexpr Names params = {1, {"epsilon"}};
  static constexpr int inputs = 2;
  template <class T>
  struct Params {
    T epsilon;
    explicit Params(const double* p) : epsilon(static_cast<T>(p[0])) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V nll, const P& given) {
    const V epsilon(given.epsilon), q = V(0) - expm1(-nll);
    return {fma(epsilon, q, nll), fma(epsilon, V(1) - q, V(1))};
  }
};

/** -log p_y, of a row of log-probabilities. */
struct Nll : NoParams {
  static constexpr const char* name = "nll";
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V log_probability, const P&) {
    return {V(0) - log_probability, V(-1)};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
