import type { BindingArray, DeviceInfo, DtypeName } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import { LosskitBackendError, LosskitDtypeError, LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { show, showShape } from '../show.ts'
import { bytesOf, requireDtype } from '../tensor/alloc.ts'
import { declaredDtype, float32, int32 } from '../tensor/dtype.ts'
import { wholeNumbers } from '../tensor/numbers.ts'
import { type Dense, hostData, readTensor } from '../tensor/read.ts'
import { readShape, sizeOf } from '../tensor/shape.ts'
import type { Tensor, UploadedDtype } from '../tensor/types.ts'
import { type DeviceLoss, Health } from './health.ts'
import { status } from './status.ts'
import { DeviceStream } from './stream.ts'
import { type DeviceIpcHandle, DeviceTensor, memoryOf, SHARED } from './tensor.ts'

/** In bytes. */
export interface DeviceMemoryReport {
  /** Of the device, for all processes. */
  readonly free: number
  readonly total: number
  /** Of the pool of losskit on it: in tensors, and taken from the device for them. */
  readonly used: number
  readonly reserved: number
  /** Tensors that nobody disposed of and the garbage collector found, since the process began, and what they held. */
  readonly leaked: number
  readonly leakedBytes: number
}

/** Options of what puts a tensor on a device. */
export interface PlaceOptions {
  /** The stream in whose order it is made; that of the device, which all threads share, if there is none. */
  readonly stream?: DeviceStream | undefined
  /** Whether other processes can open it: see `DeviceTensor.ipcHandle`. */
  readonly shared?: boolean | undefined
}

export interface UploadOptions<D extends DtypeName | undefined = DtypeName | undefined> extends PlaceOptions {
  /** That of the array if there is none: 'float16' and 'bfloat16' must be named. Plain numbers become float32 or int32. */
  readonly dtype?: D
  readonly shape?: readonly number[] | undefined
}

interface ArrayClass<Array> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, byteOffset: number, length: number): Array
}

/** A CUDA device. */
export class Device {
  readonly index: number
  readonly name: string
  /** As `nvidia-smi -L` writes it. */
  readonly uuid: string
  readonly computeCapability: string
  /** Its streaming multiprocessors. */
  readonly processors: number
  /** @internal */
  readonly health: Health
  /** @internal */
  readonly defaultStream: DeviceStream
  /** Those made here, for as long as someone has them. */
  #streams: WeakRef<DeviceStream>[] = []

  /** @internal */
  constructor(index: number, { name, uuid, computeCapability, processors }: DeviceInfo) {
    this.index = index
    this.name = name
    this.uuid = uuid
    this.computeCapability = computeCapability
    this.processors = processors
    this.health = new Health(index)
    this.defaultStream = new DeviceStream(
      this.health,
      this.health.attempt(() => binding.cuda.defaultStream(index)),
    )
  }

  /** Resolves, with the reason, when the device is lost to this process; from then on every call throws ERR_DEVICE_LOST. */
  get lost(): Promise<DeviceLoss> {
    return this.health.lost
  }

  memory(): DeviceMemoryReport {
    const numbers = this.health.attempt(() => binding.cuda.memory(this.index))
    const [free, total, used, reserved, leaked, leakedBytes] = numbers
    return { free, total, used, reserved, leaked, leakedBytes }
  }

  /** Gives the memory that no tensor uses back to the device, for other programs. */
  trim(): void {
    this.health.attempt(() => binding.cuda.trim(this.index))
  }

  /** A tensor of whatever numbers the memory held, for results. */
  tensor<D extends DtypeName>(
    dtype: D,
    shape: readonly number[],
    options: PlaceOptions = {},
  ): DeviceTensor<D> {
    requireDtype('device.tensor', dtype)
    const sizes = readShape('device.tensor', 'the tensor', shape)
    return this.allocate(dtype, sizes, sizeOf(sizes), options)
  }

  /**
   * A copy of an array on the device. The copy is put into a stream; the array may change at once, unless it is one of
   * `pinned`, which the device reads by itself until the stream has come so far.
   */
  upload<D extends DtypeName>(data: Tensor, options: UploadOptions & { readonly dtype: D }): DeviceTensor<D>
  upload<const Data extends Tensor>(
    data: Data,
    options?: UploadOptions<undefined>,
  ): DeviceTensor<UploadedDtype<Data>>
  upload(data: Tensor, options: UploadOptions = {}): DeviceTensor {
    const { data: array, dtype, shape } = this.#read(data, options)
    const tensor = this.allocate(dtype, shape, array.length, options)
    try {
      const { handle } = this.#streamOf(options)
      this.health.attempt(() => binding.cuda.upload(handle, memoryOf(tensor), array))
    } catch (error) {
      tensor.dispose()
      throw error
    }
    return tensor
  }

