/**
 * Throws anything at the addon: `node fuzz.mjs <addon> <seed> <rounds>`. A call that fits the contract is bent in a
 * few places and made. It has to work or throw ERR_BINDING, leave the memory around its outputs alone, and come back.
 */

import { ARRAYS, check, GRADS, generator, INPUTS, load } from './addon.mjs'

const [, , file, seedText, roundsText] = process.argv
const seed = Number(seedText)
const random = generator(seed)
const binding = load(file)
const { frame, slots, kernels, dtypes } = binding
binding.setThreads(3)

const KINDS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
}

const GUARD = 64
const GUARD_BYTE = 0xa5

/** Arrays with guarded memory around them, checked after every call. */
let guarded = []

function array(dtype, length) {
  const Kind = KINDS[dtype]
  const bytes = length * Kind.BYTES_PER_ELEMENT
  const memory = new Uint8Array(GUARD + bytes + GUARD).fill(GUARD_BYTE)
  guarded.push([memory, bytes])
  const result = new Kind(memory.buffer, GUARD, length)
  if (dtype === 'int64') result.fill(BigInt(random.below(3)))
  else
    for (let i = 0; i < length; i++)
      result[i] = dtype.startsWith('float') ? random.below(1000) / 1000 : random.below(3)
  return result
}

function checkGuards() {
  for (const [memory, bytes] of guarded) {
    if (memory.length === 0) continue
    const intact = byte => byte === GUARD_BYTE
    check(memory.subarray(0, GUARD).every(intact), 'memory before an array was written to')
    check(memory.subarray(GUARD + bytes).every(intact), 'memory after an array was written to')
  }
  guarded = []
}

function detached() {
  const lost = new Float32Array(8)
  structuredClone(lost.buffer, { transfer: [lost.buffer] })
  return lost
}

function shrunk() {
  const buffer = new ArrayBuffer(64, { maxByteLength: 4096 })
  const tracking = new Float32Array(buffer)
  const fixed = new Float32Array(buffer, 16, 8)
  buffer.resize(random.pick([0, 20, 4096]))
  return random.pick([tracking, fixed])
}

const JUNK = [
  () => undefined,
  () => null,
  () => 1,
  () => Number.NaN,
  () => 2n ** 70n,
  () => 'array',
  () => Symbol('array'),
  () => true,
  () => ({}),
  () => [1, 2, 3],
  () => ({ length: 8, buffer: new ArrayBuffer(64), byteOffset: 0 }),
  () => () => 1,
  () => Promise.resolve(1),
  () => new ArrayBuffer(64),
  () => new SharedArrayBuffer(64),
  () => new DataView(new ArrayBuffer(64)),
  () => new BigUint64Array(8),
  () => new Uint8ClampedArray(8),
  () => new Float32Array(0),
  () => new Float32Array(new SharedArrayBuffer(64)),
  () => new Proxy(new Float32Array(8), {}),
  () => Object.create(Float32Array.prototype),
  () => Buffer.alloc(8),
  () => frame,
  detached,
  shrunk,
]

const NUMBERS = [
  0,
  -0,
  1,
  2,
  3,
  7,
  8,
  -1,
  -100,
  0.5,
  1.5,
  255,
  256,
  65536,
  1e6,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40,
  2 ** 53,
  2 ** 61,
  2 ** 62,
  2 ** 63,
  2 ** 64,
  -(2 ** 63),
  1e300,
  Number.MIN_VALUE,
  Number.NaN,
  Infinity,
  -Infinity,
]

const FLOATS = ['float32', 'float64', 'float16', 'bfloat16']
const INTEGERS = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64']
const SIZES = [slots.rows, slots.columns, slots.inner, slots.others]

function state(compute) {
  const bytes = new Uint8Array(binding.stateBytes(compute))
  binding.initState(bytes, compute)
  return bytes
}

