// What the machine can compute: a sum that is not exact, and its peak of multiplications and additions.
#pragma once

#include "transfer.h"

struct Arithmetic {
  // Of floats [from, to), in bytes: difference and square in float32, their sum in float64.
  double (*squared_differences)(const Transfer&, size_t from, size_t to);
  // About so many operations, a multiplication and an addition being two; the result only keeps them alive.
  uint64_t (*multiply_floats)(uint64_t operations);
  uint64_t (*multiply_doubles)(uint64_t operations);
};

extern const Arithmetic arithmetic_baseline, arithmetic_avx2, arithmetic_avx512;
