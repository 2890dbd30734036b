import { slots } from './backend/binding.ts'
import { type Backend, chosenBackend } from './backend/choose.ts'
import {
  type Definition,
  type Place,
  REDUCTIONS,
  type Reduction,
  type ReductionWord,
  type ScalarOption,
} from './definition.ts'
import { LosskitOptionError } from './errors.ts'
import { show, showList } from './show.ts'

/** The options of a call, each read once and checked as far as it can be without the inputs. */
export interface Configuration {
  /** The frame, with every option in it that is or stands for a number; the call that is made of it writes the rest. */
  readonly numbers: number[]
  readonly reduction: Reduction
  /** Whether the mean divides by the first dimension of the first input. */
  readonly perSample: boolean
  readonly zeroWhenEmpty: boolean
  /** Whether an ignoreIndex was asked for. */
  readonly ignores: boolean
  readonly weight: unknown
  /** The option that is one more input. */
  readonly extra: unknown
  /** An incoming gradient for each value; a single one stands in the frame. */
  readonly upstream: unknown
  readonly out: unknown
  readonly grad: boolean
  readonly signal: AbortSignal | undefined
  /** That of the options; without one it is the default. */
  readonly backend: Backend | undefined
  readonly stream: unknown
}

export type Options = Readonly<Record<string, unknown>>

const NONE: Options = Object.freeze({})

/** Refuses what is no options object, and options that the place does not take. */
export function readOptions(loss: Definition, place: Place, options: unknown): Options {
  if (options === undefined) return NONE
  if (typeof options !== 'object' || options === null) {
    throw new LosskitOptionError(`${loss.name}: options are ${show(options)}. They must be an object.`)
  }
  const { common, own: takesOwn } = loss.takes[place]
  const own = takesOwn ? loss.options : NONE
  const given = options as Options
  for (const name in given) {
    if (common.has(name) || Object.hasOwn(own, name) || given[name] === undefined) continue
    const known = showList([...Object.keys(own), ...common])
    throw new LosskitOptionError(`${loss.name}: there is no option ${name} here. The options are ${known}.`)
  }
  return given
}

export function configure(loss: Definition, place: Place, options: unknown): Configuration {
  const given = readOptions(loss, place, options)
  const numbers = loss.defaults.slice()
  const { scalars } = loss
  for (let i = 0; i < scalars.length; i++) {
    const { name, domain, slot } = scalars[i] as ScalarOption
    const value = given[name]
    if (value === undefined) continue
    const code = domain.encode(value)
    if (code === undefined) throw refusal(loss, name, value, domain.takes)
    numbers[slot] = code
  }
  const word = readReduction(loss, place, given.reduction)
  const reduction = word === 'batchmean' ? 'mean' : word
  numbers[slots.reduction] = REDUCTIONS[reduction]
  const divisor = readDivisor(loss, given.divisor)
  if (reduction === 'mean') numbers[slots.divisor] = divisor
  const { upstream, onEmpty, grad, signal, stream } = given
  const backend = given.backend as Backend | undefined
  if (typeof upstream === 'number') {
    if (!Number.isFinite(upstream)) throw refusal(loss, 'upstream', upstream, 'a finite number or a tensor')
    numbers[slots.upstream] = upstream
  } else if (upstream !== undefined && reduction !== 'none') {
    throw refusal(loss, 'upstream', upstream, `a number, for reduction '${word}' gives one value`)
  }
  if (onEmpty !== undefined && onEmpty !== 'nan' && onEmpty !== 'zero') {
    throw refusal(loss, 'onEmpty', onEmpty, "'nan' or 'zero'")
  }
  if (grad !== undefined && typeof grad !== 'boolean') throw refusal(loss, 'grad', grad, 'true or false')
  // Calls ask when they know where their tensors lie.
  if (place === 'accumulator') chosenBackend(loss.name, backend)
  return {
    numbers,
    reduction,
    perSample: word === 'batchmean',
    zeroWhenEmpty: onEmpty === 'zero',
    ignores: given.ignoreIndex !== undefined,
    weight: given.weight,
    extra: loss.extra === undefined ? undefined : given[loss.extra.name],
    upstream: typeof upstream === 'number' ? undefined : upstream,
    out: given.out,
    grad: grad === true,
    signal: readSignal(loss, signal),
    backend,
    stream,
  }
}

export function readSignal(loss: Definition, signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined
  const isSignal = typeof signal === 'object' && signal !== null && 'aborted' in signal && 'reason' in signal
  if (!isSignal) throw refusal(loss, 'signal', signal, 'an AbortSignal')
  return signal as AbortSignal
}

function readReduction(loss: Definition, place: Place, reduction: unknown): ReductionWord {
  const word = (reduction ?? 'mean') as ReductionWord
  const isOfPlace = (word: ReductionWord) => place !== 'accumulator' || word === 'mean' || word === 'sum'
  if (loss.reductions.includes(word) && isOfPlace(word)) return word
  const quoted = loss.reductions.filter(isOfPlace).map(word => `'${word}'`)
  throw refusal(loss, 'reduction', reduction, showList(quoted, 'or'))
}

function readDivisor(loss: Definition, divisor: unknown): number {
  if (divisor === undefined) return Number.NaN
  if (typeof divisor !== 'number' || !(divisor > 0 && divisor < Number.POSITIVE_INFINITY)) {
    throw refusal(loss, 'divisor', divisor, 'a finite number above 0')
  }
  return divisor
}

function refusal(loss: Definition, name: string, value: unknown, takes: string): LosskitOptionError {
  return new LosskitOptionError(`${loss.name}: ${name} is ${show(value)}. It must be ${takes}.`)
}
