import { define } from '../definition.ts'
import { boxes as driver } from '../drivers/boxes.ts'
import { createLoss } from '../loss.ts'
import type { Values } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import { choice, type Domain, notNegative, type OptionsOf } from './options.ts'

function boxes<Domains extends Readonly<Record<string, Domain>>>(
  name: string,
  options: Domains,
): Loss<Values, 'pred', OptionsOf<Domains>, BatchWeights> {
  return createLoss(define({ name, inputs: ['pred', 'target'], driver, options }))
}

/**
 * Intersection over union of boxes: how much of what two boxes cover they do not share. The box is regressed as a whole, and
 * large and small boxes weigh the same.
 *
 * ℓ = 1 − I/U, or −log max(I/U, ε) in the form 'log', with I the area of the intersection and U that of the union.
 * ∂ℓ/∂pred = −∂(I/U), or −∂(I/U)·U/I, with ∂(I/U) = (U·∂I − I·∂U)/U². At ties of corners each box has half the derivative.
 *
 * @param pred    boxes x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2, [N, 4], or [4] for one: float32, float64, float16, bfloat16.
 *   Flat boxes come one after the other.
 * @param target  boxes, same shape, not wider than pred; whole numbers too
 * @option form    'linear' (the default) or 'log'
 * @option eps     ε ≥ 0 of the form 'log' (default 10⁻⁶): its largest value is −log ε, where the gradient is 0
 * @option weight  a factor for each pair, [N]; not in the divisor of the mean
 * @edge Boxes that do not overlap cost 1, or −log ε, and pull nothing: their gradient by the intersection is 0. Two boxes without
 *   area give NaN. Corners in the wrong order are not refused: sides then count as negative. NaN gives NaN. Empty batch: mean NaN,
 *   sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others torchvision has the quotient, box_iou, but not the loss. MMDetection IoULoss is the form 'log' unless its mode is
 *   'linear'.
 * @source Yu et al., "UnitBox: An Advanced Object Detection Network", 2016
 * @example iou([0, 0, 2, 2], [1, 0, 3, 2])  // 0.6666666666666666
 * @example iou([0, 0, 2, 2], [1, 1, 3, 3], { form: 'log' })  // 1.9459101490553135
 * @example iou.grad([0, 0, 4, 4], [2, 0, 6, 4]).pred  // [-0.05555555555555555, 0, -0.16666666666666666, 0]
 */
export const iou = boxes('iou', { form: choice('linear', 'log'), eps: notNegative(1e-6) })

/**
 * Generalised IoU: `iou` that also pulls boxes which do not overlap, by the part of the enclosing box that neither covers.
 *
 * ℓ = 1 − I/(U + ε) + (C − U)/(C + ε), with C the area of the smallest box around both.   ∂ℓ/∂pred by the quotient rule; at
 * ties of corners each box has half the derivative.
 *
 * @param pred    boxes x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2, [N, 4], or [4] for one: float32, float64, float16, bfloat16.
 *   Flat boxes come one after the other.
 * @param target  boxes, same shape, not wider than pred; whole numbers too
 * @option eps     ε ≥ 0, keeps boxes without area defined (default 10⁻⁷)
 * @option weight  a factor for each pair, [N]; not in the divisor of the mean
 * @edge Values lie in [0, 2]. Equal boxes cost ε/(U + ε), equal points 1. Corners in the wrong order are not refused: sides then
 *   count as negative. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others torchvision generalized_box_iou_loss: equal, but its reduction is 'none' by default.
 * @source Rezatofighi et al., "Generalized Intersection over Union: A Metric and a Loss for Bounding Box Regression", 2019
 * @example giou([0, 0, 1, 1], [2, 0, 3, 1], { eps: 0 })  // 1.3333333333333333
 * @example giou.grad([0, 0, 1, 1], [2, 0, 4, 1], { eps: 0 }).pred  // [0.0625, -0.125, -0.25, 0.125]
 */
export const giou = boxes('giou', { eps: notNegative(1e-7) })

/**
 * Distance IoU: `iou` that also pulls the centres together, at any distance.
 *
 * ℓ = 1 − I/(U + ε) + ρ²/(c² + ε), with ρ the distance of the centres and c the diagonal of the smallest box around both.
 * ∂ℓ/∂pred = −∂(I/(U + ε)) + (∂ρ² − ρ²/(c² + ε)·∂c²)/(c² + ε); at ties of corners each box has half the derivative.
 *
 * @param pred    boxes x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2, [N, 4], or [4] for one: float32, float64, float16, bfloat16.
 *   Flat boxes come one after the other.
 * @param target  boxes, same shape, not wider than pred; whole numbers too
 * @option eps     ε ≥ 0, keeps boxes without area defined (default 10⁻⁷)
 * @option weight  a factor for each pair, [N]; not in the divisor of the mean
 * @edge Values lie in [0, 2]. Equal boxes cost ε/(U + ε), equal points 1. Corners in the wrong order are not refused: sides then
 *   count as negative. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others torchvision distance_box_iou_loss: equal, but its reduction is 'none' by default.
 * @source Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020
 * @example diou([0, 0, 2, 2], [4, 0, 6, 2], { eps: 0 })  // 1.4
 * @example diou.grad([0, 0, 4, 4], [4, 4, 8, 8], { eps: 0 }).pred  // [0, 0, -0.03125, -0.03125]
 */
export const diou = boxes('diou', { eps: notNegative(1e-7) })

/**
 * Complete IoU: `diou` that also pulls the aspect ratios together.
 *
 * ℓ = diou + α·v, with v = 4/π²·φ², φ = atan2(W, H) − atan2(w, h) of the target's and the prediction's sides, and
 * α = v/(1 − I/(U + ε) + v + ε).
 * ∂ℓ/∂pred = ∂diou + α·∂v: α counts as a constant. ∂v/∂w = −8/π²·φ·h/(w² + h²), ∂v/∂h the opposite with w.
 *
 * @param pred    boxes x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2, [N, 4], or [4] for one: float32, float64, float16, bfloat16.
 *   Flat boxes come one after the other.
 * @param target  boxes, same shape, not wider than pred; whole numbers too
 * @option eps     ε ≥ 0, keeps boxes without area defined (default 10⁻⁷)
 * @option weight  a factor for each pair, [N]; not in the divisor of the mean
 * @edge A box without height has the angle π/2, a point 0. Equal boxes cost ε/(U + ε), equal points 1. Corners in the wrong order
 *   are not refused: sides then count as negative. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others torchvision complete_box_iou_loss: equal, but its reduction is 'none' by default, points give NaN, and the angle of
 *   turned boxes is atan(w/h). MMDetection CIoULoss leaves α out where boxes overlap little.
 * @source Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020
 * @example ciou([0, 0, 2, 4], [1, 0, 4, 4], { eps: 0 })  // 0.8205377210610341
 * @example ciou.grad([0, 0, 4, 4], [4, 4, 8, 8], { eps: 0 }).pred  // [0, 0, -0.03125, -0.03125]
 */
export const ciou = boxes('ciou', { eps: notNegative(1e-7) })
