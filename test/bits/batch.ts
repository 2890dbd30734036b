/** One batch for one kernel, with all that its driver's entry needs to lay out the inputs. */

import type { Kernel } from '../../binding.js'
import type { Random } from '../support/random.ts'
import type { Input, Shape } from '../support/raw.ts'
import { computeTypeOf, type NumberKind, type Storage, storeKind } from './numbers.ts'

/** 'labels': whole numbers. */
export type Kind = NumberKind | 'labels'

/** A kind of numbers for each input. */
export interface Family {
  readonly name: string
  readonly kinds: readonly Kind[]
}

export const IGNORED = -100

export class Batch {
  /** Inputs whose kind the batch depends on: families that differ in others only are the same to the kernel. */
  readonly used = new Set<number>()

  constructor(
    readonly kernel: Kernel,
    readonly storage: Storage,
    readonly shape: Shape,
    readonly family: Family,
    readonly hasIgnored: boolean,
    readonly random: Random,
  ) {}

  readonly kindOf = (input: number): Kind => {
    this.used.add(input)
    return this.family.kinds[input] ?? 'positive'
  }

  /** Numbers of the family's kind; an optional extra input, the last one, holds positive numbers. */
  readonly numbers = (input: number, length: number): Input => {
    const { kernel, storage, random } = this
    const isExtra = kernel.name.includes('+') && input === kernel.inputs - 1
    const type = isExtra && !kernel.grads.includes(input) ? computeTypeOf(storage) : storage
    const kind = isExtra ? 'positive' : this.kindOf(input)
    return kind === 'labels' ? this.integers(length, 0, 1) : storeKind(type, length, kind, random)
  }

  /** Class labels, some of which may be ignored. */
  readonly labels = (length: number, classes: number): Int32Array =>
    Int32Array.from({ length }, () =>
      this.hasIgnored && this.random.integer(7) === 0 ? IGNORED : this.random.integer(classes),
    )

  /** Whole numbers from `least` to `most`. */
  readonly integers = (length: number, least: number, most: number): Int32Array => {
    const all = new Int32Array(length)
    for (let i = 0; i < length; i++) all[i] = least + this.random.integer(most - least + 1)
    return all
  }
}
