// Memory that will be read after the numbers at hand.
//
// Where a loop works on numbers that already lie in the first-level cache, memory would stand idle: it
// fetches what comes next, line by line, into the second-level cache. Loops that read memory as they go must
// not on all machines: some fetch ahead of them by themselves, and asking for the same lines only takes
// their places. Others do not fetch enough.
#pragma once

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** How many bytes a loop that reads memory asks ahead: less comes late, more is gone again before its turn.
 */
constexpr size_t kAhead = 4096;

/** Asks for what a loop that has come to these bytes will read later. */
LOSSKIT_INLINE void fetch_ahead(const void* p, size_t bytes) {
  const char* const later = static_cast<const char*>(p) + kAhead;
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(later + at, 0, 3);
}

/** What is read next, for each number of those at hand. */
struct Upcoming {
  const char* from;
  size_t bytes;  // of it for each number

  /** Fetches what goes with n numbers from i on. */
  LOSSKIT_INLINE void fetch(size_t i, size_t n) const {
    const char* const p = from + i * bytes;
    for (size_t at = 0; at < n * bytes; at += 64) __builtin_prefetch(p + at, 0, 2);
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
