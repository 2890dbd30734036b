// The values and gradients of a block.
#pragma once

#include "cpu/elements/domain.h"
#include "sum/guess.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Asks for what later steps read. */
template <class Loss, Dtype stored, class T>
LOSSKIT_INLINE void fetch_inputs_ahead(const ElementBlock<T>& b, size_t i, size_t n) {
  constexpr size_t bytes = kDtypeBytes[static_cast<int>(stored)];
  for (int k = 0; k < Loss::inputs; ++k) {
    fetch_ahead(static_cast<const char*>(b.inputs[k]) + i * bytes, n * bytes);
  }
}

/** Gives the range of the values. Stops before the step in which an input leaves its domain, and puts its
 * place into `inside`. With a guess, for which a block has to be whole, deposits the values on the way, and
 * says in `moved` what the windows of the guess will have moved with them. */
template <class Loss, class V, Wanted wanted, bool weighted, Dtype stored, class T, class P, class Guessed>
LOSSKIT_INLINE Range<V> compute_block(const ElementBlock<T>& b, const P& params, size_t& inside,
                                      const Guessed& guess, Moved<V>* moved_out) {
  using Type = Stored<stored, V>;
  constexpr size_t w = V::lanes;
  constexpr bool has_second = gradients_of<Loss>().count == 2;
  const V scale = V(b.scale);
  const bool fetches = native_lanes<T> != 1 && b.fetches;
  Range<V> range;
  const auto start = guess.start();
  // Loads and stores are given where the block's arrays begin.
  const auto step = [&](size_t i, auto out, auto factor, auto store, auto write, auto& sum) LOSSKIT_LAMBDA {
    if constexpr (weighted) {
      const V of_grad = factor(b.grad_factor);
      out.value = out.value * factor(b.value_factor);
      out.grad = out.grad * of_grad;
      if constexpr (has_second) out.second = out.second * of_grad;
    }
    if constexpr (wanted != kGrad) {
      store(out.value, b.values + i);
      range.note(out.value);
      if constexpr (Guessed::adds) sum.deposit(out.value);
    }
    if constexpr (wanted != kValue) {
      write(out.grad * scale, b.grads[0]);
      if constexpr (has_second) write(out.second * scale, b.grads[1]);
    }
  };
  const auto whole = [&](size_t i, auto out, auto write, auto& sum) LOSSKIT_LAMBDA {
    step(
        i, out, [i](const T* p) LOSSKIT_LAMBDA { return V::load(p + i); },
        [](V v, T* p) LOSSKIT_LAMBDA { v.store(p); },
        [i, write](V v, void* p) LOSSKIT_LAMBDA { write(v, p, i); }, sum);
  };
  const auto load_from = [](size_t i) LOSSKIT_LAMBDA {
    return [i](const void* p) LOSSKIT_LAMBDA { return Type::load(p, i); };
  };
  size_t i = 0;
  const auto all_whole = [&](auto write) LOSSKIT_LAMBDA {
    Moved<V> moved;
    if constexpr (Guessed::adds) moved = guess.moved;
    while (i + w <= b.n) {
      const size_t end = Guessed::adds ? i + kNarrowDepth * w : b.n;
      auto windows = start;  // made here and handed on: GCC leaves captured ones in memory
      auto begun = begin_step<Loss, V>(b, load_from(i), params);
      for (; i + w <= end; i += w) {
        const auto load = load_from(i);
        if (has_domain<Loss> && leaves_domain<Loss>(b, load, params)) return false;
        if (fetches) fetch_inputs_ahead<Loss, stored>(b, i, w);
        const auto next = begin_step<Loss, V>(b, load_from(i + 2 * w <= end ? i + w : i), params);
        whole(i, end_step<Loss, V>(begun, b, load, params), write, windows);
        begun = next;
      }
      if constexpr (Guessed::adds) windows.note(start, moved.of);
    }
    if constexpr (Guessed::adds) *moved_out = moved;
    return true;
  };
  const bool streams = wanted != kValue && stored == dtype_of<T> && b.stream;
  const bool all_inside =
      streams ? all_whole([](V v, void* p, size_t at) LOSSKIT_LAMBDA { v.stream(static_cast<T*>(p) + at); })
              : all_whole(Type::store);
  if (!all_inside) {
    inside = i;
    return range;
  }
  if constexpr (stored == dtype_of<T> && !Guessed::adds) {
    if (i < b.n) {
      const size_t n = b.n - i;
      const Range<V> before = range;
      const auto load_alike = [i, n](const void* p) LOSSKIT_LAMBDA {
        const T* const x = static_cast<const T*>(p) + i;
        return V::load(x, n, *x);
      };
      if (has_domain<Loss> && leaves_domain<Loss>(b, load_alike, params)) {
        inside = i;
        return before;
      }
      const auto load_some_of = [i, n](const void* p)
                                    LOSSKIT_LAMBDA { return V::load(static_cast<const T*>(p) + i, n, T(0)); };
      step(
          i, whole_step<Loss>(b, load_some_of, params), load_some_of,
          [n](V v, T* p) LOSSKIT_LAMBDA { v.store(p, n); },
          [i, n](V v, void* p) LOSSKIT_LAMBDA { v.store(static_cast<T*>(p) + i, n); }, start);
      range = before;  // of lanes beyond the end nothing is to be seen
      if constexpr (wanted != kGrad) range.note(V::load(b.values + i, n, T(0)));
    }
  }
  return range;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
