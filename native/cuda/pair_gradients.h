// The gradients of all pairs of rows: the scores once more, turned into derivatives, and the rows of the
// other side weighted so and added up. Between tiles the sums of as many rows lie in memory as kMostScratch
// holds.
#pragma once

#include "cuda/pair_measure.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Turns a tile of scores into derivatives by the rows of the other side, as they are. */
template <class Loss, class T, bool transposed>
LOSSKIT_INLINE void turn_into_slopes(const Call& c, const Rows& r, const Side& a, uint64_t row, const Side& b,
                                     uint64_t other, uint64_t n, PairTile& t) {
  each_score(t, row, a.matrix.rows, other, n, [&](uint64_t at, uint64_t column, double& score) {
    const uint64_t of_x = transposed ? column : at, of_y = transposed ? at : column;
    const Doubles s(score);
    const auto of = [&](const double* array, uint64_t i) { return Doubles(array[i]); };
    double slope;
    if constexpr (is_self<Loss>) {
      const bool is_positive = r.labels[at] == r.labels[column];
      const auto by = [&](uint64_t i) {
        return slope_of<Loss>(s, of(r.max, i), of(r.factor, i), of(r.positive, i), of(r.shift, i),
                              lane_mask(is_positive));
      };
      slope = at == column ? 0 : (by(at) + by(column)).v;
    } else if (static_cast<uint64_t>(r.labels[of_x]) == of_y) {
      slope = r.label_slope[of_x];
    } else {
      const double q = class_weight<T>(c, static_cast<int64_t>(of_y));
      slope = slope_of(s, of(r.max, of_x), of(r.factor, of_x), of(r.uniform, of_x), Doubles(q)).v;
    }
    score = Loss::cosine ? slope * b.inverse[column] : slope;
  });
}

/** Whether the rows of y have a gradient besides, that of what is added to their scores. */
template <class Loss, bool transposed>
constexpr bool sums_bias = transposed&& Loss::inputs == 4;

/** Shared memory of a block that sums rows: a tile, and what each lane of a row has of its bias. */
template <bool with_bias>
struct SumTile {
  PairTile pairs;
  double bias[with_bias ? kTileRows : 0][kTeam];
};

/** Rows of a side, of which a kernel has the sums. */
struct Range {
  uint64_t first, end;
};

/** Sums the rows of the other side for some rows of one. A block has 32 of them, and every `parts`-th 128 of
 * their numbers. */
template <class Loss, class T, bool transposed>
__global__ void __launch_bounds__(kPairThreads, 4)
    sum_kernel(const __grid_constant__ Call c, double factor, Range range, unsigned parts, double* sums) {
  constexpr bool with_bias = sums_bias<Loss, transposed>;
  __shared__ SumTile<with_bias> tile;
  const Rows r = rows_of<Loss>(c);
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  const Side &a = transposed ? y : x, &b = transposed ? x : y;
  const ScoreOf<Loss, T, transposed> score_of = {c, r, factor};
  const auto skips = [&](uint64_t other) {
    return transposed && Loss::labels >= 0 && r.labels[other] == kIgnored;
  };
  const uint64_t blocks = (range.end - range.first + kTileRows - 1) / kTileRows;
  for (uint64_t item = blockIdx.x; item < blocks * parts; item += gridDim.x) {
    const uint64_t part = item % parts, above = item / parts * kTileRows, row = range.first + above;
    if constexpr (with_bias) {
      for (int i = own_row(); i < own_row() + kOwnRows; ++i) tile.bias[i][lane()] = 0;
    }
    for (uint64_t other = 0; other < b.matrix.rows; other += kTile) {
      const uint64_t n = b.matrix.rows - other < kTile ? b.matrix.rows - other : kTile;
      score_tile<T>(a.matrix, row, b.matrix, other, n, score_of, tile.pairs);
      turn_into_slopes<Loss, T, transposed>(c, r, a, row, b, other, n, tile.pairs);
      if constexpr (with_bias) {
        for (int i = own_row(); i < own_row() + kOwnRows; ++i) {
          for (uint64_t j = lane(); j < n; j += kTeam) tile.bias[i][lane()] += tile.pairs.scores[i][j];
        }
      }
      for (uint64_t k = part * kTile; k < c.columns; k += parts * kTile)
        add_rows<T>(b.matrix, other, n, k, tile.pairs, sums + above * c.columns, range.end - row, other == 0,
                    skips);
    }
    if constexpr (with_bias) {
      for (int i = own_row(); i < own_row() + kOwnRows; ++i) {
        const uint64_t at = row + static_cast<uint64_t>(i);
        const double bias = sum_lanes(Doubles::load(tile.bias[i]));
        if (part == 0 && lane() == 0 && at < range.end) put_float(c.grads[2], at, static_cast<T>(bias));
      }
    }
  }
}

