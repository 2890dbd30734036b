// From rows to values, of every loss of all pairs of rows: the parts of every row's softmax, tile by tile
// (pair_tiles.h), and what they are together. No more is ever held than a tile.
#pragma once

#include "cuda/driver.h"
#include "cuda/pair_tiles.h"
#include "cuda/rows.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** From the product of a row of one side with one of the other to their score: a cosine times `factor`, or
 * the product plus the bias of the row of y. */
template <class Loss, class T, bool transposed>
struct ScoreOf {
  const Call& c;
  const Rows& r;
  double factor;

  LOSSKIT_INLINE double operator()(double product, uint64_t row, uint64_t other) const {
    const uint64_t of_x = transposed ? other : row, of_y = transposed ? row : other;
    if constexpr (Loss::cosine) {
      return product * (r.inverse_x[of_x] * r.inverse_y[of_y] * factor);
    } else if constexpr (Loss::inputs == 4) {
      return product + static_cast<double>(float_at<T>(c.inputs[3], of_y));
    } else {
      return product;
    }
  }
};

/** Computes a tile of scores. Beyond n <= kTile rows of y they are -inf, which no sum of exponentials
 * notices. */
template <class Loss, class T>
LOSSKIT_INLINE void score_tile(const Call& c, const Rows& r, double factor, uint64_t row, uint64_t other,
                               uint64_t n, PairTile& t) {
  const ScoreOf<Loss, T, false> score_of = {c, r, factor};
  multiply_tile<T>(side_x<Loss, T>(c, r).matrix, row, side_y<Loss, T>(c, r).matrix, other, t);
  each_score(t, row, c.rows, other, kTile, [&](uint64_t at, uint64_t column, double& score) {
    score = column - other < n ? score_of(score, at, column) : -infinity<double>;
  });
}

template <bool dense, class Weight>
LOSSKIT_INLINE Chunk measure_row(const double* s, Weight weight) {
  const double largest = greatest_score(s, kTile);
  if (largest == infinity<double>) {
    __syncwarp(team_mask());  // each thread reads the scores of all
    return measure_infinite<dense>(s, kTile, weight);
  }
  return measure_finite<dense>(s, kTile, largest, [&](size_t j) { return Doubles(weight(j + lane())); });
}

/** Measures the scores of one row in a tile, by a team. */
template <class Loss, class T>
LOSSKIT_INLINE Chunk measure_scores(const Call& c, const Rows& r, uint64_t row, uint64_t other, uint64_t n,
                                    double* s) {
  const int64_t label = r.labels[row];
  const auto no_weight = [](size_t) { return 0.0; };
  if constexpr (!is_self<Loss>) {
    const uint64_t at = static_cast<uint64_t>(label) - other;
    if (at < n && at % kTeam == lane()) r.label_score[row] = s[at];
    if constexpr (Loss::labels >= 0) {
      if (c.label_smoothing != 0) {
        return measure_row<true>(s, [&](size_t j) {
          return j < n ? static_cast<double>(class_weight<T>(c, static_cast<int64_t>(other + j))) : 0;
        });
      }
    }
    return measure_row<false>(s, no_weight);
  } else {
    const uint64_t self = row - other;  // beyond the tile, where the row is not in it
    const auto matches = [&](size_t j) { return j < n && j != self && r.labels[other + j] == label; };
    if (self < n && self % kTeam == lane()) s[self] = -infinity<double>;
    if constexpr (Loss::clusters == Clusters::together) {
      return measure_row<true>(s, [&](size_t j) { return matches(j) ? 1.0 : 0.0; });
    } else {
      for (size_t j = lane(); j < kTile; j += kTeam) {
        if (matches(j)) s[j] = -infinity<double>;
      }
      return measure_row<false>(s, no_weight);
    }
  }
}

/** By one thread of a team: the others keep their registers. */
LOSSKIT_SELDOM void combine_seldom(Chunk* whole, const Chunk* part, bool first) {
  combine_into(*whole, *part, first);
}

