// A short way for a few floats, as calls in a training loop have them.
#pragma once

#include "cpu/elements/compute.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** A call that is brief, if a double holds its sum: no exact sum is set up, and none is read. */
template <class Loss, Wanted wanted>
bool brief_elements(const Call& c, double& sum) {
  using V = vec<float, native_lanes<float>>;
  constexpr int grads = wanted == kValue ? 0 : gradients_of<Loss>().count;
  alignas(64) float values[kBriefRows];
  ElementBlock<float> b{};
  for (int i = 0; i < Loss::inputs; ++i) b.inputs[i] = c.inputs[i].data;
  for (int i = 0; i < grads; ++i) b.grads[i] = c.grads[i].data;
  b.values = values;
  b.n = static_cast<size_t>(c.rows);
  b.scale = static_cast<float>(c.scale);
  const typename Loss::template Params<float> params(c.params);
  size_t inside = b.n;
  const Range<V> range =
      compute_block<Loss, V, wanted, false, Dtype::float32>(b, params, inside, NoGuess(), nullptr);
  if (has_domain<Loss> && inside < b.n) return false;
  const auto largest = range.largest();
  if (largest >= Bits<float>::exponent) return false;
  sum = 0;
  if (largest == 0) return true;
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

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
