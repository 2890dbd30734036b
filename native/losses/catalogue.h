// The catalogue: every loss the kernels know. Everything that walks losses walks these lists.
#pragma once

#include "losses/binary.h"
#include "losses/boxes.h"
#include "losses/categorical.h"
#include "losses/masks.h"
#include "losses/pairs.h"
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

using BoxLosses = List<Iou, Giou, Diou, Ciou>;

/** Losses of two or three vectors. */
using PairLosses = List<Triplet, Contrastive, CosineEmbedding, GradientPenalty>;

using SequenceLosses = List<Ctc>;

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
