// Losses of one class among many, as functions of how far wrong classes rise above the right one. At a kink
// the slope is 0.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** w_y / C times the sum, over the wrong classes c, of [margin + z_c - z_y]+ ^ p, p being 1 or 2. */
struct MultiMargin {
  static constexpr const char* name = "multiMargin";
  static constexpr Names params = {2, {"p", "margin"}};
  static constexpr int inputs = 2;
  static constexpr bool mean_by_rows = true;  // weighted or not
  template <class T>
  struct Params {
    bool linear;
    T margin;
    explicit Params(const double* p) : linear(p[0] == 1), margin(static_cast<T>(p[1])) {}
  };
  /** Of z_c - z_y, for one wrong class. */
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V rise, const P& given) {
    const V z = rise + V(given.margin);
    const auto clear = z <= V(0);
    const V excess = select(clear, V(0), z);  // NaN passes
    if (given.linear) return {excess, select(z > V(0), V(1), excess)};
    return {excess * excess, excess + excess};
  }
};

/** [1 + max z_c - z_y]+, over the wrong classes c. */
struct MulticlassHinge : NoParams {
  static constexpr const char* name = "multiclassHinge";
  static constexpr int inputs = 2;
  static constexpr bool mean_by_rows = true;
  static constexpr bool of_greatest = true;  // of the greatest z_c alone
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V rise, const P&) {
    const V z = rise + V(1);
    const V excess = select(z <= V(0), V(0), z);
    return {excess, select(z > V(0), V(1), excess)};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
