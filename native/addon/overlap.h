// Whether the arrays that a call writes lie apart from all others.
#pragma once

#include "cpu/run.h"

namespace losskit {

/** Two arrays of a call that share memory, by their positions among its arguments; none where both are -1. */
struct Overlap {
  int output = -1, other = -1;
  explicit operator bool() const { return output >= 0; }
};

/**
 * Kernels write while they read, so memory is shared in one way only: where `in_place` says so, a gradient
 * lies exactly over its own input, with whose elements the kernel is done before it writes there.
 */
Overlap find_overlap(const Call& call, bool in_place);

}  // namespace losskit
