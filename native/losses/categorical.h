// Losses of one class among many, as functions of one number of the row: the label's negative log-probability
// under the softmax, or the label's own score.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** -log softmax(z)_y */
struct CrossEntropy : NoParams {
  static constexpr const char* name = "crossEntropy";
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V nll, const P&) {
    return {nll, V(1)};
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
