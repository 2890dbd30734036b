// Tiles of the two products that all pairs of rows need, by a block: a_i . b_j, which become scores, and sums
// of rows sum_j w_ij b_j.
//
// A tile is 32 rows of a against 128 of b. A team of sixteen threads has four of the rows, and each of its
// threads every sixteenth score of them: the lanes of the processor's vectors. Scores stay in shared memory,
// where each is at first its own thread's alone. Every score is one chain of fma over k and every sum one
// over j, from 0 on and ascending, as on the processor, so no bit depends on the tiles.
#pragma once

#include "cuda/launch.h"
#include "cuda/tensor.h"
#include "losses/pair_softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr int kPairThreads = 128;
constexpr int kOwnRows = 4, kOwnColumns = kTile / kTeam;  // of a thread
constexpr int kTileRows = kPairThreads / kTeam * kOwnRows;
/** Numbers of a row, or rows of b, that are in shared memory at once. */
constexpr int kStep = 8;

/** Shared memory of a block; columns are padded so that threads meet different banks. */
struct PairTile {
  double scores[kTileRows][kTile + 2];
  double left[kStep][kTileRows + 4], right[kStep][kTile + 4];
};

/** The first of a thread's rows in a tile. */
LOSSKIT_INLINE int own_row() { return static_cast<int>(threadIdx.x) / kTeam * kOwnRows; }

template <class T, class Use>
LOSSKIT_INLINE void each_block(const Matrix& m, uint64_t row, Use use) {
  for (uint64_t k = 0; k < m.columns; k += kTeam) {
    const size_t n = m.columns - k < kTeam ? static_cast<size_t>(m.columns - k) : kTeam;
    const uint64_t at = row * m.columns + k + lane();
    const double x = lane() < n ? static_cast<double>(float_at<T>(m.tensor, at)) * m.scale(row) : 0;
    use(Doubles(x), k, n);
  }
}

/** Numbers [k, k + kStep) of `size` rows from `row` on; zeros where there are none. */
template <class T, int size>
LOSSKIT_INLINE void load_numbers(const Matrix& m, uint64_t row, uint64_t k, double (*to)[size + 4]) {
  for (int i = static_cast<int>(threadIdx.x); i < size * kStep; i += kPairThreads) {
    const int r = i / kStep, d = i % kStep;
    const uint64_t at = row + static_cast<uint64_t>(r), column = k + static_cast<uint64_t>(d);
    double x = 0;
    if (at < m.rows && column < m.columns)
      x = static_cast<double>(float_at<T>(m.tensor, at * m.columns + column)) * m.scale(at);
    to[d][r] = x;
  }
}

/** Makes the scores of a tile the products of rows [row, row + kTileRows) of a with those of b from `other`
 * on. */
template <class T>
LOSSKIT_INLINE void multiply_tile(const Matrix& a, uint64_t row, const Matrix& b, uint64_t other,
                                  PairTile& t) {
  double sum[kOwnRows][kOwnColumns] = {};
  for (uint64_t k = 0; k < a.columns; k += kStep) {
    __syncthreads();  // all are done with what is there
    load_numbers<T, kTileRows>(a, row, k, t.left);
    load_numbers<T, static_cast<int>(kTile)>(b, other, k, t.right);
    __syncthreads();
    const uint64_t left = a.columns - k;
    const int depth = left < kStep ? static_cast<int>(left) : kStep;
#pragma unroll 2
    for (int d = 0; d < depth; ++d) {
      double y[kOwnColumns];
#pragma unroll
      for (int j = 0; j < kOwnColumns; ++j) y[j] = t.right[d][j * kTeam + static_cast<int>(lane())];
#pragma unroll
      for (int i = 0; i < kOwnRows; ++i) {
        const double x = t.left[d][own_row() + i];
#pragma unroll
        for (int j = 0; j < kOwnColumns; ++j) sum[i][j] = fused(x, y[j], sum[i][j]);
      }
    }
  }
  __syncthreads();  // scores of the tile before may still be read
#pragma unroll
  for (int i = 0; i < kOwnRows; ++i) {
#pragma unroll
    for (int j = 0; j < kOwnColumns; ++j)
      t.scores[own_row() + i][j * kTeam + static_cast<int>(lane())] = sum[i][j];
  }
}

/** Calls f(row, column, score) for all of a thread's scores; rows and columns are those of the sides. */
template <class F>
LOSSKIT_INLINE void each_score(PairTile& t, uint64_t row, uint64_t rows, uint64_t other, uint64_t n, F f) {
#pragma unroll 1
  for (int i = 0; i < kOwnRows * kOwnColumns; ++i) {
    const int r = own_row() + i / kOwnColumns;
    const uint64_t column = static_cast<uint64_t>(i % kOwnColumns) * kTeam + lane();
    if (row + static_cast<uint64_t>(r) < rows && column < n)
      f(row + static_cast<uint64_t>(r), other + column, t.scores[r][column]);
  }
}

/** Adds n rows of b, weighed by what stands in the scores, to numbers [first, first + kTile) of the rows of
 * sums. Rows that `skips` names are zero. */
template <class T, class Skips>
LOSSKIT_INLINE void add_rows(const Matrix& b, uint64_t other, uint64_t n, uint64_t first, PairTile& t,
                             double* sums, uint64_t rows, bool begins, const Skips& skips) {
  double sum[kOwnRows][kOwnColumns] = {};
  const auto each_sum = [&](auto f) {
#pragma unroll
    for (int i = 0; i < kOwnRows; ++i) {
#pragma unroll
      for (int j = 0; j < kOwnColumns; ++j) {
        const uint64_t r = static_cast<uint64_t>(own_row() + i),
                       k = first + static_cast<uint64_t>(j) * kTeam + lane();
        if (r < rows && k < b.columns) f(sums[r * b.columns + k], sum[i][j]);
      }
    }
  };
  if (!begins) each_sum([](double& there, double& here) { here = there; });
  for (uint64_t start = 0; start < n; start += kStep) {
    const int count = n - start < kStep ? static_cast<int>(n - start) : kStep;
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < count * static_cast<int>(kTile); i += kPairThreads) {
      const int j = i / static_cast<int>(kTile), k = i % static_cast<int>(kTile);
      const uint64_t at = other + start + static_cast<uint64_t>(j), column = first + static_cast<uint64_t>(k);
      double x = 0;
      if (column < b.columns && !skips(at))
        x = static_cast<double>(float_at<T>(b.tensor, at * b.columns + column)) * b.scale(at);
      t.right[j][k] = x;
    }
    __syncthreads();
#pragma unroll 1  // two would take a few registers too many
    for (int j = 0; j < count; ++j) {
      double y[kOwnColumns];
#pragma unroll
      for (int k = 0; k < kOwnColumns; ++k) y[k] = t.right[j][k * kTeam + static_cast<int>(lane())];
#pragma unroll
      for (int i = 0; i < kOwnRows; ++i) {
        const double weight = t.scores[own_row() + i][start + static_cast<uint64_t>(j)];
#pragma unroll
        for (int k = 0; k < kOwnColumns; ++k) sum[i][k] = fused(weight, y[k], sum[i][k]);
      }
    }
  }
  each_sum([](double& there, double& here) { there = here; });
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
