import { define } from '../definition.ts'
import { pairs, samples } from '../drivers/pairs.ts'
import { createLoss } from '../loss.ts'
import type { One, Three, TwoAndValues } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import { finite, flag, norm, notNegative, type OptionsOf, positive } from './options.ts'

const withMargin = { margin: notNegative(1) }
const withCosineMargin = { margin: finite(0) }
const tripletOptions = { margin: notNegative(1), p: norm(2), eps: notNegative(1e-6), swap: flag(false) }
const penaltyOptions = { lambda: notNegative(10), target: positive(1), oneSided: flag(false) }

/**
 * Contrastive loss of pairs of embeddings: similar ones are pulled together, dissimilar ones pushed apart up to a margin.
 *
 * ℓ = (1 − y)·d² + y·max(0, m − d)² for each row, with d = ‖x₁ − x₂‖ and y the label: 0 similar, 1 dissimilar.
 * ∂ℓ/∂x₁ = 2·((1 − y) − y·max(0, m − d)/d)·(x₁ − x₂), ∂ℓ/∂x₂ its negative
 *
 * @param x1     embeddings, [N, D], or [D] for one: float32, float64, float16, bfloat16. Flat ones have as many rows as labels.
 * @param x2     embeddings, same shape and type
 * @param label  0 where a pair is similar, 1 where it is not, or what lies between, [N]: any type that is not wider
 * @option margin  m ≥ 0: the distance from which dissimilar pairs cost nothing (default 1)
 * @option weight  a factor for each pair, [N]; not in the divisor of the mean
 * @edge Equal embeddings have gradient 0, whatever their label. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_DOMAIN where a label lies outside [0, 1] or is NaN; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others The paper has the factor ½ before either term. PyTorch Metric Learning's ContrastiveLoss has no squares; elsewhere
 *   label 1 often means similar.
 * @source Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006
 * @example contrastive([[0, 0], [0, 0]], [[3, 4], [0.5, 0]], [0, 1])  // 12.625
 * @example contrastive.grad([[0, 0]], [[3, 4]], [0]).x1  // [-6, -8]
 */
export const contrastive: Loss<
  TwoAndValues,
  'x1' | 'x2',
  OptionsOf<typeof withMargin>,
  BatchWeights
> = createLoss(
  define({
    name: 'contrastive',
    inputs: ['x1', 'x2', 'label'],
    driver: pairs,
    options: withMargin,
    domain: { label: 'A label must lie in [0, 1]: 0 for a similar pair, 1 for a dissimilar one.' },
  }),
)

/**
 * Cosine embedding loss: the angle between embeddings that belong together closes, that between others opens up to a margin.
 *
 * ℓ = 1 − cos for label 1, max(0, cos − m) for label −1, 0 for any other, with cos = x₁·x₂ / √((‖x₁‖² + ε)(‖x₂‖² + ε)),
 * ε = 10⁻¹².   ∂ℓ/∂x₁ = ∓(x₂/√(…) − cos·x₁/(‖x₁‖² + ε)), and likewise for x₂
 *
 * @param x1     embeddings, [N, D], or [D] for one: float32, float64, float16, bfloat16. Flat ones have as many rows as labels.
 * @param x2     embeddings, same shape and type
 * @param label  1 or −1, [N]: any type that is not wider
 * @option margin  m: the cosine from which pairs with label −1 cost something (default 0); best from −1 to 1
 * @option weight  a factor for each pair, [N]; not in the divisor of the mean
 * @edge The cosine of a zero vector is 0. At exactly the margin the gradient counts. NaN gives NaN where the label counts. Empty
 *   batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch cosine_embedding_loss: equal. Keras CosineSimilarity is −cos, Optax cosine_distance 1 − cos.
 * @example cosineEmbedding([[3, 4], [1, 0]], [[6, 8], [0, 1]], [-1, 1])  // 0.9999999999999876
 * @example cosineEmbedding.grad([[1, 0]], [[0, 2]], [1]).x1.map(Math.fround)  // [0, -1]
 */
