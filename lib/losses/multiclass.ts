import { axis, classWeights, finite, oneOf } from './options.ts'
import { rows } from './rows.ts'

/**
 * Multi-class margin loss: every wrong class that does not stay `margin` below the right one costs what is missing.
 *
 * ℓ = w_y / C · Σ_{c ≠ y} max(0, m + z_c − z_y)^p, with z the scores and y the label.
 * ∂ℓ/∂z_c = w_y / C · p · max(0, m + z_c − z_y)^(p−1) where that is above 0, otherwise 0; ∂ℓ/∂z_y is minus the sum of these.
 *
 * The mean divides by the rows, weighted or not.
 *
 * @param logits  scores, [N, C], [N, C, d₁, …] or [C]: float32, float64, float16, bfloat16. Flat scores have as many rows as
 *   labels.
 * @param target  labels from 0 to C − 1, the shape of logits without the classes: any integer type
 * @option p       1 (default) or 2: the power of what is missing
 * @option margin  by how much the right class should win (default 1)
 * @option weight  a weight for each class, [C]
 * @option axis    the dimension of logits that holds the classes (default 1); −1 is the last
 * @edge At the margin exactly the gradient is 0. One class: value 0. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others PyTorch multi_margin_loss: equal, but it drops NaN.
 * @example multiMargin([[0.5, 0, 1]], [2])  // 0.16666666666666666
 * @example multiMargin([[0.5, 0, 1]], [2], { p: 2 })  // 0.08333333333333333
 * @example multiMargin.grad([[0.5, 0, 1]], [2]).logits  // [0.3333333333333333, 0, -0.3333333333333333]
 */
export const multiMargin = rows('multiMargin', 'logits', 'labels', {
  p: oneOf(1, 2),
  margin: finite(1),
  weight: classWeights(),
  axis: axis(),
})

/**
 * Multi-class hinge loss of Crammer and Singer: only the wrong class that comes closest counts.
 *
 * ℓ = max(0, 1 + max_{c ≠ y} z_c − z_y), with z the scores and y the label.
 * ∂ℓ/∂z = 1 at the greatest wrong class, the first of several, and −1 at the label where ℓ > 0, otherwise 0
 *
 * @param logits  scores, [N, C], [N, C, d₁, …] or [C]: float32, float64, float16, bfloat16. Flat scores have as many rows as
 *   labels.
 * @param target  labels from 0 to C − 1, the shape of logits without the classes: any integer type
 * @option axis  the dimension of logits that holds the classes (default 1); −1 is the last
 * @edge At the margin exactly the gradient is 0. One class: value 0. A row with NaN has value NaN and a gradient of NaN. Empty
 *   batch: mean NaN, sum 0.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Optax multiclass_hinge_loss and scikit-learn hinge_loss: equal. Keras CategoricalHinge differs where all wrong scores
 *   are negative.
 * @source Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines", 2001
 * @example multiclassHinge([[0.5, 0, 1]], [2])  // 0.5
 * @example multiclassHinge.grad([[0.5, 0, 1]], [2]).logits  // [1, 0, -1]
 */
export const multiclassHinge = rows('multiclassHinge', 'logits', 'labels', { axis: axis() })
