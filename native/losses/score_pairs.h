// A score against all scores of the other side, sixteen at a time: 16 lanes are the order of its sums.
//
// Everything is float64 inside. A pair costs one exponential; logarithms are merged: 256 pairs of a lane are
// one product of factors 1 + e^-|d|, kept as that product less 1, so that small terms keep their digits.
#pragma once

#include "losses/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Memory of a call: both sides, and the incoming gradient of every positive. */
struct BothScores {
  double *positive, *negative, *incoming;

  LOSSKIT_INLINE explicit BothScores(const Call& c)
      : positive(static_cast<double*>(c.shared)),
        negative(positive + c.rows),
        incoming(negative + c.others) {}
};
constexpr uint64_t score_bytes(const Call& c) { return (2 * c.rows + c.others) * sizeof(double); }

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
  LOSSKIT_FUNCTION void merge_logs() {
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

/** A positive's sums over all negatives. */
template <bool wants_value, bool wants_grad>
LOSSKIT_INLINE PairSums sum_negatives(const Call& c, const BothScores& s, Doubles positive) {
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
  return pairs;
}

/** A negative's slopes over all positives, each times what comes in. */
LOSSKIT_INLINE Doubles sum_positives(const Call& c, const BothScores& s, Doubles negative) {
  Doubles sum(0);
  for (uint64_t i = 0; i < c.rows; i += 16) {
    const size_t left = static_cast<size_t>(c.rows - i);
    Doubles d = negative - load_some<Doubles>(s.positive + i, left, 0);
    if (left < 16) d = only_first(d, left);
    sum = fma(sigmoid_of(d, decay(d)), load_some<Doubles>(s.incoming + i, left, 0), sum);
  }
  return sum;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
