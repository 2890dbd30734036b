import type { Configuration } from '../configuration.ts'
import type { Definition } from '../definition.ts'
import type { Dtype } from '../tensor/dtype.ts'
import type { Dense } from '../tensor/read.ts'

/** The inputs of a call, checked against each other. */
export interface Inputs {
  readonly pred: Dense
  readonly target: Dense
  readonly weight: Dense | undefined
  readonly factor: Dense | undefined
  /** How many values the loss gives. */
  readonly rows: number
  /** Classes of a row; 0 where there are none. */
  readonly classes: number
  /** Whether the target holds class labels, some of which may be ignored. */
  readonly hasLabels: boolean
  /** The type of the arithmetic, of the values and of the accumulated sum: float32 or float64. */
  readonly compute: Dtype
}

/** One shape of data: what its inputs have to be. Its namesake in the addon walks them. */
export interface Driver {
  /** Whether `weight` belongs to the elements of a batch, or to the classes and so to the loss. */
  readonly weighs: 'elements' | 'classes'
  read(loss: Definition, config: Configuration, pred: unknown, target: unknown): Inputs
  /** Makes the check of the commonest inputs. */
  plain(loss: Definition): PlainCheck
}

/**
 * The frame of a call with default options where both inputs are flat typed arrays that fit, undefined where they need a
 * closer look. Nothing is allocated: the frame is the same array each time, to be used at once.
 */
export type PlainCheck = (pred: unknown, target: unknown) => number[] | undefined
