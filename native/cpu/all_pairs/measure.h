// The first walk over all pairs: what the softmax of a row is made of.
#pragma once

#include "cpu/all_pairs/scores.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Measures whole vectors of scores; `q` are the weights of the dense part of a loss. */
template <bool dense>
Chunk measure_row(const double* s, size_t n, const double* q) {
  const double largest = greatest_score(s, n);
  if (largest == infinity<double>)
    return measure_infinite<dense>(s, n, [q](size_t j) LOSSKIT_LAMBDA { return q[j]; });
  return measure_finite<dense>(s, n, largest, [q](size_t i) LOSSKIT_LAMBDA { return Doubles::load(q + i); });
}

/** The class weights of a tile, or ones. */
template <class T>
LOSSKIT_INLINE void read_class_weights(const Call& c, uint64_t other, size_t n, double* q) {
  if (c.weight.data != nullptr) {
    widen_block<T>(c.weight, other, n, q);
  } else {
    for (size_t j = 0; j < n; ++j) q[j] = 1;
  }
  for (size_t j = n; j % 16 != 0; ++j) q[j] = 0;
}

template <class Loss, class T>
Chunk measure_scores_of(const Call& c, const Rows& r, uint64_t row, uint64_t other, size_t n, double* s,
                        const double* class_weights) {
  if constexpr (!is_self<Loss>) {
    const uint64_t label = static_cast<uint64_t>(r.labels[row]) - other;
    if (r.labels[row] >= static_cast<int64_t>(other) && label < n) r.label_score[row] = s[label];
    if (c.label_smoothing != 0) return measure_row<true>(s, n, class_weights);
    return measure_row<false>(s, n, nullptr);
  } else {
    double matches[kTile];
    match_labels(r.labels, row, other, n, matches);
    if (row >= other && row < other + n) s[row - other] = -infinity<double>;
    if constexpr (Loss::clusters == Clusters::together) return measure_row<true>(s, n, matches);
    for (size_t j = 0; j < n; ++j) {
      if (matches[j] != 0) s[j] = -infinity<double>;
    }
    return measure_row<false>(s, n, nullptr);
  }
}

template <class Loss, class T>
void measure_pairs(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_x(c));
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  const uint64_t block = block_of_x(c), records = records_of(c);
  Chunk whole[kTile], strip[kTile];
  double class_weights[kTile];
  uint64_t packed = kNotPacked;
  for (uint64_t item = begin; item < end; ++item) {
    const uint64_t row = item / records * block, record = item % records;
    const uint64_t rows = smaller(c.rows - row, block);
    const uint64_t from = record * kStrip, to = records == 1 ? c.others : smaller(c.others, from + kStrip);
    for (uint64_t i = 0; i < rows; ++i) whole[i] = kNothing;
    for (uint64_t start = from; start < to; start += kStrip) {
      const auto measure = [&](uint64_t other, uint64_t n) {
        if (!is_self<Loss> && c.label_smoothing != 0) read_class_weights<T>(c, other, n, class_weights);
        for (uint64_t i = 0; i < rows; ++i) {
          const Chunk chunk =
              measure_scores_of<Loss, T>(c, r, row + i, other, n, t.scores_of(i), class_weights);
          combine_into(strip[i], chunk, other == start);
        }
      };
      walk_tiles<Loss, T, false>(c, x, row, rows, y, start, smaller(to, start + kStrip), t, packed, wants_all,
                                 measure);
      for (uint64_t i = 0; i < rows; ++i) combine_into(whole[i], strip[i], start == from);
    }
    for (uint64_t i = 0; i < rows; ++i) r.measured[(row + i) * records + record] = whole[i];
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
