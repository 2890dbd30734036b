import { accumulatorOf } from './accumulator.ts'
import { runAside } from './aside.ts'
import { type Call, prepare } from './call.ts'
import { type Configuration, configure } from './configuration.ts'
import { placeOf } from './cuda/place.ts'
import { type Awaited, awaitOnDevice, bindOnDevice, type OnDevice, runOnDevice } from './cuda/run.ts'
import type { Definition } from './definition.ts'
import { describe, descriptionOfDefinition } from './description.ts'
import { prepareRunThrough, runThrough, runThroughAside } from './outer.ts'
import type { Wanted } from './outputs.ts'
import { type Form, plainGradient, plainValue } from './plain-calls.ts'
import { countOfLast, prepareRun, runNow } from './run.ts'

const VALUE: Wanted = { value: true, grad: false, namesOut: false }
const GRAD: Wanted = { value: false, grad: true, namesOut: true }
const VALUE_AND_GRAD: Wanted = { value: true, grad: true, namesOut: true }
const BOUND_VALUE: Wanted = { value: true, grad: false, namesOut: true }

/** What every loss can do. `L` is the loss as its callers see it, with the types of its inputs and options. */
export function createLoss<L>(loss: Definition): L {
  const inputs = loss.inputs.length
  const { outer } = loss

  const now =
    (wanted: Wanted, result: Result, onDevice: OfDevice): Form<unknown> =>
    (...given) => {
      const configuration = configure(loss, 'call', given[inputs])
      const place = placeOf(loss, configuration, given)
      if (place !== undefined) return onDevice(runOnDevice(loss, configuration, wanted, given, place))
      const call = prepare(loss, configuration, wanted, given)
      const value = outer === undefined ? runNow(loss, call) : runThrough(loss, outer, call)
      return result(configuration, call, value, countOfLast())
    }

  const aside =
    (wanted: Wanted, result: Result, onDevice: OfDevice): Form<Promise<unknown>> =>
    async (...given) => {
      const configuration = configure(loss, 'async', given[inputs])
      const place = placeOf(loss, configuration, given)
      if (place !== undefined) return onDevice(await awaitOnDevice(loss, configuration, wanted, given, place))
      const call = prepare(loss, configuration, wanted, given)
      const { signal } = configuration
      const running = outer ? runThroughAside(loss, outer, call, signal) : runAside(loss, call, signal)
      const { value, count } = await running
      return result(configuration, call, value, count)
    }

  const bind: Form<unknown> = (...given) => {
    const configuration = configure(loss, 'bind', given[inputs])
    const place = placeOf(loss, configuration, given)
    const wanted = configuration.grad ? VALUE_AND_GRAD : BOUND_VALUE
    if (place !== undefined) return bindOnDevice(loss, configuration, wanted, given, place)
    const call = prepare(loss, configuration, wanted, given)
    const compute = outer === undefined ? prepareRun(loss, call) : prepareRunThrough(loss, outer, call)
    const isNumber = configuration.reduction !== 'none' && !configuration.zeroWhenEmpty
    const run = isNumber ? compute : () => toValue(configuration, call, compute(), countOfLast())
    return Object.assign(run, { grad: call.gradients, values: call.values })
  }

  const value = plainValue(loss, now(VALUE, toValue, onlyValue))
  // Members of an object are named after it, but called by their own names.
  Object.defineProperty(value, 'name', { value: loss.name.slice(loss.name.lastIndexOf('.') + 1) })
  const asideValue = aside(VALUE, toValue, onlyValue)
  describe(value, descriptionOfDefinition(loss))
  const members = { lossName: loss.name, async: asideValue, bind, accumulator: accumulatorOf(loss) }
  if (loss.kernel.grads.length === 0) return Object.assign(value, members) as L
  return Object.assign(value, {
    ...members,
    grad: plainGradient(loss, GRAD, now(GRAD, toGrad, onlyGrad)),
    valueAndGrad: plainGradient(loss, VALUE_AND_GRAD, now(VALUE_AND_GRAD, toValueAndGrad, both)),
    async: Object.assign(asideValue, {
      grad: aside(GRAD, toGrad, onlyGrad),
      valueAndGrad: aside(VALUE_AND_GRAD, toValueAndGrad, both),
    }),
  }) as L
}

type Result = (configuration: Configuration, call: Call, reduced: number, count: number) => unknown

const toValue: Result = ({ reduction, zeroWhenEmpty }, call, reduced, count) => {
  if (reduction === 'none') return call.values
  // NaN is what the mean of nothing is, but NaN may also stand in the inputs.
  return zeroWhenEmpty && count === 0 && Number.isNaN(reduced) ? 0 : reduced
}

const toGrad: Result = (_configuration, call) => call.gradients

const toValueAndGrad: Result = (configuration, call, reduced, count) => ({
  value: toValue(configuration, call, reduced, count),
  grad: call.gradients,
})

/** What of the results of a device a form gives. */
type OfDevice = (made: OnDevice | Awaited) => unknown

const onlyValue: OfDevice = ({ value }) => value
const onlyGrad: OfDevice = ({ grad }) => grad
const both: OfDevice = made => made
