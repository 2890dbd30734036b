import { binding } from '../backend/binding.ts'
import { LosskitDeviceError, LosskitDeviceMemoryError } from '../errors.ts'

/** What has become of a device that computes nothing any more. */
export interface DeviceLoss {
  /** The number of the error in the CUDA runtime, its name, and what it means. */
  readonly code: number
  readonly name: string
  readonly message: string
}

const OUT_OF_MEMORY = 2
/** From here on codes of the addon are those of cuBLAS. */
const CUBLAS_CODES = 1_000_000

/** Whether a device still works, and what its failures are to callers of losskit. */
export class Health {
  readonly device: number
  /** Resolves when the device is lost to this process. */
  readonly lost: Promise<DeviceLoss>
  readonly #tell: (loss: DeviceLoss) => void

  constructor(device: number) {
    this.device = device
    let tell: (loss: DeviceLoss) => void = () => {}
    this.lost = new Promise(resolve => {
      tell = resolve
    })
    this.#tell = tell
  }

  /** Calls the addon, whose failures become errors of losskit. */
  attempt<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      const { cuda, message, requested } = error as { cuda?: number; message: string; requested: number }
      throw cuda === undefined ? error : this.#failure(cuda, message, requested)
    }
  }

  /** Throws what a promise of the addon was settled with, where that is a failure. */
  require(code: number, doing: string): void {
    if (code !== 0) throw this.#failure(code, `${doing} failed`, 0)
  }

  #failure(code: number, message: string, requested: number): LosskitDeviceError {
    const { cuda } = binding
    const ofCublas = code >= CUBLAS_CODES
    const number = ofCublas ? code - CUBLAS_CODES : code
    const told = `CUDA device ${this.device}: ${message}: ${cuda.nameOf(code)} (${number}), ${cuda.textOf(code)}.`
    if (ofCublas) return new LosskitDeviceError('ERR_DEVICE', told)
    if (code === OUT_OF_MEMORY) return this.#outOfMemory(code, told, requested)
    const lost = cuda.lost(this.device)
    if (lost === 0) return new LosskitDeviceError('ERR_DEVICE', told, code)
    this.#tell({ code: lost, name: cuda.nameOf(lost), message: cuda.textOf(lost) })
    return new LosskitDeviceError(
      'ERR_DEVICE_LOST',
      `${told} The device is lost to this process: what lies on it is gone, and only another process can use it again.`,
      code,
    )
  }

  #outOfMemory(code: number, told: string, requested: number): LosskitDeviceMemoryError {
    let [free, total] = [Number.NaN, Number.NaN]
    try {
      ;[free, total] = binding.cuda.memory(this.device)
    } catch {
      // It cannot tell how much there is either.
    }
    const needs = `${requested} bytes were asked for, ${free} of ${total} are free.`
    const advice = 'Dispose of tensors that are done with, or work in smaller batches.'
    return new LosskitDeviceMemoryError(`${told} ${needs} ${advice}`, code, requested, free, total)
  }
}

/** What is told of what was disposed of. */
export function disposed(what: string): LosskitDeviceError {
  return new LosskitDeviceError('ERR_DISPOSED', `${what} was disposed of and cannot be used any more.`)
}
