import { chosenBackend, refuseCuda } from '../backend/choose.ts'
import type { Configuration } from '../configuration.ts'
import type { Definition } from '../definition.ts'
import { LosskitBackendError, LosskitOptionError } from '../errors.ts'
import type { Device } from './device.ts'
import type { DeviceStream } from './stream.ts'
import { type DeviceTensor, haveBeenMade, isDeviceTensor } from './tensor.ts'

/** Where a call is computed that is not computed here. */
export interface Place {
  readonly device: Device
  readonly stream: DeviceStream
}

/** The tensors of a call, but for those that it fills. */
type Given = Pick<Configuration, 'weight' | 'extra' | 'upstream'>

/** Where the tensors of a call lie, which is where it is computed: on a device, or undefined for here. */
export function placeOf(
  loss: Definition,
  configuration: Configuration,
  given: readonly unknown[],
): Place | undefined {
  const backend = chosenBackend(loss.name, configuration.backend)
  const on = firstOnDevice(loss, configuration, given)
  if (on === undefined) {
    if (backend === 'cuda') refuseCuda(loss.name, configuration.backend, loss.inputs[0] as string)
    refuseDeviceOptions(loss, configuration)
    return undefined
  }
  const { tensor, name } = on
  if (backend === 'cpu') {
    const who = configuration.backend === undefined ? 'LOSSKIT_BACKEND' : 'backend'
    throw new LosskitBackendError(
      `${loss.name}: ${who} is 'cpu', but ${name} ${lies(tensor)}. Give \`await ${name}.read()\`, or leave ${who} out.`,
    )
  }
  for (const [other, value] of tensorsOf(loss, configuration, given)) requireSame(loss.name, on, other, value)
  const { device } = tensor
  const { stream } = configuration
  return {
    device,
    stream: stream === undefined ? device.defaultStream : device.requireStream(loss.name, stream),
  }
}

function refuseDeviceOptions({ name, deviceScalars }: Definition, { stream, numbers }: Configuration): void {
  let given = stream === undefined ? undefined : 'stream'
  for (const { name, slot, domain } of deviceScalars) {
    if (numbers[slot] !== domain.fallback) given ??= name
  }
  if (given === undefined) return
  throw new LosskitOptionError(`${name}: ${given} is for device tensors. Leave it out.`)
}

/** Refuses device tensors where a result is needed at once. `instead` says what to call. */
export function refuseDevice(
  loss: Definition,
  form: string,
  instead: string,
  values: Given,
  given: readonly unknown[],
): void {
  const on = firstOnDevice(loss, values, given)
  if (on === undefined) return
  throw new LosskitBackendError(
    `${loss.name}: ${form} is done when it returns, but ${on.name} ${lies(on.tensor)}, which computes later. Call ${instead}, or give ` +
      `\`await ${on.name}.read()\`.`,
  )
}

/** That tensors lie in one place: on one device, if any of them lies on one. */
export function requireTogether(who: string, tensors: readonly (readonly [name: string, value: unknown])[]) {
  for (const [name, tensor] of tensors) {
    if (!isDeviceTensor(tensor)) continue
    for (const [other, value] of tensors) requireSame(who, { name, tensor }, other, value)
    return
  }
}

/** That an output lies where the call is computed. */
export function requireHere(loss: Definition, name: string, value: unknown): void {
  if (!isDeviceTensor(value)) return
  throw new LosskitBackendError(
    `${loss.name}: ${name} ${lies(value)}, ${loss.inputs[0]} in the memory of the host. Give an array, or upload the inputs.`,
  )
}

interface OnDevice {
  readonly name: string
  readonly tensor: DeviceTensor
}

/** Calls without device tensors pass here too, and are to make nothing on their way. */
function firstOnDevice(
  loss: Definition,
  { weight, extra, upstream }: Given,
  given: readonly unknown[],
): OnDevice | undefined {
  if (!haveBeenMade) return undefined
  const { inputs } = loss
  for (let i = 0; i < inputs.length; i++) {
    const tensor = given[i]
    if (isDeviceTensor(tensor)) return { name: inputs[i] as string, tensor }
  }
  if (isDeviceTensor(weight)) return { name: 'weight', tensor: weight }
  if (isDeviceTensor(extra)) return { name: loss.extra?.name as string, tensor: extra }
  if (isDeviceTensor(upstream)) return { name: 'upstream', tensor: upstream }
  return undefined
}

function tensorsOf(
  { inputs, extra }: Definition,
  values: Given,
  given: readonly unknown[],
): (readonly [name: string, value: unknown])[] {
  const options = [
    ['weight', values.weight],
    [extra?.name ?? '', values.extra],
    ['upstream', values.upstream],
  ] as const
  return [
    ...inputs.map((name, i) => [name, given[i]] as const),
    ...options.filter(([, value]) => value !== undefined),
  ]
}

function requireSame(who: string, { name, tensor }: OnDevice, other: string, value: unknown): void {
  if (isDeviceTensor(value) && value.device === tensor.device) return
  if (isDeviceTensor(value)) {
    throw new LosskitBackendError(
      `${who}: ${name} ${lies(tensor)}, ${other} on CUDA device ${value.device.index}. All must lie on one device: ` +
        `\`device.upload(await ${other}.read())\` copies one to another.`,
    )
  }
  const found = typeof value === 'number' ? `is the number ${value}` : 'lies in the memory of the host'
  const what = typeof value === 'number' ? `[${value}]` : other
  throw new LosskitBackendError(
    `${who}: ${name} ${lies(tensor)}, but ${other} ${found}. Nothing is uploaded without being asked for: give ` +
      `\`device.upload(${what})\`.`,
  )
}

export function lies({ device }: DeviceTensor): string {
  return `lies on CUDA device ${device.index}`
}
