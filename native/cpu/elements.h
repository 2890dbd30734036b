// The driver of losses over elements: up to three inputs of N numbers, weights.
//
// It walks the batch in blocks of 2048 elements, which with their values and gradients stay in the
// first-level cache: load, loss, weight, store, sum. Whole blocks of half types are widened in registers,
// other types a block at a time.
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
  const void* inputs[3];
  const T *value_factor, *grad_factor;
  T* values;
  void* grads[2];
  size_t n;
  T scale;
  bool stream;
};

/** What a step of a loss works on: two vectors side by side, of which one alone would wait for itself. A loss
 * of very many numbers says `lone`: twice as many do not fit the registers. */
template <class Loss, class T>
struct StepOf {
  static constexpr bool is_lone = native_lanes<T> == 1 || requires { Loss::lone; };
  using vector = vec<T, native_lanes<T>*(is_lone ? 1 : 2)>;
};
template <class Loss, class T>
using Step = typename StepOf<Loss, T>::vector;

/** Numbers stored as one type and computed in another, a step at a time. */
template <Dtype stored, class V>
struct Stored {
  using T = typename V::scalar;
  static constexpr bool in_halves = stored != dtype_of<T> && V::lanes > native_lanes<T>;
  static LOSSKIT_INLINE V load(const void* p, size_t i) {
    if constexpr (in_halves) {
      using Half = Stored<stored, typename V::half>;
      return {Half::load(p, i), Half::load(p, i + V::lanes / 2)};
    } else if constexpr (stored == Dtype::float16) {
      return load_f16(static_cast<const uint16_t*>(p) + i, static_cast<V*>(nullptr));
    } else if constexpr (stored == Dtype::bfloat16) {
      return load_bf16(static_cast<const uint16_t*>(p) + i, static_cast<V*>(nullptr));
    } else {
      return V::load(static_cast<const T*>(p) + i);
    }
  }
  static LOSSKIT_INLINE void store(V v, void* p, size_t i) {
    if constexpr (in_halves) {
      using Half = Stored<stored, typename V::half>;
      Half::store(v.lo, p, i), Half::store(v.hi, p, i + V::lanes / 2);
    } else if constexpr (stored == Dtype::float16) {
      store_f16(v, static_cast<uint16_t*>(p) + i);
    } else if constexpr (stored == Dtype::bfloat16) {
      store_bf16(v, static_cast<uint16_t*>(p) + i);
    } else {
      v.store(static_cast<T*>(p) + i);
    }
  }
};

/** The loss of the numbers that `load` finds in the inputs. */
template <class Loss, class T, class Load, class P>
LOSSKIT_INLINE auto loss_at(const ElementBlock<T>& b, const Load& load, const P& params) {
  if constexpr (Loss::inputs == 1) {
    return Loss::at(load(b.inputs[0]), params);
  } else if constexpr (Loss::inputs == 2) {
    return Loss::at(load(b.inputs[0]), load(b.inputs[1]), params);
  } else {
    return Loss::at(load(b.inputs[0]), load(b.inputs[1]), load(b.inputs[2]), params);
  }
}

template <class Loss>
constexpr bool has_domain = is_checked<Loss, 0>() || is_checked<Loss, 1>() || is_checked<Loss, 2>();

/** Whether a number that `load` finds in the inputs lies outside the domain of the loss. */
template <class Loss, class T, class Load, class P>
LOSSKIT_INLINE bool leaves_domain(const ElementBlock<T>& b, const Load& load, const P& params) {
  const auto leaves = [&](auto of_input) LOSSKIT_LAMBDA {
    constexpr int i = decltype(of_input)::value;
    if constexpr (is_checked<Loss, i>()) {
      return any(Loss::template outside<i>(load(b.inputs[i]), params));
    } else {
      return false;
    }
  };
  return leaves(Index<0>()) || leaves(Index<1>()) || leaves(Index<2>());
}

/** Gives the range of the values. Stops before the step in which an input leaves its domain, and puts its
 * place into `inside`. */
