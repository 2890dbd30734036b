#define VECTOR_BYTES 64
#include "compute.h"
#include "walk.h"

uint64_t walk_avx512(const Transfer& t, const Plan& plan, size_t from, size_t to) {
  return walk_all(t, plan, from, to);
}

const Arithmetic arithmetic_avx512 = kArithmetic;
