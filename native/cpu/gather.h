// The driver of losses that read one score of a row: nll. The gradient is zero but for that score.
#pragma once

#include <string.h>

#include "cpu/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
void write_one(const MutableTensor& tensor, uint64_t at, T value) {
  T scratch[1];
  T* out = output_block(tensor, at, scratch);
  *out = value;
  flush_block(tensor, at, 1, out);
}

template <class Loss, class T>
void gather_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums) {
  using V = vec<T, native_lanes<T>>;
  static_assert(kLabelGroup % V::lanes == 0);
  const typename Loss::template Params<T> params(c.params);
  int64_t labels[kLabelGroup];
  T scores[kLabelGroup], slopes[kLabelGroup];
  RowGroup<T> group;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kLabelGroup ? static_cast<size_t>(end - at) : kLabelGroup;
    if (!read_labels(c, at, n, labels, sums.fault)) return;
    size_t kept = 0;
    for (size_t i = 0; i < kLabelGroup; ++i) {
      const bool counts = i < n && labels[i] != kIgnored;
      const uint64_t label = counts ? static_cast<uint64_t>(labels[i]) : 0;
      kept += counts;
      scores[i] = counts ? read_one<T>(c.pred, (at + i) * c.classes + label) : T(0);
      group.weights[i] = !counts ? T(0) : c.weight.data != nullptr ? read_one<T>(c.weight, label) : T(1);
    }
    for (size_t i = 0; i < kLabelGroup; i += V::lanes) {
      const Out<V> out = Loss::at(V::load(scores + i), params);
      (V::load(group.weights + i) * out.value).store(group.values + i);
      (V::load(group.weights + i) * out.grad).store(slopes + i);
    }
    group.finish(c, at, n, kept, sums);
    if (c.grad.data == nullptr) continue;
    const size_t bytes = kDtypeBytes[static_cast<int>(c.grad.dtype)];
    memset(static_cast<char*>(c.grad.data) + at * c.classes * bytes, 0, n * c.classes * bytes);
    for (size_t i = 0; i < n; ++i) {
      if (labels[i] == kIgnored) continue;
      const double incoming =
          c.upstream.data != nullptr ? c.scale * read_one<double>(c.upstream, at + i) : c.scale;
      write_one(c.grad, (at + i) * c.classes + static_cast<uint64_t>(labels[i]),
                static_cast<T>(incoming * static_cast<double>(slopes[i])));
    }
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
