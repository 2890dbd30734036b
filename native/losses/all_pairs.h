// Losses in which every row meets every other: scores against scores, or rows of vectors against rows of
// vectors. Of the latter,
//
//   cosine   whether scores are cosines over a temperature, or products plus a bias
//   clusters what a row's labels make of the others: nothing (its partner is the row of y that its label
//            names), or the positives in one softmax with all others, or each in one with the negatives only
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

enum class Clusters { none, together, apart };

/** Vectors whose scores are cosines over a temperature. */
struct Cosines {
  static constexpr Names params = {1, {"temperature"}};
  static constexpr bool cosine = true;
};

/** -log softmax(s_i)_i */
struct InfoNce : Cosines {
  static constexpr const char* name = "infoNce";
  static constexpr int inputs = 2, labels = -1;
  static constexpr Gradients gradients = {2, {0, 1}};
  static constexpr Clusters clusters = Clusters::none;
};

/** mean_p log(1 + sum_n e^(s_in - s_ip)), over positives p and negatives n */
struct NtXent : Cosines {
  static constexpr const char* name = "ntXent";
  static constexpr int inputs = 2, labels = 1;
  static constexpr Clusters clusters = Clusters::apart;
};

/** mean_p -log softmax(s_i)_p, over positives p; the softmax over all but i itself */
struct SupCon : Cosines {
  static constexpr const char* name = "supCon";
  static constexpr int inputs = 2, labels = 1;
  static constexpr Clusters clusters = Clusters::together;
};

/** Cross-entropy of the scores x_i . w_j. */
struct LinearCrossEntropy : NoParams {
  static constexpr const char* name = "linearCrossEntropy";
  static constexpr int inputs = 3, labels = 2;
  static constexpr Gradients gradients = {2, {0, 1}};
  static constexpr bool cosine = false;
  static constexpr Clusters clusters = Clusters::none;
};

/** The same of x_i . w_j + b_j. */
struct LinearCrossEntropyBias : LinearCrossEntropy {
  static constexpr const char* name = "linearCrossEntropy+bias";
  static constexpr int inputs = 4;
  static constexpr Gradients gradients = {3, {0, 1, 3}};
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
