// Losses of rows with any number of right classes.
#pragma once

#include "losses/binary.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** 1 / C times the sum, over right classes j and wrong classes c, of [1 + z_c - z_j]+. At a kink the slope is
 * 0.
 */
struct MultilabelMargin : NoParams {
  static constexpr const char* name = "multilabelMargin";
  static constexpr int inputs = 2;
  static constexpr bool lists = true;  // the target lists the right classes
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V rise, const P&) {
    const V z = rise + V(1);
    const V excess = select(z <= V(0), V(0), z);  // NaN passes
    return {excess, select(z > V(0), V(1), excess)};
  }
};

/** The mean of a row's binary cross-entropies. */
struct MultilabelSoftMargin : NoParams {
  static constexpr const char* name = "multilabelSoftMargin";
  static constexpr int inputs = 2;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, V t, const P& params) {
    return at_once<BceWithLogits>(params, x, t);
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
