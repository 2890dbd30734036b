/**
 * What the tests of this folder must know of a driver: batches of which sizes are worth a test, and how the inputs of a
 * kernel are laid out. A new driver is one entry here; a new kernel is none.
 */

import type { Driver } from '../../binding.js'
import type { Input, Shape } from '../support/raw.ts'
import type { Batch } from './batch.ts'

export interface DriverBatches {
  /** On which inputs are tried: large enough to hold every kind of number. */
  readonly tried: Shape
  /** Sizes around those of vectors and blocks. */
  readonly small: readonly Shape[]
  /** Sizes that several threads share, in each of the ways in which the driver shares them out. */
  readonly large: readonly Shape[]
  /** Many values. */
  readonly many: Shape
  /** For hashes.json: whoever changes them changes the hashes. */
  readonly hashed: readonly Shape[]
  /** Repeated until they exceed the caches; none where the driver does not write gradients past them. */
  readonly streamed: readonly Shape[]
  /** What has a weight each: values or numbers of a row. */
  readonly weighs: 'rows' | 'columns'
  /** Whether the rows of a batch can be computed a few at a time. */
  readonly isCut: boolean
  /** How many rows lie interleaved and are cut together; 1 without it. */
  readonly together?: (shape: Shape) => number
  /** How often an input goes through all rows; 1 without it, which means that its rows lie one after the other. */
  readonly passes?: (input: number, shape: Shape) => number
  /** The inputs of a kernel, of the sizes that `native/addon/check_shape.cc` asks for. */
  readonly inputs: (batch: Batch) => Input[]
}

const shape = (rows: number, columns = 0, inner = 0, others = 0): Shape => ({ rows, columns, inner, others })

const square = (rows: number, columns: number): Shape => shape(rows, columns, 0, rows)

const denseRows = (rows: number, columns: number): Shape => shape(rows, columns, 1)

