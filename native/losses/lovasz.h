// The Lovász losses: errors of pixels in descending order, weighed by the steps of the Jaccard loss.
//
// Only positive errors take part, so only they are sorted, by the bits of their float64, which for positive
// numbers are in the order of the numbers; pixels with equal errors stay in their order. Everything after the
// sort is one walk down the list.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Of a pixel: how far it errs, and whether the error falls where the prediction rises. */
struct PixelError {
  double error;
  bool falls;
};

/** By a logit. */
LOSSKIT_INLINE PixelError hinge_error(double logit, bool is_object) {
  return {is_object ? 1 - logit : 1 + logit, is_object};
}

/** By a probability. One beyond [0, 1] errs on the other side: the slope turns, as |d| does. */
LOSSKIT_INLINE PixelError probability_error(double p, bool is_object) {
  const double d = is_object ? 1 - p : p;
  const bool is_beyond = is_object ? p > 1 : p < 0;
  return {d < 0 ? -d : d, is_object != is_beyond};
}

/** The weight of a pixel's error: the Jaccard loss 1 - common / all of an object of `size` pixels, after this
 * pixel less before it. */
LOSSKIT_INLINE double jaccard_step(bool is_object, uint64_t size, double common, double all) {
  if (is_object) return 1 / all;
  if (size == 0) return all == 0 ? 1 : 0;  // the first pixel alone
  return common / (all * (all + 1));
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
