import { define } from '../definition.ts'
import { elements as driver } from '../drivers/elements.ts'
import { createLoss } from '../loss.ts'
import type { TwoAndValues, Values } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import { elements } from './elements.ts'
import { choice, finite, type OptionsOf } from './options.ts'

const labels = choice('±1', '01')
const LABELS = { target: "A label must be -1 or 1, or with labels: '01' be 0 or 1." }

/**
 * Hinge loss: what a score lacks to the margin 1 on the right side.
 *
 * ℓ = max(0, 1 − t·x), with x = pred and the label t = ±1.   ∂ℓ/∂x = −t if t·x < 1, otherwise 0
 *
 * @param pred    scores, any shape: float32, float64, float16, bfloat16
 * @param target  labels, same shape: any type not wider than pred
 * @option labels  '±1' (default), or '01' where 0 stands for −1
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge On the margin the gradient is 0. NaN scores give NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_DOMAIN where a label is another number; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Optax hinge_loss, scikit-learn hinge_loss: equal. Keras Hinge takes 0 for −1 if all labels are 0 or 1; TensorFlow.js
 *   hingeLoss always takes 0 and 1. PyTorch has none.
 * @source Cortes and Vapnik, "Support-Vector Networks", 1995
 * @example hinge([0.5, 2, -1], [1, 1, 1], { reduction: 'none' })  // [0.5, 0, 2]
 * @example hinge([0.5, -1], [1, 0], { labels: '01' })  // 0.25
 * @example hinge.grad([0.5, 2], [1, 1]).pred  // [-0.5, 0]
 */
export const hinge = elements('hinge', { labels }, LABELS)

/**
 * Squared hinge loss: smooth on the margin, and harder on large errors.
 *
 * ℓ = max(0, 1 − t·x)², with x = pred and the label t = ±1.   ∂ℓ/∂x = −2t·max(0, 1 − t·x)
 *
 * @param pred    scores, any shape: float32, float64, float16, bfloat16
 * @param target  labels, same shape: any type not wider than pred
 * @option labels  '±1' (default), or '01' where 0 stands for −1
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN scores give NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_DOMAIN where a label is another number; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Keras SquaredHinge: equal, but takes 0 for −1 if all labels are 0 or 1.
 * @example squaredHinge([0.5, 2, -1], [1, 1, 1], { reduction: 'none' })  // [0.25, 0, 4]
 * @example squaredHinge.grad([0.5, 2], [1, 1]).pred  // [-0.5, 0]
 */
export const squaredHinge = elements('squaredHinge', { labels }, LABELS)

/**
 * Soft margin loss: the logistic loss of labels ±1, `bceWithLogits` in other clothes.
 *
 * ℓ = log(1 + e^(−t·x)), with x = pred, t = target.   ∂ℓ/∂x = −t·σ(−t·x)
 *
 * @param pred    scores, any shape: float32, float64, float16, bfloat16
 * @param target  labels −1 and 1, same shape: any type not wider than pred. Other numbers scale the score.
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge Does not overflow. NaN in either input gives NaN, and so does ∞ with target 0. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch soft_margin_loss: equal, but overflows to infinity beyond 88 in float32.
 * @example softMargin([0, 0], [1, -1])  // 0.6931471805599453
 * @example softMargin([-100], [1])  // 100
 * @example softMargin.grad([0, 0], [1, -1]).pred  // [-0.25, 0.25]
 */
export const softMargin = elements('softMargin')

const hingeEmbeddingOptions = { margin: finite(1) }

/**
 * Hinge embedding loss: distances of similar pairs should be small, those of dissimilar pairs at least the margin.
 *
 * ℓ = x if the label is 1, max(0, m − x) if it is −1, with x = input, m = margin.   ∂ℓ/∂x = 1, or −1 if x ≤ m, otherwise 0
 *
 * @param input  distances, any shape: float32, float64, float16, bfloat16
 * @param label  1 for similar pairs, −1 for dissimilar ones, same shape: any type not wider than input
 * @option margin  finite (default 1)
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge Any other label gives x + max(0, m − x) as in PyTorch, where both parts are added. At x = m the gradient is −1. NaN inputs
 *   give NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch hinge_embedding_loss: equal.
 * @example hingeEmbedding([0.25, 0.25, 2], [1, -1, -1], { reduction: 'none' })  // [0.25, 0.75, 0]
 * @example hingeEmbedding.grad([0.25, 0.25], [1, -1]).input  // [0.5, -0.5]
 */
export const hingeEmbedding: Loss<
  Values,
  'input',
  OptionsOf<typeof hingeEmbeddingOptions>,
  BatchWeights
> = createLoss(
  define({ name: 'hingeEmbedding', inputs: ['input', 'label'], driver, options: hingeEmbeddingOptions }),
)

const marginRankingOptions = { margin: finite(0) }

/**
 * Margin ranking loss: of two scores the right one should be greater, by the margin.
 *
 * ℓ = max(0, m − t·(x1 − x2)), with t = label: 1 where x1 should be the greater, −1 where x2 should; m = margin.
 * ∂ℓ/∂x1 = −t, ∂ℓ/∂x2 = t if t·(x1 − x2) ≤ m, otherwise 0
 *
 * @param x1     scores, any shape: float32, float64, float16, bfloat16
 * @param x2     scores, same shape and type
 * @param label  1 or −1, same shape: any type not wider than x1. Other numbers scale the difference.
 * @option margin  finite (default 0)
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge On the margin there is a gradient, so two equal scores part. NaN in any input gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch margin_ranking_loss: equal.
 * @example marginRanking([1, 2], [2, 1], [1, 1], { reduction: 'none' })  // [1, 0]
 * @example marginRanking([1, 2], [2, 1], [1, 1], { margin: 2 })  // 2
 * @example marginRanking.grad([1, 2], [2, 1], [1, 1]).x2  // [0.5, 0]
 */
export const marginRanking: Loss<
  TwoAndValues,
  'x1' | 'x2',
  OptionsOf<typeof marginRankingOptions>,
  BatchWeights
> = createLoss(
  define({ name: 'marginRanking', inputs: ['x1', 'x2', 'label'], driver, options: marginRankingOptions }),
)
