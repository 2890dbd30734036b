// Where an input leaves the domain of a loss: seen on the way through a block, located afterwards.
#pragma once

#include "cpu/elements/block.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class Loss>
constexpr bool has_domain = is_checked<Loss, 0>() || is_checked<Loss, 1>() || is_checked<Loss, 2>();

/** Whether a number that `load` finds in input i lies outside its domain. */
template <class Loss, int i, class T, class Load, class P>
LOSSKIT_INLINE bool leaves_domain_of(const ElementBlock<T>& b, const Load& load, const P& params) {
  if constexpr (is_checked<Loss, i>()) {
    return any(Loss::template outside<i>(load(b.inputs[i]), params));
  } else {
    return false;
  }
}

/** Whether a number that `load` finds in the inputs lies outside the domain of the loss. */
template <class Loss, class T, class Load, class P>
LOSSKIT_INLINE bool leaves_domain(const ElementBlock<T>& b, const Load& load, const P& params) {
  return leaves_domain_of<Loss, 0>(b, load, params) || leaves_domain_of<Loss, 1>(b, load, params) ||
         leaves_domain_of<Loss, 2>(b, load, params);
}

/** The first element for which `outside` holds, or n. */
template <class T, class F>
size_t first_outside(const T* x, size_t n, F outside) {
  using V = vec<T, native_lanes<T>>;
  for (size_t i = 0; i < n; i += V::lanes) {
    const size_t count = n - i < size_t(V::lanes) ? n - i : size_t(V::lanes);
    if (!any(outside(V::load(x + i, count, x[i])))) continue;
    for (size_t k = i;; ++k) {
      if (any(outside(V(x[k])))) return k;
    }
  }
  return n;
}

/** Notes the first element from `from` on of input i that lies outside its domain, if it comes before the one
 * noted. */
template <class Loss, int i, class T, class P>
void note_outside(const ElementBlock<T>& b, size_t from, uint64_t at, const P& params, size_t& first,
                  Fault& fault) {
  if constexpr (is_checked<Loss, i>()) {
    const T* const x = static_cast<const T*>(b.inputs[i]);
    const auto outside = [&params](auto v) LOSSKIT_LAMBDA { return Loss::template outside<i>(v, params); };
    const size_t k = from + first_outside(x + from, first - from, outside);
    if (k == first) return;
    first = k;
    fault = {Status::domain, i, at + k, static_cast<double>(x[k])};
  }
}

/** Whether all of a block from `from` on lies in the domain of the loss; if not, says where it does not. */
template <class Loss, class T, class P>
bool is_inside(const ElementBlock<T>& b, size_t from, uint64_t at, const P& params, Fault& fault) {
  size_t first = b.n;
  note_outside<Loss, 0>(b, from, at, params, first, fault);
  note_outside<Loss, 1>(b, from, at, params, first, fault);
  note_outside<Loss, 2>(b, from, at, params, first, fault);
  return first == b.n;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
