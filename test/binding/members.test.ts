/** The types of the addon and the addon itself name the same members. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Binding } from '../../binding.js'
import { binding } from '../../lib/backend/binding.ts'

const source = readFileSync(new URL('../../binding.d.ts', import.meta.url), 'utf8')

/** Names of the members that the text declares in one of its interfaces. */
function declared(name: string): { name: string; method: boolean }[] {
  const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1]
  if (body === undefined) throw new Error(`binding.d.ts declares no interface ${name}`)
  // Members are indented by two spaces; parameters and comments are not at that depth or do not begin with a name.
  const members = body.matchAll(/^ {2}(?:readonly )?(\w+)(\()?/gm)
  return [...members].map(([, member, bracket]) => ({ name: member as string, method: bracket === '(' }))
}

const names = (members: { name: string }[]) => members.map(member => member.name).sort()

describe('binding.d.ts', () => {
  it('declares every member of the addon, and no other', () => {
    expect(Object.keys(binding).sort()).toEqual(names(declared('Binding')))
    for (const { name, method } of declared('Binding')) {
      expect(typeof binding[name as keyof Binding] === 'function', name).toBe(method)
    }
  })

  it('declares every slot of the frame, and no other', () => {
    expect(Object.keys(binding.slots).sort()).toEqual(names(declared('Slots')))
    const positions = Object.values(binding.slots)
    expect(new Set(positions).size).toBe(positions.length)
    for (const position of positions) expect(binding.frame[position], String(position)).toBeDefined()
    expect(binding.frame[binding.slots.params + 3]).toBeDefined()
    expect(binding.frame[binding.slots.dtypes + 9]).toBeDefined()
  })

  it('declares every member of a kernel and of the report, and no other', () => {
    for (const kernel of binding.kernels) {
      expect(Object.keys(kernel).sort()).toEqual(names(declared('Kernel')))
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
    expect(Object.keys(binding.info()).sort()).toEqual(names(declared('Info')))
  })

  /** Names that the text lists as one of its types. */
  function listed(type: string): (string | undefined)[] {
    const body = new RegExp(`export type ${type} =([^\\n]*\\n(?: {2}\\|[^\\n]*\\n)*)`).exec(source)?.[1] ?? ''
    return [...body.matchAll(/'(\w+)'/g)].map(match => match[1]).sort()
  }

  it.each([
    ['DtypeName', binding.dtypes],
    ['StatusName', binding.statuses],
    ['Driver', [...new Set(binding.kernels.map(({ driver }) => driver))]],
  ])('lists every %s, and no other', (type, found) => {
    expect([...found].sort()).toEqual(listed(type))
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
