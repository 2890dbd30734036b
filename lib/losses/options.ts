import type { Tensor } from '../tensor/types.ts'

/** The values that an option of a loss may have. */
export type Domain = ScalarDomain | ExtraDomain | ClassWeights

/** What reaches the addon as one number: numbers as they are, other values by a code. */
export interface ScalarDomain<Value = unknown> {
  readonly kind: 'scalar'
  /** The code of the default. */
  readonly fallback: number
  /** In words, for the message that refuses a value. */
  readonly takes: string
  /** undefined for a value that is refused. */
  encode(value: unknown): number | undefined
  decode(code: number): Value
}

/** An option that says how a device computes: calls of arrays do not take it. */
export interface DeviceDomain<Value = unknown> extends ScalarDomain<Value> {
  readonly onDevice: true
}

/** One more input of the loss. */
export interface ExtraDomain<Shape extends 'elements' | 'classes' = 'elements' | 'classes'> {
  readonly kind: 'extra'
  /** 'elements': a number, or factors that broadcast to the elements. 'classes': one number for each class. */
  readonly shape: Shape
}

/** One weight for each class. */
export interface ClassWeights {
  readonly kind: 'classWeights'
}

/** The options of a loss as its callers write them. */
export type OptionsOf<Domains> = {
  readonly [Name in keyof Domains]?: ValueOf<Domains[Name]> | undefined
}

type ValueOf<D> =
  D extends DeviceDomain<infer Value>
    ? DeviceOnly<Value>
    : D extends ScalarDomain<infer Value>
      ? Value
      : D extends ExtraDomain<'elements'>
        ? number | Tensor
        : D extends ExtraDomain | ClassWeights
          ? Tensor
          : never

/** A value that only calls of device tensors take, in place of which they take the plain one. */
export interface DeviceOnly<Value> {
  readonly [onlyOnDevice]: Value
}
declare const onlyOnDevice: unique symbol

function number(fallback: number, takes: string, has: (value: number) => boolean): ScalarDomain<number> {
  return {
    kind: 'scalar',
    fallback,
    takes,
    encode: value => (typeof value === 'number' && has(value) ? value : undefined),
    decode: code => code,
  }
}

export function positive(fallback: number): ScalarDomain<number> {
  return number(fallback, 'a finite number above 0', value => value > 0 && value < Number.POSITIVE_INFINITY)
}

/** From 0 to 1, both included. */
export function unitInterval(fallback: number): ScalarDomain<number> {
  return number(fallback, 'a number from 0 to 1', value => value >= 0 && value <= 1)
}

/** From 0 to 1; what lies below stands for none. */
export function shareOrNone(fallback: number): ScalarDomain<number> {
  return number(
    fallback,
    'a number from 0 to 1, or one below 0 for none',
    value => value > Number.NEGATIVE_INFINITY && value <= 1,
  )
}

export function whole(fallback: number): ScalarDomain<number> {
  return number(fallback, 'a whole number', Number.isSafeInteger)
}

/** The dimension that the classes go along; from the last where it is negative. */
export function axis(): ScalarDomain<number> {
  return whole(1)
}

export function finite(fallback: number): ScalarDomain<number> {
  return number(fallback, 'a finite number', Number.isFinite)
}

/** From 0 on, not infinite. */
export function notNegative(fallback: number): ScalarDomain<number> {
  return number(
    fallback,
    'a finite number from 0 on',
    value => value >= 0 && value < Number.POSITIVE_INFINITY,
  )
}

/** The p of a norm. */
export function norm(fallback: number): ScalarDomain<number> {
  return number(fallback, 'a number from 1 on, or Infinity', value => value >= 1)
}

/** A position, from 0 on. */
export function index(fallback: number): ScalarDomain<number> {
  return number(fallback, 'a whole number from 0 on', value => Number.isSafeInteger(value) && value >= 0)
}

/** One of some numbers, the first of which is the default. */
export function oneOf<const Value extends number>(
  ...values: readonly [Value, ...Value[]]
): ScalarDomain<Value> {
  return {
    kind: 'scalar',
    fallback: values[0],
    takes: values.join(' or '),
    encode: value => values.find(one => one === value),
    decode: code => code as Value,
  }
}

export function flag(fallback: boolean): ScalarDomain<boolean> {
  return {
    kind: 'scalar',
    fallback: Number(fallback),
    takes: 'true or false',
    encode: value => (typeof value === 'boolean' ? Number(value) : undefined),
    decode: code => code !== 0,
  }
}

/** One of some words, the first of which is the default; its code is its position. */
export function choice<const Word extends string>(...words: readonly [Word, ...Word[]]): ScalarDomain<Word> {
  return {
    kind: 'scalar',
    fallback: 0,
    takes: words.map(word => `'${word}'`).join(' or '),
    encode: value => {
      const code = words.indexOf(value as Word)
      return code < 0 ? undefined : code
    },
    decode: code => words[code] ?? words[0],
  }
}

/** A number of bytes. */
export function bytes(fallback: number): ScalarDomain<number> {
  return number(
    fallback,
    'a whole number of bytes above 0',
    value => Number.isSafeInteger(value) && value > 0,
  )
}

/** For devices only. */
export function onDevice<Value>(domain: ScalarDomain<Value>): DeviceDomain<Value> {
  return { ...domain, onDevice: true }
}

/** Factors of the elements, which a variant of the kernel reads. */
export function factor(): ExtraDomain<'elements'> {
  return { kind: 'extra', shape: 'elements' }
}

/** One number for each class, which a variant of the kernel reads. */
export function classTensor(): ExtraDomain<'classes'> {
  return { kind: 'extra', shape: 'classes' }
}

export function classWeights(): ClassWeights {
  return { kind: 'classWeights' }
}
