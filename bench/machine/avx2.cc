#define VECTOR_BYTES 32
#include "compute.h"
#include "walk.h"

uint64_t walk_avx2(const Transfer& t, const Plan& plan, size_t from, size_t to) {
  return walk_all(t, plan, from, to);
}

const Arithmetic arithmetic_avx2 = kArithmetic;
