/**
 * The raw addon: the one contract between `lib/` and `native/`.
 *
 * A call's numbers travel through `frame`, one shared Float64Array, and so does its result: a number through Node-API
 * costs several nanoseconds, one in a typed array none. Its slots are named by `slots`. Tensors are arguments.
 */

/** Storage types; a dtype's code in the frame is its index in `Binding.dtypes`. */
export type DtypeName =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'

export type BindingArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array

/** Things of a CUDA device, which only the addon can look into. */
export interface DeviceMemory {
  readonly '': 'device memory'
}
export interface StreamHandle {
  readonly '': 'stream'
}
export interface EventHandle {
  readonly '': 'event'
}
export interface OutcomeHandle {
  readonly '': 'outcome'
}
export interface BoundHandle {
  readonly '': 'bound call'
}

/** Absent arguments are `undefined`, and their dtype slot holds -1. */
export type Argument = BindingArray | undefined

/** How a batch is walked. */
export type Driver =
  | 'elements'
  | 'rows'
  | 'sequences'
  | 'masks'
  | 'multilabel'
  | 'boxes'
  | 'pairs'
  | 'allPairs'

export interface Kernel {
  /** Name of the loss, or `loss+extra` for a variant that reads one input more. */
  readonly name: string
  readonly driver: Driver
  readonly inputs: number
  /** Positions of the inputs that have a gradient, ascending. */
  readonly grads: readonly number[]
  /** Position of the input that holds class labels; -1 where none does. */
  readonly labels: number
  /** Names of the numbers that the loss reads from `slots.params`, in order. */
  readonly params: readonly string[]
}

/** Positions in `Binding.frame`. */
export interface Slots {
  /** Index into `Binding.kernels`. */
  readonly kernel: number
  /** 0 none, 1 sum, 2 mean. */
  readonly reduction: number
  /** The incoming gradient. */
  readonly upstream: number
  /** Replaces the mean's own divisor; NaN for none. */
  readonly divisor: number
  /** How many values there are: elements, or rows. */
  readonly rows: number
  /** Numbers in a row: classes, dimensions, pixels; 0 for losses over elements. */
  readonly columns: number
  /** Positions that lie between two numbers of a row: 1 where rows are dense; 0 for drivers without it. */
  readonly inner: number
  /** Another count, where the driver has one: the rows of a second matrix, steps. */
  readonly others: number
  /** A label that is skipped; NaN for none. */
  readonly ignoreIndex: number
  readonly labelSmoothing: number
  /** On a device: 1 where cuBLAS multiplies matrices, else 0; and how many bytes its results may take there. */
  readonly matmul: number
  readonly workspace: number
  /** First of four numbers of the loss's own. */
  readonly params: number
  /** First of ten dtype codes, in the order of the arguments: four inputs, weight, upstream, values, three gradients. */
  readonly dtypes: number
  /** 0 where the reduced value is not wanted, though there is one. */
  readonly wantsValue: number
  /** 1 where a gradient may lie exactly over its own input. */
  readonly inPlace: number
  /** Which bound call `runBound` runs. */
  readonly bound: number
  /** Not read by the addon: how often the numbers before the status were written, by whatever copy of `lib/`. */
  readonly posts: number
  /** Written by the addon: an index into `Binding.statuses`. */
  readonly status: number
  /** Written by the addon: the reduced value, NaN where there is none or it was not wanted; and how many values count. */
  readonly value: number
  readonly count: number
  /**
   * Written by the addon where the status is not 'ok': where the fault is (which input, which of its elements) and what stood
   * there. For 'overlap' the first two are the positions of two arrays among the arguments.
   */
  readonly faultInput: number
  readonly faultIndex: number
  readonly faultValue: number
}

/**
 * 'ok', or why the inputs were refused. 'label': a label that names no class; 'domain': a value for which the loss is not
 * defined; 'aborted': the cancel flag was raised, or there was no memory; 'overlap': an array that is written shares memory
 * with another one, and nothing was computed.
 */
