/** What the members of the addon say agrees with itself; that their types are those declared is in types.test.ts. */

import { describe, expect, it } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'

describe('the addon', () => {
  it('gives every slot a place of its own in the frame', () => {
    const positions = Object.values(binding.slots)
    expect(new Set(positions).size).toBe(positions.length)
    for (const position of positions) expect(binding.frame[position], String(position)).toBeDefined()
    expect(binding.frame[binding.slots.params + 3]).toBeDefined()
    expect(binding.frame[binding.slots.dtypes + 9]).toBeDefined()
  })

  it('says of every kernel what a call can hold', () => {
    for (const kernel of binding.kernels) {
      expect(kernel.params.length).toBeLessThanOrEqual(4)
      expect(kernel.inputs).toBeGreaterThanOrEqual(1)
      expect(kernel.inputs).toBeLessThanOrEqual(4)
      expect(kernel.grads.length).toBeLessThanOrEqual(3)
      expect(kernel.grads).toEqual([...new Set(kernel.grads)].sort())
      for (const input of kernel.grads) expect(input).toBeLessThan(kernel.inputs)
      expect(kernel.labels).toBeGreaterThanOrEqual(-1)
      expect(kernel.labels).toBeLessThan(kernel.inputs)
      expect(kernel.grads).not.toContain(kernel.labels)
    }
  })

  it('names every kernel once', () => {
    const all = binding.kernels.map(({ name }) => name)
    expect(new Set(all).size).toBe(all.length)
  })

  it('reports an instruction set that is among those possible, and takes each of these', () => {
    const { isa, isas, threads, cpus } = binding.info()
    expect(isas).toContain(isa)
    expect(threads).toBeGreaterThanOrEqual(1)
    expect(cpus).toBeGreaterThanOrEqual(1)
    for (const other of isas) {
      binding.setIsa(other)
      expect(binding.info().isa).toBe(other)
    }
    binding.setIsa(isa)
    expect(() => binding.setIsa('avx1024')).toThrow()
    expect(binding.info().isa).toBe(isa)
  })

  it('sets threads from 1 to 256', () => {
    const { threads } = binding.info()
    expect(binding.setThreads(0)).toBe(1)
    expect(binding.setThreads(1000)).toBe(256)
    expect(binding.setThreads(3)).toBe(3)
    expect(binding.info().threads).toBe(3)
    binding.setThreads(threads)
  })
})
