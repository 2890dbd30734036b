import { binding, frame, slots } from './backend/binding.ts'
import type { Driver } from './drivers/driver.ts'
import { LosskitLoadError } from './errors.ts'
import type { Domain, NumberDomain } from './losses/options.ts'

/** A loss as the rest of `lib` knows it. */
export interface Definition {
  readonly name: string
  /** What the first input is called, and with it the gradient. */
  readonly input: string
  /** What the buffer of the gradient is called. */
  readonly gradName: string
  readonly driver: Driver
  /** The frame of a call without options. */
  readonly defaults: readonly number[]
  readonly numbers: readonly NumberOption[]
  /** The option that holds factors of the elements, and the variant of the kernel that reads them. */
  readonly factor: { readonly name: string; readonly kernel: number } | undefined
  /** The options it takes, by the place where they are given. */
  readonly takes: Readonly<Record<Place, ReadonlySet<string>>>
  /** What is wrong with a value for which the loss is not defined. */
  readonly domain: string
}

/** Where options are given: what may be asked for differs a little. */
export type Place = 'call' | 'async' | 'bind' | 'accumulator' | 'update' | 'updateAsync'

export interface NumberOption {
  readonly name: string
  readonly domain: NumberDomain
  /** Where the addon reads it. */
  readonly slot: number
}

export function define(
  name: string,
  input: string,
  driver: Driver,
  domains: Readonly<Record<string, Domain>>,
  domain: string,
): Definition {
  const kernel = kernelOf(name)
  const numbers: NumberOption[] = []
  let factor: Definition['factor']
  for (const [option, domain] of Object.entries(domains)) {
    if (domain.kind === 'number') numbers.push({ name: option, domain, slot: slotOf(name, option) })
    if (domain.kind === 'factor') factor = { name: option, kernel: kernelOf(`${name}+${option}`) }
  }

  const defaults = emptyFrame()
  defaults[slots.kernel] = kernel
  defaults[slots.reduction] = REDUCTIONS.mean
  defaults[slots.upstream] = 1
  for (const { slot, domain } of numbers) defaults[slot] = domain.fallback
  const takes = placesOf(Object.keys(domains), driver)
  return { name, input, gradName: `out.${input}`, driver, defaults, numbers, factor, takes, domain }
}

function placesOf(own: readonly string[], driver: Driver): Definition['takes'] {
  const batch = driver.weighs === 'elements' ? ['weight'] : []
  const reduced = [...own, 'reduction', 'divisor', 'onEmpty', 'backend']
  const call = [...reduced, ...batch, 'upstream', 'out']
  return {
    call: new Set(call),
    async: new Set([...call, 'signal']),
    bind: new Set([...call, 'grad']),
    accumulator: new Set(reduced),
    update: new Set(batch),
    updateAsync: new Set([...batch, 'signal']),
  }
}

/** What the addon calls the reductions. */
export const REDUCTIONS = { none: 0, sum: 1, mean: 2 } as const

export type Reduction = keyof typeof REDUCTIONS

/** Doubles from the start: an array of another kind would be copied into the frame more slowly. */
function emptyFrame(): number[] {
  const numbers = Array.from(frame, () => Number.NaN)
  numbers[slots.rows] = 0
  numbers[slots.classes] = 0
  numbers[slots.labelSmoothing] = 0
  numbers[slots.status] = 0
  for (let i = 0; i < 4; i++) numbers[slots.params + i] = 0
  for (let i = 0; i < 7; i++) numbers[slots.dtypes + i] = -1
  return numbers
}

function kernelOf(name: string): number {
  const kernel = binding.kernels.findIndex(kernel => kernel.name === name)
  if (kernel < 0) throw otherVersion(`a loss ${name}`)
  return kernel
}

function slotOf(loss: string, option: string): number {
  if (option === 'ignoreIndex' || option === 'labelSmoothing') return slots[option]
  const position = binding.kernels[kernelOf(loss)]?.params.indexOf(option) ?? -1
  if (position < 0) throw otherVersion(`an option ${option} of ${loss}`)
  return slots.params + position
}

function otherVersion(missing: string): LosskitLoadError {
  return new LosskitLoadError(
    `losskit: the native addon that was loaded does not know ${missing}: it is of another version. ` +
      'Build it again, or unset LOSSKIT_BINARY.',
  )
}
