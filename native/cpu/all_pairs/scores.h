// The scores of all pairs, a tile at a time.
#pragma once

#include "cpu/all_pairs/norms.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Lanes from n on become -inf, which no sum of exponentials notices. */
LOSSKIT_INLINE Doubles only_scores(Doubles s, size_t n) {
  constexpr double kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  if (n >= 16) return s;
  return select(Doubles::load(kOnes, n, 0) == Doubles(0), Doubles(-infinity<double>), s);
}

/** Turns products of row `row` into its scores: cosines over the temperature, or with a bias. */
template <class Loss, class T, bool transposed>
LOSSKIT_INLINE void finish_scores(const Call& c, const Side& a, uint64_t row, const Side& b, uint64_t other,
                                  size_t n, double* s) {
  double bias[kTile];
  constexpr bool biased = Loss::inputs == 4;
  if constexpr (biased) {
    if (transposed) {
      bias[0] = read_one<double>(c.inputs[3], row);
    } else {
      widen_block<T>(c.inputs[3], other, n, bias);
    }
  }
  for (size_t i = 0; i < n; i += 16) {
    Doubles score = Doubles::load(s + i);
    if constexpr (Loss::cosine) {
      const Doubles norms = Doubles(a.inverse[row]) * load_some<Doubles>(b.inverse + other + i, n - i, 0);
      score = score * (norms * Doubles(1 / c.params[0]));
    } else if constexpr (biased) {
      score = score + (transposed ? Doubles(bias[0]) : load_some<Doubles>(bias + i, n - i, 0));
    }
    only_scores(score, n - i).store(s + i);
  }
}

/** Walks all tiles of a block of rows of a: `use(other, n)` finds its scores in the tile. `wants(other, n)`
 * gives the register tiles to be computed, null for all. */
template <class Loss, class T, bool transposed, class Wants, class Use>
void walk_tiles(const Call& c, const Side& a, uint64_t row, uint64_t rows, const Side& b, uint64_t from,
                uint64_t to, const Tile& t, uint64_t& packed, Wants wants, Use use) {
  for (uint64_t other = from; other < to; other += kTile) {
    const uint64_t n = smaller(to - other, kTile);
    score_tile<T>(a.matrix, row, rows, b.matrix, other, n, packed == row, wants(other, n), t);
    if (c.columns <= kDepth) packed = row;
    for (uint64_t i = 0; i < rows; ++i) {
      finish_scores<Loss, T, transposed>(c, a, row + i, b, other, n, t.scores_of(i));
    }
    use(other, n);
  }
}
inline const bool* wants_all(uint64_t, uint64_t) { return nullptr; }

/** 1 where a row's label is that of the others, but for the row itself; 0 up to whole vectors. */
LOSSKIT_INLINE void match_labels(const int64_t* labels, uint64_t row, uint64_t other, size_t n,
                                 double* matches) {
  const int64_t own = labels[row];
  for (size_t j = 0; j < n; ++j) matches[j] = labels[other + j] == own ? 1 : 0;
  for (size_t j = n; j % 16 != 0; ++j) matches[j] = 0;
  if (row >= other && row < other + n) matches[row - other] = 0;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
