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
  /** Fetches what goes with the sixteen numbers from i on. */
  LOSSKIT_INLINE void fetch(size_t i) const {
    for (int k = 0; k < streams; ++k) {
      const char* p = from[k] + i * bytes[k];
      __builtin_prefetch(p, 0, 2);
      if (bytes[k] == 8) __builtin_prefetch(p + 64, 0, 2);
    }
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
