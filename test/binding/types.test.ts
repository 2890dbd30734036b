/** The types of the addon and the addon itself agree: constants, what functions take, and what they return. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Binding, Bound } from '../../binding.js'
import { binding } from '../../lib/backend/binding.ts'
import { batchesOf } from '../bits/drivers.ts'
import { type Accepted, accepted, makeCall, newGrads } from '../bits/inputs.ts'
import { type Call, kernelNamed, prepare } from '../support/raw.ts'
import { type Declared, readDeclared } from './declared.ts'

const text = readFileSync(new URL('../../binding.d.ts', import.meta.url), 'utf8')
const declared = readDeclared(text)

type Arguments = readonly unknown[]
type Method = (...given: Arguments) => unknown
const call = (name: string, given: Arguments) => (binding[name as keyof Binding] as Method)(...given)

/** Makes ready a call that succeeds, and gives its arguments: all that the function takes. */
type Trial = () => Arguments

/** A call with a weight and all gradients. */
function whole(name: string): Call {
  const kernel = kernelNamed(name)
  const combination = accepted(kernel, 'float32').at(-1) as Accepted
  const call = makeCall(kernel, 'float32', combination, batchesOf(kernel.driver).tried, 1)
  const weight = new Float32Array(call.rows).fill(1)
  return { ...call, weight, grads: newGrads(kernel, 'float32', call) }
}

/** Of all losses ctc has the most inputs, and triplet the most gradients. */
const [ctc, triplet] = [whole('ctc'), whole('triplet')]

function newState(): Uint8Array {
  const state = new Uint8Array(binding.stateBytes('float32'))
  binding.initState(state, 'float32')
  return state
}

const runs: Trial[] = [
  () => {
    const [values, upstream] = [new Float32Array(ctc.rows), new Float32Array(ctc.rows)]
    return prepare({ ...ctc, reduction: 'none', values, upstream })
  },
  () => prepare({ ...triplet, reduction: 'sum', state: newState() }),
]

const SHARED = 100_000
const handedOver = () => {
  const inputs = [new Float32Array(SHARED), new Float32Array(SHARED)]
  return prepare({ kernel: 'mse', rows: SHARED, columns: 0, inner: 0, others: 0, inputs })
}
const overlapping = () => {
  const array = new Float32Array(8)
  const size = { rows: 8, columns: 0, inner: 0, others: 0 }
  return prepare({ kernel: 'mse', ...size, inputs: [array, array], reduction: 'none', values: array })
}

let held: Bound | undefined
const bound: Trial = () => {
  held = call('bind', (runs[0] as Trial)().slice(0, 10)) as Bound
  binding.frame[binding.slots.bound] = held.number
  return []
}

const trials: Readonly<Record<string, readonly Trial[]>> = {
  run: runs,
  runAsync: [...runs, handedOver].map(trial => () => [...trial(), new Int32Array(1)]),
  bind: [...runs, overlapping].map(trial => () => trial().slice(0, 10)),
  runBound: [bound],
  stateBytes: [() => ['float32'], () => ['float64']],
  initState: [() => [newState(), 'float32']],
  checkState: [
    () => [newState()],
    () => [new Uint8Array(3)],
    () => {
      const state = new Uint8Array(binding.stateBytes('float64'))
      binding.initState(state, 'float64')
      return [state]
    },
  ],
  mergeState: [() => [newState(), newState()]],
  countState: [() => [newState()]],
  valueState: [() => [newState(), 2, Number.NaN]],
  bytesToLine: [() => [new Uint8Array(1)]],
  useHugePages: [() => [new Uint8Array(1)]],
  info: [() => []],
  setThreads: [() => [binding.info().threads]],
  setIsa: [() => [binding.info().isa]],
}

/** Whether the addon looks at the argument in a place: another thing there is refused by some call. */
function reads(name: string, place: number): boolean {
  return (trials[name] as readonly Trial[]).some(trial => {
    const given = [...trial()]
    while (given.length < place) given.push(undefined)
    given[place] = Symbol('of no use')
    try {
      call(name, given)
      return false
    } catch {
      return true
    }
  })
}

