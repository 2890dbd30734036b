// The driver of losses over elements: pred[N], target[N], an optional third input, weights.
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

/** One block, every pointer at its first element. Factors are weights; the gradient's hold the incoming
 * gradient too. */
template <class T>
struct ElementBlock {
  const T *pred, *target, *extra, *value_factor, *grad_factor;
  T *values, *grad;
  size_t n;
  T scale;
  bool stream;
};

template <class Loss, class T, Wanted wanted, bool weighted, class P>
void compute_block(const ElementBlock<T>& b, const P& params) {
  using V = vec<T, native_lanes<T>>;
  constexpr size_t w = V::lanes;
  const V scale = V(b.scale);
  const auto step = [&](size_t i, auto load, auto store, auto store_grad) LOSSKIT_LAMBDA {
    const V pred = load(b.pred + i), target = load(b.target + i);
    Out<V> out;
    if constexpr (Loss::inputs == 3) {
      out = Loss::at(pred, target, load(b.extra + i), params);
    } else {
      out = Loss::at(pred, target, params);
    }
    if constexpr (weighted) {
      out.value = out.value * load(b.value_factor + i);
      out.grad = out.grad * load(b.grad_factor + i);
    }
    if constexpr (wanted != kGrad) store(out.value, b.values + i);
    if constexpr (wanted != kValue) store_grad(out.grad * scale, b.grad + i);
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
    const auto load_some = [n](const T* p) LOSSKIT_LAMBDA { return V::load(p, n, T(0)); };
    const auto store_some = [n](V v, T* p) LOSSKIT_LAMBDA { v.store(p, n); };
    step(i, load_some, store_some, store_some);
  }
}

/** The first element for which `outside` holds, or n. */
template <class T, class F>
size_t first_outside(const T* x, size_t n, F outside) {
  using V = vec<T, native_lanes<T>>;
  for (size_t i = 0; i < n; i += V::lanes) {
    const size_t count = n - i < size_t(V::lanes) ? n - i : size_t(V::lanes);
    if (!any(outside(V::load(x + i, count, T(0))))) continue;
    for (size_t k = i;; ++k) {
      if (any(outside(V::load(x + k, 1, T(0))))) return k;
    }
  }
  return n;
}

template <class Loss>
concept HasDomain = requires(vec<float, native_lanes<float>> v) {
  Loss::pred_outside(v);
};

/** Whether all of a block lies in the domain of the loss; if not, says where it does not. */
template <class Loss, class T>
bool check_block(const T* pred, const T* target, uint64_t at, size_t n, Fault& fault) {
  if constexpr (HasDomain<Loss>) {
    const size_t p = first_outside(pred, n, [](auto v) { return Loss::pred_outside(v); });
    const size_t t = first_outside(target, n, [](auto v) { return Loss::target_outside(v); });
    if (p < n && p <= t) {
      fault = {Status::pred, at + p, static_cast<double>(pred[p])};
    } else if (t < n) {
      fault = {Status::target, at + t, static_cast<double>(target[t])};
    }
    return p == n && t == n;
  } else {
    return true;
  }
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

/** Elements before the gradient's address reaches a cache line, so that all later blocks can be streamed. */
template <class T>
size_t to_cache_line(const T* p) {
  return ((64 - (reinterpret_cast<uintptr_t>(p) & 63)) & 63) / sizeof(T);
}

/** The next block's inputs, if it is a whole one. */
inline Upcoming upcoming(const Call& c, uint64_t at, uint64_t end) {
  Upcoming u;
  if (end - at < kBlock) return u;
  const Tensor* const inputs[] = {&c.pred, &c.target, &c.weight, &c.extra};
  for (const Tensor* t : inputs) {
    const size_t bytes = t->dtype == Dtype::absent ? 0 : kDtypeBytes[static_cast<int>(t->dtype)];
    if (bytes != 0 && t->size >= end) u.add(static_cast<const char*>(t->data) + at * bytes, bytes);
  }
  return u;
}

template <class Loss, class T, Wanted wanted>
void elements(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums) {
  alignas(64) T values[kBlock], grads[kBlock], preds[kBlock], targets[kBlock], extras[kBlock],
      weights[kBlock], incoming[kBlock];
  const typename Loss::template Params<T> params(c.params);
  const bool weighted = c.weight.data != nullptr || c.upstream.data != nullptr;
  const bool stream = c.stream && c.grad.dtype == dtype_of<T>;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kBlock ? static_cast<size_t>(end - at) : kBlock;
    ElementBlock<T> b{};
    b.grad = wanted == kValue ? nullptr : output_block(c.grad, at, grads);
    if (stream) {
      const size_t lead = to_cache_line(b.grad);
      if (lead != 0 && lead < n) n = lead;
      b.stream = lead == 0;
    }
    b.pred = read_block(c.pred, at, n, preds);
    b.target = read_block(c.target, at, n, targets);
    if constexpr (Loss::inputs == 3) b.extra = read_block(c.extra, at, n, extras);
    b.values = output_block(c.values, at, values);
    b.n = n;
    b.scale = static_cast<T>(c.scale);
    if (!check_block<Loss>(b.pred, b.target, at, n, sums.fault)) return;
    if (weighted) {
      read_factors(c, at, n, weights, incoming, b);
      compute_block<Loss, T, wanted, true>(b, params);
    } else {
      compute_block<Loss, T, wanted, false>(b, params);
    }
    if constexpr (wanted != kValue) flush_block(c.grad, at, n, b.grad);
    if constexpr (wanted != kGrad) {
      if (c.wants_sum) add_block(b.values, n, sums.total, upcoming(c, at + n, end));
    }
  }
  sums.count += end - begin;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
