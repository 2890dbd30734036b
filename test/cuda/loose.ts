/** The losses with their types forgotten, so that one loop can call all of them on a device and here. */

import type { Device, DeviceTensor, DeviceValue } from '../../lib/index.ts'
import type { Options } from '../support/losses.ts'

export type Numbers = Float32Array | Float64Array | Uint16Array

export interface HostForms {
  (...given: unknown[]): number
  grad(...given: unknown[]): Record<string, Numbers>
  valueAndGrad(...given: unknown[]): { value: number | Numbers; grad: Record<string, Numbers> }
}

export interface DeviceForms {
  (...given: unknown[]): unknown
  grad(...given: unknown[]): Record<string, DeviceTensor>
  valueAndGrad(...given: unknown[]): {
    value: unknown
    grad: Record<string, DeviceTensor>
  }
  async(...given: unknown[]): Promise<unknown>
  bind(...given: unknown[]): { (): unknown; readonly grad: Record<string, DeviceTensor> }
}

export interface DeviceAccumulator {
  updateAsync(...given: unknown[]): Promise<unknown>
}

/** A reduced value, or each value: whoever asks knows which. */
export const numberOf = (value: unknown) => (value as DeviceValue).read()
export const numbersOf = (values: unknown) => (values as DeviceTensor).read() as Promise<Numbers>

export const here = (loss: unknown) => loss as HostForms
export const there = (loss: unknown) => loss as DeviceForms

/** A tensor as losses take it here. */
export interface HostTensor {
  readonly data: Float32Array | Float64Array | Uint16Array | Int32Array
  readonly shape: readonly number[]
  readonly dtype?: 'float16' | 'bfloat16'
}

/** Uploads what is a tensor, and leaves the rest. Numbers that stand for tensors become tensors of one element. */
export function uploadOptions(gpu: Device, options: Options, factors: readonly string[]): Options {
  const entries = Object.entries(options).map(([name, value]) => {
    const isTensor = ArrayBuffer.isView(value) || (typeof value === 'object' && value !== null)
    if (isTensor) return [name, gpu.upload(value as HostTensor)]
    return [name, factors.includes(name) && typeof value === 'number' ? gpu.upload([value]) : value]
  })
  return Object.fromEntries(entries)
}
