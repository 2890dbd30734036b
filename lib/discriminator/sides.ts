import { type DeviceTensor, isDeviceTensor } from '../cuda/tensor.ts'
import { kindOf } from '../tensor/dtype.ts'
import type { Sides } from '../types/discriminator.ts'

export const SIDES = ['real', 'fake'] as const

export type SideName = (typeof SIDES)[number]

export function each<T>(of: (side: SideName) => T): Sides<T> {
  return { real: of('real'), fake: of('fake') }
}

/**
 * What a call of each gives. If the second is refused, the first gives back the tensors of a device that it has made, and leaves
 * those of the caller.
 */
export function eachCall<T>(
  calls: Sides<readonly [scores: unknown, options: { readonly out: unknown }]>,
  of: (side: SideName) => T,
): Sides<T> {
  const real = of('real')
  try {
    return { real, fake: of('fake') }
  } catch (error) {
    const [scores, { out }] = calls.real
    const theirs = tensorsIn([scores, out])
    for (const tensor of tensorsIn(real)) if (!theirs.includes(tensor)) tensor.dispose()
    throw error
  }
}

function tensorsIn(value: unknown): DeviceTensor[] {
  if (isDeviceTensor(value)) return [value]
  const holds = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return holds && kindOf(value) === undefined ? Object.values(value).flatMap(tensorsIn) : []
}

/** Waits for both, also where one fails: until then the arrays are in use. */
export async function settled<T>({ real, fake }: Sides<Promise<T>>): Promise<Sides<T>> {
  const [first, second] = await Promise.allSettled([real, fake])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
  return { real: first.value, fake: second.value }
}