/** A new driver is one entry: sizes of a call (rows, columns, inner, others), and what they make of the inputs. */
const manyRows = () => random.pick([0, 1, 2, 3, 9, 17, 40, 40, random.below(200) === 0 ? 70_000 : 5])
const fewRows = () => random.pick([0, 1, 2, 3, 5, 9, 17])
const oneOf = (...sizes) => random.pick(sizes)
const LABEL = INTEGERS
const drivers = {
  elements: {
    sizes: () => [manyRows(), 0, 0, 0],
    inputs: ([rows], { inputs }) => new Array(inputs).fill([rows]),
    weights: ([rows]) => rows,
  },
  rows: {
    sizes: () => {
      const [rows, inner] = [manyRows(), oneOf(1, 1, 2, 17, 40)]
      return [rows * inner, oneOf(1, 2, 3, 3, 10, 33), inner, 0]
    },
    inputs: ([rows, columns], { labels }) => [
      [rows * columns],
      labels === 1 && random.below(3) > 0 ? [rows, LABEL] : [rows * columns],
    ],
    weights: ([, columns]) => columns,
  },
  sequences: {
    sizes: () => [fewRows(), oneOf(2, 3, 10, 33), oneOf(0, 1, 2, 5, 40), oneOf(0, 1, 3, 12, 90)],
    inputs: ([rows, columns, inner, others]) => [
      [others * rows * columns],
      [rows * inner, LABEL],
      [rows, LABEL],
      [rows, LABEL],
    ],
    weights: ([rows]) => rows,
  },
  masks: {
    sizes: () => [fewRows(), oneOf(0, 1, 2, 33, 33, 300, 5000), oneOf(1, 1, 2), oneOf(1, 2, 3, 3)],
    inputs: ([rows, columns, inner, others], { labels }) =>
      labels === 1
        ? [[rows * inner * others * columns], [rows * inner * columns, LABEL]]
        : [[rows * columns], [rows * columns]],
    weights: ([rows]) => rows,
  },
  multilabel: {
    sizes: () => [fewRows(), oneOf(1, 2, 3, 3, 10, 33), 1, 0],
    inputs: ([rows, columns], { labels }) => [
      [rows * columns],
      labels === 1 ? [rows * columns, LABEL] : [rows * columns],
    ],
    weights: ([, columns]) => columns,
  },
  boxes: {
    sizes: () => [manyRows(), 4, 0, 0],
    inputs: ([rows]) => [[4 * rows], [4 * rows]],
    weights: ([rows]) => rows,
  },
  pairs: {
    sizes: () => [manyRows(), oneOf(1, 2, 3, 16, 33, 300, random.below(20) === 0 ? 5000 : 7), 0, 0],
    inputs: ([rows, columns], { inputs, grads }) =>
      Array.from({ length: inputs }, (_, i) => [i < grads.length ? rows * columns : rows]),
    weights: ([rows]) => rows,
  },
  allPairs: {
    // Vectors against themselves need as many others as rows.
    sizes: () => {
      const rows = random.pick([fewRows(), fewRows(), 150])
      return [rows, oneOf(1, 1, 2, 3, 33, 150), 0, random.pick([rows, rows, fewRows(), 300])]
    },
    inputs: ([rows, columns, , others], { labels, params, inputs }) => {
      if (labels < 0 && params.length === 0) return [[rows], [others]]
      if (labels === 1) return [[rows * columns], [rows, LABEL]]
      const pair = [[rows * columns], [others * columns]]
      if (labels < 0) return pair
      return [...pair, [rows, LABEL], ...(inputs === 4 ? [[others]] : [])]
    },
    weights: ([, , , others]) => others,
  },
}

/** The size and the dtype of every input; those with a gradient have that of the first. */
function inputsOf(kernel, sizes, first, compute) {
  return drivers[kernel.driver].inputs(sizes, kernel).map(([size, kind], i) => {
    if (i === 0 || kernel.grads.includes(i)) return [size, first]
    if (kind === LABEL) return [size, random.pick(INTEGERS)]
    return [size, random.pick([first, first, compute, random.pick(INTEGERS)])]
  })
}

/** A call within the contract, or near it: kernels differ in what they take. */
function likely() {
  const index = random.below(kernels.length)
  const kernel = kernels[index]
  const driver = drivers[kernel.driver]
  check(driver !== undefined, `there is no entry for the driver of ${kernel.driver}`)
  const sizes = driver.sizes()
  const [rows] = sizes
  const first = random.pick(FLOATS)
  const compute = first === 'float64' ? 'float64' : 'float32'
  const inputs = inputsOf(kernel, sizes, first, compute)
  const present = ([size, dtype]) => [array(dtype, size), dtype]
  const absent = [undefined, undefined]
  const maybe = (chance, dtype, size) => (random.below(chance) === 0 ? present([size, dtype]) : absent)
  const padded = (list, length) => [...list, ...new Array(length - list.length).fill(absent)]
  const hasGrads = random.below(2) === 0
  const args = [
    ...padded(inputs.map(present), INPUTS),
    maybe(3, compute, driver.weights(sizes)),
    maybe(4, compute, rows),
    maybe(2, compute, rows),
    ...padded(hasGrads ? kernel.grads.map(input => present(inputs[input])) : [], GRADS),
  ]
  frame[slots.kernel] = index
  frame[slots.reduction] = random.below(3)
  frame[slots.upstream] = 1
  frame[slots.divisor] = random.pick([Number.NaN, 3])
  SIZES.forEach((slot, i) => {
    frame[slot] = sizes[i]
  })
  frame[slots.ignoreIndex] = kernel.labels >= 0 ? random.pick([Number.NaN, -100, 0]) : Number.NaN
  frame[slots.labelSmoothing] = kernel.labels >= 0 ? random.pick([0, 0, 0.1]) : 0
  for (let i = 0; i < 4; i++) frame[slots.params + i] = random.pick([0, 1, 1])
  args.forEach(([, dtype], i) => {
    frame[slots.dtypes + i] = dtype === undefined ? -1 : dtypes.indexOf(dtype)
  })
  const list = args.map(([data]) => data)
  list.push(random.below(3) === 0 ? state(compute) : undefined)
  return list
}