template <class Loss, class V, Wanted wanted, bool weighted, Dtype stored, class T, class P>
Range<V> compute_block(const ElementBlock<T>& b, const P& params, size_t& inside) {
  using Type = Stored<stored, V>;
  constexpr size_t w = V::lanes;
  constexpr bool has_second = gradients_of<Loss>().count == 2;
  const V scale = V(b.scale);
  Range<V> range;
  // Loads and stores are given where the block's arrays begin.
  const auto step = [&](size_t i, auto load, auto factor, auto store, auto store_grad) LOSSKIT_LAMBDA {
    auto out = loss_at<Loss>(b, load, params);
    if constexpr (weighted) {
      const V of_grad = factor(b.grad_factor);
      out.value = out.value * factor(b.value_factor);
      out.grad = out.grad * of_grad;
      if constexpr (has_second) out.second = out.second * of_grad;
    }
    if constexpr (wanted != kGrad) {
      store(out.value, b.values + i);
      range.note(out.value);
    }
    if constexpr (wanted != kValue) {
      store_grad(out.grad * scale, b.grads[0]);
      if constexpr (has_second) store_grad(out.second * scale, b.grads[1]);
    }
  };
  const auto whole = [&](size_t i, auto store_grad) LOSSKIT_LAMBDA {
    step(
        i, [i](const void* p) LOSSKIT_LAMBDA { return Type::load(p, i); },
        [i](const T* p) LOSSKIT_LAMBDA { return V::load(p + i); },
        [](V v, T* p) LOSSKIT_LAMBDA { v.store(p); },
        [i, store_grad](V v, void* p) LOSSKIT_LAMBDA { store_grad(v, p, i); });
  };
  size_t i = 0;
  const auto all_whole = [&](auto store_grad) LOSSKIT_LAMBDA {
    for (; i + w <= b.n; i += w) {
      const auto load = [i](const void* p) LOSSKIT_LAMBDA { return Type::load(p, i); };
      if (has_domain<Loss> && leaves_domain<Loss>(b, load, params)) return false;
      whole(i, store_grad);
    }
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
  if constexpr (stored == dtype_of<T>) {
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
          i, load_some_of, load_some_of, [n](V v, T* p) LOSSKIT_LAMBDA { v.store(p, n); },
          [i, n](V v, void* p) LOSSKIT_LAMBDA { v.store(static_cast<T*>(p) + i, n); });
      range = before;  // of lanes beyond the end nothing is to be seen
      if constexpr (wanted != kGrad) range.note(V::load(b.values + i, n, T(0)));
    }
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

constexpr size_t kBriefly = 64;

/** Few floats of which a double holds the sum: no exact sum is set up, and none is read. */
template <class Loss, Wanted wanted>
bool brief_elements(const Call& c, double& sum) {
  using V = vec<float, native_lanes<float>>;
  constexpr int grads = wanted == kValue ? 0 : gradients_of<Loss>().count;
  bool is_plain = c.rows <= kBriefly && c.weight.data == nullptr && c.upstream.data == nullptr &&
                  c.values.data == nullptr;
  alignas(64) float values[kBriefly];
  ElementBlock<float> b{};
  for (int i = 0; i < Loss::inputs; ++i) {
    is_plain &= c.inputs[i].dtype == Dtype::float32 && c.inputs[i].size >= c.rows;
    b.inputs[i] = c.inputs[i].data;
  }
  // What would have to start again must find its inputs as they were.
  for (int i = 0; i < grads; ++i) {
    b.grads[i] = c.grads[i].data;
    for (const Tensor& input : c.inputs) is_plain &= b.grads[i] != input.data;
  }
  if (!is_plain) return false;
  b.values = values;
  b.n = static_cast<size_t>(c.rows);
  b.scale = static_cast<float>(c.scale);
  const typename Loss::template Params<float> params(c.params);
  size_t inside = b.n;
  const Range<V> range = compute_block<Loss, V, wanted, false, Dtype::float32>(b, params, inside);
  if (has_domain<Loss> && inside < b.n) return false;
  if (range.largest() >= Bits<float>::exponent) return false;
  const Span span = Span::of(range);
  constexpr int bits_of_count = 6;
  if (span.above - span.lowest + bits_of_count > 53) return false;
  vec<double, 16> lanes(0);
  for (size_t i = 0; i < b.n; i += 16) {
    lanes = lanes + widen(load_some<vec<float, 16>>(values + i, b.n - i, 0.0f));
  }
  sum = sum_lanes(lanes);
  return true;
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
