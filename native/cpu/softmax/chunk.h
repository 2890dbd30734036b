// All chunks of a row make its softmax.
#pragma once

#include "losses/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** All chunks of a row, each as `chunk(k)` gives it. */
template <class F>
LOSSKIT_INLINE Chunk combine_chunks(uint64_t chunks, F chunk) {
  Chunk row = chunk(0);
  for (uint64_t k = 1; k < chunks; ++k) row = combine(row, chunk(k));
  return row;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
