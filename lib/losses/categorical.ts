import { axis, classWeights, finite, notNegative, unitInterval, whole } from './options.ts'
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
 * @param logits  scores, [N, C], [N, C, d₁, …] or [C]: float32, float64, float16, bfloat16. Flat scores have as many rows as
 *   labels.
 * @param target  labels from 0 to C − 1, the shape of logits without the classes: any integer type; or probabilities, the shape of
 *   logits, which then must have one
 * @option weight          a weight for each class, [C]
 * @option ignoreIndex     the label of rows that do not count (default −100); it may name a class, which then stays in the
 *   softmax. Not for probabilities.
 * @option labelSmoothing  ε in [0, 1] (default 0): q becomes (1 − ε)q + ε/C
 * @option axis            the dimension of logits that holds the classes (default 1); −1 is the last
 * @edge Ignored rows have value 0 and gradient 0, whatever they hold. No row left: mean NaN, sum 0 (`onEmpty`). Probabilities
 *   are not checked nor normalised. NaN gives NaN.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch cross_entropy: equal; confident rows keep losses below 10⁻⁷, which it rounds to 0. Keras
 *   SparseCategoricalCrossentropy takes probabilities unless from_logits=True. Optax softmax_cross_entropy_with_integer_labels has
 *   no weights, smoothing or ignored labels.
 * @example crossEntropy([[0, 0, 0], [5, 5, 5]], [2, 0])  // 1.0986122886681098
 * @example crossEntropy([[0, 0], [0, 0]], [0, -100], { reduction: 'none' })  // [0.6931471805599453, 0]
 * @example crossEntropy([[0, 0]], [[0.5, 0.5]])  // 0.6931471805599453
 * @example crossEntropy({ data: Float64Array.of(0, 9, 0, 9), shape: [1, 2, 2] }, [1, 0])  // 0.6931471805599453
 * @example crossEntropy.grad([[0, 0], [0, 0]], [0, 1]).logits  // [-0.25, 0.25, 0.25, -0.25]
 */
export const crossEntropy = rows('crossEntropy', 'logits', 'classes', {
  weight: classWeights(),
  ignoreIndex: whole(-100),
  labelSmoothing: unitInterval(0),
  axis: axis(),
})

/**
 * Negative log-likelihood of log-probabilities: `crossEntropy` where the model has taken the log-softmax already.
 *
 * ℓ = −w_y · logProbs_y, with y the label.   ∂ℓ/∂logProbs_c = −w_y if c = y, otherwise 0
 *
 * The mean divides by the weights of the labels that are not ignored.
 *
 * @param logProbs  log-probabilities, [N, C], [N, C, d₁, …] or [C]: float32, float64, float16, bfloat16. Flat ones have as many
 *   rows as labels.
 * @param target    labels from 0 to C − 1, the shape of logProbs without the classes: any integer type
 * @option weight       a weight for each class, [C]
 * @option ignoreIndex  the label of rows that do not count (default −100)
 * @option axis         the dimension of logProbs that holds the classes (default 1); −1 is the last
 * @edge Ignored rows have value 0 and gradient 0. No row left: mean NaN, sum 0 (`onEmpty`). The input is taken as it is: that it
 *   holds log-probabilities is not checked.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch nll_loss, ONNX NegativeLogLikelihoodLoss: equal.
 * @example nll([[-0.5, -1], [-2, -0.25]], [0, 1])  // 0.375
 * @example nll.grad([[-0.5, -1], [-2, -0.25]], [0, 1]).logProbs  // [-0.5, 0, 0, -0.5]
 */
export const nll = rows('nll', 'logProbs', 'labels', {
  weight: classWeights(),
  ignoreIndex: whole(-100),
  axis: axis(),
})

/**
 * Focal loss of a softmax: `crossEntropy` in which rows that are right already count less, so that a few hard ones are not lost
 * among many easy ones.
 *
 * ℓ = −α (1 − p)^γ log p, with p = softmax(logits) at the label.
 * ∂ℓ/∂logits_c = α [(1 − p)^γ − γ p (1 − p)^(γ−1) log p] (p_c − [c = y]), with y the label
 *
 * The mean divides by the rows that are not ignored.
 *
 * @param logits  scores, [N, C], [N, C, d₁, …] or [C]: float32, float64, float16, bfloat16. Flat scores have as many rows as
 *   labels.
 * @param target  labels from 0 to C − 1, the shape of logits without the classes: any integer type
 * @option alpha        a factor of all rows, ≥ 0 (default 0.25)
 * @option gamma        how much less easy rows count, ≥ 0 (default 2); with 0 the loss is α times crossEntropy
 * @option ignoreIndex  the label of rows that do not count (default −100)
 * @option axis         the dimension of logits that holds the classes (default 1); −1 is the last
 * @edge Ignored rows have value 0 and gradient 0, whatever they hold. No row left: mean NaN, sum 0 (`onEmpty`). A row that is
 *   certain and right has gradient 0, for γ < 1 too. NaN gives NaN.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Keras CategoricalFocalCrossentropy(from_logits=True): equal but for its clipping of p; its targets are one-hot.
 *   PyTorch and torchvision have `sigmoidFocal` only, in which every class is a yes or no of its own.
 * @source Lin et al., "Focal Loss for Dense Object Detection", 2017
 * @example softmaxFocal([[0, 0]], [0])  // 0.04332169878499658
 * @example softmaxFocal([[0, 0]], [0], { alpha: 1, gamma: 0 })  // 0.6931471805599453
 * @example softmaxFocal.grad([[0, 0]], [0], { alpha: 1, gamma: 0 }).logits  // [-0.5, 0.5]
 */
export const softmaxFocal = rows('softmaxFocal', 'logits', 'labels', {
  alpha: notNegative(0.25),
  gamma: notNegative(2),
  ignoreIndex: whole(-100),
  axis: axis(),
})

/**
 * Poly-1 cross-entropy: `crossEntropy`, the first coefficient of its expansion in 1 − p enlarged by ε.
 *
 * ℓ = −log p + ε (1 − p), with p = softmax(logits) at the label.
 * ∂ℓ/∂logits_c = (1 + ε p) (p_c − [c = y]), with y the label
 *
 * The mean divides by the rows that are not ignored.
 *
 * @param logits  scores, [N, C], [N, C, d₁, …] or [C]: float32, float64, float16, bfloat16. Flat scores have as many rows as
 *   labels.
 * @param target  labels from 0 to C − 1, the shape of logits without the classes: any integer type
 * @option epsilon      what is added to the first coefficient (default 2)
 * @option ignoreIndex  the label of rows that do not count (default −100)
 * @option axis         the dimension of logits that holds the classes (default 1); −1 is the last
 * @edge Ignored rows have value 0 and gradient 0, whatever they hold. No row left: mean NaN, sum 0 (`onEmpty`). NaN gives NaN.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Optax poly_loss_cross_entropy: equal, for labels that are one-hot there.
 * @source Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", 2022
 * @example poly1([[0, 0]], [0], { epsilon: 1 })  // 1.1931471805599454
 * @example poly1([[0, 0]], [0], { epsilon: 0 })  // 0.6931471805599453
 * @example poly1.grad([[0, 0]], [0]).logits  // [-1, 1]
 */
export const poly1 = rows('poly1', 'logits', 'labels', {
  epsilon: finite(2),
  ignoreIndex: whole(-100),
  axis: axis(),
})
