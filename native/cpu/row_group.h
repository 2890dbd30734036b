// The values of a group of rows, stored and added in one go; and what multiplies a row's gradient.
#pragma once

#include "cpu/stream.h"
#include "sum/deposit.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr size_t kRowGroup = 256;

template <class T>
struct RowGroup {
  T values[kRowGroup];
  T weights[kRowGroup];  // what each row adds to the divisor of the mean; for losses that divide by weights

  /** Of n <= kRowGroup rows from `at` on, `kept` of which count. */
  void finish(const Call& c, uint64_t at, size_t n, size_t kept, Sums<T>& sums, bool by_weights = false) {
    if (c.values.data != nullptr) {
      T* out = static_cast<T*>(c.values.data) + at;
      for (size_t i = 0; i < n; ++i) out[i] = values[i];
    }
    if (c.wants_sum) {
      add_block(values, n, sums.total);
      if (by_weights) add_block(weights, n, sums.weight);
    }
    sums.count += kept;
  }
};

/** What a row's gradient is multiplied by, its weight aside. */
LOSSKIT_INLINE double incoming_gradient(const Call& c, uint64_t row) {
  return c.upstream.data != nullptr ? c.scale * read_one<double>(c.upstream, row) : c.scale;
}

/** The weight of a row, where weights belong to rows; they repeat. */
LOSSKIT_INLINE double row_weight(const Call& c, uint64_t row) {
  return c.weight.data != nullptr ? read_one<double>(c.weight, row % c.weight.size) : 1;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
