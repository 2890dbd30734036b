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
export function eachCall<T>(calls: Sides<SideCall>, of: (side: SideName) => T): Sides<T> {
  const real = of('real')
  try {
    return { real, fake: of('fake') }
  } catch (error) {
    giveBack(real, calls.real)
    throw error
  }
}

/** The same of calls that are waited for. */
export async function eachCallAside<T>(
  calls: Sides<SideCall>,
  of: (side: SideName) => Promise<T>,
): Promise<Sides<T>> {
  const running = each(of)
  try {
    return await settled(running)
  } catch (error) {
    for (const side of SIDES) running[side].then(made => giveBack(made, calls[side])).catch(() => {})
    throw error
  }
}

type SideCall = readonly [scores: unknown, options: { readonly out: unknown }]

function giveBack(made: unknown, [scores, { out }]: SideCall): void {
  const theirs = tensorsIn([scores, out])
  for (const tensor of tensorsIn(made)) if (!theirs.includes(tensor)) tensor.dispose()
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