const CODES = [-1, 0, 1, 2, 3, 8, dtypes.length, dtypes.length - 1, 2.5, Number.NaN, 1e9]

const isArray = value => ArrayBuffer.isView(value) && value.subarray !== undefined && value.byteLength > 0

function bend(args) {
  const place = random.below(args.length)
  switch (random.below(8)) {
    case 0:
      args[place] = random.pick(JUNK)()
      break
    case 1:
      frame[random.below(frame.length)] = random.pick(NUMBERS)
      break
    case 2:
      frame[slots.dtypes + random.below(ARRAYS)] = random.pick(CODES)
      break
    case 3:
      args[place] = array(random.pick(Object.keys(KINDS)), random.below(50))
      break
    case 4:
      frame[random.pick(SIZES)] = random.pick(NUMBERS)
      break
    case 5:
      // One array in two places, whole or in part.
      args[random.below(ARRAYS)] = isArray(args[place]) ? args[place].subarray(random.below(3)) : args[place]
      break
    case 6:
      args[ARRAYS] = random.pick([
        () => new Uint8Array(random.below(400)),
        () => new Uint8Array(binding.stateBytes('float32')).fill(random.below(256)),
        () => state(random.pick(['float32', 'float64'])).subarray(1),
        () => state(random.pick(['float32', 'float64'])),
        random.pick(JUNK),
      ])()
      break
    case 7:
      frame[slots.params + random.below(4)] = random.pick(NUMBERS)
      break
  }
}

let worked = 0
let refused = 0

function refuse(error) {
  check(error instanceof Error, `threw ${String(error)}`)
  check(error.code === 'ERR_BINDING', `threw ${error.code}: ${error.stack}`)
  refused++
}

function attempt(call) {
  try {
    const result = call()
    worked++
    return result
  } catch (error) {
    refuse(error)
    return undefined
  }
}

async function compute() {
  const args = likely()
  for (let i = random.below(4); i > 0; i--) bend(args)
  const extra = random.below(20) === 0 ? args.slice(0, random.below(ARRAYS + 1)) : args
  switch (random.below(4)) {
    case 0:
    case 1:
      attempt(() => binding.run(...extra))
      break
    case 2: {
      const pending = attempt(() =>
        binding.runAsync(
          ...extra,
          random.pick([undefined, undefined, new Int32Array(1), random.pick(JUNK)()]),
        ),
      )
      if (pending !== undefined) await pending.catch(refuse)
      break
    }
    case 3: {
      const bound = attempt(() => binding.bind(...extra.slice(0, ARRAYS)))
      for (let i = 0; i < 2; i++) {
        frame[slots.bound] = random.below(4) === 0 ? random.pick(NUMBERS) : (bound?.number ?? i)
        attempt(() => binding.runBound(...random.pick([[], [random.pick(JUNK)()]])))
      }
      break
    }
  }
  checkGuards()
}

const anyState = () =>
  random.pick([
    () => state('float32'),
    () => state('float64'),
    () => new Uint8Array(random.below(400)),
    random.pick(JUNK),
  ])()

function dirty(bytes) {
  if (bytes instanceof Uint8Array)
    for (let i = random.below(4); i > 0 && bytes.length > 0; i--)
      bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

const anyName = () =>
  random.pick([() => 'float32', () => 'float64', () => 'float16', () => '', random.pick(JUNK)])()

function others() {
  attempt(
    random.pick([
      () => binding.mergeState(dirty(anyState()), dirty(anyState())),
      () => binding.valueState(dirty(anyState()), random.pick(NUMBERS), random.pick(NUMBERS)),
      () => binding.valueState(dirty(anyState()), random.pick([1, 2]), Number.NaN),
      () => binding.countState(dirty(anyState())),
      () => binding.checkState(dirty(anyState())),
      () => binding.initState(anyState(), anyName()),
      () => binding.stateBytes(anyName()),
      () => binding.setThreads(random.pick([random.pick(NUMBERS), random.pick(JUNK)()])),
      () => binding.setIsa(anyName()),
      () => binding.info(random.pick(JUNK)()),
      () => binding.mergeState(),
      () => binding.valueState(),
      () => binding.checkState(),
      () => binding.run(),
      () => binding.bind(),
    ]),
  )
  binding.setThreads(3)
}

for (let round = 0; round < Number(roundsText); round++) {
  try {
    await compute()
    others()
  } catch (error) {
    throw new Error(`seed ${seed}, round ${round}: ${error.message}`, { cause: error })
  }
}
check(
  worked > refused / 20 && refused > worked / 20,
  `${worked} calls worked and ${refused} were refused: too one-sided`,
)