  /**
   * An array of zeroes that the device copies from and to by itself, which is faster and leaves the event loop alone. There is not
   * much memory that can be so: it is for buffers that are used again and again.
   */
  pinned<Array extends BindingArray>(Class: ArrayClass<Array>, length: number): Array {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new LosskitOptionError(
        `device.pinned: length is ${show(length)}. It must be a whole number from 0 on.`,
      )
    }
    const bytes = length * Class.BYTES_PER_ELEMENT
    return new Class(
      this.health.attempt(() => binding.cuda.allocatePinned(bytes)),
      0,
      length,
    )
  }

  /** Another queue of work. */
  stream(): DeviceStream {
    const made = new DeviceStream(
      this.health,
      this.health.attempt(() => binding.cuda.createStream(this.index)),
    )
    this.#streams = [...this.#liveStreams(), made].map(stream => new WeakRef(stream))
    return made
  }

  /** Resolves when all work that this thread has put into its streams of the device is done. */
  async synchronize(): Promise<void> {
    const streams = [this.defaultStream, ...this.#liveStreams()]
    await Promise.all(streams.map(stream => stream.synchronize()))
  }

  #liveStreams(): DeviceStream[] {
    const streams = this.#streams.map(reference => reference.deref())
    return streams.filter((stream): stream is DeviceStream => stream !== undefined && !stream.isDisposed)
  }

  /**
   * Memory of another library in this process as a tensor, for as long as that library keeps it; `keepAlive` is kept as long as the
   * tensor. Work on it must have been done before, or be waited for.
   */
  fromPointer<D extends DtypeName>({
    ptr,
    dtype,
    shape,
    keepAlive,
  }: {
    readonly ptr: bigint
    readonly dtype: D
    readonly shape: readonly number[]
    readonly keepAlive?: unknown
  }): DeviceTensor<D> {
    requireDtype('device.fromPointer', dtype)
    const sizes = readShape('device.fromPointer', 'the tensor', shape)
    const size = bytesOf(dtype, 1)
    const isAligned = typeof ptr === 'bigint' && ptr > 0n && ptr % BigInt(size) === 0n
    if (!isAligned) {
      throw new LosskitOptionError(
        `device.fromPointer: ptr is ${show(ptr)}. It must be a bigint above 0 that is a multiple of ${size}, the size of ${dtype}.`,
      )
    }
    const device = binding.cuda.deviceOf(ptr)
    if (device !== this.index) {
      const found = device < 0 ? 'no memory that CUDA knows' : `memory of CUDA device ${device}`
      throw new LosskitBackendError(
        `device.fromPointer: ptr points to ${found}, and this is CUDA device ${this.index}.`,
      )
    }
    const { handle } = this.defaultStream
    const bytes = bytesOf(dtype, sizeOf(sizes))
    const memory = this.health.attempt(() => binding.cuda.adopt(handle, ptr, bytes))
    return new DeviceTensor(this, dtype, sizes, sizeOf(sizes), memory, this.defaultStream, keepAlive)
  }

  /** Memory of another process, by what its `ipcHandle` said. Dispose of it before the other process lets it go. */
  openIpc(handle: DeviceIpcHandle): DeviceTensor {
    const { uuid, handle: text, offset, dtype, shape } = handle
    requireDtype('device.openIpc', dtype)
    const sizes = readShape('device.openIpc', 'the tensor', shape)
    const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined
    if (bytes?.length !== 64 || !Number.isSafeInteger(offset) || offset < 0) {
      throw new LosskitOptionError(
        `device.openIpc: ${show(handle)} is no handle. It must be what ipcHandle() gave.`,
      )
    }
    if (uuid !== this.uuid) {
      throw new LosskitBackendError(
        `device.openIpc: the memory lies on ${show(uuid)}, and this is ${this.uuid}. Open it on that device.`,
      )
    }
    const stream = this.defaultStream
    const memory = this.health.attempt(() =>
      binding.cuda.importMemory(stream.handle, new Uint8Array(bytes), offset, bytesOf(dtype, sizeOf(sizes))),
    )
    return new DeviceTensor(this, dtype, sizes, sizeOf(sizes), memory, stream)
  }

  /** Without a shape it is flat. @internal */
  allocate<D extends DtypeName>(
    dtype: D,
    shape: readonly number[] | undefined,
    length: number,
    options: PlaceOptions,
  ): DeviceTensor<D> {
    const stream = this.#streamOf(options)
    const { handle } = stream
    const bytes = bytesOf(dtype, length)
    if (!Number.isSafeInteger(bytes)) {
      throw new LosskitShapeError(
        `device.tensor: ${length} elements of ${dtype} are more than any memory holds.`,
      )
    }
    const shared = options.shared === true
    const memory = this.health.attempt(() => binding.cuda.allocate(handle, bytes, shared))
    return new DeviceTensor(this, dtype, shape, length, memory, stream, shared ? SHARED : undefined)
  }

  #streamOf({ stream }: PlaceOptions): DeviceStream {
    return stream === undefined ? this.defaultStream : this.requireStream('device', stream)
  }

  /** @internal */
  requireStream(who: string, stream: unknown): DeviceStream {
    if (!(stream instanceof DeviceStream)) {
      throw new LosskitOptionError(`${who}: stream is ${show(stream)}. It must be what device.stream() gave.`)
    }
    if (stream.device !== this.index) {
      throw new LosskitBackendError(
        `${who}: stream is one of CUDA device ${stream.device}, and the tensors lie on CUDA device ${this.index}.`,
      )
    }
    return stream
  }

  #read(
    data: unknown,
    { dtype, shape }: UploadOptions,
  ): { data: BindingArray; dtype: DtypeName; shape: readonly number[] | undefined } {
    const dense = readTensor('device.upload', 'data', data)
    const read = dense.isPlain ? fromPlain(dense, dtype) : declared(dense, dtype)
    const { length } = read.data
    const sizes = shape === undefined ? dense.shape : readShape('device.upload', 'data', shape)
    if (sizes !== undefined && sizeOf(sizes) !== length) {
      throw new LosskitShapeError(
        `device.upload: shape is ${showShape(sizes)}, which is ${sizeOf(sizes)} elements, but data has ${length}.`,
      )
    }
    return { ...read, shape: sizes }
  }
}

