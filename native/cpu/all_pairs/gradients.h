// The second walk over all pairs: scores turned into derivatives, and the rows weighted so added up.
#pragma once

#include "cpu/all_pairs/values.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Turns a tile of scores of x into derivatives. */
template <class Loss, class T>
void slopes_of_x(const Call& c, const Rows& r, uint64_t row, uint64_t rows, uint64_t other, uint64_t n,
                 const Tile& t) {
  double q[kTile];
  read_class_weights<T>(c, other, n, q);
  for (uint64_t i = 0; i < rows; ++i) {
    double* const s = t.scores_of(i);
    const uint64_t at = row + i;
    const Doubles max(r.max[at]), factor(r.factor[at]), uniform(r.uniform[at]);
    for (uint64_t j = 0; j < n; j += 16) {
      slope_of(Doubles::load(s + j), max, factor, uniform, Doubles::load(q + j)).store(s + j);
    }
    const uint64_t label = static_cast<uint64_t>(r.labels[at]) - other;
    if (r.labels[at] >= static_cast<int64_t>(other) && label < n) s[label] = r.label_slope[at];
  }
}

/** Turns a tile of scores of y, whose columns are rows of x, into derivatives. */
template <class Loss, class T>
void slopes_of_y(const Call& c, const Rows& r, uint64_t row, uint64_t rows, uint64_t other, uint64_t n,
                 const Tile& t) {
  for (uint64_t i = 0; i < rows; ++i) {
    double* const s = t.scores_of(i);
    const Doubles q(c.weight.data != nullptr ? read_one<double>(c.weight, row + i) : 1);
    for (uint64_t j = 0; j < n; j += 16) {
      const auto of_row = [&](const double* array)
                              LOSSKIT_LAMBDA { return load_some<Doubles>(array + other + j, n - j, 0); };
      slope_of(Doubles::load(s + j), of_row(r.max), of_row(r.factor), of_row(r.uniform), q).store(s + j);
    }
  }
  for (uint64_t j = 0; j < n; ++j) {
    const uint64_t label = static_cast<uint64_t>(r.labels[other + j]) - row;
    if (r.labels[other + j] >= static_cast<int64_t>(row) && label < rows) {
      t.scores_of(label)[j] = r.label_slope[other + j];
    }
  }
}

/** Turns a tile of scores of clusters into derivatives: a score is one of both its rows. */
template <class Loss>
void slopes_of_clusters(const Rows& r, uint64_t row, uint64_t rows, uint64_t other, uint64_t n,
                        const Tile& t) {
  double matches[kTile];
  for (uint64_t i = 0; i < rows; ++i) {
    double* const s = t.scores_of(i);
    const uint64_t at = row + i;
    match_labels(r.labels, at, other, n, matches);
    const Doubles max(r.max[at]), factor(r.factor[at]), positive(r.positive[at]), shift(r.shift[at]);
    for (uint64_t j = 0; j < n; j += 16) {
      const auto of_row = [&](const double* array)
                              LOSSKIT_LAMBDA { return load_some<Doubles>(array + other + j, n - j, 0); };
      const auto is_positive = Doubles::load(matches + j) == Doubles(1);
      const Doubles score = Doubles::load(s + j);
      const Doubles own = slope_of<Loss>(score, max, factor, positive, shift, is_positive);
      const Doubles theirs = slope_of<Loss>(score, of_row(r.max), of_row(r.factor), of_row(r.positive),
                                            of_row(r.shift), is_positive);
      (own + theirs).store(s + j);
    }
    if (at >= other && at < other + n) s[at - other] = 0;
  }
}

/** The derivative by normalised rows is one by the rows of the other side as they are. */
LOSSKIT_INLINE void divide_by_norms(const double* inverse, uint64_t other, uint64_t n, double* weights) {
  for (uint64_t j = 0; j < n; j += 16) {
    (Doubles::load(weights + j) * load_some<Doubles>(inverse + other + j, n - j, 0)).store(weights + j);
  }
}

