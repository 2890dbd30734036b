// Before all pairs: the norms of rows, and which labels have a partner.
#pragma once

#include "cpu/all_pairs/rows.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** A row in blocks of float64, in vectors of which the last is filled with zeros. */
template <class T, class Use>
LOSSKIT_INLINE void each_block(const Matrix& m, uint64_t row, Use use) {
  double block[kDepth];
  const Doubles scale(m.scale(row));
  for (uint64_t k = 0; k < m.columns; k += kDepth) {
    const size_t n = static_cast<size_t>(smaller(m.columns - k, kDepth));
    widen_block<T>(m.tensor, row * m.columns + k, n, block);
    for (size_t i = 0; i < n; i += 16) {
      use(load_some<Doubles>(block + i, n - i, 0) * scale, k + i, n - i < 16 ? n - i : 16);
    }
  }
}

template <class Loss>
uint64_t prepared_items(const Call& c) {
  return is_self<Loss> || !Loss::cosine ? c.rows : c.rows + c.others;
}

template <class Loss, class T>
void prepare_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  const Rows rows = rows_of<Loss>(c);
  const uint64_t of_x = smaller(end, c.rows);
  if constexpr (Loss::labels < 0) {
    for (uint64_t i = begin; i < of_x; ++i) rows.labels[i] = static_cast<int64_t>(i);
  } else if constexpr (is_self<Loss>) {
    if (begin < of_x) read_as(c.inputs[Loss::labels], begin, of_x - begin, rows.labels + begin);
  } else {
    for (uint64_t i = begin; i < of_x; i += kRowGroup) {
      const size_t n = static_cast<size_t>(smaller(of_x - i, kRowGroup));
      if (!read_labels(c, Loss::labels, c.others, i, n, rows.labels + i, sums.fault)) return;
    }
  }
  if constexpr (Loss::cosine) {
    const Matrix x = side_x<Loss, T>(c, rows).matrix, y = side_y<Loss, T>(c, rows).matrix;
    for (uint64_t i = begin; i < of_x; ++i) {
      rows.scale_x[i] = scale_of<T>(x, i);
      rows.inverse_x[i] = inverse_norm<T>(x, i);
    }
    for (uint64_t i = begin < c.rows ? 0 : begin - c.rows; c.rows + i < end; ++i) {
      rows.scale_y[i] = scale_of<T>(y, i);
      rows.inverse_y[i] = inverse_norm<T>(y, i);
    }
  }
}

/** Counts the rows of clusters of more than one: those that have a loss. */
template <class T>
void survey_anchors(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  int64_t own[kRowGroup], others[kRowGroup];
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = static_cast<size_t>(smaller(end - at, kRowGroup));
    read_as(c.inputs[1], at, n, own);
    bool found[kRowGroup] = {};
    size_t left = n;
    for (uint64_t j = 0; j < c.rows && left != 0; j += kRowGroup) {
      const size_t count = static_cast<size_t>(smaller(c.rows - j, kRowGroup));
      read_as(c.inputs[1], j, count, others);
      for (size_t i = 0; i < n; ++i) {
        if (found[i]) continue;
        int same = 0;
        for (size_t k = 0; k < count; ++k) same += others[k] == own[i];
        const bool sees_itself = at + i >= j && at + i < j + count;
        found[i] = same > (sees_itself ? 1 : 0);
        left -= found[i] ? 1 : 0;
      }
    }
    sums.count += n - left;
  }
}

template <class T>
void survey_targets(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  survey_labels<T, 2>(c, c.others, begin, end, sums);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
