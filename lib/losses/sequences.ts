import { define } from '../definition.ts'
import { sequences } from '../drivers/sequences.ts'
import { createLoss } from '../loss.ts'
import type { FloatTensor, LabelTensor } from '../tensor/types.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import { flag, index, type OptionsOf } from './options.ts'

const options = { blank: index(0), zeroInfinity: flag(false) }

/** Log-probabilities, label sequences, and the lengths of both. */
type Sequences = readonly [
  logProbs: FloatTensor,
  targets: LabelTensor | readonly (readonly number[])[],
  inputLengths: LabelTensor,
  targetLengths: LabelTensor,
]

/**
 * Connectionist temporal classification: how surprising a sequence of labels is to a model that gives a distribution for
 * every step but does not know which step belongs to which label.
 *
 * ℓ = −log Σ_π Π_t p_t(π_t), over all alignments π that become the labels when repeats are merged and blanks dropped.
 * ∂ℓ/∂logProbs_{t,c} = p_t(c) − the share of the alignments that are in c at step t: the gradient as the logits under a
 * log-softmax see it, as in PyTorch.
 *
 * The mean is that of ℓ divided by the number of labels of its sample (at least 1).
 *
 * @param logProbs       log-probabilities, [T, N, C], or [T, C] for one sample: float32, float64, float16, bfloat16
 * @param targets        labels, [N, S] of which each sample uses the first, or all one after the other: any integer type; no
 *   label is the blank
 * @param inputLengths   steps of each sample, [N], at most T: any integer type
 * @param targetLengths  labels of each sample, [N], at most S: any integer type
 * @option blank         the class that stands for no label (default 0)
 * @option zeroInfinity  whether samples without any alignment count as 0, with gradient 0 (default false)
 * @option weight        a factor for each sample, [N]; not in the divisor of the mean
 * @edge A sample whose labels do not fit into its steps, a repeated label needing a blank between, has value ∞ and a gradient
 *   of NaN (`zeroInfinity`). No labels: −Σ_t log p_t(blank). No steps and no labels: 0. The gradient is 0 beyond the steps of a
 *   sample. Empty batch: mean NaN, sum 0.
 * @throws ERR_LABEL where a label names no class or is the blank; ERR_DOMAIN where a length is too large or negative; ERR_SHAPE,
 *   ERR_DTYPE, ERR_OPTION
 * @others PyTorch ctc_loss: equal. Keras CTC and Optax ctc_loss take logits, batch first; Optax gives about 10⁵ where there is no
 *   alignment.
 * @source Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent Neural
 *   Networks", 2006
 * @example ctc({ data: Float64Array.of(-1, -0.5, -1, -0.5), shape: [2, 1, 2] }, [[1]], [2], [1])  // 0.20562323058235676
 * @example ctc.grad({ data: Float64Array.of(-0.5, 0, -0.5, -1), shape: [2, 1, 2] }, [[1]], [1], [1]).logProbs  // [0.6065306597126334, 0, 0, 0]
 */
export const ctc: Loss<Sequences, 'logProbs', OptionsOf<typeof options>, BatchWeights> = createLoss(
  define({
    name: 'ctc',
    inputs: ['logProbs', 'targets', 'inputLengths', 'targetLengths'],
    driver: sequences,
    options,
    domain: {
      inputLengths: 'It must be from 0 to the number of steps.',
      targetLengths: 'It must be from 0 to the number of labels in a row of targets.',
    },
  }),
)
