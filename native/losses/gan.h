// Losses of one score: what a discriminator gives real or generated samples, and what its judgement means to
// the generator. The name says whose loss it is and of which samples.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** log(1 + e^z) and its slope. */
template <class V>
LOSSKIT_INLINE Out<V> softplus_and_slope(V z) {
  const V e = exp_flushed(-abs(z));
  return {max(V(0), z) + log1p_unit(e), select(z >= V(0), V(1), e) / (V(1) + e)};
}

/** Scores are logits, or probabilities. */
struct GanScores {
  static constexpr Names params = {1, {"inputs"}};
  static constexpr int inputs = 1;
  template <class T>
  struct Params {
    bool are_probabilities;
    explicit Params(const double* p) : are_probabilities(p[0] != 0) {}
  };
  static constexpr unsigned checked = 0b1;
  template <int input, class V, class P>
  static LOSSKIT_INLINE typename V::mask outside(V x, const P& p) {
    const V in = p.are_probabilities ? select((x >= V(0)) & (x <= V(1)), V(0), V(1)) : V(0);
    return in > V(0);  // a NaN is no probability
  }
};

/** -log D: of real samples, and of the generator that does not saturate. Probabilities as in bce. */
struct MinimaxGanReal : GanScores {
  static constexpr const char* name = "minimaxGan.real";
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P& p) {
    using T = typename V::scalar;
    if (p.are_probabilities) {
      const V miss = V(1) - x;
      return {-max(V(T(-100)), log(x)), -miss / max(V(T(1e-12)), miss * x)};
    }
    const Out<V> out = softplus_and_slope(-x);
    return {out.value, -out.grad};
  }
};

/** -log(1 - D): of generated samples. */
struct MinimaxGanFake : GanScores {
  static constexpr const char* name = "minimaxGan.fake";
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P& p) {
    using T = typename V::scalar;
    if (p.are_probabilities) {
      return {-max(V(T(-100)), log1p(-x)), x / max(V(T(1e-12)), (V(1) - x) * x)};
    }
    return softplus_and_slope(x);
  }
};

/** log(1 - D): of the generator that plays the same game, and saturates. */
struct MinimaxGanGenerator : GanScores {
  static constexpr const char* name = "minimaxGan.generator";
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P& p) {
    const Out<V> out = MinimaxGanFake::at(x, p);
    return {-out.value, -out.grad};
  }
};

/** (x - a)^2 / 2, with a the score that the samples should have. */
struct LeastSquares {
  static constexpr int inputs = 1;
  static constexpr bool light = true;
  template <class T>
  struct Params {
    T aim;
    explicit Params(const double* p) : aim(static_cast<T>(p[0])) {}
  };
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P& p) {
    const V d = x - V(p.aim);
    return {V(typename V::scalar(0.5)) * d * d, d};
  }
};

struct LsGanReal : LeastSquares {
  static constexpr const char* name = "lsGan.real";
  static constexpr Names params = {1, {"real"}};
};

struct LsGanFake : LeastSquares {
  static constexpr const char* name = "lsGan.fake";
  static constexpr Names params = {1, {"fake"}};
};

struct LsGanGenerator : LeastSquares {
  static constexpr const char* name = "lsGan.generator";
  static constexpr Names params = {1, {"target"}};
};

/** max(0, 1 - x) */
struct HingeGanReal : NoParams {
  static constexpr const char* name = "hingeGan.real";
  static constexpr int inputs = 1;
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P&) {
    const V gap = V(1) - x;
    return {max(V(0), gap), slope_above(gap, V(-1))};
  }
};

/** max(0, 1 + x) */
struct HingeGanFake : NoParams {
  static constexpr const char* name = "hingeGan.fake";
  static constexpr int inputs = 1;
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P&) {
    const V gap = V(1) + x;
    return {max(V(0), gap), slope_above(gap, V(1))};
  }
};

/** -x: of real samples, and of the generator. */
struct WassersteinGanReal : NoParams {
  static constexpr const char* name = "wassersteinGan.real";
  static constexpr int inputs = 1;
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P&) {
    return {V(0) - x, V(-1)};
  }
};

/** x: of generated samples. */
struct WassersteinGanFake : NoParams {
  static constexpr const char* name = "wassersteinGan.fake";
  static constexpr int inputs = 1;
  static constexpr bool light = true;
  template <class V, class P>
  static LOSSKIT_INLINE Out<V> at(V x, const P&) {
    return {x, V(1)};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
