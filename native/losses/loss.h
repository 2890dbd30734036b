// What a loss looks like to a driver.
//
// A loss over elements is a struct with
//
//   name, params   what the catalogue shows
//   inputs         1 to 3
//   gradients      the inputs that have one; the first alone if it does not say
//   Params<T>      its numbers, made from those of the call
//   at             the formula: value and derivatives; an unused half is dropped
//   is_halved      is there if the formula is one long chain: then it comes in two halves in place of `at`,
//   begin, end     of which `end` first takes what `begin` gave. A loop begins the numbers of its next step
//                  while it ends these.
//   lone           is there if a step is of one vector, not of two
//   light          is there if the formula leaves registers for the sum, which then is added in the same pass
//   large          is there if the formula takes more registers of a GPU than most, as doubles do
//   checked        a bit for each input that has a domain, and
//   outside<i>     where input i leaves it; only losses that have one
//
// A loss over rows of class scores has name, params, Params<T> and at, a function of one number of the row.
// Other drivers say at their heads what their losses are.
#pragma once

#include "simd/wide_math.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class V>
struct Out {
  V value, grad;
};

/** Of a loss with two gradients. */
template <class V>
struct Out2 {
  V value, grad, second;
};

/** Twice the digits of a float: for losses whose terms cancel, or that take many steps. Sums and products of
 * two floats lose next to nothing there. */
template <class V>
using Wide = vec<double, V::lanes>;

/** A wide result, rounded to the type of the loss. */
template <class V>
LOSSKIT_INLINE V rounded(Wide<V> x) {
  if constexpr (sizeof(typename V::scalar) == 4) {
    return narrow(x);
  } else {
    return x;
  }
}

template <class T>
LOSSKIT_INLINE vec<T, 16> narrow_to(vec<double, 16> x) {
  return rounded<vec<T, 16>>(x);
}

/** What rounding took from d = a - b, where d is finite. */
template <class V>
LOSSKIT_INLINE V lost_in_difference(V a, V b, V d) {
  const V of_b = a - d;
  return (a - (d + of_b)) + (of_b - b);
}

/** The slope of a corner at `x` = 0: `above` beyond it, 0 before it and on it; a NaN passes. */
template <class V>
LOSSKIT_INLINE V slope_above(V x, V above) {
  return select(x > V(0), above, select(x <= V(0), V(0), x));
}

/** The same, but already `above` on the corner: what PyTorch's clamp_min does. */
template <class V>
LOSSKIT_INLINE V slope_from(V x, V from) {
  return select(x >= V(0), from, select(x < V(0), V(0), x));
}

struct Names {
  int count;
  const char* name[4];
};

/** Positions of the inputs that have a gradient. */
struct Gradients {
  int count;
  int of[3];
};

struct NoParams {
  static constexpr Names params = {0, {}};
  template <class T>
  struct Params {
    explicit Params(const double*) {}
  };
};

template <class L>
constexpr Gradients gradients_of() {
  if constexpr (requires { L::gradients; }) {
    return L::gradients;
  } else {
    return {1, {0}};
  }
}

/** A position among the inputs, as a type. */
template <int i>
struct Index {
  static constexpr int value = i;
};

/** Whether input i of a loss has a domain. */
template <class L, int i>
constexpr bool is_checked() {
  if constexpr (requires { L::checked; }) {
    return ((L::checked >> i) & 1) != 0;
  } else {
    return false;
  }
}

/** The derivative of min(a, b) by a: 1 where a is less, 1/2 at a tie. */
template <class V>
LOSSKIT_INLINE V share_less(V a, V b) {
  return select(a < b, V(1), select(a == b, V(typename V::scalar(0.5)), V(0)));
}

/** Whether the formula of a loss comes in two halves. */
template <class L>
constexpr bool is_halved = requires {
  L::is_halved;
};

/** The formula of a loss at once, halved or not. */
template <class L, class P, class... V>
LOSSKIT_INLINE auto at_once(const P& params, V... inputs) {
  if constexpr (is_halved<L>) {
    return L::end(L::begin(inputs..., params), inputs..., params);
  } else {
    return L::at(inputs..., params);
  }
}

template <class... L>
struct List {
  static constexpr int size = sizeof...(L);
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
