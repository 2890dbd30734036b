import type { Sides } from '../types/discriminator.ts'

export const SIDES = ['real', 'fake'] as const

export type SideName = (typeof SIDES)[number]

export function each<T>(of: (side: SideName) => T): Sides<T> {
  return { real: of('real'), fake: of('fake') }
}

/** Waits for both, also where one fails: until then the arrays are in use. */
export async function settled<T>({ real, fake }: Sides<Promise<T>>): Promise<Sides<T>> {
  const [first, second] = await Promise.allSettled([real, fake])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
  return { real: first.value, fake: second.value }
}
