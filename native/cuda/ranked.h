// Pixels sorted by their errors: runs that a block sorts in its shared memory, and merges of two sorted parts
// of which a block makes a run. No two are equal, so that there is one order only.
#pragma once

#include "cuda/driver.h"
#include "cuda/tensor.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Pixels that a block has in its shared memory, and a thread of a block of all threads. */
constexpr uint64_t kRun = 1024;
constexpr int kEachThread = kRun / kThreads;

/** A pixel with its error, as bits; 0 where it takes no part. */
struct Ranked {
  uint64_t key;
  uint64_t pixel;  // four times its position; 2 more where the error falls, 1 where it belongs to the object

  LOSSKIT_INLINE bool is_object() const { return (pixel & 1) != 0; }
  LOSSKIT_INLINE bool falls() const { return (pixel & 2) != 0; }
  LOSSKIT_INLINE bool is_before(const Ranked& other) const {
    return key > other.key || (key == other.key && pixel < other.pixel);
  }
};

/** Pixels of a run of a list. */
LOSSKIT_INLINE uint64_t run_size(uint64_t pixels, uint64_t begin) {
  return pixels - begin < kRun ? pixels - begin : kRun;
}

/** Sorts n <= kRun items, in shared memory: bitonically, with what is missing to a power of two behind them.
 */
LOSSKIT_INLINE void sort_run(Ranked* items, uint64_t n) {
  uint64_t size = 1;
  while (size < n) size *= 2;
  for (uint64_t i = n + threadIdx.x; i < size; i += blockDim.x) items[i] = {0, ~uint64_t(0)};
  for (uint64_t span = 2; span <= size; span *= 2) {
    for (uint64_t distance = span / 2; distance > 0; distance /= 2) {
      __syncthreads();
      for (uint64_t k = threadIdx.x; k < size / 2; k += blockDim.x) {
        const uint64_t i = k / distance * 2 * distance + k % distance, j = i + distance;
        const bool descends = (i & span) == 0;
        if (items[j].is_before(items[i]) == descends) {
          const Ranked swapped = items[i];
          items[i] = items[j], items[j] = swapped;
        }
      }
    }
  }
  __syncthreads();
}

/** How many of the first `all` items of two sorted lists together are of a. */
LOSSKIT_INLINE uint64_t taken_of(const Ranked* a, uint64_t of_a, const Ranked* b, uint64_t of_b,
                                 uint64_t all) {
  uint64_t low = all > of_b ? all - of_b : 0, high = all < of_a ? all : of_a;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (a[middle].is_before(b[all - 1 - middle])) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** How many of n sorted items stand before one. */
LOSSKIT_INLINE uint64_t count_before(const Ranked* items, uint64_t n, const Ranked& one) {
  uint64_t low = 0, high = n;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (items[middle].is_before(one)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Numbers [from, from + n), n <= kRun, of what two sorted parts are together. */
LOSSKIT_INLINE void merge_run(const Ranked* a, uint64_t of_a, const Ranked* b, uint64_t of_b, uint64_t from,
                              uint64_t n, Ranked* to) {
  __shared__ Ranked items[kRun];
  __shared__ uint64_t split[2];
  if (threadIdx.x < 2) split[threadIdx.x] = taken_of(a, of_a, b, of_b, from + threadIdx.x * n);
  __syncthreads();
  const uint64_t from_a = split[0], n_a = split[1] - from_a, from_b = from - from_a, n_b = n - n_a;
  for (uint64_t i = threadIdx.x; i < n; i += blockDim.x)
    items[i] = i < n_a ? a[from_a + i] : b[from_b + i - n_a];
  __syncthreads();
  for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) {
    const Ranked one = items[i];
    const uint64_t before =
        i < n_a ? i + count_before(items + n_a, n_b, one) : i - n_a + count_before(items, n_a, one);
    to[before] = one;
  }
  __syncthreads();  // the next run has the same memory
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
