// The driver of losses over elements: up to three inputs of N numbers, weights.
//
// It walks the batch in blocks of 2048 elements, which with their values and gradients stay in the
// first-level cache: load, loss, weight, store, sum. Inputs of another type than the computation are widened
// a block at a time.
#pragma once

#include "cpu/stream.h"
#include "losses/catalogue.h"
#include "sum/deposit.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** One block, every pointer at its first element. Factors are weights; those of gradients hold the incoming
 * gradient too. */
template <class T>
struct ElementBlock {
  const T *inputs[3], *value_factor, *grad_factor;
  T *values, *grads[2];
  size_t n;
  T scale;
  bool stream;
};

/** The loss of the numbers that `load` finds at i. */
template <class Loss, class T, class Load, class P>
LOSSKIT_INLINE auto loss_at(const ElementBlock<T>& b, size_t i, const Load& load, const P& params) {
  if constexpr (Loss::inputs == 1) {
    return Loss::at(load(b.inputs[0] + i), params);
  } else if constexpr (Loss::inputs == 2) {
    return Loss::at(load(b.inputs[0] + i), load(b.inputs[1] + i), params);
  } else {
    return Loss::at(load(b.inputs[0] + i), load(b.inputs[1] + i), load(b.inputs[2] + i), params);
  }
}

/** Gives the range of the values. */
template <class Loss, class T, Wanted wanted, bool weighted, class P>
Range<vec<T, native_lanes<T>>> compute_block(const ElementBlock<T>& b, const P& params) {
  using V = vec<T, native_lanes<T>>;
  constexpr size_t w = V::lanes;
  constexpr bool has_second = gradients_of<Loss>().count == 2;
  const V scale = V(b.scale);
  Range<V> range;
  const auto step = [&](size_t i, auto load, auto store, auto store_grad) LOSSKIT_LAMBDA {
    auto out = loss_at<Loss>(b, i, load, params);
    if constexpr (weighted) {
      const V factor = load(b.grad_factor + i);
      out.value = out.value * load(b.value_factor + i);
      out.grad = out.grad * factor;
      if constexpr (has_second) out.second = out.second * factor;
    }
    if constexpr (wanted != kGrad) {
      store(out.value, b.values + i);
      range.note(out.value);
    }
    if constexpr (wanted != kValue) {
      store_grad(out.grad * scale, b.grads[0] + i);
      if constexpr (has_second) store_grad(out.second * scale, b.grads[1] + i);
    }
  };
  const auto load = [](const T* p) LOSSKIT_LAMBDA { return V::load(p); };
  const auto store = [](V v, T* p) LOSSKIT_LAMBDA { v.store(p); };
  const auto store_past_caches = [](V v, T* p) LOSSKIT_LAMBDA { v.stream(p); };
  size_t i = 0;
  if (wanted != kValue && b.stream) {
    for (; i + w <= b.n; i += w) step(i, load, store, store_past_caches);
  } else {
    for (; i + w <= b.n; i += w) step(i, load, store, store);
  }
  if (i < b.n) {
    const size_t n = b.n - i;
    const Range<V> before = range;
    const auto load_some = [n](const T* p) LOSSKIT_LAMBDA { return V::load(p, n, T(0)); };
    const auto store_some = [n](V v, T* p) LOSSKIT_LAMBDA { v.store(p, n); };
    step(i, load_some, store_some, store_some);
    range = before;  // of lanes beyond the end nothing is to be seen
    if constexpr (wanted != kGrad) range.note(V::load(b.values + i, n, T(0)));
  }
  return range;
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

/** Notes the first element of input i that lies outside its domain, if it comes before the one noted. */
template <class Loss, int i, class T, class P>
void check_input(const ElementBlock<T>& b, uint64_t at, const P& params, size_t& first, Fault& fault) {
  if constexpr (is_checked<Loss, i>()) {
    const size_t k = first_outside(b.inputs[i], first, [&params](auto v) LOSSKIT_LAMBDA {
      return Loss::template outside<i>(v, params);
    });
    if (k == first) return;
    first = k;
    fault = {Status::domain, i, at + k, static_cast<double>(b.inputs[i][k])};
  }
}

/** Whether all of a block lies in the domain of the loss; if not, says where it does not. */
template <class Loss, class T, class P>
bool check_block(const ElementBlock<T>& b, uint64_t at, const P& params, Fault& fault) {
  size_t first = b.n;
  check_input<Loss, 0>(b, at, params, first, fault);
  check_input<Loss, 1>(b, at, params, first, fault);
  check_input<Loss, 2>(b, at, params, first, fault);
  return first == b.n;
}

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

/** The next block's inputs, if it is a whole one. */
inline Upcoming upcoming(const Call& c, uint64_t at, uint64_t end) {
  Upcoming u;
  if (end - at < kBlock) return u;
  const Tensor* const tensors[] = {&c.inputs[0], &c.inputs[1], &c.inputs[2], &c.weight};
  for (const Tensor* t : tensors) {
    const size_t bytes = t->dtype == Dtype::absent ? 0 : kDtypeBytes[static_cast<int>(t->dtype)];
    if (bytes != 0 && t->size >= end) u.add(static_cast<const char*>(t->data) + at * bytes, bytes);
  }
  return u;
}

template <class Loss, class T, Wanted wanted>
void elements(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  constexpr int grads = wanted == kValue ? 0 : gradients_of<Loss>().count;
  alignas(64) T values[kBlock], rounded[grads == 0 ? 1 : grads][kBlock], widened[Loss::inputs][kBlock],
      weights[kBlock], incoming[kBlock];
  const typename Loss::template Params<T> params(c.params);
  const bool weighted = c.weight.data != nullptr || c.upstream.data != nullptr;
  // Two gradients rarely reach a cache line at the same element.
  const bool stream = c.stream && grads == 1 && c.grads[0].dtype == dtype_of<T>;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kBlock ? static_cast<size_t>(end - at) : kBlock;
    ElementBlock<T> b{};
    for (int i = 0; i < grads; ++i) b.grads[i] = output_block(c.grads[i], at, rounded[i]);
    if (stream) {
      const size_t lead = to_cache_line(b.grads[0]);
      if (lead != 0 && lead < n) n = lead;
      b.stream = lead == 0;
    }
    for (int i = 0; i < Loss::inputs; ++i) b.inputs[i] = read_block(c.inputs[i], at, n, widened[i]);
    b.values = output_block(c.values, at, values);
    b.n = n;
    b.scale = static_cast<T>(c.scale);
    if (!check_block<Loss>(b, at, params, sums.fault)) return;
    if (weighted) read_factors(c, at, n, weights, incoming, b);
    const auto range = weighted ? compute_block<Loss, T, wanted, true>(b, params)
                                : compute_block<Loss, T, wanted, false>(b, params);
    for (int i = 0; i < grads; ++i) flush_block(c.grads[i], at, n, b.grads[i]);
    if constexpr (wanted != kGrad) {
      if (c.wants_sum) add_block(b.values, n, range, sums.total, upcoming(c, at + n, end));
    }
  }
  sums.count += end - begin;
}

template <class Loss, class T>
constexpr KernelEntry<T> element_entry() {
  KernelEntry<T> entry{};
  entry.plan.phases[kValue][0].walk = elements<Loss, T, kValue>;
  entry.plan.phases[kGrad][0].walk = elements<Loss, T, kGrad>;
  entry.plan.phases[kValueAndGrad][0].walk = elements<Loss, T, kValueAndGrad>;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
