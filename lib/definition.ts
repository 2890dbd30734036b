import type { Kernel } from '../binding.js'
import { binding, frame, slots } from './backend/binding.ts'
import type { Driver } from './drivers/driver.ts'
import { LosskitLoadError } from './errors.ts'
import type { Domain, ScalarDomain } from './losses/options.ts'

/** A loss as it is declared. */
export interface Declaration {
  /** Its name in the addon. */
  readonly name: string
  /** What it is called in messages, where that is not its name in the addon. */
  readonly title?: string | undefined
  /** Names of its arguments, in order. Those that have a gradient give it their name. */
  readonly inputs: readonly string[]
  readonly driver: Driver
  readonly options?: Readonly<Record<string, Domain>> | undefined
  /** What the values of an input must be, where the addon refuses some. */
  readonly domain?: Readonly<Record<string, string>> | undefined
  /** What the values may become, where that is not the mean, the sum or nothing. */
  readonly reductions?: readonly ReductionWord[] | undefined
  /** The loss is a function of the reduced value. */
  readonly outer?: Outer | undefined
}

/** A loss as the rest of `lib` knows it. */
export interface Definition {
  readonly name: string
  readonly inputs: readonly string[]
  readonly driver: Driver
  /** The frame of a call without options. */
  readonly defaults: readonly number[]
  readonly scalars: readonly ScalarOption[]
  /** Those of them that calls of arrays do not take. */
  readonly deviceScalars: readonly ScalarOption[]
  readonly kernel: KernelOfLoss
  /** The option that is one more input, and the kernel that reads it. */
  readonly extra: { readonly name: string; readonly kernel: KernelOfLoss } | undefined
  /** The options it takes, by the place where they are given. */
  readonly takes: Readonly<Record<Place, Taken>>
  readonly domain: Readonly<Record<string, string>>
  /** Its own options, as they were declared; updates of an accumulator take none of them. */
  readonly options: Readonly<Record<string, Domain>>
  readonly reductions: readonly ReductionWord[]
  readonly outer: Outer | undefined
}

/** A function that is applied once the values are reduced, and its derivative. */
export interface Outer {
  /** What devices know it by, which apply the derivative by themselves. */
  readonly name: Exclude<keyof typeof OUTERS, 'none'>
  of(inner: number): number
  slope(inner: number): number
}

/** What the addon says about a kernel, with the names of its inputs. */
export interface KernelOfLoss {
  readonly name: string
  readonly code: number
  readonly inputs: readonly string[]
  /** The inputs that have a gradient: position and name. */
  readonly grads: readonly { readonly input: number; readonly name: string }[]
  /** Position of the input that holds class labels; -1 where none does. */
  readonly labels: number
}

/** Where options are given: what may be asked for differs a little. */
export type Place = 'call' | 'async' | 'bind' | 'accumulator' | 'update' | 'updateAsync'

/** The options that a place takes. */
export interface Taken {
  readonly common: ReadonlySet<string>
  /** Whether the loss's own options are given there. */
  readonly own: boolean
}

/** An option that reaches the addon as a number. */
export interface ScalarOption {
  readonly name: string
  readonly domain: ScalarDomain
  /** Where the addon reads it. */
  readonly slot: number
}

export function define(declaration: Declaration): Definition {
  const { name, title, inputs, driver, options = {}, domain = {}, outer } = declaration
  const scalars: ScalarOption[] = []
  let extra: Definition['extra']
  for (const [option, domain] of Object.entries(options)) {
    if (domain.kind === 'scalar') scalars.push({ name: option, domain, slot: slotOf(name, option) })
    if (domain.kind === 'extra') {
      extra = { name: option, kernel: kernelOf(`${name}+${option}`, [...inputs, option]) }
    }
  }

  const kernel = kernelOf(name, inputs)
  const defaults = EMPTY_FRAME.slice()
  defaults[slots.kernel] = kernel.code
  defaults[slots.reduction] = REDUCTIONS.mean
  defaults[slots.upstream] = 1
  defaults[slots.wantsValue] = 1
  defaults[slots.inPlace] = Number(driver.inPlace)
  for (const { slot, domain } of scalars) defaults[slot] = domain.fallback
  return {
    name: title ?? name,
    inputs,
    driver,
    defaults,
    scalars,
    deviceScalars: scalars.filter(({ domain }) => 'onDevice' in domain),
    kernel,
    extra,
    takes: driver.weighs === 'values' ? TAKES_WITH_WEIGHT : TAKES,
    domain,
    options,
    reductions: declaration.reductions ?? ['mean', 'sum', 'none'],
    outer,
  }
}

