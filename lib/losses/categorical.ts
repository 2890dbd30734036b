import { classWeights, unitInterval, whole } from './options.ts'
import { rows } from './rows.ts'

/**
 * Cross-entropy of logits: how surprising the right class is to the model. Targets are class labels, or probabilities for
 * every class.
 *
 * ℓ = −Σ_c w_c q_c log p_c, with p = softmax(logits) and q the target: 1 at the label, 0 elsewhere.
 * ∂ℓ/∂logits_c = p_c Σ_k w_k q_k − w_c q_c
 *
 * The mean over labels divides by the weights of the labels that are not ignored, the mean over probabilities by the rows.
 *
 * @param logits  scores, [N, C] or [C]: float32, float64, float16, bfloat16. Flat scores have as many rows as labels.
 * @param target  labels from 0 to C − 1, [N]: any integer type; or probabilities, [N, C], for logits that have a shape
 * @option weight          a weight for each class, [C]
 * @option ignoreIndex     the label of rows that do not count (default −100); it may name a class, which then stays in the
 *   softmax. Not for probabilities.
 * @option labelSmoothing  ε in [0, 1] (default 0): q becomes (1 − ε)q + ε/C
 * @edge Ignored rows have value 0 and gradient 0, whatever they hold. No row left: mean NaN, sum 0 (`onEmpty`). Probabilities
 *   are not checked nor normalised. NaN gives NaN.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch cross_entropy: equal; confident rows keep losses below 10⁻⁷, which it rounds to 0. Keras
 *   SparseCategoricalCrossentropy takes probabilities unless from_logits=True. Optax softmax_cross_entropy_with_integer_labels has
 *   no weights, smoothing or ignored labels.
 * @example crossEntropy([[0, 0, 0], [5, 5, 5]], [2, 0])  // 1.0986122886681098
 * @example crossEntropy([[0, 0], [0, 0]], [0, -100], { reduction: 'none' })  // [0.6931471805599453, 0]
 * @example crossEntropy([[0, 0]], [[0.5, 0.5]])  // 0.6931471805599453
 * @example crossEntropy.grad([[0, 0], [0, 0]], [0, 1]).logits  // [-0.25, 0.25, 0.25, -0.25]
 */
export const crossEntropy = rows('crossEntropy', 'logits', 'classes', {
  weight: classWeights(),
  ignoreIndex: whole(-100),
  labelSmoothing: unitInterval(0),
})

/**
 * Negative log-likelihood of log-probabilities: `crossEntropy` where the model has taken the log-softmax already.
 *
 * ℓ = −w_y · logProbs_y, with y the label.   ∂ℓ/∂logProbs_c = −w_y if c = y, otherwise 0
 *
 * The mean divides by the weights of the labels that are not ignored.
 *
 * @param logProbs  log-probabilities, [N, C] or [C]: float32, float64, float16, bfloat16. Flat ones have as many rows as labels.
 * @param target    labels from 0 to C − 1, [N]: any integer type
 * @option weight       a weight for each class, [C]
 * @option ignoreIndex  the label of rows that do not count (default −100)
 * @edge Ignored rows have value 0 and gradient 0. No row left: mean NaN, sum 0 (`onEmpty`). The input is taken as it is: that it
 *   holds log-probabilities is not checked.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch nll_loss, ONNX NegativeLogLikelihoodLoss: equal.
 * @example nll([[-0.5, -1], [-2, -0.25]], [0, 1])  // 0.375
 * @example nll.grad([[-0.5, -1], [-2, -0.25]], [0, 1]).logProbs  // [-0.5, 0, 0, -0.5]
 */
export const nll = rows('nll', 'logProbs', 'labels', { weight: classWeights(), ignoreIndex: whole(-100) })
