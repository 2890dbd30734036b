import { isDeviceTensor, shareMemory } from '../cuda/tensor.ts'
import { LosskitBufferError, LosskitOptionError } from '../errors.ts'
import { show, showList } from '../show.ts'
import { kindOf } from '../tensor/dtype.ts'
import { overlap } from '../tensor/memory.ts'
import type { Data } from '../tensor/read.ts'
import type { Sides } from '../types/discriminator.ts'
import { each, SIDES, type SideName } from './sides.ts'

export type Options = Readonly<Record<string, unknown>>

export function readOptions(name: string, given: unknown): Options {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || kindOf(given) !== undefined) {
    throw new LosskitOptionError(`${name}: options are ${show(given)}. They must be an object.`)
  }
  return { ...given }
}

export function requireKnown(name: string, options: Options, known: readonly string[]): void {
  for (const key in options) {
    if (known.includes(key) || options[key] === undefined) continue
    throw new LosskitOptionError(
      `${name}: there is no option ${key} here. The options are ${showList(known)}.`,
    )
  }
}

/** One incoming gradient for both, or `{ real, fake }`. */
export function upstreamOf(name: string, upstream: unknown, side: SideName): unknown {
  if (upstream === undefined || typeof upstream === 'number') return upstream
  const isSides =
    typeof upstream === 'object' && upstream !== null && 'real' in upstream && 'fake' in upstream
  if (!isSides) {
    throw new LosskitOptionError(
      `${name}: upstream is ${show(upstream)}. It must be a finite number, or { real, fake } of tensors.`,
    )
  }
  return (upstream as Options)[side]
}

export type Form = 'value' | 'grad' | 'both'

/** The buffers of each side, in the form in which its loss takes them. */
export function dealOut(name: string, given: unknown, form: Form): Sides<unknown> {
  if (given === undefined) return { real: undefined, fake: undefined }
  const out = sidesOf(name, 'out', given, form === 'both' ? [...SIDES, 'value'] : SIDES)
  if (form === 'value') return { real: out.real, fake: out.fake }
  const values = out.value === undefined ? {} : sidesOf(name, 'out.value', out.value, SIDES)
  return each(side => {
    const grad = out[side] === undefined ? {} : { [side]: out[side] }
    return values[side] === undefined ? grad : { ...grad, value: values[side] }
  })
}

function sidesOf(name: string, what: string, given: unknown, keys: readonly string[]): Options {
  const isObject = typeof given === 'object' && given !== null && kindOf(given) === undefined
  const sides: Options = isObject ? { ...given } : {}
  if (isObject && Object.keys(sides).every(key => keys.includes(key) || sides[key] === undefined))
    return sides
  const found = isObject ? `has ${showList(Object.keys(sides))}` : `is ${show(given)}`
  throw new LosskitOptionError(`${name}: ${what} ${found}. It takes { ${keys.join(', ')} } here.`)
}

/** Each loss keeps its own buffers apart; here it is those of one side from what belongs to the other. */
export function refuseShared(name: string, scores: Sides<Data>, out: Sides<unknown>): void {
  const buffers = each(side => buffersOf(out[side], side))
  for (const [side, other] of [SIDES, [...SIDES].reverse() as ['fake', 'real']] as const) {
    for (const [what, buffer] of buffers[side]) {
      const theirs: (readonly [string, unknown])[] = [[other, scores[other]], ...buffers[other]]
      const shared = theirs.find(([, data]) => share(buffer as Data, data as Data))
      if (shared === undefined) continue
      throw new LosskitBufferError(
        'ERR_OVERLAP',
        `${name}: ${what} shares memory with ${shared[0]}. Buffers must lie apart, except that a gradient may be written ` +
          `exactly over ${side}.`,
      )
    }
  }
}

function share(a: Data, b: Data): boolean {
  if (isDeviceTensor(a)) return isDeviceTensor(b) && shareMemory(a, b)
  return !isDeviceTensor(b) && overlap(a, b)
}

const isBuffer = (value: unknown) => kindOf(value) !== undefined || isDeviceTensor(value)

/** All buffers of one side; what is none will be refused later. */
function buffersOf(out: unknown, side: string): [string, unknown][] {
  if (isBuffer(out)) return [[`out.${side}`, out]]
  if (typeof out !== 'object' || out === null) return []
  const { value, [side]: grad } = out as Options
  const named: [string, unknown][] = [
    [`out.${side}`, grad],
    [`out.value.${side}`, value],
  ]
  return named.filter(([, buffer]) => isBuffer(buffer))
}
