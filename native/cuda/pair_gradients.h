// The gradients of all pairs of rows: the scores once more, turned into derivatives, and the rows of the
// other side weighted so and added up. Between tiles the sums of as many rows lie in memory as kMostScratch
// holds.
#pragma once

#include "cuda/pair_measure.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Whether the rows of y have a gradient besides, that of what is added to their scores. */
template <class Loss, bool transposed>
constexpr bool sums_bias = (transposed && Loss::inputs == 4);

/** Shared memory of a block that sums rows: a tile, and what each lane of a row has of its bias. */
template <bool with_bias>
struct SumTile {
  PairTile pairs;
  double bias[with_bias ? kTileRows : 0][kTeam];
};

/** Adds a tile of derivatives to what the lanes of every row have for its bias. After the last tile the sums
 * are left where other losses have norms. */
LOSSKIT_INLINE void sum_bias(const Call& c, const Rows& r, uint64_t row, uint64_t other, uint64_t n,
                             SumTile<true>& t) {
  for (int i = own_row(); i < own_row() + kOwnRows; ++i) {
    double sum = other == 0 ? 0 : t.bias[i][lane()];
    for (uint64_t j = lane(); j < n; j += kTeam) sum += t.pairs.scores[i][j];
    t.bias[i][lane()] = sum;
    const uint64_t at = row + static_cast<uint64_t>(i);
    if (other + n < c.rows) continue;
    const double whole = sum_lanes(Doubles(sum));
    if (lane() == 0 && at < c.others) r.inverse_y[at] = whole;
  }
}

/** Turns a tile of products into derivatives by the rows of the other side, as they are. In a function of its
 * own, since all that it reads would else have registers beside the sums. */
template <class Loss, class T, bool transposed>
LOSSKIT_SELDOM void turn_into_slopes(const Call& c, double factor, uint64_t row, uint64_t other, uint64_t n,
                                     SumTile<sums_bias<Loss, transposed>>& t) {
  const Rows r = rows_of<Loss>(c);
  const ScoreOf<Loss, T, transposed> score_of = {c, r, factor};
  const uint64_t rows = transposed ? c.others : c.rows;
  each_score(t.pairs, row, rows, other, n, [&](uint64_t at, uint64_t column, double& there) {
    const uint64_t of_x = transposed ? column : at, of_y = transposed ? at : column;
    const Doubles s(score_of(there, at, column));
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
    there = Loss::cosine ? slope * (transposed ? r.inverse_x : r.inverse_y)[column] : slope;
  });
  if constexpr (sums_bias<Loss, transposed>) sum_bias(c, r, row, other, n, t);
}

/** Rows of a side, of which a kernel has the sums. */
struct Range {
  uint64_t first, end;
};

/** Sums the rows of the other side for some rows of one. A block has 32 of them, and every `parts`-th 128 of
 * their numbers. */
template <class Loss, class T, bool transposed>
__global__ void __launch_bounds__(kPairThreads, 4)
    sum_kernel(const __grid_constant__ Call c, double factor, Range range, unsigned parts, double* sums) {
  __shared__ SumTile<sums_bias<Loss, transposed>> tile;
  const Rows r = rows_of<Loss>(c);
  const Matrix x = side_x<Loss, T>(c, r).matrix, y = side_y<Loss, T>(c, r).matrix;
  const Matrix &a = transposed ? y : x, &b = transposed ? x : y;
  const auto skips = [&](uint64_t other) {
    return transposed && Loss::labels >= 0 && r.labels[other] == kIgnored;
  };
  const unsigned part = blockIdx.x % parts;
  const uint64_t above = uint64_t(blockIdx.x / parts) * kTileRows, row = range.first + above;
  for (uint64_t other = 0; other < b.rows; other += kTile) {
    const uint64_t n = b.rows - other < kTile ? b.rows - other : kTile;
    multiply_tile<T>(a, row, b, other, tile.pairs);
    turn_into_slopes<Loss, T, transposed>(c, factor, row, other, n, tile);
    for (uint64_t k = uint64_t(part) * kTile; k < c.columns; k += uint64_t(parts) * kTile) {
      add_rows<T>(b, other, n, k, tile.pairs, sums + above * c.columns, range.end - row, other == 0, skips);
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
    if constexpr (sums_bias<Loss, transposed>) {
      const double bias = c.rows == 0 ? 0 : r.inverse_y[row];
      if (lane() == 0) put_float(c.grads[2], row, static_cast<T>(bias));
    }
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
    // Few rows have the numbers of each shared by blocks, which compute the scores again. Sums of whatever
    // fits their memory are those of few blocks.
    const uint64_t fill = (static_cast<uint64_t>(place.processors) * 2 + blocks - 1) / blocks;
    const uint64_t parts = fill < panels ? fill : panels < 1 ? 1 : panels;
    code = launch(sum_kernel<Loss, T, transposed>, static_cast<unsigned>(blocks * parts), kPairThreads, 0,
                  place.stream, c, factor, range, static_cast<unsigned>(parts), sums);
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