template <class Loss, class T>
__global__ void __launch_bounds__(kPairThreads, 4)
    measure_kernel(const __grid_constant__ Call c, double factor) {
  __shared__ PairTile tile;
  __shared__ Chunk part[kTileRows], strip[kTileRows], whole[kTileRows];
  const Rows r = rows_of<Loss>(c);
  const uint64_t records = records_of(c), blocks = (c.rows + kTileRows - 1) / kTileRows;
  for (uint64_t item = blockIdx.x; item < blocks * records; item += gridDim.x) {
    const uint64_t row = item / records * kTileRows, record = item % records;
    const uint64_t from = record * kStrip,
                   to = records == 1 || c.others - from < kStrip ? c.others : from + kStrip;
    // Each of the first threads of a team has one of its rows.
    const int own = own_row() + static_cast<int>(lane());
    const bool combines = lane() < kOwnRows && row + static_cast<uint64_t>(own) < c.rows;
    if (combines) whole[own] = kNothing;
    for (uint64_t other = from; other < to; other += kTile) {
      const uint64_t n = to - other < kTile ? to - other : kTile, of_strip = (other - from) % kStrip;
      score_tile<Loss, T>(c, r, factor, row, other, n, tile);
      for (int i = own_row(); i < own_row() + kOwnRows && row + static_cast<uint64_t>(i) < c.rows; ++i) {
        const Chunk chunk =
            measure_scores<Loss, T>(c, r, row + static_cast<uint64_t>(i), other, n, tile.scores[i]);
        if (lane() == 0) part[i] = chunk;
      }
      __syncwarp(team_mask());
      if (combines) {
        combine_seldom(&strip[own], &part[own], of_strip == 0);
        if (of_strip + kTile == kStrip || other + kTile >= to)
          combine_seldom(&whole[own], &strip[own], other - from < kStrip);
      }
    }
    if (combines) r.measured[(row + static_cast<uint64_t>(own)) * records + record] = whole[own];
  }
}

template <class Loss, class T>
Code measure_pairs(const Call& c, const Place& place) {
  const uint64_t items = (c.rows + kTileRows - 1) / kTileRows * records_of(c);
  return launch(measure_kernel<Loss, T>, grid_of(items, 1, place.processors, 32), kPairThreads, 0,
                place.stream, c, inverse_temperature<Loss>(c));
}

template <class Loss, class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    finish_kernel(const __grid_constant__ Call c, const double* scale, Outcome<T>* outcome) {
  constexpr bool names_classes = Loss::clusters == Clusters::none && Loss::labels >= 0;
  __shared__ BlockTally<T, names_classes> block;
  Tally<T, names_classes> tally(block);
  const Rows r = rows_of<Loss>(c);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads; start < c.rows; start += stride) {
    const uint64_t row = start + threadIdx.x;
    RowValue done = {0, 0, false};
    if (row < c.rows) {
      const double incoming = incoming_gradient(c, scale, row);
      if constexpr (Loss::clusters == Clusters::none) {
        double weight = 1;
        if constexpr (names_classes) {
          if (r.labels[row] == kBad) tally.fault(row, Loss::labels, Status::label);
          if (r.labels[row] >= 0) weight = class_weight<double>(c, r.labels[row]);
        }
        done = finish_labelled<Loss>(c, r, row, incoming, weight);
      } else if constexpr (Loss::clusters == Clusters::together) {
        done = finish_together<Loss>(c, r, row, incoming);
      } else {
        done =
            finish_apart<Loss>(c, r, row, incoming, r.label_score[row], r.label_slope[row], r.uniform[row]);
      }
    }
    const T value[1] = {static_cast<T>(done.value)};
    if (row < c.rows && c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
    if (c.wants_sum) tally.add(value);
    if constexpr (names_classes) {
      if (c.weight.data != nullptr && c.wants_sum) tally.add_weight(static_cast<T>(done.weight));
    }
    tally.count(done.counts);
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
Code finish_pairs(const Call& c, const Place& place) {
  return launch(finish_kernel<Loss, T>, grid_of(c.rows, kThreads, place.processors, 8), kThreads, 0,
                place.stream, c, place.scale_of<T>(), place.outcome_of<T>());
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
