// The driver of losses over elements: up to three inputs of N numbers, weights.
//
// It walks the batch in blocks of 2048 elements, which with their values and gradients stay in the
// first-level cache: load, loss, weight, store, sum. Whole blocks of half types are widened in registers,
// other types a block at a time.
#pragma once

#include "cpu/elements/brief.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Weights for the values; weights times incoming gradient for the gradients; ones where there are none. */
template <class T>
void read_factors(const Call& c, uint64_t at, size_t n, T* value_scratch, T* grad_scratch,
                  ElementBlock<T>& b) {
  if (c.weight.data != nullptr) {
    b.value_factor = read_block(c.weight, at, n, value_scratch);
  } else {
    for (size_t i = 0; i < n; ++i) value_scratch[i] = T(1);
    b.value_factor = value_scratch;
  }
  b.grad_factor = b.value_factor;
  if (c.upstream.data != nullptr) {
    const T* incoming = read_block(c.upstream, at, n, grad_scratch);
    for (size_t i = 0; i < n; ++i) grad_scratch[i] = incoming[i] * b.value_factor[i];
    b.grad_factor = grad_scratch;
  }
}

/** The half type in which all inputs and gradients of a call are stored; absent if there is none. */
LOSSKIT_INLINE Dtype stored_half(const Call& c, int inputs, int grads) {
  const Dtype first = c.inputs[0].dtype;
  bool same = first == Dtype::float16 || first == Dtype::bfloat16;
  for (int i = 0; i < inputs; ++i) same &= c.inputs[i].dtype == first && c.inputs[i].size >= c.rows;
  for (int i = 0; i < grads; ++i) same &= c.grads[i].dtype == first;
  return same ? first : Dtype::absent;
}

/** Whether the sum of a loss is added while it is computed, where that pays. */
template <class Loss, class T, Wanted wanted>
constexpr bool can_guess = is_light<Loss> && sizeof(T) == 4 && native_lanes<T> != 1 && wanted != kGrad;

/** Whether whole blocks of half types are widened in registers. */
template <class Loss, class T>
constexpr bool widens_in_registers = sizeof(T) == 4 && !has_domain<Loss>;

/** A block of numbers stored as `half`, or as they are computed if that is absent. */
template <class Loss, Wanted wanted, class T, class P, class Guessed>
LOSSKIT_INLINE auto compute(Dtype half, bool weighted, const ElementBlock<T>& b, const P& params,
                            size_t& inside, const Guessed& guess, Moved<Step<Loss, T>>* moved) {
  using V = Step<Loss, T>;
  if constexpr (widens_in_registers<Loss, T>) {
    if (half == Dtype::float16) {
      return compute_block<Loss, V, wanted, false, Dtype::float16>(b, params, inside, guess, moved);
    }
    if (half == Dtype::bfloat16) {
      return compute_block<Loss, V, wanted, false, Dtype::bfloat16>(b, params, inside, guess, moved);
    }
  }
  if constexpr (!Guessed::adds) {
    if (weighted) return compute_block<Loss, V, wanted, true, dtype_of<T>>(b, params, inside, guess, moved);
  }
  return compute_block<Loss, V, wanted, false, dtype_of<T>>(b, params, inside, guess, moved);
}

/** How many elements come before those from which on a load, or a store past the caches, crosses no cache
 * line: of the gradient if it is streamed, else of the first input. Other inputs mostly lie alike. */
template <class T>
LOSSKIT_INLINE uint64_t lead_of(const Call& c, bool stream) {
  if (stream) return to_cache_line(static_cast<const T*>(c.grads[0].data));
  const Tensor& input = c.inputs[0];
  if (native_lanes<T> == 1 || c.rows < 4 * kBlock || input.size < c.rows) return 0;
  if (input.dtype == dtype_of<T>) return to_cache_line(static_cast<const T*>(input.data));
  const bool is_half = input.dtype == Dtype::float16 || input.dtype == Dtype::bfloat16;
  return is_half ? to_cache_line(static_cast<const uint16_t*>(input.data)) : 0;
}

