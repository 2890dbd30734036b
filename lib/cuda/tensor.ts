/// <reference lib="esnext.disposable" preserve="true" />

import type { BindingArray, DeviceMemory, DtypeName } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import { LosskitBackendError, LosskitBufferError } from '../errors.ts'
import { show } from '../show.ts'
import { type AllocatedArrays, newArrayOf } from '../tensor/alloc.ts'
import { kindOf } from '../tensor/dtype.ts'
import type { Device } from './device.ts'
import { disposed } from './health.ts'
import type { DeviceOutcome } from './outcome.ts'
import type { DeviceStream } from './stream.ts'

/** Memory of a device that another process can open, as plain data: it may be sent as JSON. */
export interface DeviceIpcHandle {
  /** Of the device, as `nvidia-smi -L` writes it. */
  readonly uuid: string
  /** A cudaIpcMemHandle_t in base64, and where in that memory the tensor begins, in bytes. */
  readonly handle: string
  readonly offset: number
  readonly dtype: DtypeName
  readonly shape: readonly number[]
}

/** The memory of a tensor, which `what` calls in words where there is none any more. @internal */
export let memoryOf: (tensor: DeviceTensor, what?: string) => DeviceMemory

/** Whether there has been any: programs without a device are not to pay for those that have one. @internal */
export let haveBeenMade = false

/** Whether a value is one, without running any code of the value's own. @internal */
export let isDeviceTensor: (value: unknown) => value is DeviceTensor

/** The shape of a tensor, undefined where it was given none: as with flat arrays. @internal */
export let shapeOf: (tensor: DeviceTensor) => readonly number[] | undefined

/** Remembers which loss filled a tensor: what was wrong with its data is told to who reads the tensor. @internal */
export let noteFilled: (tensor: DeviceTensor, outcome: DeviceOutcome) => void

/** Whether two tensors, neither of which was disposed of, lie in memory that is partly the same. @internal */
export function shareMemory(a: DeviceTensor, b: DeviceTensor): boolean {
  return a.device === b.device && binding.cuda.overlap(memoryOf(a), memoryOf(b))
}

/** Numbers on a device, dense and row-major. */
export class DeviceTensor<D extends DtypeName = DtypeName> {
  readonly device: Device
  readonly dtype: D
  readonly shape: readonly number[]
  /** How many numbers. */
  readonly length: number
  readonly #stream: DeviceStream
  #memory: DeviceMemory | undefined
  /** What it depends on whose memory it is, if not its own. */
  readonly #owner: unknown
  #filledBy: DeviceOutcome | undefined

  readonly #isFlat: boolean

  /** Without a shape it is flat, and fits any shape of its length. @internal */
  constructor(
    device: Device,
    dtype: D,
    shape: readonly number[] | undefined,
    length: number,
    memory: DeviceMemory,
    stream: DeviceStream,
    owner?: unknown,
  ) {
    haveBeenMade = true
    this.device = device
    this.dtype = dtype
    this.shape = Object.freeze(shape?.slice() ?? [length])
    this.#isFlat = shape === undefined
    this.length = length
    this.#memory = memory
    this.#stream = stream
    this.#owner = owner
  }

  /**
   * Copies the numbers into a new array: a Float32Array for 'float32', a BigInt64Array for 'int64', and so on; half precision into
   * a Uint16Array. Rejects where they were computed of data that the loss refuses.
   */
  async read(): Promise<AllocatedArrays[D]> {
    const array = newArrayOf(this.dtype, this.length)
    await this.#fill(array)
    return array as AllocatedArrays[D]
  }

  /** The same into an array of yours: without a detour, and aside of the event loop, where it is one of `device.pinned`. */
  async readInto<Array extends AllocatedArrays[D] | BindingArray>(array: Array): Promise<Array> {
    const kind = newArrayOf(this.dtype, 0)[Symbol.toStringTag]
    if (kindOf(array) !== kind || array.length !== this.length) {
      const given =
        kindOf(array) === undefined ? show(array) : `a ${kindOf(array)} of ${array.length} elements`
      throw new LosskitBufferError(
        'ERR_OUT',
        `readInto: the array is ${given}. It must be a ${kind} of ${this.length} elements, as the tensor is ${this.dtype}.`,
      )
    }
    await this.#fill(array)
    return array
  }

  async #fill(array: BindingArray): Promise<void> {
    const { health } = this.device
    const memory = memoryOf(this)
    const stream = this.#stream.isDisposed ? this.device.defaultStream : this.#stream
    // Both are on their way before either is waited for.
    const copying = health.attempt(() => binding.cuda.download(stream.handle, memory, array))
    const [[code, whole]] = await Promise.all([copying, this.#filledBy?.read()])
    health.require(code, 'reading a tensor')
    if (whole === 0) {
      throw new LosskitBufferError(
        'ERR_DETACHED',
        'readInto: the memory of the array is gone: its buffer was transferred or resized while it was being filled.',
      )
    }
  }

  /**
   * What another process needs to open this memory with `device.openIpc`: it must have been made with `shared: true`, and must not
   * be disposed of before the other process is done with it.
   */
  ipcHandle(): DeviceIpcHandle {
    const memory = memoryOf(this)
    if (this.#owner !== SHARED) {
      throw new LosskitBackendError(
        'ipcHandle: this tensor lies in the pool of its device, which other processes cannot open. Make it with ' +
          'device.tensor(dtype, shape, { shared: true }).',
      )
    }
    const { handle, offset } = this.device.health.attempt(() => binding.cuda.exportMemory(memory))
    return {
      uuid: this.device.uuid,
      handle: Buffer.from(handle).toString('base64'),
      offset,
      dtype: this.dtype,
      shape: this.shape,
    }
  }

  /** Gives the memory back, when the work that uses it is done. Once more does nothing. */
  dispose(): void {
    if (this.#memory !== undefined) binding.cuda.release(this.#memory)
    this.#memory = undefined
    this.#filledBy = undefined
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  static {
    isDeviceTensor = (value): value is DeviceTensor =>
      typeof value === 'object' && value !== null && #memory in value
    memoryOf = (tensor, what = 'This tensor') => {
      if (tensor.#memory === undefined) throw disposed(what)
      return tensor.#memory
    }
    shapeOf = tensor => (tensor.#isFlat ? undefined : tensor.shape)
    noteFilled = (tensor, outcome) => {
      tensor.#filledBy = outcome
    }
  }
}

/** Stands for the owner of memory that can be opened by other processes. @internal */
export const SHARED = Symbol('shared')
