// Losses that ask for a margin: nothing to pay beyond it.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Labels of -1 and 1, or of 0 and 1 that stand for them. */
struct SignLabels {
  static constexpr Names params = {1, {"labels"}};
  static constexpr int inputs = 2;
  template <class T>
  struct Params {
    bool are01;
    explicit Params(const double* p) : are01(p[0] != 0) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE V sign(V label, const P& p) {
    return p.are01 ? label + label - V(1) : label;
  }
  static constexpr unsigned checked = 0b10;
  template <int input, class V, class P>
  static LOSSKIT_INLINE typename V::mask outside(V label, const P& p) {
    return select(abs(sign(label, p)) == V(1), V(0), V(1)) > V(0);  // a NaN is outside
  }
};

/** max(0, 1 - t x) */
struct Hinge : SignLabels {
  static constexpr const char* name = "hinge";
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, V label, const P& p) {
    const V t = sign(label, p), gap = V(1) - t * x;
    return {max(V(0), gap), slope_above(gap, -t)};
  }
};

/** max(0, 1 - t x)^2 */
struct SquaredHinge : SignLabels {
  static constexpr const char* name = "squaredHinge";
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, V label, const P& p) {
    const V t = sign(label, p), gap = max(V(0), V(1) - t * x);
    return {gap * gap, slope_above(gap, -t * (gap + gap))};
  }
};

/** log(1 + e^z), z = -t x. What rounding took from the product is put back into the exponential, where it
 * would be multiplied by z. */
struct SoftMargin : NoParams {
  static constexpr const char* name = "softMargin";
  static constexpr int inputs = 2;
  static constexpr bool is_halved = true;
  template <class V, class P>
  static LOSSKIT_INLINE V begin(V x, V t, const P&) {
    return exp_flushed(-abs(t * x));
  }
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> end(V near, V x, V t, const P&) {
    const V z = -t * x;
    const V lost = select(abs(z) < V(typename V::scalar(1000)), fma(-t, x, -z), V(0));
    const auto positive = z >= V(0);
    const V e = fma(near, select(positive, -lost, lost), near);
    return {max(V(0), z) + log1p_unit(e), -t * (select(positive, V(1), e) / (V(1) + e))};
  }
};

/** x where the label is 1, max(0, margin - x) where it is -1, and their sum where it is neither. */
struct HingeEmbedding {
  static constexpr const char* name = "hingeEmbedding";
  static constexpr Names params = {1, {"margin"}};
  static constexpr int inputs = 2;
  static constexpr bool light = true;
  template <class T>
  struct Params {
    T margin;
    explicit Params(const double* p) : margin(static_cast<T>(p[0])) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, V label, const P& p) {
    const V gap = V(p.margin) - x, apart = slope_from(gap, V(-1));
    const auto same = label == V(1), other = label == V(-1);
    return {select(same, x, select(other, max(V(0), gap), max(V(p.margin), x))),
            select(same, V(1), select(other, apart, V(1) + apart))};
  }
};

/** max(0, margin - t (x1 - x2)) */
struct MarginRanking {
  static constexpr const char* name = "marginRanking";
  static constexpr bool large = true;
  static constexpr Names params = {1, {"margin"}};
  static constexpr int inputs = 3;
  static constexpr Gradients gradients = {2, {0, 1}};
  template <class T>
  struct Params {
    double margin;
    explicit Params(const double* p) : margin(static_cast<double>(static_cast<T>(p[0]))) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out2<V> at(V x1, V x2, V label, const P& p) {
    using W = Wide<V>;
    const W t = widen(label), gap = W(p.margin) - t * (widen(x1) - widen(x2));
    const V slope = rounded<V>(slope_from(gap, t));
    return {rounded<V>(max(W(0), gap)), -slope, slope};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
