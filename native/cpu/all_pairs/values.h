// The value of a row of all pairs, and what its derivatives are made of.
#pragma once

#include "cpu/all_pairs/measure.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

LOSSKIT_INLINE double log_sum_of(const Chunk& whole) {
  return of_one((whole.whole - 1) + whole.rest, [](auto v) { return log1p(v); });
}

/** Of all scores of a row. */
LOSSKIT_INLINE Chunk whole_row(const Call& c, const Rows& r, uint64_t row) {
  const uint64_t records = records_of(c);
  Chunk whole = r.measured[row * records];
  for (uint64_t k = 1; k < records; ++k) combine_into(whole, r.measured[row * records + k], false);
  return whole;
}

/** A row's value, its weight in the divisor of the mean, and whether it counts. */
struct RowValue {
  double value, weight;
  bool counts;
};

template <class Loss>
constexpr double inverse_temperature(const Call& c) {
  return Loss::cosine ? 1 / c.params[0] : 1;
}

/** The cross-entropy of a row's scores and its label; see softmax/finish.h. */
template <class Loss, class T>
RowValue finish_labelled(const Call& c, const Rows& r, uint64_t row) {
  const int64_t label = r.labels[row];
  r.max[row] = r.factor[row] = r.uniform[row] = r.label_slope[row] = 0;
  if (label == kIgnored) return {0, 0, false};
  const Chunk whole = whole_row(c, r, row);
  const double sum = whole.whole + whole.rest, log_sum = log_sum_of(whole);
  const double nll = (whole.max - r.label_score[row]) + log_sum;
  const double incoming = incoming_gradient(c, row) * inverse_temperature<Loss>(c);
  const double p_less_one = of_one(-nll, [](auto v) { return expm1(v); });
  const double weight =
      c.weight.data != nullptr ? read_one<double>(c.weight, static_cast<uint64_t>(label)) : 1;
  r.max[row] = whole.max;
  if (c.label_smoothing == 0) {
    r.factor[row] = incoming * weight / sum;
    r.label_slope[row] = incoming * weight * p_less_one;
    return {weight * nll, weight, true};
  }
  const double keep = (1 - c.label_smoothing) * weight;
  const double floor = c.label_smoothing / static_cast<double>(c.others);
  r.factor[row] = incoming * (keep + floor * whole.mass) / sum;
  r.uniform[row] = incoming * floor;
  r.label_slope[row] = incoming * (keep * p_less_one + floor * (whole.mass * (p_less_one + 1) - weight));
  return {keep * nll + floor * (whole.dot + whole.mass * log_sum), weight, true};
}

/** The mean over a row's positives of their cross-entropies. */
template <class Loss>
RowValue finish_together(const Call& c, const Rows& r, uint64_t row) {
  const Chunk whole = whole_row(c, r, row);
  r.max[row] = whole.max;
  r.factor[row] = r.positive[row] = r.shift[row] = 0;
  if (whole.mass == 0) return {0, 0, false};
  const double log_sum = log_sum_of(whole);
  const double incoming = incoming_gradient(c, row) * inverse_temperature<Loss>(c);
  r.factor[row] = incoming / (whole.whole + whole.rest);
  r.positive[row] = incoming / whole.mass;
  r.shift[row] = (whole.max + log_sum) - of_one(whole.mass, [](auto v) { return log(v); });
  return {whole.dot / whole.mass + log_sum, 1, true};
}

/** What a row's positives add up to where each stands against the negatives alone. */
struct PositiveSums {
  Doubles value{0}, slope{0}, count{0};
};

template <class Loss>
RowValue finish_apart(const Call& c, const Rows& r, uint64_t row, const PositiveSums& positives) {
  const double count = sum_lanes(positives.count), slope = sum_lanes(positives.slope);
  const double negatives = r.factor[row];  // the sum of their exponentials, so far
  r.factor[row] = r.positive[row] = 0;
  if (count == 0) return {0, 0, false};
  const double incoming = incoming_gradient(c, row) * inverse_temperature<Loss>(c);
  r.positive[row] = incoming / count;
  r.factor[row] = negatives == 0 ? 0 : incoming / count * slope / negatives;
  return {sum_lanes(positives.value) / count, 1, true};
}

template <class Loss, class T>
void sum_positives(const Call& c, const Rows& r, uint64_t row, uint64_t rows, PositiveSums* sums,
                   const Tile& t) {
  for (uint64_t i = 0; i < rows; ++i) {
    const Chunk whole = whole_row(c, r, row + i);
    r.max[row + i] = whole.max;
    r.shift[row + i] = whole.max + log_sum_of(whole);
    r.factor[row + i] = whole.whole + whole.rest;
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