/** From sums to the gradient of every row, a team for each. */
template <class Loss, class T, bool transposed>
__global__ void __launch_bounds__(kThreads, kBlocks)
    write_kernel(const __grid_constant__ Call c, Range range, double* sums) {
  const Rows r = rows_of<Loss>(c);
  const Side a = transposed ? side_y<Loss, T>(c, r) : side_x<Loss, T>(c, r);
  const MutableTensor& grad = c.grads[transposed ? 1 : 0];
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t row = range.first + uint64_t(blockIdx.x) * kTeams + threadIdx.x / kTeam; row < range.end;
       row += stride) {
    double* const own = sums + (row - range.first) * c.columns;
    if constexpr (Loss::cosine) project<T>(a.matrix, row, a.inverse[row], own);
    // A row that is ignored has weighed by zero what may be no number.
    const bool is_ignored = !transposed && !is_self<Loss> && r.labels[row] == kIgnored;
    for (uint64_t k = lane(); k < c.columns; k += kTeam)
      put_float(grad, row * c.columns + k, is_ignored ? T(0) : static_cast<T>(own[k]));
  }
}

/** Rows of a side whose sums are in memory at once: those of a block at least. */
constexpr uint64_t rows_at_once(uint64_t rows, uint64_t columns) {
  if (columns == 0) return rows;
  const uint64_t fit = kMostScratch / (columns * sizeof(double)) / kTileRows * kTileRows;
  const uint64_t most = fit < kTileRows ? kTileRows : fit;
  return rows < most ? rows : most;
}

template <class Loss, class T, bool transposed>
Code write_gradient(const Call& c, const Place& place) {
  double* const sums = reinterpret_cast<double*>(static_cast<char*>(c.shared) + rows_bytes(c));
  const double factor = inverse_temperature<Loss>(c);
  const uint64_t rows = transposed ? c.others : c.rows, others = transposed ? c.rows : c.others;
  const uint64_t step = rows_at_once(rows, c.columns), panels = (c.columns + kTile - 1) / kTile;
  Code code = cudaSuccess;
  for (uint64_t first = 0; first < rows && code == cudaSuccess; first += step) {
    const Range range = {first, rows - first < step ? rows : first + step};
    const uint64_t n = range.end - range.first, blocks = (n + kTileRows - 1) / kTileRows;
    // Of nothing no tile begins the sums.
    if (others == 0) code = cudaMemsetAsync(sums, 0, n * c.columns * sizeof *sums, stream_of(place.stream));
    if (code != cudaSuccess) break;
    // Few rows have the numbers of each shared by blocks, which compute the scores again.
    const uint64_t fill = (static_cast<uint64_t>(place.processors) * 2 + blocks - 1) / blocks;
    const uint64_t parts = fill < panels ? fill : panels < 1 ? 1 : panels;
    code = launch(sum_kernel<Loss, T, transposed>, grid_of(blocks * parts, 1, place.processors, 32),
                  kPairThreads, 0, place.stream, c, factor, range, static_cast<unsigned>(parts), sums);
    if (code != cudaSuccess) break;
    code = launch(write_kernel<Loss, T, transposed>, grid_of(n, kTeams, place.processors, 8), kThreads, 0,
                  place.stream, c, range, sums);
  }
  return code;
}

/** Of both sides, where gradients are wanted. */
template <class Loss, class T>
Code write_gradients(const Call& c, const Place& place) {
  if (c.grads[0].data == nullptr) return cudaSuccess;
  const Code code = write_gradient<Loss, T, false>(c, place);
  if constexpr (is_self<Loss>) {
    return code;
  } else {
    return code != cudaSuccess ? code : write_gradient<Loss, T, true>(c, place);
  }
}

/** Memory of a call: the arrays of its rows, and sums of the larger side. */
inline uint64_t pairs_bytes(const Call& c) {
  const uint64_t most = c.rows > c.others ? c.rows : c.others;
  const uint64_t sums = c.grads[0].data != nullptr ? rows_at_once(most, c.columns) * c.columns : 0;
  return rows_bytes(c) + sums * sizeof(double);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
