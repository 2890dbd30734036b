import type { Definition, ReductionWord } from './definition.ts'
import type { Domain } from './losses/options.ts'

/** What there is to know about a loss without calling it. */
export interface Description {
  /** How it walks a batch: the name of its driver. */
  readonly walks: string
  /** The kernels that compute it. */
  readonly kernels: readonly string[]
  readonly inputs: readonly string[]
  readonly gradients: readonly string[]
  /** Its own options. */
  readonly options: Readonly<Record<string, Domain>>
  readonly reductions: readonly ReductionWord[]
}

const descriptions = new WeakMap<object, Description>()

/** Notes what a loss is, once, where it is made. */
export function describe<L extends object>(loss: L, description: Description): L {
  descriptions.set(loss, description)
  return loss
}

export function descriptionOf(loss: object): Description | undefined {
  return descriptions.get(loss)
}

export function descriptionOfDefinition(definition: Definition): Description {
  const { driver, kernel, extra, inputs, options, reductions } = definition
  const gradients = kernel.grads.map(({ name }) => name)
  const ofExtra = extra?.kernel.grads.map(({ name }) => name).filter(name => !gradients.includes(name)) ?? []
  return {
    walks: driver.name,
    kernels: [kernel.name, ...(extra === undefined ? [] : [extra.kernel.name])],
    inputs,
    gradients: [...gradients, ...ofExtra],
    options,
    reductions,
  }
}
