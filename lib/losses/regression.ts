import { elements } from './elements.ts'
import { positive } from './options.ts'

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
