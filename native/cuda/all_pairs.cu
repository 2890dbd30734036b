// Losses of the cosines of all pairs of rows, of which no more is ever held than a tile (pair_tiles.h). The
// kernels of a call, one after the other: norms and labels; the parts of every row's softmax; where positives
// stand apart, their sums; the values; and the gradients, whose sums of rows lie in memory between tiles.
#include "cuda/driver.h"
#include "cuda/pair_tiles.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Norms of the rows of both sides, a team for each, and their labels. */
template <class Loss, class T>
__global__ void __launch_bounds__(kThreads, kBlocks) prepare_kernel(const __grid_constant__ Call c) {
  const Rows r = rows_of<Loss>(c);
  const uint64_t stride = uint64_t(gridDim.x) * kTeams, rows = is_self<Loss> ? c.rows : c.rows + c.others;
  for (uint64_t i = uint64_t(blockIdx.x) * kTeams + threadIdx.x / kTeam; i < rows; i += stride) {
    const bool of_x = i < c.rows;
    const uint64_t row = of_x ? i : i - c.rows;
    double* const scales = of_x ? r.scale_x : r.scale_y;
    const Matrix m = (of_x ? side_x<Loss, T>(c, r) : side_y<Loss, T>(c, r)).matrix;
    if (lane() == 0) {
      if (of_x)
        r.labels[row] = Loss::labels < 0 ? static_cast<int64_t>(row) : number_at<int64_t>(c.inputs[1], row);
    }
    const double scale = scale_of<T>(m, row);
    if (lane() == 0) scales[row] = scale;
    __syncwarp(team_mask());
    const double inverse = inverse_norm<T>(m, row);
    if (lane() == 0) (of_x ? r.inverse_x : r.inverse_y)[row] = inverse;
  }
}

/** Measures scores of which some are infinite, as products of finite numbers may be: those are the ones, and
 * all others are infinitely far below. NaN stays. Every sum is one of ones, or of what is no number, so that
 * its order does not matter. */
template <class Weights>
LOSSKIT_INLINE Chunk measure_infinite(const double* s, bool dense, Weights weights) {
  double one = 0, rest = 0, dot = 0, mass = 0;
  for (size_t j = 0; j < kTile; j += kTeam) {
    const double score = Doubles::load(s + j).v;
    const bool is_one = score == infinity<double>;
    one += is_one ? 1 : 0;
    if (!(score <= infinity<double>)) rest = score;
    if (!dense || weights(j).v == 0) continue;
    if (!is_one) dot = infinity<double>;
    mass += 1;
  }
  return {infinity<double>, sum_lanes(Doubles(one)), sum_lanes(Doubles(rest)), sum_lanes(Doubles(dot)),
          sum_lanes(Doubles(mass))};
}

template <bool dense, class Weights>
LOSSKIT_INLINE Chunk measure_row(const double* s, Weights weights) {
  const double largest = greatest_score(s, kTile);
  if (largest == infinity<double>) return measure_infinite(s, dense, weights);
  return measure_finite<dense>(s, kTile, largest, weights);
}

