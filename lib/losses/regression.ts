import { define } from '../definition.ts'
import { elements as driver } from '../drivers/elements.ts'
import { createLoss } from '../loss.ts'
import type { Values } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import { elements } from './elements.ts'
import { notNegative, positive, unitInterval } from './options.ts'

/**
 * Mean squared error.
 *
 * ℓ = d², with d = pred − target.   ∂ℓ/∂pred = 2d
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN in either input gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch mse_loss, Optax squared_error: equal. Optax l2_loss and scikit-learn HalfSquaredError are half of it.
 * @example mse([1, 2, 3, 4], [1, 1, 1, 1])  // 3.5
 * @example mse([1, 2, 3, 4], [1, 1, 1, 1], { reduction: 'none' })  // [0, 1, 4, 9]
 * @example mse.grad([1, 2, 3, 4], [1, 1, 1, 1]).pred  // [0, 0.5, 1, 1.5]
 */
export const mse = elements('mse')

/**
 * Mean bias error: by how much the predictions are too low on average; errors of opposite sign cancel.
 *
 * ℓ = target − pred.   ∂ℓ/∂pred = −1
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN in either input gives NaN. Empty batch: mean NaN, sum 0. The value may be negative: as an aim of training it has
 *   no minimum.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others The sign is not standardised: forecasting writes pred − target as often. No deep-learning framework has it.
 * @example mbe([1, 2, 4], [2, 2, 2])  // -0.3333333333333333
 * @example mbe.grad([1, 2, 4, 8], [2, 2, 2, 2]).pred  // [-0.25, -0.25, -0.25, -0.25]
 */
export const mbe = elements('mbe')

/**
 * Mean absolute error: every unit of error counts the same, so outliers weigh less than in the mean squared error.
 *
 * ℓ = |d|, with d = pred − target.   ∂ℓ/∂pred = sign(d), 0 at d = 0
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN in either input gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch l1_loss, Keras MeanAbsoluteError, TensorFlow.js absoluteDifference: equal.
 * @example mae([1, 2, 4], [2, 2, 2])  // 1
 * @example mae.grad([1, 2, 4, 8], [2, 2, 2, 2]).pred  // [-0.25, 0, 0.25, 0.25]
 */
export const mae = elements('mae')

/**
 * Huber loss: quadratic near zero, linear beyond `delta`; robust to outliers, smooth at the minimum.
 *
 * ℓ = ½d² if |d| < δ, otherwise δ(|d| − ½δ), with d = pred − target.   ∂ℓ/∂pred = clamp(d, −δ, δ)
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option delta   where the parabola turns into lines, > 0 (default 1)
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN in either input gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch huber_loss, Keras Huber, Optax huber_loss: equal. PyTorch smooth_l1_loss(beta) is huber(delta = beta) / beta.
 * @source Huber, "Robust Estimation of a Location Parameter", 1964
 * @example huber([0.5, 3], [0, 0])  // 1.3125
 * @example huber([0.5, 3], [0, 0], { delta: 2, reduction: 'none' })  // [0.125, 4]
 * @example huber.grad([0.5, 3], [0, 0]).pred  // [0.25, 0.5]
 */
export const huber = elements('huber', { delta: positive(1) })

/**
 * Smooth L1: the Huber loss divided by its width, so that its lines have the slope 1 whatever `beta` is.
 *
 * ℓ = ½d²/β if |d| < β, otherwise |d| − ½β, with d = pred − target.   ∂ℓ/∂pred = clamp(d/β, −1, 1)
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option beta    where the parabola turns into lines, ≥ 0 (default 1); with 0 it is `mae`
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN in either input gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch smooth_l1_loss: equal. It is huber(delta = beta) / beta; the two are one loss only where beta is 1.
 * @source Girshick, "Fast R-CNN", 2015
 * @example smoothL1([0.5, 3], [0, 0])  // 1.3125
 * @example smoothL1([0.5, 3], [0, 0], { beta: 2, reduction: 'none' })  // [0.0625, 2]
 * @example smoothL1.grad([0.5, 3], [0, 0], { beta: 2 }).pred  // [0.125, 0.5]
 */
export const smoothL1 = elements('smoothL1', { beta: notNegative(1) })

