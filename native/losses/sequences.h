// Losses of sequences: what their driver needs to know of them.
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
  explicit Ctc(const double* p) : blank(static_cast<int64_t>(p[0])), zero_infinity(p[1] != 0) {}
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
