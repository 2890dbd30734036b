import { define } from '../definition.ts'
import type { Driver } from '../drivers/driver.ts'
import { masks as perImage, pooledClassMasks, pooledMasks } from '../drivers/masks.ts'
import { createLoss } from '../loss.ts'
import type { LabelTensor, Tensor } from '../tensor/types.ts'
import type { Labelled, Values } from '../types/inputs.ts'
import type { Loss, Metric } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import { type Domain, flag, notNegative, type OptionsOf, positive, whole } from './options.ts'

const BINARY = 'A mask must hold 0 and 1 only.'

function masks<Domains extends Readonly<Record<string, Domain>>>(
  name: string,
  options: Domains,
  driver: Driver = perImage,
): Loss<Values, 'pred', OptionsOf<Domains>, BatchWeights> {
  return createLoss(define({ name, inputs: ['pred', 'target'], driver, options, domain: { target: BINARY } }))
}

/**
 * Soft intersection over union of masks (Jaccard): how much of what either mask covers they do not share.
 *
 * ℓ = 1 − (I + s) / (U + s) for each image, with I = Σ p·t, U = Σ p + Σ t − I, s = smooth.
 * ∂ℓ/∂p = −(t·(U + s) − (1 − t)·(I + s)) / (U + s)²
 *
 * @param pred    masks in [0, 1], [B, …]; a tensor of one dimension is one image: float32, float64, float16, bfloat16
 * @param target  masks in [0, 1], same shape, not wider than pred; whole numbers too
 * @option smooth  keeps empty images defined, ≥ 0 (default 10⁻⁶)
 * @option weight  a factor for each image, [B]; not in the divisor of the mean
 * @edge Two empty masks cost 0, or NaN without smooth. Values outside [0, 1] are not refused. NaN gives NaN. Empty batch: mean NaN,
 *   sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others In no framework. Segmentation Models' JaccardLoss pools the batch and leaves out empty classes.
 * @source Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation", 2016
 * @example maskIou([1, 1, 0, 0], [1, 0, 1, 0], { smooth: 0 })  // 0.6666666666666666
 * @example maskIou.grad([1, 1, 0, 0], [1, 0, 1, 0], { smooth: 1 }).pred  // [-0.25, 0.125, -0.25, 0.125]
 */
export const maskIou = masks('maskIou', { smooth: notNegative(1e-6) })

/**
 * Dice loss of masks: 1 − the F1 score of their pixels.
 *
 * ℓ = 1 − (2I + s) / (Σ p + Σ t + s) for each image, with I = Σ p·t, s = smooth.
 * ∂ℓ/∂p = −(2t·S − (2I + s)) / S², with S = Σ p + Σ t + s
 *
 * @param pred    masks in [0, 1], [B, …]; a tensor of one dimension is one image: float32, float64, float16, bfloat16
 * @param target  masks in [0, 1], same shape, not wider than pred; whole numbers too
 * @option smooth  keeps empty images defined, ≥ 0 (default 10⁻⁶)
 * @option weight  a factor for each image, [B]; not in the divisor of the mean
 * @edge Two empty masks cost 0, or NaN without smooth. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Keras Dice has no smooth in the numerator, so two empty masks cost 1, and pools the batch. Optax dice_loss takes logits
 *   and has smooth 1.
 * @source Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation", 2016
 * @example dice([1, 1, 0, 0], [1, 0, 1, 0], { smooth: 0 })  // 0.5
 * @example dice.grad([1, 1, 0, 0], [1, 0, 1, 0], { smooth: 0 }).pred  // [-0.375, 0.125, -0.375, 0.125]
 */
export const dice = masks('dice', { smooth: notNegative(1e-6) })

