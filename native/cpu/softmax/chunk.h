// What a part of a row contributes to its softmax, and how parts make a row.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using Doubles = vec<double, 16>;

/** What a chunk of a row contributes to its softmax. The sum of e^(x - m) is in two parts, so that a
 * confident row keeps the digits of its small loss: `whole` is 1 where nothing else is near, and 1 less is
 * exact. */
struct Chunk {
  double max;    // m: the largest score
  double whole;  // of the sum, what is a multiple of 2^-18; or only how many terms are 1
  double rest;   // what that leaves
  double dot;    // of q (m - x), for a target distribution q
  double mass;   // of q
};

/** Applies an elementary function to one number. */
template <class F>
LOSSKIT_INLINE double of_one(double x, F f) {
  using V = vec<double, native_lanes<double>>;
  double y[V::lanes];
  f(V(x)).store(y);
  return y[0];
}

/** e^x */
inline double exp_of_one(double x) {
  return of_one(x, [](auto v) { return exp(v); });
}

/** The row up to a chunk, with the chunk: exponents are brought to the greater maximum. */
inline Chunk combine(const Chunk& row, const Chunk& chunk) {
  const double mass = row.mass + chunk.mass;
  if (chunk.max > row.max) {
    const double rise = chunk.max - row.max, moved = row.mass == 0 ? 0 : row.mass * rise;
    const double lowered = (row.whole + row.rest) * exp_of_one(-rise);
    return {chunk.max, chunk.whole, lowered + chunk.rest, (row.dot + moved) + chunk.dot, mass};
  }
  if (chunk.max == -infinity<double>) {  // measured against 0 instead
    const double moved = row.max == -infinity<double> || chunk.mass == 0 ? 0 : chunk.mass * row.max;
    return {row.max, row.whole, row.rest + chunk.rest, row.dot + (chunk.dot + moved), mass};
  }
  const double drop = row.max - chunk.max, moved = chunk.mass == 0 ? 0 : chunk.mass * drop;
  const double dot = row.dot + (chunk.dot + moved);
  if (drop == 0) return {row.max, row.whole + chunk.whole, row.rest + chunk.rest, dot, mass};
  return {row.max, row.whole, row.rest + (chunk.whole + chunk.rest) * exp_of_one(-drop), dot, mass};
}

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
