// Writing the gradient of a row of scores.
#pragma once

#include "cpu/softmax/finish.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** The gradient of a chunk whose largest score was `largest`; from the exponentials where they were kept,
 * which may be where the gradient goes. */
template <class T>
void write_gradient(const Call& c, uint64_t row, uint64_t chunk, const Row<T>& r, double largest,
                    const T* exps, ChunkScratch<T>& scratch) {
  using V = vec<T, 16>;
  alignas(64) T rounded[kChunk];
  const uint64_t start = chunk * kChunk, at = row * c.columns + start;
  const size_t n = static_cast<size_t>(chunk_size(c, chunk));
  T* const out = output_block(c.grads[0], at, rounded);
  const bool streams = c.stream && out != rounded;
  if (r.ignored) {
    write_all(out, n, streams, [](size_t, size_t) LOSSKIT_LAMBDA { return V(0); });
    return flush_block(c.grads[0], at, n, out);
  }
  // Exponentials are those of the chunk: brought to the row's maximum by their common factor.
  const double factor = largest == r.max ? r.factor : r.factor * exp_of_one(largest - r.max);
  const T* const x = exps == nullptr ? read_block(c.inputs[0], at, n, scratch.logits) : exps;
  const V shift(shift_of(static_cast<T>(largest)));
  const auto e = [&](size_t i, size_t count) LOSSKIT_LAMBDA {
    const V score = load_some<V>(x + i, count, T(0));
    return exps != nullptr ? score : exp_flushed(score - shift);
  };
  if (is_dense(c)) {
    const ClassTargets<T> targets = class_targets(c, row, chunk, n, scratch);
    const Doubles of_exp(factor), uniform(-r.uniform);
    write_all(out, n, streams, [&](size_t i, size_t count) LOSSKIT_LAMBDA {
      return narrow_to<T>(fma(widen(e(i, count)), of_exp, uniform * targets.at(i, count)));
    });
  } else {
    const V of_exp(static_cast<T>(factor));
    write_all(out, n, streams, [&](size_t i, size_t count) LOSSKIT_LAMBDA { return e(i, count) * of_exp; });
  }
  const uint64_t label = static_cast<uint64_t>(r.label) - start;
  if (r.label >= 0 && static_cast<uint64_t>(r.label) >= start && label < n) out[label] = r.label_grad;
  flush_block(c.grads[0], at, n, out);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
