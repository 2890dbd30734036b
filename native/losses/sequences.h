// Losses of sequences: what their drivers need to know of them.
//
// The forward-backward algorithm runs in logarithms and float64. The labels of a sample with blanks around
// them are its states; a step moves all of them at once, and each is computed by the same operations wherever
// it lies.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Connectionist temporal classification: -log of the probability of all alignments of a label sequence. */
struct Ctc {
  static constexpr const char* name = "ctc";
  static constexpr Names params = {2, {"blank", "zeroInfinity"}};
  static constexpr int inputs = 4;  // log-probabilities, labels, lengths of both
  int64_t blank;
  bool zero_infinity;
  explicit constexpr Ctc(const double* p) : blank(static_cast<int64_t>(p[0])), zero_infinity(p[1] != 0) {}
};

using States = vec<double, 16>;

/** Log-sum-exp of three; -inf if all are. */
LOSSKIT_INLINE States log_add(States a, States b, States c) {
  const States m = max(a, max(b, c)), shift = select(m == States(-infinity<double>), States(0), m);
  return log((exp(a - shift) + exp(b - shift)) + exp(c - shift)) + shift;
}

/** The share of the alignments that are in a state at a step. */
LOSSKIT_INLINE States share_of(States emission, States forward, States backward, double log_probability) {
  // Both passes hold this step's log-probability. Where that is -inf no alignment passes.
  const States joint = (forward - emission) + (backward - States(log_probability));
  return select(emission == States(-infinity<double>), States(0), exp(joint));
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
