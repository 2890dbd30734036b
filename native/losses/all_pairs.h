// Losses in which every row meets every other: scores against scores, or rows of vectors against rows of
// vectors.
//
//   labels   position of the input of labels, -1 for none
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** mean_j softplus(n_j - p_i), of a positive's score p_i and all scores of negatives. */
struct SiameseTriplet : NoParams {
  static constexpr const char* name = "siameseTriplet";
  static constexpr int inputs = 2, labels = -1;
  static constexpr Gradients gradients = {2, {0, 1}};
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
