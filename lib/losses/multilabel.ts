import { define } from '../definition.ts'
import { multilabel, multilabelLists } from '../drivers/multilabel.ts'
import { createLoss } from '../loss.ts'
import type { FloatTensor, LabelTensor, PlainNumbers } from '../tensor/types.ts'
import type { Values } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import { classWeights, type OptionsOf } from './options.ts'

/**
 * Multi-label margin loss: every right class should win against every wrong one by 1.
 *
 * ℓ = 1/C · Σ_j Σ_c max(0, 1 + x_c − x_j), over the right classes j and the wrong classes c.
 * ∂ℓ/∂x = 1/C for every pair that is above 0, at the wrong class; minus that at the right one
 *
 * @param pred    scores, [N, C] or [C]: float32, float64, float16, bfloat16
 * @param target  the right classes of each row, from 0 to C − 1, same shape: any signed integer type. −1 ends a list that is shorter
 *   than its row. A class that is listed twice counts twice.
 * @edge At the margin exactly the gradient is 0. No class, or all classes: value 0. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_LABEL where a target is neither a class nor −1, behind the end of a list too; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch multilabel_margin_loss: equal, but it drops NaN.
 * @example multilabelMargin([[0.5, 0, 1]], [[2, -1, 0]])  // 0.16666666666666666
 * @example multilabelMargin.grad([[0.5, 0, 1]], [[2, -1, 0]]).pred  // [0.3333333333333333, 0, -0.3333333333333333]
 */
export const multilabelMargin: Loss<
  readonly [pred: FloatTensor, target: LabelTensor | PlainNumbers],
  'pred',
  Record<never, never>,
  Record<never, never>
> = createLoss(define({ name: 'multilabelMargin', inputs: ['pred', 'target'], driver: multilabelLists }))

const softOptions = { weight: classWeights() }

/**
 * Multi-label soft margin loss: the mean over the classes of a row of their binary cross-entropies (`bceWithLogits`).
 *
 * ℓ = 1/C · Σ_c w_c [(1−t_c)·softplus(x_c) + t_c·softplus(−x_c)].   ∂ℓ/∂x_c = w_c/C · [(1−t_c)·σ(x_c) − t_c·σ(−x_c)]
 *
 * The mean divides by the rows, weighted or not.
 *
 * @param pred    logits, [N, C] or [C]: float32, float64, float16, bfloat16
 * @param target  targets in [0, 1], same shape, not wider than pred; whole numbers too. They are not checked.
 * @option weight  a weight for each class, [C]
 * @edge Confident classes keep their tiny losses and gradients. pred = ±∞ with the target it means: 0. NaN gives NaN. Empty
 *   batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch multilabel_soft_margin_loss: equal.
 * @example multilabelSoftMargin([[0, 0]], [[0, 1]])  // 0.6931471805599453
 * @example multilabelSoftMargin.grad([[0, 0]], [[0, 1]]).pred  // [0.25, -0.25]
 */
export const multilabelSoftMargin: Loss<
  Values,
  'pred',
  OptionsOf<typeof softOptions>,
  Record<never, never>
> = createLoss(
  define({
    name: 'multilabelSoftMargin',
    inputs: ['pred', 'target'],
    driver: multilabel,
    options: softOptions,
  }),
)
