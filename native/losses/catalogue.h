// The catalogue: every loss the kernels know. Everything that walks losses walks these lists.
#pragma once

#include "losses/all_pairs.h"
#include "losses/binary.h"
#include "losses/boxes.h"
#include "losses/categorical.h"
#include "losses/gan.h"
#include "losses/margin.h"
#include "losses/masks.h"
#include "losses/multiclass.h"
#include "losses/multilabel.h"
#include "losses/pairs.h"
#include "losses/probabilistic.h"
#include "losses/regression.h"
#include "losses/sequences.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using ElementLosses =
    List<Mse, Mbe, Mae, Huber, SmoothL1, LogCosh, Mape, Msle, Quantile, Bce, BceWithLogits,
         BceWithLogitsPosWeight, SigmoidFocal, Hinge, SquaredHinge, SoftMargin, HingeEmbedding, MarginRanking,
         PoissonNll, GaussianNll, KlDiv, MinimaxGanReal, MinimaxGanFake, MinimaxGanGenerator, LsGanReal,
         LsGanFake, LsGanGenerator, HingeGanReal, HingeGanFake, WassersteinGanReal, WassersteinGanFake>;

/** Losses of the softmax of a row. */
using SoftmaxLosses = List<CrossEntropy, SoftmaxFocal, Poly1>;

/** Losses that read one score of a row. */
using GatherLosses = List<Nll>;

/** Losses of the wrong classes of a row that come close to the right one. */
using MarginLosses = List<MultiMargin, MulticlassHinge>;

/** Losses of rows with several right classes. */
using MultilabelLosses = List<MultilabelMargin, MultilabelSoftMargin>;

/** Losses of the overlap of two masks. */
using RegionLosses = List<MaskIou, Dice, Tversky, FocalTversky, ThresholdedIou>;

using BoxLosses = List<Iou, Giou, Diou, Ciou>;

/** Losses of two or three vectors. */
using PairLosses = List<Triplet, Contrastive, CosineEmbedding, GradientPenalty>;

using SequenceLosses = List<Ctc>;

using AllPairsLosses =
    List<SiameseTriplet, InfoNce, NtXent, SupCon, LinearCrossEntropy, LinearCrossEntropyBias>;

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
