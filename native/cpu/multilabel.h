// The driver of losses of rows of class scores, pred[N, C], of which any number of classes are right:
// target[N, C] says for each class how right it is, or lists the right ones, a list that -1 ends early. A
// value for each row.
//
// Sums run in the canonical lanes and in float64. Rows with lists are computed from scratch memory that holds
// one; see losses/listed.h.
#pragma once

#include "cpu/margins.h"
#include "losses/listed.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** A term for each class: weighted, their mean. */
template <class Loss, class T>
void multilabel_terms(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  using V = vec<T, 16>;
  ChunkScratch<T> scratch;
  alignas(64) T rounded[kChunk];
  RowGroup<T> group;
  const typename Loss::template Params<T> params(c.params);
  const double classes = static_cast<double>(c.columns);
  const bool wants_grad = c.grads[0].data != nullptr, fetches = fetches_in_place<T>(c);
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    for (size_t r = 0; r < n; ++r) {
      const Doubles factor(incoming_gradient(c, at + r) / classes);
      Doubles sum(0);
      each_chunk<T>(c, at + r, scratch.logits, [&](const ScoreChunk<T>& chunk) {
        const uint64_t place = (at + r) * c.columns + chunk.start;
        const T* target = read_block(c.inputs[1], place, chunk.n, scratch.targets);
        const T* weight =
            c.weight.data != nullptr ? read_block(c.weight, chunk.start, chunk.n, scratch.weights) : nullptr;
        T* out = wants_grad ? output_block(c.grads[0], place, rounded) : nullptr;
        for (size_t i = 0; i < chunk.n; i += 16) {
          if (fetches) fetch_ahead(chunk.scores + i, 16 * sizeof(T)), fetch_ahead(target + i, 16 * sizeof(T));
          const size_t count = chunk.n - i < 16 ? chunk.n - i : 16;
          const Out<V> one = Loss::at(load_some<V>(chunk.scores + i, count, T(0)),
                                      load_some<V>(target + i, count, T(0)), params);
          const Doubles w = weight != nullptr ? widen(load_some<V>(weight + i, count, T(0))) : Doubles(1);
          sum = sum + masked(w * widen(one.value), count, 16, 0);
          if (!wants_grad) continue;
          const V grad = narrow_to<T>(fma(factor * w, widen(one.grad), Doubles(0)));
          count == 16 ? grad.store(out + i) : grad.store(out + i, count);
        }
        if (wants_grad) flush_block(c.grads[0], place, chunk.n, out);
      });
      group.values[r] = static_cast<T>(sum_lanes(sum) / classes);
    }
    group.finish(c, at, n, n, sums);
  }
}

template <class T>
uint64_t listed_bytes(const Call& c) {
  return whole_vectors(c.columns) * (sizeof(int64_t) + 3 * sizeof(T));
}

/** Reads and checks a row's list once, for its memory may change, and marks its classes; how many are listed,
 * or kIgnored with the fault. */
template <class T>
int64_t mark_listed(const Call& c, uint64_t row, const ListedRow<T>& listed, Fault& fault) {
  const uint64_t at = row * c.columns, padded = whole_vectors(c.columns);
  for (uint64_t i = 0; i < padded; ++i) listed.wrong[i] = i < c.columns ? T(1) : T(0);
  read_as(c.inputs[1], at, static_cast<size_t>(c.columns), listed.labels);
  uint64_t count = c.columns;
  for (uint64_t i = 0; i < c.columns; ++i) {
    const int64_t label = listed.labels[i];
    if (label == -1) {
      count = i < count ? i : count;
    } else if (static_cast<uint64_t>(label) >= c.columns) {
      fault = {Status::label, 1, at + i, static_cast<double>(label)};
      return kIgnored;
    }
  }
  for (uint64_t i = 0; i < count; ++i) listed.wrong[listed.labels[i]] = T(0);
  return static_cast<int64_t>(count);
}

template <class Loss, class T>
void multilabel_lists(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* memory) {
  RowGroup<T> group;
  const typename Loss::template Params<double> params(c.params);
  const double classes = static_cast<double>(c.columns);
  const bool wants_grad = c.grads[0].data != nullptr;
  const uint64_t padded = whole_vectors(c.columns);
  const ListedRow<T> listed(memory, padded);
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    for (size_t r = 0; r < n; ++r) {
      const uint64_t row = at + r, place = row * c.columns;
      const int64_t count = mark_listed(c, row, listed, sums.fault);
      if (count == kIgnored) return;
      read_as(c.inputs[0], place, static_cast<size_t>(c.columns), listed.scores);
      for (uint64_t i = 0; i < padded; ++i) {
        listed.slopes[i] = T(0);
        if (i >= c.columns) listed.scores[i] = T(0);
      }
      const double sum = sum_listed<Loss>(listed, count, padded, wants_grad, params);
      group.values[r] = static_cast<T>(sum / classes);
      if (!wants_grad) continue;
      scale_slopes(listed, padded, incoming_gradient(c, row) / classes);
      write_block(c.grads[0], place, static_cast<size_t>(c.columns), listed.slopes);
    }
    group.finish(c, at, n, n, sums);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
