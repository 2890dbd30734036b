// Softmax losses of rows of at most 32 classes with class indices: a vector holds the same class of 16 rows.
//
// A row shorter than a few vectors would leave most lanes empty. Here sixteen rows are turned on their side,
// every step works on all of them, and the exponentials of a row are added in the order of its classes.
#pragma once

#include "cpu/softmax.h"
#include "cpu/strided.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** x[rows][classes] to tile[classes][16]; lanes without a row hold 0. */
template <class T>
LOSSKIT_INLINE void turn(const T* x, size_t rows, size_t classes, T* tile) {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t k = 0; k < classes; ++k) tile[k * 16 + r] = x[r * classes + k];
  }
  for (size_t r = rows; r < 16; ++r) {
    for (size_t k = 0; k < classes; ++k) tile[k * 16 + r] = T(0);
  }
}

/** `apart`: the class axis is not the last, so that the rows of a vector lie beside each other already. */
template <class Loss, class T, bool apart>
void tiny_softmax_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  using V = vec<T, 16>;
  constexpr size_t stride = apart ? kPlane : 16;
  alignas(64) T planes[kTinyClasses * stride];  // [classes][rows]: sixteen rows, or a group of them
  alignas(64) T logits[kTinyClasses * 16], rounded[kTinyClasses * 16];
  alignas(64) T score[16] = {}, label_grad[16], kept_row[16] = {};
  alignas(64) double weight[16], incoming[16];
  for (size_t r = 0; r < 16; ++r) weight[r] = 1, incoming[r] = c.scale;
  int64_t labels[kRowGroup];
  RowGroup<T> group;
  const typename Loss::template Params<double> params(c.params);
  const size_t classes = static_cast<size_t>(c.columns);
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    if (!read_labels(c, 1, c.columns, at, n, labels, sums.fault)) return;
    if constexpr (apart) {
      read_planes(c, c.inputs[0], at, n, 0, classes, planes);
      for (size_t k = 0; k < classes; ++k) {
        for (size_t r = n; r % 16 != 0; ++r) planes[k * stride + r] = T(0);
      }
    }
    size_t kept = 0;
    for (size_t first = 0; first < n; first += 16) {
      const uint64_t row = at + first;
      const size_t rows = n - first < 16 ? n - first : 16;
      const int64_t* label = labels + first;
      T* const tile = apart ? planes + first : planes;
      if constexpr (!apart)
        turn(read_block(c.inputs[0], row * classes, rows * classes, logits), rows, classes, tile);
      for (size_t r = 0; r < rows; ++r) {
        const bool counts = label[r] != kIgnored;
        kept += counts;
        kept_row[r] = counts ? T(1) : T(0);
        score[r] = tile[static_cast<size_t>(counts ? label[r] : 0) * stride + r];
      }
      if (c.weight.data != nullptr) {
        for (size_t r = 0; r < rows; ++r) {
          weight[r] = label[r] == kIgnored
                          ? 0
                          : static_cast<double>(read_one<T>(c.weight, static_cast<uint64_t>(label[r])));
          group.weights[first + r] = static_cast<T>(weight[r]);
        }
      }
      if (c.upstream.data != nullptr) {
        for (size_t r = 0; r < rows; ++r) incoming[r] = incoming_gradient(c, row + r);
      }

      V largest = V::load(tile);
      for (size_t k = 1; k < classes; ++k) largest = max(V::load(tile + k * stride), largest);
      const V shift = select(largest == V(-infinity<T>), V(0), largest);
      UnitSum<V> sum;
      for (size_t k = 0; k < classes; ++k) {
        const V e = exp_flushed(V::load(tile + k * stride) - shift);
        e.store(tile + k * stride);
        sum.add(e);
      }
      const Doubles none(0);
      const FinishedRows done =
          finish_rows<Loss>(c, params,
                            {widen(largest), widen(sum.whole()), widen(sum.rest()), none, none,
                             widen(V::load(score)), Doubles::load(weight), Doubles::load(incoming)});
      const auto counts = V::load(kept_row) == V(1);  // whatever an ignored row held
      select(counts, narrow_to<T>(done.value), V(0)).store(group.values + first, rows);
      if (c.grads[0].data == nullptr) continue;

      const V factor = narrow_to<T>(done.factor);
      for (size_t k = 0; k < classes; ++k) {
        select(counts, V::load(tile + k * stride) * factor, V(0)).store(tile + k * stride);
      }
      narrow_to<T>(done.label_grad).store(label_grad);
      for (size_t r = 0; r < rows; ++r) {
        if (label[r] != kIgnored) tile[static_cast<size_t>(label[r]) * stride + r] = label_grad[r];
      }
      if constexpr (!apart) {
        T* grad = output_block(c.grads[0], row * classes, rounded);
        for (size_t r = 0; r < rows; ++r) {
          for (size_t k = 0; k < classes; ++k) grad[r * classes + k] = tile[k * stride + r];
        }
        flush_block(c.grads[0], row * classes, rows * classes, grad);
      }
    }
    if (apart && c.grads[0].data != nullptr) write_planes(c, c.grads[0], at, n, 0, classes, planes);
    group.finish(c, at, n, kept, sums, is_mean_weighted(c));
  }
}

/** The driver of a softmax loss: by the shape of its rows. */
template <class Loss, class T>
void rows_of_softmax(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* scratch) {
  if (!is_tiny(c)) return along_axis<T, softmax_rows<Loss, T>>(c, begin, end, sums, scratch);
  if (c.inner == 1) return tiny_softmax_rows<Loss, T, false>(c, begin, end, sums, scratch);
  tiny_softmax_rows<Loss, T, true>(c, begin, end, sums, scratch);
}

/** An exponential takes as long as reading eight bytes; turning rows and finishing each, three times more. */
inline uint64_t softmax_work(const Call& c) { return c.inputs[0].size * (is_tiny(c) ? 32 : 8); }

template <class T>
uint64_t softmax_scratch(const Call& c) {
  return is_tiny(c) ? 0 : tile_bytes<T>(c) + softmax_bytes<T>(c);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
