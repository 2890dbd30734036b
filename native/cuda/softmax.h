// The softmax of a row by warps: a chunk of 4096 scores for each, in thirty-two lanes, as the processor's
// vectors add them.
#pragma once

#include "cuda/rows.h"
#include "losses/catalogue.h"
#include "losses/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Numbers that are summed on their own, in thirty-two lanes: as many as the sum in parts can take. */
constexpr unsigned kRun = 16 * 32;

LOSSKIT_INLINE unsigned lane_of_warp() { return threadIdx.x & 31; }

/** Whether a row of this loss is dense; few losses have any that are. */
template <class Loss>
LOSSKIT_INLINE bool is_dense_of(const Call& c) {
  if constexpr (requires { Loss::distributions; }) {
    return is_dense(c);
  } else {
    return false;
  }
}
template <class Loss>
LOSSKIT_INLINE bool is_labelled(const Call& c) {
  return !is_dense_of<Loss>(c) || !is_distribution(c);
}

/** The weight of each class in a dense row's loss: smoothed, times the class weight. */
struct DenseTargets {
  const Call& c;
  uint64_t row;
  double keep, floor;

  LOSSKIT_INLINE DenseTargets(const Call& call, uint64_t of_row)
      : c(call),
        row(of_row),
        keep(1 - call.label_smoothing),
        floor(call.label_smoothing / static_cast<double>(call.columns)) {}

  template <class T>
  LOSSKIT_INLINE double at(uint64_t column) const {
    double q = 1;
    if (is_distribution(c)) {
      const uint64_t place = Scores<T>(c, c.inputs[1], row).place(column);
      q = fused(static_cast<double>(number_at<T>(c.inputs[1], place)), keep, floor);
    }
    if (c.weight.data != nullptr) q = q * static_cast<double>(number_at<T>(c.weight, column));
    return q;
  }
};

/** What a target distribution adds to a chunk. Both halves of a warp do the same: sixteen lanes are the order
 * of the sum. */
template <class T>
LOSSKIT_INLINE void sum_targets(const Call& c, uint64_t row, const Scores<T>& score, uint64_t start,
                                uint64_t n, T shift, Chunk& chunk) {
  const DenseTargets targets(c, row);
  double dot = 0, mass = 0;
  for (uint64_t i = lane(); i < n; i += kTeam) {
    const double q = targets.at<T>(start + i);
    const double below = static_cast<double>(shift) - static_cast<double>(score(start + i));
    dot = fused(q, below, dot);
    mass = mass + q;
  }
  chunk.dot = sum_lanes(Doubles(dot));
  chunk.mass = sum_lanes(Doubles(mass));
}

/** The largest of a number of each of so many neighbouring threads; all threads of the warp come to it. */
template <class T>
LOSSKIT_INLINE T largest_among(T largest, int threads) {
  for (int distance = threads / 2; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(kWarp, largest, distance);
    largest = other > largest ? other : largest;
  }
  return largest;
}

/** A NaN is never the largest. */
template <class T>
LOSSKIT_INLINE T largest_of(const Scores<T>& score, uint64_t start, uint64_t n) {
  T largest = -infinity<T>;
  for (uint64_t i = lane_of_warp(); i < n; i += 32) {
    const T x = score(start + i);
    largest = x > largest ? x : largest;
  }
  return largest_among(largest, 32);
}

