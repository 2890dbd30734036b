import { define } from '../definition.ts'
import { createDiscriminator, type SideDeclaration } from '../discriminator/discriminator.ts'
import { elements as driver } from '../drivers/elements.ts'
import { createLoss } from '../loss.ts'
import type { Discriminator, Sides } from '../types/discriminator.ts'
import type { One } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import { choice, type Domain, finite, type OptionsOf } from './options.ts'

/** The two losses of a game: each takes the scores that the discriminator gives. */
interface Gan<DiscriminatorOptions, GeneratorOptions> {
  readonly discriminator: Discriminator<DiscriminatorOptions>
  readonly generator: Generator<GeneratorOptions>
}

type Generator<Own> = Loss<One, 'fake', Own, BatchWeights>

type Domains = Readonly<Record<string, Domain>>

/** No options of its own. */
type None = Record<never, never>

function generator<Own>(
  name: string,
  kernel: string,
  options?: Domains,
  domain?: Readonly<Record<string, string>>,
): Generator<Own> {
  return createLoss(define({ name: kernel, title: name, inputs: ['fake'], driver, options, domain }))
}

function discriminator<Own>(name: string, sides: Sides<SideDeclaration>): Discriminator<Own> {
  return createDiscriminator(name, sides)
}

const scores = { inputs: choice('logits', 'probabilities') }
const PROBABILITY = 'A probability must lie in [0, 1].'
const PROBABILITIES = { fake: PROBABILITY }
const MINIMAX: Sides<SideDeclaration> = {
  real: { kernel: 'minimaxGan.real', options: scores, domain: PROBABILITY },
  fake: { kernel: 'minimaxGan.fake', options: scores, domain: PROBABILITY },
}

type Scores = OptionsOf<typeof scores>

/**
 * The losses of the original game: the discriminator classifies real and generated samples, the generator wants it to fail.
 *
 * Discriminator: ℓ = mean softplus(−r) + mean softplus(f), with r = real, f = fake, softplus(x) = log(1 + eˣ): −log D(x) and
 * −log(1 − D(G(z))).   ∂ℓ/∂r = σ(r) − 1, ∂ℓ/∂f = σ(f)
 *
 * Generator: ℓ = mean −softplus(f) = mean log(1 − D(G(z))).   ∂ℓ/∂f = −σ(f), which vanishes while the discriminator is sure:
 * `nonSaturatingGan` has the loss that is used instead.
 *
 * @param real  scores of real samples, any shape: float32, float64, float16, bfloat16
 * @param fake  scores of generated samples, as many as there are
 * @option inputs  'logits' (default), or 'probabilities' in [0, 1], whose logarithms end at −100 as in `bce`
 * @option weight      of generators: a factor for each score; not in the divisor of the mean
 * @edge The mean is the sum of both means, without ½; reduction 'none' gives { real, fake }. NaN gives NaN. An empty batch: mean NaN,
 *   sum 0.
 * @throws ERR_DOMAIN where a probability lies outside [0, 1]; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others TensorFlow GAN minimax_discriminator_loss smooths labels by 0.25 unless told not to, and its generator loss has another
 *   constant. Elsewhere it is bce of labels 1 and 0, written by hand.
 * @source Goodfellow et al., "Generative Adversarial Nets", 2014
 * @example minimaxGan.discriminator([0, 0], [0])  // 1.3862943611198906
 * @example minimaxGan.discriminator([0.5], [0.25], { inputs: 'probabilities' })  // 0.9808292530117262
 * @example minimaxGan.discriminator.grad([0, 0], [0]).real  // [-0.25, -0.25]
 * @example minimaxGan.discriminator.grad([0, 0], [0]).fake  // [0.5]
 * @example minimaxGan.generator([0])  // -0.6931471805599453
 * @example minimaxGan.generator.grad([0, 0]).fake  // [-0.25, -0.25]
 */
