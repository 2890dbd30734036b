import type { DeviceMemories, DeviceMemory, StreamHandle } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import { assemble, type Call } from '../call.ts'
import type { Configuration } from '../configuration.ts'
import { type Definition, matmulOf, OUTERS } from '../definition.ts'
import { LosskitBackendError, LosskitBufferError } from '../errors.ts'
import { faultInFrame } from '../fault.ts'
import type { Outputs, Wanted } from '../outputs.ts'
import { post } from '../run.ts'
import { show, showShape } from '../show.ts'
import { kindOf } from '../tensor/dtype.ts'
import type { Data } from '../tensor/read.ts'
import { requireCublas } from './cublas.ts'
import { disposed } from './health.ts'
import { DeviceOutcome, type DeviceResult } from './outcome.ts'
import { lies, type Place } from './place.ts'
import { type DeviceTensor, isDeviceTensor, memoryOf, noteFilled } from './tensor.ts'
import { DeviceValue } from './value.ts'

/** What a loss of device tensors gives: promises of numbers, and tensors that will be filled. */
export interface OnDevice {
  readonly value: DeviceValue | DeviceTensor
  readonly grad: Gradients
}

type Gradients = Readonly<Record<string, unknown>> | undefined

/** Puts a call into a stream, and returns at once. What is wrong with its data is told to who reads what it gave. */
export function runOnDevice(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
  place: Place,
): OnDevice {
  const { call, outcome } = startOnDevice(loss, configuration, wanted, given, place)
  return { value: resultOf(loss, configuration, call, outcome), grad: call.gradients }
}

/** What it gives once the device is done: a number in place of the promise of one. */
export interface Awaited {
  readonly value: number | DeviceTensor
  readonly grad: Gradients
}

/** The same, to be waited for. If it is rejected, no tensor is left that it has made. */
export async function awaitOnDevice(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
  place: Place,
): Promise<Awaited> {
  const { signal } = configuration
  if (signal?.aborted) throw signal.reason
  const { call, outcome, made } = startOnDevice(loss, configuration, wanted, given, place)
  try {
    const { values, gradients } = call
    const result = await outcome.read()
    if (signal?.aborted) throw signal.reason
    return { value: isDeviceTensor(values) ? values : toNumber(loss, configuration, result), grad: gradients }
  } catch (error) {
    disposeOf(made)
    throw error
  }
}

/** A prepared call, which puts itself into its stream each time. */
export interface BoundOnDevice {
  (): DeviceValue | DeviceTensor
  readonly grad: Gradients
  readonly values: DeviceTensor | undefined
}

/** Checks everything once: a run looks only whether the tensors are still there. All runs give their result in one place. */
export function bindOnDevice(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
  place: Place,
): BoundOnDevice {
  const { device, stream } = place
  const { health } = device
  const { bind, runBound } = binding.cuda
  const made: DeviceTensor[] = []
  try {
    const call = assembleOnDevice(loss, configuration, wanted, given, place, made)
    const bound = submit(loss, call, place, bind)
    const tensors = call.arrays.filter(isDeviceTensor)
    const filled = filledBy(call)
    const what = `${loss.name}: a tensor of this bound call`
    let runs = 0
    const run = () => {
      for (const tensor of tensors) memoryOf(tensor, what)
      if (stream.isDisposed) throw disposed('This stream')
      health.attempt(() => runBound(bound.call))
      const mine = ++runs
      const outcome = new DeviceOutcome(health, bound.outcome, loss, call, () => runs === mine)
      for (const tensor of filled) noteFilled(tensor, outcome)
      return resultOf(loss, configuration, call, outcome)
    }
    return Object.assign(run, {
      grad: call.gradients,
      values: isDeviceTensor(call.values) ? call.values : undefined,
    })
  } catch (error) {
    disposeOf(made)
    throw error
  }
}

/** A call whose tensors lie on a device, as are the new ones that it fills, which are added to `made`. */
export function assembleOnDevice(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
  place: Place,
  made: DeviceTensor[],
): Call<Data> {
  return assemble(loss, configuration, wanted, given, outputsOn(place, made))
}

/** Puts it into the stream. */
export function enqueue(loss: Definition, call: Call<Data>, place: Place): DeviceOutcome {
  const outcome = submit(loss, call, place, binding.cuda.run)
  return new DeviceOutcome(place.device.health, outcome, loss, call)
}

interface Started {
  readonly call: Call<Data>
  readonly outcome: DeviceOutcome
  readonly made: readonly DeviceTensor[]
}

function startOnDevice(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
  place: Place,
): Started {
  const made: DeviceTensor[] = []
  try {
    const call = assembleOnDevice(loss, configuration, wanted, given, place, made)
    const outcome = enqueue(loss, call, place)
    for (const tensor of filledBy(call)) noteFilled(tensor, outcome)
    return { call, outcome, made }
  } catch (error) {
    disposeOf(made)
    throw error
  }
}

/** Gives a call to a function of the addon that takes one. */
function submit<Handle>(
  loss: Definition,
  call: Call<Data>,
  { device, stream }: Place,
  take: (stream: StreamHandle, outer: number, ...memories: DeviceMemories) => Handle | undefined,
): Handle {
  const memories = call.arrays.map(memoryOfArgument) as DeviceMemories
  const { handle } = stream
  const outer = OUTERS[loss.outer?.name ?? 'none']
  if (matmulOf(call.numbers) === 'cublas') requireCublas(loss.name)
  post(call.numbers)
  const taken = device.health.attempt(() => take(handle, outer, ...memories))
  if (taken === undefined) throw faultInFrame(loss, call)
  return taken
}

function disposeOf(tensors: readonly DeviceTensor[]): void {
  for (const tensor of tensors) tensor.dispose()
}

function filledBy({ values, gradients }: Call<Data>): DeviceTensor[] {
  return [values, ...Object.values(gradients ?? {})].filter(isDeviceTensor)
}

function memoryOfArgument(data: Data | undefined): DeviceMemory | undefined {
  return isDeviceTensor(data) ? memoryOf(data) : undefined
}

/** The tensor of all values, or the reduced value. */
function resultOf(
  loss: Definition,
  configuration: Configuration,
  { values }: Call<Data>,
  outcome: DeviceOutcome,
): DeviceValue | DeviceTensor {
  if (isDeviceTensor(values)) return values
  return new DeviceValue(async () => toNumber(loss, configuration, await outcome.read()))
}

function toNumber(
  { outer }: Definition,
  { zeroWhenEmpty }: Configuration,
  { value: inner, count }: DeviceResult,
): number {
  const value = outer === undefined ? inner : outer.of(inner)
  return zeroWhenEmpty && count === 0 && Number.isNaN(value) ? 0 : value
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