/**
 * Tversky loss of masks: Dice with a price for each kind of error.
 *
 * ℓ = 1 − (TP + s) / (TP + α·FP + β·FN + s) for each image, with TP = Σ p·t, FP = Σ p·(1 − t), FN = Σ t·(1 − p), s = smooth.
 * ∂ℓ/∂p = −(t·Q − (TP + s)·(t + α·(1 − t) − β·t)) / Q², with Q the denominator
 *
 * @param pred    masks in [0, 1], [B, …]; a tensor of one dimension is one image: float32, float64, float16, bfloat16
 * @param target  masks in [0, 1], same shape, not wider than pred; whole numbers too
 * @option alpha   price of a false positive, ≥ 0 (default 0.5)
 * @option beta    price of a false negative, ≥ 0 (default 0.5)
 * @option smooth  keeps empty images defined, ≥ 0 (default 10⁻⁶)
 * @option weight  a factor for each image, [B]; not in the divisor of the mean
 * @edge α = β = 0.5 is `dice` with half the smooth, α = β = 1 is `maskIou`. NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Keras Tversky, Optax, Segmentation Models: α is the price of false positives in all; Keras has no smooth in the numerator.
 * @source Salehi et al., "Tversky loss function for image segmentation using 3D fully convolutional deep networks", 2017
 * @example tversky([1, 1, 0, 0], [1, 0, 1, 0], { alpha: 1, beta: 3, smooth: 0 })  // 0.8
 * @example tversky.grad([1, 1, 0, 0], [1, 0, 1, 0], { smooth: 0 }).pred  // [-0.375, 0.125, -0.375, 0.125]
 */
export const tversky = masks('tversky', {
  alpha: notNegative(0.5),
  beta: notNegative(0.5),
  smooth: notNegative(1e-6),
})

/**
 * Focal Tversky loss of masks: the Tversky loss to a power, which turns attention to hard images (γ < 1) or to easy ones.
 *
 * ℓ = T^γ, with T the value of `tversky`.   ∂ℓ/∂p = γ·T^(γ−1)·∂T/∂p, and 0 where T = 0 and γ ≠ 1
 *
 * @param pred    masks in [0, 1], [B, …]; a tensor of one dimension is one image: float32, float64, float16, bfloat16
 * @param target  masks in [0, 1], same shape, not wider than pred; whole numbers too
 * @option gamma   the exponent, > 0 (default 0.75)
 * @option alpha   price of a false positive, ≥ 0 (default 0.5)
 * @option beta    price of a false negative, ≥ 0 (default 0.5)
 * @option smooth  keeps empty images defined, ≥ 0 (default 10⁻⁶)
 * @option weight  a factor for each image, [B]; not in the divisor of the mean
 * @edge NaN gives NaN. Empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others The paper writes the exponent as 1/γ with γ = 4/3: the default here. Segmentation Models raises the mean of the images, not
 *   each.
 * @source Abraham and Khan, "A Novel Focal Tversky loss function with improved Attention U-Net for lesion segmentation", 2019
 * @example focalTversky([1, 1, 0, 0], [1, 0, 1, 0], { smooth: 0, gamma: 2 })  // 0.25
 * @example focalTversky.grad([1, 1, 0, 0], [1, 0, 1, 0], { smooth: 0, gamma: 2 }).pred  // [-0.375, 0.125, -0.375, 0.125]
 */
export const focalTversky = masks('focalTversky', {
  alpha: notNegative(0.5),
  beta: notNegative(0.5),
  smooth: notNegative(1e-6),
  gamma: positive(0.75),
})

/**
 * Lovász hinge of masks: the convex extension of the Jaccard loss, of logits.
 *
 * ℓ = Σ_k [e_k]₊ g_k, with e = 1 − x·(2t − 1) in descending order and g_k what the k-th pixel adds to the Jaccard loss.
 * ∂ℓ/∂x = −(2t − 1)·g where e > 0, otherwise 0
 *
 * @param pred    logits, [B, …]: float32, float64, float16, bfloat16
 * @param target  masks of 0 and 1, same shape, not wider than pred; whole numbers too
 * @option perImage  whether each image has a value of its own (default false: the whole batch is one image, and has one value)
 * @option weight    a factor for each value; not in the divisor of the mean
 * @edge Where there is no object, the largest error alone counts. Equal errors keep the order of their pixels. NaN gives NaN.
 * @throws ERR_DOMAIN where the target is neither 0 nor 1; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Segmentation Models LovaszLoss(mode='binary'): equal.
 * @source Berman, Rannen Triki, Blaschko, "The Lovász-Softmax loss", 2018
 * @example lovaszHinge([2, -1, 0.5], [1, 1, 0])  // 1.25
 * @example lovaszHinge.grad([2, -1, 0.5], [1, 1, 0]).pred  // [0, -0.5, 0.16666666666666666]
 */