/** How many arguments the addon looks at; places beyond these are looked at too. */
function arityOf(name: string, atLeast: number): number {
  let arity = 0
  for (let place = 0; place < atLeast + 2; place++) if (reads(name, place)) arity = place + 1
  return arity
}

/** In words, what the types of a method say that the addon does not do. */
async function disagreement({ methods, ...types }: Declared, name: string): Promise<string[]> {
  const { arity, result } = methods('Binding').find(each => each.name === name) as ReturnType<
    typeof methods
  >[0]
  const found: string[] = []
  const taken = arityOf(name, arity)
  if (taken !== arity) found.push(`${name} takes ${taken} arguments, not ${arity}`)
  const alternatives = new Set(types.alternatives(result))
  for (const trial of trials[name] as readonly Trial[]) {
    const value = call(name, trial())
    for (const each of alternatives) if (types.mismatch(value, each) === undefined) alternatives.delete(each)
    found.push(types.mismatch(value, result, `the result of ${name}`) ?? '')
    found.push(types.mismatch(await value, types.awaited(result), `what ${name} resolves to`) ?? '')
  }
  for (const each of alternatives) found.push(`${name} never returns ${types.show(each)}`)
  return found.filter(each => each !== '')
}

describe('binding.d.ts', () => {
  it('declares the type of every member of the addon, and no other member', () => {
    expect(declared.mismatch(binding, declared.type('Binding'))).toBeUndefined()
  })

  const names = declared.methods('Binding').map(({ name }) => name)

  it.each(names)('declares what %s takes and returns', async name => {
    expect(await disagreement(declared, name)).toEqual([])
  })

  it.each(['DtypeName', 'StatusName', 'Driver'])('lists no %s that does not occur', name => {
    const drivers = binding.kernels.map(({ driver }) => driver)
    const found: readonly unknown[] =
      { DtypeName: binding.dtypes, StatusName: binding.statuses }[name] ?? drivers
    for (const each of declared.alternatives(declared.type(name))) {
      expect(
        found.some(one => declared.mismatch(one, each) === undefined),
        declared.show(each),
      ).toBe(true)
    }
  })
})

describe('a drift of binding.d.ts is noticed', () => {
  const changed = (from: string, to: string): Declared => {
    expect(text.split(from)).toHaveLength(2)
    return readDeclared(text.replace(from, to))
  }

  it.each([
    ['readonly cpus: number', 'readonly cpus: string'],
    ['readonly labels: number', 'readonly labels: number\n  readonly classes: number'],
    ['  readonly driver: Driver\n', ''],
    ['readonly frame: Float64Array', 'readonly frame: Float32Array'],
    ["  | 'sequences'\n", ''],
    ['readonly posts: number', 'readonly posts: 3'],
    ['info(): Info', 'info: Info'],
    ['  setThreads(threads: number): number\n', ''],
  ])('in members: %s → %s', async (from, to) => {
    const types = changed(from, to)
    const inInfo = types.mismatch(binding.info(), types.type('Info'))
    expect(inInfo ?? types.mismatch(binding, types.type('Binding'))).toBeTypeOf('string')
  })

  it.each([
    ['countState', 'countState(state: Uint8Array): number', 'countState(state: Uint8Array): string'],
    ['countState', 'countState(state: Uint8Array): number', 'countState(): number'],
    ['valueState', 'divisor: number): number', 'divisor: number, more: number): number'],
    ['checkState', "Uint8Array): 'float32' | 'float64' | undefined", "Uint8Array): 'float32' | undefined"],
    ['setIsa', 'setIsa(isa: string): void', 'setIsa(isa: string): number'],
    ['setThreads', 'setThreads(threads: number): number', 'setThreads(threads: number): number | undefined'],
    ['bind', 'bind(...arrays: Arrays): Bound | undefined', 'bind(...arrays: Arrays): Bound'],
    ['bind', '  grad2?: Argument,\n', ''],
    ['runAsync', '  count: number,\n]', ']'],
    ['runAsync', ', cancel?: Int32Array | undefined]', ']'],
    ['runAsync', 'Promise<AsyncResult> | undefined', 'AsyncResult | undefined'],
  ])('in %s: %s → %s', async (name, from, to) => {
    expect(await disagreement(changed(from, to), name)).not.toEqual([])
  })
})
