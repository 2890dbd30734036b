import { define } from '../definition.ts'
import { elements as driver } from '../drivers/elements.ts'
import { createLoss } from '../loss.ts'
import type { Three, Values } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import type { Reduction } from '../types/results.ts'
import { elements } from './elements.ts'
import { flag, notNegative, type OptionsOf, positive } from './options.ts'

/**
 * Poisson negative log-likelihood: for counts, predicted by their rate or its logarithm.
 *
 * ℓ = eˣ − t·x, with x = pred the logarithm of the rate, t = target.   ∂ℓ/∂x = eˣ − t
 * With logInput false: ℓ = x − t·log(x + ε), with x the rate.   ∂ℓ/∂x = 1 − t/(x + ε)
 *
 * @param pred    logarithms of rates, or rates, any shape: float32, float64, float16, bfloat16
 * @param target  counts, same shape, not wider than pred; whole numbers too
 * @option logInput  whether pred holds logarithms (default true)
 * @option full      whether log t! is added where t > 1, by Stirling: t·log t − t + ½log(2πt) (default false)
 * @option eps       ε ≥ 0 (default 10⁻⁸); without it a rate of 0 that saw events costs ∞
 * @option weight    a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge No events cost the rate alone, 0 where its logarithm is −∞; an infinite rate costs ∞. A negative rate gives NaN, and NaN in
 *   either input does. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch poisson_nll_loss: equal. Keras Poisson and TensorFlow.js take rates, with ε = 10⁻⁷.
 * @example poissonNll([0, 0], [3, 1])  // 1
 * @example poissonNll([2], [2], { logInput: false, eps: 0 })  // 0.6137056388801094
 * @example poissonNll.grad([0, 0], [2, 0]).pred  // [-0.5, 0.5]
 */
export const poissonNll = elements('poissonNll', {
  logInput: flag(true),
  full: flag(false),
  eps: notNegative(1e-8),
})

const gaussianNllOptions = { full: flag(false), eps: positive(1e-6) }

/**
 * Gaussian negative log-likelihood: a prediction that says how sure it is.
 *
 * ℓ = ½(log v + d²/v), with d = mean − target, v = max(variance, ε).
 * ∂ℓ/∂mean = d/v,   ∂ℓ/∂variance = ½(1/v − d²/v²), at v also where the variance is below ε
 *
 * @param mean      predictions, any shape: float32, float64, float16, bfloat16
 * @param target    targets, same shape, not wider than mean; whole numbers too
 * @param variance  how uncertain each prediction is, ≥ 0, same shape and type as mean
 * @option full    whether the constant ½log 2π is added (default false)
 * @option eps     ε > 0 (default 10⁻⁶)
 * @option weight  a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge NaN in any input gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_DOMAIN where a variance is negative; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch gaussian_nll_loss: equal, but the variance may there have fewer dimensions.
 * @source Nix and Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", 1994
 * @example gaussianNll([1, 2], [0, 2], [1, 1])  // 0.25
 * @example gaussianNll([1, 2], [0, 2], [1, 1], { full: true })  // 1.1689385332046727
 * @example gaussianNll.grad([1, 2], [0, 2], [0.5, 1]).mean  // [1, 0]
 * @example gaussianNll.grad([1, 2], [0, 2], [0.5, 1]).variance  // [-0.5, 0.25]
 */
export const gaussianNll: Loss<
  Three,
  'mean' | 'variance',
  OptionsOf<typeof gaussianNllOptions>,
  BatchWeights
> = createLoss(
  define({
    name: 'gaussianNll',
    inputs: ['mean', 'target', 'variance'],
    driver,
    options: gaussianNllOptions,
    domain: { variance: 'A variance must not be negative.' },
  }),
)

const klDivOptions = { logTarget: flag(false) }

/**
 * Kullback–Leibler divergence: how far the distribution `target` is from the one whose logarithms are `pred`, as a sum over
 * outcomes.
 *
 * ℓ = t·(log t − x), with x = pred, t = target.   ∂ℓ/∂x = −t
 * With logTarget: ℓ = eᵗ·(t − x), with t the logarithm.   ∂ℓ/∂x = −eᵗ
 *
 * @param pred    log-probabilities, any shape: float32, float64, float16, bfloat16
 * @param target  probabilities, or their logarithms, same shape, not wider than pred
 * @option logTarget  whether the target holds logarithms (default false)
 * @option reduction  also 'batchmean': the sum divided by the first dimension, which is the divergence of a batch [N, …]. The mean
 *   divides by all elements.
 * @option weight     a factor for each element, or for the trailing dimensions; not in the divisor of the mean
 * @edge An outcome without mass costs 0, also where pred is −∞. Negative targets give NaN. NaN in either input gives NaN. Empty
 *   batch: mean NaN, sum 0. An accumulator has no 'batchmean'; a divisor does the same.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch kl_div: equal, but −∞ with target 0 gives NaN. Keras KLDivergence takes two probabilities and clips both.
 * @source Kullback and Leibler, "On Information and Sufficiency", 1951
 * @example klDiv([0, 0], [0.5, 0.5], { reduction: 'none' })  // [-0.34657359027997264, -0.34657359027997264]
 * @example klDiv([[-1, -1], [-2, -2]], [[0, 1], [1, 0]], { reduction: 'batchmean' })  // 1.5
 * @example klDiv.grad([-1, -1], [0.25, 0.75]).pred  // [-0.125, -0.375]
 */
export const klDiv: Loss<
  Values,
  'pred',
  OptionsOf<typeof klDivOptions>,
  BatchWeights,
  Reduction | 'batchmean'
> = createLoss(
  define({
    name: 'klDiv',
    inputs: ['pred', 'target'],
    driver,
    options: klDivOptions,
    reductions: ['mean', 'batchmean', 'sum', 'none'],
  }),
)
