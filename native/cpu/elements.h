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

/** Computes a block whose numbers are stored as `stored`, a half type, in their places. */
template <class Loss, class T, Wanted wanted, Dtype stored, class P>
auto compute_in_place(const Call& c, uint64_t at, ElementBlock<T>& b, const P& params) {
  constexpr size_t bytes = kDtypeBytes[static_cast<int>(stored)];
  for (int i = 0; i < Loss::inputs; ++i) {
    b.inputs[i] = static_cast<const char*>(c.inputs[i].data) + at * bytes;
  }
  if constexpr (wanted != kValue) {
    for (int i = 0; i < gradients_of<Loss>().count; ++i) {
      b.grads[i] = static_cast<char*>(c.grads[i].data) + at * bytes;
    }
  }
  size_t inside;
  return compute_block<Loss, Step<Loss, T>, wanted, false, stored>(b, params, inside);
}

template <class Loss, class T, Wanted wanted>
void elements(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  constexpr int grads = wanted == kValue ? 0 : gradients_of<Loss>().count;
  alignas(64) T values[kBlock], rounded[grads == 0 ? 1 : grads][kBlock], widened[Loss::inputs][kBlock],
      weights[kBlock], incoming[kBlock];
  const typename Loss::template Params<T> params(c.params);
  const bool weighted = c.weight.data != nullptr || c.upstream.data != nullptr;
  const Dtype half = weighted ? Dtype::absent : stored_half(c, Loss::inputs, grads);
  // Two gradients rarely reach a cache line at the same element.
  const bool stream = c.stream && grads == 1 && c.grads[0].dtype == dtype_of<T>;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kBlock ? static_cast<size_t>(end - at) : kBlock;
    T* grad[2] = {};
    for (int i = 0; i < grads; ++i) grad[i] = output_block(c.grads[i], at, rounded[i]);
    ElementBlock<T> b{};
    if (stream) {
      const size_t lead = to_cache_line(grad[0]);
      if (lead != 0 && lead < n) n = lead;
      b.stream = lead == 0;
    }
    b.values = output_block(c.values, at, values);
    b.n = n;
    b.scale = static_cast<T>(c.scale);
    Range<Step<Loss, T>> range;
    bool done = false;
    if constexpr (sizeof(T) == 4 && !has_domain<Loss>) {
      if (half != Dtype::absent && n == kBlock) {
        range = half == Dtype::float16 ? compute_in_place<Loss, T, wanted, Dtype::float16>(c, at, b, params)
                                       : compute_in_place<Loss, T, wanted, Dtype::bfloat16>(c, at, b, params);
        done = true;
      }
    }
    if (!done) {
      for (int i = 0; i < Loss::inputs; ++i) b.inputs[i] = read_block(c.inputs[i], at, n, widened[i]);
      for (int i = 0; i < grads; ++i) b.grads[i] = grad[i];
      if (weighted) read_factors(c, at, n, weights, incoming, b);
      size_t inside = n;
      range = weighted ? compute_block<Loss, Step<Loss, T>, wanted, true, dtype_of<T>>(b, params, inside)
                       : compute_block<Loss, Step<Loss, T>, wanted, false, dtype_of<T>>(b, params, inside);
      if (has_domain<Loss> && !is_inside<Loss>(b, inside, at, params, sums.fault)) return;
      for (int i = 0; i < grads; ++i) flush_block(c.grads[i], at, n, grad[i]);
    }
    if constexpr (wanted != kGrad) {
      if (c.wants_sum) add_block(b.values, n, range, sums.total);
    }
  }
  sums.count += end - begin;
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