/** Measures chunk k of a row, by a warp. */
template <class Loss, class T>
LOSSKIT_INLINE Chunk measure_chunk(const Call& c, uint64_t row, const Scores<T>& score, uint64_t k) {
  using V = vec<T, kTeam>;
  const uint64_t start = k * kChunk, n = chunk_size(c, k);
  const T largest = largest_of(score, start, n), shift = shift_of(largest);
  Chunk chunk = {static_cast<double>(largest), 0, 0, 0, 0};
  if (is_dense_of<Loss>(c)) sum_targets(c, row, score, start, n, shift, chunk);
  double whole = 0, rest = 0;
  for (uint64_t run = 0; run < n; run += kRun) {
    UnitSum<V> sum;
    const uint64_t end = run + kRun < n ? run + kRun : n;
    for (uint64_t i = run + lane_of_warp(); i < end; i += 32)
      sum.add(exp_flushed(V(score(start + i)) - V(shift)));
    const double w = static_cast<double>(sum.whole().v), r = static_cast<double>(sum.rest().v);
    whole = whole + (w + __shfl_xor_sync(kWarp, w, 16));
    rest = rest + (r + __shfl_xor_sync(kWarp, r, 16));
  }
  chunk.whole = sum_lanes(Doubles(whole));
  chunk.rest = sum_lanes(Doubles(rest));
  return chunk;
}

/** A finished row, for its gradient. */
template <class T>
struct Row {
  double max, factor, uniform;
  T value, weight, label_grad;
  int64_t label;  // kIgnored: the gradient is 0; kBad: it is not written
};

constexpr int64_t kNoLabel = -3;  // the target is a distribution

template <class Loss, bool can_be_dense = true, class T, class P>
LOSSKIT_INLINE Row<T> finish_row(const Call& c, const P& params, const double* scale, uint64_t row,
                                 int64_t label, T score, const Chunk& whole) {
  const T weight = label >= 0 ? class_weight<T>(c, label) : T(1);
  const bool wants_grad = c.grads[0].data != nullptr;
  const MeasuredRows m = {whole.max,
                          whole.whole,
                          whole.rest,
                          whole.dot,
                          whole.mass,
                          static_cast<double>(score),
                          static_cast<double>(weight),
                          wants_grad ? incoming_gradient(c, scale, row) : 0};
  FinishedRows done;
  if constexpr (can_be_dense && requires { Loss::distributions; }) {
    done = finish_rows<Loss>(c, params, m);
  } else {
    done = finish_labelled<Loss>(params, wants_grad, m);
  }
  return {whole.max,      done.factor.v,
          done.uniform.v, static_cast<T>(done.value.v),
          weight,         static_cast<T>(done.label_grad.v),
          label};
}

/** The same by one thread of a block, so that the others keep their registers for the scores. */
template <class Loss, class T, class P>
LOSSKIT_SELDOM Row<T> finish_alone(const Call& c, const P& params, const double* scale, uint64_t row,
                                   int64_t label, T score, const Chunk& whole) {
  return finish_row<Loss>(c, params, scale, row, label, score, whole);
}

/** What the exponentials of a chunk are multiplied by, for the gradient. */
LOSSKIT_INLINE double factor_of(double row_factor, double row_max, double largest) {
  return largest == row_max ? row_factor : row_factor * exp_of_one(largest - row_max);
}

/** Writes the gradient of chunk k, by a warp; its scores may stand where the gradient goes. */
template <class Loss, class T>
LOSSKIT_INLINE void write_chunk(const Call& c, uint64_t row, const Scores<T>& score, uint64_t k,
                                double largest, const Row<T>& r) {
  using V = vec<T, kTeam>;
  const uint64_t start = k * kChunk, n = chunk_size(c, k);
  const V shift(shift_of(static_cast<T>(largest)));
  const double factor = factor_of(r.factor, r.max, largest);
  const bool dense = is_dense_of<Loss>(c);
  const DenseTargets targets(c, row);
  for (uint64_t i = lane_of_warp(); i < n; i += 32) {
    const uint64_t column = start + i;
    T grad;
    if (r.label == kIgnored) {
      grad = T(0);
    } else if (r.label >= 0 && column == static_cast<uint64_t>(r.label)) {
      grad = r.label_grad;
    } else {
      const T e = exp_flushed(V(score(column)) - shift).v;
      grad = dense ? static_cast<T>(fused(static_cast<double>(e), factor, -r.uniform * targets.at<T>(column)))
                   : e * static_cast<T>(factor);
    }
    put_float(c.grads[0], score.place(column), grad);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
