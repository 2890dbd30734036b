// Scores of positives [M] against scores of negatives [N]: rows = M, others = N.
//
// Both sides are widened once, and then each row meets all of the other side; see losses/score_pairs.h.
#pragma once

#include "cpu/softmax/finish.h"
#include "losses/score_pairs.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

inline uint64_t score_count(const Call& c) { return c.rows + c.others; }
inline uint64_t score_others(const Call& c) { return c.others; }
/** Both may be large, and their product larger than any integer. */
inline uint64_t score_work(const Call& c) {
  const double pairs = static_cast<double>(c.rows) * static_cast<double>(c.others) * 16;
  return pairs < 0x1p60 ? static_cast<uint64_t>(pairs) : uint64_t(1) << 60;
}

template <class T>
void widen_scores(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void*) {
  const BothScores s(c);
  for (uint64_t i = begin; i < end && i < c.rows; ++i) {
    s.positive[i] = read_one<double>(c.inputs[0], i);
    s.incoming[i] = incoming_gradient(c, i);
  }
  for (uint64_t i = begin < c.rows ? c.rows : begin; i < end; ++i) {
    s.negative[i - c.rows] = read_one<double>(c.inputs[1], i - c.rows);
  }
}

template <class T, bool wants_value, bool wants_grad>
void siamese_positives(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  const BothScores s(c);
  const double count = static_cast<double>(c.others);
  RowGroup<T> group;
  T slopes[kRowGroup];
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    T* const out = wants_grad ? output_block(c.grads[0], at, slopes) : slopes;
    for (size_t i = 0; i < n; ++i) {
      const PairSums pairs = sum_negatives<wants_value, wants_grad>(c, s, Doubles(s.positive[at + i]));
      if constexpr (wants_value) {
        group.values[i] = static_cast<T>((sum_lanes(pairs.linear) + sum_lanes(pairs.logs)) / count);
      }
      if constexpr (wants_grad) {
        out[i] = static_cast<T>(-(s.incoming[at + i] * sum_lanes(pairs.slopes) / count));
      }
    }
    if constexpr (wants_value) group.finish(c, at, n, n, sums);
    if constexpr (wants_grad) flush_block(c.grads[0], at, n, out);
  }
}

template <class T>
void siamese_negatives(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void*) {
  const BothScores s(c);
  const double count = static_cast<double>(c.others);
  T slopes[kRowGroup];
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    T* const out = output_block(c.grads[1], at, slopes);
    for (size_t k = 0; k < n; ++k) {
      out[k] = static_cast<T>(sum_lanes(sum_positives(c, s, Doubles(s.negative[at + k]))) / count);
    }
    flush_block(c.grads[1], at, n, out);
  }
}

template <class T>
constexpr KernelEntry<T> siamese_entry() {
  constexpr Phase<T> widened = {widen_scores<T>, score_count, nullptr, nullptr};
  constexpr Phase<T> negatives = {siamese_negatives<T>, score_others, score_work, nullptr};
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) phases[0] = widened;
  entry.plan.phases[kValue][1] = {siamese_positives<T, true, false>, nullptr, score_work, nullptr};
  entry.plan.phases[kGrad][1] = {siamese_positives<T, false, true>, nullptr, score_work, nullptr};
  entry.plan.phases[kValueAndGrad][1] = {siamese_positives<T, true, true>, nullptr, score_work, nullptr};
  entry.plan.phases[kGrad][2] = negatives;
  entry.plan.phases[kValueAndGrad][2] = negatives;
  entry.plan.shared = score_bytes;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
