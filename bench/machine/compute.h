// The arithmetic, over vectors of VECTOR_BYTES; included once by each instruction set, as walk.h is.
#include <cstring>

#include "arithmetic.h"

namespace {

using Doubles [[gnu::vector_size(VECTOR_BYTES)]] = double;
using Singles [[gnu::vector_size(VECTOR_BYTES)]] = float;
using NarrowSingles [[gnu::vector_size(VECTOR_BYTES / 2)]] = float;

inline float single_at(const char* from) {
  float x;
  memcpy(&x, from, sizeof x);
  return x;
}

inline double squared_differences(const Transfer& t, size_t from, size_t to) {
  constexpr int kLanes = 8;
  Doubles sums[kLanes] = {};
  size_t at = from;
  for (; at + kLanes * sizeof(NarrowSingles) <= to; at += kLanes * sizeof(NarrowSingles)) {
#pragma GCC unroll 8
    for (int lane = 0; lane < kLanes; ++lane) {
      NarrowSingles a, b;
      memcpy(&a, t.first + at + lane * sizeof a, sizeof a);
      memcpy(&b, t.second + at + lane * sizeof b, sizeof b);
      const NarrowSingles d = a - b;
      sums[lane] += __builtin_convertvector(d * d, Doubles);
    }
  }
  double sum = 0;
  for (const Doubles& lane : sums)
    for (size_t i = 0; i < sizeof(Doubles) / sizeof(double); ++i) sum += lane[i];
  for (; at < to; at += sizeof(float)) {
    const float d = single_at(t.first + at) - single_at(t.second + at);
    sum += static_cast<double>(d * d);
  }
  return sum;
}

// Twelve chains hide the latency of two units of up to six cycles, and leave registers for the two factors.
template <class V, class T>
uint64_t multiply(uint64_t operations) {
  constexpr int kChains = 12;
  constexpr uint64_t kPerTurn = 2 * kChains * sizeof(V) / sizeof(T);
  V factor = V{} + T(0.999), term = V{} + T(0.001), chains[kChains] = {};
  // Constants that the compiler cannot see through: it would compute the end of the chains itself.
  asm volatile("" : "+m"(factor), "+m"(term));
  for (uint64_t turn = 0; turn < operations / kPerTurn; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chains[i] = chains[i] * factor + term;
  }
  uint64_t seen = 0;
  for (const V& chain : chains) seen |= static_cast<uint64_t>(chain[0] * T(1e6));
  return seen;
}

constexpr Arithmetic kArithmetic{squared_differences, multiply<Singles, float>, multiply<Doubles, double>};

}  // namespace
