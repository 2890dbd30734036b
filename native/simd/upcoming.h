// Memory that will be read after the block at hand.
//
// While a block is computed on from the first-level cache, memory would stand idle: the loops that do so
// fetch the next block, line by line, into the second-level cache.
#pragma once

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** What is read next, for each number of the block at hand. */
struct Upcoming {
  const char* from[4];
  size_t bytes[4];  // of it for each number of the block
  int streams = 0;

  LOSSKIT_INLINE void add(const void* p, size_t bytes_each) {
    from[streams] = static_cast<const char*>(p);
    bytes[streams++] = bytes_each;
  }
  /** Fetches what goes with n numbers from i on. */
  LOSSKIT_INLINE void fetch(size_t i, size_t n) const {
    for (int k = 0; k < streams; ++k) {
      const char* const p = from[k] + i * bytes[k];
      for (size_t at = 0; at < n * bytes[k]; at += 64) __builtin_prefetch(p + at, 0, 2);
    }
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
