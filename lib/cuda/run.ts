import type { DeviceMemories, DeviceMemory } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import { assemble, type Call } from '../call.ts'
import type { Configuration } from '../configuration.ts'
import { type Definition, OUTERS } from '../definition.ts'
import { LosskitBackendError, LosskitBufferError } from '../errors.ts'
import { faultInFrame } from '../fault.ts'
import type { Outputs, Wanted } from '../outputs.ts'
import { post } from '../run.ts'
import { show, showShape } from '../show.ts'
import { kindOf } from '../tensor/dtype.ts'
import type { Data } from '../tensor/read.ts'
import { DeviceOutcome } from './outcome.ts'
import { lies, type Place } from './place.ts'
import { type DeviceTensor, isDeviceTensor, memoryOf, noteFilled } from './tensor.ts'
import { DeviceValue } from './value.ts'

/** What a loss of device tensors gives: promises of numbers, and tensors that will be filled. */
export interface OnDevice {
  readonly value: DeviceValue | DeviceTensor
  readonly grad: Readonly<Record<string, unknown>> | undefined
}

/** Puts a call into a stream, and returns at once. What is wrong with its data is told to who reads what it gave. */
export function runOnDevice(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
  place: Place,
): OnDevice {
  const made: DeviceTensor[] = []
  try {
    const call = assemble(loss, configuration, wanted, given, outputsOn(place, made))
    const outcome = enqueue(loss, call, place)
    const filled = [call.values, ...Object.values(call.gradients ?? {})]
    for (const tensor of filled) if (isDeviceTensor(tensor)) noteFilled(tensor, outcome)
    const { values, gradients } = call
    const value = isDeviceTensor(values) ? values : deviceValue(loss, configuration, outcome)
    return { value, grad: gradients }
  } catch (error) {
    for (const tensor of made) tensor.dispose()
    throw error
  }
}

function enqueue(loss: Definition, call: Call<Data>, { device, stream }: Place): DeviceOutcome {
  const memories = call.arrays.map(memoryOfArgument) as DeviceMemories
  const { handle } = stream
  const outer = OUTERS[loss.outer?.name ?? 'none']
  post(call.numbers)
  const outcome = device.health.attempt(() => binding.cuda.run(handle, outer, ...memories))
  if (outcome === undefined) throw faultInFrame(loss, call)
  if (outcome === null) {
    throw new LosskitBackendError(
      `${loss.name}: there is no CUDA kernel for this loss of such tensors yet. Read them and give arrays: the CPU computes it.`,
    )
  }
  return new DeviceOutcome(device.health, outcome, loss, call)
}

function memoryOfArgument(data: Data | undefined): DeviceMemory | undefined {
  return isDeviceTensor(data) ? memoryOf(data) : undefined
}

function deviceValue(
  { outer }: Definition,
  { zeroWhenEmpty }: Configuration,
  outcome: DeviceOutcome,
): DeviceValue {
  return new DeviceValue(async () => {
    const { value: inner, count } = await outcome.read()
    const value = outer === undefined ? inner : outer.of(inner)
    return zeroWhenEmpty && count === 0 && Number.isNaN(value) ? 0 : value
  })
}

/** The tensors that a call fills: new ones, which are added to `made`, or those of the caller. */
function outputsOn({ device, stream }: Place, made: DeviceTensor[]): Outputs<DeviceTensor> {
  return {
    create({ name }, _, length, shape) {
      const tensor = device.allocate(name, shape, length, { stream })
      made.push(tensor)
      return tensor
    },
    accept(loss, name, buffer, { name: dtype }, _, length) {
      if (isDeviceTensor(buffer) && buffer.device === device) {
        memoryOf(buffer, `${loss.name}: ${name}`)
        if (buffer.dtype === dtype && buffer.length === length) return buffer
        throw new LosskitBufferError(
          'ERR_OUT',
          `${loss.name}: ${name} is ${buffer.dtype} ${showShape(buffer.shape)}. It must be ${dtype} of ${length} elements.`,
        )
      }
      const isArray = kindOf(buffer) !== undefined
      const found = isDeviceTensor(buffer)
        ? lies(buffer)
        : isArray
          ? 'lies in the memory of the host'
          : `is ${show(buffer)}`
      throw new LosskitBackendError(
        `${loss.name}: ${name} ${found}, but the inputs lie on CUDA device ${device.index}. It must be a tensor of that device.`,
      )
    },
    carry: tensor => tensor,
  }
}
