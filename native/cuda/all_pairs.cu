// Losses of the cosines of all pairs of rows. The kernels of a call, one after the other: norms and labels;
// the parts of every row's softmax; where positives stand apart, their sums; the values; and the gradients.
#include "cuda/pair_gradients.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

// What is the same for all losses is told, not compiled, which loss it is for.

/** Of a loss: whether both sides are one, and whether rows have labels. */
struct Sides {
  bool are_one, have_labels;
};

/** One side: y or x. */
template <class T>
LOSSKIT_INLINE Side side_of(const Call& c, const Rows& r, bool is_y) {
  const double* const scales = is_y ? r.scale_y : r.scale_x;
  return {{c.inputs[is_y ? 1 : 0], is_y ? c.others : c.rows, c.columns, sizeof(T) == 8 ? scales : nullptr},
          is_y ? r.inverse_y : r.inverse_x};
}

/** Norms of the rows of both sides, a team for each, and their labels. */
template <class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    prepare_kernel(const __grid_constant__ Call c, const Sides sides) {
  const Rows r = rows_of(c, sides.are_one);
  const uint64_t stride = uint64_t(gridDim.x) * kTeams, rows = sides.are_one ? c.rows : c.rows + c.others;
  for (uint64_t i = uint64_t(blockIdx.x) * kTeams + threadIdx.x / kTeam; i < rows; i += stride) {
    const bool is_y = i >= c.rows;
    const uint64_t row = is_y ? i - c.rows : i;
    const Matrix m = side_of<T>(c, r, is_y).matrix;
    if (lane() == 0 && !is_y)
      r.labels[row] = sides.have_labels ? number_at<int64_t>(c.inputs[1], row) : static_cast<int64_t>(row);
    const double scale = scale_of<T>(m, row);
    if (lane() == 0) (is_y ? r.scale_y : r.scale_x)[row] = scale;
    __syncwarp(team_mask());
    const double inverse = inverse_norm<T>(m, row);
    if (lane() == 0) (is_y ? r.inverse_y : r.inverse_x)[row] = inverse;
  }
}

/** What a positive adds, `above` being how far the negatives stand above it. */
struct Positive {
  double value, slope;
};
LOSSKIT_SELDOM Positive positive_of(double above) {
  return {softplus(Doubles(above)).v, sigmoid(Doubles(above)).v};
}

/** Shared memory of a block that sums positives: what each lane of a row has so far. */
struct PositiveTile {
  PairTile pairs;
  double value[kTileRows][kTeam], slope[kTileRows][kTeam], count[kTileRows][kTeam];
};

/** Sums the positives of rows of which each stands apart; tiles without any are not computed. The sums are
 * left where rows without clusters have other things. */
template <class Loss, class T>
__global__ void __launch_bounds__(kPairThreads, 4)
    positives_kernel(const __grid_constant__ Call c, double factor) {
  PositiveTile& tile = *dynamic_shared<PositiveTile>();
  const Rows r = rows_of<Loss>(c);
  const uint64_t stride = uint64_t(gridDim.x) * kTileRows;
  for (uint64_t row = uint64_t(blockIdx.x) * kTileRows; row < c.rows; row += stride) {
    const uint64_t finished = row + threadIdx.x;
    if (threadIdx.x < kTileRows && finished < c.rows) finish_negatives(c, r, finished);
    for (int i = own_row(); i < own_row() + kOwnRows; ++i)
      tile.value[i][lane()] = tile.slope[i][lane()] = tile.count[i][lane()] = 0;
    for (uint64_t other = 0; other < c.rows; other += kTile) {
      const uint64_t n = c.rows - other < kTile ? c.rows - other : kTile;
      bool found = false;
      const auto matches = [&](uint64_t at, uint64_t column) {
        return at < c.rows && column < other + n && at != column && r.labels[at] == r.labels[column];
      };
      for (int i = 0; i < kOwnRows * kOwnColumns; ++i) {
        found |= matches(row + static_cast<uint64_t>(own_row() + i / kOwnColumns),
                         other + static_cast<uint64_t>(i % kOwnColumns) * kTeam + lane());
      }
      if (__syncthreads_or(found) == 0) continue;
      score_tile<Loss, T>(c, r, factor, row, other, n, tile.pairs);
      for (int i = own_row(); i < own_row() + kOwnRows; ++i) {
        const uint64_t at = row + static_cast<uint64_t>(i);
        for (uint64_t j = lane(); j < n; j += kTeam) {
          if (!matches(at, other + j)) continue;
          const Positive one = positive_of(r.shift[at] - tile.pairs.scores[i][j]);
          tile.value[i][lane()] += one.value;
          tile.slope[i][lane()] += one.slope;
          tile.count[i][lane()] += 1;
        }
      }
    }
    for (int i = own_row(); i < own_row() + kOwnRows; ++i) {
      const uint64_t at = row + static_cast<uint64_t>(i);
      const double values = sum_lanes(Doubles::load(tile.value[i])),
                   slopes = sum_lanes(Doubles::load(tile.slope[i])),
                   counts = sum_lanes(Doubles::load(tile.count[i]));
      if (lane() == 0 && at < c.rows)
        r.label_score[at] = values, r.label_slope[at] = slopes, r.uniform[at] = counts;
    }
  }
}

template <class Loss, class T>
struct AllPairsRun {
  static constexpr Sides kSides = {is_self<Loss>, Loss::labels >= 0};

  static uint64_t memory(const Call& c) { return pairs_bytes(c); }

  static Code run(const Call& given, const Place& place) {
    Call c = given;
    c.shared = place.memory;
    const uint64_t rows = is_self<Loss> ? c.rows : c.rows + c.others;
    Code code = launch(prepare_kernel<T>, grid_of(rows, kTeams, place.processors, 8), kThreads, 0,
                       place.stream, c, kSides);
    if (code == cudaSuccess) code = measure_pairs<Loss, T>(c, place);
    if constexpr (Loss::clusters == Clusters::apart) {
      const unsigned grid = grid_of(c.rows, kTileRows, place.processors, 32);
      if (code == cudaSuccess)
        code = launch(positives_kernel<Loss, T>, grid, kPairThreads, sizeof(PositiveTile), place.stream, c,
                      inverse_temperature<Loss>(c));
    }
    if (code == cudaSuccess) code = finish_pairs<Loss, T>(c, place);
    return code != cudaSuccess ? code : write_gradients<Loss, T>(c, place);
  }
};

}  // namespace

extern const DriverRuns all_pairs_runs;
constinit const DriverRuns all_pairs_runs = RunsOf<AllPairsRun, List<InfoNce, NtXent, SupCon>>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