export type StatusName = 'ok' | 'label' | 'domain' | 'aborted' | 'overlap'

export interface Info {
  readonly isa: string
  readonly isas: readonly string[]
  readonly threads: number
  readonly cpus: number
}

/** What `runAsync` resolves to. */
export type AsyncResult = readonly [
  status: number,
  value: number,
  faultInput: number,
  faultIndex: number,
  faultValue: number,
  count: number,
]

/** What stands for a prepared call. */
export interface Bound {
  /** Its name in the frame. */
  readonly number: number
}

/** The arrays of a call, each in its place; undefined where there is none. */
export type Arrays = [
  input0: BindingArray,
  input1?: Argument,
  input2?: Argument,
  input3?: Argument,
  weight?: Argument,
  upstream?: Argument,
  values?: Argument,
  grad0?: Argument,
  grad1?: Argument,
  grad2?: Argument,
]

export interface DeviceInfo {
  readonly name: string
  readonly uuid: string
  readonly bytes: number
  readonly computeCapability: string
  readonly processors: number
}

/** What `CudaBinding.readOutcome` resolves to; after a code that is not 0 the rest says nothing. */
export type DeviceResult = readonly [
  code: number,
  status: number,
  value: number,
  count: number,
  faultInput: number,
  faultIndex: number,
  faultValue: number,
]

/** The tensors of a call, in the order of `Arrays`. */
export type DeviceMemories = [input0: DeviceMemory, ...others: (DeviceMemory | undefined)[]]

/**
 * CUDA devices, through a library of its own. All functions but `open` need it open. A call of it that fails throws an error of
 * code `ERR_CUDA` with the number of the CUDA runtime in `cuda`, or 1000000 + that of cuBLAS, and the bytes of memory that it was
 * about in `requested`; promises resolve to such a number, 0 for success. Devices are numbers from 0 on. Uses of memory in several
 * streams wait for each other as they must.
 */
export interface CudaBinding {
  /** Opens the library, once for the process. Returns why it could not. */
  open(path: string): string | undefined
  /** Opens cuBLASLt, which calls with `matmul` need; the same. */
  openCublas(path: string): string | undefined
  status(): [code: number, driver: number, runtime: number, devices: number]
  nameOf(code: number): string
  textOf(code: number): string
  describe(device: number): DeviceInfo
  memory(
    device: number,
  ): [free: number, total: number, used: number, reserved: number, leaked: number, leakedBytes: number]
  /** Gives what the pool does not use back to the device. */
  trim(device: number): void
  /** The code after which the device computes nothing any more; 0 while it does. */
  lost(device: number): number

  /** The stream that all threads of the process share. */
  defaultStream(device: number): StreamHandle
  createStream(device: number): StreamHandle
  /** It ends when the work in it is done. */
  destroyStream(stream: StreamHandle): void
  /** Happens when all that is in the stream now is done. */
  record(stream: StreamHandle): EventHandle
  wait(stream: StreamHandle, event: EventHandle): void
  isDone(event: EventHandle): boolean
  /** For when all that is in the stream now is done. */
  reached(stream: StreamHandle): Promise<[code: number]>

  /** From the pool of the device, or such that other processes can map it. Lost handles give it back. */
  allocate(stream: StreamHandle, bytes: number, shared: boolean): DeviceMemory
  /** Memory of someone else, who keeps it as long as the handle lasts. */
  adopt(stream: StreamHandle, pointer: bigint, bytes: number): DeviceMemory
  /** The device that a pointer belongs to, -1 for none. */
  deviceOf(pointer: bigint): number
  /** When all who use it are done; once more does nothing. */
  release(memory: DeviceMemory): void
  /** Whether the two share bytes. */
  overlap(a: DeviceMemory, b: DeviceMemory): boolean
  /** Copies all of an array; it may change afterwards, unless it is pinned. */
  upload(stream: StreamHandle, memory: DeviceMemory, array: BindingArray): void
  /** Fills an array; `whole` is 0 where it has lost its memory on the way. */
  download(
    stream: StreamHandle,
    memory: DeviceMemory,
    array: BindingArray,
  ): Promise<[code: number, whole: number]>
  /** Memory of the host that devices copy from and to by themselves. */
  allocatePinned(bytes: number): ArrayBuffer
  /** `memory` must have been allocated as shared. */
  exportMemory(memory: DeviceMemory): { handle: Uint8Array; offset: number }
  importMemory(stream: StreamHandle, handle: Uint8Array, offset: number, bytes: number): DeviceMemory

