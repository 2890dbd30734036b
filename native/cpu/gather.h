// The driver of losses that read one score of a row: nll. The gradient is zero but for that score.
#pragma once

#include <string.h>

#include "cpu/softmax/finish.h"
#include "cpu/strided.h"

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

/** Zeros in n rows. */
inline void clear_rows(const Call& c, const MutableTensor& tensor, uint64_t row, size_t n) {
  const size_t bytes = kDtypeBytes[static_cast<int>(tensor.dtype)];
  char* const data = static_cast<char*>(tensor.data);
  if (c.inner == 1) {
    memset(data + row * c.columns * bytes, 0, n * c.columns * bytes);
    return;
  }
  each_run(c, row, n, [&](size_t, size_t count, uint64_t at) {
    for (uint64_t k = 0; k < c.columns; ++k) memset(data + (at + k * c.inner) * bytes, 0, count * bytes);
  });
}

template <class Loss, class T>
void gather_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  using V = vec<T, native_lanes<T>>;
  static_assert(kRowGroup % V::lanes == 0);
  const typename Loss::template Params<T> params(c.params);
  int64_t labels[kRowGroup];
  T scores[kRowGroup], slopes[kRowGroup];
  RowGroup<T> group;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    if (!read_labels(c, 1, c.columns, at, n, labels, sums.fault)) return;
    size_t kept = 0;
    for (size_t i = 0; i < kRowGroup; ++i) {
      const bool counts = i < n && labels[i] != kIgnored;
      const uint64_t label = counts ? static_cast<uint64_t>(labels[i]) : 0;
      kept += counts;
      scores[i] = counts ? read_one<T>(c.inputs[0], place_of(c, at + i, label)) : T(0);
      group.weights[i] = !counts ? T(0) : c.weight.data != nullptr ? read_one<T>(c.weight, label) : T(1);
    }
    for (size_t i = 0; i < kRowGroup; i += V::lanes) {
      const Out<V> out = Loss::at(V::load(scores + i), params);
      (V::load(group.weights + i) * out.value).store(group.values + i);
      (V::load(group.weights + i) * out.grad).store(slopes + i);
    }
    group.finish(c, at, n, kept, sums, is_mean_weighted(c));
    if (c.grads[0].data == nullptr) continue;
    clear_rows(c, c.grads[0], at, n);
    for (size_t i = 0; i < n; ++i) {
      if (labels[i] == kIgnored) continue;
      const double incoming = incoming_gradient(c, at + i);
      write_one(c.grads[0], place_of(c, at + i, static_cast<uint64_t>(labels[i])),
                static_cast<T>(incoming * static_cast<double>(slopes[i])));
    }
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