/** Plain numbers as float32, or as int32 where that is asked for. */
function fromPlain(dense: Dense, dtype: DtypeName = 'float32'): { data: BindingArray; dtype: DtypeName } {
  const numbers = hostData('device.upload', 'data', dense) as Float64Array
  if (dtype === 'float64') return { data: numbers, dtype }
  if (dtype === float32.name) return { data: Float32Array.from(numbers), dtype }
  if (dtype === int32.name) return { data: wholeNumbers('device.upload', 'data', numbers), dtype }
  throw new LosskitDtypeError(
    `device.upload: data are plain numbers, which can be 'float32', 'float64' or 'int32', but dtype is ${show(dtype)}. Give a typed array.`,
  )
}

function declared(dense: Dense, dtype: DtypeName | undefined): { data: BindingArray; dtype: DtypeName } {
  const data = hostData('device.upload', 'data', dense)
  if (dtype === undefined || dtype === dense.dtype.name) return { data, dtype: dense.dtype.name }
  const kind = data[Symbol.toStringTag]
  const named = declaredDtype(dtype, kind)
  if (named !== undefined) return { data, dtype: named.name }
  throw new LosskitDtypeError(
    `device.upload: dtype is ${show(dtype)}, but data is a ${dense.kind}. Data are copied as they are: convert them before.`,
  )
}

const devices: (Device | undefined)[] = []

/**
 * A CUDA device, by its number. The first call opens CUDA, which may take some hundred milliseconds.
 *
 * @throws ERR_BACKEND where there is none, with the reason
 */
export function device(index = 0): Device {
  const found = devices[index]
  if (found !== undefined) return found
  const { state, devices: infos, message } = status()
  if (state !== 'available') throw new LosskitBackendError(`cuda.device: ${state}. ${message}`)
  const info = infos[index]
  if (info === undefined) {
    throw new LosskitBackendError(
      `cuda.device: there is no CUDA device ${show(index)}. There are ${infos.length}, numbered from 0.`,
    )
  }
  const made = new Device(index, info)
  devices[index] = made
  return made
}