export const minimaxGan: Gan<Scores, Scores> = {
  discriminator: discriminator('minimaxGan.discriminator', MINIMAX),
  generator: generator('minimaxGan.generator', 'minimaxGan.generator', scores, PROBABILITIES),
}

/**
 * The losses of the original game as it is played: the discriminator's is that of `minimaxGan`, the generator's does not vanish
 * while it loses.
 *
 * Discriminator: ℓ = mean softplus(−r) + mean softplus(f), with r = real, f = fake, softplus(x) = log(1 + eˣ).
 * ∂ℓ/∂r = σ(r) − 1, ∂ℓ/∂f = σ(f)
 *
 * Generator: ℓ = mean softplus(−f) = mean −log D(G(z)).   ∂ℓ/∂f = σ(f) − 1
 *
 * @param real  scores of real samples, any shape: float32, float64, float16, bfloat16
 * @param fake  scores of generated samples, as many as there are
 * @option inputs  'logits' (default), or 'probabilities' in [0, 1], whose logarithms end at −100 as in `bce`
 * @option weight      of generators: a factor for each score; not in the divisor of the mean
 * @edge The mean is the sum of both means, without ½; reduction 'none' gives { real, fake }. NaN gives NaN. An empty batch: mean NaN,
 *   sum 0.
 * @throws ERR_DOMAIN where a probability lies outside [0, 1]; ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others TensorFlow GAN modified_generator_loss: equal.
 * @source Goodfellow et al., "Generative Adversarial Nets", 2014, section 3
 * @example nonSaturatingGan.discriminator([0, 0], [0])  // 1.3862943611198906
 * @example nonSaturatingGan.discriminator.grad([0, 0], [0]).real  // [-0.25, -0.25]
 * @example nonSaturatingGan.discriminator.grad([0, 0], [0]).fake  // [0.5]
 * @example nonSaturatingGan.generator([0])  // 0.6931471805599453
 * @example nonSaturatingGan.generator.grad([0, 0]).fake  // [-0.25, -0.25]
 */
export const nonSaturatingGan: Gan<Scores, Scores> = {
  discriminator: discriminator('nonSaturatingGan.discriminator', MINIMAX),
  generator: generator('nonSaturatingGan.generator', 'minimaxGan.real', scores, PROBABILITIES),
}

const aims = { real: finite(1), fake: finite(0) }
const aim = { target: finite(1) }

/**
 * Least squares: scores are pulled to a number each, also those on the right side, so the generator learns from samples that
 * already pass.
 *
 * Discriminator: ℓ = mean ½(r − b)² + mean ½(f − a)².   ∂ℓ/∂r = r − b, ∂ℓ/∂f = f − a
 *
 * Generator: ℓ = mean ½(f − c)².   ∂ℓ/∂f = f − c
 *
 * @param real  scores of real samples, any shape: float32, float64, float16, bfloat16
 * @param fake  scores of generated samples, as many as there are
 * @option real    of the discriminator: b, finite (default 1)
 * @option fake    of the discriminator: a, finite (default 0)
 * @option target  of the generator: c, finite (default 1)
 * @option weight      of generators: a factor for each score; not in the divisor of the mean
 * @edge The mean is the sum of both means; reduction 'none' gives { real, fake }. NaN gives NaN. An empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others TensorFlow GAN least_squares_discriminator_loss: equal. Code that uses a mean squared error lacks the ½.
 * @source Mao et al., "Least Squares Generative Adversarial Networks", 2017
 * @example lsGan.discriminator([2, 0], [1])  // 1
 * @example lsGan.discriminator([2, 0], [1], { real: 2, fake: -1 })  // 3
 * @example lsGan.discriminator.grad([2, 0], [1]).real  // [0.5, -0.5]
 * @example lsGan.discriminator.grad([2, 0], [1]).fake  // [1]
 * @example lsGan.generator([-1])  // 2
 * @example lsGan.generator.grad([-1]).fake  // [-2]
 */
