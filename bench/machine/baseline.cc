// 16 bytes: SSE2 or NEON, which every 64-bit machine has.
#define VECTOR_BYTES 16
#include "compute.h"
#include "walk.h"

uint64_t walk_baseline(const Transfer& t, const Plan& plan, size_t from, size_t to) {
  return walk_all(t, plan, from, to);
}

const Arithmetic arithmetic_baseline = kArithmetic;
