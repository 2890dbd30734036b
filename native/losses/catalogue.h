// The catalogue: every loss the kernels know. Everything that walks losses walks these lists.
#pragma once

#include "losses/all_pairs.h"
#include "losses/binary.h"
#include "losses/categorical.h"
#include "losses/masks.h"
#include "losses/regression.h"
#include "losses/sequences.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using ElementLosses = List<Mse, Mbe, Mae, Huber, Bce, BceWithLogits, BceWithLogitsPosWeight>;

/** Losses of the softmax of a row. */
using SoftmaxLosses = List<CrossEntropy>;

/** Losses that read one score of a row. */
using GatherLosses = List<Nll>;

/** Losses of the overlap of two masks. */
using RegionLosses = List<MaskIou, Dice, Tversky, FocalTversky, ThresholdedIou>;

using SequenceLosses = List<Ctc>;

using AllPairsLosses =
    List<SiameseTriplet, InfoNce, NtXent, SupCon, LinearCrossEntropy, LinearCrossEntropyBias>;

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
