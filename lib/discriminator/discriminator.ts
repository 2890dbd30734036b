import { requireTogether } from '../cuda/place.ts'
import { isDeviceTensor } from '../cuda/tensor.ts'
import { DeviceValue } from '../cuda/value.ts'
import { type Definition, define } from '../definition.ts'
import { describe } from '../description.ts'
import { elements } from '../drivers/elements.ts'
import { createLoss } from '../loss.ts'
import type { Domain } from '../losses/options.ts'
import { readTensor } from '../tensor/read.ts'
import type { Sides } from '../types/discriminator.ts'
import { accumulatorOf, type PartAccumulator } from './accumulator.ts'
import {
  dealOut,
  type Form,
  type Options,
  readOptions,
  refuseShared,
  requireKnown,
  upstreamOf,
} from './options.ts'
import { each, eachCall, eachCallAside, SIDES, settled } from './sides.ts'

// A discriminator's loss is made of two losses of one input, each over a batch of its own: what real samples should score,
// and what generated ones should. Here options and buffers are dealt out to them, and their results put together.

/** Members that the two have in common with every loss, their types forgotten. */
interface Side {
  (scores: unknown, options: Options): unknown
  grad(scores: unknown, options: Options): Grad
  valueAndGrad(scores: unknown, options: Options): { value: unknown; grad: Grad }
  async: {
    (scores: unknown, options: Options): Promise<unknown>
    grad(scores: unknown, options: Options): Promise<Grad>
    valueAndGrad(scores: unknown, options: Options): Promise<{ value: unknown; grad: Grad }>
  }
  bind(scores: unknown, options: Options): (() => unknown) & { grad?: Grad; values: unknown }
  accumulator: {
    (options: Options): PartAccumulator
    fromBytes(bytes: Uint8Array, options: Options): PartAccumulator
  }
}

type Grad = Readonly<Record<string, unknown>>

/** How one of the two is declared: the kernel, and what of the options is its own. */
export interface SideDeclaration {
  readonly kernel: string
  readonly options?: Readonly<Record<string, Domain>> | undefined
  readonly domain?: string | undefined
}

const REDUCED = ['reduction', 'divisor', 'onEmpty', 'backend']

