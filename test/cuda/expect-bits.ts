import { expect } from 'vitest'
import type { Numbers } from './loose.ts'

const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers) => Buffer.from(buffer, byteOffset, byteLength)

/** What a device gave is what the processor gives: by their bits, but for NaN, which has many. */
export function expectBits(found: Numbers, expected: Numbers, what: string): void {
  expect(found.length, what).toBe(expected.length)
  if (bytesOf(found).equals(bytesOf(expected))) return
  for (let i = 0; i < found.length; i++) {
    if (!Object.is(found[i], expected[i])) {
      throw new Error(`${what}: [${i}] is ${found[i]} on the device, ${expected[i]} on the processor`)
    }
  }
}