/**
 * Log-cosh: like half the square near zero, like the absolute value less log 2 far away, and smooth everywhere.
 *
 * ℓ = log cosh d, with d = pred − target.   ∂ℓ/∂pred = tanh d
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge Small differences keep their digits, large ones do not overflow. NaN in either input gives NaN. Empty batch: mean NaN,
 *   sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Keras LogCosh, TensorFlow.js, Optax log_cosh: equal, but lose small differences, Keras also negative ones.
 * @example logCosh([100], [0])  // 99.30685281944005
 * @example logCosh([0.5, -0.5], [0, 0], { reduction: 'none' })  // [0.12011450695827752, 0.12011450695827752]
 * @example logCosh.grad([0, 0.5], [0, 0]).pred  // [0, 0.23105857863000487]
 */
export const logCosh = elements('logCosh')

/**
 * Mean absolute percentage error: the error in percent of the target.
 *
 * ℓ = 100·|d| / max(|target|, 10⁻⁷), with d = pred − target.   ∂ℓ/∂pred = 100·sign(d) / max(|target|, 10⁻⁷), 0 at d = 0
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge A target of 0 makes errors 10⁹ times as large. NaN in either input gives NaN, and so does an infinite target. Empty
 *   batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Keras MeanAbsolutePercentageError: equal. scikit-learn's is not in percent.
 * @example mape([1.5, 3], [2, 4])  // 25
 * @example mape.grad([1.5, 3], [2, 4]).pred  // [-25, -12.5]
 */
export const mape = elements('mape')

/**
 * Mean squared logarithmic error: compares ratios, for targets that span orders of magnitude.
 *
 * ℓ = (log(1 + max(x, ε)) − log(1 + max(t, ε)))², with x = pred, t = target, ε = 10⁻⁷.
 * ∂ℓ/∂x = 2(log(1 + x) − log(1 + max(t, ε))) / (1 + x) if x > ε, otherwise 0
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge Negative numbers count as 10⁻⁷. NaN in either input gives NaN, and so do two infinite ones. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Keras MeanSquaredLogarithmicError: equal.
 * @example msle([1, 3], [1, 1])  // 0.2402265069591007
 * @example msle.grad([1, 3], [1, 1]).pred  // [0, 0.17328679513998632]
 */
export const msle = elements('msle')

/**
 * Quantile loss (pinball): its minimum is the `tau`-quantile of the targets, as that of `mae` is the median.
 *
 * ℓ = τ·u if u ≥ 0, otherwise (τ − 1)·u, with u = target − pred.   ∂ℓ/∂pred = −τ if u > 0, 1 − τ if u < 0, 0 at u = 0
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option tau     which quantile, in [0, 1] (default 0.5, half of `mae`)
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN in either input gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others scikit-learn mean_pinball_loss(alpha): equal. In no deep-learning framework.
 * @source Koenker and Bassett, "Regression Quantiles", 1978
 * @example quantile([1, 3], [2, 2], { tau: 0.75 })  // 0.5
 * @example quantile.grad([1, 3], [2, 2], { tau: 0.75 }).pred  // [-0.375, 0.125]
 */
export const quantile = elements('quantile', { tau: unitInterval(0.5) })

/**
 * Root mean squared error: the root of `mse`, in the unit of the target. It has one value for a batch, none for an element.
 *
 * ℓ = √(Σ d² / N), with d = pred − target.   ∂ℓ/∂pred = d / (N·ℓ), 0 where ℓ = 0
 *
 * @param pred    predictions, any shape: float32, float64, float16, bfloat16
 * @param target  targets, same shape, not wider than pred; whole numbers too
 * @option reduction  'mean' only
 * @option weight     a factor of d² for each element, or for the trailing dimensions; not in N
 * @edge NaN in either input gives NaN, also in all of the gradient. Empty batch: NaN. `divisor` replaces N; an accumulator
 *   takes the root of the mean of all batches.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others scikit-learn root_mean_squared_error: equal. Automatic differentiation gives NaN where the loss is 0.
 * @example rmse([1, 2, 3, 4], [1, 1, 1, 3])  // 1.224744871391589
 * @example rmse.grad([3, 4], [3, 4]).pred  // [0, 0]
 * @example rmse.grad([3, 0], [0, 3]).pred  // [0.5, -0.5]
 */
export const rmse: Loss<Values, 'pred', Record<never, never>, BatchWeights, 'mean'> = createLoss(
  define({
    name: 'mse',
    title: 'rmse',
    inputs: ['pred', 'target'],
    driver,
    reductions: ['mean'],
    outer: { name: 'root', of: Math.sqrt, slope: mean => (mean === 0 ? 0 : 0.5 / Math.sqrt(mean)) },
  }),
)