/** `L` is the loss as its callers see it. */
export function createDiscriminator<L>(name: string, declared: Sides<SideDeclaration>): L {
  const definitions = each(side => definitionOf(name, side, declared[side]))
  const losses = each(side => createLoss<Side>(definitions[side]))
  const own = each(side => Object.keys(definitions[side].options))

  /** The options of both sides, of which `mine` are to be dealt out by the form itself. */
  const deal = (given: unknown, taken: readonly string[]): Sides<Options> => {
    const options = readOptions(name, given)
    const all = [...new Set([...own.real, ...own.fake, ...taken])]
    requireKnown(name, options, all)
    return each(side => {
      const mine: Record<string, unknown> = {}
      for (const key of [...own[side], ...taken]) {
        if (key !== 'upstream' && key !== 'out') mine[key] = options[key]
      }
      mine.upstream = upstreamOf(name, options.upstream, side)
      mine.out = options.out
      return mine
    })
  }

  const CALL = [...REDUCED, 'upstream', 'out', 'stream']

  const prepared = (real: unknown, fake: unknown, given: unknown, taken: readonly string[], form: Form) => {
    const options = deal(given, taken)
    const scores = { real: readTensor(name, 'real', real), fake: readTensor(name, 'fake', fake) }
    const out = dealOut(name, options.real.out, form)
    const data = each(side => scores[side].data)
    requireTogether(
      name,
      SIDES.map(side => [side, data[side]]),
    )
    refuseShared(name, data, out)
    const batches = each(side => (isDeviceTensor(data[side]) ? data[side] : scores[side]))
    return each(side => [batches[side], { ...options[side], out: out[side] }] as const)
  }

  const value = (real: unknown, fake: unknown, options?: unknown) => {
    const calls = prepared(real, fake, options, CALL, 'value')
    return combined(eachCall(calls, side => losses[side](...calls[side])))
  }
  const grad = (real: unknown, fake: unknown, options?: unknown) => {
    const calls = prepared(real, fake, options, CALL, 'grad')
    return gradOf(eachCall(calls, side => losses[side].grad(...calls[side])))
  }
  const valueAndGrad = (real: unknown, fake: unknown, options?: unknown) => {
    const calls = prepared(real, fake, options, CALL, 'both')
    return bothOf(eachCall(calls, side => losses[side].valueAndGrad(...calls[side])))
  }
  const ASIDE = [...CALL, 'signal']
  const asideValue = async (real: unknown, fake: unknown, options?: unknown) => {
    const calls = prepared(real, fake, options, ASIDE, 'value')
    return combined(await eachCallAside(calls, side => losses[side].async(...calls[side])))
  }
  const asideGrad = async (real: unknown, fake: unknown, options?: unknown) => {
    const calls = prepared(real, fake, options, ASIDE, 'grad')
    return gradOf(await eachCallAside(calls, side => losses[side].async.grad(...calls[side])))
  }
  const asideBoth = async (real: unknown, fake: unknown, options?: unknown) => {
    const calls = prepared(real, fake, options, ASIDE, 'both')
    return bothOf(await eachCallAside(calls, side => losses[side].async.valueAndGrad(...calls[side])))
  }
  const bind = (real: unknown, fake: unknown, options?: unknown) => {
    const calls = prepared(real, fake, options, [...CALL, 'grad'], 'both')
    const runs = eachCall(calls, side => losses[side].bind(...calls[side]))
    const wantsGrad = runs.real.grad !== undefined && runs.fake.grad !== undefined
    const values =
      runs.real.values === undefined ? undefined : { real: runs.real.values, fake: runs.fake.values }
    return Object.assign(() => combined(each(side => runs[side]())), {
      grad: wantsGrad ? gradOf(each(side => runs[side].grad as Grad)) : undefined,
      values,
    })
  }

  Object.defineProperty(value, 'name', { value: name.slice(name.lastIndexOf('.') + 1) })
  describe(value, {
    walks: elements.name,
    kernels: SIDES.map(side => declared[side].kernel),
    inputs: SIDES,
    gradients: SIDES,
    options: { ...declared.real.options, ...declared.fake.options },
    reductions: definitions.real.reductions,
  })
  return Object.assign(value, {
    lossName: name,
    grad,
    valueAndGrad,
    async: Object.assign(asideValue, { grad: asideGrad, valueAndGrad: asideBoth }),
    bind,
    accumulator: accumulatorOf(name, losses, options => deal(options, REDUCED)),
  }) as L
}

function definitionOf(
  name: string,
  side: 'real' | 'fake',
  { kernel, options, domain }: SideDeclaration,
): Definition {
  return define({
    name: kernel,
    title: name,
    inputs: [side],
    // Weights would be those of two batches.
    driver: { ...elements, weighs: undefined },
    options,
    domain: domain === undefined ? undefined : { [side]: domain },
  })
}

/** Numbers are added, on a device when they are asked for; the values of each side stand under its name. */
function combined({ real, fake }: Sides<unknown>): unknown {
  if (typeof real === 'number' && typeof fake === 'number') return real + fake
  if (!(real instanceof DeviceValue && fake instanceof DeviceValue)) return { real, fake }
  return new DeviceValue(async () => {
    const numbers = await settled({ real: real.read(), fake: fake.read() })
    return numbers.real + numbers.fake
  })
}

function gradOf({ real, fake }: Sides<Grad>): Grad {
  return { real: real.real, fake: fake.fake }
}

function bothOf({ real, fake }: Sides<{ value: unknown; grad: Grad }>): unknown {
  return {
    value: combined({ real: real.value, fake: fake.value }),
    grad: gradOf({ real: real.grad, fake: fake.grad }),
  }
}
