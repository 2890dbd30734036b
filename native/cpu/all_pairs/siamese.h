// Scores of positives [M] against scores of negatives [N]: rows = M, others = N.
//
// Everything is float64 inside: both sides are widened once, and then each row meets all of the other side
// sixteen at a time, 16 lanes of which are the order of its sums. A pair costs one exponential; logarithms
// are merged: 256 pairs of a lane are one product of factors 1 + e^-|d|, kept as that product less 1, so that
// small terms keep their digits.
#pragma once

#include "cpu/softmax/finish.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Memory of the phases: both sides, and the incoming gradient of every row. */
struct Scores {
  double *positive, *negative, *incoming;

  explicit Scores(const Call& c)
      : positive(static_cast<double*>(c.shared)),
        negative(positive + c.rows),
        incoming(negative + c.others) {}
};
inline uint64_t score_bytes(const Call& c) { return (2 * c.rows + c.others) * sizeof(double); }
inline uint64_t score_count(const Call& c) { return c.rows + c.others; }
inline uint64_t score_others(const Call& c) { return c.others; }
/** Both may be large, and their product larger than any integer. */
inline uint64_t score_work(const Call& c) {
  const double pairs = static_cast<double>(c.rows) * static_cast<double>(c.others) * 16;
  return pairs < 0x1p60 ? static_cast<uint64_t>(pairs) : uint64_t(1) << 60;
}

template <class T>
void widen_scores(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void*) {
  const Scores s(c);
  for (uint64_t i = begin; i < end && i < c.rows; ++i) {
    s.positive[i] = read_one<double>(c.inputs[0], i);
    s.incoming[i] = incoming_gradient(c, i);
  }
  for (uint64_t i = begin < c.rows ? c.rows : begin; i < end; ++i) {
    s.negative[i - c.rows] = read_one<double>(c.inputs[1], i - c.rows);
  }
}

/** e^-|d|, of which both softplus and the logistic function are made. */
LOSSKIT_INLINE Doubles decay(Doubles d) { return exp_flushed(-abs(d)); }

LOSSKIT_INLINE Doubles sigmoid_of(Doubles d, Doubles t) {
  return select(d >= Doubles(0), Doubles(1), t) / (Doubles(1) + t);
}

/** Sums over the other side, sixteen lanes each. */
struct PairSums {
  Doubles linear{0}, logs{0}, product{0}, slopes{0};
  int factors = 0;

  /** Adds softplus(d) and its slope. */
  template <bool wants_value, bool wants_grad>
  LOSSKIT_INLINE void add(Doubles d) {
    const Doubles t = decay(d);
    if constexpr (wants_value) {
      linear = linear + max(Doubles(0), d);
      product = fma(product, t, product + t);
      if (++factors == 256) merge_logs();
    }
    if constexpr (wants_grad) slopes = slopes + sigmoid_of(d, t);
  }
  void merge_logs() {
    logs = logs + log1p(product);
    product = Doubles(0);
    factors = 0;
  }
};

/** Where there is no pair: nothing is added. */
LOSSKIT_INLINE Doubles only_first(Doubles d, size_t n) {
  constexpr double kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  return select(Doubles::load(kOnes, n, 0) == Doubles(0), Doubles(-infinity<double>), d);
}

template <class T, bool wants_value, bool wants_grad>
void siamese_positives(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  const Scores s(c);
  const double count = static_cast<double>(c.others);
  RowGroup<T> group;
  T slopes[kRowGroup];
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    T* const out = wants_grad ? output_block(c.grads[0], at, slopes) : slopes;
    for (size_t i = 0; i < n; ++i) {
      const Doubles positive(s.positive[at + i]);
      PairSums pairs;
      uint64_t j = 0;
      for (; j + 16 <= c.others; j += 16) {
        pairs.add<wants_value, wants_grad>(Doubles::load(s.negative + j) - positive);
      }
      if (const size_t left = static_cast<size_t>(c.others - j); left != 0) {
        const Doubles d = Doubles::load(s.negative + j, left, 0) - positive;
        pairs.add<wants_value, wants_grad>(only_first(d, left));
      }
      pairs.merge_logs();
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
  const Scores s(c);
  const double count = static_cast<double>(c.others);
  T slopes[kRowGroup];
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    T* const out = output_block(c.grads[1], at, slopes);
    for (size_t k = 0; k < n; ++k) {
      const Doubles negative(s.negative[at + k]);
      Doubles sum(0);
      for (uint64_t i = 0; i < c.rows; i += 16) {
        const size_t left = static_cast<size_t>(c.rows - i);
        Doubles d = negative - load_some<Doubles>(s.positive + i, left, 0);
        if (left < 16) d = only_first(d, left);
        sum = fma(sigmoid_of(d, decay(d)), load_some<Doubles>(s.incoming + i, left, 0), sum);
      }
      out[k] = static_cast<T>(sum_lanes(sum) / count);
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