export const cosineEmbedding: Loss<
  TwoAndValues,
  'x1' | 'x2',
  OptionsOf<typeof withCosineMargin>,
  BatchWeights
> = createLoss(
  define({
    name: 'cosineEmbedding',
    inputs: ['x1', 'x2', 'label'],
    driver: pairs,
    options: withCosineMargin,
  }),
)

/**
 * Triplet margin loss: an anchor should be nearer to its positive than to its negative, by a margin.
 *
 * ℓ = max(0, m + d(a, p) − d(a, n)) for each row, with d(x, y) = ‖x − y + ε‖ₚ.   With u(x, y) the derivative of d by x:
 * ∂ℓ/∂a = u(a, p) − u(a, n), ∂ℓ/∂p = −u(a, p), ∂ℓ/∂n = u(a, n) where m + d(a, p) − d(a, n) ≥ 0, otherwise 0
 *
 * @param anchor    embeddings, [N, D], or [D] for one: float32, float64, float16, bfloat16
 * @param positive  embeddings that belong to the anchors, same shape and type
 * @param negative  embeddings that do not, same shape and type
 * @option margin  m ≥ 0 (default 1)
 * @option p       the norm, from 1 on, or Infinity (default 2)
 * @option eps     ε ≥ 0, added to every difference with its sign (default 10⁻⁶)
 * @option swap    whether d(p, n) stands for d(a, n) where it is less (default false): the harder of the two; at a tie each has
 *   half the derivative
 * @option weight  a factor for each triplet, [N]; not in the divisor of the mean
 * @edge The derivative of a norm at 0 is 0. Numbers that share the largest difference of p = Infinity share its derivative. NaN
 *   gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch triplet_margin_loss: equal. PyTorch Metric Learning's TripletMarginLoss normalises its embeddings and has margin
 *   0.05; Optax triplet_margin_loss adds ε to the sum instead.
 * @source Schroff, Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering", 2015; swap:
 *   Balntas et al., "Learning Local Feature Descriptors with Triplets and Shallow Convolutional Neural Networks", 2016
 * @example triplet([[0, 0]], [[3, 4]], [[0, 1]], { eps: 0 })  // 5
 * @example triplet.grad([[0, 0]], [[0, 2]], [[3, 0]], { margin: 2, eps: 0 }).anchor  // [1, -1]
 */
export const triplet: Loss<
  Three,
  'anchor' | 'positive' | 'negative',
  OptionsOf<typeof tripletOptions>,
  BatchWeights
> = createLoss(
  define({
    name: 'triplet',
    inputs: ['anchor', 'positive', 'negative'],
    driver: pairs,
    options: tripletOptions,
  }),
)

/**
 * Gradient penalty of WGAN-GP: the gradient of a critic, which you compute at points between real and generated samples,
 * should have norm 1.
 *
 * ℓ = λ·(‖g‖/T − 1)² for each sample, or λ·max(0, ‖g‖/T − 1)² if one-sided.   ∂ℓ/∂g = 2λ·(‖g‖/T − 1)·g/(T·‖g‖)
 *
 * @param gradients  of the critic by its input, [N, …], or [D] for one sample: float32, float64, float16, bfloat16
 * @option lambda    λ ≥ 0 (default 10)
 * @option target    T > 0, the norm that costs nothing (default 1)
 * @option oneSided  whether smaller norms cost nothing either (default false)
 * @option weight    a factor for each sample, [N]; not in the divisor of the mean
 * @edge A zero gradient costs λ and has gradient 0. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others TensorFlow GAN wasserstein_gradient_penalty adds 10⁻¹⁰ under the root and leaves λ to the caller.
 * @source Gulrajani et al., "Improved Training of Wasserstein GANs", 2017
 * @example gradientPenalty([[3, 4], [1, 0]])  // 80
 * @example gradientPenalty.grad([[3, 4]]).gradients  // [48, 64]
 */
export const gradientPenalty: Loss<
  One,
  'gradients',
  OptionsOf<typeof penaltyOptions>,
  BatchWeights
> = createLoss(
  define({ name: 'gradientPenalty', inputs: ['gradients'], driver: samples, options: penaltyOptions }),
)