/** With guesses: a call from memory that has a sum and no weights. */
template <class Loss, class T, Wanted wanted, bool guesses>
void walk_elements(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums) {
  constexpr int grads = wanted == kValue ? 0 : gradients_of<Loss>().count;
  using V = Step<Loss, T>;
  constexpr bool can_zip = wanted != kGrad && is_unzipped<Dtype::bfloat16, V>;
  alignas(64) T values[kBlock], rounded[grads == 0 ? 1 : grads][kBlock], widened[Loss::inputs][kBlock],
      weights[kBlock], incoming[kBlock];
  const typename Loss::template Params<T> params(c.params);
  const bool weighted = c.weight.data != nullptr || c.upstream.data != nullptr;
  const Dtype stored = weighted ? Dtype::absent : stored_half(c, Loss::inputs, grads);
  // Two gradients rarely reach a cache line at the same element.
  const bool stream = c.stream && grads == 1 && c.grads[0].dtype == dtype_of<T>;
  Guess<V> guess;
  if constexpr (guesses) {
    guess.made = sums.guess.made;
    guess.top = sums.guess.top;
    settle(guess, sums.total);
  }
  // A share of the batch begins and ends that much later, except at the ends of the batch.
  const uint64_t lead = lead_of<T>(c, stream);
  const auto moved_by_lead = [&](uint64_t at) { return at == 0 || c.rows - at < lead ? at : at + lead; };
  begin = moved_by_lead(begin), end = moved_by_lead(end);
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kBlock ? static_cast<size_t>(end - at) : kBlock;
    if (at == 0 && lead != 0 && lead < n) n = static_cast<size_t>(lead);
    T* grad[2] = {};
    for (int i = 0; i < grads; ++i) grad[i] = output_block(c.grads[i], at, rounded[i]);
    ElementBlock<T> b{};
    b.stream = stream && to_cache_line(grad[0]) == 0;
    b.n = n;
    b.scale = static_cast<T>(c.scale);
    const Dtype half = widens_in_registers<Loss, T> && n == kBlock ? stored : Dtype::absent;
    const bool zips = can_zip && half == Dtype::bfloat16 && c.values.data != nullptr;
    b.values = zips ? values : output_block(c.values, at, values);
    b.fetches = half != Dtype::absent ? c.fetches : fetches_in_place<T>(c);
    if (half != Dtype::absent) {
      const size_t from = at * kDtypeBytes[static_cast<int>(half)];
      for (int i = 0; i < Loss::inputs; ++i) b.inputs[i] = static_cast<const char*>(c.inputs[i].data) + from;
      for (int i = 0; i < grads; ++i) b.grads[i] = static_cast<char*>(c.grads[i].data) + from;
    } else {
      for (int i = 0; i < Loss::inputs; ++i) b.inputs[i] = read_block(c.inputs[i], at, n, widened[i]);
      for (int i = 0; i < grads; ++i) b.grads[i] = grad[i];
      if (weighted) read_factors(c, at, n, weights, incoming, b);
    }
    size_t inside = n;
    Range<V> range;
    bool is_made = false, is_added = false;
    if constexpr (guesses) {
      is_made = guess.made && n == kBlock;
      if (is_made) {
        Moved<V> moved;
        range = compute<Loss, wanted>(half, weighted, b, params, inside, guess, &moved);
        is_added = inside == n && take(moved, range, guess, sums.total);
      }
    }
    if (!is_made) range = compute<Loss, wanted>(half, weighted, b, params, inside, NoGuess(), nullptr);
    if (has_domain<Loss> && !is_inside<Loss>(b, inside, at, params, sums.fault)) return;
    if (half == Dtype::absent) {
      for (int i = 0; i < grads; ++i) flush_block(c.grads[i], at, n, grad[i]);
    }
    if constexpr (wanted != kGrad) {
      if constexpr (can_zip) {
        if (zips) zip_values<V>(values, n, output_block(c.values, at, values));
      }
      if (c.wants_sum && !is_added) add_block(b.values, n, range, sums.total);
    }
    if constexpr (guesses) {
      if (!guess.made) guess_from(range, guess);
    }
  }
  if constexpr (guesses) {
    settle(guess, sums.total);
    sums.guess = {guess.made, guess.top};
  }
  sums.count += end - begin;
}

template <class Loss, class T, Wanted wanted>
void elements(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  if constexpr (can_guess<Loss, T, wanted>) {
    // Through pointers: were both one function, the registers would not do for either.
    constexpr void (*kWalks[])(const Call&, uint64_t, uint64_t, Sums<T>&) = {
        walk_elements<Loss, T, wanted, false>, walk_elements<Loss, T, wanted, true>};
    const bool is_plain = c.weight.data == nullptr && c.upstream.data == nullptr;
    kWalks[c.from_memory && c.wants_sum && is_plain](c, begin, end, sums);
  } else {
    walk_elements<Loss, T, wanted, false>(c, begin, end, sums);
  }
}

template <class Loss, class T>
constexpr KernelEntry<T> element_entry() {
  KernelEntry<T> entry{};
  if constexpr (sizeof(T) == 4) {
    entry.brief[kValue] = brief_elements<Loss, kValue>;
    entry.brief[kValueAndGrad] = brief_elements<Loss, kValueAndGrad>;
  }
  entry.plan.phases[kValue][0].walk = elements<Loss, T, kValue>;
  entry.plan.phases[kGrad][0].walk = elements<Loss, T, kGrad>;
  entry.plan.phases[kValueAndGrad][0].walk = elements<Loss, T, kValueAndGrad>;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
