import { elements } from './elements.ts'
import { factor, notNegative, shareOrNone } from './options.ts'

const PROBABILITY = 'A probability must lie in [0, 1].'

/**
 * Binary cross-entropy of probabilities: how surprising the target is to a model that gives it the probability `pred`.
 *
 * ℓ = −t·max(log p, −100) − (1−t)·max(log(1−p), −100).   ∂ℓ/∂p = (p − t) / max(p(1−p), 10⁻¹²)
 *
 * Where the model gives logits, `bceWithLogits` is more accurate and never saturates.
 *
 * @param pred    probabilities in [0, 1], any shape: float32, float64, float16, bfloat16
 * @param target  targets in [0, 1], same shape, not wider than pred; whole numbers too
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge A certain and wrong prediction costs 100, for the logarithm ends there. Empty batch: mean NaN, sum 0.
 * @throws ERR_DOMAIN where pred or target lies outside [0, 1] or is NaN; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch binary_cross_entropy: equal. Keras BinaryCrossentropy clips p to [10⁻⁷, 1 − 10⁻⁷] and so ends at about 16.
 * @example bce([0.5, 0.5], [0, 1])  // 0.6931471805599453
 * @example bce([1, 0], [0, 0], { reduction: 'none' })  // [100, 0]
 * @example bce.grad([0.25, 0.5], [0, 1]).pred  // [0.6666666666666666, -1]
 */
export const bce = elements('bce', {}, { pred: PROBABILITY, target: PROBABILITY })

/**
 * Binary cross-entropy of logits: `bce` of σ(pred), computed without the rounding and saturation of σ.
 *
 * ℓ = (1−t)·softplus(x) + w·t·softplus(−x), with softplus(x) = log(1 + eˣ) and w = posWeight.
 * ∂ℓ/∂x = (1−t)·σ(x) − w·t·σ(−x)
 *
 * @param pred    logits, any shape: float32, float64, float16, bfloat16
 * @param target  targets in [0, 1], same shape, not wider than pred; whole numbers too. They are not checked.
 * @option posWeight  how much a positive target counts, ≥ 0 (default 1): a number, or a factor for each element or for the
 *   trailing dimensions
 * @option weight     a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge Confident elements keep their tiny losses and gradients. pred = ±∞ with the target it means: 0. NaN gives NaN. Empty
 *   batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch binary_cross_entropy_with_logits: equal, but its gradient is 0 where float32 σ rounds to the target, and
 *   infinite logits give NaN. Keras BinaryCrossentropy(from_logits=True) and Optax sigmoid_binary_cross_entropy have no posWeight.
 * @example bceWithLogits([0, 0], [0, 1])  // 0.6931471805599453
 * @example bceWithLogits([0], [1], { posWeight: 3 })  // 2.0794415416798357
 * @example bceWithLogits.grad([0, 0], [0, 1]).pred  // [0.25, -0.25]
 */
export const bceWithLogits = elements('bceWithLogits', { posWeight: factor() })

/**
 * Sigmoid focal loss: binary cross-entropy in which elements that are right already hardly count, for data with many easy
 * negatives.
 *
 * ℓ = α_t · u^γ · bce(p, t), with p = σ(x), u = p + t − 2pt: the probability of being wrong, α_t = αt + (1 − α)(1 − t).
 * ∂ℓ/∂x = α_t · u^γ · (p − t + γ(1 − 2t) · bce(p, t) · p(1 − p)/u)
 *
 * @param pred    logits, any shape: float32, float64, float16, bfloat16
 * @param target  targets in [0, 1], same shape, not wider than pred; whole numbers too. They are not checked.
 * @option alpha   how much positives count, in [0, 1], and 1 − α for negatives (default 0.25); below 0: both count 1
 * @option gamma   how fast easy elements lose weight, ≥ 0 (default 2); with 0 it is `bceWithLogits` weighted by α_t
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge Confident elements have gradient 0, also where γ < 1: nothing is raised to γ − 1. pred = ±∞ with the target it means: 0.
 *   NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others torchvision sigmoid_focal_loss: equal, but its default reduction is none, and γ < 1 gives NaN. Keras
 *   BinaryFocalCrossentropy uses α only if told to. Optax sigmoid_focal_loss has no α by default.
 * @source Lin et al., "Focal Loss for Dense Object Detection", 2017
 * @example sigmoidFocal([0], [1])  // 0.04332169878499658
 * @example sigmoidFocal([0], [1], { alpha: -1, gamma: 0 })  // 0.6931471805599453
 * @example sigmoidFocal.grad([0, 0], [1, 1], { alpha: 1, gamma: 0 }).pred  // [-0.25, -0.25]
 */
export const sigmoidFocal = elements('sigmoidFocal', { alpha: shareOrNone(0.25), gamma: notNegative(2) })
