// The softmax of a row in parts, and from its parts to a loss: what every driver of softmax losses computes,
// and in which order it adds.
#pragma once

#include "cpu/call.h"
#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** A row's scores are measured in chunks of this many, each on its own, so that any thread may take any
 * chunk. */
constexpr uint64_t kChunk = 4096;

constexpr bool is_distribution(const Call& c) {
  return c.inputs[1].dtype == Dtype::float32 || c.inputs[1].dtype == Dtype::float64 ||
         c.inputs[1].dtype == Dtype::float16 || c.inputs[1].dtype == Dtype::bfloat16;
}

/** Whether a row's loss depends on all its log-probabilities, not only on that of its label. */
constexpr bool is_dense(const Call& c) { return is_distribution(c) || c.label_smoothing != 0; }

constexpr uint64_t chunks_of(const Call& c) { return (c.columns + kChunk - 1) / kChunk; }

LOSSKIT_INLINE uint64_t chunk_size(const Call& c, uint64_t chunk) {
  const uint64_t left = c.columns - chunk * kChunk;
  return left < kChunk ? left : kChunk;
}

/** Rows of so few classes, with labels, are added in the order of their classes. */
constexpr uint64_t kTinyClasses = 32;

constexpr bool is_tiny(const Call& c) { return c.columns <= kTinyClasses && !is_dense(c); }

/** What exponentials are measured against: of a row of -inf only, every e^x is 0. */
template <class T>
LOSSKIT_INLINE T shift_of(T largest) {
  return largest == -infinity<T> ? T(0) : largest;
}

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

/** e^x */
LOSSKIT_FUNCTION double exp_of_one(double x) {
  return of_one(x, [](auto v) LOSSKIT_LAMBDA { return exp(v); });
}

/** How a chunk meets the row up to it: with a greater maximum, with the same, with a lesser one, or with
 * nothing but -inf, which is measured against 0 instead. */
enum class Meets { higher, level, lower, empty };

LOSSKIT_FUNCTION Meets meets(double row_max, double chunk_max) {
  if (chunk_max > row_max) return Meets::higher;
  if (chunk_max == -infinity<double>) return Meets::empty;
  return row_max - chunk_max == 0 ? Meets::level : Meets::lower;
}

/** What brings exponentials against the lesser maximum to the greater. */
LOSSKIT_FUNCTION double fading(double row_max, double chunk_max, Meets how) {
  if (how == Meets::level || how == Meets::empty) return 1;
  return exp_of_one(how == Meets::higher ? row_max - chunk_max : chunk_max - row_max);
}

/** The row up to a chunk, with the chunk. */
LOSSKIT_FUNCTION Chunk combine(const Chunk& row, const Chunk& chunk, Meets how, double fade) {
  const double mass = row.mass + chunk.mass;
  if (how == Meets::higher) {
    const double rise = chunk.max - row.max, moved = row.mass == 0 ? 0 : row.mass * rise;
    const double lowered = (row.whole + row.rest) * fade;
    return {chunk.max, chunk.whole, lowered + chunk.rest, (row.dot + moved) + chunk.dot, mass};
  }
  if (how == Meets::empty) {
    const double moved = row.max == -infinity<double> || chunk.mass == 0 ? 0 : chunk.mass * row.max;
    return {row.max, row.whole, row.rest + chunk.rest, row.dot + (chunk.dot + moved), mass};
  }
  const double drop = row.max - chunk.max, moved = chunk.mass == 0 ? 0 : chunk.mass * drop;
  const double dot = row.dot + (chunk.dot + moved);
  if (how == Meets::level) return {row.max, row.whole + chunk.whole, row.rest + chunk.rest, dot, mass};
  return {row.max, row.whole, row.rest + (chunk.whole + chunk.rest) * fade, dot, mass};
}

LOSSKIT_FUNCTION Chunk combine(const Chunk& row, const Chunk& chunk) {
  const Meets how = meets(row.max, chunk.max);
  return combine(row, chunk, how, fading(row.max, chunk.max, how));
}

/** The sum of numbers of the unit interval, in two parts as a Chunk has it. Floats at 32 take whole multiples
 * of 2^-18, exactly, and what they leave is summed beside them: widening each number would cost more. Good
 * for 32 numbers in a lane. */
template <class V>
struct UnitSum {
  V held = V(32), left = V(0);

  LOSSKIT_INLINE void add(V e) {
    const V moved = held + e;
    left = left + (e - (moved - held));
    held = moved;
  }
  LOSSKIT_INLINE V whole() const { return held - V(32); }
  LOSSKIT_INLINE V rest() const { return left; }
};
/** Nothing is wider than a double: ones are counted. */
template <int N>
struct UnitSum<vec<double, N>> {
  using V = vec<double, N>;
  V ones = V(0), others = V(0);

  LOSSKIT_INLINE void add(V e) {
    const auto is_one = e == V(1);
    ones = ones + select(is_one, V(1), V(0));
    others = others + select(is_one, V(0), e);
  }
  LOSSKIT_INLINE V whole() const { return ones; }
  LOSSKIT_INLINE V rest() const { return others; }
};

/** Whether the mean divides by the class weights of the labels, not by the number of rows. */
LOSSKIT_INLINE bool is_mean_weighted(const Call& c) {
  return c.weight.data != nullptr && !is_distribution(c);
}

/** What is known of sixteen rows when they are measured. */
struct MeasuredRows {
  Doubles max, whole, rest, dot, mass;
  Doubles score;     // of the label
  Doubles weight;    // of the label's class
  Doubles incoming;  // gradient
};

/** Their losses, and what their gradients are made of: grad_j = e^(x_j - max) factor - uniform q_j. */
struct FinishedRows {
  Doubles value, factor, uniform;
  Doubles label_grad;  // replaces the gradient of the label's own class
};

/** Of rows with labels that are not smoothed. */
template <class Loss, class P>
LOSSKIT_INLINE FinishedRows finish_labelled(const P& params, bool wants_grad, const MeasuredRows& m) {
  const Doubles none(0), nll = (m.max - m.score) + log1p((m.whole - Doubles(1)) + m.rest);
  const Out<Doubles> out = Loss::at(nll, params);
  if (!wants_grad) return {m.weight * out.value, none, none, none};
  const Doubles g = m.incoming * m.weight * out.grad;
  return {m.weight * out.value, g / (m.whole + m.rest), none, fma(g, expm1(-nll), none)};
}

template <class Loss, class P>
LOSSKIT_INLINE FinishedRows finish_rows(const Call& c, const P& params, const MeasuredRows& m) {
  const bool wants_grad = c.grads[0].data != nullptr;
  if (!is_dense(c)) return finish_labelled<Loss>(params, wants_grad, m);
  const Doubles none(0), sum = m.whole + m.rest, log_sum = log1p((m.whole - Doubles(1)) + m.rest);
  if (is_distribution(c)) {
    return {m.dot + m.mass * log_sum, m.incoming * m.mass / sum, m.incoming, none};
  }
  const Doubles nll = (m.max - m.score) + log_sum, p_less_one = wants_grad ? expm1(-nll) : none;
  const Doubles keep = Doubles(1 - c.label_smoothing) * m.weight,
                floor = Doubles(c.label_smoothing / static_cast<double>(c.columns));
  const Doubles value = keep * nll + floor * (m.dot + m.mass * log_sum);
  const Doubles p = p_less_one + Doubles(1), label_grad = keep * p_less_one + floor * (m.mass * p - m.weight);
  return {value, m.incoming * (keep + floor * m.mass) / sum, m.incoming * floor, m.incoming * label_grad};
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
