/**
 * The peak of resident memory while a kernel runs on two threads, for every kernel of the catalogue: `node memory.mjs <addon>`
 * prints a line of JSON with what each took beyond its arrays. Linux with glibc only.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { ARRAYS, check, GRADS, INPUTS, load } from './addon.mjs'

// A C library that keeps what was freed would hide what the next call takes.
const FREE_AT_ONCE = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' }
if (process.env.MALLOC_MMAP_THRESHOLD_ === undefined) {
  const env = { ...process.env, ...FREE_AT_ONCE }
  const { status, signal } = spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' })
  process.exit(signal === null ? status : 1)
}

const binding = load(process.argv[2])
const { frame, slots, kernels, dtypes } = binding
binding.setThreads(2)

const status = name =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])

/** Sizes of a batch, and of its inputs that are no labels: large beside what a kernel may take. */
const drivers = {
  elements: { rows: 2 ** 22, columns: 0, inner: 0, others: 0 },
  rows: { rows: 4096, columns: 1024, inner: 1, others: 0 },
  multilabel: { rows: 4096, columns: 1024, inner: 1, others: 0 },
  boxes: { rows: 2 ** 20, columns: 4, inner: 0, others: 0 },
  pairs: { rows: 4096, columns: 1024, inner: 0, others: 0 },
  masks: { rows: 16, columns: 2 ** 18, inner: 1, others: 0 },
  sequences: { rows: 8, columns: 64, inner: 100, others: 8192 },
  allPairs: { rows: 2048, columns: 256, inner: 0, others: 2048 },
}

/** The size of input i. */
const sizes = {
  elements: ({ rows }) => rows,
  rows: ({ rows, columns }, i) => (i === 0 ? rows * columns : rows),
  multilabel: ({ rows, columns }) => rows * columns,
  boxes: ({ rows }) => 4 * rows,
  pairs: ({ rows, columns }, i, kernel) => (i < kernel.grads.length ? rows * columns : rows),
  masks: ({ rows, columns, others }, i, kernel) =>
    kernel.labels >= 0 && i === 0 ? rows * columns * others : rows * columns,
  sequences: ({ rows, columns, inner, others }, i) => [others * rows * columns, rows * inner, rows, rows][i],
  allPairs: ({ rows, columns, others }, i, kernel) => {
    if (kernel.labels < 0 && kernel.params.length === 0) return i === 0 ? rows : others
    return i === kernel.labels ? rows : i === 3 ? others : i === 0 ? rows * columns : others * columns
  },
}

function batchOf(kernel) {
  const sized = { ...drivers[kernel.driver] }
  if (kernel.driver === 'masks' && kernel.labels >= 0) sized.others = 4
  if (kernel.driver === 'allPairs' && kernel.labels < 0 && kernel.params.length === 0) {
    Object.assign(sized, { rows: 8192, columns: 0, others: 8192 })
  }
  const inputs = Array.from({ length: kernel.inputs }, (_, i) => {
    const size = sizes[kernel.driver](sized, i, kernel)
    const isLabels = i === kernel.labels || (kernel.driver === 'sequences' && i > 0)
    // Targets of 1 suit all that take 0 and 1, or -1 and 1.
    if (!isLabels) return new Float32Array(size).fill(i === 0 && kernel.name !== 'thresholdedIou' ? 0.5 : 1)
    const labels = new Int32Array(size)
    // Lists of one class; sequences without the blank, which is 0.
    if (kernel.driver === 'multilabel')
      labels.forEach((_, at) => {
        labels[at] = at % sized.columns === 0 ? 0 : -1
      })
    if (kernel.driver === 'sequences') labels.fill([0, 1, sized.others, sized.inner][i])
    return labels
  })
  return { ...sized, inputs }
}

/** Runs a kernel once and gives the status, and the peak above what was resident before, in bytes. */
function measure(kernel, { inputs, ...sized }, reduction, grads) {
  const arrays = new Array(ARRAYS).fill(undefined)
  inputs.forEach((input, i) => {
    arrays[i] = input
  })
  grads.forEach((grad, i) => {
    arrays[INPUTS + 3 + i] = grad
  })
  frame[slots.kernel] = kernels.indexOf(kernel)
  frame[slots.reduction] = reduction
  frame[slots.upstream] = 1
  frame[slots.divisor] = Number.NaN
  for (const [name, size] of Object.entries(sized)) frame[slots[name]] = size
  frame[slots.ignoreIndex] = Number.NaN
  frame[slots.labelSmoothing] = 0
  frame[slots.wantsValue] = 1
  frame[slots.inPlace] = 1
  kernel.params.forEach((name, i) => {
    frame[slots.params + i] = name === 'blank' ? 0 : 1
  })
  arrays.forEach((array, i) => {
    const name = array instanceof Int32Array ? 'int32' : 'float32'
    frame[slots.dtypes + i] = array === undefined ? -1 : dtypes.indexOf(name)
  })
  writeFileSync('/proc/self/clear_refs', '5') // sets the peak to what is resident now
  const before = status('VmHWM')
  binding.run(...arrays)
  const took = (status('VmHWM') - before) * 1024
  return { status: binding.statuses[frame[slots.status]], took }
}

check(GRADS === 3, 'gradients')
const results = []
for (const kernel of kernels) {
  const batch = batchOf(kernel)
  const grads = kernel.grads.map(input => new Float32Array(batch.inputs[input].length).fill(1))
  // Once for what the process itself needs: threads, code.
  measure(kernel, batch, 2, [])
  measure(kernel, batch, 2, grads)
  const value = measure(kernel, batch, 2, [])
  const both = grads.length === 0 ? value : measure(kernel, batch, 2, grads)
  const bytes = batch.inputs.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const { name, driver } = kernel
  const statuses = [value.status, both.status]
  results.push({
    name,
    driver,
    batch: { ...batch, inputs: undefined },
    bytes,
    statuses,
    value: value.took,
    grad: both.took,
  })
}
console.log(JSON.stringify(results))