export const DRIVERS: Record<Driver, DriverBatches> = {
  elements: {
    tried: shape(660),
    small: [1, 2, 3, 5, 8, 13, 31, 33, 64, 100, 511, 2047, 2049, 5000].map(rows => shape(rows)),
    large: [shape(70_001), shape(299_993)],
    many: shape(200_000),
    hashed: [shape(37), shape(10_007)],
    streamed: [shape(50_021)],
    weighs: 'rows',
    isCut: true,
    inputs: ({ kernel, shape: { rows }, numbers }) =>
      Array.from({ length: kernel.inputs }, (_, i) => numbers(i, rows)),
  },

  rows: {
    tried: denseRows(60, 11),
    small: [
      denseRows(1, 1),
      denseRows(3, 10),
      denseRows(7, 33),
      denseRows(65, 2),
      denseRows(33, 32),
      denseRows(20, 17),
      denseRows(5, 260),
      denseRows(3, 4097),
      // The same with the classes along another axis.
      shape(6, 3, 2),
      shape(35, 2, 35),
      shape(90, 10, 45),
      shape(600, 32, 300),
      shape(51, 33, 17),
      shape(34, 260, 17),
      shape(4, 4097, 2),
    ],
    large: [
      denseRows(4096, 10),
      denseRows(20_011, 3),
      denseRows(5, 5000),
      denseRows(300, 1000),
      denseRows(2, 100_000),
      denseRows(1, 262_147),
      shape(20_000, 7, 5000),
      shape(3000, 100, 1500),
    ],
    many: denseRows(9000, 8),
    hashed: [denseRows(101, 10), denseRows(7, 3001), shape(62, 21, 31)],
    streamed: [denseRows(5003, 10), denseRows(3, 16_411), denseRows(1, 100_003)],
    weighs: 'columns',
    isCut: true,
    together: ({ inner }) => inner,
    inputs: ({ kernel, shape: { rows, columns }, numbers, kindOf, labels, integers }) => {
      const scores = numbers(0, rows * columns)
      if (kindOf(1) !== 'labels') return [scores, numbers(1, rows * columns)]
      // Where no input holds one label for each row, a row may hold a list of labels that -1 ends.
      return [scores, kernel.labels === 1 ? labels(rows, columns) : integers(rows * columns, -1, columns - 1)]
    },
  },

  // [others, rows, columns] log-probabilities; label sequences [rows, inner]; lengths of both.
  sequences: {
    tried: shape(20, 7, 4, 10),
    small: [
      shape(1, 4, 1, 1),
      shape(3, 5, 3, 7),
      shape(5, 17, 8, 20),
      shape(17, 6, 9, 33),
      shape(2, 1030, 20, 25),
      shape(4, 9, 40, 90),
    ],
    large: [shape(300, 30, 12, 40), shape(16, 100, 60, 150)],
    many: shape(2000, 6, 4, 9),
    hashed: [shape(9, 11, 7, 19), shape(2, 40, 33, 70)],
    streamed: [],
    weighs: 'rows',
    isCut: true,
    passes: (input, { others }) => (input === 0 ? others : 1),
    inputs: ({ shape: { rows, columns, inner, others }, numbers, integers }) => [
      numbers(0, others * rows * columns),
      integers(rows * inner, 3, columns - 1), // the blank is one of 0, 1 and 2
      integers(rows, Math.floor(others / 2), others),
      integers(rows, 0, inner),
    ],
  },

  // Masks [rows, columns]; or probabilities [rows * inner, others, columns] and a label for each pixel.
  masks: {
    tried: shape(12, 55, 1, 3),
    small: [
      shape(1, 1, 1, 1),
      shape(3, 10, 2, 3),
      shape(7, 33, 1, 5),
      shape(65, 2, 1, 4),
      shape(20, 17, 3, 2),
      shape(5, 260, 1, 3),
      shape(3, 4097, 2, 2),
    ],
    large: [shape(1100, 90, 1, 2), shape(5, 20_000, 1, 2), shape(1, 100_003, 1, 2)],
    many: shape(700, 64, 1, 2),
    hashed: [shape(101, 10, 2, 3), shape(3, 9001, 1, 4)],
    streamed: [shape(3, 16_411, 1, 3)],
    weighs: 'rows',
    isCut: true,
    inputs: ({ kernel, shape: { rows, columns, inner, others }, numbers, labels }) =>
      kernel.labels === 1
        ? [numbers(0, rows * inner * others * columns), labels(rows * inner * columns, others)]
        : [numbers(0, rows * columns), numbers(1, rows * columns)],
  },

  // Scores [rows] and [others]; or vectors [rows, columns], and the same with labels, or vectors [others, columns], the
  // labels of rows among them, and a bias [others]. Where vectors meet themselves, others are rows.
  allPairs: {
    tried: square(40, 7),
    small: [
      square(1, 1),
      square(3, 10),
      square(7, 33),
      square(65, 2),
      square(33, 32),
      square(20, 17),
      square(5, 260),
    ],
    large: [square(260, 8), square(330, 3)],
    many: square(300, 2),
    hashed: [square(101, 10), square(23, 301)],
    streamed: [],
    weighs: 'rows',
    isCut: false,
    inputs: ({ kernel, shape: { rows, columns, others }, numbers, labels }) => {
      if (kernel.params.length === 0 && kernel.labels < 0) return [numbers(0, rows), numbers(1, others)]
      const vectors = numbers(0, rows * columns)
      if (kernel.labels === 1) return [vectors, labels(rows, 5)]
      const pair = [vectors, numbers(1, others * columns)]
      if (kernel.labels < 0) return pair
      const bias = kernel.inputs === 4 ? [numbers(3, others)] : []
      return [...pair, labels(rows, others), ...bias]
    },
  },

  multilabel: {
    tried: denseRows(60, 11),
    small: [
      denseRows(1, 1),
      denseRows(3, 10),
      denseRows(7, 33),
      denseRows(65, 2),
      denseRows(20, 16),
      denseRows(5, 260),
      denseRows(3, 4097),
    ],
    large: [denseRows(4096, 10), denseRows(300, 300)],
    many: denseRows(9000, 8),
    hashed: [denseRows(101, 10), denseRows(7, 301)],
    streamed: [],
    weighs: 'columns',
    isCut: true,
    // How right each class is, or a list of the right ones, which -1 ends.
    inputs: ({ kernel, shape: { rows, columns }, numbers, integers }) => {
      const pred = numbers(0, rows * columns)
      if (kernel.labels !== 1) return [pred, numbers(1, rows * columns)]
      const lists = integers(rows * columns, -1, columns - 1)
      // Every pair of a right and a wrong class is work: no long lists.
      for (let row = 0; columns > 40 && row < rows; row++) lists[row * columns + 40] = -1
      return [pred, lists]
    },
  },

  // Two boxes of each row.
  boxes: {
    tried: shape(240, 4),
    small: [1, 2, 3, 5, 8, 13, 31, 33, 64, 100, 255, 257, 600].map(rows => shape(rows, 4)),
    large: [shape(40_001, 4), shape(100_003, 4)],
    many: shape(30_000, 4),
    hashed: [shape(37, 4), shape(3001, 4)],
    streamed: [],
    weighs: 'rows',
    isCut: true,
    inputs: ({ shape: { rows }, numbers }) => [numbers(0, 4 * rows), numbers(1, 4 * rows)],
  },

  // Vectors [rows, columns], as many as there are gradients, and perhaps a label for each row.
  pairs: {
    tried: shape(40, 17),
    small: [
      shape(1, 1),
      shape(3, 10),
      shape(7, 33),
      shape(65, 2),
      shape(33, 32),
      shape(20, 129),
      shape(300, 3),
      shape(5, 1030),
      shape(3, 4097),
    ],
    large: [shape(4096, 50), shape(20_011, 9), shape(40, 6000), shape(1, 300_007)],
    many: shape(5000, 12),
    hashed: [shape(101, 10), shape(7, 3001)],
    streamed: [],
    weighs: 'rows',
    isCut: true,
    inputs: ({ kernel, shape: { rows, columns }, numbers }) =>
      Array.from({ length: kernel.inputs }, (_, i) =>
        numbers(i, i < kernel.grads.length ? rows * columns : rows),
      ),
  },
}

export function batchesOf(driver: Driver): DriverBatches {
  const batches = DRIVERS[driver]
  if (batches === undefined) throw new Error(`test/bits/drivers.ts has no entry for the driver of ${driver}`)
  return batches
}
