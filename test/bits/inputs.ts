/**
 * Inputs for any kernel of the catalogue, found by trying: what a kernel refuses is not its input. A new loss is
 * covered without a line of its own here.
 */

import type { Kernel } from '../../binding.js'
import { Random } from '../support/random.ts'
import { arrayOf, type Call, run, type Shape } from '../support/raw.ts'
import { Batch, type Family, IGNORED, type Kind } from './batch.ts'
import { batchesOf } from './drivers.ts'
import { computeTypeOf, newArray, type Storage, storeKind } from './numbers.ts'

const FIRST: readonly Kind[] = ['wide', 'ordinary', 'chances', 'bits']
const SECOND: readonly Kind[] = ['wide', 'chances', 'bits', 'signs', 'labels']
const THIRD: readonly Kind[] = ['wide', 'signs', 'chances', 'positive']

const FAMILIES: readonly Family[] = FIRST.flatMap(first =>
  SECOND.flatMap(second =>
    THIRD.map(third => ({ name: `${first}, ${second}, ${third}`, kinds: [first, second, third] })),
  ),
)

/** What a call may have beside its inputs; what a kernel refuses is left out. */
export interface Setting {
  readonly weighted: boolean
  readonly ignored: boolean
  readonly labelSmoothing: number
  readonly params: readonly number[]
}

const FRACTIONS = [0.75, 1.75, 2.75, 3.75]
const BARE: Setting = { weighted: false, ignored: false, labelSmoothing: 0, params: FRACTIONS }

/** Whole params switch what is a flag, and are the limits of what is a number. The last setting has the most. */
const SETTINGS: readonly Setting[] = [
  ...[2, 1, 0].map(param => ({ ...BARE, params: FRACTIONS.map(() => param) })),
  BARE,
  { ...BARE, weighted: true },
  { ...BARE, ignored: true },
  { ...BARE, ignored: true, weighted: true },
  { ...BARE, weighted: true, labelSmoothing: 0.1 },
  { ...BARE, ignored: true, weighted: true, labelSmoothing: 0.1 },
]

export interface Accepted {
  readonly family: Family
  readonly setting: Setting
}

function makeBatch(
  kernel: Kernel,
  storage: Storage,
  family: Family,
  setting: Setting,
  shape: Shape,
  seed: number,
): { call: Call; used: Set<number> } {
  const random = new Random(seed)
  const { weighs, inputs } = batchesOf(kernel.driver)
  const batch = new Batch(kernel, storage, shape, family, setting.ignored, random)
  const call = {
    kernel: kernel.name,
    ...shape,
    inputs: inputs(batch),
    weight: setting.weighted
      ? storeKind(computeTypeOf(storage), shape[weighs], 'positive', random)
      : undefined,
    ignoreIndex: setting.ignored ? IGNORED : undefined,
    labelSmoothing: setting.labelSmoothing,
    params: setting.params.slice(0, kernel.params.length),
  }
  return { call, used: batch.used }
}

/** One batch for one kernel. */
export function makeCall(
  kernel: Kernel,
  storage: Storage,
  { family, setting }: Accepted,
  shape: Shape,
  seed: number,
): Call {
  return makeBatch(kernel, storage, family, setting, shape, seed).call
}

export const newGrads = (kernel: Kernel, storage: Storage, { inputs }: Call) =>
  kernel.grads.map(input => {
    const { length } = arrayOf(inputs[input] as Call['inputs'][0])
    return { data: newArray(storage, length), dtype: storage }
  })

/** Families that differ to this kernel. */
export function familiesOf(kernel: Kernel, storage: Storage): Family[] {
  const { tried } = batchesOf(kernel.driver)
  const seen = new Map<string, Family>()
  for (const family of FAMILIES) {
    const { used } = makeBatch(kernel, storage, family, BARE, tried, 1)
    const key = family.kinds.filter((_, input) => used.has(input)).join()
    if (!seen.has(key)) seen.set(key, family)
  }
  return [...seen.values()]
}

function takes(kernel: Kernel, storage: Storage, combination: Accepted): boolean {
  const call = makeCall(kernel, storage, combination, batchesOf(kernel.driver).tried, 1)
  try {
    return run({ ...call, grads: newGrads(kernel, storage, call) }).status === 'ok'
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_BINDING') throw error
    return false
  }
}

const hasLabels = ({ kinds }: Family): boolean => kinds.includes('labels')

/** Families in which one of everything is found: the last of each kind of first inputs, with labels and without. */
function plainOf(families: readonly Family[]): Set<Family> {
  const last = new Map(families.map(family => [`${family.kinds[0]} ${hasLabels(family)}`, family]))
  return new Set(last.values())
}

/** Families and settings that the kernel takes: every family in the fullest setting, plain families in every one. */
export function accepted(kernel: Kernel, storage: Storage): Accepted[] {
  const families = familiesOf(kernel, storage)
  const taken = families.map(family => {
    const settings = SETTINGS.filter(setting => setting.params === FRACTIONS || kernel.params.length > 0)
      .filter(setting => !setting.ignored || kernel.labels >= 0)
      .filter(setting => takes(kernel, storage, { family, setting }))
    return { family, settings }
  })
  const plain = plainOf(taken.filter(({ settings }) => settings.length > 0).map(({ family }) => family))
  return taken.flatMap(({ family, settings }) =>
    (plain.has(family) ? settings : settings.slice(-1)).map(setting => ({ family, setting })),
  )
}

/**
 * One combination for each kind of first inputs: where these are wide, sums are of wide numbers too; where they are
 * ordinary, all steps of a row matter.
 */
export function plain(combinations: readonly Accepted[]): Accepted[] {
  return FIRST.map(kind => combinations.findLast(({ family }) => family.kinds[0] === kind))
    .filter(combination => combination !== undefined)
    .slice(0, 3)
}
