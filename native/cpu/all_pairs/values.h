// The value of a row of all pairs, of what the call says of it.
#pragma once

#include "cpu/all_pairs/measure.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** The cross-entropy of a row's scores and its label, which may have a weight. */
template <class Loss>
RowValue finish_labelled(const Call& c, const Rows& r, uint64_t row) {
  const int64_t label = r.labels[row];
  const bool weighs = label != kIgnored && c.weight.data != nullptr;
  const double weight = weighs ? read_one<double>(c.weight, static_cast<uint64_t>(label)) : 1;
  return finish_labelled<Loss>(c, r, row, incoming_gradient(c, row), weight);
}

template <class Loss>
RowValue finish_apart(const Call& c, const Rows& r, uint64_t row, const PositiveSums& positives) {
  const double count = sum_lanes(positives.count), slope = sum_lanes(positives.slope);
  return finish_apart<Loss>(c, r, row, incoming_gradient(c, row), sum_lanes(positives.value), slope, count);
}

template <class Loss, class T>
void sum_positives(const Call& c, const Rows& r, uint64_t row, uint64_t rows, PositiveSums* sums,
                   const Tile& t) {
  for (uint64_t i = 0; i < rows; ++i) {
    finish_negatives(c, r, row + i);
    sums[i] = {};
  }
  const Side x = side_x<Loss, T>(c, r);
  uint64_t packed = kNotPacked;
  // Positives are few: only the register tiles that hold some are computed.
  bool wanted[kRegisterTiles];
  double matches[kTile];
  const auto wants = [&](uint64_t other, uint64_t n) -> const bool* {
    for (uint64_t k = 0; k < kRegisterTiles; ++k) wanted[k] = false;
    for (uint64_t i = 0; i < rows; ++i) {
      match_labels(r.labels, row + i, other, n, matches);
      for (uint64_t j = 0; j < n; ++j) wanted[i / kGroup * kPanels + j / kLanes] |= matches[j] != 0;
    }
    return wanted;
  };
  const auto add = [&](uint64_t other, uint64_t n) {
    for (uint64_t i = 0; i < rows; ++i) {
      match_labels(r.labels, row + i, other, n, matches);
      const double* const s = t.scores_of(i);
      for (uint64_t j = 0; j < n; j += 16) {
        const Doubles match = Doubles::load(matches + j);
        const auto is_positive = match == Doubles(1);
        if (!any(is_positive)) continue;
        const Doubles above = Doubles(r.shift[row + i]) - Doubles::load(s + j);
        sums[i].value = sums[i].value + select(is_positive, softplus(above), Doubles(0));
        sums[i].slope = sums[i].slope + select(is_positive, sigmoid(above), Doubles(0));
        sums[i].count = sums[i].count + match;
      }
    }
  };
  walk_tiles<Loss, T, false>(c, x, row, rows, x, 0, c.rows, t, packed, wants, add);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