template <class T>
void write_row(const MutableTensor& grad, uint64_t at, uint64_t columns, const double* sums) {
  T rounded[kDepth];
  for (uint64_t k = 0; k < columns; k += kDepth) {
    const size_t n = static_cast<size_t>(smaller(columns - k, kDepth));
    T* const out = output_block(grad, at + k, rounded);
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<T>(sums[k + i]);
    flush_block(grad, at + k, n, out);
  }
}

/** Projects and writes the sums of a block of rows. */
template <class Loss, class T>
void write_block(const MutableTensor& grad, const Side& side, uint64_t row, uint64_t rows, const Tile& t) {
  for (uint64_t i = 0; i < rows; ++i) {
    if constexpr (Loss::cosine) project<T>(side.matrix, row + i, side.inverse[row + i], t.sums_of(i));
    write_row<T>(grad, (row + i) * side.matrix.columns, side.matrix.columns, t.sums_of(i));
  }
}

template <class Loss, class T>
void gradient_of_x(const Call& c, const Rows& r, uint64_t row, uint64_t rows, const Tile& t) {
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  uint64_t packed = kNotPacked;
  clear_sums(t.shape.rows, t);
  const auto add = [&](uint64_t other, uint64_t n) {
    if constexpr (is_self<Loss>) {
      slopes_of_clusters<Loss>(r, row, rows, other, n, t);
    } else {
      slopes_of_x<Loss, T>(c, r, row, rows, other, n, t);
    }
    if constexpr (Loss::cosine) {
      for (uint64_t i = 0; i < rows; ++i) divide_by_norms(y.inverse, other, n, t.scores_of(i));
    }
    add_tile<T>(rows, y.matrix, other, n, nullptr, t);
  };
  walk_tiles<Loss, T, false>(c, x, row, rows, y, 0, c.others, t, packed, wants_all, add);
  for (uint64_t i = 0; i < rows && !is_self<Loss>; ++i) {
    if (r.labels[row + i] != kIgnored) continue;
    for (uint64_t k = 0; k < c.columns; ++k) t.sums_of(i)[k] = 0;
  }
  write_block<Loss, T>(c.grads[0], x, row, rows, t);
}

/** Rows of the second side: the same with sides exchanged, and the sums of the slopes, which are those of a
 * bias. */
template <class Loss, class T>
void gradients_of_y(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_y(c));
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  const uint64_t block = block_of_y(c);
  bool is_ignored[kTile];
  Doubles bias[kTile];
  for (uint64_t item = begin; item < end; ++item) {
    const uint64_t row = item * block, rows = smaller(c.others - row, block);
    uint64_t packed = kNotPacked;
    clear_sums(t.shape.rows, t);
    for (uint64_t i = 0; i < rows; ++i) bias[i] = Doubles(0);
    const auto add = [&](uint64_t other, uint64_t n) {
      slopes_of_y<Loss, T>(c, r, row, rows, other, n, t);
      for (uint64_t i = 0; i < rows; ++i) {
        if constexpr (Loss::cosine) divide_by_norms(x.inverse, other, n, t.scores_of(i));
        if constexpr (Loss::inputs == 4) {
          for (uint64_t j = 0; j < n; j += 16)
            bias[i] = bias[i] + load_some<Doubles>(t.scores_of(i) + j, n - j, 0);
        }
      }
      for (uint64_t j = 0; j < n; ++j) is_ignored[j] = r.labels[other + j] == kIgnored;
      add_tile<T>(rows, x.matrix, other, n, is_ignored, t);
    };
    walk_tiles<Loss, T, true>(c, y, row, rows, x, 0, c.rows, t, packed, wants_all, add);
    write_block<Loss, T>(c.grads[1], y, row, rows, t);
    if constexpr (Loss::inputs == 4) {
      double sums[kTile];
      for (uint64_t i = 0; i < rows; ++i) sums[i] = sum_lanes(bias[i]);
      write_row<T>(c.grads[2], row, rows, sums);
    }
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
