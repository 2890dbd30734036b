/** Numbers of many kinds, stored in any type. */

import { toBfloat16, toFloat16 } from '../support/half.ts'
import { float32OfBits, float64OfBits, type Random } from '../support/random.ts'
import type { Stored } from '../support/raw.ts'

export type Storage = 'float32' | 'float64' | 'float16' | 'bfloat16'

export const STORAGES: readonly Storage[] = ['float32', 'float64', 'float16', 'bfloat16']

export const computeTypeOf = (storage: Storage): 'float32' | 'float64' =>
  storage === 'float64' ? 'float64' : 'float32'

type Numbers = (random: Random, storage: Storage) => number

/** A number of any size and kind, most of them ordinary. */
function wide(random: Random, storage: Storage): number {
  const sign = random.integer(2) === 0 ? 1 : -1
  switch (random.integer(16)) {
    case 0:
      return sign * 0
    case 1:
      return storage === 'float64'
        ? float64OfBits(random.bits(), random.bits())
        : float32OfBits(random.bits())
    case 2:
      return sign * random.integer(1000) * (storage === 'float64' ? 2 ** -1074 : 2 ** -149)
    case 3:
      return random.integer(1024) === 0
        ? random.pick([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])
        : 1
    case 4:
      return sign * (storage === 'float64' ? 1.5e308 : 3e38) * random.uniform()
    case 5:
      return 100 * random.normal()
    case 6:
      return 1e-6 * random.normal()
    default:
      return 3 * random.normal()
  }
}

function chance(random: Random, storage: Storage): number {
  switch (random.integer(12)) {
    case 0:
      return 0
    case 1:
      return 1
    case 2:
      return random.integer(1000) * (storage === 'float64' ? 2 ** -1074 : 2 ** -149)
    case 3:
      return 1 - 2 ** -(1 + random.integer(24))
    case 4:
      return 2 ** -random.integer(126)
    default:
      return random.uniform()
  }
}

export const NUMBERS = {
  wide,
  /** Finite and of ordinary size, so that every step of a row takes part in its result. */
  ordinary: random => 4 * random.normal(),
  chances: chance,
  signs: random => (random.integer(2) === 0 ? -1 : 1),
  bits: random => random.integer(2),
  positive: random => 0.125 + 2 * random.uniform(),
} satisfies Record<string, Numbers>

export type NumberKind = keyof typeof NUMBERS

export function newArray(storage: Storage, length: number) {
  if (storage === 'float64') return new Float64Array(length)
  return storage === 'float32' ? new Float32Array(length) : new Uint16Array(length)
}

const CONVERT: Partial<Record<Storage, (value: number) => number>> = {
  float16: toFloat16,
  bfloat16: toBfloat16,
}

export function store(storage: Storage, length: number, next: () => number): Stored {
  const data = newArray(storage, length)
  const convert = CONVERT[storage] ?? (value => value)
  for (let i = 0; i < length; i++) data[i] = convert(next())
  return { data, dtype: storage }
}

export const storeKind = (storage: Storage, length: number, kind: NumberKind, random: Random): Stored =>
  store(storage, length, () => NUMBERS[kind](random, storage))
