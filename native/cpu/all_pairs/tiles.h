// Tiles of the two products that all pairs of rows need: scores x_i . y_j, and sums of rows sum_j w_ij y_j.
//
// Everything is float64, in which products of float32 are exact. Every score is one chain of fma over k and
// every sum one chain over j, from 0 on and ascending. The lanes of a vector are different j, or different
// columns of the sum, so no chain depends on how wide registers are or how rows are cut into tiles.
//
// Both matrices are widened into panels that a register tile of kGroup rows by kLanes columns reads in
// sequence; a tile is small enough that its panels and its scores stay in the second-level cache.
#pragma once

#include "cpu/stream.h"
#include "losses/pair_softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Numbers of a row that are packed at once. Of y a tile has kTile rows. */
constexpr uint64_t kDepth = 128;

/** The register tile: as many rows as leave registers for the operands. */
constexpr int kGroup = native_lanes<double> == 4 ? 6 : native_lanes<double> == 1 ? 4 : 8;
using Lanes = vec<double, 2 * native_lanes<double>>;
constexpr uint64_t kLanes = Lanes::lanes;
/** Register tiles of a tile: its groups of rows, times so many panels. */
constexpr uint64_t kPanels = kTile / kLanes, kRegisterTiles = (kTile + kGroup - 1) / kGroup * kPanels;

LOSSKIT_INLINE uint64_t round_up(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }
LOSSKIT_INLINE uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

/** How large the tiles of a call are. */
struct TileShape {
  uint64_t rows;  // of x in a tile
  uint64_t score_pitch, depth_pitch, sum_pitch;
  uint64_t packed;  // size of the panels of y

  TileShape(uint64_t block, uint64_t others, uint64_t columns) {
    // Eight more than a power of two: rows of one tile would else compete for the same sets of the cache.
    const uint64_t tile = round_up(smaller(others, kTile), 16),
                   depth = round_up(smaller(columns, kDepth), 16);
    rows = round_up(block, kGroup);
    score_pitch = tile + 8;
    depth_pitch = depth + 8;
    sum_pitch = round_up(columns, 16) + 8;
    packed = tile * depth;
  }
  uint64_t bytes(bool sums) const {
    return (packed + rows * (score_pitch + depth_pitch + (sums ? sum_pitch : 0))) * sizeof(double);
  }
};

/** A tile in the memory of one thread. */
struct Tile {
  TileShape shape;
  double *y, *x, *scores, *sums;

  Tile(void* memory, const TileShape& s) : shape(s) {
    y = static_cast<double*>(memory);
    x = y + s.packed;
    scores = x + s.rows * s.depth_pitch;
    sums = scores + s.rows * s.score_pitch;
  }
  double* scores_of(uint64_t row) const { return scores + row * shape.score_pitch; }
  double* sums_of(uint64_t row) const { return sums + row * shape.sum_pitch; }
};

/** Widens n <= kDepth numbers. */
template <class T>
LOSSKIT_INLINE void widen_block(const Tensor& tensor, uint64_t at, size_t n, double* to) {
  T block[kDepth];
  const T* p = read_block(tensor, at, n, block);
  for (size_t i = 0; i < n; ++i) to[i] = static_cast<double>(p[i]);
}

/** `depth` numbers of a row from its k-th on, widened and scaled. */
template <class T>
LOSSKIT_INLINE void widen_row(const Matrix& m, uint64_t row, uint64_t k, uint64_t depth, double* to) {
  widen_block<T>(m.tensor, row * m.columns + k, depth, to);
  const double scale = m.scale(row);
  if (scale == 1) return;
  for (uint64_t i = 0; i < depth; ++i) to[i] *= scale;
}

LOSSKIT_INLINE void clear_row(double* to, uint64_t depth) {
  for (uint64_t i = 0; i < depth; ++i) to[i] = 0;
}

/** a b + c of numbers of type T, which for float32 needs no fused operation: the product is exact. */
template <class T>
LOSSKIT_INLINE Lanes add_product(Lanes a, Lanes b, Lanes c) {
  if constexpr (sizeof(T) == 4 && native_lanes<double> == 1) {
    return a * b + c;
  } else {
    return fma(a, b, c);
  }
}

/** Rows of x, widened; what is missing to a whole group is zero. */
template <class T>
void pack_rows(const Matrix& x, uint64_t row, uint64_t rows, uint64_t k, uint64_t depth, const Tile& t) {
  const uint64_t pitch = t.shape.depth_pitch;
  for (uint64_t i = 0; i < rows; ++i) widen_row<T>(x, row + i, k, depth, t.x + i * pitch);
  for (uint64_t i = rows; i < round_up(rows, kGroup); ++i) clear_row(t.x + i * pitch, depth);
}

/** Rows of numbers as a panel [k][lane], a row for each lane. */
LOSSKIT_INLINE void pack_panel(const double (&rows)[kLanes][kDepth], uint64_t depth, double* panel) {
  constexpr uint64_t w = native_lanes<double>;
  using Square = vec<double, native_lanes<double>>;
  uint64_t k = 0;
  for (; k + w <= depth; k += w) {
    for (uint64_t lane = 0; lane < kLanes; lane += w) {
      Square square[w];
      for (uint64_t i = 0; i < w; ++i) square[i] = Square::load(rows[lane + i] + k);
      transpose(square);
      for (uint64_t i = 0; i < w; ++i) square[i].store(panel + (k + i) * kLanes + lane);
    }
  }
  for (; k < depth; ++k) {
    for (uint64_t lane = 0; lane < kLanes; ++lane) panel[k * kLanes + lane] = rows[lane][k];
  }
}