  /**
   * Puts what the frame describes into the stream, and returns at once. undefined where the status in the frame is 'overlap'. Data
   * are looked at on the device only: what is wrong with them is in the result.
   * `outer` is 1 where the loss is the root of the mean: the gradients are those of the root, the value is that of the mean.
   */
  run(stream: StreamHandle, outer: number, ...memories: DeviceMemories): OutcomeHandle | undefined
  /** The same to be run any number of times, each time into the same outcome. The memory is kept. */
  bind(
    stream: StreamHandle,
    outer: number,
    ...memories: DeviceMemories
  ): { readonly call: BoundHandle; readonly outcome: OutcomeHandle } | undefined
  runBound(call: BoundHandle): void
  /** What the outcome holds now, or will when the stream has come so far. With `state`, adds the partial result to it then. */
  readOutcome(outcome: OutcomeHandle, state?: Uint8Array | undefined): Promise<DeviceResult>
}

export interface Binding {
  readonly kernels: readonly Kernel[]
  readonly dtypes: readonly DtypeName[]
  readonly statuses: readonly StatusName[]
  readonly slots: Slots
  readonly frame: Float64Array

  /**
   * Computes what the frame describes. Writes `values` (per element or row) and the gradients, all of them or none, where
   * given. With `state`, adds the partial result to it. A broken contract (lengths or types that do not fit the frame) throws
   * `ERR_BINDING`.
   */
  run(...given: [...arrays: Arrays, state?: Uint8Array | undefined]): void

  /**
   * The same on another thread. The arrays are kept alive. `cancel[0] = 1` stops it at the next block. What would take less
   * time than handing it over is done at once: then there is no promise, and the result is in the frame; so is 'overlap'.
   */
  runAsync(
    ...given: [...arrays: Arrays, state?: Uint8Array | undefined, cancel?: Int32Array | undefined]
  ): Promise<AsyncResult> | undefined

  /** A prepared call, which lasts as long as this object; undefined where the status in the frame is 'overlap'. */
  bind(...arrays: Arrays): Bound | undefined

  /**
   * Computes the bound call whose number stands in the frame. The caller checks before each run that no array has changed
   * its length (detached or resized).
   */
  runBound(): void

  /** Size in bytes of the state of an accumulator over float32 or float64 terms. A zero-filled header is not a state: see `initState`. */
  stateBytes(dtype: 'float32' | 'float64'): number
  initState(state: Uint8Array, dtype: 'float32' | 'float64'): void
  /** Whether the bytes are a state: length, header, flags and number format are all checked. */
  checkState(state: Uint8Array): 'float32' | 'float64' | undefined
  /** Adds `from` to `into`; both of one dtype. */
  mergeState(into: Uint8Array, from: Uint8Array): void
  /** Elements or rows counted, without the ignored ones. */
  countState(state: Uint8Array): number
  /** Reduction as in the frame: 1 sum, 2 mean; divisor NaN for the mean's own. */
  valueState(state: Uint8Array, reduction: number, divisor: number): number

  readonly cuda: CudaBinding

  /** How many bytes after its beginning an array meets a multiple of 64. */
  bytesToLine(array: ArrayBufferView): number
  /** Asks for huge pages, where the system has some, for memory that has not been touched yet. */
  useHugePages(array: ArrayBufferView): void

  info(): Info
  /** Clamped to 1..256; returns what is set. */
  setThreads(threads: number): number
  /** Chooses among `info().isas`; throws for another. For tests and measurements. */
  setIsa(isa: string): void
}
