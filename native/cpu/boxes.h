// The driver of losses of boxes: pred[N, 4] and target[N, 4], one value for each pair of boxes. rows = N.
//
// It walks the batch in groups of 256 pairs, which with their derivatives stay in the first-level cache. A
// group is laid out by coordinate, so that vectors hold neighbouring boxes, and widened: everything is
// computed in float64 and rounded once, for losses of boxes are differences of areas. While one group is
// computed, the next is fetched.
#pragma once

#include <string.h>

#include "cpu/row_group.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using Coordinates = vec<double, native_lanes<float>>;

/** The corners of a group of boxes, or derivatives by them. */
struct BoxGroup {
  alignas(64) double x1[kRowGroup], y1[kRowGroup], x2[kRowGroup], y2[kRowGroup];

  LOSSKIT_INLINE Box<Coordinates> load(size_t i) const {
    using V = Coordinates;
    return {V::load(x1 + i), V::load(y1 + i), V::load(x2 + i), V::load(y2 + i)};
  }
  LOSSKIT_INLINE void store(size_t i, const Box<Coordinates>& box) {
    box.x1.store(x1 + i), box.y1.store(y1 + i), box.x2.store(x2 + i), box.y2.store(y2 + i);
  }
};

/** Lays out n boxes, and empty ones up to a whole vector. */
template <class T>
LOSSKIT_INLINE void spread_boxes(const T* from, size_t n, BoxGroup& to) {
  for (size_t i = 0; i < n; ++i) {
    to.x1[i] = static_cast<double>(from[4 * i]), to.y1[i] = static_cast<double>(from[4 * i + 1]);
    to.x2[i] = static_cast<double>(from[4 * i + 2]), to.y2[i] = static_cast<double>(from[4 * i + 3]);
  }
  for (size_t i = n; i % Coordinates::lanes != 0; ++i) to.x1[i] = to.y1[i] = to.x2[i] = to.y2[i] = 0;
}

/** Factors of n rows from `at` on, or null where there are none. */
LOSSKIT_INLINE const double* row_factors(const Tensor& factors, uint64_t at, size_t n, double* scratch) {
  return factors.data == nullptr ? nullptr : read_block(factors, at, n, scratch);
}

template <class T>
LOSSKIT_INLINE void store_coordinates(Coordinates v, T* p) {
  rounded<vec<T, Coordinates::lanes>>(v).store(p);
}

/** Derivatives by the corners of a group of boxes, rounded. */
template <class T>
struct BoxSlopes {
  alignas(64) T by[4][kRowGroup];

  LOSSKIT_INLINE void store(size_t i, const Box<Coordinates>& slope) {
    store_coordinates(slope.x1, by[0] + i), store_coordinates(slope.y1, by[1] + i);
    store_coordinates(slope.x2, by[2] + i), store_coordinates(slope.y2, by[3] + i);
  }
  void write(size_t n, T* to) const {
    for (size_t i = 0; i < n; ++i) {
      const T box[4] = {by[0][i], by[1][i], by[2][i], by[3][i]};
      memcpy(to + 4 * i, box, sizeof box);
    }
  }
};

template <class Loss, class T, Wanted wanted>
void boxes(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  constexpr size_t lanes = Coordinates::lanes;
  alignas(64) T pred_scratch[4 * kRowGroup], target_scratch[4 * kRowGroup];
  double weight_scratch[kRowGroup], upstream_scratch[kRowGroup];
  BoxGroup pred, target;
  BoxSlopes<T> slopes;
  RowGroup<T> group;
  const typename Loss::Params params(c.params);
  const bool fetches = fetches_in_place<T>(c);
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    const T* const pred_from = read_block(c.inputs[0], 4 * at, 4 * n, pred_scratch);
    const T* const target_from = read_block(c.inputs[1], 4 * at, 4 * n, target_scratch);
    spread_boxes(pred_from, n, pred);
    spread_boxes(target_from, n, target);
    const double* const weights = row_factors(c.weight, at, n, weight_scratch);
    const double* const incoming = row_factors(c.upstream, at, n, upstream_scratch);
    const auto factor_at = [n](const double* factors, size_t i) LOSSKIT_LAMBDA {
      return factors == nullptr ? Coordinates(1) : load_some<Coordinates>(factors + i, n - i, 1);
    };
    for (size_t i = 0; i < n; i += lanes) {
      if (fetches) {
        fetch_ahead(pred_from + 4 * i, 4 * lanes * sizeof(T));
        fetch_ahead(target_from + 4 * i, 4 * lanes * sizeof(T));
      }
      const BoxOut<Coordinates> out = Loss::at(pred.load(i), target.load(i), params);
      const Coordinates weight = factor_at(weights, i);
      if constexpr (wanted != kGrad) store_coordinates(out.value * weight, group.values + i);
      if constexpr (wanted != kValue) {
        slopes.store(i, ((Coordinates(c.scale) * factor_at(incoming, i)) * weight) * out.grad);
      }
    }
    group.finish(c, at, n, n, sums);
    if constexpr (wanted != kValue) {
      T* const out = output_block(c.grads[0], 4 * at, pred_scratch);
      slopes.write(n, out);
      flush_block(c.grads[0], 4 * at, 4 * n, out);
    }
  }
}

template <class Loss, class T>
constexpr KernelEntry<T> box_entry() {
  KernelEntry<T> entry{};
  entry.plan.phases[kValue][0].walk = boxes<Loss, T, kValue>;
  entry.plan.phases[kGrad][0].walk = boxes<Loss, T, kGrad>;
  entry.plan.phases[kValueAndGrad][0].walk = boxes<Loss, T, kValueAndGrad>;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