export const lovaszHinge = masks('lovaszHinge', { perImage: flag(false) }, pooledMasks)

const lovaszOptions = { perImage: flag(false), ignoreIndex: whole(-100) }

/**
 * Lovász-softmax: the Lovász extension of the Jaccard loss for several classes, of probabilities.
 *
 * ℓ = the mean over the classes present of Σ_k e_k g_k, with e = |[t = c] − p_c| in descending order and g_k what the k-th pixel
 * adds to the Jaccard loss of class c.   ∂ℓ/∂p_c = ∓g / (classes present): − on the pixels of the class
 *
 * @param pred    probabilities, [B, C, …]: float32, float64, float16, bfloat16
 * @param target  labels from 0 to C − 1, [B, …]: any integer type
 * @option perImage     whether each image has a value of its own (default false: the whole batch is one image, and has one value)
 * @option ignoreIndex  the label of pixels that do not count (default −100)
 * @option weight       a factor for each value; not in the divisor of the mean
 * @edge No pixel that counts: 0. Probabilities are not checked nor normalised. Equal errors keep the order of their pixels. NaN
 *   gives NaN.
 * @throws ERR_LABEL where a label names no class; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others Segmentation Models LovaszLoss(mode='multiclass') takes logits and applies the softmax first.
 * @source Berman, Rannen Triki, Blaschko, "The Lovász-Softmax loss", 2018
 * @example lovaszSoftmax({ data: Float64Array.of(0.75, 0.25, 0.5, 0.5), shape: [2, 2] }, [0, 1])  // 0.4375
 * @example lovaszSoftmax.grad({ data: Float64Array.of(0.75, 0.25, 0.5, 0.5), shape: [2, 2] }, [0, 1]).pred  // [-0.25, 0, 0.25, -0.5]
 */
export const lovaszSoftmax: Loss<
  Labelled,
  'pred',
  OptionsOf<typeof lovaszOptions>,
  BatchWeights
> = createLoss(
  define({
    name: 'lovaszSoftmax',
    inputs: ['pred', 'target'],
    driver: pooledClassMasks,
    options: lovaszOptions,
  }),
)

/**
 * The thresholded intersection over union of masks: how many of the ten steps from 0.5 to 1 the IoU has reached. A metric: it
 * has no gradient.
 *
 * ⌈clamp(20·(IoU − 0.5), 0, 10)⌉ / 10, with IoU = (I + 10⁻⁶) / (U + 10⁻⁶), in float32 and in this order whatever the type
 *
 * @param pred    masks of 0 and 1, [B, …]; a tensor of one dimension is one image: any type
 * @param target  masks of 0 and 1, same shape: any type not wider than pred
 * @option weight  a factor for each image, [B]; not in the divisor of the mean
 * @edge Two empty masks: 1. At an IoU that is a multiple of 0.05 the rounding of float32 decides, as in the published code.
 * @throws ERR_DOMAIN where a mask holds anything but 0 and 1; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others In no framework; known from the TGS salt identification challenge.
 * @example thresholdedIou([[1, 1], [1, 0]], [[1, 1], [0, 1]])  // 0.5
 */
export const thresholdedIou: Metric<
  readonly [pred: Tensor, target: Tensor | LabelTensor],
  Record<never, never>,
  BatchWeights
> = createLoss(
  define({
    name: 'thresholdedIou',
    inputs: ['pred', 'target'],
    driver: perImage,
    domain: { pred: BINARY, target: BINARY },
  }),
)
