import { type Configuration, configure, readOptions } from './configuration.ts'
import type { Definition } from './definition.ts'
import { LosskitStateError } from './errors.ts'
import { digest } from './tensor/digest.ts'
import { Dense, hostData, readTensor } from './tensor/read.ts'

/** The options that decide a sum, by which accumulators know each other: numbers as they are, tensors by fingerprint. */
export type Identity = Readonly<Record<string, number | string>>

export interface Identified {
  readonly identity: Identity
  /** With copies of the tensors, for an accumulator may outlive what they are now. */
  readonly configuration: Configuration
  /** The tensors of which only the fingerprints are known. */
  readonly unknown: string | undefined
}

export function identify(loss: Definition, configuration: Configuration): Identified {
  const identity: Record<string, number | string> = {}
  for (const { name, slot, domain } of loss.scalars) {
    if (!('onDevice' in domain)) identity[name] = configuration.numbers[slot] as number
  }
  const keep = (name: string, value: unknown): unknown => {
    if (value === undefined) return undefined
    if (typeof value === 'number') {
      identity[name] = value
      return value
    }
    const tensor = readTensor(loss.name, name, value)
    const { dtype, shape, kind, isPlain } = tensor
    const data = hostData(loss.name, name, tensor).slice()
    identity[name] = digest(data, dtype, shape)
    const copy = new Dense(data, dtype, shape, kind, isPlain)
    return copy
  }
  const weight = keep('weight', configuration.weight)
  const extra = loss.extra && keep(loss.extra.name, configuration.extra)
  return { identity, configuration: { ...configuration, weight, extra }, unknown: undefined }
}

/**
 * The options of an accumulator that is read from bytes. Those that are given must be those in the bytes; those that are not
 * are taken from there.
 */
export function restore(loss: Definition, stored: Identity, options: unknown): Identified {
  const given: Record<string, unknown> = { ...readOptions(loss, 'accumulator', options) }
  for (const { name, domain } of loss.scalars) {
    const code = stored[name]
    if (given[name] !== undefined || typeof code !== 'number' || code === domain.fallback) continue
    const value = domain.decode(code)
    if (domain.encode(value) === code) given[name] = value
  }
  const digests: Record<string, string> = {}
  for (const tensor of ['weight', ...(loss.extra === undefined ? [] : [loss.extra.name])]) {
    const value = given[tensor] === undefined ? stored[tensor] : undefined
    if (typeof value === 'number') given[tensor] = value
    if (typeof value === 'string') digests[tensor] = value
  }

  const { identity, configuration } = identify(loss, configure(loss, 'accumulator', given))
  const restored = { ...identity, ...digests }
  const differs = difference(restored, stored, 'in the options', 'in the bytes')
  if (differs !== undefined) {
    throw new LosskitStateError(`${loss.name}: these bytes belong to other options: ${differs}.`)
  }
  return { identity: restored, configuration, unknown: Object.keys(digests).join(' and ') || undefined }
}

/** In words, the first option in which two identities differ; undefined where they are the same. */
export function difference(a: Identity, b: Identity, inA: string, inB: string): string | undefined {
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [x, y] = [a[name], b[name]]
    if (x === y) continue
    if (typeof x === 'string' && typeof y === 'string')
      return `${name} is one tensor ${inA} and another ${inB}`
    return `${name} is ${describe(x)} ${inA} and ${describe(y)} ${inB}`
  }
  return undefined
}

function describe(option: number | string | undefined): string {
  if (option === undefined) return 'absent'
  return typeof option === 'string' ? 'a tensor' : String(option)
}