/** Rows of y as panels of kLanes rows; what is missing to a whole panel is zero. */
template <class T>
void pack_columns(const Matrix& y, uint64_t row, uint64_t n, uint64_t k, uint64_t depth, const Tile& t) {
  alignas(64) double rows[kLanes][kDepth];
  for (uint64_t j = 0; j < n; j += kLanes) {
    for (uint64_t lane = 0; lane < kLanes; ++lane) {
      if (j + lane < n) {
        widen_row<T>(y, row + j + lane, k, depth, rows[lane]);
      } else {
        clear_row(rows[lane], depth);
      }
    }
    pack_panel(rows, depth, t.y + j * depth);
  }
}

/** Rows of y as panels [j][lane] of kLanes of their numbers; rows that `skips` names are zero. */
template <class T>
void pack_summands(const Matrix& y, uint64_t row, uint64_t n, uint64_t k, uint64_t depth, const bool* skips,
                   const Tile& t) {
  T block[kDepth];
  const uint64_t panels = (depth + kLanes - 1) / kLanes;
  for (uint64_t j = 0; j < n; ++j) {
    const bool skipped = skips != nullptr && skips[j];
    const double scale = y.scale(row + j);
    const T* p = skipped ? block : read_block(y.tensor, (row + j) * y.columns + k, depth, block);
    for (uint64_t panel = 0; panel < panels; ++panel) {
      double* to = t.y + (panel * n + j) * kLanes;
      const T* from = p + panel * kLanes;
      const uint64_t count = smaller(depth - panel * kLanes, kLanes);
      for (uint64_t i = 0; i < count; ++i) to[i] = skipped ? 0 : static_cast<double>(from[i]) * scale;
      for (uint64_t i = count; i < kLanes; ++i) to[i] = 0;
    }
  }
}

/** Adds `depth` steps to the scores of one group of rows and one panel. */
template <class T>
void add_scores(const double* x, uint64_t x_pitch, const double* y, uint64_t depth, bool begins, double* out,
                uint64_t pitch) {
  Lanes sum[kGroup];
  for (int r = 0; r < kGroup; ++r) sum[r] = begins ? Lanes(0) : Lanes::load(out + r * pitch);
  for (uint64_t k = 0; k < depth; ++k) {
    const Lanes column = Lanes::load(y + k * kLanes);
    for (int r = 0; r < kGroup; ++r) sum[r] = add_product<T>(Lanes(x[r * x_pitch + k]), column, sum[r]);
  }
  for (int r = 0; r < kGroup; ++r) sum[r].store(out + r * pitch);
}

/** Adds n weighted rows to one group of rows of the sums and one panel of their columns. */
LOSSKIT_INLINE void add_rows(const double* weights, uint64_t weight_pitch, const double* y, uint64_t n,
                             double* out, uint64_t pitch) {
  Lanes sum[kGroup];
  for (int r = 0; r < kGroup; ++r) sum[r] = Lanes::load(out + r * pitch);
  for (uint64_t j = 0; j < n; ++j) {
    const Lanes row = Lanes::load(y + j * kLanes);
    for (int r = 0; r < kGroup; ++r) sum[r] = fma(Lanes(weights[r * weight_pitch + j]), row, sum[r]);
  }
  for (int r = 0; r < kGroup; ++r) sum[r].store(out + r * pitch);
}

/** Computes the scores of `rows` rows of x and n <= kTile rows of y; where `wanted` is given, only those
 * register tiles of it that are set. */
template <class T>
void score_tile(const Matrix& x, uint64_t row, uint64_t rows, const Matrix& y, uint64_t other, uint64_t n,
                bool x_is_packed, const bool* wanted, const Tile& t) {
  for (uint64_t k = 0; k < x.columns; k += kDepth) {
    const uint64_t depth = smaller(x.columns - k, kDepth);
    if (!x_is_packed) pack_rows<T>(x, row, rows, k, depth, t);
    pack_columns<T>(y, other, n, k, depth, t);
    for (uint64_t panel = 0; panel * kLanes < n; ++panel) {
      for (uint64_t group = 0; group * kGroup < rows; ++group) {
        if (wanted != nullptr && !wanted[group * kPanels + panel]) continue;
        const uint64_t i = group * kGroup;
        add_scores<T>(t.x + i * t.shape.depth_pitch, t.shape.depth_pitch, t.y + panel * kLanes * depth, depth,
                      k == 0, t.scores_of(i) + panel * kLanes, t.shape.score_pitch);
      }
    }
  }
}

/** Adds n rows of y, weighted by what stands in the scores, to the sums. */
template <class T>
void add_tile(uint64_t rows, const Matrix& y, uint64_t other, uint64_t n, const bool* skipped,
              const Tile& t) {
  for (uint64_t k = 0; k < y.columns; k += kDepth) {
    const uint64_t depth = smaller(y.columns - k, kDepth);
    pack_summands<T>(y, other, n, k, depth, skipped, t);
    for (uint64_t panel = 0; panel * kLanes < depth; ++panel) {
      for (uint64_t i = 0; i < rows; i += kGroup) {
        add_rows(t.scores_of(i), t.shape.score_pitch, t.y + panel * n * kLanes, n,
                 t.sums_of(i) + k + panel * kLanes, t.shape.sum_pitch);
      }
    }
  }
}

inline void clear_sums(uint64_t rows, const Tile& t) {
  for (uint64_t i = 0; i < rows * t.shape.sum_pitch; ++i) t.sums[i] = 0;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
