import { define, MATMULS } from '../definition.ts'
import { classVectors, clusters, partners, scorePairs } from '../drivers/all-pairs.ts'
import { createLoss } from '../loss.ts'
import type { Labelled, Two, TwoLabelled } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import {
  bytes,
  choice,
  classTensor,
  classWeights,
  type OptionsOf,
  onDevice,
  positive,
  unitInterval,
  whole,
} from './options.ts'

type NoOptions = Record<never, never>

/**
 * Siamese triplet loss in its probability form: how likely every positive is to score below each negative. Positives and
 * negatives are scores of one exemplar.
 *
 * ℓ_i = mean_j softplus(n_j − p_i), so that the mean is −(1/MN) Σ_i Σ_j log(e^{p_i} / (e^{p_i} + e^{n_j})).
 * ∂ℓ/∂positive_i = −mean_j σ(n_j − p_i);   ∂ℓ/∂negative_j = (1/N) Σ_i σ(n_j − p_i)
 *
 * @param positive  scores that should be high, M of them in any shape: float32, float64, float16, bfloat16
 * @param negative  scores that should be low, N of them in any shape, of the same type
 * @edge Scores far apart neither overflow nor vanish: the value tends to n − p or to e^{n − p}. No positives: mean NaN, sum 0. No
 *   negatives: NaN. NaN gives NaN.
 * @throws ERR_DTYPE, ERR_OPTION
 * @others In no framework.
 * @source Dong, Shen, "Triplet Loss in Siamese Network for Object Tracking", 2018
 * @example siameseTriplet([0, 0], [0])  // 0.6931471805599453
 * @example siameseTriplet([0, 1000], [0, -1000], { reduction: 'none' })  // [0.34657359027997264, 0]
 * @example siameseTriplet.grad([0, 0], [0])  // { positive: Float64Array.of(-0.25, -0.25), negative: Float64Array.of(0.5) }
 */
export const siameseTriplet: Loss<Two, 'positive' | 'negative', NoOptions, NoOptions> = createLoss(
  define({ name: 'siameseTriplet', inputs: ['positive', 'negative'], driver: scorePairs }),
)

const temperature = { temperature: positive(0.07) }

/**
 * InfoNCE: the key that belongs to a query is to be found among all keys. Row i of the keys belongs to row i of the queries.
 *
 * ℓ_i = −log softmax_j(s_ij)_i, with s_ij = cos(q_i, k_j) / temperature.
 * ∂ℓ/∂s_ij = softmax_j(s_ij) − [i = j];   ∂ℓ/∂query_i = (G − q̂(q̂·G)) / |q_i|, with q̂ = q_i / |q_i| and
 * G = Σ_j ∂ℓ/∂s_ij k̂_j / temperature;   ∂ℓ/∂key likewise
 *
 * Scores are computed in float64, tile by tile; the matrix of all is never held. One direction: for the symmetric loss of image
 * and text add `infoNce(key, query)`.
 *
 * @param query  vectors, [M, D], normalised inside: float32, float64, float16, bfloat16
 * @param key    vectors, [N, D], N ≥ M, of the same type; those from row M on are further negatives
 * @option temperature  what cosines are divided by, > 0 (default 0.07)
 * @edge Norms are taken to be at least 10⁻⁸: a zero vector has cosine 0 to all, and a finite gradient. Empty batch: mean NaN, sum 0.
 *   NaN gives NaN.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch Metric Learning NTXentLoss of pairs in one direction. CLIP averages both directions.
 * @source van den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018
 * @example infoNce([[1, 0], [0, 1]], [[1, 0], [0, 1]], { temperature: 1 })  // 0.31326168751822286
 * @example infoNce.grad([[1, 0]], [[1, 0]])  // { query: Float64Array.of(0, 0), key: Float64Array.of(0, 0) }
 */
export const infoNce: Loss<Two, 'query' | 'key', OptionsOf<typeof temperature>, NoOptions> = createLoss(
  define({ name: 'infoNce', inputs: ['query', 'key'], driver: partners, options: temperature }),
)

/**
 * NT-Xent, the normalised temperature-scaled cross-entropy: each positive of an anchor is to stand out against its negatives.
 * Rows with equal labels are positives of each other, all others negatives.
 *
 * ℓ_i = mean_p −log(e^{s_ip} / (e^{s_ip} + Σ_n e^{s_in})), over the positives p of i, with s_ij = cos(x_i, x_j) / temperature.
 * ∂ℓ/∂s_ip = −σ(log Σ_n e^{s_in} − s_ip) / |P|, ∂ℓ/∂s_in = e^{s_in} Σ_p (1 / (e^{s_ip} + Σ_n e^{s_in})) / |P|, and from there
 * through the normalisation as in `infoNce`
 *
 * The mean divides by the anchors that have a positive.
 *
 * @param embeddings  vectors, [N, D], normalised inside: float32, float64, float16, bfloat16
 * @param labels      what belongs together, [N]: any integer type, any values. For pairs of views: 0 1 2 … 0 1 2 …
 * @option temperature  what cosines are divided by, > 0 (default 0.07)
 * @edge An anchor without a positive has value 0, gradient 0, and does not count; it stays a negative of others. An anchor without a
 *   negative has value 0. None that counts: mean NaN, sum 0 (`onEmpty`). Norms are taken to be at least 10⁻⁸. NaN gives NaN.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Optax ntxent, PyTorch Metric Learning NTXentLoss average over all positive pairs instead of over anchors: equal where all
 *   anchors have as many.
 * @source Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020
 * @example ntXent([[1, 0], [1, 0], [0, 1], [0, 1]], [0, 0, 1, 1], { temperature: 1 })  // 0.5514447139320511
 * @example ntXent.grad([[1, 0], [2, 0]], [7, 7]).embeddings  // [0, 0, 0, 0]
 */
