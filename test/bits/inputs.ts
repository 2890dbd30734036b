/**
 * Inputs for any kernel of the catalogue, found by trying: what a kernel refuses is not its input. A new loss is
 * covered without a line of its own here.
 */

import type { Kernel } from '../../binding.js'
import { toBfloat16, toFloat16 } from '../support/half.ts'
import { float32OfBits, float64OfBits, Random } from '../support/random.ts'
import { type Call, type Input, run, type Stored } from '../support/raw.ts'

export type Storage = 'float32' | 'float64' | 'float16' | 'bfloat16'

export const STORAGES: readonly Storage[] = ['float32', 'float64', 'float16', 'bfloat16']

export const computeTypeOf = (storage: Storage): 'float32' | 'float64' =>
  storage === 'float64' ? 'float64' : 'float32'

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

/** Finite and of ordinary size, so that every step of a row takes part in its result. */
const ordinary = (random: Random): number => 4 * random.normal()

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

const sign = (random: Random): number => (random.integer(2) === 0 ? -1 : 1)

type Numbers = (random: Random, storage: Storage) => number

export function store(storage: Storage, length: number, next: () => number): Stored {
  const data =
    storage === 'float64'
      ? new Float64Array(length)
      : storage === 'float32'
        ? new Float32Array(length)
        : new Uint16Array(length)
  const convert =
    storage === 'float16' ? toFloat16 : storage === 'bfloat16' ? toBfloat16 : (value: number) => value
  for (let i = 0; i < length; i++) data[i] = convert(next())
  return { data, dtype: storage }
}

export interface Family {
  readonly name: string
  readonly pred: Numbers
  /** Targets in the storage type of the predictions, or class labels. */
  readonly target: Numbers | 'labels'
}

const PREDS: readonly [string, Numbers][] = [
  ['wide', wide],
  ['ordinary', ordinary],
  ['chances', chance],
]

const TARGETS: readonly [string, Numbers | 'labels'][] = [
  ['wide', wide],
  ['chances', chance],
  ['signs', sign],
  ['labels', 'labels'],
]

export const FAMILIES: readonly Family[] = PREDS.flatMap(([predName, pred]) =>
  TARGETS.map(([targetName, target]) => ({ name: `${predName} against ${targetName}`, pred, target })),
)

export const IGNORED = -100

/** Settings that a call may have; those that a kernel refuses are left out. */
export interface Setting {
  readonly weighted: boolean
  readonly labelSmoothing: number
}

export interface Shape {
  readonly rows: number
  /** 0 for element losses. */
  readonly classes: number
}

/** One batch for one kernel. */
export function makeCall(
  kernel: Kernel,
  storage: Storage,
  family: Family,
  setting: Setting,
  shape: Shape,
  seed: number,
): Call {
  const random = new Random(seed)
  const { rows, classes } = shape
  const length = kernel.driver === 'rows' ? rows * classes : rows
  const pred = store(storage, length, () => family.pred(random, storage))
  const { target: numbers } = family
  const target: Input =
    numbers === 'labels'
      ? Int32Array.from({ length: rows }, () =>
          kernel.driver === 'rows'
            ? random.integer(7) === 0
              ? IGNORED
              : random.integer(classes)
            : random.integer(2),
        )
      : store(storage, length, () => numbers(random, storage))
  const positive = () => 0.125 + 2 * random.uniform()
  const compute = computeTypeOf(storage)
  const perClass = kernel.driver === 'rows' ? classes : length
  return {
    kernel: kernel.name,
    rows,
    classes,
    pred,
    target,
    weight: setting.weighted ? store(compute, perClass, positive) : undefined,
    extra: kernel.name.includes('+') ? store(compute, perClass, positive) : undefined,
    ignoreIndex: numbers === 'labels' && kernel.driver === 'rows' ? IGNORED : undefined,
    labelSmoothing: setting.labelSmoothing,
    params: kernel.params.map((_, i) => 0.75 + i),
  }
}

export type Accepted = { readonly family: Family; readonly setting: Setting }

/** Families and settings that the kernel takes, tried on a batch that holds every kind of number. */
export function accepted(kernel: Kernel, storage: Storage): Accepted[] {
  const shape = kernel.driver === 'rows' ? { rows: 60, classes: 11 } : { rows: 660, classes: 0 }
  const settings: Setting[] = [
    { weighted: false, labelSmoothing: 0 },
    { weighted: true, labelSmoothing: 0 },
    { weighted: true, labelSmoothing: 0.1 },
  ]
  const takes = (family: Family, setting: Setting): boolean => {
    try {
      return run(makeCall(kernel, storage, family, setting, shape, 1)).status === 'ok'
    } catch {
      return false
    }
  }
  return FAMILIES.flatMap(family =>
    settings
      .filter(setting => kernel.driver === 'rows' || setting.labelSmoothing === 0)
      .filter(setting => takes(family, setting))
      .map(setting => ({ family, setting })),
  )
}
