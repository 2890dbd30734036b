import { expect } from 'vitest'
import { LosskitError } from '../../lib/index.ts'

/** The error that `act` throws, which must be one of losskit's own. */
export function thrown(act: () => unknown): LosskitError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(LosskitError)
    return error as LosskitError
  }
  throw new Error('nothing was thrown')
}

/** The error with which a promise is rejected. */
export async function rejected(promise: Promise<unknown>): Promise<LosskitError> {
  const outcome = await promise.then(
    () => new Error('nothing was rejected'),
    (error: unknown) => error,
  )
  expect(outcome).toBeInstanceOf(LosskitError)
  return outcome as LosskitError
}

/** `CODE: message`, as the tables of these tests write it. */
export function told(act: () => unknown): string {
  const { code, message } = thrown(act)
  return `${code}: ${message}`
}
