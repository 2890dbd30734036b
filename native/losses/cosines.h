// Rows as vectors of length 1: the norms that turn their products into cosines, and gradients back into those
// of the rows as they are.
#pragma once

#include "losses/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Norms are taken to be at least this. */
constexpr double kLeastNorm = 1e-8;
/** Rows with numbers beyond, which only float64 has, are made smaller: their squares would overflow. */
constexpr double kLarge = 0x1p400, kShrunk = 0x1p-600;

/** The rows of a matrix, each times a power of two where there are `scales`. */
struct Matrix {
  const Tensor& tensor;
  uint64_t rows, columns;
  const double* scales;

  LOSSKIT_INLINE double scale(uint64_t row) const { return scales != nullptr ? scales[row] : 1; }
};

/** One side of pairs of rows, and the inverses of the norms of its rows. */
struct Side {
  Matrix matrix;
  const double* inverse;
};

/** Calls use(x, k, n) for all sixteens of a row: n numbers from its k-th on, and zeros. As a driver reads it.
 */
template <class T, class Use>
LOSSKIT_INLINE void each_block(const Matrix& m, uint64_t row, Use use);

/** The scale of a row. */
template <class T>
LOSSKIT_FUNCTION double scale_of(const Matrix& m, uint64_t row) {
  if constexpr (sizeof(T) == 4) return 1;
  Doubles most(0);
  each_block<T>({m.tensor, m.rows, m.columns, nullptr}, row,
                [&](Doubles x, uint64_t, size_t) LOSSKIT_LAMBDA { most = max(abs(x), most); });
  return greatest(most) >= kLarge ? kShrunk : 1;
}

/** 1 / norm, of a row as it is scaled; the squares are added in sixteen lanes. */
template <class T>
LOSSKIT_FUNCTION double inverse_norm(const Matrix& m, uint64_t row) {
  Doubles sum(0);
  each_block<T>(m, row, [&](Doubles x, uint64_t, size_t) LOSSKIT_LAMBDA { sum = fma(x, x, sum); });
  const double norm = of_one(sum_lanes(sum), [](auto v) LOSSKIT_LAMBDA { return sqrt(v); });
  return 1 / (norm < kLeastNorm ? kLeastNorm : norm);
}

/** Turns the gradient of a normalised row into that of the row: what is along the row changes only its norm.
 */
template <class T>
LOSSKIT_FUNCTION void project(const Matrix& m, uint64_t row, double inverse, double* sums) {
  const double back = inverse * m.scale(row);
  Doubles along(0);
  if (inverse != 1 / kLeastNorm) {
    each_block<T>(m, row, [&](Doubles x, uint64_t k, size_t n) LOSSKIT_LAMBDA {
      along = fma(x * Doubles(inverse), load_some<Doubles>(sums + k, n, 0), along);
    });
  }
  const Doubles length(-sum_lanes(along));
  each_block<T>(m, row, [&](Doubles x, uint64_t k, size_t n) LOSSKIT_LAMBDA {
    const Doubles across = fma(x * Doubles(inverse), length, load_some<Doubles>(sums + k, n, 0));
    (across * Doubles(back)).store(sums + k, n);
  });
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