// Made once, not for each loss: sets take most of the time that a definition takes, and losses are made when losskit is imported.
const TAKES = placesOf([])
const TAKES_WITH_WEIGHT = placesOf(['weight'])

/** `batch` are options of each batch. */
function placesOf(batch: readonly string[]): Definition['takes'] {
  const reduced = ['reduction', 'divisor', 'onEmpty', 'backend']
  const call = [...reduced, ...batch, 'upstream', 'out']
  return {
    call: { common: new Set([...call, 'stream']), own: true },
    async: { common: new Set([...call, 'stream', 'signal']), own: true },
    bind: { common: new Set([...call, 'stream', 'grad']), own: true },
    accumulator: { common: new Set(reduced), own: true },
    update: { common: new Set(batch), own: false },
    updateAsync: { common: new Set([...batch, 'stream', 'signal']), own: false },
  }
}

/** What the addon calls the reductions. */
export const REDUCTIONS = { none: 0, sum: 1, mean: 2 } as const

export type Reduction = keyof typeof REDUCTIONS

/** What the addon calls the functions that are applied to the mean. */
export const OUTERS = { none: 0, root: 1 } as const

/** Who multiplies matrices on a device, as callers write it; the addon is told its position. */
export const MATMULS = ['exact', 'cublas'] as const

/** Who multiplies for a call with these numbers. */
export function matmulOf(numbers: readonly number[]): (typeof MATMULS)[number] | undefined {
  return MATMULS[numbers[slots.matmul] as number]
}

/** Reductions as callers write them: 'batchmean' is a mean whose divisor is the first dimension. */
export type ReductionWord = Reduction | 'batchmean'

const EMPTY_FRAME = emptyFrame()

/** Doubles from the start: an array of another kind would be copied into the frame more slowly. */
function emptyFrame(): number[] {
  const numbers = Array.from(frame, () => Number.NaN)
  for (const size of ['rows', 'columns', 'inner', 'others'] as const) numbers[slots[size]] = 0
  for (const none of ['labelSmoothing', 'matmul', 'workspace'] as const) numbers[slots[none]] = 0
  for (let i = 0; i < 4; i++) numbers[slots.params + i] = 0
  for (let i = 0; i < 10; i++) numbers[slots.dtypes + i] = -1
  return numbers
}

function kernelOf(name: string, inputs: readonly string[]): KernelOfLoss {
  const { kernel, code } = find(name)
  const grads = kernel.grads.map(input => ({ input, name: inputs[input] as string }))
  return { name, code, inputs, grads, labels: kernel.labels }
}

const KERNELS: ReadonlyMap<string, { readonly kernel: Kernel; readonly code: number }> = new Map(
  binding.kernels.map((kernel, code) => [kernel.name, { kernel, code }]),
)

function find(name: string): { readonly kernel: Kernel; readonly code: number } {
  const found = KERNELS.get(name)
  if (found === undefined) throw otherVersion(`a loss ${name}`)
  return found
}

function slotOf(loss: string, option: string): number {
  if (option === 'ignoreIndex' || option === 'labelSmoothing') return slots[option]
  if (option === 'matmul' || option === 'workspace') return slots[option]
  if (option === 'axis') return slots.inner // which is what the driver makes of it
  const position = find(loss).kernel.params.indexOf(option)
  if (position < 0) throw otherVersion(`an option ${option} of ${loss}`)
  return slots.params + position
}

function otherVersion(missing: string): LosskitLoadError {
  return new LosskitLoadError(
    `losskit: the native addon that was loaded does not know ${missing}: it is of another version. ` +
      'Build it again, or unset LOSSKIT_BINARY.',
  )
}
