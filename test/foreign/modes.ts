/** Modes of the floating-point unit that other code may leave behind, as bits of the control word of x64 (MXCSR). */

import { expect } from 'vitest'
import type { Foreign } from './addon.ts'

/** All but the flags, which any arithmetic raises. */
const CONTROL = 0xffc0
/** Rounding to nearest, denormals kept, no traps. */
export const ORDINARY = 0x1f80

const FLUSH = 0x8040

/** Without rounding, JavaScript's own arithmetic on ordinary numbers is what it was. */
export const FLUSHING: number = ORDINARY | FLUSH
export const TOWARD_ZERO: number = ORDINARY | 0x6000
/** A process that divides by zero or overflows is ended. */
export const TRAPPING: number = ORDINARY & ~0x600

export const MODES = [
  { mode: FLUSHING, named: 'denormals flushed to zero' },
  { mode: TOWARD_ZERO, named: 'rounding toward zero' },
  { mode: ORDINARY | 0x4000, named: 'rounding up' },
  { mode: ORDINARY | 0x2000 | FLUSH, named: 'rounding down and denormals flushed to zero' },
] as const

export const modeOf = (word: number): number => word & CONTROL

/** What `act` gives in a mode, which it must leave as it is, also where it throws. */
export function inMode<T>(foreign: Foreign, mode: number, act: () => T): T {
  foreign.setControlWord(mode)
  try {
    return act()
  } finally {
    const left = modeOf(foreign.controlWord())
    foreign.setControlWord(ORDINARY)
    expect(left).toBe(mode)
  }
}