/** Measures the scores of one row in a tile, by a team. */
template <class Loss>
LOSSKIT_INLINE Chunk measure_scores(const Rows& r, uint64_t row, uint64_t other, uint64_t n, double* s) {
  const auto label_of = [&](size_t j) { return j + lane() < n ? r.labels[other + j + lane()] : 0; };
  const int64_t label = r.labels[row];
  const auto no_weights = [](size_t) { return Doubles(0); };
  if constexpr (!is_self<Loss>) {
    const uint64_t at = static_cast<uint64_t>(label) - other;
    if (at < n && at % kTeam == lane()) r.label_score[row] = s[at];
    return measure_row<false>(s, no_weights);
  } else {
    const uint64_t self = row - other;  // beyond the tile, where the row is not in it
    const auto matches = [&](size_t j) {
      return j + lane() < n && j + lane() != self && label_of(j) == label;
    };
    if (self < n && self % kTeam == lane()) s[self] = -infinity<double>;
    if constexpr (Loss::clusters == Clusters::together) {
      return measure_row<true>(s, [&](size_t j) { return Doubles(matches(j) ? 1 : 0); });
    } else {
      for (size_t j = 0; j < kTile; j += kTeam) {
        if (matches(j)) s[j + lane()] = -infinity<double>;
      }
      return measure_row<false>(s, no_weights);
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
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
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
      score_tile<T>(x, row, y, other, n, factor, tile);
      for (int i = own_row(); i < own_row() + kOwnRows && row + static_cast<uint64_t>(i) < c.rows; ++i) {
        const Chunk chunk = measure_scores<Loss>(r, row + static_cast<uint64_t>(i), other, n, tile.scores[i]);
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
  const Side x = side_x<Loss, T>(c, r);
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
      score_tile<T>(x, row, x, other, n, factor, tile.pairs);
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
__global__ void __launch_bounds__(kThreads, kBlocks)
    finish_kernel(const __grid_constant__ Call c, const double* scale, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const Rows r = rows_of<Loss>(c);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads; start < c.rows; start += stride) {
    const uint64_t row = start + threadIdx.x;
    RowValue done = {0, 0, false};
    if (row < c.rows) {
      const double incoming = incoming_gradient(c, scale, row);
      if constexpr (Loss::clusters == Clusters::none) {
        done = finish_labelled<Loss>(c, r, row, incoming, 1);
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
    tally.count(done.counts);
  }
  tally.end(c, outcome);
}

/** Turns a tile of scores into derivatives by the rows of the other side, as they are. */
template <class Loss, bool transposed>
LOSSKIT_INLINE void turn_into_slopes(const Rows& r, const Side& a, uint64_t row, const Side& b,
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
    } else {
      slope = static_cast<uint64_t>(r.labels[of_x]) == of_y
                  ? r.label_slope[of_x]
                  : slope_of(s, of(r.max, of_x), of(r.factor, of_x), Doubles(0), Doubles(1)).v;
    }
    score = slope * b.inverse[column];
  });
}

/** Sums the rows of the other side for every row of one. A block has 32 rows, and every `parts`-th 128 of
 * their numbers. */
template <class Loss, class T, bool transposed>
__global__ void __launch_bounds__(kPairThreads, 4)
    sum_kernel(const __grid_constant__ Call c, double factor, unsigned parts, double* sums) {
  __shared__ PairTile tile;
  const Rows r = rows_of<Loss>(c);
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  const Side &a = transposed ? y : x, &b = transposed ? x : y;
  const uint64_t blocks = (a.matrix.rows + kTileRows - 1) / kTileRows;
  for (uint64_t item = blockIdx.x; item < blocks * parts; item += gridDim.x) {
    const uint64_t row = item / parts * kTileRows, rows = a.matrix.rows - row;
    for (uint64_t other = 0; other < b.matrix.rows; other += kTile) {
      const uint64_t n = b.matrix.rows - other < kTile ? b.matrix.rows - other : kTile;
      score_tile<T>(a, row, b, other, n, factor, tile);
      turn_into_slopes<Loss, transposed>(r, a, row, b, other, n, tile);
      for (uint64_t k = item % parts * kTile; k < c.columns; k += parts * kTile)
        add_rows<T>(b.matrix, other, n, k, tile, sums + row * c.columns, rows, other == 0);
    }
  }
}

/** From sums to the gradient of every row of a side, a team for each. */
template <class Loss, class T, bool transposed>
__global__ void __launch_bounds__(kThreads, kBlocks)
    project_kernel(const __grid_constant__ Call c, double* sums) {
  const Rows r = rows_of<Loss>(c);
  const Side a = transposed ? side_y<Loss, T>(c, r) : side_x<Loss, T>(c, r);
  const MutableTensor& grad = c.grads[transposed ? 1 : 0];
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t row = uint64_t(blockIdx.x) * kTeams + threadIdx.x / kTeam; row < a.matrix.rows;
       row += stride) {
    double* const own = sums + row * c.columns;
    project<T>(a.matrix, row, a.inverse[row], own);
    for (uint64_t k = lane(); k < c.columns; k += kTeam)
      put_float(grad, row * c.columns + k, static_cast<T>(own[k]));
  }
}

template <class Loss, class T>
struct AllPairsRun {
  static uint64_t memory(const Call& c) {
    const uint64_t most = c.rows > c.others ? c.rows : c.others;
    return rows_bytes(c) + (c.grads[0].data != nullptr ? most * c.columns * sizeof(double) : 0);
  }

  template <bool transposed>
  static Code write_gradient(const Call& c, double factor, const Place& place) {
    double* const sums = reinterpret_cast<double*>(static_cast<char*>(c.shared) + rows_bytes(c));
    const uint64_t rows = transposed ? c.others : c.rows, blocks = (rows + kTileRows - 1) / kTileRows;
    const uint64_t panels = (c.columns + kTile - 1) / kTile;
    // Few rows have the numbers of each shared by blocks, which compute the scores again.
    const uint64_t fill =
        blocks == 0 ? 1 : (static_cast<uint64_t>(place.processors) * 2 + blocks - 1) / blocks;
    const uint64_t parts = fill < panels ? fill : panels < 1 ? 1 : panels;
    const Code code =
        launch(sum_kernel<Loss, T, transposed>, grid_of(blocks * parts, 1, place.processors, 32),
               kPairThreads, 0, place.stream, c, factor, static_cast<unsigned>(parts), sums);
    if (code != cudaSuccess) return code;
    return launch(project_kernel<Loss, T, transposed>, grid_of(rows, kTeams, place.processors, 8), kThreads,
                  0, place.stream, c, sums);
  }

  static Code run(const Call& given, const Place& place) {
    Call c = given;
    c.shared = place.memory;
    const double factor = inverse_temperature<Loss>(c);
    const auto blocks = [&](uint64_t items, uint64_t each, int most) {
      return grid_of(items, each, place.processors, most);
    };
    Code code =
        launch(prepare_kernel<Loss, T>, blocks(c.rows + c.others, kTeams, 8), kThreads, 0, place.stream, c);
    if (code != cudaSuccess) return code;
    const uint64_t tiles = (c.rows + kTileRows - 1) / kTileRows;
    code = launch(measure_kernel<Loss, T>, blocks(tiles * records_of(c), 1, 32), kPairThreads, 0,
                  place.stream, c, factor);
    if (code != cudaSuccess) return code;
    if constexpr (Loss::clusters == Clusters::apart) {
      code = launch(positives_kernel<Loss, T>, blocks(tiles, 1, 32), kPairThreads, sizeof(PositiveTile),
                    place.stream, c, factor);
      if (code != cudaSuccess) return code;
    }
    code = launch(finish_kernel<Loss, T>, blocks(c.rows, kThreads, 8), kThreads, 0, place.stream, c,
                  place.scale_of<T>(), place.outcome_of<T>());
    if (code != cudaSuccess || c.grads[0].data == nullptr) return code;
    code = write_gradient<false>(c, factor, place);
    if constexpr (!is_self<Loss>) {
      if (code == cudaSuccess) code = write_gradient<true>(c, factor, place);
    }
    return code;
  }
};

}  // namespace

extern const DriverRuns all_pairs_runs;
constinit const DriverRuns all_pairs_runs = RunsOf<AllPairsRun, List<InfoNce, NtXent, SupCon>>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