export const lsGan: Gan<OptionsOf<typeof aims>, OptionsOf<typeof aim>> = {
  discriminator: discriminator('lsGan.discriminator', {
    real: { kernel: 'lsGan.real', options: { real: aims.real } },
    fake: { kernel: 'lsGan.fake', options: { fake: aims.fake } },
  }),
  generator: generator('lsGan.generator', 'lsGan.generator', aim),
}

/**
 * Hinge: the discriminator asks for a margin of 1 on either side and is satisfied beyond, the generator raises its scores.
 *
 * Discriminator: ℓ = mean max(0, 1 − r) + mean max(0, 1 + f).   ∂ℓ/∂r = −1 if r < 1, otherwise 0; ∂ℓ/∂f = 1 if f > −1, otherwise 0
 *
 * Generator: ℓ = mean −f.   ∂ℓ/∂f = −1
 *
 * @param real  scores of real samples, any shape: float32, float64, float16, bfloat16
 * @param fake  scores of generated samples, as many as there are
 * @option weight      of generators: a factor for each score; not in the divisor of the mean
 * @edge The mean is the sum of both means; reduction 'none' gives { real, fake }. On the margin the gradient is 0. NaN gives NaN.
 *   An empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others TensorFlow GAN wasserstein_hinge_discriminator_loss: equal.
 * @source Lim and Ye, "Geometric GAN", 2017
 * @example hingeGan.discriminator([0.5, 2], [-2, 0])  // 0.75
 * @example hingeGan.discriminator.grad([0.5, 2], [-2, 0]).real  // [-0.5, 0]
 * @example hingeGan.discriminator.grad([0.5, 2], [-2, 0]).fake  // [0, 0.5]
 * @example hingeGan.generator([-2, 1])  // 0.5
 * @example hingeGan.generator.grad([-2, 1]).fake  // [-0.5, -0.5]
 */
export const hingeGan: Gan<None, None> = {
  discriminator: discriminator('hingeGan.discriminator', {
    real: { kernel: 'hingeGan.real' },
    fake: { kernel: 'hingeGan.fake' },
  }),
  generator: generator('hingeGan.generator', 'wassersteinGan.real'),
}

/**
 * Wasserstein: how much higher real samples score, which is a distance of distributions as long as the critic is 1-Lipschitz
 * (clipped weights, or a gradient penalty).
 *
 * Discriminator: ℓ = mean f − mean r.   ∂ℓ/∂r = −1, ∂ℓ/∂f = 1
 *
 * Generator: ℓ = mean −f.   ∂ℓ/∂f = −1
 *
 * @param real  scores of real samples, any shape: float32, float64, float16, bfloat16
 * @param fake  scores of generated samples, as many as there are
 * @option weight      of generators: a factor for each score; not in the divisor of the mean
 * @edge Reduction 'none' gives { real, fake }, of −r and f. NaN gives NaN. An empty batch: mean NaN, sum 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_OPTION
 * @others TensorFlow GAN wasserstein_discriminator_loss: equal.
 * @source Arjovsky et al., "Wasserstein Generative Adversarial Networks", 2017
 * @example wassersteinGan.discriminator([2, 1], [-1])  // -2.5
 * @example wassersteinGan.discriminator.grad([2, 1], [-1]).real  // [-0.5, -0.5]
 * @example wassersteinGan.discriminator.grad([2, 1], [-1]).fake  // [1]
 * @example wassersteinGan.generator([-1, 3])  // -1
 * @example wassersteinGan.generator.grad([-1, 3]).fake  // [-0.5, -0.5]
 */
export const wassersteinGan: Gan<None, None> = {
  discriminator: discriminator('wassersteinGan.discriminator', {
    real: { kernel: 'wassersteinGan.real' },
    fake: { kernel: 'wassersteinGan.fake' },
  }),
  generator: generator('wassersteinGan.generator', 'wassersteinGan.real'),
}