export const ntXent: Loss<Labelled, 'embeddings', OptionsOf<typeof temperature>, NoOptions> = createLoss(
  define({ name: 'ntXent', inputs: ['embeddings', 'labels'], driver: clusters, options: temperature }),
)

const supConTemperature = { temperature: positive(0.1) }

/**
 * Supervised contrastive loss: an anchor is to be near all rows of its label, of the form with the sum outside the logarithm.
 *
 * ℓ_i = −mean_p log(e^{s_ip} / Σ_{a ≠ i} e^{s_ia}), over the positives p of i, with s_ij = cos(x_i, x_j) / temperature.
 * ∂ℓ/∂s_ij = softmax_{a ≠ i}(s_ia)_j − [j positive] / |P|, and from there through the normalisation as in `infoNce`
 *
 * The mean divides by the anchors that have a positive.
 *
 * @param embeddings  vectors, [N, D], normalised inside: float32, float64, float16, bfloat16
 * @param labels      what belongs together, [N]: any integer type, any values
 * @option temperature  what cosines are divided by, > 0 (default 0.1)
 * @edge An anchor without a positive has value 0, gradient 0, and does not count; it stays in the denominators of others. None that
 *   counts: mean NaN, sum 0 (`onEmpty`). Norms are taken to be at least 10⁻⁸. NaN gives NaN.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch Metric Learning SupConLoss: equal. The authors' code multiplies by temperature / base_temperature.
 * @source Khosla et al., "Supervised Contrastive Learning", 2020
 * @example supCon([[1, 0], [1, 0], [0, 1], [0, 1]], [0, 0, 1, 1], { temperature: 1 })  // 0.5514447139320511
 * @example supCon.grad([[1, 0], [2, 0]], [7, 7]).embeddings  // [0, 0, 0, 0]
 */
export const supCon: Loss<
  Labelled,
  'embeddings',
  OptionsOf<typeof supConTemperature>,
  NoOptions
> = createLoss(
  define({ name: 'supCon', inputs: ['embeddings', 'labels'], driver: clusters, options: supConTemperature }),
)

const linearOptions = {
  bias: classTensor(),
  weight: classWeights(),
  ignoreIndex: whole(-100),
  labelSmoothing: unitInterval(0),
  matmul: onDevice(choice(...MATMULS)),
  workspace: onDevice(bytes(2 ** 30)),
}

/**
 * Cross-entropy of a linear layer: `crossEntropy(input · linearWeightᵀ + bias, target)` without the matrix of the logits, which
 * for a large vocabulary is most of a step's memory.
 *
 * ℓ = −Σ_c w_c q_c log p_c, with p = softmax(z), z_c = x · W_c + b_c, and q the smoothed label.
 * ∂ℓ/∂z_c = p_c Σ_k w_k q_k − w_c q_c;   ∂ℓ/∂input = Σ_c ∂ℓ/∂z_c W_c;   ∂ℓ/∂linearWeight_c = Σ_i ∂ℓ_i/∂z_ic x_i;
 * ∂ℓ/∂bias_c = Σ_i ∂ℓ_i/∂z_ic
 *
 * Logits are computed in float64, tile by tile. The mean divides by the weights of the labels that are not ignored.
 *
 * @param input         rows x, [N, D]: float32, float64, float16, bfloat16
 * @param linearWeight  rows W, [V, D], of the same type
 * @param target        labels from 0 to V − 1, [N]: any integer type
 * @option bias            one number for each class, [V], of the type of the input (default none); its gradient is `bias`
 * @option weight          a weight for each class, [V]
 * @option ignoreIndex     the label of rows that do not count (default −100)
 * @option labelSmoothing  ε in [0, 1] (default 0): q becomes (1 − ε)q + ε/V
 * @option matmul          of device tensors: 'exact' (default) gives the bits of the processor; 'cublas' takes tensor cores, and gives
 *   those of cuBLAS, which has to be there: logits and their derivatives are rounded to the type of the input, which is not float64
 * @option workspace       with 'cublas': how many bytes the logits of the rows that are computed together may take; 1024 rows always
 *   may (default 1 GiB)
 * @edge Ignored rows have value 0 and gradient 0, whatever they hold. No row left: mean NaN, sum 0 (`onEmpty`). NaN gives NaN.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch linear_cross_entropy, with labels; Liger FusedLinearCrossEntropy, Apple cut-cross-entropy.
 * @source Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models", 2024
 * @example linearCrossEntropy([[1, 2]], [[0, 0], [0, 0]], [0])  // 0.6931471805599453
 * @example linearCrossEntropy.grad([[1, 2]], [[0, 0], [0, 0]], [0]).linearWeight  // [-0.5, -1, 0.5, 1]
 * @example linearCrossEntropy.grad([[1, 2]], [[0, 0], [0, 0]], [0], { bias: [1, 1] }).bias  // [-0.5, 0.5]
 */
export const linearCrossEntropy: Loss<
  TwoLabelled,
  'input' | 'linearWeight' | 'bias?',
  OptionsOf<typeof linearOptions>,
  NoOptions
> = createLoss(
  define({
    name: 'linearCrossEntropy',
    inputs: ['input', 'linearWeight', 'target'],
    driver: classVectors,
    options: linearOptions,
  }),
)
