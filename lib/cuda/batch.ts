import type { Call } from '../call.ts'
import type { Configuration } from '../configuration.ts'
import type { Definition } from '../definition.ts'
import type { Wanted } from '../outputs.ts'
import { newSum, type Sum, type SumType } from '../sum.ts'
import type { Data, Dense } from '../tensor/read.ts'
import type { Tensor } from '../tensor/types.ts'
import type { Place } from './place.ts'
import { assembleOnDevice, enqueue } from './run.ts'
import type { DeviceTensor } from './tensor.ts'

const VALUE: Wanted = { value: true, grad: false, namesOut: true }

/** The sum of a batch, and the call that gave it. */
export interface Batch {
  readonly call: Call<Data>
  readonly sum: Sum
}

/**
 * Sums a batch of device tensors, for an accumulator. `options` are its own, whose tensors are arrays, as their fingerprints
 * belong to its bytes: they are lent to the device for the call. `check` may refuse the call before it is computed.
 */
export async function sumOnDevice(
  loss: Definition,
  configuration: Configuration,
  options: Pick<Configuration, 'weight' | 'extra'>,
  given: readonly unknown[],
  place: Place,
  check: (call: Call<Data>) => void,
): Promise<Batch> {
  const { signal } = configuration
  if (signal?.aborted) throw signal.reason
  const lent: DeviceTensor[] = []
  const lend = (option: unknown) => {
    if (option === undefined) return undefined
    const tensor = upload(option as number | Dense, given[0] as DeviceTensor, place)
    lent.push(tensor)
    return tensor
  }
  const start = () => {
    try {
      const extra = lend(options.extra)
      const weight = configuration.weight ?? lend(options.weight)
      const call = assembleOnDevice(loss, { ...configuration, weight, extra }, VALUE, given, place, [])
      check(call)
      return { call, outcome: enqueue(loss, call, place) }
    } finally {
      for (const tensor of lent) tensor.dispose()
    }
  }
  const { call, outcome } = start()
  const sum = newSum(call.compute.name as SumType)
  await outcome.addTo(sum.state)
  if (signal?.aborted) throw signal.reason
  return { call, sum }
}

/** Plain numbers take the type in which the batch is computed. */
function upload(option: number | Dense, { dtype }: DeviceTensor, { device, stream }: Place): DeviceTensor {
  const isPlain = typeof option === 'number' || option.isPlain
  const data = (typeof option === 'number' ? [option] : option) as Tensor
  if (!isPlain) return device.upload(data, { stream })
  return device.upload(data, { stream, dtype: dtype === 'float64' ? 'float64' : 'float32' })
}
